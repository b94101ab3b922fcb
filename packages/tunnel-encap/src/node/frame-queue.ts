/**
 * A bounded buffer between who produces when it likes and who reads when it can: beyond `capacity` the newest is dropped, for
 * a datagram cannot be asked to wait.
 */
export class FrameQueue<Item> {
  readonly #capacity: number;
  readonly #items: (Item | undefined)[] = [];
  #first = 0;
  #closed = false;
  #failure: Error | undefined;
  readonly #readers: { resolve(result: IteratorResult<Item, undefined>): void; reject(error: Error): void }[] = [];

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get size(): number {
    return this.#items.length - this.#first;
  }

  /** `false`: it is full or closed, and the item is lost. */
  push(item: Item): boolean {
    if (this.#closed) return false;
    const reader = this.#readers.shift();
    if (reader !== undefined) {
      reader.resolve({ done: false, value: item });
      return true;
    }
    if (this.size >= this.#capacity) return false;
    this.#items.push(item);
    return true;
  }

  /** What is there can still be read; then readers are told `done`, or `failure`. */
  close(failure?: Error): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#failure = failure;
    for (const reader of this.#readers.splice(0)) {
      if (failure === undefined) reader.resolve({ done: true, value: undefined });
      else reader.reject(failure);
    }
  }

  next(): Promise<IteratorResult<Item, undefined>> {
    if (this.size > 0) return Promise.resolve({ done: false, value: this.#shift() });
    if (this.#failure !== undefined) {
      const failure = this.#failure;
      this.#failure = undefined;
      return Promise.reject(failure);
    }
    if (this.#closed) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve, reject) => this.#readers.push({ resolve, reject }));
  }

  #shift(): Item {
    const item = this.#items[this.#first] as Item;
    this.#items[this.#first++] = undefined;
    // The head of the array is cut off now and then, not each time.
    if (this.#first >= 256 || this.#first === this.#items.length) {
      this.#items.splice(0, this.#first);
      this.#first = 0;
    }
    return item;
  }
}
