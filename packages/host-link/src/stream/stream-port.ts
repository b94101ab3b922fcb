import { invalidArgument, SevilleError, type DropReason } from "@seville/core";
import { createConnection, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { monotonicNow } from "../port/clock.ts";
import { PortCounters, type HostPortStats } from "../port/counters.ts";
import { errorCode, fromNodeError } from "../port/errors.ts";
import { frameLengthFault, MAX_FRAME_BYTES, type HostPort, type PortListener } from "../port/host-port.ts";
import { PendingFrames } from "../port/pending-frames.ts";
import { enframe, StreamDeframer } from "./framing.ts";

/** A TCP port or the path of a Unix socket. */
export type StreamAddress = { readonly port: number; readonly host?: string } | { readonly path: string };

export interface StreamPortOptions {
  /** Listens there, or connects there. */
  readonly role: "server" | "client";
  /** A port's `host` is 127.0.0.1 unless said; a server's port 0 is any that is free. */
  readonly address: StreamAddress;
  /** Longest frame, bytes. Default {@link MAX_FRAME_BYTES}. */
  readonly maxFrameBytes?: number;
  /** Bytes that may wait in the connection on their way out. Default 4 MiB. */
  readonly sendQueueBytes?: number;
  /** How long a client keeps trying until a server is there, ms. Default 10 000. */
  readonly connectTimeoutMs?: number;
}

/** A connection whose bytes are frames, each behind its length. */
export interface StreamPort extends HostPort {
  /** The port that a TCP server got; `undefined` for the rest. */
  readonly localPort: number | undefined;
  readonly connected: boolean;
  /** Connections that ended because of a length beyond all bounds. */
  readonly protocolErrors: number;
  /** Connections that a server turned away because it had one. */
  readonly refused: number;
}

const RETRY_MS = 50;

/**
 * Opens a stream of frames. A server serves one connection at a time and waits for the next when it ends; a client
 * connects once, and its port fails when the connection ends.
 *
 * @throws SevilleError `EADDRINUSE`, `ECONNREFUSED`, `ENOENT`, `EACCES`
 */
export async function openStreamPort(options: StreamPortOptions): Promise<StreamPort> {
  const maxFrameBytes = options.maxFrameBytes ?? MAX_FRAME_BYTES;
  if (!Number.isInteger(maxFrameBytes) || maxFrameBytes < 64 || maxFrameBytes > MAX_FRAME_BYTES) {
    throw invalidArgument("maxFrameBytes", `64 to ${MAX_FRAME_BYTES}`, maxFrameBytes);
  }
  const port = new ConnectionPort(describe(options.address), maxFrameBytes, options.sendQueueBytes ?? 4 * 1024 * 1024);
  if (options.role === "server") port.serve(await startServer(options.address));
  else port.adopt(await connect(options.address, options.connectTimeoutMs ?? 10_000), true);
  return port;
}

function describe(address: StreamAddress): string {
  return "path" in address ? address.path : `${address.host ?? "127.0.0.1"}:${address.port}`;
}

function nodeAddress(address: StreamAddress): { path: string } | { port: number; host: string } {
  return "path" in address ? { path: address.path } : { port: address.port, host: address.host ?? "127.0.0.1" };
}

function startServer(address: StreamAddress): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", (error) => reject(fromNodeError(error, `listen at ${describe(address)}`, "address")));
    server.listen(nodeAddress(address), () => {
      server.removeAllListeners("error");
      resolve(server);
    });
  });
}

async function connect(address: StreamAddress, timeoutMs: number): Promise<Socket> {
  const giveUpAt = monotonicNow() + timeoutMs * 1e6;
  for (;;) {
    try {
      return await connectOnce(address);
    } catch (error) {
      const code = errorCode(error);
      const mayCome = code === "ECONNREFUSED" || code === "ENOENT";
      if (!mayCome || monotonicNow() >= giveUpAt) {
        const advice = code === "ENOENT" ? "nothing listens there: start the other side first" : undefined;
        throw fromNodeError(error, `connect to ${describe(address)}`, "address", advice);
      }
      await sleep(RETRY_MS);
    }
  }
}

function connectOnce(address: StreamAddress): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = createConnection(nodeAddress(address));
    socket.once("error", reject);
    socket.once("connect", () => {
      socket.removeListener("error", reject);
      resolve(socket);
    });
  });
}

