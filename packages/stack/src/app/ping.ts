import { NS_PER_SEC, SevilleError, type EventHandler, type EventId, type Nanos } from "@seville/core";
import { formatIp, parseIp, type IpAddress } from "@seville/packet";
import type { Host } from "../host/host.ts";
import type { PingSocket } from "../ping/ping-socket.ts";
import type { QueuedError } from "../socket/errors.ts";
import { openPing } from "../socket/open.ts";
import { Histogram } from "./histogram.ts";
import { summaryOf } from "./ping-text.ts";
import { SequenceSet } from "./sequence-set.ts";

/** ping(8)'s options; times are nanoseconds. */
export interface PingOptions {
  /** `-c`. Default: until stopped. */
  readonly count?: number;
  /** `-i`. Default 1 s. */
  readonly interval?: Nanos;
  /** `-s`: bytes behind the ICMP header. Default 56. */
  readonly size?: number;
  /** `-W`: how long to wait for the last answers when none came at all. Default 10 s. */
  readonly linger?: Nanos;
  /** `-t`. */
  readonly ttl?: number;
  /** `-Q`. */
  readonly tos?: number;
  /** `-I` with an address. */
  readonly source?: IpAddress | string;
  /** `-I` with an interface. */
  readonly device?: string;
  /** When the first request leaves. Default: at once. */
  readonly startAt?: Nanos;
  /** Told of each reply. */
  readonly onReply?: (reply: PingReply) => void;
  /** Told when the last answer has come, or is waited for no longer. */
  readonly onDone?: (report: PingReport) => void;
}

export interface PingReply {
  readonly sequence: number;
  readonly from: IpAddress;
  /** Bytes behind the IP header. */
  readonly bytes: number;
  readonly ttl: number;
  readonly rtt: Nanos;
  readonly duplicate: boolean;
}

/** What ping(8) prints at its end; times are nanoseconds. */
export interface PingReport {
  readonly transmitted: number;
  readonly received: number;
  readonly duplicates: number;
  /** ICMP errors that came instead of answers. */
  readonly errors: number;
  /** Share of requests without an answer, 0 to 1. */
  readonly loss: number;
  readonly min: Nanos;
  readonly avg: Nanos;
  readonly max: Nanos;
  readonly mdev: Nanos;
  readonly p50: Nanos;
  readonly p95: Nanos;
  readonly p99: Nanos;
  /** From the first request to the end. */
  readonly duration: Nanos;
  /** The lines that ping(8) would have printed, replies, errors and summary. */
  readonly text: string;
}

/** A ping under way. */
export interface Ping {
  readonly done: boolean;
  /** What is known so far. */
  report(): PingReport;
  /** Ends it now, as Ctrl-C does. */
  stop(): void;
}

const DEFAULT_SIZE = 56;
/** Replies and errors that are kept as lines; more are only counted. */
const MAX_LINES = 1000;

/** Sends echo requests from `host` to `to` and measures what comes back, as ping(8) of iputils does. */
export function startPing(host: Host, to: IpAddress | string, options: PingOptions = {}): Ping {
  return new PingRun(host, typeof to === "string" ? parseIp(to) : to, options);
}

class PingRun implements Ping, EventHandler {
  readonly #host: Host;
  readonly #to: IpAddress;
  readonly #options: PingOptions;
  readonly #socket: PingSocket;
  readonly #data: Uint8Array;
  readonly #sentAt: Nanos[] = [];
  readonly #seen = new SequenceSet();
  readonly #rtts = new Histogram();
  readonly #lines: string[] = [];
  #event: EventId | undefined;
  #startedAt: Nanos;
  #endedAt: Nanos = 0;
  #transmitted = 0;
  #duplicates = 0;
  #errors = 0;
  #done = false;

