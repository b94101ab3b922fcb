import { NEVER } from "@seville/core";
import {
  addressBits,
  IPV6_ANY,
  isLinkLocal,
  isMulticast,
  isUnspecified,
  type IpAddress,
  type Ipv6Address,
} from "@seville/packet";
import { errnoError } from "../host/errno.ts";
import type { Host } from "../host/host.ts";
import { RT_SCOPE_HOST, RT_SCOPE_LINK, RT_SCOPE_UNIVERSE } from "../interface/interface-address.ts";
import type { NetInterface } from "../interface/net-interface.ts";
import { createFlow4, createFlow6, type Flow } from "./flow.ts";
import { maskAddress } from "./prefix-key.ts";
import { checkedSelection } from "./hop-selection.ts";
import {
  IP6_RT_PRIO_USER,
  RT_TABLE_LOCAL,
  RT_TABLE_MAIN,
  RTNH_F_LINKDOWN,
  RTNH_F_ONLINK,
  type NewRoute,
  type Route,
  type RouteHop,
  type RouteType,
} from "./route.ts";
import type { RouteLookup } from "./route-lookup.ts";

type HopRequest = NonNullable<NewRoute["hops"]>[number];

/** `rtnh_hops` holds the weight minus one in a byte. */
const MAX_WEIGHT = 256;

/** Types that lead nowhere and so have no next hop. */
const REFUSALS: ReadonlySet<RouteType> = new Set(["blackhole", "unreachable", "prohibit", "throw"]);

/** Fills a new route up with the kernel's defaults and checks it as `fib_create_info` and `ip6_route_info_create` do. */
export function makeRoute<A extends IpAddress>(host: Host, fib: RouteLookup<A>, given: NewRoute): Route {
  const { destination, prefixLength, type = "unicast" } = given;
  const family = typeof destination === "number" ? 4 : 6;
  if (!Number.isInteger(prefixLength) || prefixLength < 0 || prefixLength > addressBits(destination)) {
    throw errnoError("EINVAL", "Invalid prefix length", "prefixLength");
  }
  const network = maskAddress(destination, prefixLength);
  if (network !== withoutZone(destination))
    throw errnoError("EINVAL", "Invalid prefix for given prefix length", "destination");
  const requests = hopRequests(given);
  const isLocal = type === "local" || type === "broadcast" || type === "anycast";
  const hops: RouteHop[] = [];
  const route: Route = {
    family,
    table: given.table ?? (isLocal ? RT_TABLE_LOCAL : RT_TABLE_MAIN),
    destination: network,
    prefixLength,
    tos: given.tos ?? 0,
    type,
    protocol: given.protocol ?? "boot",
    scope: given.scope ?? defaultScope(family, type, requests),
    priority: given.priority ?? (family === 6 && type !== "local" ? IP6_RT_PRIO_USER : 0),
    preference: given.preference ?? 0,
    prefsrc: given.prefsrc === undefined ? undefined : checkedPrefsrc(host, given.prefsrc),
    metrics: given.metrics ?? {},
    hops,
    ...(given.selection === undefined ? {} : { selection: checkedSelection(given.selection) }),
    expires: given.expires ?? NEVER,
  };
  if (REFUSALS.has(type)) {
    if (requests.some((hop) => hop.dev !== undefined || hop.gateway !== undefined)) {
      throw errnoError("EINVAL", `a route of type ${type} has no next hop`, "hops");
    }
    hops.push({ route, dev: undefined, gateway: undefined, weight: 1, flags: 0 });
    return route;
  }
  if (requests.length === 0) throw errnoError("ENODEV", "a route needs a device or a gateway", "hops");
  for (const request of requests) hops.push(makeHop(host, fib, route, request));
  return route;
}

function hopRequests(given: NewRoute): readonly HopRequest[] {
  const { dev, gateway, onlink, hops } = given;
  if (dev === undefined && gateway === undefined) return hops ?? [];
  if (hops !== undefined) throw errnoError("EINVAL", "say either hops, or dev and gateway", "hops");
  return [
    {
      ...(dev === undefined ? {} : { dev }),
      ...(gateway === undefined ? {} : { gateway }),
      ...(onlink === undefined ? {} : { onlink }),
    },
  ];
}

/** `ip route`: host scope for local routes, link for those without a gateway, else global. IPv6 has no scopes here. */
function defaultScope(family: 4 | 6, type: RouteType, hops: readonly HopRequest[]): number {
  if (family === 6) return RT_SCOPE_UNIVERSE;
  if (type === "local") return RT_SCOPE_HOST;
  if (type === "broadcast" || type === "multicast") return RT_SCOPE_LINK;
  return type === "unicast" && hops.some((hop) => hop.gateway === undefined) ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
}

