import type { Nanos } from "@seville/core";

/** A first-in first-out list in an {@link EntryStore}. */
export interface EntryList {
  /** Index of the first and the last entry; -1 in an empty list. */
  head: number;
  tail: number;
  packets: number;
  bytes: number;
}

export function createEntryList(): EntryList {
  return { head: NONE, tail: NONE, packets: 0, bytes: 0 };
}

/**
 * The places of queued items: each item beside its enqueue time and length, chained by index. One store serves all the
 * flows of a queue. It grows by doubling and then allocates nothing: a place that is free is used again.
 */
export class EntryStore<T> {
  #items: (T | undefined)[] = [];
  #times = new Float64Array(FIRST_CAPACITY);
  #lengths = new Float64Array(FIRST_CAPACITY);
  #next = new Int32Array(FIRST_CAPACITY);
  /** First free place that was used before; places from `#used` on never were. */
  #free = NONE;
  #used = 0;

  /** Enqueue time and length of the item that {@link EntryStore.shift} answered last. */
  shiftedTime: Nanos = 0;
  shiftedLength = 0;

  push(list: EntryList, item: T, length: number, now: Nanos): void {
    const at = this.#place();
    this.#items[at] = item;
    this.#times[at] = now;
    this.#lengths[at] = length;
    this.#next[at] = NONE;
    if (list.head === NONE) list.head = at;
    else this.#next[list.tail] = at;
    list.tail = at;
    list.packets++;
    list.bytes += length;
  }

  /** The oldest item, left where it is. */
  first(list: EntryList): T | undefined {
    return list.head === NONE ? undefined : this.#items[list.head];
  }

  shift(list: EntryList): T | undefined {
    const at = list.head;
    if (at === NONE) return undefined;
    const item = this.#items[at];
    this.#items[at] = undefined;
    this.shiftedTime = this.#times[at] as number;
    this.shiftedLength = this.#lengths[at] as number;
    list.head = this.#next[at] as number;
    if (list.head === NONE) list.tail = NONE;
    list.packets--;
    list.bytes -= this.shiftedLength;
    this.#next[at] = this.#free;
    this.#free = at;
    return item;
  }

  /** Empties a list, oldest first. */
  drain(list: EntryList, each: (item: T) => void): void {
    for (let item = this.shift(list); item !== undefined; item = this.shift(list)) each(item);
  }

  #place(): number {
    const at = this.#free;
    if (at !== NONE) {
      this.#free = this.#next[at] as number;
      return at;
    }
    if (this.#used === this.#times.length) this.#grow();
    // Pushed, not set beyond the end: the array stays without holes.
    this.#items.push(undefined);
    return this.#used++;
  }

  #grow(): void {
    const capacity = 2 * this.#times.length;
    this.#times = enlarged(this.#times, new Float64Array(capacity));
    this.#lengths = enlarged(this.#lengths, new Float64Array(capacity));
    this.#next = enlarged(this.#next, new Int32Array(capacity));
  }
}

const NONE = -1;
const FIRST_CAPACITY = 64;

function enlarged<A extends Float64Array | Int32Array>(from: A, to: A): A {
  to.set(from);
  return to;
}
