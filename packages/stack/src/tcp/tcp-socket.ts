import type { IpAddress } from "@seville/packet";
import type { ListenAddress, TcpConnection, TcpInfo, TcpListener } from "@seville/tcp";
import { errnoError, type Errno } from "../host/errno.ts";
import { IPPROTO_TCP } from "../host/protocols.ts";
import { InetSocket, receivesAt } from "../socket/inet-socket.ts";
import type { SocketOption } from "../socket/options.ts";
import {
  anyAddress,
  presentAddress,
  resolveAddress,
  type SocketAddress,
  type SocketAddressLike,
} from "../socket/socket-address.ts";
import { checkBindAddress } from "../udp/udp-bind.ts";
import { connectTo } from "./connect.ts";
import { EPOLLERR, EPOLLHUP, EPOLLIN, MSG_FASTOPEN, MSG_OOB, SHUT_RD, SHUT_RDWR, SHUT_WR } from "./constants.ts";
import { PortLease } from "./port-lease.ts";
import { POLL_FRESH, pollConnection, pollListener } from "./readiness.ts";
import { SocketSettings, type OptionInput, type OptionValue } from "./socket-settings.ts";
import type { TcpHost } from "./tcp-host.ts";
import { choosePort } from "./tcp-ports.ts";

export interface TcpSocketInit {
  /** 6: an IPv6 socket, which takes IPv4 too unless `v6only`. Default 4. */
  readonly family?: 4 | 6;
  readonly v6only?: boolean;
}

/** What {@link TcpSocket.recv} reads at most when it is not told. */
const DEFAULT_READ = 65_536;
/** `sk_shutdown`. */
const SEND_SHUTDOWN = 2;
const HOW: ReadonlyMap<number, "read" | "write" | "both"> = new Map<number, "read" | "write" | "both">([
  [SHUT_RD, "read"],
  [SHUT_WR, "write"],
  [SHUT_RDWR, "both"],
]);

/**
 * A TCP socket (tcp(7)). Every call is the system call on a non-blocking socket, and fails with its errno; only where that
 * would be EAGAIN or EINPROGRESS it answers that there is nothing yet. {@link TcpSocket.poll} tells what can be
 * done, {@link TcpSocket.onReady} when that may have changed.
 */
export class TcpSocket extends InetSocket {
  readonly protocol: number = IPPROTO_TCP;
  readonly tcp: TcpHost;
  localAddress: IpAddress;
  /** 0: not bound yet. */
  localPort = 0;
  /** Called with {@link TcpSocket.poll} when it may have changed. */
  onReady: ((events: number) => void) | undefined = undefined;
  /** @internal */
  readonly settings: SocketSettings;
  /** @internal */
  readonly waiters: Set<() => void> = new Set<() => void>();
  readonly #lease: PortLease;
  #listener: TcpListener | undefined = undefined;
  #connection: TcpConnection | undefined = undefined;
  /** The address that `bind` set, which outlives a connection. */
  #boundAddress: IpAddress;

  constructor(tcp: TcpHost, init: TcpSocketInit = {}) {
    const { family = 4, v6only } = init;
    super(tcp.host, family);
    this.tcp = tcp;
    if (v6only !== undefined) this.options.IPV6_V6ONLY = v6only ? 1 : 0;
    this.options.SO_RCVBUF = tcp.settings.tcp_rmem[1];
    this.options.SO_SNDBUF = tcp.settings.tcp_wmem[1];
    this.localAddress = anyAddress(family);
    this.#boundAddress = this.localAddress;
    this.settings = new SocketSettings(this);
    this.#lease = new PortLease(this);
    tcp.sockets.add(this);
  }

  /** The engine's connection, for those who look closely; `undefined`: none was begun. */
  get connection(): TcpConnection | undefined {
    return this.#connection;
  }

  get listener(): TcpListener | undefined {
    return this.#listener;
  }

  /** The state by its kernel name: `CLOSE`, `LISTEN`, `SYN_SENT`, `ESTABLISHED` … */
  get state(): TcpConnection["state"] {
    return this.#listener === undefined ? (this.#connection?.state ?? "CLOSE") : "LISTEN";
  }