class ConnectionPort implements StreamPort {
  readonly name: string;
  localPort: number | undefined;
  protocolErrors = 0;
  refused = 0;
  readonly #maxFrameBytes: number;
  readonly #sendQueueBytes: number;
  readonly #counters = new PortCounters();
  readonly #early = new PendingFrames();
  #server: Server | undefined;
  #socket: Socket | undefined;
  #listener: PortListener | undefined;
  #failure: Error | undefined;
  #closing: Promise<void> | undefined;

  constructor(where: string, maxFrameBytes: number, sendQueueBytes: number) {
    this.name = `stream ${where}`;
    this.#maxFrameBytes = maxFrameBytes;
    this.#sendQueueBytes = sendQueueBytes;
  }

  get connected(): boolean {
    return this.#socket !== undefined;
  }

  serve(server: Server): void {
    this.#server = server;
    const address: AddressInfo | string | null = server.address();
    this.localPort = typeof address === "object" ? address?.port : undefined;
    server.on("connection", (socket) => {
      if (this.#socket === undefined) {
        this.adopt(socket, false);
        return;
      }
      this.refused++;
      socket.destroy();
    });
    server.on("error", (error) => this.#fail(fromNodeError(error, `use ${this.name}`)));
  }

  /** @param isOnly whether the port fails with this connection */
  adopt(socket: Socket, isOnly: boolean): void {
    this.#socket = socket;
    socket.setNoDelay(true);
    const deframer = new StreamDeframer(this.#maxFrameBytes, {
      frame: (memory, offset, length) => this.#received(memory, offset, length),
      dropped: (reason) => this.#counters.dropReceived(reason),
    });
    let reason: Error | undefined;
    socket.on("data", (chunk) => {
      if (deframer.push(chunk)) return;
      this.protocolErrors++;
      reason = new SevilleError(
        "ERR_STREAM_FRAMING",
        `${this.name}: a frame of more than ${this.#maxFrameBytes} bytes was announced; the connection was closed`,
      );
      socket.destroy();
    });
    socket.on("error", (error) => (reason = fromNodeError(error, `use ${this.name}`)));
    socket.on("close", () => {
      if (deframer.pending > 0) this.#counters.dropReceived("HDR_TRUNC");
      this.#socket = undefined;
      if (isOnly)
        this.#fail(reason ?? new SevilleError("ECONNRESET", `${this.name}: the other side closed the connection`));
    });
  }

  listen(listener: PortListener): void {
    if (this.#listener !== undefined) throw new SevilleError("ERR_LISTENING", `${this.name} has a listener already`);
    this.#listener = listener;
    this.#early.deliver(listener);
    if (this.#failure !== undefined) listener.portFailed(this.#failure);
  }

  sendFrame(memory: Uint8Array, offset: number, length: number): void {
    const socket = this.#socket;
    const fault = socket === undefined ? "DEV_READY" : this.#sendFault(socket, length);
    if (socket === undefined || fault !== undefined) {
      this.#counters.dropSent(fault ?? "DEV_READY");
      return;
    }
    socket.write(enframe(memory, offset, length));
    this.#counters.sent(length);
  }

  stats(): HostPortStats {
    return this.#counters.snapshot();
  }

  close(): Promise<void> {
    this.#closing ??= new Promise((resolve) => {
      this.#socket?.destroy();
      if (this.#server === undefined) resolve();
      else this.#server.close(() => resolve());
    });
    return this.#closing;
  }

  #sendFault(socket: Socket, length: number): DropReason | undefined {
    if (!socket.writable) return "DEV_READY";
    const fault = frameLengthFault(length, this.#maxFrameBytes);
    if (fault !== undefined) return fault;
    return socket.writableLength + length > this.#sendQueueBytes ? "FULL_RING" : undefined;
  }

  #received(memory: Uint8Array, offset: number, length: number): void {
    const arrivedAt = monotonicNow();
    if (this.#listener !== undefined) {
      this.#counters.received(length);
      this.#listener.receiveFrame(memory, offset, length, arrivedAt);
    } else if (this.#early.keep(memory, offset, length, arrivedAt)) this.#counters.received(length);
    else this.#counters.dropReceived("FULL_RING");
  }

  #fail(error: Error): void {
    if (this.#closing !== undefined || this.#failure !== undefined) return;
    this.#failure = error;
    this.#listener?.portFailed(error);
  }
}
