import type { Random } from "@seville/core";

/**
 * Uniform numbers of which each depends on the one before, as netem's `get_crandom` draws them (net/sched/sch_netem.c):
 * `next = fresh × (1 − correlation) + last × correlation`.
 *
 * Known of netem and so here: averaging draws the numbers towards one half, so that with correlation a small probability
 * is met less often than it says. For bursts of loss with a known rate use a Gilbert–Elliott model.
 */
export class CorrelatedUniform {
  readonly #random: Random;
  readonly #correlation: number;
  #last: number;

  constructor(random: Random, correlation: number) {
    this.#random = random;
    this.#correlation = correlation;
    this.#last = correlation === 0 ? 0 : random.float();
  }

  /** From 0 up to but not including 1. */
  next(): number {
    const fresh = this.#random.float();
    if (this.#correlation === 0) return fresh;
    this.#last = fresh * (1 - this.#correlation) + this.#last * this.#correlation;
    return this.#last;
  }
}
