import { type Nanos, NS_PER_SEC, type Random } from "@seville/core";
import type { Events } from "./events.ts";

/** The packet on the line has left the buffer. */
const WIRE_PACKET = 1500;

/** One bottleneck: loss, a policer, a drop-tail queue, a line, and a delay. */
export interface PathOptions {
  /** Of the line, bit/s. */
  rate: number;
  /** Both ways together, without queueing. */
  rtt: Nanos;
  /** Bytes that the queue holds. */
  buffer: number;
  /** Probability that a packet vanishes before the queue. */
  loss?: number;
  /** A token bucket that drops what is above it. */
  policer?: { rate: number; burst: number };
  /** Marks packets that find more bytes than this in the queue. */
  ceThreshold?: number;
  /** ACKs come only at multiples of this. */
  aggregation?: Nanos;
  /** Drops or delays single packets as a test likes: number of the packet, whether it is sent again. */
  meddle?: (id: number, again: boolean, now: Nanos) => "drop" | Nanos;
}

export type Fate = "queued" | "random" | "policer" | "queue" | "meddled";

interface Waiting {
  bytes: number;
  arrive: () => void;
}

export class Path {
  readonly options: PathOptions;
  readonly drops = { random: 0, policer: 0, queue: 0, meddled: 0 };
  /** Bytes in the queue, the packet on the line included, and the most there were. */
  queued = 0;
  maxQueue = 0;
  readonly #random: Random;
  readonly #events: Events;
  #waiting: Waiting[] = [];
  #head = 0;
  #tokens: number;
  #tokensAt: Nanos = 0;

  constructor(options: PathOptions, random: Random, events: Events) {
    this.options = options;
    this.#random = random;
    this.#events = events;
    this.#tokens = options.policer?.burst ?? 0;
  }

  /** Sends a packet now; `acked` is called when its ACK is back, unless it is dropped. */
  send(bytes: number, id: number, again: boolean, acked: (marked: boolean) => void): Fate {
    const { rtt, buffer, loss = 0, policer, ceThreshold = Infinity, aggregation = 0, meddle } = this.options;
    const now = this.#events.now;
    const wish = meddle?.(id, again, now) ?? 0;
    if (wish === "drop") return this.#drop("meddled");
    if (loss > 0 && this.#random.bool(loss)) return this.#drop("random");
    if (policer !== undefined && !this.#takeTokens(policer, bytes, now)) return this.#drop("policer");
    if (this.queued + bytes > buffer + WIRE_PACKET) return this.#drop("queue");
    const marked = this.queued > ceThreshold;
    this.queued += bytes;
    this.maxQueue = Math.max(this.maxQueue, this.queued);
    const arrive = (): void => {
      let at = this.#events.now + rtt + wish;
      if (aggregation > 0) at = Math.ceil(at / aggregation) * aggregation;
      this.#events.at(at, () => acked(marked));
    };
    this.#waiting.push({ bytes, arrive });
    if (this.#waiting.length - this.#head === 1) this.#serve();
    return "queued";
  }

  #serve(): void {
    const { bytes, arrive } = this.#waiting[this.#head] as Waiting;
    this.#events.at(this.#events.now + Math.round((bytes * 8 * NS_PER_SEC) / this.options.rate), () => {
      this.queued -= bytes;
      arrive();
      if (++this.#head > 1000) {
        this.#waiting = this.#waiting.slice(this.#head);
        this.#head = 0;
      }
      if (this.#head < this.#waiting.length) this.#serve();
    });
  }

  #takeTokens(policer: { rate: number; burst: number }, bytes: number, now: Nanos): boolean {
    this.#tokens = Math.min(policer.burst, this.#tokens + ((now - this.#tokensAt) * policer.rate) / (8 * NS_PER_SEC));
    this.#tokensAt = now;
    if (this.#tokens < bytes) return false;
    this.#tokens -= bytes;
    return true;
  }

  #drop(reason: Exclude<Fate, "queued">): Fate {
    this.drops[reason]++;
    return reason;
  }
}
