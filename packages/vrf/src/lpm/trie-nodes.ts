import { popcount } from "./bits.ts";
import { BlockArena } from "./block-arena.ts";

/**
 * The nodes of a trie that goes an octet at a time ("allotment routing table": Hariguchi 2002; the bit-mapped form is
 * that of the Go package bart). A node knows which prefixes end in its octet and which octets go on.
 *
 * A prefix of 0 to 8 bits within an octet is a number of a complete binary tree: `1 << bits | leading bits`, 1 to 511.
 * So a longest match is found by halving the number. (1, no bits, is used in the root alone: the default route.)
 *
 * Words of a node: 0–15 prefixes present, 16–23 children present, 24 block of children, 25 block of values,
 * 26–29 prefixes before each pair of words (8 × 16 bits), 30–31 children before each word (8 × 8 bits).
 */
const NODE_WORDS = 32;
const CHILD_BITS = 16;
const CHILDREN = 24;
const VALUES = 25;
const PREFIX_RANKS = 26 * 2;
const CHILD_RANKS = 30 * 4;

/** For the number 16–31 of a tree node: itself and all above it, as bits of word 0. */
const ANCESTORS = Uint32Array.from({ length: 32 }, (_, number) => {
  let mask = 0;
  for (let i = number; i >= 1; i >>= 1) mask |= 1 << i;
  return mask;
});

export class TrieNodes {
  words: Uint32Array<ArrayBuffer> = new Uint32Array(2 * NODE_WORDS);
  #halves: Uint16Array<ArrayBuffer> = new Uint16Array(this.words.buffer);
  #bytes: Uint8Array<ArrayBuffer> = new Uint8Array(this.words.buffer);
  readonly #blocks = new BlockArena();
  #count = 1;
  /** The first of the freed nodes; its word 0 is the next. 0: none, for the root is never freed. */
  #free = 0;

  get byteLength(): number {
    return this.words.byteLength + this.#blocks.byteLength;
  }

  /** The child of `node` for `octet`; 0: there is none. */
  child(node: number, octet: number): number {
    const base = node * NODE_WORDS;
    const word = this.words[base + CHILD_BITS + (octet >>> 5)] as number;
    if (((word >>> (octet & 31)) & 1) === 0) return 0;
    return this.#blocks.words[(this.words[base + CHILDREN] as number) + this.#childRank(base, octet)] as number;
  }

  /** The child of `node` for `octet`, made if there is none. */
  makeChild(node: number, octet: number): number {
    const known = this.child(node, octet);
    if (known !== 0) return known;
    const made = this.#allocate();
    const base = node * NODE_WORDS;
    const rank = this.#childRank(base, octet);
    const children = this.words[base + CHILDREN] as number;
    this.words[base + CHILDREN] = this.#blocks.insert(children, this.#childCount(base), rank, made);
    this.#markChild(base, octet, 1);
    return made;
  }

  /** Takes the childless, empty child for `octet` off `node`. */
  dropChild(node: number, octet: number): void {
    const base = node * NODE_WORDS;
    const child = this.child(node, octet);
    const children = this.words[base + CHILDREN] as number;
    this.words[base + CHILDREN] = this.#blocks.remove(children, this.#childCount(base), this.#childRank(base, octet));
    this.#markChild(base, octet, -1);
    this.words.fill(0, child * NODE_WORDS, (child + 1) * NODE_WORDS);
    this.words[child * NODE_WORDS] = this.#free;
    this.#free = child;
  }

  isEmpty(node: number): boolean {
    const base = node * NODE_WORDS;
    return this.#prefixCount(base) === 0 && this.#childCount(base) === 0;
  }

