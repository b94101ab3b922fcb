import type { Cursor } from "./cursor.ts";
import type { EventTime } from "./script.ts";

const SECONDS = /\d*\.\d+|\d+/y;

/** The time in front of a line: `+t`, `t`, `a~b`, `+a~+b` or `*`. `undefined` where none stands. */
export function parseTime(cursor: Cursor): EventTime | undefined {
  if (cursor.take("*")) return { kind: "any" };
  if (cursor.take("+")) {
    const at = microseconds(cursor);
    if (!cursor.take("~")) return { kind: "relative", at };
    cursor.expect("+");
    return range(cursor, "relative-range", at);
  }
  if (!cursor.sees(SECONDS)) return undefined;
  const at = microseconds(cursor);
  if (!cursor.take("~")) return { kind: "absolute", at };
  return range(cursor, "absolute-range", at);
}

/** Seconds, as microseconds. */
export function microseconds(cursor: Cursor): number {
  return Math.round(Number(cursor.expectMatch(SECONDS, "a time in seconds")[0]) * 1e6);
}

function range(cursor: Cursor, kind: "relative-range" | "absolute-range", at: number): EventTime {
  const until = microseconds(cursor);
  if (until < at) throw cursor.error("the range of times ends before it begins");
  return { kind, at, until };
}
