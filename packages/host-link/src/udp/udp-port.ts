import { invalidArgument, SevilleError, type DropReason } from "@seville/core";
import { createSocket, type RemoteInfo, type Socket } from "node:dgram";
import { isIP } from "node:net";
import { monotonicNow } from "../port/clock.ts";
import { PortCounters, type HostPortStats } from "../port/counters.ts";
import { fromNodeError } from "../port/errors.ts";
import { frameLengthFault, type HostPort, type PortListener } from "../port/host-port.ts";
import { PendingFrames } from "../port/pending-frames.ts";
import { L2TPV3_HEADER_BYTES, readL2tpv3Session, writeL2tpv3Header } from "./l2tpv3.ts";
import { readUdpDrops } from "./proc-net-udp.ts";

/** What is in a datagram: the Ethernet frame alone, or behind the 8 bytes of L2TPv3. */
export type UdpEncapsulation = "bare" | "l2tpv3";

export interface UdpPortOptions {
  /** Local port; 0: any that is free, told by {@link UdpPort.localPort}. */
  readonly port: number;
  /** Local address. Default 127.0.0.1: whoever can send here can put frames into the simulation. */
  readonly address?: string;
  /** Port of the other side. Default: that from which the last good frame came. */
  readonly peerPort?: number;
  /** Address of the other side. Default: `address`. */
  readonly peerAddress?: string;
  /** Default `l2tpv3`, which User-mode Linux and QEMU's `-netdev l2tpv3` speak; QEMU's `-netdev dgram` is `bare`. */
  readonly encapsulation?: UdpEncapsulation;
  /** L2TPv3 session of what goes out. Default 1. */
  readonly session?: number;
  /** L2TPv3 session of what comes in. Default: `session`. */
  readonly peerSession?: number;
  /** Bytes that may wait in the socket on their way out. Default 4 MiB. */
  readonly sendQueueBytes?: number;
  /** Size asked for the kernel's receive buffer, bytes (it grants no more than net.core.rmem_max). Default 4 MiB. */
  readonly receiveBufferBytes?: number;
}

/** A UDP socket whose datagrams are frames. */
export interface UdpPort extends HostPort {
  readonly localPort: number;
  /** Where frames go at present; `undefined` until there is a peer. */
  readonly peer: { readonly address: string; readonly port: number } | undefined;
}

/** The most that UDP over IPv4 carries: 65535 − 20 − 8 bytes. */
const MAX_DATAGRAM = 65_507;
const DEFAULT_BUFFER = 4 * 1024 * 1024;

/**
 * Opens a UDP socket for frames.
 *
 * With `peerPort`, datagrams from elsewhere are dropped (`IP_INVALID_SOURCE`). Without, the peer is whoever sent the last
 * datagram that held a frame, and until then frames that want to go out are dropped (`DEV_READY`).
 *
 * @throws SevilleError `EADDRINUSE`, `EACCES`, `EADDRNOTAVAIL`
 */
export async function openUdpPort(options: UdpPortOptions): Promise<UdpPort> {
  const address = options.address ?? "127.0.0.1";
  check(options, address);
  const socket = createSocket({ type: isIP(address) === 6 ? "udp6" : "udp4" });
  await new Promise<void>((resolve, reject) => {
    socket.once("error", (error) => {
      socket.close();
      reject(fromNodeError(error, `bind UDP ${address}:${options.port}`, "port"));
    });
    socket.bind(options.port, address, resolve);
  });
  socket.removeAllListeners("error");
  socket.setRecvBufferSize(options.receiveBufferBytes ?? DEFAULT_BUFFER);
  socket.setSendBufferSize(DEFAULT_BUFFER);
  return new UdpSocketPort(socket, options, address);
}

function check(options: UdpPortOptions, address: string): void {
  if (isIP(address) === 0) throw invalidArgument("address", "an IP address", address);
  const { peerAddress, peerPort } = options;
  if (peerAddress !== undefined && isIP(peerAddress) !== isIP(address)) {
    throw invalidArgument("peerAddress", "an IP address of the family of address", peerAddress);
  }
  if (!isPort(options.port, 0)) throw invalidArgument("port", "a port from 0 to 65535", options.port);
  if (peerPort !== undefined && !isPort(peerPort, 1))
    throw invalidArgument("peerPort", "a port from 1 to 65535", peerPort);
  for (const argument of ["session", "peerSession"] as const) {
    const session = options[argument] ?? 1;
    if (!Number.isInteger(session) || session < 1 || session > 0xffff_ffff) {
      throw invalidArgument(argument, "1 to 4294967295", session);
    }
  }
}

function isPort(value: number, least: number): boolean {
  return Number.isInteger(value) && value >= least && value <= 65_535;
}

