import type { PacketMemory } from "@seville/core";
import { Bindings } from "./bindings.ts";
import type { ChecksumObserver } from "./observe.ts";
import type { PartialSum } from "./partial.ts";
import { typescriptCrc32c, typescriptSums } from "./typescript/kernels.ts";
import { simdCrc32c, simdSums } from "./wasm/kernels.ts";

/** What does the work. The results are the same to the bit. */
export type KernelKind = "simd" | "typescript";

/** Internet checksums over bytes in a {@link PacketMemory}, in place. A range outside it throws `ERR_OUT_OF_RANGE`. */
export interface SumKernels {
  readonly kind: KernelKind;
  readonly memory: PacketMemory;
  /** `seed` plus the sum of `length` bytes at `offset`, as big-endian words from `offset` on. */
  readonly sum: (offset: number, length: number, seed?: PartialSum) => PartialSum;
  /** Copies like `memmove` and returns `seed` plus the sum of what was copied (Linux `csum_partial_copy_nocheck`). */
  readonly copyAndSum: (target: number, source: number, length: number, seed?: PartialSum) => PartialSum;
  /**
   * Sums `count` ranges in one call. At `table` (a multiple of 4) lie `count` records of four host-order uint32:
   * offset, length, seed, and a word that receives the result.
   */
  readonly sumMany: (table: number, count: number) => void;
  /**
   * Verifies `count` ranges described as for {@link SumKernels.sumMany}, the seeds being the pseudo-headers' sums: each
   * result is 1 if the range folds to 0xffff, else 0. Returns how many do not.
   */
  readonly verifyMany: (table: number, count: number) => number;
  /** Who watches this memory's checksums, while somebody does; see `observeChecksum`. */
  readonly observer?: ChecksumObserver | undefined;
}

/** CRC32c over bytes in a {@link PacketMemory}, in place. A range outside it throws `ERR_OUT_OF_RANGE`. */
export interface Crc32cKernels {
  readonly kind: KernelKind;
  readonly memory: PacketMemory;
  /** CRC32c of `length` bytes at `offset`. `seed` is the CRC of what came before them. */
  readonly crc32c: (offset: number, length: number, seed?: number) => number;
}

/** Both. `kind` is "simd" only if both are. */
export interface ChecksumKernels extends SumKernels, Crc32cKernels {}

const bareSums = /* @__PURE__ */ new Bindings<SumKernels>((memory) => simdSums(memory) ?? typescriptSums(memory));
const bareCrcs = /* @__PURE__ */ new Bindings<Crc32cKernels>(
  (memory) => simdCrc32c(memory) ?? typescriptCrc32c(memory),
);
// What is handed out is a copy, so that an observer can be put in front of it and taken away again.
const sums = /* @__PURE__ */ new Bindings<SumKernels>((memory) => ({ ...bareSums.bind(memory), observer: undefined }));
const crcs = /* @__PURE__ */ new Bindings<Crc32cKernels>((memory) => ({ ...bareCrcs.bind(memory) }));
const both = /* @__PURE__ */ new Bindings<ChecksumKernels>((memory) => {
  const sum = bindSums(memory);
  const crc = bindCrc32c(memory);
  return { ...sum, ...crc, kind: sum.kind === "simd" && crc.kind === "simd" ? "simd" : "typescript" };
});

/** The kernels for `memory`; the same object each time. */
export function bindChecksum(memory: PacketMemory): ChecksumKernels {
  return both.bind(memory);
}

/** {@link bindChecksum} for Internet checksums alone. */
export function bindSums(memory: PacketMemory): SumKernels {
  return sums.bind(memory);
}

/** {@link bindChecksum} for CRC32c alone. Takes 17 KiB of the memory's scratch. */
export function bindCrc32c(memory: PacketMemory): Crc32cKernels {
  return crcs.bind(memory);
}

/** {@link bindSums} that no observer sees: for kernels that tell of their work themselves, and for captures. */
export function bindBareSums(memory: PacketMemory): SumKernels {
  return bareSums.bind(memory);
}

/** {@link bindCrc32c} that no observer sees; see {@link bindBareSums}. */
export function bindBareCrc32c(memory: PacketMemory): Crc32cKernels {
  return bareCrcs.bind(memory);
}

/** @internal The kernels bound to the memory whose buffer this is. */
export function boundSums(buffer: ArrayBufferLike): SumKernels | undefined {
  return sums.find(buffer);
}

/** @internal The kernels bound to the memory whose buffer this is. */
export function boundCrc32c(buffer: ArrayBufferLike): Crc32cKernels | undefined {
  return crcs.find(buffer);
}
