import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DelayRecorder } from "@seville/scenario";
import { percentile } from "../src/run/delays.ts";

describe("R5: distributions", () => {
  test("percentiles are nearest-rank, against their definition", () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(1000), { minLength: 1 }),
        fc.double({ min: 0.01, max: 1, noNaN: true }),
        (values, p) => {
          const sorted = [...values].sort((a, b) => a - b);
          const value = percentile(sorted, p);
          const notAbove = sorted.filter((other) => other <= value).length;
          const below = sorted.filter((other) => other < value).length;
          expect(notAbove).toBeGreaterThanOrEqual(p * sorted.length - 1e-9);
          expect(below).toBeLessThan(p * sorted.length);
        },
      ),
    );
  });

  test("mdev is what ping prints: the root of the mean square less the square of the mean", () => {
    const recorder = new DelayRecorder();
    for (const ms of [10, 20, 30]) recorder.add(0, ms * 1e6);
    const { mean, mdev, min, max, count } = recorder.distribution();
    expect({ mean, min, max, count }).toEqual({ mean: 20e6, min: 10e6, max: 30e6, count: 3 });
    expect(mdev).toBe(Math.round(Math.sqrt((100 + 400 + 900) / 3 - 400) * 1e6));
  });

  test("nothing measured is nothing, not NaN", () => {
    expect(new DelayRecorder().distribution()).toEqual({
      count: 0,
      min: 0,
      mean: 0,
      p50: 0,
      p95: 0,
      p99: 0,
      max: 0,
      mdev: 0,
      cdf: [],
    });
  });

  test("the distribution function rises from above 0 to 1", () => {
    const recorder = new DelayRecorder();
    for (let i = 0; i < 5000; i++) recorder.add(i, (i * 7919) % 997);
    const { cdf } = recorder.distribution();
    expect(cdf.length).toBeLessThanOrEqual(100);
    expect(cdf.at(-1)).toEqual([996, 1]);
    for (let i = 1; i < cdf.length; i++) {
      expect(cdf[i]![0]).toBeGreaterThan(cdf[i - 1]![0]);
      expect(cdf[i]![1]).toBeGreaterThan(cdf[i - 1]![1]);
    }
  });

  test("a million values are thinned evenly; count and extremes stay exact", () => {
    const recorder = new DelayRecorder();
    for (let i = 0; i < 1_000_000; i++) recorder.add(i, i === 777_777 ? 5e9 : i % 1000);
    const { count, max, p50 } = recorder.distribution();
    expect({ count, max }).toEqual({ count: 1_000_000, max: 5e9 });
    expect(Math.abs(p50 - 500)).toBeLessThan(5);
    expect(recorder.series("x", "rtt").at.length).toBeLessThanOrEqual(20_000);
  });

  test("losses keep their times in order", () => {
    const recorder = new DelayRecorder();
    recorder.addLost(30);
    recorder.addLost(10);
    expect(recorder.series("x", "rtt")).toEqual({ name: "x", kind: "rtt", at: [], value: [], lostAt: [10, 30] });
  });
});
