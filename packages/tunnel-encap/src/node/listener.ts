import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { invalidArgument, SevilleError } from "@seville/core";
import type { TunnelFrame } from "./frame.ts";
import { FrameQueue } from "./frame-queue.ts";
import type { Unwrap } from "./unwrap.ts";

export interface ListenOptions {
  /** UDP port, 0: any. Default: the protocol's own. */
  readonly port?: number | undefined;
  /** Address to listen on. Default: all, of IPv6 and IPv4. */
  readonly host?: string | undefined;
  /** These VNIs only. Default: all. */
  readonly vni?: number | readonly number[] | undefined;
  /** Frames that wait for a reader; further ones are dropped and counted. Default 4096. */
  readonly capacity?: number | undefined;
  /** Ends it. */
  readonly signal?: AbortSignal | undefined;
}

/** What a {@link TunnelListener} has seen. */
export interface ListenerStats {
  /** Datagrams read, and their bytes. */
  datagrams: number;
  bytes: number;
  /** Frames that were handed on or wait. */
  frames: number;
  /** Dropped: of a VNI that is not wanted. */
  filtered: number;
  /** Dropped: not of the protocol, cut short, or with what is not understood. */
  malformed: number;
  /** Dropped: nobody read in time. */
  overflowed: number;
}

/**
 * Frames that come in tunnels to a UDP socket, one after the other:
 *
 * ```ts
 * for await (const { data, vni } of listenVxlan({ port: 4789 })) console.log(vni, summarize(data));
 * ```
 *
 * Leaving the loop closes the socket. A reader that is slow loses frames, which `stats.overflowed` counts; the memory that
 * waiting frames take stays within `capacity`. The loop throws what the socket does, such as `EADDRINUSE`.
 */
export class TunnelListener implements AsyncIterableIterator<TunnelFrame, undefined> {
  readonly stats: ListenerStats = { datagrams: 0, bytes: 0, frames: 0, filtered: 0, malformed: 0, overflowed: 0 };
  /** Resolves with where it listens; rejects if it cannot. */
  readonly listening: Promise<AddressInfo>;
  readonly #socket: Socket;
  readonly #queue: FrameQueue<TunnelFrame>;
  readonly #unwrap: Unwrap;
  readonly #wanted: ReadonlySet<number> | undefined;
  #isClosed = false;

  /** @internal Made by `listenVxlan` and its kin. */
  constructor(unwrap: Unwrap, defaultPort: number, options: ListenOptions) {
    const { capacity = 4096, port = defaultPort, vni, host, signal } = options;
    if (!Number.isInteger(capacity) || capacity < 1)
      throw invalidArgument("capacity", "a whole number from 1", capacity);
    if (!Number.isInteger(port) || port < 0 || port > 65_535) throw invalidArgument("port", "a port", port);
    this.#wanted = vniSet(vni);
    this.#unwrap = unwrap;
    this.#queue = new FrameQueue(capacity);
    this.#socket = createSocket({ type: host?.includes(":") === false ? "udp4" : "udp6", reuseAddr: false });
    this.#socket.on("message", (payload, from) => this.#receive(payload, from));
    this.#socket.on("error", (error) => this.#close(error));
    const closed = once(this.#socket, "close").then(() => {
      throw new SevilleError("ERR_CLOSED", "it was closed before it listened");
    });
    this.listening = Promise.race([once(this.#socket, "listening").then(() => this.#socket.address()), closed]);
    closed.catch(() => undefined);
    // Who does not ask learns of a failure from the loop.
    this.listening.catch(() => undefined);
    signal?.addEventListener("abort", () => this.#close(), { once: true });
    if (signal?.aborted === true) this.#close();
    else this.#socket.bind({ port, ...(host === undefined ? {} : { address: host }) });
  }

  next(): Promise<IteratorResult<TunnelFrame, undefined>> {
    return this.#queue.next();
  }

  return(): Promise<IteratorResult<TunnelFrame, undefined>> {
    this.#close();
    return Promise.resolve({ done: true, value: undefined });
  }

  /** Stops listening. Frames that wait can still be read. */
  close(): void {
    this.#close();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #receive(payload: Uint8Array, from: RemoteInfo): void {
    this.stats.datagrams++;
    this.stats.bytes += payload.length;
    const unwrapped = this.#unwrap(payload);
    if (unwrapped === undefined) {
      this.stats.malformed++;
      return;
    }
    if (this.#wanted !== undefined && (unwrapped.vni === undefined || !this.#wanted.has(unwrapped.vni))) {
      this.stats.filtered++;
      return;
    }
    const address = from.address.startsWith("::ffff:") ? from.address.slice(7) : from.address;
    if (this.#queue.push({ ...unwrapped, address, port: from.port, time: Date.now() })) this.stats.frames++;
    else this.stats.overflowed++;
  }

  #close(failure?: Error): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#socket.close();
    this.#queue.close(failure);
  }
}

function vniSet(vni: number | readonly number[] | undefined): ReadonlySet<number> | undefined {
  if (vni === undefined) return undefined;
  const list = typeof vni === "number" ? [vni] : vni;
  for (const one of list) {
    if (!Number.isInteger(one) || one < 0 || one > 0xff_ffff) throw invalidArgument("vni", "24 bits", one);
  }
  return new Set(list);
}
