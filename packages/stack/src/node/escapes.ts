import { createHook } from "node:async_hooks";
import { currentContext } from "./context.ts";

/**
 * Resources of Node whose completion the world does not order: the thread pool, real sockets, other threads. A program that uses
 * them is not the same twice.
 */
const ESCAPES: ReadonlySet<string> = new Set([
  "FSREQCALLBACK",
  "FSREQPROMISE",
  "FILEHANDLE",
  "GETADDRINFOREQWRAP",
  "GETNAMEINFOREQWRAP",
  "QUERYWRAP",
  "PBKDF2REQUEST",
  "SCRYPTREQUEST",
  "RANDOMBYTESREQUEST",
  "KEYPAIRGENREQUEST",
  "SIGNREQUEST",
  "HASHREQUEST",
  "TLSWRAP",
  "TCPWRAP",
  "TCPSERVERWRAP",
  "UDPWRAP",
  "PIPEWRAP",
  "PROCESSWRAP",
  "WORKER",
  "ZLIB",
]);

/** Counts, in their world, what programs do that escapes the simulation. @returns how to end that */
export function watchEscapes(): () => void {
  const hook = createHook({
    init: (_id, type) => {
      if (!ESCAPES.has(type)) return;
      const context = currentContext();
      if (context === undefined) return;
      const { escapes } = context.programs;
      escapes.set(type, (escapes.get(type) ?? 0) + 1);
    },
  });
  hook.enable();
  return () => {
    hook.disable();
  };
}
