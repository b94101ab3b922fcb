import { unsupported } from "@seville/core";
import { CHILD, expand } from "./expand.ts";
import { BATCH, bindTable, type CompiledTable } from "./kernel.ts";
import type { Trie } from "./trie.ts";

const LONGER = 0x8000;
/** Different values, and /24 with longer prefixes, that 15 bits can number. */
const VALUES = 0x7fff;
const BLOCKS_AT_MOST = 0x8000;
/** In entries of 16 bits: the batch, then the index by the first 24 bits, then the blocks. */
const INDEX = 4 * BATCH;
const BLOCKS = INDEX + 0x100_0000;

/**
 * Compiles an IPv4 trie into 32 MiB with one load for most lookups: DIR-24-8 (Gupta, Lin, McKeown, INFOCOM 1998). Each
 * /24 has an entry of 16 bits: a value's number, or {@link LONGER} and the number of a block of 256 entries.
 *
 * @throws SevilleError `ERR_UNSUPPORTED`: more values, or more /24 with longer prefixes, than 15 bits can number
 */
export function compileDir24(trie: Trie, values: number): CompiledTable<(address: number) => number> {
  if (values > VALUES) {
    throw unsupported(`a DIR-24-8 table of ${values} different values`, `it can number ${VALUES}; compile "compact"`);
  }
  const blocks = new Dir24Build(trie);
  const byteLength = (BLOCKS + blocks.length * 256) * 2;
  const table = bindTable(byteLength, { kernel: "dir24", index: INDEX * 2, keyWords: 1 });
  const halves = new Uint16Array(table.words.buffer);
  halves.set(blocks.entries, INDEX);
  for (let i = 0; i < blocks.length; i++) halves.set(blocks.block(i), BLOCKS + i * 256);
  const lookup = (address: number): number => {
    const entry = halves[INDEX + (address >>> 8)] as number;
    return entry < LONGER ? entry : (halves[BLOCKS + ((entry & 0x7fff) << 8) + (address & 255)] as number);
  };
  return { byteLength: halves.byteLength, lookup, lookupMany: table.lookupMany ?? oneByOne(lookup) };
}

class Dir24Build {
  readonly entries = new Uint16Array(0x100_0000);
  readonly #trie: Trie;
  readonly #blocks: Uint16Array[] = [];
  readonly #slots = [0, 1, 2, 3].map(() => new Uint32Array(256));
  readonly #below = [0, 1, 2, 3].map(() => new Uint32Array(256));

  constructor(trie: Trie) {
    this.#trie = trie;
    this.#fill(0, trie.nodes.value(0, 1), 0, 0);
  }

  get length(): number {
    return this.#blocks.length;
  }

  block(index: number): Uint16Array {
    return this.#blocks[index] as Uint16Array;
  }

  /** Fills the /24s of a node at `depth` (0–2), of which `first` is the first. */
  #fill(node: number, inherited: number, depth: number, first: number): void {
    const slots = this.#slots[depth] as Uint32Array;
    const below = this.#below[depth] as Uint32Array;
    expand(this.#trie.nodes, node, inherited, slots, below);
    const span = 1 << (8 * (2 - depth));
    for (let octet = 0; octet < 256; octet++) {
      const slot = slots[octet] as number;
      const at = first + octet * span;
      if (slot < CHILD) {
        if (slot !== 0) this.entries.fill(slot, at, at + span);
      } else if (depth < 2) this.#fill(slot & 0x7fff_ffff, below[octet] as number, depth + 1, at);
      else this.entries[at] = LONGER | this.#longer(slot & 0x7fff_ffff, below[octet] as number);
    }
  }

  /** The number of a new block for the addresses of one /24. */
  #longer(node: number, inherited: number): number {
    if (this.#blocks.length === BLOCKS_AT_MOST) {
      const what = `a DIR-24-8 table of more than ${BLOCKS_AT_MOST} /24 with longer prefixes`;
      throw unsupported(what, 'compile "compact"');
    }
    const slots = this.#slots[3] as Uint32Array;
    expand(this.#trie.nodes, node, inherited, slots, this.#below[3] as Uint32Array);
    return this.#blocks.push(Uint16Array.from(slots)) - 1;
  }
}

function oneByOne(lookup: (address: number) => number) {
  return (addresses: Uint32Array, answers: Uint32Array): void => {
    const count = Math.min(addresses.length, answers.length);
    for (let i = 0; i < count; i++) answers[i] = lookup(addresses[i] as number);
  };
}
