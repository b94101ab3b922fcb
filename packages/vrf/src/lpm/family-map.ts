import { invalidArgument } from "@seville/core";
import { maskOf, SHORT_LIST, ShortList } from "./short-list.ts";
import { Trie } from "./trie.ts";
import { ValueTable } from "./value-table.ts";

/** A prefix and what it leads to. */
export interface PrefixEntry<A, V> {
  /** The prefix's first address: the bits behind its length are 0. */
  readonly network: A;
  /** Bits. */
  readonly length: number;
  readonly value: V;
}

interface LargeTable<V> {
  readonly trie: Trie;
  readonly table: ValueTable<V>;
}

/** How the addresses of a family become words and back. */
export interface AddressFamily<A> {
  readonly bits: 32 | 128;
  /** Writes the words of `address`, in the order of the wire. */
  write(address: A, words: Uint32Array): void;
  read(words: Uint32Array): A;
}

/**
 * Prefixes of one address family and a value for each: longest-prefix match.
 *
 * It begins as a short list and becomes a trie with the seventeenth prefix. Both can be changed at any time; for many lookups between changes
 * compile a snapshot.
 */
export class FamilyMap<A, V> {
  readonly family: AddressFamily<A>;
  /** The words of the address in question. */
  readonly #key: Uint32Array<ArrayBuffer>;
  #short: ShortList<V> | undefined;
  #large: LargeTable<V> | undefined;

  constructor(family: AddressFamily<A>) {
    this.family = family;
    this.#key = new Uint32Array(family.bits / 32);
    this.#short = new ShortList(this.#key.length);
  }

  /** How many prefixes there are. */
  get size(): number {
    return this.#large?.trie.size ?? (this.#short as ShortList<V>).size;
  }

  /** Bytes of the tables, without the values themselves. */
  get byteLength(): number {
    return this.#large?.trie.byteLength ?? (this.#short as ShortList<V>).byteLength;
  }

