import { popcount } from "./bits.ts";
import { CHILD, expand } from "./expand.ts";
import { bindLookup, BATCH, type BatchLookup } from "./kernel.ts";
import type { TrieNodes } from "./trie-nodes.ts";
import type { Trie } from "./trie.ts";

/**
 * An immutable IPv4 table, compiled for lookups: an index by the first 16 bits, then at most two steps of 8 bits.
 *
 * A step's 256 slots are leaf-pushed and written as runs: one bit for each slot that differs from the slot before it, and the
 * list of the runs. The bit's rank is the place in the list, as in a poptrie (Asai & Ohara, SIGCOMM 2015); each 32 slots have
 * their bits and the rank before them side by side, so that a step costs two loads.
 *
 * In words: [batch in | batch out | 65536 entries | nodes of 16 words: 8 × (bits, first run) | runs]. An entry or run
 * is a value's number, or {@link CHILD} and the word offset of a node.
 */
export interface Ipv4Compact {
  readonly byteLength: number;
  readonly lookup: (address: number) => number;
  readonly batch: BatchLookup;
}

const INDEX = 2 * BATCH;
const NODES = INDEX + 65_536;
const STEP_WORDS = 16;

export function compileCompact(trie: Trie): Ipv4Compact {
  const build = new CompactBuild(trie.nodes);
  build.index(trie.nodes.value(0, 1));
  const nodeWords = build.steps.length;
  const runs = NODES + nodeWords;
  const byteLength = (runs + build.runs.length) * 4;
  const memory = bindLookup(byteLength, { kind: "compact", index: INDEX * 4 });
  const { words } = memory;
  words.set(build.entries, INDEX);
  words.set(build.steps.words(), NODES);
  words.set(build.runs.words(), runs);
  // Runs are known only now: their places move behind the nodes.
  for (let at = NODES + 1; at < runs; at += 2) words[at] = (words[at] as number) + runs;
  return {
    byteLength: words.byteLength,
    lookup: (address) => lookupCompact(words, address),
    batch: memory.batch(words, lookupCompact),
  };
}

/** The readable twin of `compact` in assembly/lpm.ts. */
function lookupCompact(words: Uint32Array, address: number): number {
  let entry = words[INDEX + (address >>> 16)] as number;
  let octet = (address >>> 8) & 255;
  while (entry >= CHILD) {
    const at = (entry & 0x7fff_ffff) + ((octet >>> 5) << 1);
    // The run of a slot is the last bit at or before it: shift those behind it out.
    const upTo = (words[at] as number) << (31 - (octet & 31));
    entry = words[(words[at + 1] as number) + popcount(upTo)] as number;
    octet = address & 255;
  }
  return entry;
}

class CompactBuild {
  readonly entries = new Uint32Array(65_536);
  readonly steps = new GrowingWords();
  readonly runs = new GrowingWords();
  readonly #nodes: TrieNodes;
  /** One work area for each depth of the recursion. */
  readonly #slots = [0, 1, 2, 3].map(() => new Uint32Array(256));
  readonly #below = [0, 1, 2, 3].map(() => new Uint32Array(256));

  constructor(nodes: TrieNodes) {
    this.#nodes = nodes;
  }

  index(fallback: number): void {
    const [first, second] = this.#slots as [Uint32Array, Uint32Array];
    const [below, belowSecond] = this.#below as [Uint32Array, Uint32Array];
    expand(this.#nodes, 0, fallback, first, below);
    for (let high = 0; high < 256; high++) {
      const slot = first[high] as number;
      if (slot < CHILD) {
        this.entries.fill(slot, high << 8, (high + 1) << 8);
        continue;
      }
      expand(this.#nodes, slot & 0x7fff_ffff, below[high] as number, second, belowSecond);
      for (let low = 0; low < 256; low++) {
        const entry = second[low] as number;
        this.entries[(high << 8) | low] = entry < CHILD ? entry : this.#step(entry, belowSecond[low] as number, 2);
      }
    }
  }

  /** Compiles a node; a node whose 256 slots are one value is that value. */
  #step(slot: number, inherited: number, depth: number): number {
    const slots = this.#slots[depth] as Uint32Array;
    const below = this.#below[depth] as Uint32Array;
    expand(this.#nodes, slot & 0x7fff_ffff, inherited, slots, below);
    if (depth < 3) {
      for (let octet = 0; octet < 256; octet++) {
        const entry = slots[octet] as number;
        if (entry >= CHILD) slots[octet] = this.#step(entry, below[octet] as number, depth + 1);
      }
    }
    const { steps, runs } = this;
    const at = steps.length;
    const firstRun = runs.length;
    let last = -1;
    for (let group = 0; group < 256; group += 32) {
      let bits = 0;
      const before = runs.length;
      for (let i = 0; i < 32; i++) {
        const entry = slots[group + i] as number;
        if (entry === last) continue;
        bits |= 1 << i;
        runs.push(entry);
        last = entry;
      }
      steps.push(bits);
      // Ranks begin at 1 for the first bit; 0 stands for the run that goes on from the group before.
      steps.push(before - 1);
    }
    if (runs.length - firstRun > 1 || last >= CHILD) return (CHILD | (NODES + at)) >>> 0;
    steps.length -= STEP_WORDS;
    runs.length = firstRun;
    return last;
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
