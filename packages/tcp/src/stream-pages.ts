/**
 * Bytes of a stream by their position, in pages that exist only where something was written. Positions are whole numbers
 * that only grow, so that a page index never wraps.
 *
 * Pages that are given up go to a store that all streams share, up to a limit: a busy endpoint allocates nothing, an idle
 * connection holds nothing.
 */
export class StreamPages {
  readonly #store: PageStore;
  /** The page of `#first + i`; holes are `undefined`. */
  readonly #pages: (Uint8Array | undefined)[] = [];
  #first = 0;
  #held = 0;

  constructor(store: PageStore = sharedPages) {
    this.#store = store;
  }

  /** Bytes of memory held. */
  get allocated(): number {
    return this.#held * PAGE_BYTES;
  }

  /** Copies `[from, from + length)` of `source` to `position`, which is not before what was released. */
  write(position: number, source: Uint8Array, from: number, length: number): void {
    let at = position;
    let next = from;
    const end = from + length;
    while (next < end) {
      const offset = at % PAGE_BYTES;
      const count = Math.min(PAGE_BYTES - offset, end - next);
      const page = this.#pageFor((at - offset) / PAGE_BYTES);
      if (count < COPY_BY_HAND) for (let i = 0; i < count; i++) page[offset + i] = source[next + i] as number;
      else page.set(source.subarray(next, next + count), offset);
      at += count;
      next += count;
    }
  }

  /** Copies `length` bytes at `position`, all of which were written, to `into`. */
  read(position: number, into: Uint8Array, at: number, length: number): void {
    let from = position;
    let next = at;
    const end = at + length;
    while (next < end) {
      const offset = from % PAGE_BYTES;
      const count = Math.min(PAGE_BYTES - offset, end - next);
      const page = this.#pages[(from - offset) / PAGE_BYTES - this.#first] as Uint8Array;
      if (count < COPY_BY_HAND) for (let i = 0; i < count; i++) into[next + i] = page[offset + i] as number;
      else into.set(page.subarray(offset, offset + count), next);
      from += count;
      next += count;
    }
  }

  /** Gives up the pages that lie wholly before `position`. */
  release(position: number): void {
    const first = Math.floor(position / PAGE_BYTES);
    if (first <= this.#first) return;
    const gone = Math.min(first - this.#first, this.#pages.length);
    for (let i = 0; i < gone; i++) this.#free(i);
    this.#pages.splice(0, gone);
    this.#first = first;
  }

  /** Gives up the pages that lie wholly at or behind `position`. */
  releaseFrom(position: number): void {
    const keep = Math.max(Math.ceil(position / PAGE_BYTES) - this.#first, 0);
    for (let i = keep; i < this.#pages.length; i++) this.#free(i);
    if (keep < this.#pages.length) this.#pages.length = keep;
  }

  /** Gives up everything. What is written next is not before `position`. */
  clear(position: number): void {
    for (let i = 0; i < this.#pages.length; i++) this.#free(i);
    this.#pages.length = 0;
    this.#first = Math.floor(position / PAGE_BYTES);
  }

  #pageFor(index: number): Uint8Array {
    const at = index - this.#first;
    while (this.#pages.length <= at) this.#pages.push(undefined);
    const known = this.#pages[at];
    if (known !== undefined) return known;
    const page = this.#store.take();
    this.#pages[at] = page;
    this.#held++;
    return page;
  }

  #free(at: number): void {
    const page = this.#pages[at];
    if (page === undefined) return;
    this.#store.give(page);
    this.#pages[at] = undefined;
    this.#held--;
  }
}

const PAGE_BYTES = 16_384;
/** Below this a loop is faster than making a view for `set`. */
const COPY_BY_HAND = 32;

/** Pages that nobody uses at the moment. */
export class PageStore {
  readonly #free: Uint8Array[] = [];
  readonly #limit: number;

  /** @param limit pages of 16 KiB that are kept for the next one who asks */
  constructor(limit = 256) {
    this.#limit = limit;
  }

  /** A page with whatever it held before. */
  take(): Uint8Array {
    return this.#free.pop() ?? new Uint8Array(PAGE_BYTES);
  }

  give(page: Uint8Array): void {
    if (this.#free.length < this.#limit) this.#free.push(page);
  }
}

/** What it holds never decides anything, so sharing it leaves every run as it was. */
const sharedPages = /* @__PURE__ */ new PageStore();