class UdpSocketPort implements UdpPort {
  readonly name: string;
  readonly localPort: number;
  peer: { readonly address: string; readonly port: number } | undefined;
  readonly #socket: Socket;
  readonly #fixedPeer: boolean;
  /** Sessions of what goes out and of what comes in; `undefined`: bare frames. */
  readonly #sessions: { readonly tx: number; readonly rx: number } | undefined;
  readonly #headerBytes: number;
  readonly #sendQueueBytes: number;
  readonly #counters = new PortCounters();
  readonly #early = new PendingFrames();
  #listener: PortListener | undefined;
  #closing: Promise<void> | undefined;

  constructor(socket: Socket, options: UdpPortOptions, address: string) {
    this.#socket = socket;
    this.localPort = socket.address().port;
    this.name = `udp ${address}:${this.localPort}`;
    this.#fixedPeer = options.peerPort !== undefined;
    if (options.peerPort !== undefined) this.peer = { address: options.peerAddress ?? address, port: options.peerPort };
    const tx = options.session ?? 1;
    this.#sessions = options.encapsulation === "bare" ? undefined : { tx, rx: options.peerSession ?? tx };
    this.#headerBytes = this.#sessions === undefined ? 0 : L2TPV3_HEADER_BYTES;
    this.#sendQueueBytes = options.sendQueueBytes ?? DEFAULT_BUFFER;
    socket.on("message", (datagram, from) => this.#received(datagram, from));
    socket.on("error", (error) => this.#listener?.portFailed(fromNodeError(error, `use ${this.name}`)));
  }

  listen(listener: PortListener): void {
    if (this.#listener !== undefined) throw new SevilleError("ERR_LISTENING", `${this.name} has a listener already`);
    this.#listener = listener;
    this.#early.deliver(listener);
  }

  sendFrame(memory: Uint8Array, offset: number, length: number): void {
    const peer = this.#closing === undefined ? this.peer : undefined;
    const fault = peer === undefined ? "DEV_READY" : this.#sendFault(length);
    if (peer === undefined || fault !== undefined) {
      this.#counters.dropSent(fault ?? "DEV_READY");
      return;
    }
    // A copy, because the socket may hold on to it for longer than the frame's owner does.
    const datagram = Buffer.allocUnsafe(this.#headerBytes + length);
    if (this.#sessions !== undefined) {
      writeL2tpv3Header(new DataView(datagram.buffer, datagram.byteOffset, L2TPV3_HEADER_BYTES), this.#sessions.tx);
    }
    datagram.set(memory.subarray(offset, offset + length), this.#headerBytes);
    this.#socket.send(datagram, peer.port, peer.address, (error) => {
      if (error === null) this.#counters.sent(length);
      else this.#counters.dropSent(errorReason(error));
    });
  }

  stats(): HostPortStats {
    this.#counters.kernelDrops = Math.max(this.#counters.kernelDrops, readUdpDrops(this.localPort) ?? 0);
    return this.#counters.snapshot();
  }

  close(): Promise<void> {
    this.#closing ??= new Promise((resolve) => {
      this.stats(); // the kernel's count goes with the socket
      this.#socket.close(resolve);
    });
    return this.#closing;
  }

  #received(datagram: Buffer, from: RemoteInfo): void {
    const fault = this.#receiveFault(datagram, from);
    if (fault !== undefined) {
      this.#counters.dropReceived(fault);
      return;
    }
    if (!this.#fixedPeer && (this.peer?.port !== from.port || this.peer.address !== from.address)) {
      this.peer = { address: from.address, port: from.port };
    }
    const length = datagram.length - this.#headerBytes;
    const arrivedAt = monotonicNow();
    if (this.#listener !== undefined) {
      this.#counters.received(length);
      this.#listener.receiveFrame(datagram, this.#headerBytes, length, arrivedAt);
    } else if (this.#early.keep(datagram, this.#headerBytes, length, arrivedAt)) this.#counters.received(length);
    else this.#counters.dropReceived("FULL_RING");
  }

  #sendFault(length: number): DropReason | undefined {
    const fault = frameLengthFault(length, MAX_DATAGRAM - this.#headerBytes);
    if (fault !== undefined) return fault;
    return this.#socket.getSendQueueSize() + length > this.#sendQueueBytes ? "FULL_RING" : undefined;
  }

  #receiveFault(datagram: Buffer, from: RemoteInfo): DropReason | undefined {
    const { peer } = this;
    if (this.#fixedPeer && (from.port !== peer?.port || from.address !== peer.address)) return "IP_INVALID_SOURCE";
    if (this.#sessions !== undefined) {
      const view = new DataView(datagram.buffer, datagram.byteOffset, datagram.length);
      if (readL2tpv3Session(view) !== this.#sessions.rx) return "DEV_HDR";
    }
    return frameLengthFault(datagram.length - this.#headerBytes, MAX_DATAGRAM);
  }
}

function errorReason(error: Error): DropReason {
  const code = "code" in error ? error.code : undefined;
  if (code === "EMSGSIZE") return "PKT_TOO_BIG";
  return code === "ENOBUFS" || code === "ENOMEM" ? "NOMEM" : "DEV_READY";
}
