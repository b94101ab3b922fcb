import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createRandom, importRandom, type Random, simulatedSecrets } from "../src/index.ts";

const take = <T>(count: number, draw: () => T): T[] => Array.from({ length: count }, draw);
const reference = (words: [number, number, number, number]): Random =>
  importRandom({ algorithm: "xoshiro128**", key: "00".repeat(16), words });

describe("R1: xoshiro128** 1.1", () => {
  test("R1: the first ten numbers from the state 1, 2, 3, 4 are those of its authors' C code", () => {
    const random = reference([1, 2, 3, 4]);
    expect(take(10, () => random.uint32())).toEqual([
      11520, 0, 5927040, 70819200, 2031721883, 1637235492, 1287239034, 3734860849, 3729100597, 4258142804,
    ]);
  });

  test("R1: as a model in 64-bit integers draws them", () => {
    fc.assert(
      fc.property(
        fc.uint32Array({ minLength: 4, maxLength: 4 }).filter((w) => w.some((x) => x > 0)),
        (words) => {
          const model = xoshiroModel([...words].map(BigInt));
          const random = reference([...words] as [number, number, number, number]);
          for (let i = 0; i < 50; i++) expect(BigInt(random.uint32())).toBe(model());
        },
      ),
    );
  });
});

describe("R2: a seed is a run", () => {
  test("R2: the same seed gives the same numbers, another one others", () => {
    const a = createRandom(1);
    const b = createRandom(1);
    const c = createRandom(2);
    const first = take(100, () => a.uint32());
    expect(take(100, () => b.uint32())).toEqual(first);
    expect(take(100, () => c.uint32())).not.toEqual(first);
  });

  test("R2: these numbers, on every machine and for ever", () => {
    const random = createRandom(42);
    expect(take(4, () => random.uint32())).toEqual(SNAPSHOT_U32);
    expect([random.exponential(10), random.normal(0, 1), random.pareto(1, 1.5), random.float()]).toEqual(
      SNAPSHOT_FLOATS,
    );
  });

  test('R2: 1, 1n and "1" are one seed', () => {
    expect(createRandom(1n).uint32()).toBe(createRandom(1).uint32());
    expect(createRandom("1").uint32()).toBe(createRandom(1).uint32());
  });

  test("R2: a number that is no whole number is refused", () => {
    for (const seed of [1.5, NaN, Infinity, 2 ** 53]) {
      expect(() => createRandom(seed)).toThrow(expect.objectContaining({ argument: "seed" }) as Error);
    }
  });
});

describe("R3: streams by label", () => {
  test("R3: a fork depends on the seed and its label, not on what was drawn or forked before", () => {
    const quiet = createRandom("s");
    const busy = createRandom("s");
    take(1000, () => busy.uint32());
    busy.fork("another").uint32();
    const a = quiet.fork("link h1-r1");
    const b = busy.fork("link h1-r1");
    expect(take(50, () => a.uint32())).toEqual(take(50, () => b.uint32()));
  });

  test("R3: forking leaves the parent where it was", () => {
    const a = createRandom(7);
    const b = createRandom(7);
    a.fork("x");
    expect(a.uint32()).toBe(b.uint32());
  });

  test("R3: different labels, different depths, different streams", () => {
    const root = createRandom(1);
    const streams = [
      root,
      root.fork(""),
      root.fork("a"),
      root.fork("b"),
      root.fork("a").fork("b"),
      root.fork("ab"),
      root.fork("1"),
    ];
    const firsts = streams.map((stream) => take(4, () => stream.uint32()).join());
    expect(new Set(firsts).size).toBe(streams.length);
  });

  test("R3: streams of neighbouring labels do not go together", () => {
    const root = createRandom(3);
    const pairs = take(200, () => 0).map((_, i) => [root.fork(`link ${i}`), root.fork(`link ${i + 1}`)] as const);
    const equalBits = pairs.map(([a, b]) => 32 - ones((a.uint32() ^ b.uint32()) >>> 0));
    expect(mean(equalBits)).toBeGreaterThan(15);
    expect(mean(equalBits)).toBeLessThan(17);
  });
});

describe("R4: the state can be kept", () => {
  test("R4: an imported stream goes on where the exported one stood, and its forks are the same", () => {
    const random = createRandom("keep");
    take(17, () => random.uint32());
    const copy = importRandom(JSON.parse(JSON.stringify(random.exportState())) as ReturnType<Random["exportState"]>);
    expect(take(20, () => copy.float())).toEqual(take(20, () => random.float()));
    expect(copy.fork("x").uint32()).toBe(random.fork("x").uint32());
  });

  test("R4: a state that none has is refused", () => {
    const good = createRandom(1).exportState();
    expect(() => importRandom({ ...good, words: [0, 0, 0, 0] })).toThrow(/state.words/);
    expect(() => importRandom({ ...good, words: [1, 2, 3] as never })).toThrow(/state.words/);
    expect(() => importRandom({ ...good, key: "xyz" })).toThrow(/state.key/);
  });
});

