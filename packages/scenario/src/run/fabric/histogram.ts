import type { Distribution } from "../../results.ts";

/** Counts of small whole numbers; those above the last cell fall into it. */
export class Histogram {
  readonly #cells: Float64Array;
  #count = 0;

  constructor(largest: number) {
    this.#cells = new Float64Array(largest + 1);
  }

  add(value: number): void {
    const at = Math.min(value, this.#cells.length - 1);
    this.#cells[at] = (this.#cells[at] as number) + 1;
    this.#count++;
  }

  distribution(): Distribution {
    if (this.#count === 0) return { count: 0, min: 0, mean: 0, p50: 0, p95: 0, p99: 0, max: 0, mdev: 0, cdf: [] };
    let [sum, squares, seen] = [0, 0, 0];
    const cdf: [number, number][] = [];
    for (const [value, times] of this.#cells.entries()) {
      if (times === 0) continue;
      sum += value * times;
      squares += value * value * times;
      seen += times;
      cdf.push([value, seen / this.#count]);
    }
    const mean = sum / this.#count;
    const at = (share: number): number => cdf.find(([, reached]) => reached >= share - 1e-12)?.[0] ?? 0;
    return {
      count: this.#count,
      min: cdf[0]?.[0] ?? 0,
      mean,
      p50: at(0.5),
      p95: at(0.95),
      p99: at(0.99),
      max: cdf.at(-1)?.[0] ?? 0,
      mdev: Math.sqrt(Math.max(0, squares / this.#count - mean * mean)),
      cdf: thinned(cdf),
    };
  }
}

const MOST_POINTS = 100;

/** At most a hundred points, the last one among them. */
function thinned(points: [number, number][]): [number, number][] {
  const step = Math.ceil(points.length / MOST_POINTS);
  return points.filter((_, i) => (points.length - 1 - i) % step === 0);
}
