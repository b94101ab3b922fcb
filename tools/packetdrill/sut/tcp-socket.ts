import {
  MSG_EOR,
  MSG_FASTOPEN,
  MSG_MORE,
  MSG_OOB,
  MSG_PEEK,
  MSG_TRUNC,
  SHUT_RD,
  SHUT_RDWR,
  SHUT_WR,
  type TcpSocket,
} from "../../../packages/stack/src/tcp/index.ts";
import { UnsupportedError } from "../language/errors.ts";
import { withErrno } from "./errno.ts";
import { ErrnoError, type OptionValue, type SendOptions, type SocketAddress, type SutSocket } from "./system.ts";
import { kernelNames, TCP_STATES } from "./tcp-info.ts";
import type { UdpTunnel } from "./udp-tunnel.ts";

const FLAGS: Readonly<Record<string, number>> = { MSG_EOR, MSG_FASTOPEN, MSG_MORE, MSG_OOB, MSG_PEEK, MSG_TRUNC };
/** The option of FreeBSD with which a socket connects in UDP. */
const ENCAPS_PORT = "TCP_REMOTE_UDP_ENCAPS_PORT";
const HOW = { SHUT_RD, SHUT_WR, SHUT_RDWR } as const;

/** How socket options of a system become those of the stack, which are Linux's. */
export interface OptionDialect {
  /** TCP_FASTOPEN is the client's too, `sendto` connects, and calls in the wrong state fail as FreeBSD has it. */
  readonly impliesConnect: boolean;
  /** The option and its value; an option that needs nothing done is `undefined`. */
  set(name: string, value: OptionValue): readonly [name: string, value: OptionValue] | undefined;
  get(name: string): string;
}

/** A socket of `@seville/stack`, as the runner sees it. */
export class StackTcpSocket implements SutSocket {
  readonly #socket: TcpSocket;
  readonly #dialect: OptionDialect;
  readonly #tunnel: UdpTunnel | undefined;
  /** {@link ENCAPS_PORT}, for the next connection. */
  #encapsPort = 0;
  /** TCP_FASTOPEN of a client. */
  #fastOpen = false;

  constructor(socket: TcpSocket, dialect: OptionDialect, tunnel?: UdpTunnel) {
    this.#socket = socket;
    this.#dialect = dialect;
    this.#tunnel = tunnel;
  }

