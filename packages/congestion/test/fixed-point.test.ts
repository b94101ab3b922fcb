import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { highestBit, mulDiv, mulShift } from "../src/fixed-point.ts";

describe("X: whole numbers beyond 2^53 (the kernel's u64)", () => {
  const operand = fc.oneof(
    fc.integer({ min: 0, max: 2 ** 31 - 1 }),
    fc.maxSafeInteger().map((x) => Math.abs(x)),
  );

  test("X1: floor(a b / 2^n) as BigInt has it", () => {
    fc.assert(
      fc.property(operand, operand, fc.integer({ min: 0, max: 63 }), (a, b, shift) => {
        const exact = (BigInt(a) * BigInt(b)) >> BigInt(shift);
        fc.pre(exact <= BigInt(Number.MAX_SAFE_INTEGER));
        expect(BigInt(mulShift(a, b, shift))).toBe(exact);
      }),
      { numRuns: 2000 },
    );
  });

  test("X2: floor(a b / c) as BigInt has it", () => {
    fc.assert(
      fc.property(operand, operand, fc.integer({ min: 1, max: 2 ** 31 - 1 }), (a, b, c) => {
        const exact = (BigInt(a) * BigInt(b)) / BigInt(c);
        fc.pre(exact <= BigInt(Number.MAX_SAFE_INTEGER));
        expect(BigInt(mulDiv(a, b, c))).toBe(exact);
      }),
      { numRuns: 2000 },
    );
  });

  test("X3: the highest bit as the binary notation shows it (fls64)", () => {
    expect(highestBit(0)).toBe(0);
    fc.assert(
      fc.property(operand, (a) => {
        expect(highestBit(a)).toBe(a === 0 ? 0 : a.toString(2).length);
      }),
    );
  });
});
