import { invalidArgument, NS_PER_SEC, type Nanos } from "@seville/core";

/** `DQL_MAX_LIMIT` (include/linux/dynamic_queue_limits.h). */
export const DQL_MAX_LIMIT: number = 0x7fff_ffff - 0xf_ffff;

export interface ByteQueueLimitOptions {
  /** Bytes below which the limit does not fall (`limit_min`). Default 0. */
  readonly minLimit?: number;
  /** Bytes above which it does not rise (`limit_max`). */
  readonly maxLimit?: number;
  /** How long slack must last before it is taken away (`hold_time`). Default 1 s. */
  readonly holdTime?: Nanos;
}

/**
 * Byte queue limits: how many bytes a transmit ring may hold so that the hardware is just never without work
 * (lib/dynamic_queue_limits.c). What is more waits in the queueing discipline, where it can still be dropped or overtaken.
 *
 * It learns from completions: starved although bytes were held back, the limit rises by what was missing; never starved
 * for `holdTime`, it falls by the least slack seen.
 */
export class ByteQueueLimit {
  readonly #minLimit: number;
  readonly #maxLimit: number;
  readonly #holdTime: Nanos;
  #queued = 0;
  #completed = 0;
  #limit: number;
  #adjustedLimit: number;
  #lastObject = 0;
  #previousOverLimit = 0;
  #previousQueued = 0;
  #previousLastObject = 0;
  #lowestSlack = Infinity;
  #slackStart: Nanos = 0;

  constructor(options: ByteQueueLimitOptions = {}) {
    const { minLimit = 0, maxLimit = DQL_MAX_LIMIT, holdTime = NS_PER_SEC } = options;
    if (!(minLimit >= 0 && minLimit <= maxLimit)) throw invalidArgument("minLimit", "0 to maxLimit", minLimit);
    this.#minLimit = minLimit;
    this.#maxLimit = maxLimit;
    this.#holdTime = holdTime;
    this.#limit = minLimit;
    this.#adjustedLimit = minLimit;
  }

  /** Bytes that may be in flight. */
  get limit(): number {
    return this.#limit;
  }

  /** Bytes that are with the hardware. */
  get inFlight(): number {
    return this.#queued - this.#completed;
  }

  /** Bytes that still fit; below 0: the queue is to stop. */
  get available(): number {
    return this.#adjustedLimit - this.#queued;
  }

  /** `bytes` were handed to the hardware (`netdev_tx_sent_queue`). Answers whether more may follow. */
  sent(bytes: number): boolean {
    this.#lastObject = bytes;
    this.#queued += bytes;
    return this.available >= 0;
  }

  /** The hardware is done with `bytes` (`netdev_tx_completed_queue`). Answers whether more may follow. */
  completed(bytes: number, now: Nanos): boolean {
    if (bytes > this.inFlight) throw invalidArgument("bytes", `at most ${this.inFlight}, what is in flight`, bytes);
    if (bytes > 0) this.#learn(bytes, now);
    return this.available >= 0;
  }

  /** The ring was emptied without completions (`netdev_tx_reset_queue`). */
  reset(now: Nanos): void {
    this.#queued = 0;
    this.#completed = 0;
    this.#limit = this.#minLimit;
    this.#adjustedLimit = this.#minLimit;
    this.#lastObject = 0;
    this.#previousOverLimit = 0;
    this.#previousQueued = 0;
    this.#previousLastObject = 0;
    this.#lowestSlack = Infinity;
    this.#slackStart = now;
  }

  /** `dql_completed`. */
  #learn(bytes: number, now: Nanos): void {
    const queued = this.#queued;
    const before = this.#completed;
    const completed = before + bytes;
    let limit = this.#limit;
    let overLimit = Math.max(0, queued - before - limit);
    const inProgress = queued - completed;
    const previousInProgress = this.#previousQueued - before;
    const allPreviousCompleted = completed >= this.#previousQueued;
    if ((overLimit > 0 && inProgress === 0) || (this.#previousOverLimit > 0 && allPreviousCompleted)) {
      // It ran dry while something was held back: let so much more in as would have kept it busy.
      limit += Math.max(0, completed - this.#previousQueued) + this.#previousOverLimit;
      this.#slackStart = now;
      this.#lowestSlack = Infinity;
    } else if (inProgress > 0 && previousInProgress > 0 && !allPreviousCompleted) {
      const slack = Math.max(0, limit + this.#previousOverLimit - 2 * bytes);
      const lastObjects =
        this.#previousOverLimit > 0 ? Math.max(0, this.#previousLastObject - this.#previousOverLimit) : 0;
      this.#lowestSlack = Math.min(this.#lowestSlack, Math.max(slack, lastObjects));
      if (now > this.#slackStart + this.#holdTime) {
        limit = Math.max(0, limit - this.#lowestSlack);
        this.#slackStart = now;
        this.#lowestSlack = Infinity;
      }
    }
    limit = Math.min(Math.max(limit, this.#minLimit), this.#maxLimit);
    if (limit !== this.#limit) {
      this.#limit = limit;
      overLimit = 0;
    }
    this.#adjustedLimit = limit + completed;
    this.#previousOverLimit = overLimit;
    this.#previousLastObject = this.#lastObject;
    this.#completed = completed;
    this.#previousQueued = queued;
  }
}
