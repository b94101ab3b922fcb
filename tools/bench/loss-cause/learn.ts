import type { EpisodeFeatures, LossTree } from "../../../packages/congestion/src/index.ts";

/*
 * Finds the classifier's tree of decisions from episodes of which the truth is known (CART: Breiman et al., 1984, with Gini's impurity).
 */

export const CLASSES = ["queue-overflow", "policer", "random", "mixed"] as const;
export type Class = (typeof CLASSES)[number];

export interface Example {
  readonly features: EpisodeFeatures;
  readonly truth: Class;
  /** Which run it is of. */
  readonly group: number;
}

export interface LearnOptions {
  readonly depth: number;
  /** Least weight of a leaf, as a share of all. */
  readonly leaf: number;
  /** 0: each episode counts the same; 1: each class does. */
  readonly balance: number;
}

/** Candidate thresholds of a feature at a node. */
const CANDIDATES = 48;

export function learnTree(examples: readonly Example[], options: LearnOptions): LossTree {
  const weights = weigh(examples, options.balance);
  const features = Object.keys(examples[0]?.features ?? {}) as (keyof EpisodeFeatures)[];
  const all = examples.map((_, i) => i);
  const total = sum(weights);
  return grow(all, options.depth);

  function grow(members: readonly number[], depth: number): LossTree {
    const counts = count(members);
    const split = depth === 0 ? undefined : bestSplit(members, counts);
    if (split === undefined) return leaf(counts);
    const low = grow(split.low, depth - 1);
    const high = grow(split.high, depth - 1);
    // Two leaves that say the same are one.
    if (!("feature" in low) && !("feature" in high) && winner(low) === winner(high)) return leaf(counts);
    return { feature: split.feature, threshold: Number(split.threshold.toPrecision(3)), low, high };
  }

  function count(members: readonly number[]): number[] {
    const counts = CLASSES.map(() => 0);
    for (const i of members) {
      const at = CLASSES.indexOf((examples[i] as Example).truth);
      counts[at] = (counts[at] as number) + (weights[i] as number);
    }
    return counts;
  }

  function bestSplit(members: readonly number[], counts: readonly number[]) {
    let best: { feature: keyof EpisodeFeatures; threshold: number; low: number[]; high: number[] } | undefined;
    let least = impurity(counts) - 1e-9 * total;
    for (const feature of features) {
      const values = members.map((i) => (examples[i] as Example).features[feature]).sort((a, b) => a - b);
      let last = NaN;
      for (let c = 1; c < CANDIDATES; c++) {
        const threshold = values[Math.floor((c * values.length) / CANDIDATES)] as number;
        if (threshold === last) continue;
        last = threshold;
        const rounded = Number(threshold.toPrecision(3));
        const low = members.filter((i) => (examples[i] as Example).features[feature] <= rounded);
        if (low.length === 0 || low.length === members.length) continue;
        const lowCounts = count(low);
        const highCounts = counts.map((all, k) => all - (lowCounts[k] as number));
        if (sum(lowCounts) < options.leaf * total || sum(highCounts) < options.leaf * total) continue;
        const value = impurity(lowCounts) + impurity(highCounts);
        if (value >= least) continue;
        least = value;
        const inLow = new Set(low);
        best = { feature, threshold: rounded, low, high: members.filter((i) => !inLow.has(i)) };
      }
    }
    return best;
  }
}

function leaf(counts: readonly number[]): LossTree {
  const all = sum(counts);
  const [overflow, policer, random, mixed] = counts.map((one) => Number((one / all).toFixed(2))) as [
    number,
    number,
    number,
    number,
  ];
  return { overflow, policer, random, mixed };
}

function winner(node: LossTree): number {
  if ("feature" in node) return -1;
  const shares = [node.overflow, node.policer, node.random, node.mixed];
  return shares.indexOf(Math.max(...shares));
}

function weigh(examples: readonly Example[], balance: number): number[] {
  const counts = new Map<Class, number>();
  for (const { truth } of examples) counts.set(truth, (counts.get(truth) ?? 0) + 1);
  return examples.map(({ truth }) => (examples.length / CLASSES.length / (counts.get(truth) ?? 1)) ** balance);
}

/** Gini's impurity times the weight. */
function impurity(counts: readonly number[]): number {
  const all = sum(counts);
  return all === 0 ? 0 : all - counts.reduce((squares, one) => squares + (one * one) / all, 0);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
