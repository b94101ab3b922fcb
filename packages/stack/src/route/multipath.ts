import { jhash2 } from "@seville/core";
import type { IpAddress } from "@seville/packet";
import type { Host } from "../host/host.ts";
import type { Flow } from "./flow.ts";
import type { Route, RouteHop } from "./route.ts";

/** Two IPv6 addresses, ports, protocol. */
const words = new Uint32Array(10);

/**
 * One of the usable hops of `route`, the same for every packet of a flow, in proportion to the weights
 * (`fib_select_multipath`). The caller knows that there is at least one.
 */
export function chooseHop(host: Host, route: Route, flow: Flow, usable: (hop: RouteHop) => boolean): RouteHop {
  let total = 0;
  for (const hop of route.hops) if (usable(hop)) total += hop.weight;
  const policy =
    route.family === 4 ? host.ipv4.sysctl.fib_multipath_hash_policy : host.ipv6.sysctl.fib_multipath_hash_policy;
  const hash = flow.hash === 0 ? multipathHash(flow, policy, host.ipv4.sysctl.fib_multipath_hash_seed) : flow.hash;
  let point = Math.floor(((hash >>> 0) / 0x1_0000_0000) * total);
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
 * A 32-bit hash of what tells flows apart (`fib_multipath_hash`): the addresses (IPv6: and flow label and protocol)
 * with policy 0, addresses, protocol and ports with any other.
 */
export function multipathHash(flow: Flow, policy: number, seed: number): number {
  let length = addAddress(addAddress(0, flow.source), flow.destination);
  if (policy !== 0) {
    words[length++] = (flow.sourcePort << 16) | flow.destinationPort;
    words[length++] = flow.protocol;
  } else if (typeof flow.destination !== "number") {
    words[length++] = flow.flowLabel;
    words[length++] = flow.protocol;
  }
  return jhash2(words, seed, length);
}

function addAddress(at: number, address: IpAddress): number {
  if (typeof address === "number") {
    words[at] = address;
    return at + 1;
  }
  words[at] = address.w0;
  words[at + 1] = address.w1;
  words[at + 2] = address.w2;
  words[at + 3] = address.w3;
  return at + 4;
}
