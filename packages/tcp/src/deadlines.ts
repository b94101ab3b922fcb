import { type Nanos, NEVER } from "@seville/core";

/** Something with deadlines, of which the heap knows the earliest. */
export interface Timed {
  /** Place in the heap; -1: not in it. */
  heapIndex: number;
  /** The time for which it stands there: never later than its earliest deadline, perhaps earlier. */
  heapAt: Nanos;
}

/**
 * The next deadlines of all connections: a binary heap with one entry for each. Timers are soft: pushing a deadline back
 * leaves the entry where it is, and who is woken too early enters anew.
 */
export class Deadlines<T extends Timed> {
  readonly #heap: T[] = [];

  get size(): number {
    return this.#heap.length;
  }

  /** The time of the first entry. */
  get next(): Nanos {
    return this.#heap[0]?.heapAt ?? NEVER;
  }

  /** Sees to it that `item` is woken by `at`. */
  atLatest(item: T, at: Nanos): void {
    if (item.heapIndex >= 0) {
      if (at >= item.heapAt) return;
      item.heapAt = at;
      this.#up(item.heapIndex, item);
      return;
    }
    if (at === NEVER) return;
    item.heapAt = at;
    this.#heap.push(item);
    this.#up(this.#heap.length - 1, item);
  }

  /** Takes the first entry out if its time has come. */
  take(now: Nanos): T | undefined {
    const first = this.#heap[0];
    if (first === undefined || first.heapAt > now) return undefined;
    this.remove(first);
    return first;
  }

  remove(item: T): void {
    const index = item.heapIndex;
    if (index < 0) return;
    item.heapIndex = -1;
    item.heapAt = NEVER;
    const last = this.#heap.pop() as T;
    if (last === item) return;
    this.#up(index, last);
    if (last.heapIndex === index) this.#down(index, last);
  }

  #up(index: number, item: T): void {
    const heap = this.#heap;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const above = heap[parent] as T;
      if (above.heapAt <= item.heapAt) break;
      heap[index] = above;
      above.heapIndex = index;
      index = parent;
    }
    heap[index] = item;
    item.heapIndex = index;
  }

  #down(index: number, item: T): void {
    const heap = this.#heap;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && (heap[child + 1] as T).heapAt < (heap[child] as T).heapAt) child++;
      const below = heap[child] as T;
      if (below.heapAt >= item.heapAt) break;
      heap[index] = below;
      below.heapIndex = index;
      index = child;
    }
    heap[index] = item;
    item.heapIndex = index;
  }
}
