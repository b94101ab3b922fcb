import { formatExpression } from "../language/expression.ts";
import { ErrnoError } from "../sut/system.ts";
import { done, type Attempt, type CallResult } from "./attempt.ts";
import { Epoll, type EpollEvent } from "./epoll.ts";
import type { Call, EpollFile } from "./process.ts";
import { fieldsOf, isEllipsis, itemsOf, numberOf } from "./values.ts";

const MILLISECOND = 1_000_000;

export function epollCreateCall(call: Call): Attempt {
  const fd = call.process.newFd(call.expected);
  call.process.files.set(fd, { kind: "epoll", fd, epoll: new Epoll() });
  return done(fd);
}

export function epollCtlCall(call: Call): Attempt {
  const { epoll } = epollFile(call);
  const operation = call.arg(1);
  const name = operation.kind === "word" ? operation.name : "";
  const { fd, socket } = call.process.socketFile(call.number(2));
  if (name === "EPOLL_CTL_DEL") {
    if (!epoll.has(fd)) throw new ErrnoError("ENOENT");
    epoll.forget(fd);
    return done(0);
  }
  if (name === "EPOLL_CTL_ADD" ? epoll.has(fd) : !epoll.has(fd))
    throw new ErrnoError(name === "EPOLL_CTL_ADD" ? "EEXIST" : "ENOENT");
  const events = fieldsOf(call.arg(3), call.words)?.get("events")?.value;
  if (events === undefined) throw call.error(`expected an epoll_event, found ${formatExpression(call.arg(3))}`);
  epoll.watch(fd, socket, numberOf(events, call.words));
  return done(0);
}

export function epollWaitCall(call: Call): Attempt {
  const { epoll } = epollFile(call);
  const maximum = call.number(2);
  const timeout = call.number(3);
  const deadline = timeout < 0 ? Infinity : call.process.sut.now + timeout * MILLISECOND;
  return {
    deadline,
    step(at) {
      const events = epoll.take(maximum);
      if (events.length === 0 && at < deadline) return undefined;
      return compared(call, events);
    },
  };
}

function epollFile(call: Call): EpollFile {
  const file = call.process.file(call.number(0));
  if (file.kind !== "epoll") throw new ErrnoError("EINVAL");
  return file;
}

function compared(call: Call, actual: readonly EpollEvent[]): CallResult {
  const value = actual.length;
  const argument = call.arg(1);
  if (isEllipsis(argument) || value === 0) return { value };
  const wanted = itemsOf(argument, call.words);
  for (const [i, { fd, events }] of actual.entries()) {
    const item = wanted[i];
    const fields = item === undefined ? undefined : fieldsOf(item, call.words);
    if (fields === undefined) continue;
    const [expectedEvents, expectedFd] = [
      fields.get("events")?.value,
      fields.get("fd")?.value ?? fields.get("data")?.value,
    ];
    if (expectedFd !== undefined && !isEllipsis(expectedFd) && numberOf(expectedFd, call.words) !== fd) {
      return { value, mismatch: `an event of descriptor ${fd} instead of ${formatExpression(expectedFd)}` };
    }
    if (expectedEvents === undefined || isEllipsis(expectedEvents)) continue;
    if (numberOf(expectedEvents, call.words) % 2 ** 30 !== events) {
      return { value, mismatch: `events 0x${events.toString(16)} instead of ${formatExpression(expectedEvents)}` };
    }
  }
  return { value };
}
