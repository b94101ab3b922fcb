import { TrieNodes } from "./trie-nodes.ts";

/** A prefix as it is handed out: words of the address in the order of the wire, and its length in bits. */
export type PrefixVisitor = (words: Uint32Array, length: number, value: number) => void;

/**
 * The table that is changed: prefixes of up to 128 bits with a value each, a whole number above 0.
 *
 * The key of every operation stands in {@link key}, one to four words; the caller sets it before the call. That keeps one
 * code for both families and makes no object per call.
 */
export class Trie {
  /** Words of the address, as unsigned 32-bit numbers in the order of the wire. */
  readonly key: Uint32Array<ArrayBuffer>;
  readonly nodes: TrieNodes = new TrieNodes();
  readonly #octets: number;
  /** The nodes passed on the way down. */
  readonly #path: Uint32Array;
  size = 0;

  /** @param bits - 32 or 128 */
  constructor(bits: 32 | 128) {
    this.key = new Uint32Array(bits / 32);
    this.#octets = bits / 8;
    this.#path = new Uint32Array(this.#octets);
  }

  get byteLength(): number {
    return this.nodes.byteLength;
  }

  /** Sets the value of the prefix of `length` bits; bits of the key behind it do not matter. Answers the old value or 0. */
  set(length: number, value: number): number {
    const depth = depthOf(length);
    let node = 0;
    for (let i = 0; i < depth; i++) node = this.nodes.makeChild(node, this.octet(i));
    const before = this.nodes.setValue(node, this.#number(depth, length), value);
    if (before === 0) this.size++;
    return before;
  }

  /** Removes the prefix of `length` bits. Answers the value it had; 0: it was not there. */
  delete(length: number): number {
    const depth = depthOf(length);
    let node = this.#descend(depth);
    if (node < 0) return 0;
    const before = this.nodes.removeValue(node, this.#number(depth, length));
    if (before === 0) return 0;
    this.size--;
    for (let i = depth; i > 0 && this.nodes.isEmpty(node); i--) {
      node = this.#path[i - 1] as number;
      this.nodes.dropChild(node, this.octet(i - 1));
    }
    return before;
  }

  /** The value of exactly the prefix of `length` bits; 0: it is not there. */
  get(length: number): number {
    const depth = depthOf(length);
    const node = this.#descend(depth);
    return node < 0 ? 0 : this.nodes.value(node, this.#number(depth, length));
  }

  /** The value of the longest prefix that holds the key; 0: none. */
  lookup(): number {
    const { nodes } = this;
    let depth = this.#walk();
    for (; depth >= 0; depth--) {
      const node = this.#path[depth] as number;
      const number = nodes.longest(node, 256 + this.octet(depth));
      if (number !== 0) return nodes.value(node, number);
    }
    return 0;
  }

  /** The length of the longest prefix of at most `longest` bits that holds the key; -1: none. */
  matchLength(longest: number): number {
    const { nodes } = this;
    const last = depthOf(longest);
    let depth = this.#walk();
    if (depth > last) depth = last;
    for (; depth >= 0; depth--) {
      const from = depth === last ? this.#number(last, longest) : 256 + this.octet(depth);
      const number = nodes.longest(this.#path[depth] as number, from);
      if (number !== 0) return depth * 8 + bitsOf(number);
    }
    return -1;
  }

  /** Visits every prefix inside the one of `length` bits at the key, by address and, of one address, the shorter first. */
  visitWithin(length: number, visit: PrefixVisitor): void {
    const depth = depthOf(length);
    const node = this.#descend(depth);
    if (node < 0) return;
    const words = this.key.slice();
    this.#visit(node, depth, this.#number(depth, length), words, visit);
  }

  /** Octet `index` of the key. */
  octet(index: number): number {
    return ((this.key[index >>> 2] as number) >>> (24 - ((index & 3) << 3))) & 255;
  }

  /** Walks down as far as the key leads. Answers the depth of the last node in the path. */
  #walk(): number {
    const last = this.#octets - 1;
    let node = 0;
    this.#path[0] = 0;
    for (let depth = 0; depth < last; depth++) {
      node = this.nodes.child(node, this.octet(depth));
      if (node === 0) return depth;
      this.#path[depth + 1] = node;
    }
    return last;
  }

  /** The node at `depth` on the key's way; -1: the way ends before. */
  #descend(depth: number): number {
    let node = 0;
    this.#path[0] = 0;
    for (let i = 0; i < depth; i++) {
      node = this.nodes.child(node, this.octet(i));
      if (node === 0) return -1;
      this.#path[i + 1] = node;
    }
    return node;
  }

  /** The number, in the node at `depth`, of the key's prefix of `length` bits. */
  #number(depth: number, length: number): number {
    const bits = length - depth * 8;
    return (1 << bits) | (this.octet(depth) >>> (8 - bits));
  }

  #visit(node: number, depth: number, number: number, words: Uint32Array, visit: PrefixVisitor): void {
    const value = this.nodes.value(node, number);
    const bits = bitsOf(number);
    const octet = (number << (8 - bits)) & 255;
    if (value !== 0) {
      keep(words, depth, octet);
      visit(words, depth * 8 + bits, value);
    }
    if (number < 256) {
      this.#visit(node, depth, number * 2, words, visit);
      this.#visit(node, depth, number * 2 + 1, words, visit);
      return;
    }
    const child = this.nodes.child(node, octet);
    if (child === 0) return;
    keep(words, depth, octet);
    // A child has no prefix of no bits: its tree begins with the two halves.
    this.#visit(child, depth + 1, 2, words, visit);
    this.#visit(child, depth + 1, 3, words, visit);
  }
}

/** In which node the prefix of `length` bits stands: the octet that holds its last bit. */
function depthOf(length: number): number {
  return length === 0 ? 0 : (length - 1) >>> 3;
}

/** The length, within its octet, of the prefix with this number. */
function bitsOf(number: number): number {
  return 31 - Math.clz32(number);
}

/** Sets octet `depth` and clears all behind it. */
function keep(words: Uint32Array, depth: number, octet: number): void {
  const word = depth >>> 2;
  const shift = 24 - ((depth & 3) << 3);
  const above = shift === 24 ? 0 : -1 << (shift + 8);
  words[word] = ((words[word] as number) & above) | (octet << shift);
  words.fill(0, word + 1);
}
