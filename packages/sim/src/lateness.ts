import { invalidArgument, type Nanos } from "@seville/core";

/**
 * How late events were, in nanoseconds of wall-clock time: a histogram of fixed size with 16 steps to each power of two, so
 * that a percentile is at most 6.25 % too high. The maximum is exact.
 */
export class Lateness {
  count = 0;
  max: Nanos = 0;
  #sum = 0;
  readonly #buckets = new Float64Array((54 - SUB_BITS + 1) * SUB);

  get mean(): Nanos {
    return this.count === 0 ? 0 : this.#sum / this.count;
  }

  record(late: Nanos): void {
    const value = Math.max(0, Math.floor(late));
    this.count++;
    this.#sum += value;
    if (value > this.max) this.max = value;
    const bucket = bucketOf(value);
    this.#buckets[bucket] = (this.#buckets[bucket] as number) + 1;
  }

  /** The lateness that `share` (0 to 1) of the events did not exceed. 0 if there were none. */
  percentile(share: number): Nanos {
    if (!(share >= 0 && share <= 1)) throw invalidArgument("share", "from 0 to 1", share);
    let left = Math.max(1, Math.ceil(share * this.count));
    if (this.count === 0) return 0;
    for (let bucket = 0; bucket < this.#buckets.length; bucket++) {
      left -= this.#buckets[bucket] as number;
      if (left <= 0) return Math.min(this.max, highestOf(bucket));
    }
    return this.max;
  }
}

const SUB_BITS = 4;
const SUB = 1 << SUB_BITS;

/** Values below 16 have a bucket each; above, the exponent and the four bits behind the leading one. */
function bucketOf(value: number): number {
  if (value < SUB) return value;
  const high = Math.floor(value / 2 ** 32);
  const exponent = high > 0 ? 63 - Math.clz32(high) : 31 - Math.clz32(value);
  const scaled = Math.floor(value / 2 ** (exponent - SUB_BITS));
  return (exponent - SUB_BITS) * SUB + scaled;
}

function highestOf(bucket: number): number {
  if (bucket < SUB) return bucket;
  const shift = Math.floor(bucket / SUB) - 1;
  return ((bucket % SUB) + SUB + 1) * 2 ** shift - 1;
}
