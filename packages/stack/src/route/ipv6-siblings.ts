import { errnoError } from "../host/errno.ts";
import type { Route, RouteHop } from "./route.ts";
import type { RouteTable } from "./route-lookup.ts";

/**
 * IPv6 keeps routes of one destination and metric as one route with several hops, if all have a gateway
 * (`rt6_qualify_for_ecmp`, `fib6_add_rt2node` in net/ipv6/ip6_fib.c). This finds the route that `route` joins.
 */
export function findSibling(table: RouteTable, route: Route): Route | undefined {
  for (const other of table.routes()) {
    if (other.prefixLength !== route.prefixLength || other.destination !== route.destination) continue;
    if (other.priority !== route.priority) continue;
    if (route.hops.every((hop) => other.hops.some((theirs) => sameHop(hop, theirs)))) {
      throw errnoError("EEXIST", "there is a route by this next hop already", "route");
    }
    if (hasGateways(other) && hasGateways(route)) return other;
  }
  return undefined;
}

/** `route` and `more` as one. */
export function withSibling(route: Route, more: Route): Route {
  const hops: RouteHop[] = [];
  const joined: Route = { ...route, hops };
  for (const hop of [...route.hops, ...more.hops]) hops.push({ ...hop, route: joined });
  return joined;
}

/** Ways that routers told stay routes of their own: hosts choose one router, they do not spread (RTF_ADDRCONF). */
function hasGateways(route: Route): boolean {
  return route.protocol !== "ra" && route.hops.every((hop) => hop.gateway !== undefined);
}

function sameHop(a: RouteHop, b: RouteHop): boolean {
  return a.dev === b.dev && a.gateway === b.gateway;
}
