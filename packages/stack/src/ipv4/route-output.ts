import { isLimitedBroadcast, isLinkLocalMulticast, isLoopback, isMulticast } from "@seville/packet";
import { selectInetAddress, type Inet4Interface } from "../address/inet-select.ts";
import type { Errno } from "../host/errno.ts";
import type { Host } from "../host/host.ts";
import { IPPROTO_IGMP } from "../host/protocols.ts";
import { RT_SCOPE_LINK, RT_SCOPE_UNIVERSE } from "../interface/interface-address.ts";
import type { NetInterface } from "../interface/net-interface.ts";
import type { Flow } from "../route/flow.ts";
import type { Route, RouteHop, RouteType } from "../route/route.ts";

/**
 * The way for a packet made here, and `flow.source` filled in if it was 0 (`ip_route_output_key_hash_rcu`,
 * net/ipv4/route.c). Answers the errno where there is none. Pure: nothing is counted.
 */
export function routeOutput4(host: Host, flow: Flow<number>): RouteHop | Errno {
  const bad = checkSource(host, flow);
  if (bad !== undefined) return bad;
  const group = isMulticast(flow.destination) || isLimitedBroadcast(flow.destination);
  let out: NetInterface | undefined;
  if (flow.oif !== 0) {
    out = host.interfaces.get(flow.oif);
    if (out === undefined) return "ENODEV";
    if (!out.isUp && out.device.l3mdev === undefined) return "ENETUNREACH";
    if (
      isLinkLocalMulticast(flow.destination) ||
      isLimitedBroadcast(flow.destination) ||
      flow.protocol === IPPROTO_IGMP
    ) {
      if (flow.source === 0) flow.source = select4(host, out, 0, RT_SCOPE_LINK);
      return linkHop(host, out, group ? groupType(flow.destination) : "unicast");
    }
    if (flow.source === 0 && isMulticast(flow.destination)) flow.source = select4(host, out, 0, RT_SCOPE_UNIVERSE);
  } else if (group && flow.source !== 0) {
    // Without a route, a group goes out where its source address lives.
    const home = deviceOf4(host, flow.source);
    if (home !== undefined) return linkHop(host, home, groupType(flow.destination));
  }
  if (flow.destination === 0) {
    flow.destination = flow.source === 0 ? 0x7f00_0001 : flow.source;
    if (flow.source === 0) flow.source = flow.destination;
  }
  const hop = host.ipv4.fib.lookup(flow);
  if (hop === undefined) {
    if (out === undefined || out.device.l3mdev !== undefined) return "ENETUNREACH";
    // A socket bound to a device may always try the link (`FLOWI_FLAG` oif, no route).
    if (flow.source === 0) flow.source = select4(host, out, 0, RT_SCOPE_LINK);
    return linkHop(host, out, group ? groupType(flow.destination) : "unicast");
  }
  return finishLookup(host, flow, hop);
}

function finishLookup(host: Host, flow: Flow<number>, hop: RouteHop): RouteHop | Errno {
  const { type, prefsrc } = hop.route;
  const refused = errnoOfType(type);
  if (refused !== undefined) return refused;
  if (type === "local") {
    if (flow.source === 0) flow.source = typeof prefsrc === "number" && prefsrc !== 0 ? prefsrc : flow.destination;
    return hop;
  }
  const dev = hop.dev as NetInterface;
  if (flow.source === 0) {
    const towards = typeof hop.gateway === "number" ? hop.gateway : flow.destination;
    flow.source = typeof prefsrc === "number" ? prefsrc : select4(host, dev, towards, hop.route.scope);
  }
  if (flow.destination >>> 24 === 0) return "EINVAL";
  if (isLoopback(flow.source) && !dev.isLoopback && !routesLocalnet(host, dev)) return "EINVAL";
  if (isMulticast(flow.destination) || isLimitedBroadcast(flow.destination))
    return linkHop(host, dev, groupType(flow.destination));
  return redirected(host, flow, hop);
}

/** A redirect told of a better gateway. */
function redirected(host: Host, flow: Flow<number>, hop: RouteHop): RouteHop {
  const exception = host.ipv4.exceptions.get(flow.destination);
  if (exception?.gateway === undefined || exception.dev !== hop.dev) return hop;
  return { ...hop, gateway: exception.gateway, spray: undefined };
}

/** What a route that refuses means to the sender (`fib_props`, net/ipv4/fib_semantics.c). */
export function errnoOfType(type: RouteType): Errno | undefined {
  switch (type) {
    case "blackhole":
      return "EINVAL";
    case "unreachable":
      return "EHOSTUNREACH";
    case "prohibit":
      return "EACCES";
    default:
      return undefined;
  }
}

function checkSource(host: Host, flow: Flow<number>): Errno | undefined {
  const { source } = flow;
  if (source === 0) return undefined;
  if (isMulticast(source) || isLimitedBroadcast(source) || source >>> 24 === 0) return "EINVAL";
  return host.ipv4.localAddresses.has(source) || isLoopback(source) || flow.anySource ? undefined : "EINVAL";
}

/** `inet_select_addr`: the best source on `dev` towards `destination`, 0 if there is none anywhere. */
export function select4(host: Host, dev: NetInterface, destination: number, scope: number): number {
  return selectInetAddress(
    view4(host, dev),
    destination,
    scope,
    [...host.interfaces].filter((other) => other.l3mdevIndex === dev.l3mdevIndex).map((other) => view4(host, other)),
  );
}

function view4(host: Host, dev: NetInterface): Inet4Interface {
  return { addresses: dev.v4.addresses, routeLocalnet: routesLocalnet(host, dev) };
}

export function routesLocalnet(host: Host, dev: NetInterface): boolean {
  return (host.ipv4.confAll.route_localnet | dev.v4.conf.route_localnet) !== 0;
}

/** The interface that has `address` (`__ip_dev_find`). */
export function deviceOf4(host: Host, address: number): NetInterface | undefined {
  for (const iface of host.interfaces) if (iface.v4.addresses.some((own) => own.address === address)) return iface;
  return undefined;
}

/** A way that no table has: straight onto the link of `dev`. */
export function linkHop(host: Host, dev: NetInterface, type: RouteType): RouteHop {
  const { linkHops } = host.ipv4;
  const name = `${type} ${dev.ifindex}`;
  let hop = linkHops.get(name);
  if (hop?.dev !== dev) {
    const hops: RouteHop[] = [];
    const route: Route = {
      family: 4,
      table: 0,
      destination: 0,
      prefixLength: 0,
      tos: 0,
      type,
      protocol: "unspec",
      scope: RT_SCOPE_LINK,
      priority: 0,
      preference: 0,
      prefsrc: undefined,
      metrics: {},
      hops,
      expires: Infinity,
    };
    hop = { route, dev, gateway: undefined, weight: 1, flags: 0 };
    hops.push(hop);
    linkHops.set(name, hop);
  }
  return hop;
}

function groupType(destination: number): RouteType {
  return isLimitedBroadcast(destination) ? "broadcast" : "multicast";
}
