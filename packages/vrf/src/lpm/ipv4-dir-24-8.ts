import { unsupported } from "@seville/core";
import { CHILD, expand } from "./expand.ts";
import { BATCH, bindLookup, type BatchLookup } from "./kernel.ts";
import type { Trie } from "./trie.ts";

/**
 * An immutable IPv4 table of 32 MiB and one load for most lookups: DIR-24-8 (Gupta, Lin, McKeown, INFOCOM 1998). An entry
 * of 16 bits for each /24: a value's number, or {@link LONGER} and the number of a block of 256 entries.
 *
 * In bytes: [batch in | batch out | 2²⁴ entries | blocks of 512].
 */
export interface Ipv4Dir24 {
  readonly byteLength: number;
  readonly lookup: (address: number) => number;
  readonly batch: BatchLookup;
}

const LONGER = 0x8000;
/** Different values or longer blocks that 15 bits can number. */
export const DIR_24_8_LIMIT: number = 0x7fff;
const INDEX_BYTES = 8 * BATCH;
const INDEX = INDEX_BYTES / 2;
const BLOCKS = INDEX + 0x100_0000;

/** @throws SevilleError `ERR_UNSUPPORTED`: more values or more /24 with longer prefixes than 15 bits can number */
export function compileDir24(trie: Trie, valueNumbers: number): Ipv4Dir24 {
  if (valueNumbers > DIR_24_8_LIMIT) {
    throw unsupported(
      `a DIR-24-8 table of ${valueNumbers} different values`,
      `it numbers ${DIR_24_8_LIMIT}; compile "compact"`,
    );
  }
  const { nodes } = trie;
  const blocks: Uint16Array[] = [];
  const slots = [0, 1, 2, 3].map(() => new Uint32Array(256));
  const below = [0, 1, 2, 3].map(() => new Uint32Array(256));
  const entries = new Uint16Array(0x100_0000);

  function fill(node: number, inherited: number, depth: number, first: number): void {
    const own = slots[depth] as Uint32Array;
    const given = below[depth] as Uint32Array;
    expand(nodes, node, inherited, own, given);
    const span = 1 << (8 * (2 - depth));
    for (let octet = 0; octet < 256; octet++) {
      const slot = own[octet] as number;
      const at = first + octet * span;
      if (slot < CHILD) {
        if (slot !== 0) entries.fill(slot, at, at + span);
      } else if (depth < 2) fill(slot & 0x7fff_ffff, given[octet] as number, depth + 1, at);
      else entries[at] = LONGER | block(slot & 0x7fff_ffff, given[octet] as number);
    }
  }

  function block(node: number, inherited: number): number {
    if (blocks.length > DIR_24_8_LIMIT) {
      throw unsupported(
        `a DIR-24-8 table of more than ${DIR_24_8_LIMIT + 1} /24 with longer prefixes`,
        'compile "compact"',
      );
    }
    expand(nodes, node, inherited, slots[3] as Uint32Array, below[3] as Uint32Array);
    return blocks.push(Uint16Array.from(slots[3] as Uint32Array)) - 1;
  }

  fill(0, nodes.value(0, 1), 0, 0);
  const memory = bindLookup((BLOCKS + blocks.length * 256) * 2, { kind: "dir24", index: INDEX_BYTES });
  const halves = new Uint16Array(memory.words.buffer);
  halves.set(entries, INDEX);
  for (const [i, one] of blocks.entries()) halves.set(one, BLOCKS + i * 256);
  const lookup = (address: number): number => {
    const entry = halves[INDEX + (address >>> 8)] as number;
    return entry < LONGER ? entry : (halves[BLOCKS + ((entry & 0x7fff) << 8) + (address & 255)] as number);
  };
  return { byteLength: halves.byteLength, lookup, batch: memory.batch(memory.words, (_, address) => lookup(address)) };
}
