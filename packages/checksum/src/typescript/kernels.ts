import type { PacketMemory } from "@seville/core";
import type { Crc32cKernels, SumKernels } from "../kernels.ts";
import { isValid } from "../partial.ts";
import { checkRange, checkTable } from "../range.ts";
import { crc32cTypeScript } from "./crc32c.ts";
import { sumTypeScript, sumViews } from "./sum.ts";

/** Sums in plain TypeScript: for hosts without WebAssembly SIMD, and the twin against which the kernel is tested. */
export function typescriptSums(memory: PacketMemory): SumKernels {
  const views = sumViews(memory.buffer);
  const { u8, u32 } = views;

  function sum(offset: number, length: number, seed = 0): number {
    checkRange(memory.byteLength, offset, length);
    return sumTypeScript(views, offset, length, seed);
  }

  function sumRecord(word: number): number {
    return sum(u32[word] as number, u32[word + 1] as number, u32[word + 2]);
  }

  return {
    kind: "typescript",
    memory,
    sum,
    copyAndSum(target, source, length, seed = 0) {
      checkRange(memory.byteLength, target, length);
      const total = sum(source, length, seed);
      u8.copyWithin(target, source, source + length);
      return total;
    },
    sumMany(table, count) {
      checkTable(memory, table, count);
      for (let word = table >>> 2, end = word + count * 4; word < end; word += 4) u32[word + 3] = sumRecord(word);
    },
    verifyMany(table, count) {
      checkTable(memory, table, count);
      let bad = 0;
      for (let word = table >>> 2, end = word + count * 4; word < end; word += 4) {
        const valid = isValid(sumRecord(word));
        u32[word + 3] = valid ? 1 : 0;
        if (!valid) bad++;
      }
      return bad;
    },
  };
}

/** CRC32c in plain TypeScript; see {@link typescriptSums}. */
export function typescriptCrc32c(memory: PacketMemory): Crc32cKernels {
  return {
    kind: "typescript",
    memory,
    crc32c(offset, length, seed = 0) {
      checkRange(memory.byteLength, offset, length);
      return crc32cTypeScript(memory.u8, offset, length, seed);
    },
  };
}
