import { AsyncLocalStorage } from "node:async_hooks";
import type { Host } from "../host/host.ts";

/** Whose code is running: everything that it awaits, and every callback that it sets, runs on the same host. */
export interface HostContext {
  readonly host: Host;
  readonly programs: Programs;
}

/**
 * What the programs of one world share. Whoever drives the world looks at {@link activity}: when it has changed, programs
 * have something to do before time may go on.
 */
export interface Programs {
  /** Counts every call into a program: a connection, data, a timer. */
  activity: number;
  /** Milliseconds since 1970 at the beginning of the world. */
  readonly epochMs: number;
  /** Addresses by name: what `dns.lookup` and `connect` know. */
  readonly names: ReadonlyMap<string, readonly string[]>;
  /** What programs did that the simulation neither sees nor repeats (thread pool, real sockets), by Node's name for it. */
  readonly escapes: Map<string, number>;
  /** Called when the world ends: sockets and timers that programs left open. */
  readonly endings: Set<() => void>;
}

const storage = new AsyncLocalStorage<HostContext>();

/** The host on which the code runs that asks; `undefined`: on the real one. */
export function currentContext(): HostContext | undefined {
  return storage.getStore();
}

export function runInContext<Result>(context: HostContext, run: () => Result): Result {
  return storage.run(context, run);
}

/** Makes `callback` run in the context in which it was given. */
export function inContextOf<Arguments extends unknown[]>(
  context: HostContext,
  callback: (...given: Arguments) => void,
): (...given: Arguments) => void {
  return (...given) => {
    context.programs.activity++;
    storage.run(context, callback, ...given);
  };
}

export function createPrograms(names: ReadonlyMap<string, readonly string[]>, epochMs: number): Programs {
  return { activity: 0, epochMs, names, escapes: new Map(), endings: new Set() };
}
