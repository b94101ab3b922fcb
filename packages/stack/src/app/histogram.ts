const SUB_BUCKETS = 32;

/**
 * Counts of non-negative whole numbers in buckets that widen with the value: every answer is right to 1/32, whatever
 * the range (as HdrHistogram does it).
 */
export class Histogram {
  #counts = new Float64Array(64);
  #total = 0;
  #min = Infinity;
  #max = -Infinity;
  #sum = 0;
  #squares = 0;

  record(value: number): void {
    const at = bucketOf(value);
    if (at >= this.#counts.length) {
      const grown = new Float64Array(2 ** (32 - Math.clz32(at)));
      grown.set(this.#counts);
      this.#counts = grown;
    }
    this.#counts[at] = (this.#counts[at] as number) + 1;
    this.#total++;
    this.#sum += value;
    this.#squares += value * value;
    if (value < this.#min) this.#min = value;
    if (value > this.#max) this.#max = value;
  }

  get count(): number {
    return this.#total;
  }

  /** 0 while nothing was recorded; so are the others. */
  get min(): number {
    return this.#total === 0 ? 0 : this.#min;
  }

  get max(): number {
    return this.#total === 0 ? 0 : this.#max;
  }

  get mean(): number {
    return this.#total === 0 ? 0 : this.#sum / this.#total;
  }

  /** The standard deviation, which ping(8) calls mdev. */
  get deviation(): number {
    if (this.#total === 0) return 0;
    return Math.sqrt(Math.max(0, this.#squares / this.#total - this.mean * this.mean));
  }

  /** The value that `percent` of those recorded do not exceed, to within a bucket. */
  percentile(percent: number): number {
    if (this.#total === 0) return 0;
    let left = Math.max(1, Math.ceil((percent / 100) * this.#total));
    for (let at = 0; at < this.#counts.length; at++) {
      left -= this.#counts[at] as number;
      if (left <= 0) return Math.min(Math.max(topOf(at), this.#min), this.#max);
    }
    return this.#max;
  }

  /** The buckets that are not empty: up to which value, and how many. */
  buckets(): { readonly upTo: number; readonly count: number }[] {
    return Array.from(this.#counts, (count, at) => ({ upTo: topOf(at), count })).filter(({ count }) => count > 0);
  }
}

function bucketOf(value: number): number {
  if (value < 2 * SUB_BUCKETS) return Math.max(0, Math.floor(value));
  let scale = 0;
  let rest = Math.floor(value);
  while (rest >= 2 * SUB_BUCKETS) {
    rest = Math.floor(rest / 2);
    scale++;
  }
  return scale * SUB_BUCKETS + rest;
}

/** The largest value of a bucket. */
function topOf(at: number): number {
  if (at < 2 * SUB_BUCKETS) return at;
  const scale = Math.floor(at / SUB_BUCKETS) - 1;
  return (at - scale * SUB_BUCKETS + 1) * 2 ** scale - 1;
}
