import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { nearest, suggestion } from "@seville/scenario";
import { editDistance } from "../src/check/did-you-mean.ts";

/** The definition of optimal string alignment, without a table. */
function naive(a: string, b: string): number {
  if (a === "" || b === "") return a.length + b.length;
  const [x, y] = [a.slice(0, -1), b.slice(0, -1)];
  const options = [naive(x, b) + 1, naive(a, y) + 1, naive(x, y) + (a.at(-1) === b.at(-1) ? 0 : 1)];
  if (a.length > 1 && b.length > 1 && a.at(-1) === b.at(-2) && a.at(-2) === b.at(-1)) {
    options.push(naive(a.slice(0, -2), b.slice(0, -2)) + 1);
  }
  return Math.min(...options);
}

const WORD = fc.string({ unit: fc.constantFrom("a", "b", "c"), maxLength: 6 });

describe("D1: a slip is recognised", () => {
  test("the distance is that of its definition", () => {
    fc.assert(fc.property(WORD, WORD, (a, b) => editDistance(a, b) === naive(a, b)));
  });

  test("with a cap it is right below the cap, and the cap above", () => {
    fc.assert(
      fc.property(
        WORD,
        WORD,
        fc.integer({ min: 1, max: 5 }),
        (a, b, cap) => editDistance(a, b, cap) === Math.min(cap, naive(a, b)),
      ),
    );
  });

  test.each([
    ["addreses", ["addresses", "advertise"], "addresses"],
    ["delya", ["delay", "rate"], "delay"],
    ["RATE", ["delay", "rate"], "rate"],
    ["dupl", ["duplicate", "delay"], "duplicate"],
    ["xyz", ["delay", "rate"], undefined],
    ["z", ["p", "q"], undefined],
  ])("%s", (word, candidates, expected) => {
    expect(nearest(word, candidates)).toBe(expected);
  });

  test("without a near one it lists what there is, unless that is a book", () => {
    expect(suggestion("xyz", ["a", "b"])).toBe("known: a, b");
    expect(suggestion("xyz", [])).toBeUndefined();
    expect(
      suggestion(
        "xyz",
        Array.from({ length: 100 }, (_, i) => `name${i}`),
      ),
    ).toBeUndefined();
  });
});
