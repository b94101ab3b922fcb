import type { Ipv6Address } from "@seville/packet";
import { CompactBuild, OFFSET, SKIP } from "./compact-build.ts";
import { step, viewsOf, type TableViews } from "./compact-step.ts";
import { CHILD } from "./expand.ts";
import { BATCH, bindTable, type CompiledTable } from "./kernel.ts";
import type { Trie } from "./trie.ts";

/** Before the index stands the batch: addresses of four words, then answers. */
const INDEX = 5 * BATCH;

/** Compiles an IPv6 trie for lookups: {@link CompactBuild} says how. */
export function compileIpv6Compact(trie: Trie): CompiledTable<(address: Ipv6Address) => number> {
  const build = new CompactBuild(trie.nodes, 16, INDEX);
  const table = bindTable((INDEX + build.length) * 4, { kernel: "compact6", index: INDEX * 4, keyWords: 4 });
  build.write(table.words);
  const views = viewsOf(table.words);
  const lookup = (address: Ipv6Address): number => {
    const { w0, w1, w2, w3 } = address;
    return lookupWords(views, w0, w1, w2, w3);
  };
  return { byteLength: table.words.byteLength, lookup, lookupMany: table.lookupMany ?? oneByOne(views) };
}

/** The readable twin of `compact6` in assembly/lpm.ts. */
function lookupWords(views: TableViews, w0: number, w1: number, w2: number, w3: number): number {
  const { words } = views;
  let entry = words[INDEX + (w0 >>> 16)] as number;

  let octet = 2;
  while (entry >= CHILD) {
    const bits = window(w0, w1, w2, w3, octet);
    if ((entry & SKIP) === 0) {
      entry = step(views, entry, bits >>> 24);
      octet++;
      continue;
    }
    const at = entry & OFFSET;
    const octets = words[at + 1] as number;
    if (words[at] !== bits >>> (32 - 8 * octets)) return words[at + 2] as number;
    entry = words[at + 3] as number;
    octet += octets;
  }
  return entry;
}

/** The 32 bits that begin at octet `octet`; behind the end of the address come zeros. */
function window(w0: number, w1: number, w2: number, w3: number, octet: number): number {
  const word = octet >>> 2;
  const here = word === 0 ? w0 : word === 1 ? w1 : word === 2 ? w2 : w3;
  const shift = (octet & 3) << 3;
  if (shift === 0) return here;
  const next = word === 0 ? w1 : word === 1 ? w2 : word === 2 ? w3 : 0;
  return (here << shift) | (next >>> (32 - shift));
}

function oneByOne(views: TableViews) {
  return (addresses: Uint32Array, answers: Uint32Array): void => {
    const count = Math.min(addresses.length >>> 2, answers.length);
    for (let i = 0; i < count; i++) {
      const [w0, w1, w2, w3] = addresses.subarray(i * 4, i * 4 + 4) as unknown as [number, number, number, number];
      answers[i] = lookupWords(views, w0, w1, w2, w3);
    }
  };
}
