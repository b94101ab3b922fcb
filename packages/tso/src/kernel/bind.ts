import type { PacketMemory } from "@seville/core";
import { SplitPlan } from "./plan.ts";
import { splitTypeScript } from "./typescript/split.ts";
import { compileAsync, splitSimd } from "./wasm/module.ts";

/** A plan in a memory's scratch, and what carries it out. */
export interface Splitter {
  readonly kind: "simd" | "typescript";
  readonly plan: SplitPlan;
  /** Makes the segments of the plan, in one call. */
  readonly run: () => void;
  /** Is told how many bytes segmentation has copied, headers and payload; see {@link observeSegmentation}. */
  onCopied: ((bytes: number) => void) | undefined;
}

const splitters = /* @__PURE__ */ new WeakMap<PacketMemory, Splitter>();

/** The splitter of `memory`; the same each time. Takes 16 KiB of its scratch. */
export function bindSplitter(memory: PacketMemory): Splitter {
  const known = splitters.get(memory);
  if (known !== undefined) return known;
  const splitter = makeSplitter(memory);
  splitters.set(memory, splitter);
  return splitter;
}

/** A splitter of its own: tests compare the two kinds over one memory. */
export function makeSplitter(memory: PacketMemory, wanted: Splitter["kind"] = "simd"): Splitter {
  const plan = new SplitPlan(memory);
  const simd = wanted === "simd" ? splitSimd(memory, plan.at) : undefined;
  if (simd !== undefined) return { kind: "simd", plan, run: simd, onCopied: undefined };
  return { kind: "typescript", plan, run: splitTypeScript(memory, plan.at), onCopied: undefined };
}

/**
 * Tells `onCopied` from now on how many bytes each segmentation in `memory` has copied, in software that is or by whoever calls
 * `segment` and `segmentInto`; their checksums come with it. One observer at a time; `undefined` takes it away.
 */
export function observeSegmentation(memory: PacketMemory, onCopied: ((bytes: number) => void) | undefined): void {
  bindSplitter(memory).onCopied = onCopied;
}

/**
 * Compiles the kernel without blocking. Needed only on a browser's main thread where synchronous compilation is refused;
 * call it before the first packet. Answers which kind will be used for a WebAssembly memory.
 */
export async function initTso(): Promise<Splitter["kind"]> {
  return (await compileAsync()) ? "simd" : "typescript";
}
