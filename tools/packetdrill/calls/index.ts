import { UnsupportedError } from "../language/errors.ts";
import type { CallLine } from "../language/script.ts";
import type { Attempt } from "./attempt.ts";
import { fcntlCall, ioctlCall } from "./descriptor-calls.ts";
import { epollCreateCall, epollCtlCall, epollWaitCall } from "./epoll-calls.ts";
import { acceptCall, bindCall, closeCall, connectCall, listenCall, shutdownCall, socketCall } from "./open-calls.ts";
import { getsockoptCall, setsockoptCall } from "./option-calls.ts";
import { pollCall } from "./poll-calls.ts";
import { Call, type Process } from "./process.ts";
import { readCall, readvCall, recvCall, recvmsgCall } from "./receive-calls.ts";
import { sendCall, sendmsgCall, sendtoCall, writeCall, writevCall } from "./send-calls.ts";
import { failed } from "./wait.ts";
import { ErrnoError } from "../sut/system.ts";

const CALLS: Readonly<Record<string, (call: Call) => Attempt>> = {
  socket: socketCall,
  bind: bindCall,
  listen: listenCall,
  accept: acceptCall,
  accept4: acceptCall,
  connect: connectCall,
  shutdown: shutdownCall,
  close: closeCall,
  write: writeCall,
  writev: writevCall,
  send: sendCall,
  sendto: sendtoCall,
  sendmsg: sendmsgCall,
  read: readCall,
  readv: readvCall,
  recv: recvCall,
  recvfrom: recvCall,
  recvmsg: recvmsgCall,
  setsockopt: setsockoptCall,
  getsockopt: getsockoptCall,
  fcntl: fcntlCall,
  ioctl: ioctlCall,
  poll: pollCall,
  epoll_create: epollCreateCall,
  epoll_create1: epollCreateCall,
  epoll_ctl: epollCtlCall,
  epoll_wait: epollWaitCall,
};

/**
 * Begins the system call of a line.
 * @throws UnsupportedError if there is no such call here
 */
export function beginCall(process: Process, line: CallLine, lineNumber: number): Attempt {
  const begin = Object.hasOwn(CALLS, line.name) ? CALLS[line.name] : undefined;
  if (begin === undefined) throw new UnsupportedError(`${line.name}()`);
  try {
    return begin(new Call(process, line, lineNumber));
  } catch (error) {
    if (!(error instanceof ErrnoError)) throw error;
    return { step: () => failed(error) };
  }
}
