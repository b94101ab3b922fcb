import type { Packet } from "@seville/packet";
import { ipv4Conf, ipv4RouteSysctls, ipv4Sysctls, neighConf } from "../host/sysctl-ipv4.ts";
import type { Ipv4Conf, Ipv4RouteSysctls, Ipv4Sysctls, NeighConf } from "../host/sysctl-ipv4.ts";
import type { TransportProtocol } from "../host/protocols.ts";
import type { NetInterface } from "../interface/net-interface.ts";
import type { Fib } from "../route/route-lookup.ts";

/** All that a host's IPv4 keeps: `struct netns_ipv4`. */
export interface Ipv4Layer {
  readonly sysctl: Ipv4Sysctls;
  readonly route: Ipv4RouteSysctls;
  readonly confAll: Ipv4Conf;
  readonly confDefault: Ipv4Conf;
  readonly neighDefault: NeighConf;
  readonly fib: Fib<number>;
  /** By protocol number. */
  readonly protocols: Map<number, TransportProtocol>;
  /** Raw sockets see every packet for this host first. They only borrow it. */
  rawDeliver: ((packet: Packet, protocol: number, dev: NetInterface) => boolean) | undefined;
}

export function createIpv4Layer(fib: Fib<number>): Ipv4Layer {
  return {
    sysctl: ipv4Sysctls(),
    route: ipv4RouteSysctls(),
    confAll: ipv4Conf(),
    confDefault: ipv4Conf(),
    neighDefault: neighConf(4),
    fib,
    protocols: new Map(),
    rawDeliver: undefined,
  };
}
