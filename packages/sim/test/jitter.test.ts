import { createRandom } from "@seville/core";
import { describe, expect, test } from "vitest";
import { createJitter } from "../src/jitter.ts";
import { normalQuantile } from "../src/normal-quantile.ts";
import { deviation, mean, MS, TestWorld, US } from "./world.ts";

function draws(options: Parameters<typeof createJitter>[0], count = 100_000): number[] {
  const jitter = createJitter(options, createRandom(3));
  return Array.from({ length: count }, () => jitter.next());
}

describe("F11 distributions", () => {
  test("F11 uniform: within ± the deviation, evenly", () => {
    const values = draws({ deviation: 1000 });
    expect(Math.min(...values)).toBeGreaterThanOrEqual(-1000);
    expect(Math.max(...values)).toBeLessThanOrEqual(1000);
    expect(Math.abs(mean(values))).toBeLessThan(10);
    expect(deviation(values)).toBeCloseTo(1000 / Math.sqrt(3), -1);
    for (let decile = 0; decile < 10; decile++) {
      const from = -1000 + decile * 200;
      const share = values.filter((value) => value >= from && value < from + 200).length / values.length;
      expect(Math.abs(share - 0.1)).toBeLessThan(0.006);
    }
  });

  test("F11 normal: mean 0, its standard deviation, and the shares that a table gives", () => {
    const values = draws({ deviation: 1_000_000, distribution: "normal" });
    expect(Math.abs(mean(values))).toBeLessThan(16_000);
    expect(Math.abs(deviation(values) / 1_000_000 - 1)).toBeLessThan(0.01);
    const within = (sigmas: number): number =>
      values.filter((value) => Math.abs(value) < sigmas * 1_000_000).length / values.length;
    expect(within(1)).toBeCloseTo(0.6827, 2);
    expect(within(2)).toBeCloseTo(0.9545, 2);
    expect(within(4)).toBe(1);
  });

  test("F11 pareto: iproute2's table: from -2/3 of the deviation, half below -0.32, a tail cut at 4", () => {
    const values = draws({ deviation: 1_000_000, distribution: "pareto" }).toSorted((x, y) => x - y);
    // (1 - 1.5) * 4/3, then the median 2^(1/3), and 32767/8192 of the deviation at most.
    expect(values[0]).toBeGreaterThanOrEqual(-666_667);
    expect(values[0]).toBeLessThan(-666_000);
    expect(values[50_000]! / 1_000_000).toBeCloseTo(((2 ** (1 / 3) - 1.5) * 4) / 3, 2);
    expect(values.at(-1)).toBe(Math.round((32_767 / 8192) * 1_000_000));
  });

  test("F11 correlation: each depends on the one before, as much as it says", () => {
    const autocorrelation = (values: readonly number[]): number => {
      const middle = mean(values);
      return mean(values.slice(1).map((value, i) => (value - middle) * (values[i]! - middle))) / deviation(values) ** 2;
    };
    expect(Math.abs(autocorrelation(draws({ deviation: 1000 })))).toBeLessThan(0.02);
    // x' = 0.75 f + 0.25 x has an autocorrelation of 0.25.
    expect(autocorrelation(draws({ deviation: 1000, correlation: 0.25 }))).toBeCloseTo(0.25, 1);
  });

  test("F11 the normal quantile is the inverse of the normal distribution", () => {
    // Values of the standard normal distribution to 10 digits (Abramowitz and Stegun, table 26.5).
    for (const [u, x] of [
      [0.5, 0],
      [0.75, 0.6744897502],
      [0.9, 1.2815515655],
      [0.975, 1.9599639845],
      [0.999, 3.0902323062],
      [0.999999, 4.7534243088],
    ] as const) {
      expect(normalQuantile(u)).toBeCloseTo(x, 6);
      expect(normalQuantile(1 - u)).toBeCloseTo(-x, 6);
    }
    expect(normalQuantile(1e-12)).toBeCloseTo(-7.034484, 4);
    expect(Number.isFinite(normalQuantile(0))).toBe(true);
  });
});

describe("F12 jitter on a link", () => {
  test("F12 by default nothing overtakes: a frame waits for those before it", () => {
    const world = new TestWorld({ delay: 10 * MS, jitter: 5 * MS });
    world.stream(2000, 100 * US, 100);
    expect(world.order).toEqual(Array.from({ length: 2000 }, (_, i) => i));
    expect(world.arrivals).toEqual(world.arrivals.toSorted((x, y) => x - y));
    expect(world.link.stats("aToB").reordered).toBe(0);
  });

  test("F12 with reorder, arrival times are delay ± jitter, and what overtakes is counted as RFC 4737 §3 says", () => {
    const world = new TestWorld({ delay: 10 * MS, jitter: { deviation: 5 * MS, reorder: true } });
    world.stream(2000, 100 * US, 100);
    for (const { frame, at } of world.atB) {
      const transit = at - frame * 100 * US;
      expect(transit).toBeGreaterThanOrEqual(5 * MS);
      expect(transit).toBeLessThanOrEqual(15 * MS);
    }
    let next = 0;
    let reordered = 0;
    for (const frame of world.order) {
      if (frame < next) reordered++;
      else next = frame + 1;
    }
    expect(reordered).toBeGreaterThan(500);
    expect(world.link.stats("aToB").reordered).toBe(reordered);
  });

  test("F12 frames far apart arrive with the whole jitter even without reorder", () => {
    const world = new TestWorld({ delay: 10 * MS, jitter: 5 * MS });
    world.stream(2000, 20 * MS, 100);
    const transits = world.atB.map(({ frame, at }) => at - frame * 20 * MS);
    expect(Math.abs(mean(transits) - 10 * MS)).toBeLessThan(0.3 * MS);
    expect(Math.min(...transits)).toBeLessThan(5.1 * MS);
  });

  test("F12 a delay never becomes negative", () => {
    const world = new TestWorld({ delay: 1 * MS, jitter: { deviation: 10 * MS, reorder: true } });
    world.stream(200, 50 * MS, 100);
    const transits = world.atB.map(({ frame, at }) => at - frame * 50 * MS);
    expect(Math.min(...transits)).toBe(0);
  });

  test("F12 jitter can be taken away again", () => {
    const world = new TestWorld({ delay: 1 * MS, jitter: { deviation: 1 * MS, reorder: true } });
    world.set({ jitter: 0 });
    world.stream(20, 5 * MS, 100);
    expect(world.atB.every(({ frame, at }) => at === frame * 5 * MS + 1 * MS)).toBe(true);
  });
});