  /**
   * Takes an address and a port; without, any of them.
   * @throws SevilleError `EADDRINUSE`, `EADDRNOTAVAIL`, `EINVAL` (bound already), `ENODEV`
   */
  bind(to: SocketAddressLike = {}): void {
    this.assertOpen();
    if (this.localPort !== 0 || this.#connection !== undefined)
      throw errnoError("EINVAL", "the socket is bound already");
    const { address, port, ifindex } = resolveAddress(this.host, this.family, to, anyAddress(this.family));
    if (this.family === 6 && typeof address === "number" && this.options.IPV6_V6ONLY !== 0) {
      throw errnoError("EINVAL", "IPV6_V6ONLY", "address");
    }
    const zone = ifindex === 0 ? this.boundDevice : ifindex;
    checkBindAddress(this.host, address, zone, this.options.IP_FREEBIND !== 0);
    if (ifindex !== 0) this.options.SO_BINDTOIFINDEX = ifindex;
    this.localAddress = address;
    try {
      this.#lease.take(port);
    } catch (error) {
      this.localAddress = this.#boundAddress;
      throw error;
    }
    this.#boundAddress = address;
  }

  /**
   * Waits for connections; again with another `backlog` changes that.
   * @throws SevilleError `EINVAL` (connected), `EADDRINUSE` (another listens there)
   */
  listen(backlog: number = this.tcp.settings.somaxconn): void {
    this.assertOpen();
    if (this.#connection !== undefined) throw errnoError("EINVAL", "the socket is connected");
    const { somaxconn } = this.tcp.settings;
    const limit = backlog < 0 ? somaxconn : Math.min(backlog, somaxconn);
    if (this.#listener !== undefined) {
      this.#listener.backlog = limit;
      return;
    }
    if (!this.#lease.isTaken) this.#lease.take(0);
    this.#lease.beginListening();
    const { settings } = this;
    const where = this.#listenAddress();
    const listener = this.tcp.act((endpoint, now) =>
      endpoint.listen({ ...where, backlog: limit, fastOpen: settings.fastOpenMax, options: settings.all }, now),
    );
    this.#listener = listener;
    settings.giveKeys(listener);
    this.tcp.setListener(listener, this);
  }

  /** The oldest connection that came; `undefined`: none is there. @throws SevilleError `EINVAL` (not listening) */
  accept(): TcpSocket | undefined {
    this.assertOpen();
    const listener = this.#listener;
    if (listener === undefined) throw errnoError("EINVAL", "the socket does not listen");
    const connection = this.tcp.act((endpoint, now) => endpoint.accept(listener, now));
    if (connection === undefined) return undefined;
    const socket = new TcpSocket(this.tcp, { family: this.family });
    Object.assign(socket.options, this.options);
    socket.options.SO_BINDTOIFINDEX = connection.ifindex;
    socket.settings.inherit(this.settings);
    socket.adopt(connection);
    return socket;
  }

  /**
   * Begins to connect; {@link TcpSocket.poll} tells when it is done (EPOLLOUT) or has failed (EPOLLERR, and `SO_ERROR`).
   * @throws SevilleError `ENETUNREACH`, `EHOSTUNREACH`, `EADDRNOTAVAIL`, `EALREADY`, `EISCONN`, `EAFNOSUPPORT`, `EINVAL`
   */
  connect(to: SocketAddressLike): void {
    this.assertOpen();
    this.#assertUnconnected();
    connectTo(this, to, undefined);
  }

  /** Takes a connection or listener apart so that the socket can be used again (`connect` with AF_UNSPEC). */
  disconnect(): void {
    this.assertOpen();
    const connection = this.#connection;
    if (this.#listener !== undefined) this.#stopListening();
    if (connection === undefined) return;
    this.tcp.act((endpoint, now) => endpoint.abort(connection, now));
    this.#forget();
  }

  /**
   * Gives bytes to TCP and answers how many it took: 0 if there is no room now. `MSG_MORE`, `MSG_EOR`, `MSG_OOB` (the last byte is
   * urgent), and `MSG_FASTOPEN` with the address to connect to.
   * @throws SevilleError `EPIPE`, or the error that is pending
   */
  send(bytes: Uint8Array, flags = 0, to?: SocketAddressLike): number {
    this.assertOpen();
    if ((flags & MSG_FASTOPEN) !== 0 && to !== undefined) {
      this.#assertUnconnected();
      return connectTo(this, to, bytes);
    }
    this.#throwError();
    const connection = this.#connection;
    const isOpen = connection !== undefined && connection.state !== "CLOSE";
    if (!isOpen || (connection.shutdown & SEND_SHUTDOWN) !== 0) throw errnoError("EPIPE");
    return this.tcp.act((endpoint, now) => endpoint.send(connection, bytes, flags, now));
  }

  /**
   * Takes bytes: at most `max`, and `undefined` if none are there. No bytes: the other end has finished. `MSG_PEEK` leaves them,
   * `MSG_TRUNC` throws them away (the answer says how many by its length), `MSG_OOB` takes the urgent byte.
   * @throws SevilleError `ENOTCONN`, `EINVAL` (MSG_OOB, and none is there), or the error that is pending
   */
  recv(max: number = DEFAULT_READ, flags = 0): Uint8Array | undefined {
    const readable = this.#connection?.receiveQueue?.readable ?? 0;
    // Where nothing is there, one byte of room tells "nothing yet" from the end.
    const into = new Uint8Array(Math.max(1, (flags & MSG_OOB) !== 0 ? 1 : Math.min(max, readable)));
    const count = this.recvInto(into, flags);
    if (count < 0) return undefined;
    return count === into.length ? into : into.slice(0, count);
  }

  /** {@link TcpSocket.recv} into bytes of the caller; answers how many, 0 at the end, -1: none are there. */
  recvInto(into: Uint8Array, flags = 0, max: number = into.length): number {
    this.assertOpen();
    const connection = this.#connection;
    if (connection === undefined) {
      this.#throwError();
      throw errnoError("ENOTCONN");
    }
    const room = max >= into.length ? into : into.subarray(0, max);
    return this.tcp.act((endpoint, now) => endpoint.receive(connection, room, flags, now));
  }

  /** @param how `SHUT_RD`, `SHUT_WR` or `SHUT_RDWR`. @throws SevilleError `ENOTCONN`, `EINVAL` */
  shutdown(how: number): void {
    this.assertOpen();
    const half = HOW.get(how);
    if (half === undefined) throw errnoError("EINVAL", undefined, "how");
    if (this.#listener !== undefined) {
      if (half !== "write") this.#stopListening();
      return;
    }
    const connection = this.#connection;
    if (connection === undefined || connection.state === "CLOSE") throw errnoError("ENOTCONN");
    if (connection.state === "SYN_SENT") {
      this.disconnect();
      return;
    }
    this.tcp.act((endpoint, now) => endpoint.shutdown(connection, half, now));
    this.wake();
  }

  /**
   * `setsockopt` under Linux's name: a number for most; TCP_CONGESTION a word; SO_LINGER `{onoff, linger}`; TCP_FASTOPEN_KEY 16 or 32 bytes.
   * @throws SevilleError `ENOPROTOOPT`, `EINVAL`, `ENOENT` (congestion control), `EOPNOTSUPP`
   */
  setsockopt(name: string, value: OptionInput): void {
    this.assertOpen();
    if (this.settings.set(name, value)) return;
    if (name === "SO_BINDTODEVICE" && typeof value === "string") this.bindToDevice(value);
    else if (typeof value === "number") this.set(name as SocketOption, value);
    else throw errnoError("EINVAL", `${name} takes something else`, name);
  }

  /** `getsockopt`. `SO_ERROR` takes the pending error away. @throws SevilleError `ENOPROTOOPT` */
  getsockopt(name: string): OptionValue {
    if (name === "SO_ERROR") return this.takeSocketError();
    if (name === "TCP_INFO") return this.info();
    return this.settings.get(name) ?? this.get(name as SocketOption);
  }

  /** `TCP_INFO`, with the kernel's field names; `undefined`: there is no connection. */
  info(): TcpInfo | undefined {
    const connection = this.#connection;
    return connection === undefined ? undefined : this.tcp.endpoint.info(connection, this.host.now);
  }

  /** `SIOCINQ`: bytes to read. @throws SevilleError `EINVAL` (listening) */
  inq(): number {
    if (this.#listener !== undefined) throw errnoError("EINVAL", "the socket listens");
    return this.#connection === undefined ? 0 : this.tcp.endpoint.readable(this.#connection);
  }

  /** `SIOCOUTQ`: bytes not acknowledged yet, and `SIOCOUTQNSD`: of those, not sent yet. */
  outq(): { readonly unacknowledged: number; readonly unsent: number } {
    const c = this.#connection;
    if (c === undefined) return { unacknowledged: 0, unsent: 0 };
    return { unacknowledged: (c.writeSeq - c.sndUna) >>> 0, unsent: (c.writeSeq - c.sndNxt) >>> 0 };
  }

  /** Whether the next byte to read is the urgent mark (`SIOCATMARK`). */
  atMark(): boolean {
    return this.#connection !== undefined && this.tcp.endpoint.atMark(this.#connection);
  }

  /** What can be done now: bits as `poll` and `epoll` have them. */
  poll(): number {
    if (this.closed) return EPOLLHUP;
    if (this.#listener !== undefined) return pollListener(this.#listener);
    const connection = this.#connection;
    if (connection === undefined) return POLL_FRESH;
    const hasSpace = this.tcp.endpoint.isWriteable(connection);
    // Whoever finds no room is to be told of it (SOCK_NOSPACE of `tcp_poll`).
    if (!hasSpace) connection.noSpace = true;
    return pollConnection(connection, hasSpace);
  }

  /** `getsockname`. */
  address(): SocketAddress {
    const ifindex = this.#connection?.ifindex ?? this.boundDevice;
    return { address: presentAddress(this.host, this.family, this.localAddress, ifindex), port: this.localPort };
  }

  /** `getpeername`. @throws SevilleError `ENOTCONN` */
  remoteAddress(): SocketAddress {
    const c = this.#connection;
    if (c === undefined || c.state === "CLOSE" || c.state === "SYN_SENT") throw errnoError("ENOTCONN");
    return { address: presentAddress(this.host, this.family, c.remoteAddress, c.ifindex), port: c.remotePort };
  }

  /** `SO_ERROR`: errno's name, or 0; taken away. */
  takeSocketError(): Errno | 0 {
    const own = this.takeError();
    if (own !== undefined) return own;
    const error = this.#connection === undefined ? undefined : this.tcp.endpoint.takeError(this.#connection);
    return (error as Errno | undefined) ?? 0;
  }

  /** @internal Something has happened: whoever waits looks again. */
  wake(): void {
    for (const waiter of [...this.waiters]) waiter();
    const { onReady, onReadable } = this;
    if (onReady === undefined && onReadable === undefined) return;
    const events = this.poll();
    if ((events & (EPOLLIN | EPOLLERR | EPOLLHUP)) !== 0) onReadable?.();
    this.onReady?.(events);
  }

  /** @internal This socket is the user of `connection` from now on. */
  adopt(connection: TcpConnection): void {
    connection.user = this;
    connection.rcvLowat = this.settings.rcvLowat;
    this.#connection = connection;
    this.localAddress = connection.localAddress;
    this.#lease.own(connection.localPort, false);
    this.#lease.update();
  }

  /** @internal A port for a connection, which must not have these ends yet. */
  takePortFor(isFree: (port: number) => boolean): number {
    if (this.localPort !== 0) return this.localPort;
    const { ports } = this.tcp;
    return choosePort(this.host, "connect", (port) => !ports.isBound(port) && isFree(port));
  }

  /** @internal `connection` is no more. A closed socket gives up its port; what is left of the connection keeps it. */
  ended(connection: TcpConnection): void {
    if (this.closed && connection === this.#connection) this.tcp.leavePort(connection, this.#lease.handOver());
  }

  /** @internal Lets go of everything without a word on the wire: the host is taken apart. */
  abandon(): void {
    this.#connection = undefined;
    this.#listener = undefined;
    this.close();
  }

  protected override detach(): void {
    this.tcp.sockets.delete(this);
    this.onReady = undefined;
    const connection = this.#connection;
    if (this.#listener !== undefined) this.#stopListening();
    if (connection === undefined) this.#lease.giveUp();
    else if (connection.state === "CLOSE") this.tcp.leavePort(connection, this.#lease.handOver());
    else this.tcp.act((endpoint, now) => endpoint.close(connection, now));
    for (const waiter of [...this.waiters]) waiter();
  }

  protected override optionChanged(name: SocketOption): void {
    if (name === "IPV6_V6ONLY" && this.localPort !== 0) throw errnoError("EINVAL", "the socket is bound already", name);
    this.#lease.update();
    if (name === "SO_RCVBUF") this.settings.change({ rcvbuf: this.options.SO_RCVBUF });
    else if (name === "SO_SNDBUF") this.settings.change({ sndbuf: this.options.SO_SNDBUF });
    else this.settings.change({});
  }

  #throwError(): void {
    const code = this.takeSocketError();
    if (code !== 0) throw errnoError(code);
  }

  #assertUnconnected(): void {
    if (this.#listener !== undefined) throw errnoError("EISCONN");
    const state = this.#connection?.state;
    if (state === undefined) return;
    if (state === "SYN_SENT" || state === "SYN_RECV") throw errnoError("EALREADY");
    if (state !== "CLOSE") throw errnoError("EISCONN");
    // A connection that failed: the error goes first, then the socket may be used again.
    this.#throwError();
    this.#forget();
  }

  /** The connection is over; the socket is as before it, with what `bind` set. */
  #forget(): void {
    if (this.#connection !== undefined) this.#connection.user = undefined;
    this.#connection = undefined;
    this.localAddress = this.#boundAddress;
    if (!this.#lease.endConnection()) this.localPort = 0;
    this.#lease.update();
  }

  #stopListening(): void {
    const listener = this.#listener;
    if (listener === undefined) return;
    this.#listener = undefined;
    this.tcp.setListener(listener, undefined);
    this.tcp.act((endpoint, now) => endpoint.closeListener(listener, now));
    this.#lease.endListening();
  }

  #listenAddress(): ListenAddress {
    const { v4, v6 } = receivesAt(this.family, this.localAddress, this.options.IPV6_V6ONLY !== 0);
    const where = { port: this.localPort, ifindex: this.boundDevice };
    if (v4 !== 0 && v6 !== anyAddress(6)) return { ...where, address: this.localAddress };
    if (v4 !== undefined && v6 !== undefined) return where;
    return { ...where, family: v4 === undefined ? 6 : 4 };
  }
}
