/** How many bits of `word` are set. */
export function popcount(word: number): number {
  let n = word - ((word >>> 1) & 0x5555_5555);
  n = (n & 0x3333_3333) + ((n >>> 2) & 0x3333_3333);
  return Math.imul((n + (n >>> 4)) & 0x0f0f_0f0f, 0x0101_0101) >>> 24;
}

/** The position of the lowest bit set in `word`, which is not 0. */
export function lowestBit(word: number): number {
  return 31 - Math.clz32(word & -word);
}
