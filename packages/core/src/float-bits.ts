/*
 * Doubles taken apart and put together by their bits (IEEE 754 binary64).
 */

/** What {@link splitMantissa} leaves beside its result. Read it before the next call. */
export let exponent = 0;

/** The `m` in [sqrt(1/2), sqrt(2)) with `x = m * 2^exponent`. `x` is positive and finite. */
export function splitMantissa(x: number): number {
  let bias = 1023;
  if (x < SMALLEST_NORMAL) {
    x *= TWO_54;
    bias += 54;
  }
  bits.setFloat64(0, x);
  const top = bits.getUint32(0);
  exponent = (top >>> 20) - bias;
  bits.setUint32(0, (top & 0xf_ffff) | 0x3ff0_0000);
  const m = bits.getFloat64(0);
  if (m < Math.SQRT2) return m;
  exponent++;
  return m / 2;
}

/** 2^k for a normal result: `k` from -1022 to 1023. (`2 ** k` is left to the engine by ECMA-262.) */
export function powerOf2(k: number): number {
  bits.setUint32(0, (k + 1023) << 20);
  bits.setUint32(4, 0);
  return bits.getFloat64(0);
}

const SMALLEST_NORMAL = 2.2250738585072014e-308;
const TWO_54 = 18_014_398_509_481_984;
const bits = new DataView(new ArrayBuffer(8));