describe("R5: distributions", () => {
  const random = createRandom("distributions");

  test("R5: float is in [0, 1), with 53 bits", () => {
    const draws = take(10_000, () => random.float());
    expect(draws.every((x) => x >= 0 && x < 1 && Number.isInteger(x * 2 ** 53))).toBe(true);
    expect(mean(draws)).toBeCloseTo(0.5, 1);
    expect(draws.some((x) => (x * 2 ** 53) % 2 === 1)).toBe(true);
  });

  test("R5: below is unbiased where a plain remainder is not: 3 * 2^30 would double the first third", () => {
    const n = 3 * 2 ** 30;
    const low = take(20_000, () => random.below(n)).filter((x) => x < n / 3).length;
    expect(low / 20_000).toBeGreaterThan(0.31);
    expect(low / 20_000).toBeLessThan(0.36);
  });

  test("R5: below covers its range, up to 2^53", () => {
    expect(new Set(take(200, () => random.below(6)))).toEqual(new Set([0, 1, 2, 3, 4, 5]));
    expect(take(20, () => random.below(1))).toEqual(new Array(20).fill(0));
    const large = take(1000, () => random.below(2 ** 53));
    expect(large.every((x) => Number.isSafeInteger(x) && x >= 0)).toBe(true);
    expect(Math.max(...large)).toBeGreaterThan(2 ** 52);
    for (const n of [0, -1, 1.5, NaN, 2 ** 54]) expect(() => random.below(n)).toThrow(/^n must be/);
  });

  test("R5: bool takes one draw whatever its probability", () => {
    const a = createRandom(5);
    const b = createRandom(5);
    expect([a.bool(0), a.bool(1)]).toEqual([false, true]);
    b.bool(0.5);
    b.bool(0.5);
    expect(a.uint32()).toBe(b.uint32());
    expect(mean(take(20_000, () => Number(random.bool(0.3))))).toBeCloseTo(0.3, 1);
  });

  test("R5: exponential, normal and pareto have their moments and bounds", () => {
    const exponential = take(20_000, () => random.exponential(5));
    expect(Math.min(...exponential)).toBeGreaterThanOrEqual(0);
    expect(mean(exponential) / 5).toBeCloseTo(1, 1);
    expect(deviation(exponential) / 5).toBeCloseTo(1, 1);
    const normal = take(20_000, () => random.normal(10, 2));
    expect(mean(normal)).toBeCloseTo(10, 1);
    expect(deviation(normal)).toBeCloseTo(2, 1);
    expect(normal.filter((x) => Math.abs(x - 10) < 2).length / 20_000).toBeCloseTo(0.6827, 1);
    const pareto = take(20_000, () => random.pareto(2, 3));
    expect(Math.min(...pareto)).toBeGreaterThanOrEqual(2);
    expect(mean(pareto)).toBeCloseTo(3, 0);
    expect(pareto.filter((x) => x > 4).length / 20_000).toBeCloseTo(0.125, 1);
  });

  test("R5: shuffle permutes in place, every order alike", () => {
    const counts = new Map<string, number>();
    for (let i = 0; i < 6000; i++) {
      const items = ["a", "b", "c"];
      expect(random.shuffle(items)).toBe(items);
      const order = items.join("");
      counts.set(order, (counts.get(order) ?? 0) + 1);
    }
    expect(counts.size).toBe(6);
    for (const count of counts.values()) expect(Math.abs(count - 1000)).toBeLessThan(150);
  });
});

describe("R6: secrets for a simulation", () => {
  test("R6: they come from the stream, least significant byte first, so that a run repeats", () => {
    const words = createRandom("s");
    const [first, second] = [words.uint32(), words.uint32()];
    const bytes = new Uint8Array(6);
    simulatedSecrets(createRandom("s"))(bytes);
    const view = new DataView(bytes.buffer);
    expect([view.getUint32(0, true), view.getUint16(4, true)]).toEqual([first, second & 0xffff]);
  });
});

const SNAPSHOT_U32 = [2591919889, 39958940, 923868561, 2992686605];
const SNAPSHOT_FLOATS = [8.83793806941542, 0.057802486810926194, 1.277879831522786, 0.8543773869872334];

function xoshiroModel(s: bigint[]): () => bigint {
  const mask = 0xffff_ffffn;
  const rotl = (x: bigint, k: bigint) => ((x << k) | (x >> (32n - k))) & mask;
  return () => {
    const result = (rotl((s[1]! * 5n) & mask, 7n) * 9n) & mask;
    const t = (s[1]! << 9n) & mask;
    s[2]! ^= s[0]!;
    s[3]! ^= s[1]!;
    s[1]! ^= s[2]!;
    s[0]! ^= s[3]!;
    s[2]! ^= t;
    s[3] = rotl(s[3]!, 11n);
    return result;
  };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function deviation(values: readonly number[]): number {
  const centre = mean(values);
  return Math.sqrt(mean(values.map((value) => (value - centre) ** 2)));
}

function ones(word: number): number {
  return word.toString(2).replaceAll("0", "").length;
}
