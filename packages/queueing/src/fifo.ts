import type { DropReason, Nanos } from "@seville/core";
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

export interface FifoOptions {
  /** Packets that it holds at most (`pfifo limit`). Default: no limit. */
  readonly limitPackets?: number;
  /** Bytes that it holds at most (`bfifo limit`). Default: no limit. */
  readonly limitBytes?: number;
  /**
   * What a full queue drops: the newcomer (`tail`, pfifo and bfifo) or the oldest (`head`, pfifo_head_drop). A newcomer
   * that is larger than all of `limitBytes` is dropped itself. Default `tail`.
   */
  readonly drop?: "tail" | "head";
}

/** First in, first out, with a limit (net/sched/sch_fifo.c). */
export function fifo<T>(access: QueueAccess<T>, options: FifoOptions = {}): Qdisc<T> {
  return new Fifo(access, options);
}

class Fifo<T> extends QdiscBase<T, QdiscStats> {
  readonly #limitPackets: number;
  readonly #limitBytes: number;
  readonly #headDrop: boolean;
  readonly #entries = new EntryStore<T>();
  readonly #list = createEntryList();

  constructor(access: QueueAccess<T>, options: FifoOptions) {
    super(access);
    this.#limitPackets = positive(options.limitPackets ?? Infinity, "limitPackets", "packets");
    this.#limitBytes = positive(options.limitBytes ?? Infinity, "limitBytes", "bytes");
    this.#headDrop = options.drop === "head";
  }

  enqueue(item: T, now: Nanos): XmitResult {
    const length = this.access.length(item);
    let result: XmitResult = XMIT_SUCCESS;
    while (this.packets + 1 > this.#limitPackets || this.bytes + length > this.#limitBytes) {
      const oldest = this.#headDrop ? this.#entries.shift(this.#list) : undefined;
      this.drop(oldest ?? item, "QDISC_OVERLIMIT");
      if (oldest === undefined) return XMIT_DROP;
      result = XMIT_CN;
    }
    this.#entries.push(this.#list, item, length, now);
    return result;
  }

  /** As `qdisc_peek_head`: nothing is chosen by it, so that head drop may still give this item up. */
  override peek(): T | undefined {
    return this.#entries.first(this.#list);
  }

  get stats(): QdiscStats {
    return this.baseStats();
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

  protected reset(reason: DropReason): void {
    this.#entries.drain(this.#list, (item) => this.drop(item, reason));
  }
}
