import type { Nanos } from "@seville/core";
import type { Ipv6Address, Packet } from "@seville/packet";
import type { TransportProtocol } from "../host/protocols.ts";
import { neighConf, type NeighConf } from "../host/sysctl-ipv4.ts";
import { icmpv6Sysctls, ipv6Conf, ipv6RouteSysctls, ipv6Sysctls } from "../host/sysctl-ipv6.ts";
import type { Icmpv6Sysctls, Ipv6Conf, Ipv6RouteSysctls, Ipv6Sysctls } from "../host/sysctl-ipv6.ts";
import type { NetInterface } from "../interface/net-interface.ts";
import type { Fib } from "../route/route-lookup.ts";

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
export interface Ipv6Layer {
  readonly sysctl: Ipv6Sysctls;
  readonly icmpSysctl: Icmpv6Sysctls;
  readonly route: Ipv6RouteSysctls;
  readonly confAll: Ipv6Conf;
  readonly confDefault: Ipv6Conf;
  readonly neighDefault: NeighConf;
  readonly fib: Fib<Ipv6Address>;
  readonly protocols: Map<number, TransportProtocol>;
  /** By ICMPv6 type: neighbour discovery and MLD register here. Errors and echo are handled by `src/ipv6/icmpv6*.ts`. */
  readonly icmpHandlers: Map<number, Icmpv6Handler>;
  /** Set by `src/address/`. */
  selectSource: SelectSource6;
  rawDeliver: ((packet: Packet, protocol: number, dev: NetInterface) => boolean) | undefined;
}

export function createIpv6Layer(fib: Fib<Ipv6Address>): Ipv6Layer {
  return {
    sysctl: ipv6Sysctls(),
    icmpSysctl: icmpv6Sysctls(),
    route: ipv6RouteSysctls(),
    confAll: ipv6Conf(),
    confDefault: ipv6Conf(),
    neighDefault: neighConf(6),
    fib,
    protocols: new Map(),
    icmpHandlers: new Map(),
    selectSource: () => undefined,
    rawDeliver: undefined,
  };
}
