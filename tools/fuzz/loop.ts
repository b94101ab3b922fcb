// The fuzzing loop. Runs in a worker, so that an input that never ends can be caught from outside.
import { Script } from "node:vm";
import { parentPort, workerData } from "node:worker_threads";
import { createRandom } from "../../packages/core/src/random.ts";
import { Coverage } from "./coverage.ts";
import { COVERAGE_VARIABLE } from "./instrument.ts";
import { mutate } from "./mutate.ts";
import type { FuzzTarget } from "./target.ts";

export interface LoopInput {
  readonly script: string;
  readonly literals: number[];
  readonly corpus: Uint8Array[];
  readonly seed: number;
  readonly seconds: number;
  /** [executions, length of the current input], then the input's bytes: readable while the loop hangs. */
  readonly shared: SharedArrayBuffer;
}

export type LoopMessage =
  | { readonly type: "progress" | "done"; readonly executions: number; readonly inputs: number; readonly reached: number; readonly all: number }
  | { readonly type: "found"; readonly input: Uint8Array }
  | { readonly type: "crash"; readonly input: Uint8Array; readonly stack: string }; // prettier-ignore

const STATUS_WORDS = 2;
const REPORT_EVERY_MS = 1000;

const { script, literals, corpus, seed, seconds, shared } = workerData as LoopInput;
const status = new Int32Array(shared, 0, STATUS_WORDS);
const current = new Uint8Array(shared, STATUS_WORDS * 4);

function load(): { target: FuzzTarget; coverage: Coverage } {
  const module: { exports: { target?: FuzzTarget } } = { exports: {} };
  const wrapper = new Script(`(function (module, exports) { ${script}\n})`).runInThisContext() as (
    module: object,
    exports: object,
  ) => void;
  wrapper(module, module.exports);
  const { target } = module.exports;
  if (target === undefined) throw new Error("the target's file does not export `target`");
  const data = (globalThis as Record<string, unknown>)[COVERAGE_VARIABLE] as Record<string, never>;
  return { target, coverage: new Coverage(data["target.js"] as never) };
}

const { target, coverage } = load();
const kept: Uint8Array[] = [];
let executions = 0;

/** Runs one input; `false`: it crashed. */
function tryInput(input: Uint8Array): boolean {
  current.set(input.subarray(0, current.length));
  Atomics.store(status, 1, input.length);
  Atomics.store(status, 0, ++executions);
  coverage.begin();
  try {
    target.run(input.slice());
  } catch (error) {
    const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
    post({ type: "crash", input, stack });
    return false;
  }
  if (coverage.end()) {
    kept.push(input);
    post({ type: "found", input });
  }
  return true;
}

function post(message: LoopMessage): void {
  parentPort?.postMessage(message);
}

function report(type: "progress" | "done"): void {
  post({ type, executions, inputs: kept.length, ...coverage.reached });
}

const random = createRandom(seed);
const started = performance.now();
let reported = started;
let running = true;
for (const input of [...target.seeds(), ...corpus, new Uint8Array(0)]) running = running && tryInput(input);
while (running) {
  // The newest inputs reach the newest code: half of the time take one of those.
  const recent = Math.min(kept.length, 32);
  const index = random.bool(0.5) ? kept.length - 1 - random.below(recent) : random.below(kept.length);
  running = tryInput(mutate(kept[index] as Uint8Array, { random, literals, corpus: kept }));
  if ((executions & 127) !== 0) continue;
  const now = performance.now();
  if (now - reported >= REPORT_EVERY_MS) {
    report("progress");
    reported = now;
  }
  if (now - started >= seconds * 1000) break;
}
report("done");
