import { invalidArgument, SevilleError, type PacketMemory } from "@seville/core";

/** Bytes of a record of `sumMany` and `verifyMany`. */
export const SUM_RECORD_BYTES = 16;

/** Throws unless the bytes `[offset, offset + length)` lie in a memory of `byteLength` bytes. */
export function checkRange(byteLength: number, offset: number, length: number): void {
  if (offset >= 0 && length >= 0 && offset + length <= byteLength) return;
  throw outOfRange(byteLength, offset, length);
}

function outOfRange(byteLength: number, offset: number, length: number): SevilleError {
  return new SevilleError(
    "ERR_OUT_OF_RANGE",
    `${length} bytes from ${offset} on do not lie within the memory of ${byteLength} bytes`,
    "offset",
  );
}

/** Throws unless a table of `count` records at `table` and all the ranges it names lie in the memory. */
export function checkTable(memory: PacketMemory, table: number, count: number): void {
  if ((table & 3) !== 0) throw invalidArgument("table", "a multiple of 4", table);
  if (!Number.isSafeInteger(count)) throw invalidArgument("count", "a whole number of records", count);
  checkRange(memory.byteLength, table, count * SUM_RECORD_BYTES);
}
