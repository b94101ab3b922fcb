import { ddAdd, low, twoProduct, twoSum } from "./double-double.ts";
import { powerOf2 } from "./float-bits.ts";

/*
 * Sine and cosine with the same bits on every engine: see maths.ts. Within 1 ulp for every argument, however large.
 */

/** The sine of `x` radians. */
export function sin(x: number): number {
  if (!Number.isFinite(x)) return NaN;
  // Keeps the sign of -0.
  if (x === 0) return x;
  const quadrant = reduce(x);
  const value = (quadrant & 1) === 0 ? kernelSine() : kernelCosine();
  return (quadrant & 2) === 0 ? value : -value;
}

/** The cosine of `x` radians. */
export function cos(x: number): number {
  if (!Number.isFinite(x)) return NaN;
  const quadrant = reduce(x);
  const value = (quadrant & 1) === 0 ? kernelCosine() : kernelSine();
  return ((quadrant + 1) & 2) === 0 ? value : -value;
}

const QUARTER_PI = 0.7853981633974483;
const TWO_OVER_PI = 0.6366197723675814;
/** pi/2 in parts of 33 bits, so that the product with a count below 2^20 is exact, and the rest. */
const HALF_PI_1 = 1.5707963267341256;
const HALF_PI_2 = 6.077100506303966e-11;
const HALF_PI_3 = 2.0222662487111665e-21;
const HALF_PI_4 = 8.4784276603689e-32;
/** Up to here the parts above are enough (2^19 quarter turns). */
const LARGEST_SIMPLE = 823_549;

/** What {@link reduce} leaves: the angle in [-pi/4, pi/4] as a double-double. */
let angle = 0;
let angleLow = 0;

/** Takes multiples of pi/2 off `x` and returns their number modulo 4. */
function reduce(x: number): number {
  if (Math.abs(x) <= QUARTER_PI) {
    angle = x;
    angleLow = 0;
    return 0;
  }
  if (Math.abs(x) > LARGEST_SIMPLE) return reduceExactly(x);
  const turns = Math.round(x * TWO_OVER_PI);
  angle = twoSum(x - turns * HALF_PI_1, -(turns * HALF_PI_2));
  angle = ddAdd(angle, low, -(turns * HALF_PI_3), 0);
  angle = ddAdd(angle, low, -(turns * HALF_PI_4), 0);
  angleLow = low;
  return turns & 3;
}

const TWO_33 = 8_589_934_592;
const TWO_53 = 9_007_199_254_740_992;
/** Bits behind the point that {@link reduceExactly} counts with: the exponent's 1023, two doubles, and room for cancellation. */
const PRECISION = 1280n;
let halfPiBits = 0n;

/** As {@link reduce}, in integers with {@link PRECISION} bits behind the point. Slow; large angles are rare. */
function reduceExactly(x: number): number {
  if (halfPiBits === 0n) halfPiBits = computeHalfPi();
  const size = Math.abs(x);
  // The last bit of a double this large is 2^-33 at the least.
  const fixed = size < TWO_53 ? BigInt(size * TWO_33) << (PRECISION - 33n) : BigInt(size) << PRECISION;
  const turns = (2n * fixed + halfPiBits) / (2n * halfPiBits);
  const rest = fixed - turns * halfPiBits;
  angle = toDouble(rest);
  angleLow = toDouble(rest - toFixed(angle));
  const quadrant = Number(turns & 3n);
  if (x > 0) return quadrant;
  angle = -angle;
  angleLow = -angleLow;
  return -quadrant & 3;
}

/** pi/2 by Machin's formula, pi/4 = 4 arctan(1/5) - arctan(1/239), with bits enough for arguments up to 2^1024. */
function computeHalfPi(): bigint {
  const guard = 64n;
  const scale = PRECISION + guard;
  return (2n * (4n * inverseArctangent(5n, scale) - inverseArctangent(239n, scale))) >> guard;
}

function inverseArctangent(n: bigint, scale: bigint): bigint {
  let power = (1n << scale) / n;
  let sum = power;
  for (let k = 3n; power !== 0n; k += 2n) {
    power /= -n * n;
    sum += power / k;
  }
  return sum;
}

/** `fixed / 2^PRECISION`, cut to 53 bits. */
function toDouble(fixed: bigint): number {
  const size = fixed < 0n ? -fixed : fixed;
  const surplus = Math.max(0, size.toString(2).length - 53);
  const scale = surplus - Number(PRECISION);
  // Far below anything that the other part of the angle could show.
  if (scale < -1000) return 0;
  const value = Number(size >> BigInt(surplus)) * powerOf2(scale);
  return fixed < 0n ? -value : value;
}

function toFixed(value: number): bigint {
  // The angle is at least 2^-64, so that 120 places hold all of its bits.
  return BigInt(value * powerOf2(120)) << (PRECISION - 120n);
}

/** sin(angle) by its series; the low part adds angleLow * cos(angle). */
function kernelSine(): number {
  const a2 = angle * angle;
  let series = 0;
  for (let n = 20; n >= 2; n -= 2) series = (-a2 / (n * (n + 1))) * (1 + series);
  return angle + (angle * series + angleLow * (1 - a2 / 2));
}

/** cos(angle) by its series, with the rounding error of 1 - angle^2/2 put back. */
function kernelCosine(): number {
  const a2 = twoProduct(angle, angle);
  const a2Low = low;
  let series = 0;
  for (let n = 21; n >= 3; n -= 2) series = (-a2 / (n * (n + 1))) * (1 + series);
  const sum = twoSum(1, -a2 / 2);
  return sum + (low - a2Low / 2 - (a2 / 2) * series - angle * angleLow);
}
