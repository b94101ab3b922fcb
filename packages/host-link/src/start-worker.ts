import { Worker } from "node:worker_threads";

/**
 * Starts `name` (`tap/worker`, relative to this file) as a worker thread: the built module, or the TypeScript source
 * through a small entry where this very module runs from source.
 */
export function startWorker(name: string, data: object): Worker {
  const fromSource = import.meta.url.endsWith(".ts");
  const module = new URL(`${name}${fromSource ? ".ts" : ".js"}`, import.meta.url);
  const entry = fromSource ? new URL("worker-from-source.mjs", import.meta.url) : module;
  // Nothing of the parent's command line: a test runner's loaders have no business there.
  return new Worker(entry, {
    workerData: { ...data, module: module.href },
    // Descriptors that a worker opens outlive it: whoever started it closes them.
    trackUnmanagedFds: false,
    execArgv: fromSource ? ["--conditions=@seville/source"] : [],
  });
}
