import {
  invalidArgument,
  NS_PER_SEC,
  SevilleError,
  type EventHandler,
  type EventId,
  type Nanos,
  type Random,
} from "@seville/core";
import { parseIp, type IpAddress } from "@seville/packet";
import type { Host } from "../host/host.ts";
import type { SocketAddressLike } from "../socket/socket-address.ts";
import { openUdp } from "../socket/open.ts";
import type { UdpSocket } from "../udp/udp-socket.ts";
import { Histogram } from "./histogram.ts";
import { SequenceSet } from "./sequence-set.ts";

/** Sequence number (32 bits), zero (32 bits), departure time (64-bit float, nanoseconds). */
const HEADER = 16;
/** Datagrams in a row that a flow may lose. */
const MAX_GAP = 16_777_216;

export interface FlowOptions {
  readonly to: IpAddress | string;
  readonly port: number;
  /** Bits per second of UDP payload; or say `packetsPerSecond`. */
  readonly rate?: number;
  readonly packetsPerSecond?: number;
  /** Bytes of payload, at least 16. Default 1000. */
  readonly size?: number;
  /** `cbr`: evenly spaced; `poisson`: gaps exponentially distributed. Default `cbr`. */
  readonly arrivals?: "cbr" | "poisson";
  /** When to begin and how long to go on; nanoseconds. Default: now, without end. */
  readonly startAt?: Nanos;
  readonly duration?: Nanos;
  /** Datagrams at most. */
  readonly count?: number;
  readonly tos?: number;
  readonly sourcePort?: number;
  /** Names the flow's dice. Default: destination and port. */
  readonly name?: string;
}

export interface FlowSender {
  readonly socket: UdpSocket;
  readonly sent: number;
  readonly sentBytes: number;
  /** Datagrams that the host refused, by errno. */
  readonly errors: ReadonlyMap<string, number>;
  readonly done: boolean;
  stop(): void;
}

/** What a receiver saw of a flow. Times are nanoseconds. */
export interface FlowReport {
  /** Datagrams, without duplicates. */
  readonly received: number;
  readonly bytes: number;
  /** Numbers that are missing below the highest one seen. */
  readonly lost: number;
  /** Datagrams that came after one with a higher number. */
  readonly reordered: number;
  readonly duplicates: number;
  /** Interarrival jitter (RFC 3550 §6.4.1). */
  readonly jitter: Nanos;
  /** One-way delay: hosts of a simulation share a clock. */
  readonly delay: Histogram;
  readonly firstAt: Nanos;
  readonly lastAt: Nanos;
  /** Bits per second of payload between the first and the last. */
  readonly throughput: number;
}

export interface FlowReceiver {
  readonly socket: UdpSocket;
  report(): FlowReport;
  close(): void;
}

/** Sends numbered, timed datagrams from `host`. @throws SevilleError `ERR_INVALID_ARGUMENT`, or a socket's errors */
export function startFlow(host: Host, options: FlowOptions): FlowSender {
  return new Sender(host, options);
}

/** Receives such a flow at `at` (a port at least), of IPv4 and IPv6. */
export function receiveFlow(host: Host, at: SocketAddressLike): FlowReceiver {
  return new Receiver(host, at);
}

class Sender implements FlowSender, EventHandler {
  readonly socket: UdpSocket;
  sent = 0;
  sentBytes = 0;
  readonly errors: Map<string, number> = new Map<string, number>();
  done = false;
  readonly #host: Host;
  readonly #options: FlowOptions;
  readonly #random: Random;
  readonly #size: number;
  readonly #gap: Nanos;
  readonly #startAt: Nanos;
  #next: Nanos;
  #event: EventId | undefined;
  #tries = 0;

