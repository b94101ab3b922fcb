import type { PacketMemory } from "@seville/core";
import { wasm as crc32cBase64 } from "../crc32c.generated.ts";
import type { Crc32cKernels, KernelKind, SumKernels } from "../kernels.ts";
import { checkRange, checkTable, SUM_RECORD_BYTES } from "../range.ts";
import { wasm as sumBase64 } from "../sum.generated.ts";
import { compileAsync, compileSync, kernelModule } from "./module.ts";

/** What assembly/sum.ts exports. */
interface SumExports {
  sum(at: number, length: number, seed: number): number;
  copyAndSum(target: number, source: number, length: number, seed: number): number;
  sumMany(table: number, count: number): void;
  verifyMany(table: number, count: number): number;
}

/** What assembly/crc32c.ts exports. */
interface Crc32cExports {
  scratchBytes(): number;
  prepare(scratch: number): void;
  crc32c(scratch: number, at: number, length: number, seed: number): number;
}

const sumModule = /* @__PURE__ */ kernelModule(sumBase64);
const crc32cModule = /* @__PURE__ */ kernelModule(crc32cBase64);

/**
 * Compiles the kernels without blocking. Needed only on a browser's main thread where synchronous compilation is
 * refused; call it before the first bind. Answers which kind {@link bindChecksum} will give for a WebAssembly memory.
 */
export async function initChecksum(): Promise<KernelKind> {
  const modules = await Promise.all([compileAsync(sumModule), compileAsync(crc32cModule)]);
  return modules.every((module) => module !== undefined) ? "simd" : "typescript";
}

/** Sums by the SIMD kernel, or `undefined` where that cannot run. */
export function simdSums(memory: PacketMemory): SumKernels | undefined {
  const { wasm, view, byteLength } = memory;
  if (wasm === undefined) return undefined;
  const module = compileSync(sumModule);
  if (module === undefined) return undefined;
  const kernel = instantiate(module, wasm) as unknown as SumExports;

  /** A record that points outside would trap in the middle of the table: find it before. */
  function checkRecords(table: number, count: number): void {
    checkTable(memory, table, count);
    for (let at = table, end = table + count * SUM_RECORD_BYTES; at < end; at += SUM_RECORD_BYTES) {
      checkRange(byteLength, view.getUint32(at, true), view.getUint32(at + 4, true));
    }
  }

  return {
    kind: "simd",
    memory,
    sum(offset, length, seed = 0) {
      checkRange(byteLength, offset, length);
      return kernel.sum(offset, length, seed) >>> 0;
    },
    copyAndSum(target, source, length, seed = 0) {
      checkRange(byteLength, target, length);
      checkRange(byteLength, source, length);
      return kernel.copyAndSum(target, source, length, seed) >>> 0;
    },
    sumMany(table, count) {
      checkRecords(table, count);
      kernel.sumMany(table, count);
    },
    verifyMany(table, count) {
      checkRecords(table, count);
      return kernel.verifyMany(table, count);
    },
  };
}

/** CRC32c by the SIMD kernel, or `undefined` where that cannot run. */
export function simdCrc32c(memory: PacketMemory): Crc32cKernels | undefined {
  const { wasm, byteLength } = memory;
  if (wasm === undefined) return undefined;
  const module = compileSync(crc32cModule);
  if (module === undefined) return undefined;
  const kernel = instantiate(module, wasm) as unknown as Crc32cExports;
  const scratch = memory.reserve(kernel.scratchBytes(), 64);
  kernel.prepare(scratch);
  return {
    kind: "simd",
    memory,
    crc32c(offset, length, seed = 0) {
      checkRange(byteLength, offset, length);
      return kernel.crc32c(scratch, offset, length, seed) >>> 0;
    },
  };
}

function instantiate(module: WebAssembly.Module, memory: WebAssembly.Memory): WebAssembly.Exports {
  return new WebAssembly.Instance(module, { env: { memory } }).exports;
}
