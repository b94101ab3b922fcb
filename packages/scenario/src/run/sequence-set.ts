/** Which numbers from 0 have been seen: a bit each. */
export class SequenceSet {
  #bits = new Uint8Array(128);
  /** Distinct numbers. */
  size = 0;
  /** One past the highest. */
  next = 0;

  /** Answers whether `sequence` is new. */
  add(sequence: number): boolean {
    const at = sequence >>> 3;
    if (at >= this.#bits.length) this.#grow(at);
    const mask = 1 << (sequence & 7);
    const byte = this.#bits[at] as number;
    if ((byte & mask) !== 0) return false;
    this.#bits[at] = byte | mask;
    this.size++;
    if (sequence >= this.next) this.next = sequence + 1;
    return true;
  }

  has(sequence: number): boolean {
    return (((this.#bits[sequence >>> 3] ?? 0) >>> (sequence & 7)) & 1) === 1;
  }

  #grow(needed: number): void {
    const bits = new Uint8Array(Math.max(needed + 1, this.#bits.length * 2));
    bits.set(this.#bits);
    this.#bits = bits;
  }
}
