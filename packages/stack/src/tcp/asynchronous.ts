import { errnoError } from "../host/errno.ts";
import type { SocketAddressLike } from "../socket/socket-address.ts";
import { EPOLLERR, EPOLLHUP, EPOLLIN, EPOLLOUT, EPOLLRDHUP, MSG_WAITALL } from "./constants.ts";
import type { TcpSocket } from "./tcp-socket.ts";

/*
 * Blocking calls as promises. Time is the world's: a promise settles when the event that it waits for has happened there.
 * Who drives a simulator lets promises run between its events with `runUntilSettled`.
 */

/** Settles when one of `events` is ready, or an error or hang-up is (which always count); answers what is. */
export function ready(socket: TcpSocket, events: number): Promise<number> {
  const wanted = events | EPOLLERR | EPOLLHUP;
  return new Promise((resolve) => {
    const look = (): void => {
      const now = socket.poll() & wanted;
      if (now === 0) return;
      socket.waiters.delete(look);
      resolve(now);
    };
    socket.waiters.add(look);
    look();
  });
}

/** Connects. @throws SevilleError as `connect`, and what the attempt ended with (`ECONNREFUSED`, `ETIMEDOUT` …) */
export async function connect(socket: TcpSocket, to: SocketAddressLike): Promise<void> {
  socket.connect(to);
  await ready(socket, EPOLLOUT);
  const error = socket.takeSocketError();
  if (error !== 0) throw errnoError(error);
}

/** The next connection. */
export async function accept(socket: TcpSocket): Promise<TcpSocket> {
  for (;;) {
    const accepted = socket.accept();
    if (accepted !== undefined) return accepted;
    await ready(socket, EPOLLIN);
  }
}

/** Some bytes, at most `max`; with MSG_WAITALL exactly so many, or those before the end. None: the other end has finished. */
export async function recv(socket: TcpSocket, max = 65_536, flags = 0): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let length = 0;
  while (length < max) {
    const part = socket.recv(max - length, flags & ~MSG_WAITALL);
    if (part === undefined) {
      if (length > 0 && (flags & MSG_WAITALL) === 0) break;
      await ready(socket, EPOLLIN | EPOLLRDHUP);
      continue;
    }
    if (part.length === 0) break;
    parts.push(part);
    length += part.length;
    if ((flags & MSG_WAITALL) === 0) break;
  }
  return joined(parts, length);
}

/** Everything until the other end has finished. */
export async function recvAll(socket: TcpSocket): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for (;;) {
    const part = await recv(socket);
    if (part.length === 0) return joined(parts, length);
    parts.push(part);
    length += part.length;
  }
}

/** Gives all bytes to TCP, waiting for room. */
export async function sendAll(socket: TcpSocket, bytes: Uint8Array, flags = 0): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    const taken = socket.send(at === 0 ? bytes : bytes.subarray(at), flags);
    at += taken;
    if (taken === 0) await ready(socket, EPOLLOUT);
  }
}

/** What drives a world by events: the simulator of `@seville/sim`. */
export interface Stepper {
  run(options: { readonly maxEvents: number }): { readonly end: string };
}

/** Promises that one event may set off one after another. */
const TURNS = 64;

/**
 * Fires events one by one, and lets promises run in between, until `work` has settled; answers as it does.
 * @throws SevilleError `ETIMEDOUT` if nothing is left to happen and it has not
 */
export async function runUntilSettled<Result>(stepper: Stepper, work: Promise<Result>): Promise<Result> {
  let isSettled = false;
  const settled = (): void => {
    isSettled = true;
  };
  work.then(settled, settled);
  for (let wasIdle = false; ;) {
    for (let turn = 0; turn < TURNS; turn++) await Promise.resolve();
    // The closures above change it while we wait.
    if (isSettled as boolean) return work;
    const isIdle = stepper.run({ maxEvents: 1 }).end === "idle";
    // What the last event set off may have brought new ones: only twice nothing is nothing.
    if (isIdle && wasIdle) throw errnoError("ETIMEDOUT", "nothing is left to happen, and the work is not done");
    wasIdle = isIdle;
  }
}

function joined(parts: readonly Uint8Array[], length: number): Uint8Array {
  const [only] = parts;
  if (only !== undefined && parts.length === 1) return only;
  const all = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
