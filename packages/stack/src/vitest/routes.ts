import type { Host } from "../host/host.ts";
import type { NetInterface } from "../interface/net-interface.ts";

/** One side of a link. */
interface EdgeEnd {
  readonly host: Host;
  readonly iface: NetInterface;
  readonly address: number;
}

/** A link as routing sees it. */
export interface Edge {
  readonly ends: readonly [EdgeEnd, EdgeEnd];
}

const SUBNET = 0xffff_ff00;
const SUBNET_LENGTH = 24;

/** Gives every host a route to every subnet over the fewest links, and lets those in between forward. */
export function addRoutes(edges: readonly Edge[]): void {
  const hosts = new Set(edges.flatMap(({ ends }) => ends.map((end) => end.host)));
  const forwarding = new Set<Host>();
  for (const host of hosts) addRoutesOf(host, edges, forwarding);
  for (const host of forwarding) host.sysctls.set("net.ipv4.ip_forward", 1);
}

function addRoutesOf(from: Host, edges: readonly Edge[], forwarding: Set<Host>): void {
  /** By host reached: the first link's interface and the neighbour behind it. */
  const first = new Map<Host, { readonly dev: NetInterface; readonly gateway: number }>();
  const known = new Set([from]);
  const direct = new Set<number>();
  for (let ring: Host[] = [from]; ring.length > 0;) {
    const next: Host[] = [];
    for (const host of ring) {
      for (const { ends } of edges) {
        const index = ends.findIndex((end) => end.host === host);
        if (index < 0) continue;
        const near = ends[index as 0 | 1];
        const far = ends[index === 0 ? 1 : 0];
        const subnet = (near.address & SUBNET) >>> 0;
        if (host === from) direct.add(subnet);
        else if (!direct.has(subnet)) {
          direct.add(subnet);
          addRoute(from, subnet, first.get(host));
          forwarding.add(host);
        }
        if (known.has(far.host)) continue;
        known.add(far.host);
        first.set(far.host, first.get(host) ?? { dev: near.iface, gateway: far.address });
        next.push(far.host);
      }
    }
    ring = next;
  }
}

function addRoute(
  host: Host,
  destination: number,
  way: { readonly dev: NetInterface; readonly gateway: number } | undefined,
): void {
  if (way === undefined) return;
  host.ipv4.fib.add({ destination, prefixLength: SUBNET_LENGTH, hops: [way] }, "replace");
}
