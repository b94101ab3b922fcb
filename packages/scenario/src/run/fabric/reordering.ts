import type { ReorderingResult } from "./fabric-result.ts";
import { Histogram } from "./histogram.ts";

/** Displacements and extents beyond are counted as that much. */
const FURTHEST = 1024;
/** n-reordering is told up to here. */
const MOST_N = 10;

/** Adds up the reordering of many flows. */
export class ReorderingTally {
  readonly #extents = new Histogram(FURTHEST);
  readonly #density = new Float64Array(2 * FURTHEST + 1);
  readonly #atLeast = new Float64Array(MOST_N + 1);
  #packets = 0;
  #reordered = 0;

  /**
   * A flow whose packets arrived in this order, by the numbers in which they were sent; each number at most once.
   * Answers how many were reordered: arrived after one with a greater number.
   */
  add(arrivals: readonly number[]): number {
    const ranks = ranksOf(arrivals);
    const highest: number[] = [];
    let reordered = 0;
    for (const [i, number] of arrivals.entries()) {
      const before = highest[i - 1] ?? -1;
      highest.push(Math.max(before, number));
      const displacement = Math.max(-FURTHEST, Math.min(FURTHEST, i - (ranks[i] as number)));
      const cell = displacement + FURTHEST;
      this.#density[cell] = (this.#density[cell] as number) + 1;
      if (number > before) continue;
      reordered++;
      this.#extents.add(i - firstAbove(highest, number));
      this.#countN(arrivals, i);
    }
    this.#packets += arrivals.length;
    this.#reordered += reordered;
    return reordered;
  }

  result(): ReorderingResult {
    const packets = Math.max(1, this.#packets);
    const density: [number, number][] = [];
    for (const [cell, count] of this.#density.entries())
      if (count > 0) density.push([cell - FURTHEST, count / packets]);
    return {
      packets: this.#packets,
      ratio: this.#reordered / packets,
      extent: this.#extents.distribution(),
      nReordering: Array.from(this.#atLeast.subarray(1), (count) => count / packets),
      density,
    };
  }

  /** How many arrivals directly before the i-th were all sent after it. */
  #countN(arrivals: readonly number[], i: number): void {
    const own = arrivals[i] as number;
    for (let n = 1; n <= MOST_N && i - n >= 0 && (arrivals[i - n] as number) > own; n++) {
      this.#atLeast[n] = (this.#atLeast[n] as number) + 1;
    }
  }
}

/** The place of each among those that arrived, by number: where it would have been in order. */
function ranksOf(arrivals: readonly number[]): number[] {
  const sorted = [...arrivals].sort((a, b) => a - b);
  const rank = new Map(sorted.map((number, i) => [number, i]));
  return arrivals.map((number) => rank.get(number) ?? 0);
}

/** The first index whose running maximum is above `number`. */
function firstAbove(highest: readonly number[], number: number): number {
  let low = 0;
  let high = highest.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((highest[middle] as number) > number) high = middle;
    else low = middle + 1;
  }
  return low;
}
