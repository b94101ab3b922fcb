import type { PacketMemory } from "@seville/core";
import { wasm as splitBase64 } from "../../split.generated.ts";

/** What assembly/split.ts exports. */
interface SplitExports {
  split(plan: number): void;
}

let compiled: WebAssembly.Module | undefined;

/** The kernel over `memory`, or `undefined` where it cannot run: no WebAssembly, no SIMD, or a policy that forbids it. */
export function splitSimd(memory: PacketMemory, plan: number): (() => void) | undefined {
  if (memory.wasm === undefined || !compile()) return undefined;
  const instance = new WebAssembly.Instance(compiled as WebAssembly.Module, { env: { memory: memory.wasm } });
  const kernel = instance.exports as unknown as SplitExports;
  return () => {
    kernel.split(plan);
  };
}

/** Compiles without blocking, where a browser's main thread asks for that: call it before the first segmentation. */
export async function compileAsync(): Promise<boolean> {
  if (compiled !== undefined) return true;
  const bytes = decode();
  if (bytes === undefined) return false;
  try {
    compiled = await WebAssembly.compile(bytes);
    return true;
  } catch (error) {
    if (isRefusal(error)) return false;
    throw error;
  }
}

function compile(): boolean {
  if (compiled !== undefined) return true;
  const bytes = decode();
  if (bytes === undefined) return false;
  try {
    compiled = new WebAssembly.Module(bytes);
    return true;
  } catch (error) {
    if (isRefusal(error)) return false;
    throw error;
  }
}

/** The module's bytes, if this host understands them. */
function decode(): Uint8Array<ArrayBuffer> | undefined {
  if (typeof WebAssembly !== "object") return undefined;
  const bytes = Uint8Array.from(atob(splitBase64), (character) => character.charCodeAt(0));
  return WebAssembly.validate(bytes) ? bytes : undefined;
}

/** Content security policies show as CompileError or EvalError, a module too big for the main thread as RangeError. */
function isRefusal(error: unknown): boolean {
  return error instanceof WebAssembly.CompileError || error instanceof EvalError || error instanceof RangeError;
}
