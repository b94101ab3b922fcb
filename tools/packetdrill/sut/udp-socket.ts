import type { UdpSocket } from "../../../packages/stack/src/index.ts";
import { UnsupportedError } from "../language/errors.ts";
import { withErrno } from "./errno.ts";
import {
  ErrnoError,
  POLLIN,
  POLLOUT,
  type OptionValue,
  type SendOptions,
  type SocketAddress,
  type SutSocket,
} from "./system.ts";

type OptionName = Parameters<UdpSocket["get"]>[0];

/** A UDP socket of `@seville/stack`, as the runner sees it. */
export class StackUdpSocket implements SutSocket {
  readonly #socket: UdpSocket;

  constructor(socket: UdpSocket) {
    this.#socket = socket;
  }

  bind({ address, port }: SocketAddress): void {
    withErrno(() => this.#socket.bind({ address, port }));
  }

  listen(): void {
    throw new ErrnoError("EOPNOTSUPP");
  }

  accept(): SutSocket {
    throw new ErrnoError("EOPNOTSUPP");
  }

  connect({ address, port }: SocketAddress): void {
    withErrno(() => this.#socket.connect({ address, port }));
  }

  send(data: Uint8Array, { to }: SendOptions): number {
    withErrno(() =>
      to === undefined ? this.#socket.send(data) : this.#socket.send(data, { address: to.address, port: to.port }),
    );
    return data.length;
  }

  receive(length: number): Uint8Array {
    const datagram = withErrno(() => this.#socket.recv());
    if (datagram === undefined) throw new ErrnoError("EAGAIN");
    return datagram.data.subarray(0, length);
  }

  shutdown(): void {
    throw new UnsupportedError("shutdown() of a UDP socket");
  }

  close(): void {
    this.#socket.close();
  }

  setOption(_level: string, name: string, value: OptionValue): void {
    if (typeof value !== "number") throw new UnsupportedError(`socket option ${name}`);
    withErrno(() => this.#socket.set(name as OptionName, value));
  }

  getOption(_level: string, name: string): OptionValue {
    if (name === "SO_ERROR") return this.#socket.takeError() ?? "";
    return withErrno(() => this.#socket.get(name as OptionName));
  }

  ioctl(request: string): number {
    if (request === "SIOCINQ") return this.#socket.queued.bytes;
    throw new UnsupportedError(`ioctl ${request} of a UDP socket`);
  }

  tcpInfo(): Readonly<Record<string, number>> {
    return {};
  }

  poll(): number {
    return (this.#socket.queued.packets > 0 ? POLLIN : 0) | POLLOUT;
  }

  localPort(): number {
    return this.#socket.address().port;
  }
}
