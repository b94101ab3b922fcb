/** More prefixes than this are better off in a trie: a list is asked from its longest prefix to its shortest. */
export const SHORT_LIST: number = 16;

/**
 * A handful of prefixes, as most routing tables are: two plain lists sorted by length, the longest first. It costs about 1 KiB where a trie
 * would begin with more, and answers faster than one.
 */
export class ShortList<V> {
  /** For each prefix its network's words and its masks' words: `[network…, mask…]`. */
  readonly #words: number[] = [];
  readonly #lengths: number[] = [];
  readonly #values: V[] = [];
  readonly #keyWords: number;

  /** @param keyWords - 1 or 4 words an address */
  constructor(keyWords: number) {
    this.#keyWords = keyWords;
  }

  get size(): number {
    return this.#values.length;
  }

  get byteLength(): number {
    return 8 * (this.#words.length + this.#lengths.length + this.#values.length);
  }

  /** Sets the value of the prefix of `length` bits of `key`. Whether it is new. */
  set(key: Uint32Array, length: number, value: V): boolean {
    const at = this.indexOf(key, length);
    if (at >= 0) {
      this.#values[at] = value;
      return false;
    }
    const place = this.#lengths.findIndex((other) => other < length);
    const index = place < 0 ? this.size : place;
    const words = [...key].map((word, i) => (word & maskOf(length - 32 * i)) >>> 0);
    const masks = words.map((_, i) => maskOf(length - 32 * i) >>> 0);
    this.#words.splice(index * 2 * this.#keyWords, 0, ...words, ...masks);
    this.#lengths.splice(index, 0, length);
    this.#values.splice(index, 0, value);
    return true;
  }

  delete(key: Uint32Array, length: number): boolean {
    const index = this.indexOf(key, length);
    if (index < 0) return false;
    this.#words.splice(index * 2 * this.#keyWords, 2 * this.#keyWords);
    this.#lengths.splice(index, 1);
    this.#values.splice(index, 1);
    return true;
  }

  /** Where exactly this prefix stands; -1: it is not there. */
  indexOf(key: Uint32Array, length: number): number {
    for (let i = 0; i < this.size; i++) if (this.#lengths[i] === length && this.#holds(i, key)) return i;
    return -1;
  }

  /** Where the longest prefix of at most `longest` bits stands that holds `key`; -1: none. */
  match(key: Uint32Array, longest: number): number {
    const size = this.#values.length;
    for (let i = 0; i < size; i++) {
      if ((this.#lengths[i] as number) <= longest && this.#holds(i, key)) return i;
    }
    return -1;
  }

  value(index: number): V {
    return this.#values[index] as V;
  }

  length(index: number): number {
    return this.#lengths[index] as number;
  }

  /** The network's words of prefix `index`. */
  network(index: number): Uint32Array {
    const from = index * 2 * this.#keyWords;
    return Uint32Array.from(this.#words.slice(from, from + this.#keyWords));
  }

  #holds(index: number, key: Uint32Array): boolean {
    const words = this.#words;
    const n = this.#keyWords;
    const at = index * 2 * n;
    for (let i = 0; i < n; i++) {
      if ((((key[i] as number) ^ (words[at + i] as number)) & (words[at + n + i] as number)) !== 0) return false;
    }
    return true;
  }
}

/** `bits` one bits and then zeros, for `bits` below 0 and over 32 too. */
export function maskOf(bits: number): number {
  if (bits <= 0) return 0;
  return bits >= 32 ? -1 : -1 << (32 - bits);
}
