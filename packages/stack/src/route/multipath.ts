import type { IpAddress } from "@seville/packet";
import type { Host } from "../host/host.ts";
import type { Flow } from "./flow.ts";
import type { Route, RouteHop } from "./route.ts";

/**
 * One of the usable hops of `route`, the same for every packet of a flow, in proportion to the weights
 * (`fib_select_multipath`). The caller knows that there is at least one.
 */
export function chooseHop(host: Host, route: Route, flow: Flow, usable: (hop: RouteHop) => boolean): RouteHop {
  let total = 0;
  for (const hop of route.hops) if (usable(hop)) total += hop.weight;
  const policy =
    route.family === 4 ? host.ipv4.sysctl.fib_multipath_hash_policy : host.ipv6.sysctl.fib_multipath_hash_policy;
  const seed = host.ipv4.sysctl.fib_multipath_hash_seed;
  let point = Math.floor(((flow.hash === 0 ? flowHash(flow, policy, seed) : flow.hash >>> 0) / 0x1_0000_0000) * total);
  let last = route.hops[0] as RouteHop;
  for (const hop of route.hops) {
    if (!usable(hop)) continue;
    last = hop;
    point -= hop.weight;
    if (point < 0) return hop;
  }
  return last;
}

/**
 * A 32-bit hash of what tells flows apart: addresses (and IPv6 flow label and protocol) with policy 0, addresses,
 * protocol and ports with any other (`fib_multipath_hash_policy`).
 */
export function flowHash(flow: Flow, policy: number, seed: number): number {
  let hash = mixAddress(mixAddress(seed | 0, flow.source), flow.destination);
  if (policy === 0) {
    if (typeof flow.destination !== "number") hash = mix(mix(hash, flow.flowLabel), flow.protocol);
  } else {
    hash = mix(mix(hash, (flow.sourcePort << 16) | flow.destinationPort), flow.protocol);
  }
  return avalanche(hash);
}

function mixAddress(hash: number, address: IpAddress): number {
  if (typeof address === "number") return mix(hash, address);
  return mix(mix(mix(mix(hash, address.w0), address.w1), address.w2), address.w3);
}

/** A round of MurmurHash3 (Appleby, 2011). */
function mix(hash: number, word: number): number {
  let k = Math.imul(word, 0xcc9e_2d51);
  k = (k << 15) | (k >>> 17);
  const h = hash ^ Math.imul(k, 0x1b87_3593);
  return (Math.imul((h << 13) | (h >>> 19), 5) + 0xe654_6b64) | 0;
}

function avalanche(hash: number): number {
  let h = hash;
  h = Math.imul(h ^ (h >>> 16), 0x85eb_ca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2_ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
