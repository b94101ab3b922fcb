import type { Nanos } from "@seville/core";
import { reciprocalScale } from "@seville/core";

/**
 * Where each burst of a flow goes. As in a switch the table has as many entries as it has, and flows that fall onto the same
 * one share it (Vanini et al., LetFlow, NSDI 2017 §4).
 */
export class FlowletTable<Way> {
  readonly #lastSeen: Float64Array;
  readonly #ways: (Way | undefined)[];

  constructor(entries: number) {
    this.#lastSeen = new Float64Array(entries).fill(-Infinity);
    this.#ways = new Array<Way | undefined>(entries).fill(undefined);
  }

  /** The way of the flow's burst, if its last packet was no longer than `gap` ago; then this one belongs to it too. */
  get(hash: number, now: Nanos, gap: Nanos): Way | undefined {
    const at = reciprocalScale(hash, this.#ways.length);
    if (now - (this.#lastSeen[at] as number) > gap) return undefined;
    this.#lastSeen[at] = now;
    return this.#ways[at];
  }

  /** Begins a burst. Returns `way`. */
  set(hash: number, now: Nanos, way: Way): Way {
    const at = reciprocalScale(hash, this.#ways.length);
    this.#lastSeen[at] = now;
    this.#ways[at] = way;
    return way;
  }

  clear(): void {
    this.#lastSeen.fill(-Infinity);
    this.#ways.fill(undefined);
  }
}
