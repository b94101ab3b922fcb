import { LOSS_TREE } from "./loss-tree.ts";
import type { LossEvidence } from "./types.ts";

/** What an episode showed, measured by `LossClassifier`. Where something is not known it is -1. */
export interface EpisodeFeatures {
  /** Packets lost. */
  readonly losses: number;
  /** Of what was sent in the episode's time, the share that was lost. */
  readonly lossShare: number;
  /** Queueing delay that the lost packets' neighbours saw, over the greatest seen: mean, least and greatest. */
  readonly queueLevel: number;
  readonly queueLow: number;
  readonly queueHigh: number;
  /** The greatest queueing delay in units of the minimum RTT: whether there is a queue to speak of. */
  readonly queueSize: number;
  /** Mean queueing delay at the losses in units of the minimum RTT. */
  readonly queueAtLoss: number;
  /** How much the queue had grown in the SRTT before the first loss, over the greatest queue. */
  readonly risen: number;
  /** Delivery rate of the RTT before the first loss over that of the RTT after it. */
  readonly rateDrop: number;
  /** Delivery rate before the first loss over the greatest seen in an RTT: a queue overflows at the line's rate. */
  readonly fill: number;
  /** How evenly the path delivered from episode to episode: coefficient of variation of the goodput of the last intervals. */
  readonly plateauSpread: number;
  /**
   * Losses to be expected among the packets that were delivered without one before, had they been lost at the rate of the
   * episode (its first loss not counted): about 1 where losses come by chance.
   */
  readonly clustering: number;
  /** Packets delivered without a loss before it. */
  readonly gap: number;
  /** Share of the losses whose predecessor in sequence is lost too: buckets run dry and buffers stay full, lines err singly. */
  readonly adjacent: number;
  /** Share of the losses that were retransmissions. */
  readonly again: number;
  /** From the sending of the first lost packet to that of the last, SRTTs. */
  readonly span: number;
  /** Of the episodes before: mean of `queueLevel`, its standard deviation, and mean number of losses. */
  readonly pastLevel: number;
  readonly pastLevelSpread: number;
  readonly pastLosses: number;
}

/**
 * A tree of decisions. A node with a feature asks whether it is at most `threshold`, and goes on with `low` or `high`; a leaf has the shares of
 * the causes among the episodes of the tuning runs that ended there.
 */
export type LossTree =
  | {
      readonly feature: keyof EpisodeFeatures;
      readonly threshold: number;
      readonly low: LossTree;
      readonly high: LossTree;
    }
  | { readonly overflow: number; readonly policer: number; readonly random: number; readonly mixed: number };

/**
 * The physics. A full buffer delays what it does not drop: neighbours of the lost packet saw the longest queue. A policer and a noisy line delay
 * nothing; a policer takes many packets at once when its tokens are gone, and lets the same rate through each time; a line takes single packets at
 * any rate. Where the one turns into the other was found on simulated paths (`tools/bench/loss-cause/tune.ts`).
 */
export function weighEvidence(features: EpisodeFeatures, tree: LossTree = LOSS_TREE): LossEvidence {
  let node = tree;
  while ("feature" in node) node = features[node.feature] <= node.threshold ? node.low : node.high;
  return { queueOverflow: node.overflow, policer: node.policer, random: node.random, filtered: 0, mixed: node.mixed };
}
