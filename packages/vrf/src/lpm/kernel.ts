import { wasm as lpmBase64 } from "../lpm.generated.ts";

/** Addresses that a kernel answers per call. Larger batches are cut. */
export const BATCH = 2048;

/** What assembly/lpm.ts exports. Byte offsets; the batch stands at 0, its answers behind it. */
interface LpmExports {
  compact(index: number, count: number, answers: number): void;
  dir24(index: number, count: number, answers: number): void;
}

/** Looks every address up: `answers[i]` becomes the value's number for `addresses[i]`, 0 if no prefix holds it. */
export type BatchLookup = (addresses: Uint32Array, answers: Uint32Array) => void;

interface TableMemory {
  /** All of the memory. */
  readonly words: Uint32Array<ArrayBuffer>;
  /** The batch lookup over it: by WebAssembly, by `single` where that cannot run. */
  batch(words: Uint32Array, single: (words: Uint32Array, address: number) => number): BatchLookup;
}

/** Memory for a table of `byteLength` bytes that a kernel can read: it begins with the batch (in, out). */
export function bindLookup(
  byteLength: number,
  { kind, index }: { kind: keyof LpmExports; index: number },
): TableMemory {
  const module = compile();
  if (module === undefined) return { words: new Uint32Array(Math.ceil(byteLength / 4)), batch: oneByOne };
  const pages = Math.ceil(byteLength / 65_536);
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
  const kernel = new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as LpmExports;
  return {
    words: new Uint32Array(memory.buffer),
    batch: (words) => (addresses, answers) => {
      const count = Math.min(addresses.length, answers.length);
      for (let from = 0; from < count; from += BATCH) {
        const part = Math.min(BATCH, count - from);
        words.set(part === addresses.length ? addresses : addresses.subarray(from, from + part), 0);
        kernel[kind](index, part, BATCH * 4);
        answers.set(words.subarray(BATCH, BATCH + part), from);
      }
    },
  };
}

function oneByOne(words: Uint32Array, single: (words: Uint32Array, address: number) => number): BatchLookup {
  return (addresses, answers) => {
    const count = Math.min(addresses.length, answers.length);
    for (let i = 0; i < count; i++) answers[i] = single(words, addresses[i] as number);
  };
}

let compiled: WebAssembly.Module | undefined;

/** The module; `undefined` on a host without WebAssembly, or whose policy forbids it. */
function compile(): WebAssembly.Module | undefined {
  if (compiled !== undefined || typeof WebAssembly !== "object") return compiled;
  try {
    compiled = new WebAssembly.Module(Uint8Array.from(atob(lpmBase64), (character) => character.charCodeAt(0)));
  } catch (error) {
    const isRefusal = error instanceof WebAssembly.CompileError || error instanceof EvalError;
    if (!isRefusal) throw error;
  }
  return compiled;
}
