import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ReorderingTally } from "../../src/run/fabric/reordering.ts";
import { Histogram } from "../../src/run/fabric/histogram.ts";

function measure(...flows: readonly (readonly number[])[]) {
  const tally = new ReorderingTally();
  const reordered = flows.map((flow) => tally.add(flow));
  return { reordered, ...tally.result() };
}

describe("B5 reordering as RFC 4737 counts it", () => {
  test("§3.3: what comes behind a later one is reordered; the one that overtook is not", () => {
    expect(measure([1, 2, 3, 4]).reordered).toEqual([0]);
    expect(measure([1, 4, 2, 3]).reordered).toEqual([2]);
    expect(measure([1, 2, 10, 3, 4, 5]).ratio).toBe(0.5);
  });

  test("§4.3: the extent goes back to the first one that was sent later", () => {
    // 4 is the first later one for both: one and two places back.
    expect(measure([1, 4, 2, 3]).extent).toMatchObject({ count: 2, min: 1, max: 2, mean: 1.5 });
    expect(measure([5, 6, 7, 1]).extent).toMatchObject({ count: 1, max: 3 });
  });

  test("§5.3: n-reordered if the n before it were all sent later: with 3, duplicate acknowledgements begin a retransmission", () => {
    const { nReordering } = measure([2, 3, 4, 1]);
    expect(nReordering.slice(0, 4)).toEqual([0.25, 0.25, 0.25, 0]);
    expect(measure([1, 4, 2, 3]).nReordering.slice(0, 3)).toEqual([0.25, 0, 0]);
  });

  test("losses are no reordering", () => {
    expect(measure([1, 5, 6, 9])).toMatchObject({ reordered: [0], density: [[0, 1]] });
  });
});

describe("B6 reorder density as RFC 5236 counts it", () => {
  test("one that is two places late makes two that are one place early", () => {
    expect(measure([2, 3, 1, 4]).density).toEqual([
      [-1, 0.5],
      [0, 0.25],
      [2, 0.25],
    ]);
  });

  test("lost numbers do not shift those that come", () => {
    expect(measure([12, 13, 1, 44]).density).toEqual(measure([2, 3, 1, 4]).density);
  });

  test("property: shares add up to 1, displacements to 0, whatever the order; a slow count says the same", () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(500), { minLength: 1, maxLength: 60 }), (arrivals) => {
        const found = measure(arrivals);
        const sum = (of: (pair: readonly [number, number]) => number): number =>
          found.density.reduce((total, pair) => total + of(pair), 0);
        expect(sum(([, share]) => share)).toBeCloseTo(1);
        expect(sum(([displacement, share]) => displacement * share)).toBeCloseTo(0);
        const late = arrivals.filter((number, i) => arrivals.slice(0, i).some((before) => before > number));
        expect(found.reordered).toEqual([late.length]);
        const extents = late.map((number) => arrivals.indexOf(number) - arrivals.findIndex((other) => other > number));
        if (extents.length > 0) expect(found.extent.max).toBe(Math.max(...extents));
        const inPlace = arrivals.filter((number, i) => arrivals.filter((other) => other < number).length === i);
        expect(found.density.find(([displacement]) => displacement === 0)?.[1] ?? 0).toBeCloseTo(
          inPlace.length / arrivals.length,
        );
      }),
    );
  });

  test("flows add up", () => {
    const both = measure([2, 1], [1, 2]);
    expect(both.packets).toBe(4);
    expect(both.ratio).toBe(0.25);
  });
});

test("B7 a histogram's distribution is that of its values", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(300), { minLength: 1, maxLength: 200 }), (values) => {
      const histogram = new Histogram(300);
      for (const value of values) histogram.add(value);
      const sorted = [...values].sort((a, b) => a - b);
      const found = histogram.distribution();
      const at = (share: number): number => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]!;
      expect([found.min, found.p50, found.p95, found.p99, found.max]).toEqual([
        sorted[0],
        at(0.5),
        at(0.95),
        at(0.99),
        sorted.at(-1),
      ]);
      expect(found.mean).toBeCloseTo(values.reduce((sum, value) => sum + value, 0) / values.length);
      expect(found.cdf.at(-1)).toEqual([sorted.at(-1), 1]);
      expect(found.cdf.length).toBeLessThanOrEqual(100);
    }),
  );
  expect(new Histogram(4).distribution().count).toBe(0);
});
