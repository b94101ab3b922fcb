import { formatExpression } from "../language/expression.ts";
import { ErrnoError } from "../sut/system.ts";
import { done, type Attempt } from "./attempt.ts";
import type { Call } from "./process.ts";
import { isEllipsis, numberOf } from "./values.ts";

/** `fcntl(2)`: O_NONBLOCK and the close-on-exec flag. */
export function fcntlCall(call: Call): Attempt {
  const file = call.process.file(call.number(0));
  const { constants } = call.words;
  const nonBlock = constants["O_NONBLOCK"] ?? 0;
  const command = call.arg(1);
  const name = command.kind === "word" ? command.name : formatExpression(command);
  const isBlocking = file.kind !== "socket" || !file.nonBlocking;
  switch (name) {
    case "F_GETFL":
      return done((constants["O_RDWR"] ?? 0) | (isBlocking ? 0 : nonBlock));
    case "F_SETFL":
      if (file.kind === "socket") file.nonBlocking = (call.number(2) & nonBlock) !== 0;
      return done(0);
    case "F_GETFD":
      return done(file.kind === "socket" && file.closeOnExec ? 1 : 0);
    case "F_SETFD":
      if (file.kind === "socket") file.closeOnExec = call.number(2) !== 0;
      return done(0);
    default:
      throw call.unsupported(`fcntl ${name}`);
  }
}

/** `ioctl(2)`: the requests that ask for a number, and FIONBIO. */
export function ioctlCall(call: Call): Attempt {
  const file = call.socket;
  const request = call.arg(1);
  if (request.kind !== "word") throw new ErrnoError("ENOTTY");
  if (request.name === "FIONBIO") {
    file.nonBlocking = call.number(2) !== 0;
    return done(0);
  }
  const actual = file.socket.ioctl(request.name === "FIONREAD" ? "SIOCINQ" : request.name);
  const expected = call.arg(2);
  if (isEllipsis(expected)) return done(0);
  const wanted = numberOf(expected, call.words);
  return done(0, wanted === actual ? undefined : `${request.name} is ${actual} instead of ${wanted}`);
}
