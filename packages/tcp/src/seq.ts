import { type Nanos, NS_PER_MS } from "@seville/core";

/*
 * Sequence numbers are int32 here (see parts.ts). Two numbers 2^31 apart have no order; windows are far smaller.
 */

/** `a` comes before `b`. */
export function before(a: number, b: number): boolean {
  return ((a - b) | 0) < 0;
}

/** `a` comes after `b`. */
export function after(a: number, b: number): boolean {
  return ((b - a) | 0) < 0;
}

/** `low` ≤ `seq` ≤ `high`, round the circle. */
export function between(seq: number, low: number, high: number): boolean {
  return (high - low) >>> 0 >= (seq - low) >>> 0;
}

/** How far it is from `from` to `to`, from -2^31 to 2^31-1. */
export function distance(from: number, to: number): number {
  return (to - from) | 0;
}

export function seqMin(a: number, b: number): number {
  return before(b, a) ? b : a;
}

export function seqMax(a: number, b: number): number {
  return after(b, a) ? b : a;
}

/** The timestamp clock of RFC 7323 §5.4: milliseconds, int32. Never 0 at the start, which peers take for "none". */
export function tsClock(now: Nanos): number {
  return (Math.floor(now / NS_PER_MS) + 1) | 0;
}
