import { CHILD, expand } from "./expand.ts";
import type { TrieNodes } from "./trie-nodes.ts";

/** With {@link CHILD}: what follows is no step but a skip. */
export const SKIP: number = 0x4000_0000;
/** The word offset in an entry that leads on. */
export const OFFSET: number = 0x3fff_ffff;
/** Entries of the index by the first 16 bits. */
export const INDEX_ENTRIES: number = 65_536;

/** Flag of a run whose entry does not fit into 15 bits. */
export const FAR: number = 0x8000;
/** From the offset of a step: the byte of its first rank, the half word of its first run. */
export const RANKS: number = 8 * 4;
export const RUNS: number = 10 * 2;

const HEAD_WORDS = 10;
const LINE_WORDS = 16;
const SKIP_WORDS = 4;
/** Octets that one comparison of a word can skip. */
const MOST_SKIPPED = 4;

/**
 * Compiles a trie into the words of an immutable table: an index by the first 16 bits, then steps of 8 bits.
 *
 * A step's 256 slots are leaf-pushed and written as runs: one bit for each slot that differs from the slot before it, and the list of the
 * runs. The bit's rank is the place in the list, as in a poptrie (Asai & Ohara, SIGCOMM 2015). Bits, ranks and runs of a step stand
 * together, two cache lines mostly: what a lookup in a large table costs is the lines that it misses.
 *
 * Where only one octet leads on and all others say the same, up to four steps become one skip (path compression): compare up to 32 bits, and
 * go on or have the answer. Sparse IPv6 tables are mostly made of these.
 *
 * After what the caller put before `index`: [65536 entries | steps and skips].
 * An entry is a value's number; or {@link CHILD}, perhaps {@link SKIP}, and a word offset.
 * - Step: [… far entries | 8 words of bits | 8 bytes of ranks | runs of 16 bits]; its offset is that of the bits. A run is a value's
 *   number, or {@link FAR} and how many words before the step (less one) its entry stands.
 * - Skip: (expected, octets, the answer if not, entry).
 */
export class CompactBuild {
  readonly #index = new Uint32Array(INDEX_ENTRIES);
  readonly #nodes: TrieNodes;
  readonly #octets: number;
  readonly #steps = new GrowingWords();
  readonly #firstStep: number;
  /** One work area for each depth of the recursion. */
  readonly #slots: Uint32Array[] = [];
  readonly #below: Uint32Array[] = [];

  /**
   * @param octets - 4 or 16, those of an address. IPv4 has no skips: at most two steps follow the index
   * @param index - the word offset at which the table begins
   */
  constructor(nodes: TrieNodes, octets: 4 | 16, index: number) {
    this.#nodes = nodes;
    this.#octets = octets;
    this.#firstStep = index + INDEX_ENTRIES;
    for (let depth = 0; depth < octets; depth++) {
      this.#slots.push(new Uint32Array(256));
      this.#below.push(new Uint32Array(256));
    }
    this.#compile(nodes.value(0, 1));
  }

  /** Words of the table, the index included. */
  get length(): number {
    return INDEX_ENTRIES + this.#steps.length;
  }

