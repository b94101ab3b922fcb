import { seconds, type Nanos } from "@seville/core";
import { expect } from "vitest";
import type { Host } from "../../src/index.ts";
import { EPOLLIN, EPOLLOUT, openTcp, SHUT_WR, type TcpSocket } from "../../src/tcp/index.ts";
import type { World } from "./world.ts";

/** Bytes of which each tells its place. */
export function pattern(length: number, seed = 0): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (Math.imul(i + seed, 0x9e3779b1) >>> 17) & 0xff);
}

export interface Connected {
  readonly listener: TcpSocket;
  readonly client: TcpSocket;
  readonly server: TcpSocket;
}

/** A connection from `from` to `to`, established. */
export function connected(
  world: World,
  from: Host,
  to: Host,
  address: string,
  options: { port?: number; family?: 4 | 6; prepare?: (client: TcpSocket, listener: TcpSocket) => void } = {},
): Connected {
  const { port = 5000, family = address.includes(":") ? 6 : 4, prepare } = options;
  const listener = openTcp(to, { family: 6 });
  // As servers do: the port shall be free again although connections of before linger on it.
  listener.set("SO_REUSEADDR", 1);
  listener.bind({ port });
  const client = openTcp(from, { family });
  prepare?.(client, listener);
  listener.listen();
  client.connect({ address, port });
  until(world, () => (listener.poll() & EPOLLIN) !== 0 && (client.poll() & EPOLLOUT) !== 0);
  const server = listener.accept();
  if (server === undefined) throw new Error("a connection waits");
  expect(client.state).toBe("ESTABLISHED");
  return { listener, client, server };
}

/** Lets time pass in steps until `done` holds, for at most `limit`. */
export function until(world: World, done: () => boolean, limit: Nanos = seconds(120)): void {
  const end = world.simulator.now + limit;
  // What `done` does may be the next thing to happen.
  for (let idle = 0; !done() && world.simulator.now < end && idle < 2;) {
    const { end: why } = world.simulator.run({ until: end, maxEvents: 1 });
    idle = why === "idle" ? idle + 1 : 0;
  }
  expect(done(), `it has happened by ${world.simulator.now / 1e9} s`).toBe(true);
}

/** Reads whatever comes, as soon as it comes. */
export class Reader {
  readonly parts: Uint8Array[] = [];
  length = 0;
  ended = false;
  readonly socket: TcpSocket;

  constructor(socket: TcpSocket) {
    this.socket = socket;
    socket.onReady = () => this.read();
    this.read();
  }

  read(): void {
    while (!this.ended && !this.socket.closed) {
      const part = this.socket.recv();
      if (part === undefined) return;
      if (part.length === 0) this.ended = true;
      this.parts.push(part);
      this.length += part.length;
    }
  }

  bytes(): Uint8Array {
    const all = new Uint8Array(this.length);
    let at = 0;
    for (const part of this.parts) {
      all.set(part, at);
      at += part.length;
    }
    return all;
  }
}

/** Writes all of `bytes` as there is room, then closes its half. */
export class Writer {
  at = 0;
  readonly socket: TcpSocket;
  readonly bytes: Uint8Array;

  constructor(socket: TcpSocket, bytes: Uint8Array) {
    this.socket = socket;
    this.bytes = bytes;
    socket.onReady = () => this.write();
    this.write();
  }

  write(): void {
    if (this.at === this.bytes.length) return;
    this.at += this.socket.send(this.bytes.subarray(this.at));
    if (this.at === this.bytes.length) this.socket.shutdown(SHUT_WR);
  }
}

/** Sends `length` bytes from one end to the other and holds what came to what was sent. */
export function transfers(world: World, from: TcpSocket, to: TcpSocket, length: number, limit?: Nanos): void {
  const reader = new Reader(to);
  const writer = new Writer(from, pattern(length));
  until(world, () => reader.ended, limit);
  expect(reader.length).toBe(length);
  expect(Buffer.compare(reader.bytes(), writer.bytes)).toBe(0);
}
