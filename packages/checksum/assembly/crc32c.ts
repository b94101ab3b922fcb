// CRC32c over bytes in memory. The readable twin is src/typescript/crc32c.ts.
//
// Long runs are first folded: a multiple of the polynomial with whole bytes as exponents and few terms lets every byte
// be replaced by adding it at a few later places, sixteen bytes at once and without a table. What is left at the end,
// 128 to 143 bytes, goes through the tables.

import { FOLD_MINIMUM, foldedCrc } from "./crc32c-fold.gen";
import { makeTables, TABLE_BYTES, tableCrc } from "./lib/table";

/** From here on folding pays for its start and end. */
const FOLD_FROM: usize = FOLD_MINIMUM + 48;

/** Prepares `scratch`: the tables, and behind them the work area of the fold. */
export function prepare(scratch: usize): void {
  makeTables(scratch);
}

/** Bytes that {@link prepare} and {@link crc32c} need at `scratch`, aligned to 16. */
export function scratchBytes(): usize {
  return TABLE_BYTES + FOLD_MINIMUM;
}

/** CRC32c of `length` bytes at `at`. `seed` is the CRC of what came before them. */
export function crc32c(scratch: usize, at: usize, length: usize, seed: u32): u32 {
  if (length < FOLD_FROM) return ~tableCrc(scratch, at, length, ~seed);
  return ~foldedCrc(scratch, scratch + TABLE_BYTES, at, length, ~seed);
}
