import type { EventHandler, EventId, Nanos, Scheduler } from "@seville/core";

/** What {@link SoftTimers} keeps in each item it times. */
export interface Timed {
  /** When the item is due. Meaningful while `timerSlot` is not {@link NO_TIMER}. */
  timerAt: Nanos;
  /** Where the item stands in the heap; {@link NO_TIMER}: nothing is pending. Written by {@link SoftTimers} alone. */
  timerSlot: number;
  /** Breaks ties: armed first, fires first. Written by {@link SoftTimers} alone. */
  timerOrder: number;
}

/** `timerSlot` of an item without a pending deadline. */
export const NO_TIMER = -1;

/** The fields of an item that was never armed. */
export function idleTimer(): Timed {
  return { timerAt: 0, timerSlot: NO_TIMER, timerOrder: 0 };
}

/**
 * Many deadlines behind one event of the scheduler.
 *
 * The scheduler is woken for the earliest deadline only. A deadline that moves further away leaves the event where it
 * is: it fires, finds nothing due and is set again. So a table of a thousand neighbours costs the simulator one event.
 */
export class SoftTimers<Item extends Timed> implements EventHandler {
  readonly #scheduler: Scheduler;
  readonly #fire: (item: Item, now: Nanos) => void;
  readonly #heap: Item[] = [];
  #order = 0;
  #event: EventId | undefined;
  #eventAt: Nanos = Infinity;

  constructor(scheduler: Scheduler, fire: (item: Item, now: Nanos) => void) {
    this.#scheduler = scheduler;
    this.#fire = fire;
  }

  /** How many items have a deadline. */
  get pending(): number {
    return this.#heap.length;
  }

  /** `item` is due at `at`, whatever was set before. */
  arm(item: Item, at: Nanos): void {
    item.timerOrder = this.#order++;
    if (item.timerSlot === NO_TIMER) {
      item.timerAt = at;
      item.timerSlot = this.#heap.length;
      this.#heap.push(item);
      this.#up(item);
    } else {
      item.timerAt = at;
      this.#up(item);
      this.#down(item);
    }
    this.#wake();
  }

  /** `item` is due at `at` at the latest: an earlier deadline stays. */
  armNoLater(item: Item, at: Nanos): void {
    if (item.timerSlot === NO_TIMER || at < item.timerAt) this.arm(item, at);
  }

  /** Takes the deadline of `item` back. Returns whether there was one. */
  disarm(item: Item): boolean {
    const slot = item.timerSlot;
    if (slot === NO_TIMER) return false;
    item.timerSlot = NO_TIMER;
    const last = this.#heap.pop() as Item;
    if (last !== item) {
      this.#heap[slot] = last;
      last.timerSlot = slot;
      this.#up(last);
      this.#down(last);
    }
    if (this.#heap.length === 0) this.#sleep();
    return true;
  }

  handleEvent(_argument: number, now: Nanos): void {
    this.#event = undefined;
    this.#eventAt = Infinity;
    for (let first = this.#heap[0]; first !== undefined && first.timerAt <= now; first = this.#heap[0]) {
      this.disarm(first);
      this.#fire(first, now);
    }
    this.#wake();
  }

  #wake(): void {
    const first = this.#heap[0];
    // A time that the clock cannot reach is never.
    if (first === undefined || first.timerAt >= this.#eventAt || first.timerAt > Number.MAX_SAFE_INTEGER) return;
    if (this.#event !== undefined) this.#scheduler.cancel(this.#event);
    this.#eventAt = first.timerAt;
    this.#event = this.#scheduler.schedule(first.timerAt, this);
  }

  #sleep(): void {
    if (this.#event === undefined) return;
    this.#scheduler.cancel(this.#event);
    this.#event = undefined;
    this.#eventAt = Infinity;
  }

  #up(item: Item): void {
    const heap = this.#heap;
    let slot = item.timerSlot;
    while (slot > 0) {
      const above = heap[(slot - 1) >> 1] as Item;
      if (!before(item, above)) break;
      heap[slot] = above;
      above.timerSlot = slot;
      slot = (slot - 1) >> 1;
    }
    heap[slot] = item;
    item.timerSlot = slot;
  }

  #down(item: Item): void {
    const heap = this.#heap;
    let slot = item.timerSlot;
    for (;;) {
      let below = 2 * slot + 1;
      if (below >= heap.length) break;
      if (below + 1 < heap.length && before(heap[below + 1] as Item, heap[below] as Item)) below++;
      const child = heap[below] as Item;
      if (!before(child, item)) break;
      heap[slot] = child;
      child.timerSlot = slot;
      slot = below;
    }
    heap[slot] = item;
    item.timerSlot = slot;
  }
}

function before(a: Timed, b: Timed): boolean {
  return a.timerAt < b.timerAt || (a.timerAt === b.timerAt && a.timerOrder < b.timerOrder);
}
