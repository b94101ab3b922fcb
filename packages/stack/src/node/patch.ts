import dns from "node:dns";
import http from "node:http";
import { syncBuiltinESMExports } from "node:module";
import net, { type Server, type Socket } from "node:net";
import timers from "node:timers";
import timersPromises from "node:timers/promises";
import { promisify } from "node:util";
import { SevilleError } from "@seville/core";
import { connectOn } from "./connect.ts";
import { currentContext } from "./context.ts";
import { listenOn } from "./listen.ts";
import { lookUp } from "./names.ts";
import { notFound } from "./node-error.ts";
import { VirtualTimer, virtualDateNow, virtualPerformanceNow } from "./virtual-time.ts";

/** How many worlds need the patches. */
let users = 0;
let restore: (() => void) | undefined;

/**
 * Turns the places where Node meets the network and the clock to the simulated host whose code is running, if it is that of
 * one: `Socket.connect`, `Server.listen`, `dns.lookup`, timers, `Date`, `performance.now`. All other code sees what it always saw.
 *
 * @returns how to end that; the last one to call it restores everything
 */
export function patchNode(): () => void {
  if (users++ === 0) restore = install();
  let isMine = true;
  return () => {
    if (!isMine) return;
    isMine = false;
    if (--users > 0) return;
    restore?.();
    restore = undefined;
  };
}

type Method = (this: unknown, ...given: never[]) => unknown;

function install(): () => void {
  const undo: (() => void)[] = [];
  /** Replaces `object[name]` by what `make` makes of it. */
  const replace = <Key extends string>(
    object: Record<Key, unknown>,
    name: Key,
    make: (original: Method) => unknown,
  ): void => {
    const original = object[name] as Method;
    const own = Object.getOwnPropertyDescriptor(object, name);
    Object.defineProperty(object, name, { ...own, value: make(original), configurable: true });
    undo.push(() => {
      if (own === undefined) Reflect.deleteProperty(object, name);
      else Object.defineProperty(object, name, own);
    });
  };
  patchSockets(replace);
  patchTimers(replace);
  patchClock(replace, undo);
  syncBuiltinESMExports();
  return () => {
    for (const one of undo.reverse()) one();
    syncBuiltinESMExports();
  };
}

type Replace = <Key extends string>(
  object: Record<Key, unknown>,
  name: Key,
  make: (original: Method) => unknown,
) => void;

function patchSockets(replace: Replace): void {
  const { Socket, Server } = net;
  const normalize = (net as unknown as { _normalizeArgs?: (given: unknown[]) => [object, Callback | null] })
    ._normalizeArgs;
  if (normalize === undefined) {
    throw new SevilleError(
      "ERR_NODE_INTERNALS",
      `Node ${process.version} has no net._normalizeArgs: unmodified programs cannot run on simulated hosts`,
    );
  }
  replace(
    Socket.prototype as unknown as Record<"connect", unknown>,
    "connect",
    (original) =>
      function connect(this: Socket, ...given: unknown[]): unknown {
        const context = currentContext();
        if (context === undefined) return Reflect.apply(original, this, given);
        // Node hands what it has normalised already on as one array.
        const [options, callback] = Array.isArray(given[0])
          ? (given[0] as [object, Callback | null])
          : normalize(given);
        if (callback !== null) this.once("connect", callback);
        connectOn(context, this, options);
        return this;
      },
  );
  replace(
    Server.prototype as unknown as Record<"listen", unknown>,
    "listen",
    (original) =>
      function listen(this: Server, ...given: unknown[]): unknown {
        const context = currentContext();
        if (context === undefined) return Reflect.apply(original, this, given);
        if (this.listening) {
          const error = new Error("Listen method has been called more than once without closing.");
          throw Object.assign(error, { code: "ERR_SERVER_ALREADY_LISTEN" });
        }
        const [options, callback] = normalize(given);
        if (callback !== null) this.once("listening", callback);
        const last = given[2] ?? given[1];
        const backlog = typeof last === "number" ? { backlog: last } : {};
        listenOn(context, this, { ...backlog, ...options });
        return this;
      },
  );
  replace(
    dns as unknown as Record<"lookup", unknown>,
    "lookup",
    (original) =>
      function lookup(this: unknown, name: string, given: unknown, last?: unknown): unknown {
        const context = currentContext();
        const rest = last === undefined ? [given] : [given, last];
        if (context === undefined) return Reflect.apply(original, this, [name, ...rest] as never);
        const callback = (last ?? given) as (...answer: unknown[]) => void;
        const options = (typeof given === "object" ? given : { family: given }) as { family?: unknown; all?: boolean };
        const family =
          options.family === 6 || options.family === "IPv6"
            ? 6
            : options.family === 4 || options.family === "IPv4"
              ? 4
              : 0;
        const found = lookUp(context, name, family);
        const [first] = found;
        process.nextTick(() => {
          if (first === undefined) callback(notFound(name));
          else if (options.all === true) callback(null, found);
          else callback(null, first.address, first.family);
        });
        return {};
      },
  );
  replace(
    dns.promises as unknown as Record<"lookup", unknown>,
    "lookup",
    (original) =>
      // eslint-disable-next-line @typescript-eslint/require-await -- as dns.promises.lookup: what it throws is a rejection
      async function lookup(
        this: unknown,
        name: string,
        options: { family?: number; all?: boolean } = {},
      ): Promise<unknown> {
        const context = currentContext();
        if (context === undefined) return Reflect.apply(original, this, [name, options] as never);
        const found = lookUp(context, name, options.family ?? 0);
        const [first] = found;
        if (first === undefined) throw notFound(name);
        return options.all === true ? found : first;
      },
  );
  // Kept-alive connections of one agent that code of several hosts uses belong to the host that made them.
  replace(
    http.Agent.prototype as unknown as Record<"getName", unknown>,
    "getName",
    (original) =>
      function getName(this: unknown, ...given: unknown[]): string {
        const name = Reflect.apply(original, this, given) as string;
        const context = currentContext();
        return context === undefined ? name : `${name}:on ${context.host.name}`;
      },
  );
}

