import { type Counters, createCounters, type DropReason, type Nanos, NEVER } from "@seville/core";

/** What a queue needs to know of its items, which carry no field of ours. */
export interface QueueAccess<T> {
  /** Bytes that the item takes on the wire. It does not change while queued. */
  length(item: T): number;
  /**
   * The item goes no further; the queue has let go of it. Called in the middle of `enqueue`, `dequeue`, `peek` or `clear`:
   * it must not call the queue.
   */
  onDrop(item: T, reason: DropReason): void;
  /** 32 bits, the same for all items of a flow, seeded by the owner. FQ-CoDel needs it. */
  flowHash?(item: T): number;
  /** Sets Congestion Experienced where the item is ECN-capable, and answers whether it is marked now. Absent: none is. */
  markCe?(item: T): boolean;
  /** Bytes of memory that the item holds (`skb->truesize`), for FQ-CoDel's memory limit. Absent: its length. It does not change while queued. */
  memory?(item: T): number;
}

/** The item is in the queue (NET_XMIT_SUCCESS, include/linux/netdevice.h). */
export const XMIT_SUCCESS = 0;
/** The item was dropped (NET_XMIT_DROP). */
export const XMIT_DROP = 1;
/** Congestion (NET_XMIT_CN): this item or another one of the same flow was dropped. */
export const XMIT_CN = 2;
export type XmitResult = 0 | 1 | 2;

/** The part of the statistics that all disciplines have, named as `tc -s -j qdisc` names them. */
export interface QdiscStats {
  /** Bytes and packets that were dequeued. */
  readonly bytes: number;
  readonly packets: number;
  /** Packets that went no further, whoever dropped them. */
  readonly drops: number;
  /** Times that a rate or a threshold held something up or marked it. */
  readonly overlimits: number;
  /** Bytes and packets that are in the queue. */
  readonly backlog: number;
  readonly qlen: number;
}

/**
 * A queueing discipline: decides what waits, what goes next and what goes no further.
 *
 * It is passive: its owner (a link, a NIC, a Wi-Fi station) asks for the next item when it can send one. Time is given
 * with each call and never goes back.
 */
export interface Qdisc<T, Stats extends QdiscStats = QdiscStats> {
  /** Takes the item over: it will come out of `dequeue` or go to `onDrop`, once. */
  enqueue(item: T, now: Nanos): XmitResult;
  /** The next item, now the caller's; `undefined` if there is none or it is not yet time. */
  dequeue(now: Nanos): T | undefined;
  /**
   * The item that a `dequeue` right now would hand out, still the queue's: look at it before the next call. An AQM or a
   * shaper has thereby chosen it: it waits in front, is judged no more, and its tokens are spent (as
   * `qdisc_peek_dequeued` does). A FIFO chooses nothing (`qdisc_peek_head`).
   */
  peek(now: Nanos): T | undefined;
  /**
   * When `dequeue` is worth a call: `now` if something is ready, later if a shaper holds it, `Infinity` if the queue is
   * empty. An AQM may still drop all that is there, and `dequeue` then answers `undefined`.
   */
  nextReady(now: Nanos): Nanos;
  /** Packets in the queue. */
  readonly packets: number;
  /** Bytes in the queue. */
  readonly bytes: number;
  /** The statistics as they are now: a copy. */
  readonly stats: Stats;
  /** Drops all that it holds and forgets its state, except the statistics. */
  clear(reason: DropReason, now: Nanos): void;
}

/** What all disciplines share: the item held by `peek`, and the counters. */
export abstract class QdiscBase<T, Stats extends QdiscStats> implements Qdisc<T, Stats> {
  protected readonly access: QueueAccess<T>;
  protected readonly counts: Counters<"bytes" | "packets" | "drops" | "overlimits"> = createCounters([
    "bytes",
    "packets",
    "drops",
    "overlimits",
  ]);
  #held: T | undefined = undefined;
  #heldLength = 0;
  /** Length of the item that {@link QdiscBase.take} answered last. */
  protected takenLength = 0;

  constructor(access: QueueAccess<T>) {
    this.access = access;
  }

  abstract enqueue(item: T, now: Nanos): XmitResult;
  abstract get stats(): Stats;
  /** Packets and bytes without the item that is held. */
  protected abstract get queuedPackets(): number;
  protected abstract get queuedBytes(): number;
  /** Takes the next item out of the queue and sets {@link QdiscBase.takenLength}. */
  protected abstract take(now: Nanos): T | undefined;
  /** Drops everything and forgets the state. */
  protected abstract reset(reason: DropReason, now: Nanos): void;

  get packets(): number {
    return this.queuedPackets + (this.#held === undefined ? 0 : 1);
  }

  get bytes(): number {
    return this.queuedBytes + this.#heldLength;
  }

  dequeue(now: Nanos): T | undefined {
    const item = this.#held ?? this.take(now);
    if (item === undefined) return undefined;
    this.counts.packets++;
    this.counts.bytes += this.#held === undefined ? this.takenLength : this.#heldLength;
    this.#held = undefined;
    this.#heldLength = 0;
    return item;
  }

  peek(now: Nanos): T | undefined {
    if (this.#held !== undefined) return this.#held;
    const item = this.take(now);
    if (item === undefined) return undefined;
    this.#held = item;
    this.#heldLength = this.takenLength;
    return item;
  }

  nextReady(now: Nanos): Nanos {
    if (this.#held !== undefined) return now;
    return this.queuedPackets > 0 ? this.readyAt(now) : NEVER;
  }

  clear(reason: DropReason, now: Nanos): void {
    const held = this.#held;
    this.#held = undefined;
    this.#heldLength = 0;
    if (held !== undefined) this.drop(held, reason);
    this.reset(reason, now);
  }

  /** When {@link QdiscBase.take} may succeed, for a queue that is not empty. Work-conserving queues: now. */
  protected readyAt(now: Nanos): Nanos {
    return now;
  }

  protected drop(item: T, reason: DropReason): void {
    this.counts.drops++;
    this.access.onDrop(item, reason);
  }

  protected mark(item: T): boolean {
    return this.access.markCe?.(item) ?? false;
  }

  protected baseStats(): QdiscStats {
    return { ...this.counts, backlog: this.bytes, qlen: this.packets };
  }
}
