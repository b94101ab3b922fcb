/** Sizes of blocks in words: each is at most half as large again as the one before, so that little is wasted. */
const SIZES = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512] as const;
/** The class of the smallest block that holds so many words. */
const CLASS_OF = Uint8Array.from({ length: 513 }, (_, count) => SIZES.findIndex((size) => size >= count));

/**
 * Lists of words that grow and shrink one word at a time: the children of a trie node, its values. Offsets instead of
 * objects, one array for all; freed blocks are kept by size.
 *
 * A list is its offset and its count, which the caller keeps; an empty one has offset 0.
 */
export class BlockArena {
  words: Uint32Array<ArrayBuffer> = new Uint32Array(16);
  /** Word 0 stays unused: offset 0 means "none". */
  #end = 1;
  readonly #free = new Uint32Array(SIZES.length);

  get byteLength(): number {
    return this.words.byteLength;
  }

  /** Makes room at `position` of the list of `count` words at `offset`, writes `word` there, and answers the list's new offset. */
  insert(offset: number, count: number, position: number, word: number): number {
    const kind = CLASS_OF[count + 1] as number;
    if (count > 0 && kind === CLASS_OF[count]) {
      const { words } = this;
      for (let i = offset + count; i > offset + position; i--) words[i] = words[i - 1] as number;
      words[offset + position] = word;
      return offset;
    }
    const target = this.#allocate(kind);
    const { words } = this;
    for (let i = 0; i < position; i++) words[target + i] = words[offset + i] as number;
    words[target + position] = word;
    for (let i = position; i < count; i++) words[target + i + 1] = words[offset + i] as number;
    if (count > 0) this.#release(offset, count);
    return target;
  }

  /** Takes the word at `position` out of the list and answers the list's new offset. */
  remove(offset: number, count: number, position: number): number {
    const { words } = this;
    for (let i = offset + position; i < offset + count - 1; i++) words[i] = words[i + 1] as number;
    if (count === 1) {
      this.#release(offset, count);
      return 0;
    }
    const kind = CLASS_OF[count - 1] as number;
    if (kind === CLASS_OF[count]) return offset;
    const target = this.#allocate(kind);
    this.words.copyWithin(target, offset, offset + count - 1);
    this.#release(offset, count);
    return target;
  }

  #allocate(kind: number): number {
    const free = this.#free[kind] as number;
    if (free !== 0) {
      // A free block's first word is the next of its size.
      this.#free[kind] = this.words[free] as number;
      return free;
    }
    const at = this.#end;
    this.#end += SIZES[kind] as number;
    if (this.#end > this.words.length) this.#grow();
    return at;
  }

  #grow(): void {
    const grown = new Uint32Array(Math.max(this.#end, this.words.length + (this.words.length >> 1)));
    grown.set(this.words);
    this.words = grown;
  }

  #release(offset: number, count: number): void {
    const kind = CLASS_OF[count] as number;
    this.words[offset] = this.#free[kind] as number;
    this.#free[kind] = offset;
  }
}
