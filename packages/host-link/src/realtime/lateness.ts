/** How late things were, in milliseconds. `p50` and the like are exact to {@link LatenessRecorder.resolutionNs}. */
export interface LatenessSummary {
  /** How many were measured. */
  readonly count: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

const BUCKETS = 20_000;

/** Collects latenesses in buckets of 5 µs up to 100 ms, and the greatest exactly. Its size does not grow. */
export class LatenessRecorder {
  static readonly resolutionNs = 5_000;
  readonly #buckets = new Uint32Array(BUCKETS + 1);
  #count = 0;
  #max = 0;

  record(ns: number): void {
    const bucket = Math.max(0, Math.min(BUCKETS, Math.floor(ns / LatenessRecorder.resolutionNs)));
    this.#buckets[bucket] = (this.#buckets[bucket] as number) + 1;
    this.#count++;
    if (ns > this.#max) this.#max = ns;
  }

  summary(): LatenessSummary {
    return {
      count: this.#count,
      p50Ms: this.#percentile(0.5),
      p95Ms: this.#percentile(0.95),
      p99Ms: this.#percentile(0.99),
      maxMs: this.#max / 1e6,
    };
  }

  /** The upper edge of the bucket in which the `fraction`-th value lies, but never more than the greatest. */
  #percentile(fraction: number): number {
    if (this.#count === 0) return 0;
    const rank = Math.ceil(this.#count * fraction);
    let seen = 0;
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      seen += this.#buckets[bucket] as number;
      if (seen >= rank) return Math.min((bucket + 1) * LatenessRecorder.resolutionNs, this.#max) / 1e6;
    }
    return this.#max / 1e6;
  }
}
