import { type Nanos, NS_PER_SEC, type Random } from "@seville/core";

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

/** What becomes of a packet of `bytes` sent now: when its ACK is back, or why there is none. */
export interface Fate {
  ackAt: Nanos;
  marked: boolean;
  dropped: "no" | "random" | "policer" | "queue" | "meddled";
}

export class Path {
  readonly options: PathOptions;
  readonly drops = { random: 0, policer: 0, queue: 0, meddled: 0 };
  /** Largest queue seen, bytes. */
  maxQueue = 0;
  readonly #random: Random;
  #busyUntil: Nanos = 0;
  #tokens: number;
  #tokensAt: Nanos = 0;

  constructor(options: PathOptions, random: Random) {
    this.options = options;
    this.#random = random;
    this.#tokens = options.policer?.burst ?? 0;
  }

  /** Another rate from now on; what is queued takes it. */
  setRate(rate: number, now: Nanos): void {
    const left = Math.max(0, this.#busyUntil - now);
    this.#busyUntil = now + (left * this.options.rate) / rate;
    this.options.rate = rate;
  }

  /** Bytes in the queue. */
  queue(now: Nanos): number {
    return (Math.max(0, this.#busyUntil - now) * this.options.rate) / (8 * NS_PER_SEC);
  }

  send(bytes: number, id: number, again: boolean, now: Nanos): Fate {
    const { rtt, buffer, loss = 0, policer, ceThreshold = Infinity, aggregation = 0, meddle } = this.options;
    const wish = meddle?.(id, again, now) ?? 0;
    if (wish === "drop") return this.#drop("meddled");
    if (loss > 0 && this.#random.bool(loss)) return this.#drop("random");
    if (policer !== undefined && !this.#takeTokens(policer, bytes, now)) return this.#drop("policer");
    const queued = this.queue(now);
    if (queued + bytes > buffer + 1) return this.#drop("queue");
    this.maxQueue = Math.max(this.maxQueue, queued + bytes);
    this.#busyUntil = Math.max(this.#busyUntil, now) + (bytes * 8 * NS_PER_SEC) / this.options.rate;
    let ackAt = Math.round(this.#busyUntil + rtt) + wish;
    if (aggregation > 0) ackAt = Math.ceil(ackAt / aggregation) * aggregation;
    return { ackAt, marked: queued > ceThreshold, dropped: "no" };
  }

  #takeTokens(policer: { rate: number; burst: number }, bytes: number, now: Nanos): boolean {
    this.#tokens = Math.min(policer.burst, this.#tokens + ((now - this.#tokensAt) * policer.rate) / (8 * NS_PER_SEC));
    this.#tokensAt = now;
    if (this.#tokens < bytes) return false;
    this.#tokens -= bytes;
    return true;
  }

  #drop(reason: "random" | "policer" | "queue" | "meddled"): Fate {
    this.drops[reason]++;
    return { ackAt: Infinity, marked: false, dropped: reason };
  }
}
