import { createPacketMemory, type PacketMemory } from "@seville/core";
import { bindCrc32c, bindSums, boundCrc32c, boundSums } from "./kernels.ts";
import { add, type PartialSum } from "./partial.ts";
import { crc32cTypeScript } from "./typescript/crc32c.ts";
import { foldDouble, sumBytes } from "./typescript/sum.ts";

// Below these sizes plain TypeScript is faster than finding out where the bytes lie and calling a kernel
// (measured with `pnpm bench checksum` and `pnpm bench crc32c`, Node 20).
const SUM_IN_KERNEL_FROM = 112;
const CRC_IN_KERNEL_FROM = 80;

/** Bytes copied at a time from outside. Smaller pieces stay in a nearer cache, but that gains less than the calls cost. */
const STAGE_BYTES = 65_536;
let stage: PacketMemory | undefined;

/**
 * The sum of any bytes, as big-endian words from the first byte on, plus `seed`. Bytes of a memory to which kernels are
 * bound are summed in place, others are copied into a kernel's memory on the way if they are many.
 */
export function sum(bytes: Uint8Array, seed: PartialSum = 0): PartialSum {
  const { length } = bytes;
  if (length < SUM_IN_KERNEL_FROM) return sumBytes(bytes, 0, length, seed);
  const inPlace = boundSums(bytes.buffer);
  if (inPlace !== undefined) return inPlace.sum(bytes.byteOffset, length, seed);
  const { u8, base } = (stage ??= createStage());
  const kernels = bindSums(stage);
  if (length <= STAGE_BYTES) {
    u8.set(bytes, base);
    return kernels.sum(base, length, seed);
  }
  let total = 0;
  for (let from = 0; from < length; from += STAGE_BYTES) {
    const piece = bytes.subarray(from, from + STAGE_BYTES);
    u8.set(piece, base);
    total += kernels.sum(base, piece.length);
  }
  return add(seed, foldDouble(total));
}

/**
 * CRC32c of any bytes; `seed` is the CRC of what came before them. Bytes of a memory to which kernels are bound are read
 * in place, others are copied into a kernel's memory on the way if they are many.
 */
export function crc32c(bytes: Uint8Array, seed = 0): number {
  const { length } = bytes;
  if (length < CRC_IN_KERNEL_FROM) return crc32cTypeScript(bytes, 0, length, seed);
  const inPlace = boundCrc32c(bytes.buffer);
  if (inPlace !== undefined) return inPlace.crc32c(bytes.byteOffset, length, seed);
  const { u8, base } = (stage ??= createStage());
  const kernels = bindCrc32c(stage);
  if (length <= STAGE_BYTES) {
    u8.set(bytes, base);
    return kernels.crc32c(base, length, seed);
  }
  let crc = seed;
  for (let from = 0; from < length; from += STAGE_BYTES) {
    const piece = bytes.subarray(from, from + STAGE_BYTES);
    u8.set(piece, base);
    crc = kernels.crc32c(base, piece.length, crc);
  }
  return crc;
}

function createStage(): PacketMemory {
  return createPacketMemory({ bytes: STAGE_BYTES, scratchBytes: 32_768 });
}
