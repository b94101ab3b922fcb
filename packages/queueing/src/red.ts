import { type DropReason, invalidArgument, type Nanos, NS_PER_SEC, type Random } from "@seville/core";
import { createEntryList, EntryStore } from "./entries.ts";
import { positive } from "./options.ts";
import {
  type Qdisc,
  QdiscBase,
  type QdiscStats,
  type QueueAccess,
  XMIT_CN,
  XMIT_DROP,
  XMIT_SUCCESS,
  type XmitResult,
} from "./qdisc.ts";
import { RedAverage, redWeight } from "./red-average.ts";

/** As tc-red(8). */
export interface RedOptions {
  /** Seeded: which packets are marked or dropped is chance. */
  readonly random: Random;
  /** Bytes that it holds at most. */
  readonly limitBytes: number;
  /** Average queue length in bytes at which marking becomes possible. */
  readonly min: number;
  /** Average queue length in bytes at which the probability of marking is `probability`. More than `min`. */
  readonly max: number;
  /** Average length of a packet in bytes, for the time constant. Default 1000. */
  readonly avpkt?: number;
  /** How fast the average follows, in packets. Default (2·min + max) / (3·avpkt), which tc-red(8) advises. */
  readonly burst?: number;
  /** Bits per second of the link, to age the average while the queue is empty. Default 10 Mbit/s, as in tc-red(8). */
  readonly bandwidth?: number;
  /** Largest probability of marking between `min` and `max`. Default 0.02. */
  readonly probability?: number;
  /** Mark ECN-capable packets instead of dropping them. Default off. */
  readonly ecn?: boolean;
  /** Drop even ECN-capable packets when the average is above `max`. Default off. */
  readonly harddrop?: boolean;
  /**
   * Between `max` and twice `max` the probability rises to 1, instead of jumping there (S. Floyd, "Recommendation on using
   * the gentle variant of RED", 2000). Linux has no such option. Default off.
   */
  readonly gentle?: boolean;
  /** Adapts `probability` so that the average stays in the middle (S. Floyd et al. 2001, "Adaptive RED"). Default off. */
  readonly adaptive?: boolean;
}

/** What `tc -s qdisc` prints for red. */
export interface RedStats extends QdiscStats {
  /** Packets marked with Congestion Experienced. */
  readonly marked: number;
  /** Packets dropped by the algorithm. */
  readonly early: number;
  /** Packets dropped because of `limitBytes`. */
  readonly pdrop: number;
  /** The average queue length in bytes, and the probability as `adaptive` has it now. */
  readonly qavg: number;
  readonly probability: number;
}

/**
 * Random Early Detection (Floyd and Jacobson 1993; net/sched/sch_red.c, include/net/red.h).
 * @throws SevilleError `ERR_INVALID_ARGUMENT`
 */
export function red<T>(access: QueueAccess<T>, options: RedOptions): Qdisc<T, RedStats> {
  return new Red(access, options);
}

const ADAPT_INTERVAL: Nanos = NS_PER_SEC / 2;
const MIN_ADAPTED = 0.01;
const MAX_ADAPTED = 0.5;

class Red<T> extends QdiscBase<T, RedStats> {
  readonly #options: RedOptions;
  readonly #random: Random;
  readonly #average: RedAverage;
  readonly #entries = new EntryStore<T>();
  readonly #list = createEntryList();
  /** Packets since the last mark, -1: the average was not between the thresholds. */
  #count = -1;
  /** Marks when `count` times the probability reaches it. Drawn anew after every mark. */
  #draw = 0;
  #probability: number;
  #nextAdaptation: Nanos = ADAPT_INTERVAL;
  #marked = 0;
  #early = 0;
  #pdrop = 0;