type Callback = () => void;

function patchTimers(replace: Replace): void {
  for (const [start, repeats] of [
    ["setTimeout", false],
    ["setInterval", true],
  ] as const) {
    const make = (original: Method): unknown => {
      const patched = (callback: (...given: unknown[]) => void, delayMs: number, ...given: unknown[]): unknown => {
        const context = currentContext();
        if (context === undefined) return Reflect.apply(original, globalThis, [callback, delayMs, ...given] as never);
        return new VirtualTimer(context, callback, delayMs, repeats, given);
      };
      const custom = (original as { [promisify.custom]?: unknown })[promisify.custom];
      if (custom !== undefined)
        Object.defineProperty(patched, promisify.custom, { value: promisedTimeout(custom as Method) });
      return patched;
    };
    replace(globalThis, start, make);
    replace(timers as unknown as Record<typeof start, unknown>, start, make);
  }
  for (const stop of ["clearTimeout", "clearInterval"] as const) {
    const make =
      (original: Method): unknown =>
      (timer: unknown): void => {
        if (timer instanceof VirtualTimer) timer.close();
        else Reflect.apply(original, globalThis, [timer] as never);
      };
    replace(globalThis, stop, make);
    replace(timers as unknown as Record<typeof stop, unknown>, stop, make);
  }
  replace(timersPromises as unknown as Record<"setTimeout", unknown>, "setTimeout", promisedTimeout);
}

/** `setTimeout` of node:timers/promises. */
function promisedTimeout(original: Method): unknown {
  return (delayMs: number, value?: unknown, options: { signal?: AbortSignal } = {}): unknown => {
    const context = currentContext();
    if (context === undefined) return Reflect.apply(original, undefined, [delayMs, value, options] as never);
    return new Promise((resolve, reject) => {
      const { signal } = options;
      const abort = (): void => {
        timer.close();
        reject(signal?.reason as Error);
      };
      const timer = new VirtualTimer(
        context,
        () => {
          signal?.removeEventListener("abort", abort);
          resolve(value);
        },
        delayMs,
        false,
        [],
      );
      if (signal?.aborted === true) abort();
      else signal?.addEventListener("abort", abort, { once: true });
    });
  };
}

function patchClock(replace: Replace, undo: (() => void)[]): void {
  const { Date: RealDate } = globalThis;
  const now = (): number => {
    const context = currentContext();
    return context === undefined ? RealDate.now() : virtualDateNow(context);
  };
  // `new Date()` and `Date()` without arguments ask the clock; everything else is Date's own.
  globalThis.Date = new Proxy(RealDate, {
    construct: (target, given, newTarget: unknown) => {
      const made = given.length === 0 ? [now()] : given;
      return Reflect.construct(
        target,
        made,
        newTarget === globalThis.Date ? target : (newTarget as typeof Date),
      ) as object;
    },
    apply: () => new RealDate(now()).toString(),
    get: (target, key, receiver) => (key === "now" ? now : (Reflect.get(target, key, receiver) as unknown)),
  });
  undo.push(() => {
    globalThis.Date = RealDate;
  });
  replace(performance as unknown as Record<"now", unknown>, "now", (original) => (): number => {
    const context = currentContext();
    return context === undefined
      ? (Reflect.apply(original, performance, []) as number)
      : virtualPerformanceNow(context);
  });
}
