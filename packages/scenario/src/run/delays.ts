import type { Nanos } from "@seville/core";
import type { DelaySeries, Distribution } from "../results.ts";

/** So many values are kept; beyond, every second, fourth, … one, evenly over the run. */
const MOST_VALUES = 1 << 18;
const CDF_POINTS = 100;
/** Points of a series in a result. */
const MOST_POINTS = 20_000;

/**
 * Collects delays: count, least, mean, greatest and mean deviation of all of them; percentiles and points of those that are kept
 * (all, up to 262144). Its memory is bounded.
 */
export class DelayRecorder {
  #at: Nanos[] = [];
  #values: Nanos[] = [];
  #lostAt: Nanos[] = [];
  #stride = 1;
  #lostStride = 1;
  #lost = 0;
  #count = 0;
  #min = Infinity;
  #max = 0;
  #sum = 0;
  /** In ms², so that squares of nanoseconds do not leave 2^53. */
  #squares = 0;

  add(at: Nanos, value: Nanos): void {
    if (this.#count % this.#stride === 0) {
      this.#at.push(at);
      this.#values.push(value);
      if (this.#values.length > MOST_VALUES) {
        this.#stride *= 2;
        this.#at = everySecond(this.#at);
        this.#values = everySecond(this.#values);
      }
    }
    this.#count++;
    if (value < this.#min) this.#min = value;
    if (value > this.#max) this.#max = value;
    this.#sum += value;
    this.#squares += (value / 1e6) ** 2;
  }

  /** Something sent at `at` never came. */
  addLost(at: Nanos): void {
    if (this.#lost % this.#lostStride === 0) {
      this.#lostAt.push(at);
      if (this.#lostAt.length > MOST_POINTS) {
        this.#lostStride *= 2;
        this.#lostAt = everySecond(this.#lostAt);
      }
    }
    this.#lost++;
  }

  get count(): number {
    return this.#count;
  }

  distribution(): Distribution {
    if (this.#count === 0) return EMPTY;
    const sorted = [...this.#values].sort((a, b) => a - b);
    const mean = this.#sum / this.#count;
    const variance = this.#squares / this.#count - (mean / 1e6) ** 2;
    return {
      count: this.#count,
      min: this.#min,
      mean: Math.round(mean),
      p50: percentile(sorted, 0.5),
      p95: percentile(sorted, 0.95),
      p99: percentile(sorted, 0.99),
      max: this.#max,
      mdev: Math.round(Math.sqrt(Math.max(0, variance)) * 1e6),
      cdf: cdf(sorted),
    };
  }

  series(name: string, kind: DelaySeries["kind"]): DelaySeries {
    const step = Math.ceil(this.#values.length / MOST_POINTS);
    const thin = (values: readonly number[]): number[] =>
      step <= 1 ? [...values] : values.filter((_, i) => i % step === 0);
    return {
      name,
      kind,
      at: thin(this.#at),
      value: thin(this.#values),
      lostAt: [...this.#lostAt].sort((a, b) => a - b),
    };
  }
}

const EMPTY: Distribution = { count: 0, min: 0, mean: 0, p50: 0, p95: 0, p99: 0, max: 0, mdev: 0, cdf: [] };

/** The least value that a share `p` of all does not exceed (nearest rank). `sorted` is ascending and not empty. */
export function percentile(sorted: readonly number[], p: number): number {
  return sorted[Math.max(0, Math.ceil(p * sorted.length) - 1)] as number;
}

function cdf(sorted: readonly number[]): [number, number][] {
  const points: [number, number][] = [];
  const steps = Math.min(CDF_POINTS, sorted.length);
  for (let i = 1; i <= steps; i++) {
    const value = percentile(sorted, i / steps);
    if (points.at(-1)?.[0] === value) points.pop();
    points.push([value, i / steps]);
  }
  return points;
}

function everySecond(values: readonly number[]): number[] {
  return values.filter((_, i) => i % 2 === 0);
}
