import type { Nanos } from "@seville/core";
import type { IpAddress, Packet } from "@seville/packet";
import type { NetInterface } from "../interface/net-interface.ts";

/** `rtm_type` (include/uapi/linux/rtnetlink.h), by the words of `ip route`. */
export type RouteType =
  "unicast" | "local" | "broadcast" | "anycast" | "multicast" | "blackhole" | "unreachable" | "prohibit" | "throw";

/** Who made the route (`rtm_protocol`), by the words of /etc/iproute2/rt_protos. */
export type RouteProtocol =
  | "unspec"
  | "redirect"
  | "kernel"
  | "boot"
  | "static"
  | "ra"
  | "dhcp"
  | "bird"
  | "zebra"
  | "bgp"
  | "ospf"
  | "isis"
  | "rip";

/** `rtm_table`s that every host has. */
export const RT_TABLE_DEFAULT = 253;
export const RT_TABLE_MAIN = 254;
export const RT_TABLE_LOCAL = 255;

/** Metric of IPv6 routes that say none (`IP6_RT_PRIO_USER`), and of those that come with an address (`IP6_RT_PRIO_ADDRCONF`). */
export const IP6_RT_PRIO_USER = 1024;
export const IP6_RT_PRIO_ADDRCONF = 256;

/** `RTNH_F_…` of a next hop (include/uapi/linux/rtnetlink.h). */
export const RTNH_F_DEAD = 1;
export const RTNH_F_ONLINK = 4;
export const RTNH_F_OFFLOAD = 8;
export const RTNH_F_LINKDOWN = 16;

/** `RTAX_…`: what a route says of its path. Absent: not said. */
export interface RouteMetrics {
  readonly mtu?: number;
  /** The MTU is fixed: a smaller one that is learned is not believed. */
  readonly mtuLock?: boolean;
  readonly hoplimit?: number;
  readonly advmss?: number;
  readonly window?: number;
  readonly rtt?: number;
  readonly initcwnd?: number;
  readonly initrwnd?: number;
  readonly quickack?: number;
  readonly features?: number;
  readonly congctl?: string;
}

/**
 * How a route with several hops chooses among those that are usable.
 *
 * - `hash`: a flow keeps its way, by `fib_multipath_hash_policy`; what Linux does
 * - `flowlet`: a burst of a flow keeps its way; after a pause of more than `gap` ns (default 500 µs) it may take another.
 *   `flowlets` entries are remembered (default 1024)
 * - `random`: each packet for itself (random packet spraying)
 * - `round-robin`: in turn
 * - `better-of-two`: of `samples` (default 2) at random and the `memory` (default 1) best of before, the one with the
 *   shortest queue (DRILL)
 *
 * All but `better-of-two` give each hop its share by weight; that one draws its samples by weight.
 */
export type HopSelection =
  | { readonly policy: "hash" }
  | { readonly policy: "flowlet"; readonly gap?: Nanos; readonly flowlets?: number }
  | { readonly policy: "random" }
  | { readonly policy: "round-robin" }
  | { readonly policy: "better-of-two"; readonly samples?: number; readonly memory?: number };

/** Chooses a hop for each packet as it leaves. */
export interface HopSelector {
  readonly selection: HopSelection;
  /** The hop for `packet`, its IP header at `networkHeader`. Counts as its transmission: asked once. */
  next(packet: Packet, now: Nanos): RouteHop;
}

/** One way of a route. What a lookup answers: the route and the way chosen, in one object that lasts. */
export interface RouteHop {
  readonly route: Route;
  /** `undefined` only for blackhole, unreachable, prohibit and throw. */
  readonly dev: NetInterface | undefined;
  /** May be of the other family (RFC 5549); `undefined`: the destination is on the link. */
  readonly gateway: IpAddress | undefined;
  readonly weight: number;
  /** `RTNH_F_…`; dead and linkdown change with the interface. */
  flags: number;
  /**
   * Not the last word: the packet takes the hop that this chooses when it leaves. Until then this hop stands for all of its
   * route. Absent: packets take this hop.
   */
  spray?: HopSelector | undefined;
}

/** A route: `struct fib_info` and `fib6_info`. Does not change but for the flags of its hops and its expiry. */
export interface Route {
  readonly family: 4 | 6;
  readonly table: number;
  /** Host bits are zero. */
  readonly destination: IpAddress;
  readonly prefixLength: number;
  /** IPv4: only for packets with this DSCP; 0: any. */
  readonly tos: number;
  readonly type: RouteType;
  readonly protocol: RouteProtocol;
  readonly scope: number;
  /** Smaller is better; `metric` of `ip route`. */
  readonly priority: number;
  /** RFC 4191 preference of a default route that a router told: -1, 0, 1. */
  readonly preference: number;
  readonly prefsrc: IpAddress | undefined;
  readonly metrics: RouteMetrics;
  readonly hops: readonly RouteHop[];
  /** Absent: `hash`. */
  readonly selection?: HopSelection;
  expires: Nanos;
}

/** What a caller says of a new route; all else has the kernel's defaults. */
export interface NewRoute {
  readonly destination: IpAddress;
  readonly prefixLength: number;
  readonly table?: number;
  readonly tos?: number;
  readonly type?: RouteType;
  readonly protocol?: RouteProtocol;
  readonly scope?: number;
  readonly priority?: number;
  readonly preference?: number;
  readonly prefsrc?: IpAddress;
  readonly metrics?: RouteMetrics;
  /** One of `dev` and `gateway` or both, or `hops`; neither for the types that go nowhere. */
  readonly dev?: NetInterface;
  readonly gateway?: IpAddress;
  readonly onlink?: boolean;
  readonly hops?: readonly {
    readonly dev?: NetInterface;
    readonly gateway?: IpAddress;
    readonly weight?: number;
    readonly onlink?: boolean;
  }[];
  /** How to choose among `hops`. Default: `hash`. */
  readonly selection?: HopSelection;
  readonly expires?: Nanos;
}

/** Which routes are meant; what is absent matches any. */
export interface RouteSelector {
  readonly destination: IpAddress;
  readonly prefixLength: number;
  readonly table?: number;
  readonly tos?: number;
  readonly type?: RouteType;
  readonly protocol?: RouteProtocol;
  readonly priority?: number;
  readonly dev?: NetInterface;
  readonly gateway?: IpAddress;
}
