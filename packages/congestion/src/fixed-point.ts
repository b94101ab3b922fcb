/*
 * Products beyond 2^53 of whole numbers, as the kernel's u64 arithmetic gives them. Nearly all products that congestion
 * control makes stay below 2^53, where a double is exact; the rest takes the slow way.
 */

/** floor(a * b / 2^shift), exact for whole numbers; the result must be below 2^53. */
export function mulShift(a: number, b: number, shift: number): number {
  const product = a * b;
  if (product <= Number.MAX_SAFE_INTEGER) return Math.floor(product / 2 ** shift);
  return Number((BigInt(a) * BigInt(b)) >> BigInt(shift));
}

/** floor(a * b / divisor), exact for whole numbers; the result must be below 2^53. */
export function mulDiv(a: number, b: number, divisor: number): number {
  const product = a * b;
  if (product <= Number.MAX_SAFE_INTEGER) return Math.floor(product / divisor);
  return Number((BigInt(a) * BigInt(b)) / BigInt(divisor));
}

/** The position of the highest bit set, from 1; 0 has none (fls64). For whole numbers below 2^53. */
export function highestBit(a: number): number {
  const high = Math.floor(a / 0x1_0000_0000);
  return high === 0 ? 32 - Math.clz32(a) : 64 - Math.clz32(high);
}
