import net, { type Server, type ServerOpts, type Socket } from "node:net";
import type { Host } from "../host/host.ts";
import { createPrograms, currentContext, runInContext, type HostContext, type Programs } from "./context.ts";
import { patchNode } from "./patch.ts";

/** `node:net` on a simulated host. */
export interface HostNet {
  /** As `net.createServer`; it listens on the host. */
  createServer(options?: ServerOpts | ((socket: Socket) => void), onConnection?: (socket: Socket) => void): Server;
  /** As `net.connect`, from the host. */
  connect(...given: unknown[]): Socket;
  createConnection(...given: unknown[]): Socket;
  readonly isIP: typeof net.isIP;
  readonly isIPv4: typeof net.isIPv4;
  readonly isIPv6: typeof net.isIPv6;
}

const contexts = new WeakMap<Host, HostContext>();

/**
 * Says to which world's programs those of `host` belong. Without, a host's programs are a world of their own: they know no
 * names, and their time begins at 1970.
 */
export function joinPrograms(host: Host, programs: Programs): HostContext {
  const context = { host, programs };
  contexts.set(host, context);
  return context;
}

export function contextOf(host: Host): HostContext {
  return contexts.get(host) ?? joinPrograms(host, createPrograms(new Map(), 0));
}

/**
 * Runs a program on `host`: `net`, `http` and whatever stands on them connect and listen there, `setTimeout`, `Date` and
 * `performance` tell its time, names are the world's. All that the program awaits, and all callbacks that it sets, run there too.
 */
export function runOn<Result>(host: Host, program: () => Result): Result {
  keepPatched();
  return runInContext(contextOf(host), program);
}

/** The host on which the calling code runs; `undefined`: the real one. */
export function currentHost(): Host | undefined {
  return currentContext()?.host;
}

/** `node:net` for `host`, for code that is given its network. */
export function netOf(host: Host): HostNet {
  keepPatched();
  const connect = (...given: unknown[]): Socket => runOn(host, () => net.connect(...(given as [never])));
  return {
    createServer: (options, onConnection) => {
      const server = net.createServer(options as ServerOpts, onConnection);
      const listen = server.listen.bind(server) as (...given: unknown[]) => Server;
      server.listen = ((...given: unknown[]) => runOn(host, () => listen(...given))) as Server["listen"];
      return server;
    },
    connect,
    createConnection: connect,
    isIP: net.isIP,
    isIPv4: net.isIPv4,
    isIPv6: net.isIPv6,
  };
}

let isPatched = false;

/** Hosts without a world that ends keep Node patched as long as the process lives. */
function keepPatched(): void {
  if (isPatched) return;
  isPatched = true;
  patchNode();
}