  /** The value of prefix `number` in `node`; 0: it is not there. */
  value(node: number, number: number): number {
    const base = node * NODE_WORDS;
    if (!this.#has(base, number)) return 0;
    return this.#valueAt(base, number);
  }

  /** Sets the value (not 0) of prefix `number`. Answers the value that it had, 0 if it is new. */
  setValue(node: number, number: number, value: number): number {
    const base = node * NODE_WORDS;
    const rank = this.#prefixRank(base, number);
    if (this.#has(base, number)) {
      const at = (this.words[base + VALUES] as number) + rank;
      const before = this.#blocks.words[at] as number;
      this.#blocks.words[at] = value;
      return before;
    }
    const values = this.words[base + VALUES] as number;
    this.words[base + VALUES] = this.#blocks.insert(values, this.#prefixCount(base), rank, value);
    this.#markPrefix(base, number, 1);
    return 0;
  }

  /** Removes prefix `number`. Answers the value that it had, 0 if it was not there. */
  removeValue(node: number, number: number): number {
    const base = node * NODE_WORDS;
    if (!this.#has(base, number)) return 0;
    const before = this.#valueAt(base, number);
    const values = this.words[base + VALUES] as number;
    const rank = this.#prefixRank(base, number);
    this.words[base + VALUES] = this.#blocks.remove(values, this.#prefixCount(base), rank);
    this.#markPrefix(base, number, -1);
    return before;
  }

  /** The number of the longest prefix of `node` that holds tree node `number` (256 + octet: the octet); 0: none. */
  longest(node: number, number: number): number {
    const base = node * NODE_WORDS;
    let at = number;
    // Down to word 0, where one look answers for all that are left.
    while (at >= 32) {
      if (this.#has(base, at)) return at;
      at >>= 1;
    }
    const found = (this.words[base] as number) & (ANCESTORS[at] as number);
    return found === 0 ? 0 : 31 - Math.clz32(found);
  }

  /** Word `index` (0–15) of the prefixes present. */
  prefixWord(node: number, index: number): number {
    return this.words[node * NODE_WORDS + index] as number;
  }

  /** Word `index` (0–7) of the children present. */
  childWord(node: number, index: number): number {
    return this.words[node * NODE_WORDS + CHILD_BITS + index] as number;
  }

  /** The values of `node` in the order of their numbers: `values()[first + i]`. */
  firstValue(node: number): number {
    return this.words[node * NODE_WORDS + VALUES] as number;
  }

  firstChild(node: number): number {
    return this.words[node * NODE_WORDS + CHILDREN] as number;
  }

  /** The array into which {@link firstValue} and {@link firstChild} point. Valid until the next change. */
  get blocks(): Uint32Array {
    return this.#blocks.words;
  }

  /** Flips the bit of a child; `step` says whether it is one more or one less. */
  #markChild(base: number, octet: number, step: 1 | -1): void {
    const at = base + CHILD_BITS + (octet >>> 5);
    this.words[at] = (this.words[at] as number) ^ (1 << (octet & 31));
    const ranks = base * 4 + CHILD_RANKS;
    for (let i = ranks + (octet >>> 5) + 1; i < ranks + 8; i++) this.#bytes[i] = (this.#bytes[i] as number) + step;
  }

  /** Flips the bit of a prefix; `step` says whether it is one more or one less. */
  #markPrefix(base: number, number: number, step: 1 | -1): void {
    const at = base + (number >>> 5);
    this.words[at] = (this.words[at] as number) ^ (1 << (number & 31));
    const ranks = base * 2 + PREFIX_RANKS;
    for (let i = ranks + (number >>> 6) + 1; i < ranks + 8; i++) this.#halves[i] = (this.#halves[i] as number) + step;
  }

  #has(base: number, number: number): boolean {
    return (((this.words[base + (number >>> 5)] as number) >>> (number & 31)) & 1) !== 0;
  }

  #valueAt(base: number, number: number): number {
    return this.#blocks.words[(this.words[base + VALUES] as number) + this.#prefixRank(base, number)] as number;
  }

  #prefixRank(base: number, number: number): number {
    const word = number >>> 5;
    let rank = this.#halves[base * 2 + PREFIX_RANKS + (word >>> 1)] as number;
    if ((word & 1) !== 0) rank += popcount(this.words[base + word - 1] as number);
    return rank + popcount((this.words[base + word] as number) & ((1 << (number & 31)) - 1));
  }

  #childRank(base: number, octet: number): number {
    const word = octet >>> 5;
    const below = (this.words[base + CHILD_BITS + word] as number) & ((1 << (octet & 31)) - 1);
    return (this.#bytes[base * 4 + CHILD_RANKS + word] as number) + popcount(below);
  }

  #prefixCount(base: number): number {
    const before = this.#halves[base * 2 + PREFIX_RANKS + 7] as number;
    return before + popcount(this.words[base + 14] as number) + popcount(this.words[base + 15] as number);
  }

  #childCount(base: number): number {
    return (this.#bytes[base * 4 + CHILD_RANKS + 7] as number) + popcount(this.words[base + CHILD_BITS + 7] as number);
  }

  #allocate(): number {
    if (this.#free !== 0) {
      const node = this.#free;
      this.#free = this.words[node * NODE_WORDS] as number;
      this.words[node * NODE_WORDS] = 0;
      return node;
    }
    const node = this.#count++;
    if (this.#count * NODE_WORDS > this.words.length) this.#grow();
    return node;
  }

  #grow(): void {
    const nodes = this.words.length / NODE_WORDS;
    const grown = new Uint32Array((nodes + (nodes >> 1) + 1) * NODE_WORDS);
    grown.set(this.words);
    this.words = grown;
    this.#halves = new Uint16Array(grown.buffer);
    this.#bytes = new Uint8Array(grown.buffer);
  }
}
