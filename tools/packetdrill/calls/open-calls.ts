import { ErrnoError, POLLERR, POLLHUP, POLLOUT } from "../sut/system.ts";
import { addressArgument } from "./address.ts";
import { done, type Attempt, type CallResult } from "./attempt.ts";
import type { Call, SocketFile } from "./process.ts";
import { flagsOf, isEllipsis, resolve } from "./values.ts";
import { failed, waiting } from "./wait.ts";

/** `socket(2)`: the domain `...` is that of `--ip_version`. */
export function socketCall(call: Call): Attempt {
  const { process } = call;
  const [domain, type, protocol] = [0, 1, 2].map((i) => call.arg(i));
  if (domain === undefined || type === undefined || protocol === undefined)
    throw call.error("socket needs three arguments");
  const domainName = isEllipsis(domain) ? process.addresses.domain : wordOf(call, 0);
  const types = flagsOf(type, call.words, "SOCK_");
  const typeName = [...types].find((name) => name !== "SOCK_NONBLOCK" && name !== "SOCK_CLOEXEC") ?? "SOCK_STREAM";
  const socket = process.sut.socket(domainName, typeName, wordOf(call, 2));
  const fd = process.newFd(call.expected);
  process.open(fd, socket, domainName, typeName, types.has("SOCK_NONBLOCK"));
  process.observer.created(fd, socket, domainName, typeName);
  return done(fd);
}

function wordOf(call: Call, index: number): string {
  const argument = resolve(call.arg(index), call.words);
  if (argument.kind === "word") return argument.name;
  if (argument.kind === "integer") return argument.text;
  throw call.error(`argument ${index + 1} of ${call.line.name} must be a constant`);
}

export function bindCall(call: Call): Attempt {
  call.socket.socket.bind(addressArgument(call, 1, call.process.addresses.bind));
  return done(0);
}

export function listenCall(call: Call): Attempt {
  call.socket.socket.listen(call.number(1));
  call.process.observer.listening(call.number(0));
  return done(0);
}

/** `accept(2)` and `accept4(2)`. */
export function acceptCall(call: Call): Attempt {
  const listener = call.socket;
  const flags = call.count > 3 ? flagsOf(call.arg(3), call.words, "SOCK_") : new Set<string>();
  const { process } = call;
  const { sut } = process;
  const attempt = (): CallResult => {
    const socket = listener.socket.accept();
    const fd = process.newFd(call.expected);
    // On BSD a new socket has its listener's O_NONBLOCK, on Linux it has not.
    const inherited = process.profile.name === "freebsd" && listener.nonBlocking;
    process.open(fd, socket, listener.domain, listener.type, flags.has("SOCK_NONBLOCK") || inherited);
    process.observer.accepted(fd, socket);
    return { value: fd };
  };
  return waiting(attempt, !listener.nonBlocking, sut.now, listener.receiveTimeout);
}

export function connectCall(call: Call): Attempt {
  const file = call.socket;
  const address = addressArgument(call, 1, call.process.addresses.connect());
  call.process.observer.connecting(file.fd);
  try {
    file.socket.connect(address);
    return done(0);
  } catch (error) {
    if (file.nonBlocking || !(error instanceof ErrnoError) || error.code !== "EINPROGRESS") throw error;
  }
  const expired = (): CallResult => ({ value: -1, errno: "EINPROGRESS" });
  return waiting(() => connected(file), true, call.process.sut.now, file.sendTimeout, expired);
}

/** How a connect under way ended; `undefined` while it has not. */
export function connected(file: SocketFile): CallResult | undefined {
  if ((file.socket.poll() & (POLLOUT | POLLERR | POLLHUP)) === 0) return undefined;
  const error = file.socket.getOption("SOL_SOCKET", "SO_ERROR");
  return typeof error === "string" && error !== "" ? { value: -1, errno: error } : { value: 0 };
}

export function shutdownCall(call: Call): Attempt {
  const how = call.arg(1);
  const names = ["SHUT_RD", "SHUT_WR", "SHUT_RDWR"] as const;
  const name = how.kind === "word" ? names.find((known) => known === how.name) : names[call.number(1)];
  if (name === undefined) return { step: () => failed(new ErrnoError("EINVAL")) };
  call.socket.socket.shutdown(name);
  return done(0);
}

export function closeCall(call: Call): Attempt {
  const file = call.process.file(call.number(0));
  call.process.files.delete(file.fd);
  if (file.kind === "socket") {
    for (const other of call.process.files.values()) if (other.kind === "epoll") other.epoll.forget(file.fd);
    file.socket.close();
  }
  return done(0);
}
