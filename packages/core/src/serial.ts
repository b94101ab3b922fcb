/**
 * Numbers that wrap: sequence numbers, TSNs, identifications, fragments' ids (RFC 1982).
 *
 * All functions take and return unsigned integers below 2^bits. Two numbers exactly 2^(bits-1) apart have no order
 * (RFC 1982 §3.2): `lt`, `le`, `gt` and `ge` are all false for them, where the kernel's `before()` is true in both
 * directions. Windows are kept below half the space, so that no protocol asks.
 */
export interface SerialNumbers {
  /** How many bits a number has. */
  readonly bits: 8 | 16 | 32;
  /** `a` comes before `b`. */
  lt(a: number, b: number): boolean;
  /** `a` comes before `b`, or is it. */
  le(a: number, b: number): boolean;
  /** `a` comes after `b`. */
  gt(a: number, b: number): boolean;
  /** `a` comes after `b`, or is it. */
  ge(a: number, b: number): boolean;
  /**
   * How far it is from `from` to `to`: negative if `to` comes first, from -2^(bits-1) to 2^(bits-1)-1.
   * The undefined half space answers -2^(bits-1) in both directions.
   */
  distance(from: number, to: number): number;
  /** `a + n`, wrapped. `n` may be negative. The sum comes after `a` only for 0 < n < 2^(bits-1) (RFC 1982 §3.1). */
  add(a: number, n: number): number;
  /** The later of the two; `a` where they have no order. */
  max(a: number, b: number): number;
  /** The earlier of the two; `a` where they have no order. */
  min(a: number, b: number): number;
  /** `a` lies in the window of `size` numbers that begins with `start`. `size` may be the whole space. */
  within(a: number, start: number, size: number): boolean;
}

/** 32 bits: TCP sequence numbers and timestamps, SCTP TSNs. */
export const serial32: SerialNumbers = serialNumbers(32);
/** 16 bits: SCTP stream sequence numbers, IPv4 identification, RTP sequence numbers. */
export const serial16: SerialNumbers = serialNumbers(16);
/** 8 bits. */
export const serial8: SerialNumbers = serialNumbers(8);

function serialNumbers(bits: 8 | 16 | 32): SerialNumbers {
  // Moved to the top of an int32, a difference wraps as its bits do and its sign says who is first.
  const shift = 32 - bits;
  const mask = bits === 32 ? 0xffff_ffff : (1 << bits) - 1;
  const lt = (a: number, b: number): boolean => (b - a) << shift > 0;
  const distance = (from: number, to: number): number => ((to - from) << shift) >> shift;
  return {
    bits,
    lt,
    le: (a, b) => a === b || lt(a, b),
    gt: (a, b) => lt(b, a),
    ge: (a, b) => a === b || lt(b, a),
    distance,
    add: (a, n) => ((a + n) & mask) >>> 0,
    max: (a, b) => (lt(a, b) ? b : a),
    min: (a, b) => (lt(b, a) ? b : a),
    within: (a, start, size) => ((a - start) & mask) >>> 0 < size,
  };
}
