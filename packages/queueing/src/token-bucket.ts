import { type DropReason, invalidArgument, type Nanos, NS_PER_SEC } from "@seville/core";
import { Bucket } from "./bucket.ts";
import { fifo } from "./fifo.ts";
import { positive } from "./options.ts";
import { type Qdisc, QdiscBase, type QdiscStats, type QueueAccess, XMIT_DROP, type XmitResult } from "./qdisc.ts";

/** As tc-tbf(8). */
export interface TokenBucketOptions<T> {
  /** Bits per second. */
  readonly rate: number;
  /** Bytes that may go at once after a pause. A longer packet never fits: it is dropped on arrival. */
  readonly burst: number;
  /** Bits per second for the burst itself. Default: no limit. More than `rate`. */
  readonly peakrate?: number;
  /** Bytes that may go at once at `peakrate` (`mtu` or `minburst` of tc-tbf). Needed with `peakrate`. */
  readonly mtu?: number;
  /** Bytes that wait at most. Give this, `latency` or `child`. */
  readonly limitBytes?: number;
  /** The longest that a packet waits for tokens, from which `limitBytes` follows. */
  readonly latency?: Nanos;
  /** What holds the packets that wait: any discipline with the same access. */
  readonly child?: Qdisc<T>;
}

/**
 * A shaper: lets packets out at a rate (net/sched/sch_tbf.c). What waits is held by a FIFO or by `child`.
 * @throws SevilleError `ERR_INVALID_ARGUMENT`
 */
export function tokenBucket<T>(access: QueueAccess<T>, options: TokenBucketOptions<T>): Qdisc<T> {
  return new TokenBucket(access, options);
}

class TokenBucket<T> extends QdiscBase<T, QdiscStats> {
  readonly #child: Qdisc<T>;
  readonly #maxSize: number;
  readonly #bucket: Bucket;
  readonly #peak: Bucket | undefined;
  /** Until when the first packet lacks tokens, as found by the last attempt. */
  #throttledUntil: Nanos = 0;

  constructor(access: QueueAccess<T>, options: TokenBucketOptions<T>) {
    super(access);
    const { rate, burst, peakrate, mtu } = options;
    this.#bucket = new Bucket(positive(rate, "rate", "bits per second"), positive(burst, "burst", "bytes"));
    this.#maxSize = burst;
    if (peakrate !== undefined) {
      if (!(peakrate > rate)) throw invalidArgument("peakrate", `more than rate (${rate})`, peakrate);
      if (mtu === undefined) throw invalidArgument("mtu", "given with peakrate", mtu);
      this.#peak = new Bucket(peakrate, positive(mtu, "mtu", "bytes"));
      this.#maxSize = Math.min(burst, mtu);
    }
    this.#child = options.child ?? fifo(access, { limitBytes: limitOf(options) });
  }

  enqueue(item: T, now: Nanos): XmitResult {
    if (this.access.length(item) > this.#maxSize) {
      this.drop(item, "PKT_TOO_BIG");
      return XMIT_DROP;
    }
    return this.#child.enqueue(item, now);
  }

  get stats(): QdiscStats {
    const base = this.baseStats();
    return { ...base, drops: base.drops + this.#child.stats.drops };
  }

  protected get queuedPackets(): number {
    return this.#child.packets;
  }

  protected get queuedBytes(): number {
    return this.#child.bytes;
  }

  protected take(now: Nanos): T | undefined {
    const first = this.#child.peek(now);
    if (first === undefined) return undefined;
    const length = this.access.length(first);
    const wait = Math.max(this.#bucket.wait(length, now), this.#peak?.wait(length, now) ?? 0);
    if (wait > 0) {
      this.counts.overlimits++;
      this.#throttledUntil = now + Math.ceil(wait);
      return undefined;
    }
    this.#bucket.take(length, now);
    this.#peak?.take(length, now);
    this.takenLength = length;
    return this.#child.dequeue(now);
  }

  protected override readyAt(now: Nanos): Nanos {
    return Math.max(now, this.#throttledUntil, this.#child.nextReady(now));
  }

  protected reset(reason: DropReason, now: Nanos): void {
    this.#child.clear(reason, now);
    this.#bucket.fill(now);
    this.#peak?.fill(now);
    this.#throttledUntil = now;
  }
}

/** tc computes `limit` from `latency` like this (tc/q_tbf.c): what drains in that time, and the burst. */
function limitOf<T>(options: TokenBucketOptions<T>): number {
  const { limitBytes, latency, rate, burst, peakrate, mtu } = options;
  if (limitBytes !== undefined) return positive(limitBytes, "limitBytes", "bytes");
  if (latency === undefined) throw invalidArgument("limitBytes", "given, or latency, or child", limitBytes);
  positive(latency, "latency", "nanoseconds");
  const steady = (rate * latency) / (8 * NS_PER_SEC) + burst;
  if (peakrate === undefined || mtu === undefined) return steady;
  return Math.min(steady, (peakrate * latency) / (8 * NS_PER_SEC) + mtu);
}
