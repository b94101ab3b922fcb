import type { Socket } from "node:net";
import { formatIp, isIpv4Mapped, type IpAddress } from "@seville/packet";
import { NS_PER_MS, type EventId } from "@seville/core";
import { EPOLLERR, EPOLLHUP, EPOLLOUT, SHUT_WR } from "../tcp/constants.ts";
import type { TcpSocket } from "../tcp/tcp-socket.ts";
import { inContextOf, type HostContext } from "./context.ts";
import { asNodeError, nodeError } from "./node-error.ts";

type Done = (error?: Error | null) => void;

/** The parts of `net.Socket` that its own code and its users call, and that meet the kernel. */
interface Internals {
  connecting: boolean;
  _read(size: number): void;
  _write(chunk: Uint8Array | string, encoding: BufferEncoding, done: Done): void;
  _writev: ((chunks: { chunk: Uint8Array | string; encoding: BufferEncoding }[], done: Done) => void) | null;
  _final(done: Done): void;
  _destroy(error: Error | null, done: Done): void;
  _getpeername(): object;
  _getsockname(): object;
}

/**
 * Makes a `net.Socket` of Node a socket of a simulated host: what would go to the kernel goes to `tcp`. The object stays what it was, so that
 * `instanceof`, streams, `http` and whatever else stands on it work on.
 */
export function attach(socket: Socket, tcp: TcpSocket, context: HostContext): void {
  const inner = socket as unknown as Internals;
  const state = new Attached(socket, tcp, context);
  const destroy = inner._destroy.bind(socket);
  Object.assign(inner, {
    _read: () => state.read(),
    _write: (chunk, encoding, done) => state.write(bytesOf(chunk, encoding), done),
    _writev: (chunks, done) => {
      const parts = chunks.map(({ chunk, encoding }) => bytesOf(chunk, encoding));
      state.write(Buffer.concat(parts), done);
    },
    _final: (done) => state.finish(done),
    _destroy: (error, done) => {
      state.close();
      destroy(error, done);
    },
    _getpeername: () => state.peer(),
    _getsockname: () => named(tcp.localAddress, tcp.localPort),
  } satisfies Omit<Internals, "connecting">);
  Object.assign(socket, {
    address: () => named(tcp.localAddress, tcp.localPort),
    setNoDelay: (value?: boolean) => state.option("TCP_NODELAY", value === false ? 0 : 1),
    setKeepAlive: (value = false, delayMs = 0) => state.keepAlive(value, delayMs),
    setTimeout: (ms: number, callback?: () => void) => state.setTimeout(ms, callback),
    resetAndDestroy: () => state.reset(),
    ref: () => socket,
    unref: () => socket,
  });
  const getters: Record<string, () => unknown> = {
    pending: () => inner.connecting,
    bytesRead: () => state.bytesRead,
    _bytesDispatched: () => state.bytesWritten,
    timeout: () => state.timeoutMs,
  };
  for (const [name, get] of Object.entries(getters)) {
    Object.defineProperty(socket, name, { get, set: () => undefined, configurable: true, enumerable: false });
  }
  state.begin();
}

