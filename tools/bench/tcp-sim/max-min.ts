import { createRandom, type Random } from "../../../packages/core/src/index.ts";

/*
 * ECMP's exact oracle: one long flow from each host of a k-ary fat-tree, each over one path chosen at random, all links equal; what each flow gets is
 * its max-min fair share, found by progressive filling.
 */

export type Pattern = "permutation" | "stride";

export interface Shares {
  /** Mean over trials of the mean and of the least share of a host's link. */
  readonly mean: number;
  readonly worst: number;
}

/** @param trials how many random choices of paths (and permutations) are averaged */
export function ecmpShares(k: number, pattern: Pattern, trials: number, seed: number): Shares {
  const random = createRandom(seed);
  let mean = 0;
  let worst = 0;
  for (let trial = 0; trial < trials; trial++) {
    const shares = progressiveFilling(flowsOf(k, pattern, random));
    mean += shares.reduce((sum, share) => sum + share, 0) / shares.length;
    worst += Math.min(...shares);
  }
  return { mean: mean / trials, worst: worst / trials };
}

/** The links that each flow uses. */
function flowsOf(k: number, pattern: Pattern, random: Random): string[][] {
  const hosts = k ** 3 / 4;
  const to = pattern === "stride" ? (h: number) => (h + hosts / 2) % hosts : permutation(hosts, random);
  return Array.from({ length: hosts }, (_, from) => pathOf(k, from, to(from), random));
}

/** A permutation that sends nobody to itself. */
function permutation(count: number, random: Random): (host: number) => number {
  for (;;) {
    const order = Array.from({ length: count }, (_, i) => i);
    for (let i = count - 1; i > 0; i--) {
      const j = random.below(i + 1);
      [order[i], order[j]] = [order[j] as number, order[i] as number];
    }
    if (order.every((target, host) => target !== host)) return (host) => order[host] as number;
  }
}

/** Up to where the paths meet, choosing at random, and down, where there is no choice. */
function pathOf(k: number, from: number, to: number, random: Random): string[] {
  const half = k / 2;
  const edgeOf = (host: number): number => Math.floor(host / half);
  const podOf = (host: number): number => Math.floor(host / (half * half));
  const links = [`host ${from} up`, `host ${to} down`];
  const [source, target] = [edgeOf(from), edgeOf(to)];
  if (source === target) return links;
  const aggregation = random.below(half);
  links.push(`edge ${source} up ${aggregation}`, `edge ${target} down ${aggregation}`);
  if (podOf(from) === podOf(to)) return links;
  const core = random.below(half);
  links.push(`pod ${podOf(from)} up ${aggregation} ${core}`, `pod ${podOf(to)} down ${aggregation} ${core}`);
  return links;
}

/** All flows grow alike until a link is full: its flows have their share, the others go on. Links have a capacity of 1. */
export function progressiveFilling(flows: readonly (readonly string[])[]): number[] {
  const links = new Map<string, { free: number; flows: Set<number> }>();
  for (const [flow, path] of flows.entries()) {
    for (const name of path) {
      let link = links.get(name);
      if (link === undefined) links.set(name, (link = { free: 1, flows: new Set() }));
      link.flows.add(flow);
    }
  }
  const shares = new Array<number>(flows.length).fill(0);
  for (let growing = flows.length; growing > 0;) {
    let level = Infinity;
    for (const { free, flows: users } of links.values()) {
      if (users.size > 0) level = Math.min(level, free / users.size);
    }
    const finished = new Set<number>();
    for (const link of links.values()) {
      if (link.flows.size === 0) continue;
      const full = link.free / link.flows.size <= level + 1e-12;
      link.free -= level * link.flows.size;
      if (full) for (const flow of link.flows) finished.add(flow);
    }
    for (const link of links.values()) {
      for (const flow of link.flows) {
        // Each growing flow is counted once: at its first link, the host's.
        if (link === links.get(flows[flow]?.[0] ?? "")) shares[flow] = (shares[flow] ?? 0) + level;
      }
    }
    for (const flow of finished) {
      for (const name of flows[flow] ?? []) links.get(name)?.flows.delete(flow);
      growing--;
    }
  }
  return shares;
}
