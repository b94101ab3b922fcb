/** Signals that end a process that does not expect them. */
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

const pending = new Set<() => void>();

/**
 * Has `clean` called when the process ends before it is taken back: by exit, by an error, or by a signal that nobody
 * else handles. It must be synchronous. SIGKILL leaves no time for anything.
 *
 * @returns how to take it back
 */
export function onProcessEnd(clean: () => void): () => void {
  if (pending.size === 0) watch();
  pending.add(clean);
  return () => {
    pending.delete(clean);
    if (pending.size === 0) unwatch();
  };
}

function watch(): void {
  process.on("exit", cleanAll);
  // First, for a listener added by `once` is no longer counted when it is called.
  for (const signal of SIGNALS) process.prependListener(signal, handleSignal);
}

function unwatch(): void {
  process.removeListener("exit", cleanAll);
  for (const signal of SIGNALS) process.removeListener(signal, handleSignal);
}

function cleanAll(): void {
  for (const clean of pending) clean();
  pending.clear();
}

/** A program that handles the signal itself decides what becomes of it; otherwise it ends the process, as it would have. */
function handleSignal(signal: NodeJS.Signals): void {
  if (process.listenerCount(signal) > 1) return;
  cleanAll();
  unwatch();
  process.kill(process.pid, signal);
}
