import type { Nanos } from "@seville/core";

interface Event {
  at: Nanos;
  order: number;
  run: () => void;
}

/** A clock and what is to happen: events at one time in the order in which they were planned. */
export class Events {
  now: Nanos = 0;
  readonly #heap: Event[] = [];
  #order = 0;

  at(time: Nanos, run: () => void): void {
    const event = { at: Math.max(time, this.now), order: this.#order++, run };
    let i = this.#heap.push(event) - 1;
    while (i > 0) {
      const parent = (i - 1) >>> 1;
      if (!before(event, this.#heap[parent] as Event)) break;
      this.#heap[i] = this.#heap[parent] as Event;
      i = parent;
    }
    this.#heap[i] = event;
  }

  runUntil(time: Nanos): void {
    for (let next = this.#heap[0]; next !== undefined && next.at <= time; next = this.#heap[0]) {
      this.#pop();
      this.now = next.at;
      next.run();
    }
    this.now = time;
  }

  #pop(): void {
    const last = this.#heap.pop() as Event;
    const size = this.#heap.length;
    if (size === 0) return;
    let i = 0;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= size) break;
      if (child + 1 < size && before(this.#heap[child + 1] as Event, this.#heap[child] as Event)) child++;
      if (!before(this.#heap[child] as Event, last)) break;
      this.#heap[i] = this.#heap[child] as Event;
      i = child;
    }
    this.#heap[i] = last;
  }
}

function before(a: Event, b: Event): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
