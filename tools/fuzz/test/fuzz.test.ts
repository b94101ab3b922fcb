import { describe, expect, test } from "vitest";
import { createRandom } from "../../../packages/core/src/random.ts";
import { Coverage } from "../coverage.ts";
import { MAX_INPUT, mutate } from "../mutate.ts";

/** What instrumented code looks like to the fuzzer: two statements and a branch with two ways. */
function counted(): {
  data: { s: Record<string, number>; f: object; b: Record<string, number[]> };
  coverage: Coverage;
} {
  const data = { s: { "0": 0, "1": 0 }, f: {}, b: { "0": [0, 0] } };
  return { data, coverage: new Coverage(data) };
}

describe("coverage", () => {
  test("an input is new if it reaches a counter, or a power-of-two class of a count, for the first time", () => {
    const { data, coverage } = counted();
    const runs = (times: number): boolean => {
      coverage.begin();
      for (let i = 0; i < times; i++) data.s["0"]!++;
      return coverage.end();
    };
    expect([1, 1, 2, 3, 4, 7, 8, 200, 150].map(runs)).toEqual([
      true,
      false,
      true,
      true,
      true,
      false,
      true,
      true,
      false,
    ]);
    expect(coverage.reached).toEqual({ reached: 1, all: 4 });
  });

  test("each way out of a branch is a counter", () => {
    const { data, coverage } = counted();
    coverage.begin();
    data.b["0"]![1]!++;
    expect(coverage.end()).toBe(true);
    coverage.begin();
    data.b["0"]![0]!++;
    expect(coverage.end()).toBe(true);
  });
});

describe("mutation", () => {
  const corpus = [Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8), new Uint8Array(MAX_INPUT)];

  test("the same seed makes the same inputs, another seed others", () => {
    const series = (seed: number): string[] => {
      const sources = { random: createRandom(seed), literals: [0x0806], corpus };
      return Array.from({ length: 200 }, () => Buffer.from(mutate(corpus[0]!, sources)).toString("hex"));
    };
    expect(series(7)).toEqual(series(7));
    expect(series(7)).not.toEqual(series(8));
  });

  test("leaves the input alone, stays within the limit and takes an empty one", () => {
    const sources = { random: createRandom(1), literals: [0x0806], corpus };
    const before = corpus.map((input) => [...input]);
    for (let i = 0; i < 3000; i++) {
      for (const input of [...corpus, new Uint8Array(0)]) {
        expect(mutate(input, sources).length).toBeLessThanOrEqual(MAX_INPUT);
      }
    }
    expect(corpus.map((input) => [...input])).toEqual(before);
  });

  test("integers of the code find their way into inputs, in both byte orders", () => {
    const sources = { random: createRandom(3), literals: [0xcafe], corpus };
    const seen = new Set<string>();
    for (let i = 0; i < 3000; i++) {
      const text = Buffer.from(mutate(corpus[0]!, sources)).toString("hex");
      for (const pattern of ["cafe", "feca"]) if (text.includes(pattern)) seen.add(pattern);
    }
    expect([...seen].sort()).toEqual(["cafe", "feca"]);
  });
});
