import { wasm as lpmBase64 } from "../lpm.generated.ts";

/** Addresses that a kernel answers per call. Larger batches are cut. */
export const BATCH = 2048;

/** What assembly/lpm.ts exports. Byte offsets; the addresses of the batch stand at 0. */
interface LpmExports {
  compact4(index: number, count: number, answers: number): void;
  compact6(index: number, count: number, answers: number): void;
  dir24(index: number, count: number, answers: number): void;
}

/**
 * Looks every address up: `answers[i]` becomes the value's number for address `i`, 0 if no prefix holds it. An IPv4
 * address is one word, an IPv6 address four in the order of the wire.
 */
export type LookupMany = (addresses: Uint32Array, answers: Uint32Array) => void;

/** A table made for lookups. */
export interface CompiledTable<Lookup> {
  readonly byteLength: number;
  /** The number of the value for an address; 0: none. */
  readonly lookup: Lookup;
  readonly lookupMany: LookupMany;
}

interface KernelChoice {
  readonly kernel: keyof LpmExports;
  /** Byte offset of the table. */
  readonly index: number;
  readonly keyWords: 1 | 4;
}

interface TableMemory {
  /** All of the memory: the batch of addresses, its answers, the table. */
  readonly words: Uint32Array<ArrayBuffer>;
  /** By WebAssembly; `undefined` where that cannot run. */
  readonly lookupMany: LookupMany | undefined;
}

/** Memory of `byteLength` bytes for a table, in a form that its kernel can read. */
export function bindTable(byteLength: number, { kernel, index, keyWords }: KernelChoice): TableMemory {
  const module = compile();
  if (module === undefined) return { words: new Uint32Array(Math.ceil(byteLength / 4)), lookupMany: undefined };
  const pages = Math.ceil(byteLength / 65_536);
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
  const kernels = new WebAssembly.Instance(module, { env: { memory } }).exports as unknown as LpmExports;
  const words = new Uint32Array(memory.buffer);
  const answersAt = BATCH * keyWords;
  return {
    words,
    lookupMany: (addresses, answers) => {
      const count = Math.min(Math.floor(addresses.length / keyWords), answers.length);
      for (let from = 0; from < count; from += BATCH) {
        const part = Math.min(BATCH, count - from);
        words.set(addresses.subarray(from * keyWords, (from + part) * keyWords), 0);
        kernels[kernel](index, part, answersAt * 4);
        answers.set(words.subarray(answersAt, answersAt + part), from);
      }
    },
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
