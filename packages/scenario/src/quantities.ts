import { parseDuration, parseProbability, parseRate, parseSize, type Nanos } from "@seville/core";
import type { Duration, Limit, Percent, Rate, Size } from "./types.ts";

/*
 * Quantities of a scenario as numbers. The schema has held their spelling to what `tc` and `ip` write, so these do not
 * fail on a scenario that was validated.
 */

export function duration(text: Duration): Nanos {
  return parseDuration(text, "duration");
}

/** Bits per second. */
export function rate(text: Rate): number {
  return parseRate(text, "rate");
}

/** Bytes, rounded down: `1.5kb` is 1536. */
export function size(text: Size): number {
  return parseSize(text, "size");
}

/** From 0 to 1. */
export function probability(text: Percent): number {
  return parseProbability(text, "probability");
}

/** A queue's limit: `100p` in packets, `64kb` in bytes. */
export function limit(text: Limit): { readonly packets: number } | { readonly bytes: number } {
  return text.endsWith("p") ? { packets: Number(text.slice(0, -1)) } : { bytes: size(text as Size) };
}
