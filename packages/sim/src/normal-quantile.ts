import { log } from "@seville/core";

/**
 * The inverse of the standard normal distribution function: which value is exceeded with probability `1 - u`.
 *
 * Rational approximation of Wichura's AS 241, PPND7 (Applied Statistics 37, 1988), good to 7 digits, for `u` in (0, 1). At
 * the very ends, where the true answer is infinite, it answers ±8.3.
 */
export function normalQuantile(u: number): number {
  const q = u - 0.5;
  if (Math.abs(q) <= 0.425) {
    const r = 0.180625 - q * q;
    return (
      (q * (((59.10937472 * r + 159.29113202) * r + 50.434271938) * r + 3.3871327179)) /
      (((67.1875636 * r + 78.757757664) * r + 17.895169469) * r + 1)
    );
  }
  const tail = Math.max(q < 0 ? u : 1 - u, SMALLEST);
  const r = Math.sqrt(-log(tail));
  const x = r <= 5 ? nearTail(r - 1.6) : farTail(r - 5);
  return q < 0 ? -x : x;
}

/** 2^-54: half of the smallest step of a uniform number. */
const SMALLEST = 2 ** -54;

function nearTail(r: number): number {
  return (
    (((0.17023821103 * r + 1.3067284816) * r + 2.75681539) * r + 1.4234372777) /
    ((0.12021132975 * r + 0.7370016425) * r + 1)
  );
}

function farTail(r: number): number {
  return (
    (((0.017337203997 * r + 0.42868294337) * r + 3.081226386) * r + 6.657905115) /
    ((0.012258202635 * r + 0.24197894225) * r + 1)
  );
}
