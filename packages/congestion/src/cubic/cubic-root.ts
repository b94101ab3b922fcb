import { highestBit } from "../fixed-point.ts";

/** 64 * cbrt(x) for the leading six bits of a number, less 10, as tuned by hand in net/ipv4/tcp_cubic.c. */
const ROOTS: readonly number[] = [
  0, 54, 54, 54, 118, 118, 118, 118, 123, 129, 134, 138, 143, 147, 151, 156, 157, 161, 164, 168, 170, 173, 176, 179,
  181, 185, 187, 190, 192, 194, 197, 199, 200, 202, 204, 206, 209, 211, 213, 215, 217, 219, 221, 222, 224, 225, 227,
  229, 231, 232, 234, 236, 237, 239, 240, 242, 244, 245, 246, 248, 250, 251, 252, 254,
];

/**
 * The cube root of a whole number below 2^53, as Linux computes it: a table for the leading bits, then one Newton step;
 * 0.2 % off on average.
 */
export function cubicRoot(a: number): number {
  const bits = highestBit(a);
  if (bits < 7) return ((ROOTS[a] as number) + 35) >>> 6;
  // A third of the bits, in steps of three.
  const thirds = ((bits * 84) >>> 8) - 1;
  const lead = Math.floor(a / 8 ** thirds);
  const estimate = Math.floor((((ROOTS[lead] as number) + 10) * 2 ** thirds) / 64);
  const step = 2 * estimate + Math.floor(a / (estimate * (estimate - 1)));
  return Math.floor((step * 341) / 1024);
}
