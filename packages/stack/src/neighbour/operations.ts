import type { DropReason } from "@seville/core";
import type { Packet } from "@seville/packet";
import type { NeighbourDevice } from "./device.ts";
import type { Neighbour } from "./neighbour.ts";

/** What a table asks of the protocol above it (ARP or neighbour discovery) and of the device below. */
export interface NeighbourOperations<Key> {
  /**
   * Ask for the address: to `neighbour.lladdr` alone if `unicast`, else to everyone who may know.
   * `waiting` is the newest packet that waits (its source address is the best one to ask from); it stays queued.
   */
  solicit(neighbour: Neighbour<Key>, unicast: boolean, waiting: Packet | undefined): void;
  /** Puts `neighbour.lladdr` in front of `packet` and sends it. Takes the packet. */
  transmit(neighbour: Neighbour<Key>, packet: Packet): void;
  /** Nobody answered: report it to whoever sent `packet` (ICMP host unreachable …) and drop it (NEIGH_FAILED). Takes the packet. */
  unreachable(neighbour: Neighbour<Key>, packet: Packet): void;
  /** `packet` is dropped. Takes it. */
  drop(packet: Packet, reason: DropReason): void;
  /**
   * What is known of `key` without asking: the link-layer address of multicast, broadcast and devices without addresses
   * (NUD_NOARP), or `undefined`: ask.
   */
  known?(key: Key, device: NeighbourDevice<Key>): { readonly lladdr: number } | undefined;
  /** A daemon in user space should resolve it (`app_solicit`). */
  askApplication?(neighbour: Neighbour<Key>): void;
  /** State, address or flags changed: what RTM_NEWNEIGH and RTM_DELNEIGH say. */
  changed?(neighbour: Neighbour<Key>, removed: boolean): void;
}

/** Counters of a table: the columns of `/proc/net/stat/arp_cache` and `ndisc_cache` that apply here. */
export interface NeighbourStatistics {
  allocs: number;
  destroys: number;
  lookups: number;
  hits: number;
  resFailed: number;
  rcvProbesMcast: number;
  rcvProbesUcast: number;
  periodicGcRuns: number;
  forcedGcRuns: number;
  unresDiscards: number;
  tableFulls: number;
}

export function neighbourStatistics(): NeighbourStatistics {
  return {
    allocs: 0,
    destroys: 0,
    lookups: 0,
    hits: 0,
    resFailed: 0,
    rcvProbesMcast: 0,
    rcvProbesUcast: 0,
    periodicGcRuns: 0,
    forcedGcRuns: 0,
    unresDiscards: 0,
    tableFulls: 0,
  };
}