  /**
   * Sets the value of a prefix; bits of `network` behind `length` are ignored.
   * @throws SevilleError `ERR_INVALID_ARGUMENT`: `length` is none of this family
   */
  set(network: A, length: number, value: V): this {
    this.#checkLength(length);
    if (this.#large === undefined) {
      const short = this.#short as ShortList<V>;
      this.family.write(network, this.#key);
      const isKnown = short.indexOf(this.#key, length) >= 0;
      if (isKnown || short.size < SHORT_LIST) {
        short.set(this.#key, length, value);
        return this;
      }
      this.#large = this.#trieOfShort();
      this.#short = undefined;
    }
    const { trie, table } = this.#large;
    this.family.write(network, trie.key);
    const before = trie.set(length, table.take(value));
    if (before !== 0) table.release(before);
    return this;
  }

  /** Removes exactly this prefix. Whether it was there. */
  delete(network: A, length: number): boolean {
    this.#checkLength(length);
    if (this.#large === undefined) {
      this.family.write(network, this.#key);
      return (this.#short as ShortList<V>).delete(this.#key, length);
    }
    const { trie, table } = this.#large;
    this.family.write(network, trie.key);
    const before = trie.delete(length);
    if (before !== 0) table.release(before);
    return before !== 0;
  }

  /** Removes all. */
  clear(): void {
    this.#large = undefined;
    this.#short = new ShortList(this.#key.length);
  }

  /** The value of exactly this prefix. */
  get(network: A, length: number): V | undefined {
    this.#checkLength(length);
    if (this.#large === undefined) {
      const short = this.#short as ShortList<V>;
      this.family.write(network, this.#key);
      const index = short.indexOf(this.#key, length);
      return index < 0 ? undefined : short.value(index);
    }
    const { trie, table } = this.#large;
    this.family.write(network, trie.key);
    return table.values[trie.get(length)];
  }

  /** Whether exactly this prefix is there. */
  has(network: A, length: number): boolean {
    this.#checkLength(length);
    const key = this.#large?.trie.key ?? this.#key;
    this.family.write(network, key);
    if (this.#large !== undefined) return this.#large.trie.get(length) !== 0;
    return (this.#short as ShortList<V>).indexOf(key, length) >= 0;
  }

  /** The value of the longest prefix that holds `address`; `undefined`: none does. */
  lookup(address: A): V | undefined {
    if (this.#large !== undefined) {
      const { trie, table } = this.#large;
      this.family.write(address, trie.key);
      return table.values[trie.lookup()];
    }
    const short = this.#short as ShortList<V>;
    this.family.write(address, this.#key);
    const index = short.match(this.#key, this.family.bits);
    return index < 0 ? undefined : short.value(index);
  }

  /** As {@link lookup}, with the prefix; only prefixes of at most `longest` bits count. */
  match(address: A, longest: number = this.family.bits): PrefixEntry<A, V> | undefined {
    this.#checkLength(longest);
    if (this.#large !== undefined) {
      const { trie, table } = this.#large;
      this.family.write(address, trie.key);
      const length = trie.matchLength(longest);
      if (length < 0) return undefined;
      const value = table.values[trie.get(length)] as V;
      return { network: this.family.read(masked(trie.key, length)), length, value };
    }
    const short = this.#short as ShortList<V>;
    this.family.write(address, this.#key);
    const index = short.match(this.#key, longest);
    return index < 0 ? undefined : this.#entryOf(short, index);
  }

  /** Every prefix that holds the one given, itself included, the longest first. */
  *covering(network: A, length: number): Generator<PrefixEntry<A, V>> {
    for (let found = this.match(network, length); found !== undefined; found = this.match(network, found.length - 1)) {
      yield found;
      if (found.length === 0) return;
    }
  }

  /** Every prefix inside the one given, itself included: by address, of one address the shorter first. */
  within(network: A, length: number): PrefixEntry<A, V>[] {
    this.#checkLength(length);
    const entries: PrefixEntry<A, V>[] = [];
    if (this.#large !== undefined) {
      const { trie, table } = this.#large;
      this.family.write(network, trie.key);
      trie.key.set(masked(trie.key, length));
      trie.visitWithin(length, (words, bits, value) => {
        entries.push({ network: this.family.read(words), length: bits, value: table.values[value] as V });
      });
      return entries;
    }
    const short = this.#short as ShortList<V>;
    this.family.write(network, this.#key);
    const wanted = masked(this.#key, length);
    const indexes = Array.from({ length: short.size }, (_, i) => i).filter(
      (i) => short.length(i) >= length && compareWords(masked(short.network(i), length), wanted) === 0,
    );
    indexes.sort((a, b) => compareWords(short.network(a), short.network(b)) || short.length(a) - short.length(b));
    return indexes.map((i) => this.#entryOf(short, i));
  }

  /** All prefixes, in the order of {@link within}. */
  entries(): PrefixEntry<A, V>[] {
    return this.within(this.family.read(new Uint32Array(this.#key.length)), 0);
  }

  /** The trie of all prefixes and the values by number, for a compiler. A short list is written into a new one. */
  protected forCompiling(): { readonly trie: Trie; readonly values: readonly (V | undefined)[] } {
    const { trie, table } = this.#large ?? this.#trieOfShort();
    return { trie, values: table.values.slice() };
  }

  #trieOfShort(): LargeTable<V> {
    const short = this.#short as ShortList<V>;
    const trie = new Trie(this.family.bits);
    const table = new ValueTable<V>();
    for (let i = 0; i < short.size; i++) {
      trie.key.set(short.network(i));
      trie.set(short.length(i), table.take(short.value(i)));
    }
    return { trie, table };
  }

  #entryOf(short: ShortList<V>, index: number): PrefixEntry<A, V> {
    return { network: this.family.read(short.network(index)), length: short.length(index), value: short.value(index) };
  }

  #checkLength(length: number): void {
    const { bits } = this.family;
    if (Number.isInteger(length) && length >= 0 && length <= bits) return;
    throw invalidArgument("length", `a whole number of 0 to ${bits}`, length);
  }
}

/** `words` with all bits behind the first `length` cleared. */
function masked(words: Uint32Array, length: number): Uint32Array {
  return words.map((word, i) => word & maskOf(length - 32 * i));
}

function compareWords(a: Uint32Array, b: Uint32Array): number {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return (a[i] as number) - (b[i] as number);
  return 0;
}
