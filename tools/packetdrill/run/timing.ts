import { NS_PER_SEC, type Nanos } from "../../../packages/core/src/index.ts";
import type { EventTime } from "../language/script.ts";

const NS_PER_US = 1_000;

/** When a line is due, ns since the script's begin; `undefined`: whenever. */
export interface Due {
  readonly from: Nanos | undefined;
  readonly until: Nanos | undefined;
}

/** When a line is due whose predecessor was done at `now`. */
export function dueAt(time: EventTime, now: Nanos): Due {
  switch (time.kind) {
    case "any":
      return { from: undefined, until: undefined };
    case "absolute":
      return { from: time.at * NS_PER_US, until: time.at * NS_PER_US };
    case "relative":
      return { from: now + time.at * NS_PER_US, until: now + time.at * NS_PER_US };
    case "absolute-range":
      return { from: time.at * NS_PER_US, until: time.until * NS_PER_US };
    case "relative-range":
      return { from: now + time.at * NS_PER_US, until: now + time.until * NS_PER_US };
  }
}

export interface Tolerance {
  readonly usecs: number;
  /** Of the time between this line and the one before. */
  readonly percent: number;
}

/** How far from `due` something may happen, ns. `last`: when the line before was due. */
export function toleranceOf(due: Due, last: Nanos | undefined, { usecs, percent }: Tolerance): Nanos {
  const span = due.from === undefined || last === undefined ? 0 : due.from - last;
  return Math.max(usecs * NS_PER_US, (percent / 100) * span);
}

/** What is wrong with `actual`; `undefined`: nothing. */
export function timingError(due: Due, actual: Nanos, tolerance: Nanos, what: string): string | undefined {
  if (due.from === undefined || due.until === undefined) return undefined;
  if (actual >= due.from - tolerance && actual <= due.until + tolerance) return undefined;
  const expected = due.from === due.until ? `at ${seconds(due.from)}` : `in ${seconds(due.from)}~${seconds(due.until)}`;
  return `expected ${what} ${expected} s but it happened at ${seconds(actual)} s`;
}

/** Six places, as packetdrill writes times. */
export function seconds(time: Nanos): string {
  return (time / NS_PER_SEC).toFixed(6);
}
