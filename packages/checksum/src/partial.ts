/**
 * A partial Internet checksum: an unsigned 32-bit number that is congruent, modulo 0xffff, to the sum of the bytes read
 * as big-endian 16-bit words (an odd last byte is the high byte of a word whose low byte is 0; RFC 1071 §1, §4.1).
 * It is 0 only if every byte was 0: otherwise 0xffff stands for the other zero of one's-complement arithmetic.
 *
 * Partial sums chain: the result of one call is the `seed` of the next, as long as each piece but the last has an even
 * length. {@link blockAdd} joins pieces that begin at an odd offset.
 */
export type PartialSum = number;

/** The partial sum as 16 bits, not complemented. 0 only if all that was summed is 0. */
export function fold(partial: PartialSum): number {
  const once = (partial & 0xffff) + (partial >>> 16);
  return (once & 0xffff) + (once >>> 16);
}

/** What belongs into the checksum field: the complement of the folded sum (Linux `csum_fold`). */
export function finish(partial: PartialSum): number {
  return ~fold(partial) & 0xffff;
}

/** Whether a sum over data *and* its checksum field verifies: it folds to 0xffff (RFC 1071 §1 (3)). */
export function isValid(partial: PartialSum): boolean {
  return fold(partial) === 0xffff;
}

/** Adds two partial sums, with the carry brought round (Linux `csum_add`). */
export function add(a: PartialSum, b: PartialSum): PartialSum {
  const sum = (a >>> 0) + (b >>> 0);
  return sum > 0xffff_ffff ? (sum + 1) >>> 0 : sum;
}

/** Takes `b` out of `a` (Linux `csum_sub`). */
export function sub(a: PartialSum, b: PartialSum): PartialSum {
  return add(a, ~b);
}

/**
 * Adds the sum `b` of a block that begins `offset` bytes into the data (Linux `csum_block_add`). Only the offset's
 * parity matters: at an odd offset every byte of the block stands in the other half of its word (RFC 1071 §2 (B)).
 */
export function blockAdd(a: PartialSum, b: PartialSum, offset: number): PartialSum {
  return add(a, shift(b, offset));
}

/** Takes out the sum of a block that begins `offset` bytes into the data (Linux `csum_block_sub`). */
export function blockSub(a: PartialSum, b: PartialSum, offset: number): PartialSum {
  return sub(a, shift(b, offset));
}

/** What the sum `partial` becomes when its data begins at `offset` (Linux `csum_shift`). */
export function shift(partial: PartialSum, offset: number): PartialSum {
  return (offset & 1) === 0 ? partial >>> 0 : ((partial >>> 8) | (partial << 24)) >>> 0;
}
