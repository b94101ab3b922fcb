import { describe, expect, test } from "vitest";
import { cbrt, cos, createRandom, exp, log, log2, pow, sin } from "../src/index.ts";
import { exactExp, exactLog, exactSin, fixed, multiply, ONE, ulpError } from "./exact.ts";
import { MATHS_BITS } from "./fixtures/maths-bits.ts";

const FUNCTIONS = { log, log2, exp, cbrt, sin, cos };

describe("M1: the same bits on every engine", () => {
  test.each(MATHS_BITS)("M1: $name($x) has the bits $bits", ({ name, x, bits }) => {
    expect(bitsOf(FUNCTIONS[name](x))).toBe(bits);
  });

  test("M1: pow has these bits", () => {
    const cases = [
      [2, 0.5],
      [10, -3],
      [1.0000001, 1e7],
      [0.3, 17.5],
      [7, 1 / 3],
      [1e-300, 0.001],
      [123.456, 78.9],
    ] as const;
    expect(cases.map(([x, y]) => bitsOf(pow(x, y)))).toEqual([
      "3ff6a09e667f3bcd",
      "3f50624dd2f1a9fc",
      "4005bf0a790ce6f2",
      "3e084dbd1eae580d",
      "3ffe9b5dba58189d",
      "3fe009b9cf334252",
      "623232619c0a25c6",
    ]);
  });
});

describe("M2: within 1 ulp of the exact value", () => {
  const random = createRandom("maths");
  const between = (low: number, high: number) => low + (high - low) * random.float();

  test("M2: log", () => {
    expectClose(() => between(0.9, 1.1), log, exactLog);
    expectClose(() => between(0, 1e6), log, exactLog);
    expectClose(() => exp(between(-60, 60)), log, exactLog);
  });

  test("M2: log2", () => {
    const ln2 = exactLog(2n * ONE);
    const exact = (x: bigint) => (exactLog(x) * ONE) / ln2;
    expectClose(() => between(0.5, 2), log2, exact);
    expectClose(() => between(0, 1e9), log2, exact);
  });

  test("M2: exp", () => {
    expectClose(() => between(-1, 1), exp, exactExp);
    expectClose(() => between(-80, 300), exp, exactExp);
  });

  test("M2: pow", () => {
    for (let i = 0; i < 1000; i++) {
      const x = between(0.01, 100);
      const y = between(-20, 20);
      const exact = exactExp(multiply(fixed(y), exactLog(fixed(x))));
      expect(ulpError(pow(x, y), exact), `pow(${x}, ${y})`).toBeLessThanOrEqual(1);
    }
  });

  test("M2: cbrt is the nearest to within 1 ulp: its neighbours' cubes lie on both sides", () => {
    for (let i = 0; i < 1000; i++) {
      const x = between(0, 1000);
      const root = fixed(cbrt(x));
      const ulp = fixed(nextUp(cbrt(x))) - root;
      const cube = (r: bigint) => multiply(multiply(r, r), r);
      expect(cube(root - ulp) < fixed(x) && fixed(x) < cube(root + ulp), `cbrt(${x})`).toBe(true);
    }
  });

  test("M2: sin and cos, also near multiples of pi/2 and for large angles", () => {
    const halfPi = 2n * exactQuarterPi();
    const exactCos = (x: bigint) => exactSin(halfPi - x);
    for (const next of [
      () => between(-10, 10),
      () => between(-1e6, 1e6),
      () => Math.round(between(-1e5, 1e5)) * (Math.PI / 2),
    ]) {
      expectClose(next, sin, exactSin, 400);
      expectClose(next, cos, exactCos, 400);
    }
  });

  test("M2: against Math, for all exponents: at most 2 ulp (each has its own error)", () => {
    const bits = new DataView(new ArrayBuffer(8));
    for (let i = 0; i < 20_000; i++) {
      bits.setUint32(0, random.uint32() >>> 1);
      bits.setUint32(4, random.uint32());
      const x = bits.getFloat64(0);
      if (!Number.isFinite(x)) continue;
      expectNear(log(x), Math.log(x), `log(${x})`);
      expectNear(log2(x), Math.log2(x), `log2(${x})`);
      expectNear(cbrt(-x), Math.cbrt(-x), `cbrt(${-x})`);
      expectNear(sin(x), Math.sin(x), `sin(${x})`);
      expectNear(cos(-x), Math.cos(-x), `cos(${-x})`);
    }
  });
});

describe("M3: special cases as Math has them", () => {
  const specials = [
    0,
    -0,
    1,
    -1,
    2,
    -2,
    0.5,
    -0.5,
    3,
    -3,
    NaN,
    Infinity,
    -Infinity,
    5e-324,
    -5e-324,
    Number.MAX_VALUE,
    1e300,
    -1e300,
  ];

  test.each(["log", "log2", "exp", "cbrt", "sin", "cos"] as const)("M3: %s", (name) => {
    for (const x of specials) expectNear(FUNCTIONS[name](x), Math[name](x), `${name}(${x})`);
  });

  test("M3: pow, every pair", () => {
    for (const x of specials) for (const y of specials) expectNear(pow(x, y), Math.pow(x, y), `pow(${x}, ${y})`);
  });

  test("M3: exp overflows, underflows and is gradual in between", () => {
    expect([exp(709.78), exp(709.79), exp(-745.13), exp(-745.14), exp(-740)].map(bitsOf)).toEqual(
      [Math.exp(709.78), Infinity, Math.exp(-745.13), 0, Math.exp(-740)].map(bitsOf),
    );
  });

  test("M3: exact results are exact", () => {
    for (let k = -1074; k < 1024; k += 1) expect(log2(pow(2, k))).toBe(k);
    for (let n = 0; n < 200; n++) expect(cbrt(n * n * n)).toBe(n);
    expect([pow(10, 3), pow(5, -3), pow(-2, 3), pow(2, -1074), pow(10, 22)]).toEqual([1000, 0.008, -8, 5e-324, 1e22]);
  });
});

function expectClose(
  next: () => number,
  ours: (x: number) => number,
  exact: (x: bigint) => bigint,
  rounds = 500,
): void {
  for (let i = 0; i < rounds; i++) {
    const x = next();
    expect(ulpError(ours(x), exact(fixed(x))), `of ${x}`).toBeLessThanOrEqual(1);
  }
}

function expectNear(ours: number, theirs: number, what: string): void {
  if (Object.is(ours, theirs)) return;
  const apart = BigInt(`0x${bitsOf(ours)}`) - BigInt(`0x${bitsOf(theirs)}`);
  expect(apart >= -2n && apart <= 2n, `${what}: ${ours}, Math says ${theirs}`).toBe(true);
}

function nextUp(x: number): number {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, x);
  view.setBigUint64(0, view.getBigUint64(0) + 1n);
  return view.getFloat64(0);
}

function bitsOf(x: number): string {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, x);
  return view.getBigUint64(0).toString(16).padStart(16, "0");
}

/** pi/4, by bisection on the sine alone: sin(pi/4)^2 = 1/2. */
function exactQuarterPi(): bigint {
  let low = 0n;
  let high = ONE;
  while (high - low > 1n) {
    const middle = (low + high) >> 1n;
    const sine = exactSin(middle);
    if (2n * multiply(sine, sine) < ONE) low = middle;
    else high = middle;
  }
  return low;
}
