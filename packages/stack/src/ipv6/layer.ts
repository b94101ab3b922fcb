import type { Nanos } from "@seville/core";
import type { Ipv6Address, Packet } from "@seville/packet";
import { Delivery } from "../device/delivery.ts";
import { trustChecksum } from "../device/loopback.ts";
import type { Host } from "../host/host.ts";
import type { IcmpError, TransportProtocol } from "../host/protocols.ts";
import { neighConf, type NeighConf } from "../host/sysctl-ipv4.ts";
import {
  icmpv6Sysctls,
  ipv6Conf,
  ipv6RouteSysctls,
  ipv6Sysctls,
  type Icmpv6Sysctls,
  type Ipv6Conf,
  type Ipv6RouteSysctls,
  type Ipv6Sysctls,
} from "../host/sysctl-ipv6.ts";
import { PeerLimit } from "../icmp/rate-limit.ts";
import type { NetInterface } from "../interface/net-interface.ts";
import { CB_LOOPED } from "../packet-cb.ts";
import { RouteExceptions } from "../route/exceptions.ts";
import { TableFib } from "../route/fib.ts";
import type { RouteHop } from "../route/route.ts";
import type { Fib } from "../route/route-lookup.ts";
import { deliver6 } from "./deliver.ts";
import { Reassembly6 } from "./reassembly.ts";

/**
 * Takes one type of ICMPv6 message with a right checksum, `data` and `transportHeader` at the ICMPv6 header,
 * `networkHeader` at the IPv6 header, and owns it.
 */
export type Icmpv6Handler = (packet: Packet, dev: NetInterface, now: Nanos) => void;

/**
 * Chooses the source address for a packet to `destination` that leaves by `dev` (RFC 6724 §5);
 * `undefined`: there is none. `preferences` are `IPV6_PREFER_SRC_…` bits (RFC 5014), 0: the defaults.
 */
export type SelectSource6 = (
  destination: Ipv6Address,
  dev: NetInterface | undefined,
  preferences: number,
) => Ipv6Address | undefined;

/** All that a host's IPv6 keeps: `struct netns_ipv6`. */
export class Ipv6Layer {
  readonly sysctl: Ipv6Sysctls = ipv6Sysctls();
  readonly icmpSysctl: Icmpv6Sysctls = icmpv6Sysctls();
  readonly route: Ipv6RouteSysctls = ipv6RouteSysctls();
  readonly confAll: Ipv6Conf = ipv6Conf();
  readonly confDefault: Ipv6Conf = ipv6Conf();
  readonly neighDefault: NeighConf = neighConf(6);
  readonly fib: Fib<Ipv6Address>;
  readonly protocols: Map<number, TransportProtocol> = new Map<number, TransportProtocol>();
  /** By ICMPv6 type: neighbour discovery and MLD register here. Errors and echo are handled by `src/ipv6/icmpv6*.ts`. */
  readonly icmpHandlers: Map<number, Icmpv6Handler> = new Map<number, Icmpv6Handler>();
  readonly exceptions: RouteExceptions<Ipv6Address> = new RouteExceptions<Ipv6Address>();
  readonly reassembly: Reassembly6;
  readonly peerLimit: PeerLimit<Ipv6Address> = new PeerLimit<Ipv6Address>();
  /** Set by `src/address/`. */
  selectSource: SelectSource6 = () => undefined;
  /** Neighbour discovery tells the sender of a packet that leaves by where it came in. It borrows the packet. */
  sendRedirect: ((packet: Packet, dev: NetInterface, hop: RouteHop) => void) | undefined = undefined;
  /** Raw sockets see every packet for this host first, `transportHeader` at the upper layer. They only borrow it. */
  rawDeliver: ((packet: Packet, protocol: number, dev: NetInterface) => boolean) | undefined = undefined;
  rawError: ((error: IcmpError) => void) | undefined = undefined;
  /** Ping sockets take echo replies: `true`, and the packet is theirs. */
  pingReceive: ((packet: Packet, dev: NetInterface) => boolean) | undefined = undefined;
  pingError: ((error: IcmpError) => void) | undefined = undefined;
  readonly #host: Host;
  readonly #looped: Delivery;

  constructor(host: Host) {
    this.#host = host;
    this.fib = new TableFib<Ipv6Address>(host, 6);
    this.reassembly = new Reassembly6(host);
    this.#looped = new Delivery(host.scheduler, (packet, now) => {
      const dev = host.interfaces.get(packet.ifindex);
      if (dev === undefined) host.drop(packet, "DEV_READY");
      else deliver6(host, packet, dev, now);
    });
  }

  /** Gives the host itself a copy of a multicast packet that leaves by `out`. */
  loopBack(packet: Packet, out: NetInterface): void {
    const copy = packet.copy();
    if (copy === undefined) return;
    copy.ifindex = out.ifindex;
    copy.cb = CB_LOOPED;
    trustChecksum(copy);
    this.#looped.push(copy);
  }

  /** An identification for fragments: random and never 0, so that nobody can foresee it (RFC 7739 §5.1). */
  nextIdentification(): number {
    const bytes = new Uint8Array(4);
    this.#host.secretRandom(bytes);
    const value = new DataView(bytes.buffer).getUint32(0);
    return value === 0 ? 1 : value;
  }
}
