import type { Nanos } from "@seville/core";
import type { CodelQueue } from "./codel-law.ts";
import type { EntryList, EntryStore } from "./entries.ts";

/** What a discipline does for the CoDel that runs in it. */
export interface CodelOwner<T> {
  /** Bytes that decide whether there is a standing queue. */
  backlog(): number;
  drop(item: T): void;
  mark(item: T): boolean;
  /** An item has left the list; whether it is dropped is not known yet. */
  shifted?(item: T, length: number): void;
}

/** A list of entries as CoDel sees it. FQ-CoDel points it at one flow after the other. */
export class ListUnderCodel<T> implements CodelQueue<T> {
  list: EntryList;
  readonly #entries: EntryStore<T>;
  readonly #owner: CodelOwner<T>;

  constructor(entries: EntryStore<T>, list: EntryList, owner: CodelOwner<T>) {
    this.#entries = entries;
    this.list = list;
    this.#owner = owner;
  }

  shift(): T | undefined {
    const item = this.#entries.shift(this.list);
    if (item !== undefined) this.#owner.shifted?.(item, this.#entries.shiftedLength);
    return item;
  }

  get shiftedTime(): Nanos {
    return this.#entries.shiftedTime;
  }

  get shiftedLength(): number {
    return this.#entries.shiftedLength;
  }

  get backlog(): number {
    return this.#owner.backlog();
  }

  drop(item: T): void {
    this.#owner.drop(item);
  }

  mark(item: T): boolean {
    return this.#owner.mark(item);
  }
}
