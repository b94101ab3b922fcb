import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { crc32c, crc32cCombine, crc32cZeros } from "@seville/checksum";
import { naiveCrc32c } from "./helpers/naive.ts";

/** x^32 and the polynomial's other powers, written out from RFC 9260 Appendix A. */
const POWERS = [32, 28, 27, 26, 25, 23, 22, 20, 19, 18, 14, 13, 11, 10, 9, 8, 6, 0];
const POLYNOMIAL = POWERS.reduce((sum, power) => sum | (1n << BigInt(power)), 0n);

function modulo(dividend: bigint): bigint {
  let rest = dividend;
  for (let bit = BigInt(rest.toString(2).length) - 1n; bit >= 32n; bit--) {
    if ((rest >> bit) & 1n) rest ^= POLYNOMIAL << (bit - 32n);
  }
  return rest;
}

describe("the fold of the SIMD kernel (assembly/crc32c-taps.json)", () => {
  const taps = JSON.parse(readFileSync(new URL("../assembly/crc32c-taps.json", import.meta.url), "utf8")) as {
    polynomial: string;
    lags: number[];
  };
  const furthest = Math.max(...taps.lags);

  test("K5 the tap set is a multiple of the CRC32c polynomial: x^(8a) + … + 1 leaves no remainder", () => {
    // A byte may be replaced by adding it `lag` bytes later, for all lags, if x^(8·furthest) = Σ x^(8·(furthest − lag)).
    const multiple = taps.lags.reduce(
      (sum, lag) => sum ^ (1n << BigInt(8 * (furthest - lag))),
      1n << BigInt(8 * furthest),
    );
    expect(modulo(multiple)).toBe(0n);
  });

  test("K5 another tap set is not: the proof can fail", () => {
    const spoilt = taps.lags.map((lag) => (lag === furthest ? lag - 1 : lag));
    const multiple = spoilt.reduce(
      (sum, lag) => sum ^ (1n << BigInt(8 * (furthest - lag))),
      1n << BigInt(8 * furthest),
    );
    expect(modulo(multiple)).not.toBe(0n);
  });

  test("K5 no lag is shorter than a vector, and the number of terms is even, since x + 1 divides the polynomial", () => {
    expect(Math.min(...taps.lags)).toBeGreaterThanOrEqual(16);
    expect((taps.lags.length + 1) % 2).toBe(0);
    expect(new Set(taps.lags).size).toBe(taps.lags.length);
  });

  test("K5 the written polynomial is the one of RFC 9260 Appendix A", () => {
    expect(taps.polynomial).toBe(POWERS.map((power) => (power === 0 ? "1" : `x^${power}`)).join("+"));
    expect(POLYNOMIAL).toBe(0x1_1edc_6f41n);
  });
});

describe("combining CRCs", () => {
  const bytes = fc.uint8Array({ maxLength: 300 });

  test("K6 crc(A B) from crc(A), crc(B) and the length of B", () => {
    fc.assert(
      fc.property(bytes, bytes, (a, b) => {
        const whole = Uint8Array.from([...a, ...b]);
        expect(crc32cCombine(crc32c(a), crc32c(b), b.length)).toBe(naiveCrc32c(whole));
      }),
    );
  });

  test("K6 the operator for zeros: x^(8n) mod P by division, up to lengths that no buffer has", () => {
    for (const count of [0, 1, 2, 3, 4, 5, 16, 255]) {
      expect(reflect(crc32cZeros(count))).toBe(Number(modulo(1n << BigInt(8 * count))));
    }
    // Beyond 32 bits of length: appending a and then b zeros is appending a + b.
    const crc = crc32c(Uint8Array.of(1, 2, 3));
    const [a, b] = [2 ** 40 + 3, 2 ** 41 + 1];
    expect(crc32cCombine(crc32cCombine(crc, 0, a), 0, b)).toBe(crc32cCombine(crc, 0, a + b));
  });
});

/** Bit 31 of a reflected register is x^0. */
function reflect(register: number): number {
  let value = 0;
  for (let bit = 0; bit < 32; bit++) value += ((register >>> (31 - bit)) & 1) * 2 ** bit;
  return value;
}
