import type { LookupFunction, Socket } from "node:net";
import { unsupported } from "@seville/core";
import { openTcp } from "../tcp/install.ts";
import type { TcpSocket } from "../tcp/tcp-socket.ts";
import { attach } from "./attach.ts";
import { runInContext, type HostContext } from "./context.ts";
import { lookUp, type LookedUp } from "./names.ts";
import { asNodeError, notFound } from "./node-error.ts";

/** What `net.connect` takes, as `net._normalizeArgs` leaves it. */
export interface ConnectArguments {
  readonly port?: number | string;
  readonly host?: string;
  readonly path?: string | null;
  readonly localAddress?: string | null;
  readonly localPort?: number | null;
  readonly family?: number;
  readonly noDelay?: boolean;
  readonly keepAlive?: boolean;
  readonly keepAliveInitialDelay?: number;
  readonly timeout?: number;
  readonly lookup?: LookupFunction;
}

/** `socket.connect(options)` on a simulated host: the socket belongs to it from then on. */
export function connectOn(context: HostContext, socket: Socket, options: ConnectArguments): void {
  // An HTTP agent says that it means no path by null.
  if (typeof options.path === "string") throw unsupported("a Unix domain socket on a simulated host");
  const port = Number(options.port);
  if (!Number.isInteger(port) || port < 0 || port > 0xffff) {
    throw new RangeError(`options.port should be >= 0 and < 65536. Received ${String(options.port)}.`);
  }
  (socket as unknown as { connecting: boolean }).connecting = true;
  const name = options.host ?? "localhost";
  const [to] = lookUp(context, name, options.family ?? 0);
  // What is written before the connection stands must find the simulated socket already.
  const tcp = to === undefined ? undefined : attachNew(context, socket, to, options);
  // Node tells in a later turn of its loop, too.
  process.nextTick(() => {
    if (socket.destroyed) return;
    runInContext(context, () => {
      socket.emit("lookup", to === undefined ? notFound(name) : null, to?.address, to?.family, name);
      if (to === undefined || tcp === undefined) socket.destroy(notFound(name));
      else connectTo(socket, tcp, to, port, options);
    });
  });
}

function attachNew(context: HostContext, socket: Socket, to: LookedUp, options: ConnectArguments): TcpSocket {
  const tcp = openTcp(context.host, { family: to.family });
  attach(socket, tcp, context);
  if (options.noDelay === true) socket.setNoDelay(true);
  if (options.keepAlive === true) socket.setKeepAlive(true, options.keepAliveInitialDelay);
  if (options.timeout !== undefined) socket.setTimeout(options.timeout);
  return tcp;
}

function connectTo(socket: Socket, tcp: TcpSocket, to: LookedUp, port: number, options: ConnectArguments): void {
  const { localAddress, localPort } = options;
  try {
    if (typeof localAddress === "string" || typeof localPort === "number") {
      tcp.bind({ port: localPort ?? 0, ...(typeof localAddress === "string" ? { address: localAddress } : {}) });
    }
    tcp.connect({ address: to.address, port });
  } catch (error) {
    socket.destroy(asNodeError(error, "connect", to.address, port));
  }
}
