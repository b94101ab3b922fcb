import { errnoError } from "../host/errno.ts";
import { receivesAt } from "../socket/inet-socket.ts";
import { choosePort, type Newcomer, type PortOwner } from "./tcp-ports.ts";
import type { TcpSocket } from "./tcp-socket.ts";

/** The port that a socket has, and by which right: chosen by `bind`, or for a connection. */
export class PortLease {
  readonly #socket: TcpSocket;
  #owner: PortOwner | undefined = undefined;

  constructor(socket: TcpSocket) {
    this.#socket = socket;
  }

  get isTaken(): boolean {
    return this.#owner !== undefined;
  }

  /** @param wanted 0: any. @throws SevilleError `EADDRINUSE` */
  take(wanted: number): void {
    const { tcp, host } = this.#socket;
    const newcomer = this.#newcomer();
    const port = wanted === 0 ? choosePort(host, "bind", (free) => !tcp.ports.conflicts(free, newcomer)) : wanted;
    if (wanted !== 0 && tcp.ports.conflicts(port, newcomer)) throw errnoError("EADDRINUSE", undefined, "port");
    this.own(port, true);
  }

  own(port: number, isBound: boolean): void {
    if (this.#owner !== undefined) return;
    this.#socket.localPort = port;
    this.#owner = { ...this.#newcomer(), port, isListening: false, isBound };
    this.#socket.tcp.ports.add(this.#owner);
  }

  /** Only one may listen where several are bound (`inet_csk_listen_start`). @throws SevilleError `EADDRINUSE` */
  beginListening(): void {
    const owner = this.#owner;
    if (owner === undefined) return;
    owner.isListening = true;
    if (!this.#socket.tcp.ports.conflicts(owner.port, owner, owner)) return;
    owner.isListening = false;
    throw errnoError("EADDRINUSE", "another socket listens there", "port");
  }

  endListening(): void {
    if (this.#owner !== undefined) this.#owner.isListening = false;
  }

  /** Address, device or SO_REUSE… have changed. */
  update(): void {
    if (this.#owner !== undefined) Object.assign(this.#owner, this.#newcomer());
  }

  /** The connection is over: a port that `bind` chose stays. Answers whether it does. */
  endConnection(): boolean {
    if (this.#owner?.isBound === true) return true;
    this.giveUp();
    return false;
  }

  giveUp(): void {
    if (this.#owner !== undefined) this.#socket.tcp.ports.remove(this.#owner);
    this.#owner = undefined;
  }

  /** As {@link PortLease.giveUp}, but answers who had it, for what is left of the connection. */
  handOver(): PortOwner | undefined {
    const owner = this.#owner;
    this.giveUp();
    return owner;
  }

  #newcomer(): Newcomer {
    const { family, localAddress, boundDevice, options } = this.#socket;
    return {
      receives: receivesAt(family, localAddress, options.IPV6_V6ONLY !== 0),
      device: boundDevice,
      reuse: options.SO_REUSEADDR !== 0,
      reuseport: options.SO_REUSEPORT !== 0,
    };
  }
}
