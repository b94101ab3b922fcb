import { lowestBit } from "./bits.ts";
import type { TrieNodes } from "./trie-nodes.ts";

/** A slot that leads on: the flag and the number of a child. */
export const CHILD: number = 0x8000_0000;

/**
 * Writes what the 256 octets of `node` lead to into `slots`: a value (0: none), or {@link CHILD} and the child's node number. Prefixes are
 * pushed to the leaves: each octet gets the value of the longest prefix that holds it, `inherited` where none does.
 * What a child inherits is written to `below`, by octet.
 */
export function expand(
  nodes: TrieNodes,
  node: number,
  inherited: number,
  slots: Uint32Array,
  below: Uint32Array,
): void {
  slots.fill(inherited, 0, 256);
  const { blocks } = nodes;
  let value = nodes.firstValue(node);
  // In the order of their numbers prefixes come shorter first, so that the longer overwrite.
  for (let word = 0; word < 16; word++) {
    for (let left = nodes.prefixWord(node, word); left !== 0; left &= left - 1) {
      const number = word * 32 + lowestBit(left);
      const spare = 8 - (31 - Math.clz32(number));
      const first = (number << spare) & 255;
      const end = first + (1 << spare);
      const given = blocks[value++] as number;
      for (let octet = first; octet < end; octet++) slots[octet] = given;
    }
  }
  let child = nodes.firstChild(node);
  for (let word = 0; word < 8; word++) {
    for (let left = nodes.childWord(node, word); left !== 0; left &= left - 1) {
      const octet = word * 32 + lowestBit(left);
      below[octet] = slots[octet] as number;
      slots[octet] = (CHILD | (blocks[child++] as number)) >>> 0;
    }
  }
}
