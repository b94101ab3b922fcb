import { type DropReason, invalidArgument, type Nanos } from "@seville/core";
import { type Qdisc, QdiscBase, type QdiscStats, type QueueAccess, type XmitResult } from "./qdisc.ts";

export interface PrioOptions<T> {
  /** One discipline for each band, with the same access. The first goes first. */
  readonly bands: readonly Qdisc<T>[];
  /** The band of an item: an index of `bands`. */
  classify(item: T): number;
}

/**
 * Strict priority: a band is served only while those before it have nothing to give (net/sched/sch_prio.c; with three FIFOs
 * it is pfifo_fast).
 * @throws SevilleError `ERR_INVALID_ARGUMENT`
 */
export function prio<T>(access: QueueAccess<T>, options: PrioOptions<T>): Qdisc<T> {
  if (options.bands.length === 0) throw invalidArgument("bands", "at least one discipline", options.bands);
  return new Prio(access, options);
}

class Prio<T> extends QdiscBase<T, QdiscStats> {
  readonly #options: PrioOptions<T>;

  constructor(access: QueueAccess<T>, options: PrioOptions<T>) {
    super(access);
    this.#options = options;
  }

  enqueue(item: T, now: Nanos): XmitResult {
    const band = this.#options.classify(item);
    const child = this.#options.bands[band];
    if (child === undefined) {
      throw invalidArgument("classify", `an index of one of ${this.#options.bands.length} bands`, band);
    }
    return child.enqueue(item, now);
  }

  get stats(): QdiscStats {
    const base = this.baseStats();
    return { ...base, drops: base.drops + this.#sum((child) => child.stats.drops) };
  }

  protected get queuedPackets(): number {
    return this.#sum((child) => child.packets);
  }

  protected get queuedBytes(): number {
    return this.#sum((child) => child.bytes);
  }

  protected take(now: Nanos): T | undefined {
    for (const child of this.#options.bands) {
      const item = child.dequeue(now);
      if (item === undefined) continue;
      this.takenLength = this.access.length(item);
      return item;
    }
    return undefined;
  }

  protected override readyAt(now: Nanos): Nanos {
    return this.#options.bands.reduce((first, child) => Math.min(first, child.nextReady(now)), Infinity);
  }

  protected reset(reason: DropReason, now: Nanos): void {
    for (const child of this.#options.bands) child.clear(reason, now);
  }

  #sum(of: (child: Qdisc<T>) => number): number {
    return this.#options.bands.reduce((total, child) => total + of(child), 0);
  }
}