  constructor(access: QueueAccess<T>, options: RedOptions) {
    super(access);
    const { min, max, limitBytes } = options;
    positive(min, "min", "bytes");
    if (!(max > min)) throw invalidArgument("max", `more than min (${min})`, max);
    if (!(limitBytes > max)) throw invalidArgument("limitBytes", `more than max (${max})`, limitBytes);
    const avpkt = positive(options.avpkt ?? 1000, "avpkt", "bytes");
    const burst = positive(options.burst ?? Math.ceil((2 * min + max) / (3 * avpkt)), "burst", "packets");
    const bandwidth = positive(options.bandwidth ?? 10_000_000, "bandwidth", "bits per second");
    const probability = options.probability ?? 0.02;
    if (!(probability > 0 && probability <= 1)) throw invalidArgument("probability", "above 0, at most 1", probability);
    this.#options = options;
    this.#random = options.random;
    this.#probability = probability;
    this.#average = new RedAverage(redWeight(min, avpkt, burst), (8 * avpkt * NS_PER_SEC) / bandwidth);
  }

  enqueue(item: T, now: Nanos): XmitResult {
    if (this.#options.adaptive === true) this.#adapt(now);
    const average = this.#average.update(this.bytes, now);
    const verdict = this.#judge(average);
    if (verdict !== "pass") {
      this.counts.overlimits++;
      const markable = this.#options.ecn === true && !(verdict === "hard" && this.#options.harddrop === true);
      if (!markable || !this.mark(item)) {
        this.#early++;
        this.drop(item, "RED_DROP");
        return XMIT_CN;
      }
      this.#marked++;
    }
    const length = this.access.length(item);
    if (this.bytes + length > this.#options.limitBytes) {
      this.#pdrop++;
      this.drop(item, "QDISC_OVERLIMIT");
      return XMIT_DROP;
    }
    this.#entries.push(this.#list, item, length, now);
    return XMIT_SUCCESS;
  }

  override dequeue(now: Nanos): T | undefined {
    const item = super.dequeue(now);
    if (this.packets === 0) this.#average.startIdle(now);
    return item;
  }

  get stats(): RedStats {
    const own = { marked: this.#marked, early: this.#early, pdrop: this.#pdrop };
    return { ...this.baseStats(), ...own, qavg: this.#average.value, probability: this.#probability };
  }

  protected get queuedPackets(): number {
    return this.#list.packets;
  }

  protected get queuedBytes(): number {
    return this.#list.bytes;
  }

  protected take(): T | undefined {
    const item = this.#entries.shift(this.#list);
    this.takenLength = this.#entries.shiftedLength;
    return item;
  }

  protected reset(reason: DropReason, now: Nanos): void {
    this.#entries.drain(this.#list, (item) => this.drop(item, reason));
    this.#average.reset(now);
    this.#count = -1;
  }

  /** `red_action`: marks come at distances that are spread evenly, not geometrically (§7 of the 1993 paper, method 2). */
  #judge(average: number): "pass" | "probable" | "hard" {
    const { min, max, gentle } = this.#options;
    if (average < min) {
      this.#count = -1;
      return "pass";
    }
    if (average >= (gentle === true ? 2 * max : max)) {
      this.#count = -1;
      return "hard";
    }
    this.#count++;
    if (this.#count > 0 && this.#probabilityAt(average) * this.#count >= this.#draw) {
      this.#count = 0;
      this.#draw = this.#random.float();
      return "probable";
    }
    if (this.#count === 0) this.#draw = this.#random.float();
    return "pass";
  }

  #probabilityAt(average: number): number {
    const { min, max } = this.#options;
    if (average < max) return (this.#probability * (average - min)) / (max - min);
    return this.#probability + ((1 - this.#probability) * (average - max)) / max;
  }

  /** `red_adaptative_algo`, every half second: additive increase, multiplicative decrease of the probability. */
  #adapt(now: Nanos): void {
    const { min, max } = this.#options;
    const step = (max - min) / 5;
    while (this.#nextAdaptation <= now) {
      const average = this.#average.at(this.#nextAdaptation);
      const before = this.#probability;
      if (average > min + 3 * step && before <= MAX_ADAPTED) this.#probability += Math.min(0.01, before / 4);
      else if (average < min + 2 * step && before >= MIN_ADAPTED) this.#probability *= 0.9;
      this.#nextAdaptation += ADAPT_INTERVAL;
      // A long silence: the average only falls further, and the probability is as low as it gets.
      if (this.#probability === before && average < min) break;
    }
    if (this.#nextAdaptation <= now) {
      this.#nextAdaptation = ADAPT_INTERVAL * (Math.floor(now / ADAPT_INTERVAL) + 1);
    }
  }
}
