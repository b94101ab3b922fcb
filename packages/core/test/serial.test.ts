import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { serial16, serial32, serial8, type SerialNumbers } from "../src/index.ts";

describe("S1: RFC 1982 §5.2: the examples of 8 bits", () => {
  test("S1: 1 > 0, 44 > 0, 100 > 0, 100 > 44, 200 > 100, 255 > 200, 0 > 255, 100 > 255, 0 > 200, 44 > 200", () => {
    const greater = [
      [1, 0],
      [44, 0],
      [100, 0],
      [100, 44],
      [200, 100],
      [255, 200],
      [0, 255],
      [100, 255],
      [0, 200],
      [44, 200],
    ] as const;
    for (const [a, b] of greater) {
      expect(
        [serial8.gt(a, b), serial8.lt(b, a), serial8.lt(a, b), serial8.ge(a, b), serial8.le(b, a)],
        `${a} > ${b}`,
      ).toEqual([true, true, false, true, true]);
    }
  });

  test("S1: 255 + 1 == 0, 100 + 100 == 200, 200 + 100 == 44", () => {
    expect([serial8.add(255, 1), serial8.add(100, 100), serial8.add(200, 100)]).toEqual([0, 200, 44]);
  });
});

describe.each([serial8, serial16, serial32])("S2: against the definition, in integers without a limit", (serial) => {
  const space = 1n << BigInt(serial.bits);
  const half = space / 2n;
  const number = fc.bigInt({ min: 0n, max: space - 1n });
  const interesting = fc.oneof(number, fc.constantFrom(0n, 1n, half - 1n, half, half + 1n, space - 1n));

  test(`S2: lt, gt, le, ge of ${serial.bits} bits (RFC 1982 §3.2)`, () => {
    fc.assert(
      fc.property(interesting, interesting, (a, b) => {
        const model = lessThan(a, b, half);
        const [x, y] = [Number(a), Number(b)];
        expect([serial.lt(x, y), serial.gt(y, x)]).toEqual([model, model]);
        expect([serial.le(x, y), serial.ge(y, x)]).toEqual([model || a === b, model || a === b]);
      }),
    );
  });

  test(`S2: add and distance of ${serial.bits} bits undo each other`, () => {
    fc.assert(
      fc.property(interesting, fc.bigInt({ min: -half, max: half - 1n }), (a, n) => {
        const sum = serial.add(Number(a), Number(n));
        expect(BigInt(sum)).toBe((((a + n) % space) + space) % space);
        expect(BigInt(serial.distance(Number(a), sum))).toBe(n);
        if (n > 0n) expect(serial.gt(sum, Number(a))).toBe(true);
      }),
    );
  });

  test(`S2: max, min and within of ${serial.bits} bits`, () => {
    fc.assert(
      fc.property(interesting, interesting, fc.bigInt({ min: 0n, max: space }), (a, b, size) => {
        const [x, y] = [Number(a), Number(b)];
        expect(serial.max(x, y)).toBe(lessThan(a, b, half) ? y : x);
        expect(serial.min(x, y)).toBe(lessThan(b, a, half) ? y : x);
        const offset = (((a - b) % space) + space) % space;
        expect(serial.within(x, y, Number(size))).toBe(offset < size);
      }),
    );
  });
});

describe("S3: the undefined half space", () => {
  test.each([serial8, serial16, serial32])(
    "S3: neither is before the other (RFC 1982 §3.2); distance is the same both ways",
    (serial) => {
      const half = 2 ** (serial.bits - 1);
      const [a, b] = [5, serial.add(5, half)];
      expect([serial.lt(a, b), serial.gt(a, b), serial.le(a, b), serial.ge(a, b)]).toEqual([
        false,
        false,
        false,
        false,
      ]);
      expect([serial.distance(a, b), serial.distance(b, a)]).toEqual([-half, -half]);
      expect([serial.max(a, b), serial.min(a, b), serial.max(b, a)]).toEqual([a, a, b]);
    },
  );

  test("S3: a wrapping TCP sequence number", () => expect(wraps(serial32)).toEqual([true, 0x20]));
});

function wraps(serial: SerialNumbers): [boolean, number] {
  return [serial.lt(0xffff_fff0, 0x10), serial.distance(0xffff_fff0, 0x10)];
}

/** RFC 1982 §3.2, word for word. */
function lessThan(a: bigint, b: bigint, half: bigint): boolean {
  return (a < b && b - a < half) || (a > b && a - b > half);
}
