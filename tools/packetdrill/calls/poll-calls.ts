import { formatExpression, type Expression } from "../language/expression.ts";
import { POLLERR, POLLHUP } from "../sut/system.ts";
import type { Attempt, CallResult } from "./attempt.ts";
import type { Call } from "./process.ts";
import { fieldsOf, isEllipsis, itemsOf, numberOf } from "./values.ts";

const MILLISECOND = 1_000_000;
/** The descriptor is not open (`POLLNVAL`). */
const POLLNVAL = 0x020;

interface Polled {
  readonly fd: number;
  readonly events: number;
  readonly expected: Expression | undefined;
}

/** `poll(2)`: the revents that the script writes must come out when the call returns. */
export function pollCall(call: Call): Attempt {
  const entries = itemsOf(call.arg(0), call.words).map((item) => polled(call, item));
  const timeout = call.number(2);
  const { now } = call.process.sut;
  const deadline = timeout < 0 ? Infinity : now + timeout * MILLISECOND;
  return {
    deadline,
    step(at) {
      const masks = entries.map((entry) => maskOf(call, entry));
      const ready = masks.filter((mask) => mask !== 0).length;
      if (ready === 0 && at < deadline) return undefined;
      return withMismatch(call, entries, masks, ready);
    },
  };
}

function polled(call: Call, item: Expression): Polled {
  const fields = fieldsOf(item, call.words);
  const fd = fields?.get("fd")?.value;
  const events = fields?.get("events")?.value;
  if (fd === undefined || events === undefined) throw call.error(`expected a pollfd, found ${formatExpression(item)}`);
  return {
    fd: numberOf(fd, call.words),
    events: numberOf(events, call.words),
    expected: fields?.get("revents")?.value,
  };
}

function maskOf(call: Call, entry: Polled): number {
  const file = call.process.files.get(entry.fd);
  if (file === undefined) return POLLNVAL;
  if (file.kind !== "socket") return 0;
  return file.socket.poll() & (entry.events | POLLERR | POLLHUP);
}

function withMismatch(call: Call, entries: readonly Polled[], masks: readonly number[], ready: number): CallResult {
  const wrong = entries.findIndex(({ expected }, i) => {
    if (expected === undefined || isEllipsis(expected)) return false;
    return numberOf(expected, call.words) !== masks[i];
  });
  const entry = entries[wrong];
  if (entry?.expected === undefined) return { value: ready };
  const actual = (masks[wrong] ?? 0).toString(16);
  return {
    value: ready,
    mismatch: `revents of ${entry.fd} are 0x${actual} instead of ${formatExpression(entry.expected)}`,
  };
}
