import type { PacketMemory } from "@seville/core";
import {
  bindBareCrc32c,
  bindBareSums,
  bindChecksum,
  bindCrc32c,
  bindSums,
  type ChecksumKernels,
  type Crc32cKernels,
  type SumKernels,
} from "./kernels.ts";
import type { ChecksumVerdict } from "./offload/validate.ts";
import { SUM_RECORD_BYTES } from "./range.ts";

/** Watches what is done about the checksums of one memory: for meters and tests. */
export interface ChecksumObserver {
  /** So many bytes were read for a sum or a CRC (and, by `copyAndSum`, copied). */
  readonly read?: (bytes: number) => void;
  /** A received checksum, that of the header at absolute offset `at`, was found to be so. */
  readonly verdict?: (at: number, verdict: ChecksumVerdict) => void;
}

type Mutable<Kernels> = { -readonly [Key in keyof Kernels]: Kernels[Key] };

/**
 * Puts `observer` in front of the kernels of `memory`, in place of one that was there; `undefined` takes it away. It sees
 * what is asked of `bindChecksum`, `bindSums` and `bindCrc32c`, whoever asks and since whenever. While there is none, the
 * kernels are what they were before: nothing is tested, nothing is called.
 */
export function observeChecksum(memory: PacketMemory, observer: ChecksumObserver | undefined): void {
  const sums = watchedSums(bindBareSums(memory), observer);
  const crc = watchedCrc32c(bindBareCrc32c(memory), observer);
  const all = bindChecksum(memory) as Mutable<ChecksumKernels>;
  replaceSums(bindSums(memory), sums);
  replaceSums(all, sums);
  (bindCrc32c(memory) as Mutable<Crc32cKernels>).crc32c = crc;
  all.crc32c = crc;
}

function replaceSums(kernels: SumKernels, { sum, copyAndSum, sumMany, verifyMany, observer }: SumKernels): void {
  Object.assign(kernels as Mutable<SumKernels>, { sum, copyAndSum, sumMany, verifyMany, observer });
}

function watchedSums(bare: SumKernels, observer: ChecksumObserver | undefined): SumKernels {
  const read = observer?.read;
  if (read === undefined) return { ...bare, observer };
  const readRecords = (table: number, count: number): void => {
    const { view } = bare.memory;
    for (let i = 0; i < count; i++) read(view.getUint32(table + i * SUM_RECORD_BYTES + 4, true));
  };
  return {
    ...bare,
    observer,
    sum(offset, length, seed) {
      const sum = bare.sum(offset, length, seed);
      read(length);
      return sum;
    },
    copyAndSum(target, source, length, seed) {
      const sum = bare.copyAndSum(target, source, length, seed);
      read(length);
      return sum;
    },
    sumMany(table, count) {
      bare.sumMany(table, count);
      readRecords(table, count);
    },
    verifyMany(table, count) {
      const bad = bare.verifyMany(table, count);
      readRecords(table, count);
      return bad;
    },
  };
}

function watchedCrc32c({ crc32c }: Crc32cKernels, observer: ChecksumObserver | undefined): Crc32cKernels["crc32c"] {
  const read = observer?.read;
  if (read === undefined) return crc32c;
  return (offset, length, seed) => {
    const crc = crc32c(offset, length, seed);
    read(length);
    return crc;
  };
}
