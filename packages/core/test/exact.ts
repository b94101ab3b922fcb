/*
 * The slow, obvious oracle for maths.ts and trigonometry.ts: series in integers with 320 bits behind the point. Nothing here
 * is shared with the code under test.
 */
const PLACES = 320n;
export const ONE: bigint = 1n << PLACES;

/** A finite double as a fixed-point number; exact for all that the tests use (no smaller than 2^-260 or so). */
export function fixed(x: number): bigint {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, x);
  const bits = view.getBigUint64(0);
  const exponent = (bits >> 52n) & 0x7ffn;
  const fraction = bits & 0xf_ffff_ffff_ffffn;
  const mantissa = exponent === 0n ? fraction : fraction | (1n << 52n);
  const shift = (exponent === 0n ? 1n : exponent) - 1075n + PLACES;
  const size = shift >= 0n ? mantissa << shift : mantissa >> -shift;
  return bits >> 63n === 1n ? -size : size;
}

export function multiply(a: bigint, b: bigint): bigint {
  return (a * b) >> PLACES;
}

/** e^x = (e^(x / 2^16))^(2^16) by the series. */
export function exactExp(x: bigint): bigint {
  const small = x >> 16n;
  let term = ONE;
  let sum = ONE;
  for (let n = 1n; term !== 0n && n < 200n; n++) {
    term = multiply(term, small) / n;
    sum += term;
  }
  for (let i = 0; i < 16; i++) sum = multiply(sum, sum);
  return sum;
}

/** ln x = k ln 2 + 2 artanh((m-1)/(m+1)). */
export function exactLog(x: bigint): bigint {
  let m = x;
  let k = 0n;
  while (m > 2n * ONE) {
    m >>= 1n;
    k++;
  }
  while (m < ONE) {
    m <<= 1n;
    k--;
  }
  return k * twiceArtanh(ONE / 3n) + twiceArtanh(((m - ONE) * ONE) / (m + ONE));
}

function twiceArtanh(s: bigint): bigint {
  const square = multiply(s, s);
  let power = s;
  let sum = 0n;
  for (let n = 1n; power !== 0n && n < 1000n; n += 2n) {
    sum += power / n;
    power = multiply(power, square);
  }
  return 2n * sum;
}

/** sin x after x is brought below 2^-10 by dividing by 3 again and again: sin 3a = 3 sin a - 4 sin^3 a. */
export function exactSin(x: bigint): bigint {
  let a = x;
  let thirds = 0;
  while ((a < 0n ? -a : a) > ONE >> 10n) {
    a /= 3n;
    thirds++;
  }
  let term = a;
  let sum = a;
  for (let n = 2n; term !== 0n && n < 200n; n += 2n) {
    term = -multiply(multiply(term, a), a) / (n * (n + 1n));
    sum += term;
  }
  for (; thirds > 0; thirds--) sum = 3n * sum - 4n * multiply(multiply(sum, sum), sum);
  return sum;
}

/** How many units in the last place `value` is from `exact`. */
export function ulpError(value: number, exact: bigint): number {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, Math.abs(value));
  view.setBigUint64(0, view.getBigUint64(0) + 1n);
  const ulp = fixed(view.getFloat64(0)) - fixed(Math.abs(value));
  const error = fixed(value) - exact;
  return Number(((error < 0n ? -error : error) * 1000n) / ulp) / 1000;
}
