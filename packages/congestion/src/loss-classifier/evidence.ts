import type { LossEvidence } from "./types.ts";

/** What an episode showed, measured by `LossClassifier`. */
export interface EpisodeFeatures {
  /** Packets lost. */
  losses: number;
  /** Of what was sent in the episode's time, the share that was lost. */
  lossShare: number;
  /** Mean queueing delay that the lost packets' neighbours saw, over the greatest seen; -1: not known. */
  queueLevel: number;
  /** The greatest queueing delay in units of the minimum RTT: whether there is a queue to speak of. */
  queueSize: number;
  /** Delivery rate of the RTT before the first loss over that of the RTT after it; -1: not known. */
  rateDrop: number;
  /**
   * How evenly the path delivered from episode to episode: coefficient of variation of the goodput of the last
   * intervals; -1: fewer than two are known.
   */
  plateauSpread: number;
  /**
   * Losses to be expected among the packets that were delivered without one before, had they been lost at the rate of the
   * episode (its first loss not counted): about 1 where losses come by chance.
   */
  clustering: number;
}

/** Where a rule turns from no to yes; between the two it grows linearly. */
export interface LossThresholds {
  /** Share of the greatest queueing delay at which packets are lost when a buffer overflows. */
  queueLevel: readonly [number, number];
  /** Greatest queueing delay over the minimum RTT. */
  queueSize: readonly [number, number];
  /** Spread of the goodput between episodes: a policer's is small. */
  plateauSpread: readonly [number, number];
  /** Losses that did not happen in the quiet before: many are hardly chance. */
  clustering: readonly [number, number];
  /** How much the delivery rate falls when a burst ends at a policer. */
  rateDrop: readonly [number, number];
  /** A second cause with this much of the first one's evidence makes the episode `mixed`. */
  mixed: number;
}

export const LOSS_THRESHOLDS: LossThresholds = {
  queueLevel: [0.5, 0.85],
  queueSize: [0.02, 0.08],
  plateauSpread: [0.06, 0.2],
  clustering: [4, 10],
  rateDrop: [1.1, 1.5],
  mixed: 0.85,
};

/**
 * The physics. A full buffer delays what it does not drop: neighbours of the lost packet saw the longest queue. A policer
 * and a noisy line delay nothing; a policer takes many packets at once when its tokens are gone, and lets the same rate
 * through each time; a line takes single packets at any rate.
 */
export function weighEvidence(features: EpisodeFeatures, thresholds: LossThresholds = LOSS_THRESHOLDS): LossEvidence {
  const { queueLevel, queueSize, plateauSpread, clustering, rateDrop } = features;
  const thereIsAQueue = ramp(queueSize, thresholds.queueSize);
  const atItsTop = queueLevel < 0 ? 0.5 : ramp(queueLevel, thresholds.queueLevel);
  const overflow = thereIsAQueue * atItsTop;
  const unqueued = 1 - overflow;
  const even = plateauSpread < 0 ? 0.3 : 1 - ramp(plateauSpread, thresholds.plateauSpread);
  const clustered = ramp(clustering, thresholds.clustering);
  const fell = rateDrop < 0 ? 0.3 : ramp(rateDrop, thresholds.rateDrop);
  // Without a cluster it is the line; a plateau or the end of a burst confirms the policer.
  const policed = clustered * (0.5 + 0.5 * Math.max(even, fell));
  return {
    queueOverflow: overflow,
    policer: unqueued * policed,
    random: unqueued * (1 - policed),
    filtered: 0,
  };
}

/** 0 up to the first bound, 1 from the second on. */
function ramp(value: number, [from, to]: readonly [number, number]): number {
  return Math.min(1, Math.max(0, (value - from) / (to - from)));
}