function makeHop<A extends IpAddress>(host: Host, fib: RouteLookup<A>, route: Route, request: HopRequest): RouteHop {
  const { gateway: raw, weight = 1, onlink = false } = request;
  if (!Number.isInteger(weight) || weight < 1 || weight > MAX_WEIGHT) {
    throw errnoError("EINVAL", `a next hop weighs from 1 to ${MAX_WEIGHT}`, "weight");
  }
  const gateway = raw === undefined ? undefined : withoutZone(raw);
  const dev = request.dev ?? zoneDevice(host, raw);
  const checked = gateway === undefined ? dev : gatewayDevice(host, gateway, dev, onlink);
  if (checked === undefined) throw errnoError("ENODEV", "Egress device not specified", "dev");
  if (!checked.isUp && route.type !== "local") throw errnoError("ENETDOWN", "Nexthop device is not up", "dev");
  const flags = (onlink ? RTNH_F_ONLINK : 0) | (checked.carrier || route.type === "local" ? 0 : RTNH_F_LINKDOWN);
  return { route, dev: checked, gateway, weight, flags };
}

/** Through which device the gateway is on a link (`fib_check_nh_v4_gw`, `ip6_route_check_nh`). */
function gatewayDevice(host: Host, gateway: IpAddress, dev: NetInterface | undefined, onlink: boolean): NetInterface {
  if (isUnspecified(gateway) || isMulticast(gateway))
    throw errnoError("EINVAL", "Nexthop has invalid gateway", "gateway");
  if (onlink) {
    if (dev === undefined) throw errnoError("ENODEV", "Nexthop device required for onlink", "dev");
    return dev;
  }
  if (isLinkLocal(gateway) && typeof gateway !== "number") {
    if (dev === undefined) throw errnoError("EINVAL", "Egress device not specified", "dev");
    return dev;
  }
  const family = typeof gateway === "number" ? 4 : 6;
  const hop =
    family === 4
      ? lookupGateway(host.ipv4.fib, createFlow4(), gateway as number, dev)
      : lookupGateway(host.ipv6.fib, createFlow6(), gateway as Ipv6Address, dev);
  if (hop === undefined) {
    if (family === 4) throw errnoError("ENETUNREACH", "Nexthop has invalid gateway", "gateway");
    throw errnoError("EHOSTUNREACH", "Nexthop has invalid gateway", "gateway");
  }
  const { type } = hop.route;
  if (type === "local" && family === 6) throw errnoError("EINVAL", "Gateway can not be a local address", "gateway");
  if (type !== "unicast" && type !== "local") throw errnoError("EINVAL", "Nexthop has invalid gateway", "gateway");
  if (hop.gateway !== undefined)
    throw errnoError(family === 4 ? "ENETUNREACH" : "EHOSTUNREACH", "Nexthop has invalid gateway", "gateway");
  return dev ?? (hop.dev as NetInterface);
}

function lookupGateway<A extends IpAddress>(
  fib: RouteLookup<A>,
  flow: Flow<A>,
  gateway: A,
  dev: NetInterface | undefined,
): RouteHop | undefined {
  flow.destination = gateway;
  flow.oif = dev?.ifindex ?? 0;
  flow.l3mdev = dev?.l3mdevIndex ?? 0;
  return fib.lookup(flow);
}

/** A preferred source must be one of the host's addresses (`fib_valid_prefsrc`). */
function checkedPrefsrc(host: Host, prefsrc: IpAddress): IpAddress {
  const address = withoutZone(prefsrc);
  for (const iface of host.interfaces) {
    const addresses = typeof address === "number" ? iface.v4.addresses : iface.v6.addresses;
    if (addresses.some((own) => own.address === address)) return address;
  }
  throw errnoError("EINVAL", "Invalid prefsrc address", "prefsrc");
}

/** `fe80::1%eth0` names the device by its zone. */
function zoneDevice(host: Host, gateway: IpAddress | undefined): NetInterface | undefined {
  if (gateway === undefined || typeof gateway === "number" || gateway.zone === "") return undefined;
  return host.interfaces.named(gateway.zone);
}

function withoutZone(address: IpAddress): IpAddress {
  return typeof address === "number" || address === IPV6_ANY ? address : address.withZone("");
}
