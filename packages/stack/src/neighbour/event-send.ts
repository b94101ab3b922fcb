import { NS_PER_SEC } from "@seville/core";
import type { Packet } from "@seville/packet";
import type { Neighbour } from "./neighbour.ts";
import { NUD_CONNECTED, NUD_DELAY, NUD_FAILED, NUD_INCOMPLETE, NUD_PROBE, NUD_STALE } from "./nud-state.ts";
import { retransTime } from "./parameters.ts";
import { probe } from "./probe.ts";
import type { NeighbourTable } from "./table.ts";

/**
 * A packet for a neighbour that is not connected (`neigh_event_send` and `neigh_resolve_output`): an unknown address is
 * asked for while the packet waits, a stale one is used and will be verified. Takes the packet.
 */
export function sendWhenResolved<Key>(
  table: NeighbourTable<Key>,
  neighbour: Neighbour<Key>,
  packet: Packet | undefined,
): void {
  const now = table.scheduler.now;
  neighbour.used = now;
  const { conf } = neighbour.device;
  if (neighbour.dead) {
    if (packet !== undefined) table.operations.drop(packet, "NEIGH_DEAD");
    return;
  }
  if ((neighbour.nudState & (NUD_CONNECTED | NUD_DELAY | NUD_PROBE)) !== 0) {
    if (packet !== undefined) table.operations.transmit(neighbour, packet);
    return;
  }
  if (neighbour.nudState === NUD_STALE) {
    neighbour.nudState = NUD_DELAY;
    neighbour.updated = now;
    table.timers.arm(neighbour, now + conf.delay_first_probe_time * NS_PER_SEC);
    if (packet !== undefined) table.operations.transmit(neighbour, packet);
    return;
  }
  const begins = neighbour.nudState !== NUD_INCOMPLETE;
  if (begins) {
    if (conf.mcast_solicit + conf.app_solicit === 0) {
      neighbour.nudState = NUD_FAILED;
      neighbour.updated = now;
      if (packet !== undefined) table.operations.drop(packet, "NEIGH_FAILED");
      return;
    }
    // As if the unicast probes were spent: there is no address yet to send them to.
    neighbour.probes = conf.ucast_solicit;
    neighbour.nudState = NUD_INCOMPLETE;
    neighbour.updated = now;
    table.timers.arm(neighbour, now + retransTime(conf));
  }
  if (packet !== undefined) enqueue(table, neighbour, packet);
  if (begins) probe(table, neighbour);
}

/** Puts `packet` behind those that wait; the oldest make room (`unres_qlen_bytes`, NEIGH_QUEUEFULL). */
function enqueue<Key>(table: NeighbourTable<Key>, neighbour: Neighbour<Key>, packet: Packet): void {
  const bytes = memoryOf(packet);
  while (neighbour.queueBytes + bytes > neighbour.device.conf.unres_qlen_bytes) {
    const oldest = neighbour.queue.shift();
    if (oldest === undefined) break;
    neighbour.queueBytes -= memoryOf(oldest);
    table.statistics.unresDiscards++;
    table.operations.drop(oldest, "NEIGH_QUEUEFULL");
  }
  neighbour.queue.push(packet);
  neighbour.queueBytes += bytes;
}

/** Our `skb->truesize`: the slot that the packet keeps, and those of its fragments. */
function memoryOf(packet: Packet): number {
  let bytes = packet.end - packet.head;
  if (packet.fragList !== undefined) for (const fragment of packet.fragList) bytes += fragment.end - fragment.head;
  return bytes;
}
