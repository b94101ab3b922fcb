import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decimate } from "@seville/report";
import { coarsen, groupSize } from "../src/decimate.ts";

const SERIES = fc
  .array(fc.tuple(fc.integer({ min: 0, max: 1000 }), fc.integer({ min: -50, max: 50 })), {
    minLength: 1,
    maxLength: 400,
  })
  .map((points) => points.sort(([a], [b]) => a - b))
  .map((points) => ({ x: points.map(([x]) => x), y: points.map(([, y]) => y) }));

describe("D1: decimation keeps the picture", () => {
  test("at most two points a bucket, in order, all from the original", () => {
    fc.assert(
      fc.property(SERIES, fc.integer({ min: 1, max: 50 }), (points, buckets) => {
        const { x, y } = decimate(points, buckets);
        expect(x.length).toBe(y.length);
        expect(x.length).toBeLessThanOrEqual(2 * buckets);
        let at = -1;
        for (const [i, value] of x.entries()) {
          at = points.x.findIndex((original, j) => j > at && original === value && points.y[j] === y[i]);
          expect(at).toBeGreaterThanOrEqual(0);
        }
      }),
    );
  });

  test("the least and the greatest of all are never lost", () => {
    fc.assert(
      fc.property(SERIES, fc.integer({ min: 1, max: 50 }), (points, buckets) => {
        const { y } = decimate(points, buckets);
        expect(Math.min(...y)).toBe(Math.min(...points.y));
        expect(Math.max(...y)).toBe(Math.max(...points.y));
      }),
    );
  });

  test("few points stay as they are, and no points are no points", () => {
    const few = { x: [1, 2, 3], y: [4, 5, 6] };
    expect(decimate(few, 2)).toEqual(few);
    expect(decimate({ x: [], y: [] }, 10)).toEqual({ x: [], y: [] });
  });

  test("many points at one time do not divide by zero", () => {
    const points = { x: new Array<number>(100).fill(5), y: Array.from({ length: 100 }, (_, i) => i) };
    expect(decimate(points, 4)).toEqual({ x: [5, 5], y: [0, 99] });
  });
});

describe("D2: coarsening joins neighbours", () => {
  test("sums stay sums, means means, and peaks peaks", () => {
    const values = [1, 2, 3, 4, 10];
    expect(coarsen(values, 3, "sum")).toEqual([3, 7, 10]);
    expect(coarsen(values, 3, "mean")).toEqual([1.5, 3.5, 10]);
    expect(coarsen(values, 3, "max")).toEqual([2, 4, 10]);
    expect(coarsen(values, 5, "sum")).toEqual(values);
  });

  test("never more than asked for", () => {
    fc.assert(
      fc.property(
        fc.nat(5000),
        fc.integer({ min: 1, max: 900 }),
        (count, most) => Math.ceil(count / groupSize(count, most)) <= most,
      ),
    );
  });
});
