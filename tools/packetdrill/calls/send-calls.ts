import { ErrnoError, type SendOptions, type SocketAddress } from "../sut/system.ts";
import { addressArgument } from "./address.ts";
import { done, type Attempt, type CallResult } from "./attempt.ts";
import { bufferArgument, iovecArgument, totalLength, type BufferArgument } from "./iovec.ts";
import { connected } from "./open-calls.ts";
import { pattern } from "./pattern.ts";
import type { Call, SocketFile } from "./process.ts";
import { fieldsOf, flagsOf, isEllipsis } from "./values.ts";
import { failed, waiting } from "./wait.ts";

/** Flags that are the runner's affair or change nothing here. */
const OWN_FLAGS = new Set(["MSG_DONTWAIT", "MSG_NOSIGNAL"]);
const UNSUPPORTED_FLAGS = ["MSG_ZEROCOPY", "MSG_ERRQUEUE", "MSG_SPLICE_PAGES"];

/** `write(2)`. */
export function writeCall(call: Call): Attempt {
  return send(call, [bufferArgument(call, call.arg(1), call.arg(2))], new Set(), undefined);
}

export function writevCall(call: Call): Attempt {
  return send(call, iovecArgument(call, call.arg(1)), new Set(), undefined);
}

/** `send(2)`. */
export function sendCall(call: Call): Attempt {
  return send(call, [bufferArgument(call, call.arg(1), call.arg(2))], messageFlags(call, 3), undefined);
}

/** `sendto(2)`: an address `...` is the peer's. Whether a stream has a use for it is the system's affair. */
export function sendtoCall(call: Call): Attempt {
  const flags = messageFlags(call, 3);
  const to = call.count > 4 ? addressArgument(call, 4, call.process.addresses.connect()) : undefined;
  return send(call, [bufferArgument(call, call.arg(1), call.arg(2))], flags, to);
}

export function sendmsgCall(call: Call): Attempt {
  const message = fieldsOf(call.arg(1), call.words);
  if (message === undefined) throw call.error("sendmsg needs a msghdr");
  const control = message.get("msg_control")?.value;
  if (control !== undefined && !(control.kind === "list" && control.items.length === 0) && !isEllipsis(control)) {
    throw call.unsupported("control messages of sendmsg()");
  }
  const iov = message.get("msg_iov")?.value;
  const flags = messageFlags(call, 2);
  const to = flags.has("MSG_FASTOPEN") ? call.process.addresses.connect() : undefined;
  return send(call, iov === undefined ? [] : iovecArgument(call, iov), flags, to);
}

function messageFlags(call: Call, index: number): ReadonlySet<string> {
  const flags = flagsOf(call.arg(index), call.words, "MSG_");
  const foreign = UNSUPPORTED_FLAGS.find((flag) => flags.has(flag));
  if (foreign !== undefined) throw call.unsupported(foreign);
  return flags;
}

function send(
  call: Call,
  buffers: readonly BufferArgument[],
  flags: ReadonlySet<string>,
  to: SocketAddress | undefined,
): Attempt {
  const file = call.socket;
  const total = totalLength(buffers);
  if (to !== undefined) call.process.observer.connecting(file.fd);
  const blocks = !file.nonBlocking && !flags.has("MSG_DONTWAIT");
  const data = bytesToSend(file, buffers, total);
  const options: SendOptions = { flags: new Set([...flags].filter((flag) => !OWN_FLAGS.has(flag))), to };
  if (total === 0) return done(file.socket.send(data, options));
  const sender = new Sender(file, data, options, blocks);
  const expired = (): CallResult => (sender.sent > 0 ? { value: sender.sent } : { value: -1, errno: "EAGAIN" });
  return waiting(() => sender.step(), blocks, call.process.sut.now, file.sendTimeout, expired);
}

function bytesToSend(file: SocketFile, buffers: readonly BufferArgument[], total: number): Uint8Array {
  const bytes = pattern(file.sent, total);
  let at = 0;
  for (const { length, text } of buffers) {
    if (text !== undefined) {
      bytes.set(new TextEncoder().encode(text).subarray(0, length), at);
      file.sentText = true;
    }
    at += length;
  }
  return bytes;
}

/** Sends all if the call blocks, and as much as goes if it does not. */
class Sender {
  sent = 0;
  readonly #file: SocketFile;
  readonly #data: Uint8Array;
  readonly #options: SendOptions;
  readonly #blocks: boolean;
  #connecting = false;
  /** The address was not used yet. */
  #addressed: boolean;
  #fastOpen: boolean;

  constructor(file: SocketFile, data: Uint8Array, options: SendOptions, blocks: boolean) {
    this.#file = file;
    this.#data = data;
    this.#options = options;
    this.#blocks = blocks;
    this.#addressed = options.to !== undefined;
    this.#fastOpen = options.to !== undefined && options.flags.has("MSG_FASTOPEN");
  }

  step(): CallResult | undefined {
    if (this.#connecting) {
      const outcome = connected(this.#file);
      if (outcome === undefined) return undefined;
      if (outcome.value < 0) return outcome;
      this.#connecting = false;
      if (this.sent === this.#data.length) return { value: this.sent };
    }
    try {
      return this.#push();
    } catch (error) {
      if (!(error instanceof ErrnoError)) throw error;
      if (error.code === "EINPROGRESS" && this.#blocks) {
        this.#connecting = true;
        this.#fastOpen = this.#addressed = false;
        return undefined;
      }
      if (this.sent > 0 && error.code !== "EAGAIN") return { value: this.sent };
      if (this.sent > 0 && !this.#blocks) return { value: this.sent };
      if (error.code === "EAGAIN") throw error;
      return failed(error);
    }
  }

  #push(): CallResult | undefined {
    while (this.sent < this.#data.length) {
      const options = this.#addressed || this.#options.to === undefined ? this.#options : withoutAddress(this.#options);
      const count = this.#file.socket.send(this.#data.subarray(this.sent), options);
      this.sent += count;
      this.#addressed = false;
      this.#file.sent += count;
      // `tcp_sendmsg_fastopen`: who blocks waits for the handshake, and then sends what the SYN did not carry.
      if (this.#fastOpen && (this.#file.socket.poll() & 0x04) === 0) {
        this.#fastOpen = false;
        if (!this.#blocks) break;
        this.#connecting = true;
        return undefined;
      }
      this.#fastOpen = false;
    }
    return { value: this.sent };
  }
}

function withoutAddress(options: SendOptions): SendOptions {
  return { flags: new Set([...options.flags].filter((flag) => flag !== "MSG_FASTOPEN")), to: undefined };
}
