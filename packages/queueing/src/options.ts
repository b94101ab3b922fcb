import { invalidArgument } from "@seville/core";

/** `value`, if it is a number above 0 (and not NaN). `Infinity` passes: it means no limit. */
export function positive(value: number, argument: string, unit: string): number {
  if (!(value > 0)) throw invalidArgument(argument, `a positive number of ${unit}`, value);
  return value;
}

/** `value`, if it is 0 or more. */
export function notNegative(value: number, argument: string, unit: string): number {
  if (!(value >= 0)) throw invalidArgument(argument, `a number of ${unit}, 0 or more`, value);
  return value;
}

/** `value`, if it is a whole number from `low` to `high`. */
export function wholeNumber(value: number, argument: string, low: number, high: number): number {
  if (Number.isInteger(value) && value >= low && value <= high) return value;
  throw invalidArgument(argument, `a whole number from ${low} to ${high}`, value);
}
