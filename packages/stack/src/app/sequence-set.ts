/** Which sequence numbers were seen: a bit each. */
export class SequenceSet {
  #bits = new Uint8Array(128);

  /** Adds `number`; answers whether it was there already. */
  add(number: number): boolean {
    const at = number >>> 3;
    if (at >= this.#bits.length) {
      const grown = new Uint8Array(2 ** (32 - Math.clz32(at)));
      grown.set(this.#bits);
      this.#bits = grown;
    }
    const bit = 1 << (number & 7);
    const seen = ((this.#bits[at] as number) & bit) !== 0;
    this.#bits[at] = (this.#bits[at] as number) | bit;
    return seen;
  }
}
