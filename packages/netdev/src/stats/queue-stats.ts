import { addCounters, createCounters, type Counters } from "@seville/core";

/**
 * Statistics of a receive queue, named as in netlink's `qstats` (Documentation/netlink/specs/netdev.yaml) with
 * underscores.
 */
export const RX_QUEUE_STATS = [
  "packets",
  "bytes",
  /** A frame was lost because there was no memory for it. */
  "alloc_fail",
  /** Frames lost in the device, for whatever reason; `hw_drop_overruns`: the ring had no buffer. */
  "hw_drops",
  "hw_drop_overruns",
  "csum_complete",
  "csum_unnecessary",
  "csum_none",
  /** The hardware found a wrong checksum. The frame is delivered even so, unmarked (C28). */
  "csum_bad",
  /** What the device merged (GRO_HW; LRO does not count here), and of which frames. */
  "hw_gro_packets",
  "hw_gro_bytes",
  "hw_gro_wire_packets",
  "hw_gro_wire_bytes",
  /** Frames that GRO merged, and what it made of them. */
  "gro_wire_packets",
  "gro_packets",
] as const;

export const TX_QUEUE_STATS = [
  "packets",
  "bytes",
  /** Frames lost in the device; `hw_drop_errors`: it could not carry the descriptor out, or the frame was too long. */
  "hw_drops",
  "hw_drop_errors",
  "csum_none",
  /** Packets for which the device was asked to compute a checksum. */
  "needs_csum",
  /** Super-packets handed to the device, and frames that it made of them. */
  "hw_gso_packets",
  "hw_gso_bytes",
  "hw_gso_wire_packets",
  "hw_gso_wire_bytes",
  /** The queue was stopped because the ring was full, or byte queue limits said so, and woken again. */
  "stop",
  "wake",
  /** The driver was called although its ring was full. */
  "busy",
] as const;

export type RxQueueStatName = (typeof RX_QUEUE_STATS)[number];
export type TxQueueStatName = (typeof TX_QUEUE_STATS)[number];
export type RxQueueStats = Counters<RxQueueStatName>;
export type TxQueueStats = Counters<TxQueueStatName>;

/** The statistics of all queues of one direction. */
export interface QueueStatsView<Stats> {
  /** Of queues that are no more (`base` in netlink's qstats): a device's totals never go back. */
  readonly base: Readonly<Stats>;
  readonly queues: readonly Readonly<Stats>[];
  /** `base` and all queues together. */
  readonly total: Readonly<Stats>;
}

/** Keeps the statistics of a number of queues that may change, so that sum(queues) + base = device at any time. */
export class QueueStatsKeeper<const Name extends string> {
  readonly #names: readonly Name[];
  readonly #base: Counters<Name>;
  #queues: Counters<Name>[] = [];

  constructor(names: readonly Name[], queues: number) {
    this.#names = names;
    this.#base = createCounters(names);
    this.setQueues(queues);
  }

  /** Those of queue `index`: count with `keeper.of(0).packets++`. */
  of(index: number): Counters<Name> {
    return this.#queues[index] as Counters<Name>;
  }

  /** What queues that go have counted stays in `base`; a queue that comes begins at 0. */
  setQueues(count: number): void {
    for (const gone of this.#queues.splice(count)) addCounters(this.#base, gone);
    while (this.#queues.length < count) this.#queues.push(createCounters(this.#names));
  }

  view(): QueueStatsView<Counters<Name>> {
    const total = createCounters(this.#names);
    addCounters(total, this.#base);
    for (const queue of this.#queues) addCounters(total, queue);
    return { base: { ...this.#base }, queues: this.#queues.map((queue) => ({ ...queue })), total };
  }
}
