import { popcount } from "./bits.ts";
import { FAR, OFFSET, RANKS, RUNS } from "./compact-build.ts";

/** One table seen as words, half words and bytes (in the host's order, which WebAssembly shares). */
export interface TableViews {
  readonly words: Uint32Array;
  readonly halves: Uint16Array;
  readonly bytes: Uint8Array;
}

export function viewsOf(words: Uint32Array<ArrayBuffer>): TableViews {
  return { words, halves: new Uint16Array(words.buffer), bytes: new Uint8Array(words.buffer) };
}

/** The entry of the run in which the slot of the last octet of `bits` lies. The readable twin of `step` in assembly/lpm.ts. */
export function step({ words, halves, bytes }: TableViews, entry: number, bits: number): number {
  const at = entry & OFFSET;
  const group = (bits >>> 5) & 7;
  // The run of a slot begins with the last bit at or before it: shift those behind it out.
  const upTo = (words[at + group] as number) << (~bits & 31);
  const rank = (bytes[at * 4 + RANKS + group] as number) + popcount(upTo) - 1;
  const run = halves[at * 2 + RUNS + rank] as number;
  return run < FAR ? run : (words[at - 1 - (run & 0x7fff)] as number);
}
