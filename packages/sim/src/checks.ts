import { invalidArgument, type Nanos } from "@seville/core";

export function probability(argument: string, value: number): number {
  if (value >= 0 && value <= 1) return value;
  throw invalidArgument(argument, "a probability from 0 to 1", value);
}

/** A span of time in whole nanoseconds. */
export function duration(argument: string, value: Nanos): Nanos {
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw invalidArgument(argument, "a whole number of nanoseconds", value);
}

/** Bits per second; `Infinity`: takes no time. */
export function bitRate(argument: string, value: number): number {
  if (value === Infinity || (Number.isSafeInteger(value) && value > 0)) return value;
  throw invalidArgument(argument, "a whole number of bits per second, or Infinity", value);
}

export function wholeNumber(argument: string, value: number, least: number): number {
  if (Number.isSafeInteger(value) && value >= least) return value;
  throw invalidArgument(argument, `a whole number from ${least}`, value);
}

export function oneOf<T extends string>(argument: string, value: T, names: readonly T[]): T {
  if (names.includes(value)) return value;
  throw invalidArgument(argument, names.join(" or "), value);
}
