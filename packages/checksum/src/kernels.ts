import { invalidArgument, SevilleError, type PacketMemory } from "@seville/core";
import type { PartialSum } from "./partial.ts";
import { typescriptKernels } from "./typescript/kernels.ts";

/**
 * Checksums over bytes that lie in a {@link PacketMemory}, in place: offsets in, numbers out, no view and no copy.
 * Made by {@link bindChecksum}. Offsets and lengths are bytes; a range outside the memory throws `ERR_OUT_OF_RANGE`.
 */
export interface ChecksumKernels {
  /** What does the work. Results are the same to the bit. */
  readonly kind: "simd" | "typescript";
  readonly memory: PacketMemory;
  /** `seed` plus the sum of the bytes, as big-endian words from `offset` on. The result is a {@link PartialSum}. */
  sum(offset: number, length: number, seed?: PartialSum): PartialSum;
  /** Copies like `memmove` and returns `seed` plus the sum of the bytes (Linux `csum_partial_copy`). */
  copyAndSum(target: number, source: number, length: number, seed?: PartialSum): PartialSum;
  /**
   * Sums `count` ranges in one call. At `table` (a multiple of 4) lie `count` records of four host-order uint32:
   * offset, length, seed, and a word that receives the result.
   */
  sumMany(table: number, count: number): void;
  /**
   * Verifies `count` ranges, described as for {@link sumMany}, the seed being the pseudo-header's sum; each result is 1
   * if the range verifies, else 0. Returns how many do not.
   */
  verifyMany(table: number, count: number): number;
  /** CRC32c of the bytes. `seed` is the CRC of what came before them. */
  crc32c(offset: number, length: number, seed?: number): number;
}

/** Bytes of a record of {@link ChecksumKernels.sumMany}. */
export const SUM_RECORD_BYTES = 16;

const byMemory = new WeakMap<PacketMemory, ChecksumKernels>();
const byBuffer = new WeakMap<ArrayBufferLike, ChecksumKernels>();

/** The kernels for `memory`; the same object each time. */
export function bindChecksum(memory: PacketMemory): ChecksumKernels {
  const known = byMemory.get(memory);
  if (known !== undefined) return known;
  const kernels = typescriptKernels(memory);
  byMemory.set(memory, kernels);
  byBuffer.set(memory.buffer, kernels);
  return kernels;
}

/** The kernels bound to the memory whose buffer this is. */
export function kernelsOf(buffer: ArrayBufferLike): ChecksumKernels | undefined {
  return byBuffer.get(buffer);
}

export function checkRange(memory: PacketMemory, offset: number, length: number): void {
  if (offset >= 0 && length >= 0 && offset + length <= memory.byteLength) return;
  throw outOfRange(memory, offset, length);
}

function outOfRange(memory: PacketMemory, offset: number, length: number): SevilleError {
  return new SevilleError(
    "ERR_OUT_OF_RANGE",
    `the bytes from ${offset} on, ${length} long, are not within the memory of ${memory.byteLength} bytes`,
    "offset",
  );
}

export function checkTable(memory: PacketMemory, table: number, count: number): void {
  if ((table & 3) !== 0) throw invalidArgument("table", "a multiple of 4", table);
  checkRange(memory, table, count * SUM_RECORD_BYTES);
}