  bind(address: SocketAddress): void {
    withErrno(() => this.#socket.bind({ address: address.address, port: address.port }));
  }

  listen(backlog: number): void {
    withErrno(() => this.#socket.listen(backlog));
  }

  accept(): SutSocket {
    const socket = withErrno(() => this.#socket.accept());
    if (socket === undefined) throw new ErrnoError("EAGAIN");
    return new StackTcpSocket(socket, this.#dialect, this.#tunnel);
  }

  connect(address: SocketAddress): void {
    if (address.family === "AF_UNSPEC") {
      withErrno(() => this.#socket.disconnect());
      return;
    }
    if (this.#dialect.impliesConnect && this.#socket.state === "LISTEN") throw new ErrnoError("EOPNOTSUPP");
    const to = { address: address.address, port: address.port };
    withErrno(() => {
      if (this.#fastOpen) this.#socket.send(new Uint8Array(0), MSG_FASTOPEN, to);
      else this.#socket.connect(to);
    });
    this.#tunnel?.setPeer(this.#socket.localPort, address.port, this.#encapsPort);
    const { connection } = this.#socket;
    const isWaiting = connection?.state === "SYN_SENT" || connection?.state === "SYN_RECV";
    // With TCP_FASTOPEN_CONNECT and a cookie at hand nothing is sent before the first write, and connect is done.
    if (isWaiting && connection.fastOpen?.deferred !== true) throw new ErrnoError("EINPROGRESS");
  }

  send(data: Uint8Array, { flags, to }: SendOptions): number {
    if (to?.family === "AF_UNSPEC") throw new ErrnoError(flags.has("MSG_FASTOPEN") ? "EOPNOTSUPP" : "EINVAL");
    const isFresh = this.#socket.state === "CLOSE" && this.#socket.connection === undefined;
    if (this.#dialect.impliesConnect && isFresh && to === undefined) throw new ErrnoError("ENOTCONN");
    const implied =
      this.#dialect.impliesConnect && to !== undefined && this.#socket.state === "CLOSE" ? MSG_FASTOPEN : 0;
    const count = withErrno(() =>
      to === undefined
        ? this.#socket.send(data, bitsOf(flags))
        : this.#socket.send(data, bitsOf(flags) | implied, { address: to.address, port: to.port }),
    );
    if (to !== undefined && implied !== 0) this.#tunnel?.setPeer(this.#socket.localPort, to.port, this.#encapsPort);
    if (count > 0 || data.length === 0) return count;
    const isConnecting = this.#socket.state === "SYN_SENT";
    throw new ErrnoError(isConnecting && flags.has("MSG_FASTOPEN") ? "EINPROGRESS" : "EAGAIN");
  }

  receive(length: number, flags: ReadonlySet<string>): Uint8Array {
    const bytes = withErrno(() => this.#socket.recv(length, bitsOf(flags)));
    if (bytes === undefined) throw new ErrnoError("EAGAIN");
    return bytes;
  }

  shutdown(how: keyof typeof HOW): void {
    withErrno(() => this.#socket.shutdown(HOW[how]));
  }

  close(): void {
    withErrno(() => this.#socket.close());
  }

  setOption(_level: string, name: string, value: OptionValue): void {
    if (name === ENCAPS_PORT && this.#tunnel !== undefined) {
      this.#setEncapsPort(this.#tunnel, value);
      return;
    }
    const translated = this.#dialect.set(name, value);
    if (translated === undefined) return;
    const [own, ownValue] = translated;
    if (own === "TCP_FASTOPEN" && this.#dialect.impliesConnect) this.#fastOpen = ownValue !== 0;
    const bytes =
      own === "TCP_FASTOPEN_KEY" && typeof ownValue === "string" ? Buffer.from(ownValue, "latin1") : ownValue;
    withErrno(() => this.#socket.setsockopt(own, asStackValue(bytes)));
  }

  /** FreeBSD's `tcp_ctloutput`: there must be a tunnel, and no connection. */
  #setEncapsPort(tunnel: UdpTunnel, value: OptionValue): void {
    const isPort = typeof value === "number" && value >= 0 && value <= 0xffff;
    if (!isPort || (tunnel.port === 0 && value !== 0) || this.#socket.state !== "CLOSE") throw new ErrnoError("EINVAL");
    this.#encapsPort = value;
  }

  getOption(_level: string, name: string): OptionValue {
    if (name === ENCAPS_PORT && this.#tunnel !== undefined) {
      const { localPort, connection } = this.#socket;
      return this.#tunnel.peerOf(localPort, connection?.remotePort ?? 0) || this.#encapsPort;
    }
    const value = withErrno(() => this.#socket.getsockopt(this.#dialect.get(name)));
    if (name === "SO_ERROR") return value === 0 || value === undefined ? "" : (value as string);
    if (value === undefined) throw new UnsupportedError(`socket option ${name}`);
    if (typeof value !== "object" || value instanceof Uint8Array) return value;
    return value as unknown as Readonly<Record<string, number>>;
  }

  ioctl(request: string): number {
    switch (request) {
      case "SIOCINQ":
        return withErrno(() => this.#socket.inq());
      case "SIOCOUTQ":
      case "TIOCOUTQ":
        return this.#socket.outq().unacknowledged;
      case "SIOCOUTQNSD":
        return this.#socket.outq().unsent;
      case "SIOCATMARK":
        return this.#socket.atMark() ? 1 : 0;
      default:
        throw new UnsupportedError(`ioctl ${request}`);
    }
  }

  tcpInfo(): Readonly<Record<string, number>> {
    const info = this.#socket.info();
    if (info !== undefined) return kernelNames(info);
    return { tcpi_state: TCP_STATES[this.#socket.state] ?? 0, tcpi_options: 0, tcpi_unacked: 0 };
  }

  poll(): number {
    return this.#socket.poll();
  }

  localPort(): number {
    return this.#socket.localPort;
  }
}

function bitsOf(flags: ReadonlySet<string>): number {
  let bits = 0;
  for (const flag of flags) {
    const bit = FLAGS[flag];
    if (bit === undefined) throw new UnsupportedError(flag);
    bits |= bit;
  }
  return bits;
}

function asStackValue(value: OptionValue): number | string | Uint8Array | { onoff: number; linger: number } {
  if (typeof value !== "object" || value instanceof Uint8Array) return value;
  return { onoff: value["onoff"] ?? 0, linger: value["linger"] ?? 0 };
}
