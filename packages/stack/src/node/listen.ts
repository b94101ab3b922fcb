import { Socket, type Server } from "node:net";
import { unsupported } from "@seville/core";
import { formatIp } from "@seville/packet";
import { openTcp } from "../tcp/install.ts";
import type { TcpSocket } from "../tcp/tcp-socket.ts";
import { attach } from "./attach.ts";
import { inContextOf, runInContext, type HostContext } from "./context.ts";
import { lookUp } from "./names.ts";
import { asNodeError, notFound } from "./node-error.ts";

/** What `server.listen` takes, as `net._normalizeArgs` leaves it. */
export interface ListenArguments {
  readonly port?: number | string;
  readonly host?: string;
  readonly path?: string | null;
  readonly fd?: number | null;
  readonly backlog?: number;
  readonly ipv6Only?: boolean;
}

/** What of `net.Server` meets the kernel. */
interface ServerInternals {
  _handle: object | null;
  _connections: number;
  allowHalfOpen?: boolean;
  pauseOnConnect?: boolean;
  noDelay?: boolean;
  keepAlive?: boolean;
  keepAliveInitialDelay?: number;
}

/** As `net.Server` has it. */
const DEFAULT_BACKLOG = 511;

/** `server.listen(options)` on a simulated host: what connects there comes to it as `connection` events. */
export function listenOn(context: HostContext, server: Server, options: ListenArguments): void {
  if (typeof options.path === "string" || typeof options.fd === "number") {
    throw unsupported("listening on a path or a descriptor on a simulated host");
  }
  const inner = server as unknown as ServerInternals;
  const port = Number(options.port ?? 0);
  const name = options.host;
  try {
    const [found] = name === undefined ? [{ address: "::", family: 6 as const }] : lookUp(context, name, 0);
    if (found === undefined) throw notFound(name ?? "");
    const isDual = name === undefined || (found.family === 6 && options.ipv6Only !== true);
    const tcp = openTcp(context.host, { family: found.family, ...(found.family === 6 ? { v6only: !isDual } : {}) });
    try {
      tcp.set("SO_REUSEADDR", 1);
      tcp.bind({ address: found.address, port });
      tcp.listen(options.backlog ?? DEFAULT_BACKLOG);
    } catch (error) {
      tcp.close();
      throw error;
    }
    inner._handle = new Handle(context, server, tcp);
  } catch (error) {
    const failure = asNodeError(error, "listen", name ?? "::", port);
    process.nextTick(() => {
      runInContext(context, () => server.emit("error", failure));
    });
    return;
  }
  process.nextTick(() => {
    // Closed in the meantime: then it never listened.
    if (inner._handle !== null) runInContext(context, () => server.emit("listening"));
  });
}

/** What stands for libuv's listening handle in `server._handle`. */
class Handle {
  readonly #context: HostContext;
  readonly #server: Server;
  readonly #tcp: TcpSocket;
  readonly #end = (): void => {
    this.#server.close();
  };

  constructor(context: HostContext, server: Server, tcp: TcpSocket) {
    this.#context = context;
    this.#server = server;
    this.#tcp = tcp;
    context.programs.endings.add(this.#end);
    tcp.onReady = inContextOf(context, () => {
      this.#accept();
    });
  }

  close(closed?: () => void): void {
    this.#context.programs.endings.delete(this.#end);
    this.#tcp.onReady = undefined;
    this.#tcp.close();
    if (closed !== undefined) process.nextTick(closed);
  }

  getsockname(out: { address?: string; family?: string; port?: number }): number {
    const { localAddress, localPort } = this.#tcp;
    out.address = formatIp(localAddress);
    out.family = typeof localAddress === "number" ? "IPv4" : "IPv6";
    out.port = localPort;
    return 0;
  }

  ref(): void {
    // A simulated listener keeps no real event loop alive.
  }

  unref(): void {
    // As above.
  }

  #accept(): void {
    for (let tcp = this.#tcp.accept(); tcp !== undefined; tcp = this.#tcp.closed ? undefined : this.#tcp.accept()) {
      this.#connection(tcp);
    }
  }

  #connection(tcp: TcpSocket): void {
    const server = this.#server;
    const inner = server as unknown as ServerInternals;
    if (inner._connections >= (server.maxConnections > 0 ? server.maxConnections : Infinity)) {
      const { connection } = tcp;
      tcp.close();
      server.emit("drop", {
        localAddress: formatIp(tcp.localAddress),
        localPort: tcp.localPort,
        remoteAddress: connection === undefined ? undefined : formatIp(connection.remoteAddress),
        remotePort: connection?.remotePort,
      });
      return;
    }
    const socket = new Socket({ allowHalfOpen: inner.allowHalfOpen === true });
    attach(socket, tcp, this.#context);
    if (inner.noDelay === true) socket.setNoDelay(true);
    if (inner.keepAlive === true) socket.setKeepAlive(true, inner.keepAliveInitialDelay);
    inner._connections++;
    Object.assign(socket, { server, _server: server });
    if (inner.pauseOnConnect === true) socket.pause();
    else socket.read(0);
    server.emit("connection", socket);
  }
}
