import type { TxSegment } from "./tx-segment.ts";

/**
 * Segments in the order of their sequence numbers, which do not overlap: an array with a moving head, so that taking from the front, appending
 * and a search by sequence number are cheap. Splitting one in the middle moves pointers.
 */
export class SegmentQueue {
  #items: (TxSegment | undefined)[] = [];
  #head = 0;

  get length(): number {
    return this.#items.length - this.#head;
  }

  first(): TxSegment | undefined {
    return this.#items[this.#head];
  }

  last(): TxSegment | undefined {
    return this.#items.length === this.#head ? undefined : this.#items[this.#items.length - 1];
  }

  /** The one at `index`, counted from the front. */
  at(index: number): TxSegment | undefined {
    return this.#items[this.#head + index];
  }

  push(segment: TxSegment): void {
    this.#items.push(segment);
  }

  /** Takes the first one off. */
  shift(): TxSegment | undefined {
    const segment = this.#items[this.#head];
    if (segment === undefined) return undefined;
    this.#items[this.#head++] = undefined;
    if (this.#head === this.#items.length) {
      this.#items.length = 0;
      this.#head = 0;
    } else if (this.#head >= 64 && this.#head * 2 >= this.#items.length) {
      this.#items.splice(0, this.#head);
      this.#head = 0;
    }
    return segment;
  }

  /** Takes the last one off. */
  pop(): TxSegment | undefined {
    return this.#items.length === this.#head ? undefined : this.#items.pop();
  }

  /** Puts one in front. */
  unshift(segment: TxSegment): void {
    if (this.#head > 0) this.#items[--this.#head] = segment;
    else this.#items.unshift(segment);
  }

  /** Puts `segment` behind the one at `index`. */
  insertAfter(index: number, segment: TxSegment): void {
    this.#items.splice(this.#head + index + 1, 0, segment);
  }

  /** Takes the one at `index` out. */
  removeAt(index: number): TxSegment | undefined {
    if (index === 0) return this.shift();
    return this.#items.splice(this.#head + index, 1)[0];
  }

  /** Index of the segment that holds `seq`, or of the first behind it; `length` if all lie before. */
  indexOf(seq: number): number {
    let low = this.#head;
    let high = this.#items.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((((this.#items[middle] as TxSegment).endSeq - seq) | 0) <= 0) low = middle + 1;
      else high = middle;
    }
    return low - this.#head;
  }
}
