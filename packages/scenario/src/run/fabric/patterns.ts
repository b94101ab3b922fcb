import type { Random } from "@seville/core";

/** A flow of a pattern, by the numbers of its hosts. */
export interface PatternPair {
  readonly from: number;
  readonly to: number;
}

/** Each host sends to one other and receives from one: a permutation without fixed points, all of them equally likely. */
export function permutation(hosts: number, random: Random): PatternPair[] {
  const targets = Array.from({ length: hosts }, (_, i) => i);
  // About every third permutation has no fixed point (1/e): drawing again is fair and soon done.
  do random.shuffle(targets);
  while (targets.some((to, from) => to === from));
  return targets.map((to, from) => ({ from, to }));
}

export function stride(hosts: number, by: number): PatternPair[] {
  return Array.from({ length: hosts }, (_, from) => ({ from, to: (from + by) % hosts }));
}

/** `senders` other hosts, chosen at random, to one. */
export function incast(hosts: number, to: number, senders: number, random: Random): PatternPair[] {
  const others = Array.from({ length: hosts }, (_, i) => i).filter((host) => host !== to);
  return random
    .shuffle(others)
    .slice(0, senders)
    .map((from) => ({ from, to }));
}