  constructor(host: Host, to: IpAddress, options: PingOptions) {
    this.#host = host;
    this.#to = to;
    this.#options = options;
    this.#data = pattern(options.size ?? DEFAULT_SIZE);
    this.#socket = openPing(host, typeof to === "number" ? 4 : 6);
    this.#socket.set("IP_RECVERR", 1);
    this.#socket.set("IPV6_RECVERR", 1);
    if (options.device !== undefined) this.#socket.bindToDevice(options.device);
    if (options.source !== undefined) this.#socket.bind({ address: options.source });
    this.#socket.onReadable = () => {
      this.#read();
    };
    this.#startedAt = options.startAt ?? host.now;
    this.#event = host.scheduler.schedule(this.#startedAt, this);
  }

  get done(): boolean {
    return this.#done;
  }

  report(): PingReport {
    const rtts = this.#rtts;
    const received = rtts.count - this.#duplicates;
    const numbers = {
      transmitted: this.#transmitted,
      received,
      duplicates: this.#duplicates,
      errors: this.#errors,
      loss: this.#transmitted === 0 ? 0 : (this.#transmitted - received) / this.#transmitted,
      min: rtts.min,
      avg: rtts.mean,
      max: rtts.max,
      mdev: rtts.deviation,
      p50: rtts.percentile(50),
      p95: rtts.percentile(95),
      p99: rtts.percentile(99),
      duration: (this.#done ? this.#endedAt : this.#host.now) - this.#startedAt,
    };
    const heading = this.#heading();
    return { ...numbers, text: [heading, ...this.#lines, "", ...summaryOf(formatIp(this.#to), numbers)].join("\n") };
  }

  stop(): void {
    if (this.#done) return;
    this.#done = true;
    this.#endedAt = this.#host.now;
    if (this.#event !== undefined) this.#host.scheduler.cancel(this.#event);
    this.#event = undefined;
    this.#socket.close();
    this.#options.onDone?.(this.report());
  }

  handleEvent(_argument: number, now: Nanos): void {
    this.#event = undefined;
    const { count = Infinity, interval = NS_PER_SEC } = this.#options;
    if (this.#transmitted >= count) {
      this.stop();
      return;
    }
    this.#send(now);
    const wait = this.#transmitted < count ? interval : this.#lastWait(interval);
    this.#event = this.#host.scheduler.schedule(now + wait, this);
  }

  /** How long the last answers are waited for: twice the longest round trip, if there was one (iputils ping_common.c). */
  #lastWait(interval: Nanos): Nanos {
    if (this.#rtts.count === 0) return this.#options.linger ?? 10 * NS_PER_SEC;
    return Math.max(2 * this.#rtts.max, interval);
  }

  #send(now: Nanos): void {
    const { ttl, tos } = this.#options;
    const sequence = ++this.#transmitted;
    this.#sentAt[sequence] = now;
    try {
      const control = { ...(ttl === undefined ? {} : { ttl }), ...(tos === undefined ? {} : { tos }) };
      this.#socket.sendEcho(sequence & 0xffff, this.#data, { address: this.#to }, control);
    } catch (error) {
      if (!(error instanceof SevilleError)) throw error;
      this.#note(`ping: sendmsg: ${error.message}`);
    }
  }

  #read(): void {
    for (let error = this.#socket.recvError(); error !== undefined; error = this.#socket.recvError()) this.#fail(error);
    this.#socket.takeError();
    for (let reply = this.#socket.recv(); reply !== undefined; reply = this.#done ? undefined : this.#socket.recv()) {
      const sequence = this.#unwrap(reply.sequence);
      const sent = this.#sentAt[sequence];
      if (sent === undefined) continue;
      const duplicate = this.#seen.add(sequence);
      const rtt = reply.timestamp - sent;
      this.#rtts.record(rtt);
      if (duplicate) this.#duplicates++;
      const bytes = reply.data.length + 8;
      const tail = duplicate ? " (DUP!)" : "";
      this.#note(
        `${bytes} bytes from ${formatIp(reply.address)}: icmp_seq=${sequence} ttl=${reply.ttl} time=${milliseconds(rtt)} ms${tail}`,
      );
      this.#options.onReply?.({ sequence, from: reply.address, bytes, ttl: reply.ttl, rtt, duplicate });
    }
    const { count = Infinity } = this.#options;
    if (!this.#done && this.#transmitted >= count && this.#rtts.count - this.#duplicates + this.#errors >= count)
      this.stop();
  }

  #fail(error: QueuedError): void {
    if (error.origin === "local") return;
    this.#errors++;
    const view = new DataView(error.data.buffer, error.data.byteOffset, error.data.length);
    const sequence = view.byteLength >= 8 ? this.#unwrap(view.getUint16(6)) : 0;
    this.#note(`From ${formatIp(error.offender)} icmp_seq=${sequence} ${describe(error)}`);
  }

  /** The latest sequence number that was sent with these low 16 bits. */
  #unwrap(low: number): number {
    return this.#transmitted - ((this.#transmitted - low) & 0xffff);
  }

  #note(line: string): void {
    if (this.#lines.length < MAX_LINES) this.#lines.push(line);
  }

  #heading(): string {
    const to = formatIp(this.#to);
    const bytes = this.#data.length;
    return typeof this.#to === "number"
      ? `PING ${to} (${to}) ${bytes}(${bytes + 28}) bytes of data.`
      : `PING ${to} (${to}) ${bytes} data bytes`;
  }
}

/** What ping(8) calls the errors (`pr_icmph`). */
function describe(error: QueuedError): string {
  if (error.origin === "icmp") {
    const unreachable = [
      "Destination Net Unreachable",
      "Destination Host Unreachable",
      "Destination Protocol Unreachable",
      "Destination Port Unreachable",
      `Frag needed and DF set (mtu = ${error.info})`,
      "Source Route Failed",
    ];
    if (error.type === 3)
      return (
        unreachable[error.errorCode] ??
        (error.errorCode === 13 ? "Packet filtered" : `Dest Unreachable, Bad Code: ${error.errorCode}`)
      );
    if (error.type === 11) return error.errorCode === 0 ? "Time to live exceeded" : "Frag reassembly time exceeded";
    return error.type === 12 ? `Parameter problem: pointer = ${error.info}` : `Bad ICMP type: ${error.type}`;
  }
  const unreachable = [
    "No route",
    "Administratively prohibited",
    "Beyond scope of source address",
    "Address unreachable",
    "Port unreachable",
  ];
  if (error.type === 1)
    return `Destination unreachable: ${unreachable[error.errorCode] ?? `Unknown code ${error.errorCode}`}`;
  if (error.type === 2) return `Packet too big: mtu=${error.info}`;
  if (error.type === 3) return `Time exceeded: ${error.errorCode === 0 ? "Hop limit" : "Defragmentation failure"}`;
  return `Parameter problem: code ${error.errorCode}`;
}

/** As ping(8) prints a time: three significant digits. */
function milliseconds(ns: Nanos): string {
  const ms = ns / 1_000_000;
  if (ms >= 100) return ms.toFixed(0);
  if (ms >= 10) return ms.toFixed(1);
  return ms >= 1 ? ms.toFixed(2) : ms.toFixed(3);
}

/** ping(8) counts bytes up. */
function pattern(size: number): Uint8Array {
  return Uint8Array.from({ length: size }, (_, i) => i & 0xff);
}