  constructor(host: Host, options: FlowOptions) {
    const to = typeof options.to === "string" ? parseIp(options.to) : options.to;
    this.#host = host;
    this.#options = options;
    this.#size = options.size ?? 1000;
    if (!Number.isInteger(this.#size) || this.#size < HEADER)
      throw invalidArgument("size", `at least ${HEADER} bytes`, this.#size);
    const perSecond = options.packetsPerSecond ?? (options.rate ?? 0) / (8 * this.#size);
    if (!(perSecond > 0)) throw invalidArgument("rate", "more than 0, or packetsPerSecond", options.rate);
    this.#gap = NS_PER_SEC / perSecond;
    this.#random = host.random.fork(`flow/${options.name ?? `${String(options.to)}:${options.port}`}`);
    this.socket = openUdp(host, { family: typeof to === "number" ? 4 : 6 });
    if (options.tos !== undefined) this.socket.set(typeof to === "number" ? "IP_TOS" : "IPV6_TCLASS", options.tos);
    if (options.sourcePort !== undefined) this.socket.bind({ port: options.sourcePort });
    this.#startAt = Math.max(options.startAt ?? host.now, host.now);
    this.#next = this.#startAt;
    this.#event = host.scheduler.schedule(this.#startAt, this);
  }

  stop(): void {
    if (this.done) return;
    this.done = true;
    if (this.#event !== undefined) this.#host.scheduler.cancel(this.#event);
    this.#event = undefined;
    this.socket.close();
  }

  handleEvent(_argument: number, now: Nanos): void {
    this.#event = undefined;
    const { count = Infinity, duration = Infinity, arrivals = "cbr" } = this.#options;
    if (this.#tries >= count || now >= this.#startAt + duration) {
      this.stop();
      return;
    }
    this.#send(now);
    this.#tries++;
    // Counted from the start, so that rounding does not add up.
    this.#next =
      arrivals === "cbr" ? this.#startAt + this.#tries * this.#gap : this.#next + this.#random.exponential(this.#gap);
    this.#event = this.#host.scheduler.schedule(Math.ceil(this.#next), this);
  }

  #send(now: Nanos): void {
    const packet = this.#host.pool.alloc(this.#size);
    if (packet === undefined) {
      this.#count("ENOBUFS");
      return;
    }
    const at = packet.put(this.#size);
    const { view, u8 } = this.#host.memory;
    u8.fill(0, at, at + this.#size);
    view.setUint32(at, this.#tries);
    view.setFloat64(at + 8, now);
    try {
      // A report of an earlier datagram must not stop the flow.
      this.socket.takeError();
      this.socket.sendPacket(packet, { address: this.#options.to, port: this.#options.port });
      this.sent++;
      this.sentBytes += this.#size;
    } catch (error) {
      if (!(error instanceof SevilleError)) throw error;
      this.#count(error.code);
    }
  }

  #count(code: string): void {
    this.errors.set(code, (this.errors.get(code) ?? 0) + 1);
  }
}

class Receiver implements FlowReceiver {
  readonly socket: UdpSocket;
  readonly #host: Host;
  readonly #seen = new SequenceSet();
  readonly #delay = new Histogram();
  #received = 0;
  #bytes = 0;
  #reordered = 0;
  #duplicates = 0;
  #highest = -1;
  #jitter = 0;
  #lastTransit: Nanos | undefined = undefined;
  #firstAt: Nanos = 0;
  #lastAt: Nanos = 0;

  constructor(host: Host, at: SocketAddressLike) {
    this.#host = host;
    this.socket = openUdp(host, { family: 6 });
    this.socket.bind(at);
    this.socket.onReadable = () => {
      this.#read();
    };
  }

  report(): FlowReport {
    const span = this.#lastAt - this.#firstAt;
    return {
      received: this.#received,
      bytes: this.#bytes,
      lost: this.#highest + 1 - this.#received,
      reordered: this.#reordered,
      duplicates: this.#duplicates,
      jitter: this.#jitter,
      delay: this.#delay,
      firstAt: this.#firstAt,
      lastAt: this.#lastAt,
      throughput: span === 0 ? 0 : (this.#bytes * 8 * NS_PER_SEC) / span,
    };
  }

  close(): void {
    this.socket.close();
  }

  #read(): void {
    this.socket.takeError();
    for (let packet = this.socket.recvPacket(); packet !== undefined; packet = this.socket.recvPacket()) {
      const { view } = this.#host.memory;
      if (packet.length >= HEADER)
        this.#count(view.getUint32(packet.data), view.getFloat64(packet.data + 8), packet.length, packet.tstamp);
      packet.release();
    }
  }

  /** Numbers far ahead are not of this flow: without the limit a forged one would take all memory. */
  #count(sequence: number, sentAt: Nanos, bytes: number, now: Nanos): void {
    if (sequence > this.#highest + MAX_GAP) return;
    if (this.#seen.add(sequence)) {
      this.#duplicates++;
      return;
    }
    const transit = now - sentAt;
    if (this.#lastTransit !== undefined) this.#jitter += (Math.abs(transit - this.#lastTransit) - this.#jitter) / 16;
    this.#lastTransit = transit;
    this.#delay.record(transit);
    if (this.#received === 0) this.#firstAt = now;
    this.#lastAt = now;
    this.#received++;
    this.#bytes += bytes;
    if (sequence < this.#highest) this.#reordered++;
    else this.#highest = sequence;
  }
}