  /** Writes the table into `words` at its index. */
  write(words: Uint32Array): void {
    words.set(this.#index, this.#firstStep - INDEX_ENTRIES);
    words.set(this.#steps.words(), this.#firstStep);
  }

  #compile(fallback: number): void {
    const [first, second] = this.#slots as [Uint32Array, Uint32Array];
    const [below, belowSecond] = this.#below as [Uint32Array, Uint32Array];
    expand(this.#nodes, 0, fallback, first, below);
    for (let high = 0; high < 256; high++) {
      const slot = first[high] as number;
      if (slot < CHILD) {
        this.#index.fill(slot, high << 8, (high + 1) << 8);
        continue;
      }
      expand(this.#nodes, slot & OFFSET, below[high] as number, second, belowSecond);
      for (let low = 0; low < 256; low++) {
        const entry = second[low] as number;
        this.#index[(high << 8) | low] = entry < CHILD ? entry : this.#node(entry, belowSecond[low] as number, 2);
      }
    }
  }

  /** Compiles a node at `depth` and answers the entry that leads to it; a node whose 256 slots are one value is that value. */
  #node(slot: number, inherited: number, depth: number): number {
    const slots = this.#slots[depth] as Uint32Array;
    const below = this.#below[depth] as Uint32Array;
    expand(this.#nodes, slot & OFFSET, inherited, slots, below);
    if (depth + 1 < this.#octets) {
      for (let octet = 0; octet < 256; octet++) {
        const entry = slots[octet] as number;
        if (entry >= CHILD) slots[octet] = this.#node(entry, below[octet] as number, depth + 1);
      }
    }
    return (this.#octets === 16 ? this.#skip(slots) : undefined) ?? this.#step(slots);
  }

  /** A skip, if exactly one octet leads on and all others say the same. */
  #skip(slots: Uint32Array): number | undefined {
    const otherwise = (slots[0] as number) < CHILD ? (slots[0] as number) : (slots[1] as number);
    let only = -1;
    for (let octet = 0; octet < 256; octet++) {
      if (slots[octet] === otherwise) continue;
      if (only >= 0) return undefined;
      only = octet;
    }
    if (only < 0 || otherwise >= CHILD) return undefined;
    const next = slots[only] as number;
    if (next < CHILD) return undefined;
    return this.#longerSkip(next, otherwise, only) ?? this.#newSkip(next, otherwise, only);
  }

  #newSkip(next: number, otherwise: number, octet: number): number {
    const at = this.#steps.length;
    this.#steps.push(octet);
    this.#steps.push(1);
    this.#steps.push(otherwise);
    this.#steps.push(next);
    return (CHILD | SKIP | (this.#firstStep + at)) >>> 0;
  }

  /** Puts `octet` before the skip that `next` is, if it has room and the same answer. */
  #longerSkip(next: number, otherwise: number, octet: number): number | undefined {
    if ((next & SKIP) === 0) return undefined;
    const words = this.#steps.words();
    const at = (next & OFFSET) - this.#firstStep;
    const octets = words[at + 1] as number;
    if (octets === MOST_SKIPPED || words[at + 2] !== otherwise || at + SKIP_WORDS !== words.length) return undefined;
    words[at] = (words[at] as number) + octet * 2 ** (8 * octets);
    words[at + 1] = octets + 1;
    return next;
  }

  #step(slots: Uint32Array): number {
    const head = new Uint32Array(HEAD_WORDS);
    const ranks = new Uint8Array(head.buffer, RANKS);
    const runs: number[] = [];
    const far: number[] = [];
    let last = -1;
    for (let octet = 0; octet < 256; octet++) {
      if ((octet & 31) === 0) ranks[octet >>> 5] = runs.length;
      const entry = slots[octet] as number;
      if (entry === last) continue;
      last = entry;
      head[octet >>> 5] = (head[octet >>> 5] as number) | (1 << (octet & 31));
      if (entry < FAR) runs.push(entry);
      else runs.push(FAR | (far.push(entry) - 1));
    }
    if (runs.length === 1) return last;

    const steps = this.#steps;
    // Bits and ranks do not straddle two cache lines.
    while (((this.#firstStep + steps.length + far.length) & (LINE_WORDS - 1)) > LINE_WORDS - HEAD_WORDS) steps.push(0);
    for (const entry of far.reverse()) steps.push(entry);
    const at = this.#firstStep + steps.length;
    for (const word of head) steps.push(word);
    for (let i = 0; i < runs.length; i += 2) steps.push((runs[i] as number) | ((runs[i + 1] ?? 0) << 16));
    return (CHILD | at) >>> 0;
  }
}

/** An array of words that is pushed to. */
class GrowingWords {
  length = 0;
  #words = new Uint32Array(1024);

  push(word: number): void {
    if (this.length === this.#words.length) {
      const grown = new Uint32Array(this.#words.length * 2);
      grown.set(this.#words);
      this.#words = grown;
    }
    this.#words[this.length++] = word;
  }

  words(): Uint32Array {
    return this.#words.subarray(0, this.length);
  }
}
