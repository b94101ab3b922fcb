import { ddAdd, ddDivide, ddMultiply, low, twoProduct, twoSum } from "./double-double.ts";
import { exponent, powerOf2, splitMantissa } from "./float-bits.ts";

/*
 * Mathematics whose results are the same bits on every engine: only + - * /, Math.sqrt and bit manipulation, which
 * IEEE 754 defines to the last bit. ECMAScript leaves Math.log and its kin to the implementation.
 *
 * Each result lies within 1 ulp of the exact one. Special cases answer as the function of Math does.
 */

/** The natural logarithm. */
export function log(x: number): number {
  if (!(x > 0) || x === Infinity) return logOfUnusual(x);
  const f = splitMantissa(x) - 1;
  const k = exponent;
  // ln(1+f) = 2 artanh(s) with s = f/(2+f), and 2s = f - (f^2/2 - s f^2/2): f itself carries no rounding error.
  const s = f / (2 + f);
  const s2 = s * s;
  let series = 0;
  for (let n = 23; n >= 3; n -= 2) series = (series + 2 / n) * s2;
  const half = (f * f) / 2;
  return k * LN2_HIGH33 - (half - (s * (half + series) + k * LN2_REST) - f);
}

/** The logarithm to base 2; exact for powers of 2. */
export function log2(x: number): number {
  if (!(x > 0) || x === Infinity) return logOfUnusual(x);
  const m = splitMantissa(x);
  const k = exponent;
  const high = logOfMantissa(m);
  const scaled = ddMultiply(high, low, INV_LN2_HIGH, INV_LN2_LOW);
  return ddAdd(k, 0, scaled, low);
}

/** e to the power of `x`. */
export function exp(x: number): number {
  return expOfSum(x, 0);
}

/** `x` to the power of `y`, with the special cases of `Math.pow` (ECMA-262, Number::exponentiate). */
export function pow(x: number, y: number): number {
  if (y === 0) return 1;
  if (Number.isNaN(x) || Number.isNaN(y)) return NaN;
  const size = Math.abs(x);
  if (Math.abs(y) === Infinity) {
    if (size === 1) return NaN;
    return size > 1 === y > 0 ? Infinity : 0;
  }
  const odd = isOddInteger(y);
  if (size === 0 || size === Infinity) {
    const magnitude = (size === 0) === y > 0 ? 0 : Infinity;
    return odd && (x < 0 || Object.is(x, -0)) ? -magnitude : magnitude;
  }
  if (x < 0 && !Number.isInteger(y)) return NaN;
  const magnitude = powOfPositive(size, y);
  return x < 0 && odd ? -magnitude : magnitude;
}

/** The cube root. */
export function cbrt(x: number): number {
  if (x === 0 || !Number.isFinite(x)) return x;
  const m = splitMantissa(Math.abs(x));
  // |x| = v * 8^thirds with v in [1/2, 6): what Newton needs is only a root of v.
  const thirds = Math.floor(exponent / 3);
  const v = m * (POWERS_BELOW_8[exponent - 3 * thirds] as number);
  let root = 0.7 + 0.18 * v;
  for (let i = 0; i < 3; i++) {
    // Halley's step: triples the digits that are right.
    const cube = root * root * root;
    root *= (cube + 2 * v) / (2 * cube + v);
  }
  // One step more with the exact remainder v - root^3 takes the rounding errors out.
  const square = twoProduct(root, root);
  const cube = ddMultiply(square, low, root, 0);
  root += (v - cube - low) / (3 * square);
  return (x < 0 ? -root : root) * powerOf2(thirds);
}

const LN2_HIGH = 0.6931471805599453;
const LN2_LOW = 2.3190468138462996e-17;
/** ln 2 in two parts of which the first has 33 bits, so that its product with an exponent is exact. */
const LN2_HIGH33 = 0.6931471804855391;
const LN2_REST = 7.440617110012396e-11;
const INV_LN2_HIGH = 1.4426950408889634;
const INV_LN2_LOW = 2.0355273740931033e-17;
const THIRD_HIGH = 0.3333333333333333;
const THIRD_LOW = 1.850371707708594e-17;
const POWERS_BELOW_8: readonly number[] = [1, 2, 4];
const TWO_64 = 18_446_744_073_709_551_616;
const TWO_54 = 18_014_398_509_481_984;

/** ln m = 2 artanh(s) with s = (m-1)/(m+1), as a double-double. The first two terms need its precision, the rest do not. */
function logOfMantissa(m: number): number {
  const divisor = twoSum(m, 1);
  const s = ddDivide(m - 1, divisor, low);
  const sLow = low;
  const s2 = ddMultiply(s, sLow, s, sLow);
  const s2Low = low;
  const third = ddMultiply(s2, s2Low, THIRD_HIGH, THIRD_LOW);
  const thirdLow = low;
  let series = 0;
  for (let n = 25; n >= 5; n -= 2) series = series * s2 + 1 / n;
  const tail = ddAdd(third, thirdLow, s2 * s2 * series, 0);
  const product = ddMultiply(s, sLow, tail, low);
  const half = ddAdd(s, sLow, product, low);
  // Twice a double-double: exact.
  const halfLow = low;
  return twoSum(2 * half, 2 * halfLow);
}

/** `k ln 2 + (high + rest)`, as a double-double. */
function addTimesLn2(k: number, high: number, rest: number): number {
  if (k === 0) return twoSum(high, rest);
  const product = ddMultiply(LN2_HIGH, LN2_LOW, k, 0);
  return ddAdd(product, low, high, rest);
}

function logOfUnusual(x: number): number {
  if (x === 0) return -Infinity;
  return x === Infinity ? Infinity : NaN;
}

/** e^(high + rest), where |rest| is far below |high|. */
function expOfSum(high: number, rest: number): number {
  if (Number.isNaN(high)) return NaN;
  if (high > 709.79) return Infinity;
  if (high < -745.14) return 0;
  const k = Math.round(high * INV_LN2_HIGH);
  const r = twoSum(high - k * LN2_HIGH33, rest - k * LN2_REST);
  const rLow = low;
  let series = 0;
  for (let n = 15; n >= 2; n--) series = (1 + series) * (r / n);
  // e^r = 1 + r + r * series; the rounding error of 1 + r is put back.
  const sum = twoSum(1, r);
  const value = sum + (low + (r * series + rLow * sum));
  // Results below the normal numbers are rounded once, by the second factor.
  if (k > 1023) return value * powerOf2(k - 1) * 2;
  return k < -1021 ? value * powerOf2(k + 54) * (1 / TWO_54) : value * powerOf2(k);
}

function powOfPositive(x: number, y: number): number {
  const m = splitMantissa(x);
  const k = exponent;
  const mantissaLog = logOfMantissa(m);
  const logarithm = addTimesLn2(k, mantissaLog, low);
  const logarithmLow = low;
  if (logarithm === 0) return 1;
  // |ln x| is at least 2^-53 for x other than 1, so that such a y is out of range anyway. It keeps the product exact.
  if (Math.abs(y) > TWO_64) return logarithm > 0 === y > 0 ? Infinity : 0;
  const product = ddMultiply(logarithm, logarithmLow, y, 0);
  return expOfSum(product, low);
}

function isOddInteger(y: number): boolean {
  return Number.isInteger(y) && Math.abs(y % 2) === 1;
}
