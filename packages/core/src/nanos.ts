/**
 * Time in the simulated world: nanoseconds since the world began, an integer held in a `number`.
 *
 * A double holds integers exactly to 2^53, which is 104 days of nanoseconds. Wall-clock time is an offset that only
 * captures and the outside know.
 */
export type Nanos = number;

/** A deadline that never comes. `nextTimeout()` answers it when nothing is pending. */
export const NEVER: Nanos = Infinity;

export const NS_PER_US = 1_000;
export const NS_PER_MS = 1_000_000;
export const NS_PER_SEC = 1_000_000_000;

/** `us` microseconds as whole nanoseconds. */
export function micros(us: number): Nanos {
  return Math.round(us * NS_PER_US);
}

/** `ms` milliseconds as whole nanoseconds. */
export function millis(ms: number): Nanos {
  return Math.round(ms * NS_PER_MS);
}

/** `s` seconds as whole nanoseconds. */
export function seconds(s: number): Nanos {
  return Math.round(s * NS_PER_SEC);
}

/** Nanoseconds that `bits` take on a line of `bitsPerSecond`, rounded up: a transmitter never finishes early. */
export function serialisationDelay(bits: number, bitsPerSecond: number): Nanos {
  return Math.ceil((bits * NS_PER_SEC) / bitsPerSecond);
}
