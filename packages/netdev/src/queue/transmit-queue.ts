import type { Nanos } from "@seville/core";
import type { Packet } from "@seville/packet";
import type { Qdisc } from "@seville/queueing";
import type { TxQueueStats } from "../stats/queue-stats.ts";
import { ByteQueueLimit, type ByteQueueLimitOptions } from "./byte-queue-limit.ts";

/**
 * A transmit queue as the stack sees it (`struct netdev_queue`): the discipline in which packets wait, and whether the
 * driver takes any. It is stopped for two reasons, each of which has its own bit: the driver says that its ring is full,
 * or byte queue limits say that the hardware has enough.
 */
export class TransmitQueue {
  readonly index: number;
  readonly qdisc: Qdisc<Packet>;
  /** Packets that were made ready for the driver when it stopped taking them (`gso_skb`). They go first. */
  readonly requeued: Packet[] = [];
  readonly limit: ByteQueueLimit;
  readonly #stats: () => TxQueueStats;
  #stoppedByDriver = true;
  #stoppedByLimit = false;

  constructor(index: number, qdisc: Qdisc<Packet>, stats: () => TxQueueStats, options?: ByteQueueLimitOptions) {
    this.index = index;
    this.qdisc = qdisc;
    this.limit = new ByteQueueLimit(options);
    this.#stats = stats;
  }

  get stopped(): boolean {
    return this.#stoppedByDriver || this.#stoppedByLimit;
  }

  /** Packets that wait. */
  get backlog(): number {
    return this.qdisc.packets + this.requeued.length;
  }

  /** The driver takes no more (`netif_tx_stop_queue`). */
  stop(): void {
    if (!this.#stoppedByDriver) this.#stats().stop++;
    this.#stoppedByDriver = true;
  }

  /** The driver takes packets again (`netif_tx_wake_queue`). Its poll ends with the queue being run. */
  wake(): void {
    if (this.#stoppedByDriver) this.#stats().wake++;
    this.#stoppedByDriver = false;
  }

  /** Begins, without that counting as a wake (`netif_tx_start_queue`). */
  start(now: Nanos): void {
    this.#stoppedByDriver = false;
    this.#stoppedByLimit = false;
    this.limit.reset(now);
  }

  /** Bytes went to the hardware (`netdev_tx_sent_queue`). */
  sent(bytes: number): void {
    if (this.limit.sent(bytes)) return;
    if (!this.#stoppedByLimit) this.#stats().stop++;
    this.#stoppedByLimit = true;
  }

  /** The hardware is done with bytes (`netdev_tx_completed_queue`). */
  completed(bytes: number, now: Nanos): void {
    if (!this.limit.completed(bytes, now) || !this.#stoppedByLimit) return;
    this.#stoppedByLimit = false;
    this.#stats().wake++;
  }
}