class Attached {
  bytesRead = 0;
  bytesWritten = 0;
  timeoutMs: number | undefined = undefined;
  readonly #socket: Socket;
  readonly #inner: Internals;
  readonly #tcp: TcpSocket;
  readonly #context: HostContext;
  #isReading = false;
  #hasEnded = false;
  #isClosed = false;
  /** What is being written, how much of it TCP has taken, and whom to tell. */
  #writing: { readonly bytes: Uint8Array; at: number; readonly done: Done } | undefined = undefined;
  #finishing: Done | undefined = undefined;
  #timer: EventId | undefined = undefined;
  readonly #end = (): void => {
    this.#socket.destroy();
  };

  constructor(socket: Socket, tcp: TcpSocket, context: HostContext) {
    this.#socket = socket;
    this.#inner = socket as unknown as Internals;
    this.#tcp = tcp;
    this.#context = context;
  }

  begin(): void {
    this.#context.programs.endings.add(this.#end);
    this.#tcp.onReady = inContextOf(this.#context, (events: number) => {
      this.#ready(events);
    });
  }

  read(): void {
    this.#isReading = true;
    // While it connects there is nothing to read, and no answer before its time.
    if (!this.#inner.connecting) this.#pump();
  }

  write(bytes: Uint8Array, done: Done): void {
    this.#writing = { bytes, at: 0, done };
    if (!this.#inner.connecting) this.#flush();
  }

  finish(done: Done): void {
    if (this.#inner.connecting) {
      this.#finishing = done;
      return;
    }
    try {
      if (!this.#isClosed) this.#tcp.shutdown(SHUT_WR);
    } catch (error) {
      // Whoever is not connected any more has nothing to finish.
      if ((error as { code?: unknown }).code !== "ENOTCONN") {
        done(asNodeError(error, "shutdown"));
        return;
      }
    }
    done();
  }

  peer(): object {
    const { connection } = this.#tcp;
    if (connection === undefined || this.#inner.connecting) return {};
    return named(connection.remoteAddress, connection.remotePort);
  }

  option(name: string, value: number): Socket {
    if (!this.#isClosed) this.#tcp.setsockopt(name, value);
    return this.#socket;
  }

  keepAlive(value: boolean, delayMs: number): Socket {
    const seconds = Math.floor(delayMs / 1000);
    if (value && seconds > 0) this.option("TCP_KEEPIDLE", seconds);
    return this.option("SO_KEEPALIVE", value ? 1 : 0);
  }

  setTimeout(ms: number, callback?: () => void): Socket {
    this.timeoutMs = ms;
    if (ms === 0) {
      if (callback !== undefined) this.#socket.removeListener("timeout", callback);
    } else if (callback !== undefined) this.#socket.once("timeout", callback);
    this.#restartTimer();
    return this.#socket;
  }

  reset(): Socket {
    if (!this.#isClosed) this.#tcp.setsockopt("SO_LINGER", { onoff: 1, linger: 0 });
    return this.#socket.destroy();
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#stopTimer();
    this.#context.programs.endings.delete(this.#end);
    this.#tcp.onReady = undefined;
    this.#tcp.close();
  }

  #ready(events: number): void {
    if (this.#isClosed) return;
    if (this.#inner.connecting) {
      if ((events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) === 0) return;
      this.#connected();
      return;
    }
    this.#flush();
    this.#pump();
    if ((events & EPOLLERR) !== 0) this.#takeError("read");
  }

  #connected(): void {
    const socket = this.#socket;
    const code = this.#tcp.takeSocketError();
    if (code !== 0) {
      const { connection } = this.#tcp;
      const address = connection === undefined ? undefined : formatIp(connection.remoteAddress);
      socket.destroy(nodeError(code, "connect", address, connection?.remotePort));
      return;
    }
    this.#inner.connecting = false;
    this.#restartTimer();
    socket.emit("connect");
    socket.emit("ready");
    this.#flush();
    const finishing = this.#finishing;
    this.#finishing = undefined;
    if (finishing !== undefined) this.finish(finishing);
    // As Node does: begin to read, so that the end of the stream is noticed.
    if (!socket.isPaused()) socket.read(0);
  }

  #pump(): void {
    while (this.#isReading && !this.#hasEnded && !this.#isClosed) {
      let bytes: Uint8Array | undefined;
      try {
        bytes = this.#tcp.recv();
      } catch (error) {
        this.#socket.destroy(asNodeError(error, "read"));
        return;
      }
      if (bytes === undefined) return;
      this.#restartTimer();
      if (bytes.length === 0) {
        this.#hasEnded = true;
        this.#socket.push(null);
        return;
      }
      this.bytesRead += bytes.length;
      this.#isReading = this.#socket.push(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
    }
  }

  #flush(): void {
    const writing = this.#writing;
    if (writing === undefined || this.#isClosed) return;
    while (writing.at < writing.bytes.length) {
      let taken: number;
      try {
        taken = this.#tcp.send(writing.at === 0 ? writing.bytes : writing.bytes.subarray(writing.at));
      } catch (error) {
        this.#writing = undefined;
        writing.done(asNodeError(error, "write"));
        return;
      }
      if (taken === 0) {
        // Asking notes that the buffer is full, so that room is told.
        this.#tcp.poll();
        return;
      }
      writing.at += taken;
      this.bytesWritten += taken;
      this.#restartTimer();
    }
    this.#writing = undefined;
    writing.done();
  }

  #takeError(syscall: string): void {
    if (this.#isClosed) return;
    const code = this.#tcp.takeSocketError();
    if (code !== 0) this.#socket.destroy(nodeError(code, syscall));
  }

  #restartTimer(): void {
    this.#stopTimer();
    const ms = this.timeoutMs;
    if (ms === undefined || ms === 0 || this.#isClosed) return;
    const { scheduler } = this.#context.host;
    const fire = inContextOf(this.#context, () => {
      this.#timer = undefined;
      this.#socket.emit("timeout");
    });
    this.#timer = scheduler.scheduleCall(scheduler.now + ms * NS_PER_MS, fire);
  }

  #stopTimer(): void {
    if (this.#timer === undefined) return;
    this.#context.host.scheduler.cancel(this.#timer);
    this.#timer = undefined;
  }
}

/** An address as `socket.address()` says it. */
function named(address: IpAddress, port: number): { address: string; family: string; port: number } {
  const plain = typeof address !== "number" && isIpv4Mapped(address) ? address.w3 : address;
  return { address: formatIp(plain), family: typeof plain === "number" ? "IPv4" : "IPv6", port };
}

function bytesOf(chunk: Uint8Array | string, encoding: BufferEncoding): Uint8Array {
  return typeof chunk === "string" ? Buffer.from(chunk, encoding) : chunk;
}
