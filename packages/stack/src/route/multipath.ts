import type { Host } from "../host/host.ts";
import type { Flow } from "./flow.ts";
import { hashKeys, hashPacket, keysOfFlow } from "./multipath-keys.ts";
import type { Route, RouteHop } from "./route.ts";

const TWO_31 = 0x8000_0000;

/**
 * One of the usable hops of `route`, the same for every packet of a flow, in proportion to the weights
 * (`fib_rebalance` and `fib_select_multipath`, net/ipv4/fib_semantics.c; `rt6_upper_bound_set`): each hop has the hashes up to
 * its upper bound. The caller knows that there is at least one.
 */
export function chooseHop(host: Host, route: Route, flow: Flow, usable: (hop: RouteHop) => boolean): RouteHop {
  const { hops } = route;
  let total = 0;
  for (const hop of hops) if (usable(hop)) total += hop.weight;
  const hash = flowHash31(host, route.family, flow);
  let weight = 0;
  let last = hops[0] as RouteHop;
  for (const hop of hops) {
    if (!usable(hop)) continue;
    last = hop;
    weight += hop.weight;
    if (hash <= upperBound(weight, total)) return hop;
  }
  return last;
}

/** The greatest hash of 31 bits that goes to the hops up to one, `weight` of `total` (`DIV_ROUND_CLOSEST_ULL(w << 31, total) - 1`). */
export function upperBound(weight: number, total: number): number {
  return Math.floor((weight * TWO_31 + Math.floor(total / 2)) / total) - 1;
}

/** The hash by which `flow` chooses: what `flow.hash` says, or computed of its packet, or of its fields. */
function flowHash31(host: Host, family: 4 | 6, flow: Flow): number {
  if (flow.hash !== 0) return flow.hash >>> 1;
  const sysctl = family === 4 ? host.ipv4.sysctl : host.ipv6.sysctl;
  const { fib_multipath_hash_policy: policy, fib_multipath_hash_fields: fields } = sysctl;
  const seed = multipathSeed(host);
  const { packet } = flow;
  if (packet === undefined) return multipathHash(flow, policy, seed, fields) >>> 1;
  return hashPacket(host.memory, packet.networkHeader, packet.tail, family, policy, fields, seed) >>> 1;
}

/** A 32-bit hash of a flow without a packet, by the policy (0: layer 3, 1: layer 4, 2: as 0, 3: `fields`). */
export function multipathHash(flow: Flow, policy: number, seed: number, fields = 0): number {
  keysOfFlow(flow, policy, fields);
  return hashKeys(seed);
}

/** `fib_multipath_hash_seed`; while that is 0, the host's own (`init_net`'s random key): routers do not all choose alike. */
export function multipathSeed(host: Host): number {
  const { fib_multipath_hash_seed: seed } = host.ipv4.sysctl;
  return seed !== 0 ? seed : host.multipathSeed;
}
