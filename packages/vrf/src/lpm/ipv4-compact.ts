import { CompactBuild } from "./compact-build.ts";
import { step, viewsOf } from "./compact-step.ts";
import { CHILD } from "./expand.ts";
import { BATCH, bindTable, type CompiledTable } from "./kernel.ts";
import type { Trie } from "./trie.ts";

/** Before the index stands the batch: addresses, then answers. */
const INDEX = 2 * BATCH;

/** Compiles an IPv4 trie for lookups: {@link CompactBuild} says how. */
export function compileIpv4Compact(trie: Trie): CompiledTable<(address: number) => number> {
  const build = new CompactBuild(trie.nodes, 4, INDEX);
  const table = bindTable((INDEX + build.length) * 4, { kernel: "compact4", index: INDEX * 4, keyWords: 1 });
  build.write(table.words);
  const views = viewsOf(table.words);
  const { words } = views;
  /** The readable twin of `compact4` in assembly/lpm.ts. */
  const lookup = (address: number): number => {
    const entry = words[INDEX + (address >>> 16)] as number;
    if (entry < CHILD) return entry;
    const second = step(views, entry, address >>> 8);
    return second < CHILD ? second : step(views, second, address);
  };
  return { byteLength: words.byteLength, lookup, lookupMany: table.lookupMany ?? oneByOne(lookup) };
}

function oneByOne(lookup: (address: number) => number) {
  return (addresses: Uint32Array, answers: Uint32Array): void => {
    const count = Math.min(addresses.length, answers.length);
    for (let i = 0; i < count; i++) answers[i] = lookup(addresses[i] as number);
  };
}
