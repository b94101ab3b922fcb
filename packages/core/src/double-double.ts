/**
 * Sums and products with their rounding error: a number as an unevaluated sum of two doubles, about 106 bits
 * (Dekker 1971, Knuth 4.2.2). Every function returns the high part and leaves the low part in {@link low}: nothing is
 * allocated. Read `low` before the next call.
 */
export let low = 0;

/** `a + b`, exactly. */
export function twoSum(a: number, b: number): number {
  const sum = a + b;
  const part = sum - a;
  low = a - (sum - part) + (b - part);
  return sum;
}

/** `a * b`, exactly, for products that neither overflow (|a|, |b| < 2^500) nor fall below 2^-900. */
export function twoProduct(a: number, b: number): number {
  const product = a * b;
  const aHigh = head(a);
  const aLow = a - aHigh;
  const bHigh = head(b);
  const bLow = b - bHigh;
  low = aLow * bLow - (product - aHigh * bHigh - aLow * bHigh - aHigh * bLow);
  return product;
}

/** `(aHigh + aLow) + (bHigh + bLow)`. */
export function ddAdd(aHigh: number, aLow: number, bHigh: number, bLow: number): number {
  const sum = twoSum(aHigh, bHigh);
  return renormalise(sum, low + aLow + bLow);
}

/** `(aHigh + aLow) * (bHigh + bLow)`. */
export function ddMultiply(aHigh: number, aLow: number, bHigh: number, bLow: number): number {
  const product = twoProduct(aHigh, bHigh);
  return renormalise(product, low + (aHigh * bLow + aLow * bHigh));
}

/** `numerator / (divisorHigh + divisorLow)`. */
export function ddDivide(numerator: number, divisorHigh: number, divisorLow: number): number {
  const quotient = numerator / divisorHigh;
  const product = twoProduct(quotient, divisorHigh);
  return renormalise(quotient, (numerator - product - low - quotient * divisorLow) / divisorHigh);
}

function renormalise(high: number, rest: number): number {
  const sum = high + rest;
  low = rest - (sum - high);
  return sum;
}

/** The upper 26 bits, by multiplication with 2^27 + 1. */
function head(a: number): number {
  const scaled = 134_217_729 * a;
  return scaled - (scaled - a);
}
