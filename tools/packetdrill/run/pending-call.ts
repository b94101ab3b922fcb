import type { Nanos } from "../../../packages/core/src/index.ts";
import type { Attempt, CallResult } from "../calls/attempt.ts";
import { formatExpression } from "../language/expression.ts";
import type { CallLine, ScriptEvent } from "../language/script.ts";
import { numberOf, type Vocabulary } from "../calls/values.ts";
import { ScriptFailure } from "./failure.ts";
import { timingError, type Due } from "./timing.ts";

/** A system call that has begun. */
export interface PendingCall {
  readonly event: ScriptEvent;
  readonly line: CallLine;
  readonly attempt: Attempt;
  /** When a blocking call must end; `undefined`: it must not block. */
  readonly end: Due | undefined;
  readonly tolerance: Nanos;
}

/** Names of one error: Linux and BSD disagree only in how they are spelled. */
const SAME_ERRNO: Readonly<Record<string, string>> = { EWOULDBLOCK: "EAGAIN", ENOTSUP: "EOPNOTSUPP" };

/** Holds the result of a call against the script's line, and the time at which a blocking one ended. */
export function checkResult(call: PendingCall, result: CallResult, now: Nanos, words: Vocabulary): void {
  const { event, line } = call;
  const expected = expectedText(line);
  const actual = actualText(line, result);
  if (line.result.kind !== "ellipsis") {
    const wanted = numberOf(line.result, words);
    if (wanted !== result.value)
      throw new ScriptFailure(event.line, `${line.name} returned ${result.value}`, expected, actual);
  }
  if (line.errno !== undefined && errnoOf(line.errno) !== errnoOf(result.errno ?? "")) {
    throw new ScriptFailure(event.line, `${line.name} failed with ${result.errno ?? "nothing"}`, expected, actual);
  }
  if (result.mismatch !== undefined) throw new ScriptFailure(event.line, result.mismatch, expected, undefined);
  if (call.end === undefined) return;
  const late = timingError(call.end, now, call.tolerance, `${line.name} to return`);
  if (late !== undefined) throw new ScriptFailure(event.line, late, expected, actual);
}

function errnoOf(name: string): string {
  return SAME_ERRNO[name] ?? name;
}

function expectedText(line: CallLine): string {
  const args = line.args.map(formatExpression).join(", ");
  return `${line.name}(${args}) = ${formatExpression(line.result)}${line.errno === undefined ? "" : ` ${line.errno}`}`;
}

function actualText(line: CallLine, { value, errno }: CallResult): string {
  const args = line.args.map(formatExpression).join(", ");
  return `${line.name}(${args}) = ${value}${errno === undefined ? "" : ` ${errno}`}`;
}
