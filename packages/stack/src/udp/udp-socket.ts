import { IPPROTO_UDP, isUnspecified, type IpAddress, type Packet } from "@seville/packet";
import { errnoError } from "../host/errno.ts";
import type { Host } from "../host/host.ts";
import { InetSocket, receivesAt, type LocalAddresses } from "../socket/inet-socket.ts";
import { routeDatagram, type SendControl } from "../socket/route-datagram.ts";
import type { SocketOption } from "../socket/options.ts";
import {
  anyAddress,
  needsZone,
  presentAddress,
  resolveAddress,
  type ResolvedAddress,
  type SocketAddress,
  type SocketAddressLike,
} from "../socket/socket-address.ts";
import { checkBindAddress, chooseEphemeralPort, isPortTaken } from "./udp-bind.ts";
import { readMeta, type DatagramMeta } from "./udp-meta.ts";
import { sendDatagram } from "./udp-send.ts";

/** A datagram as `recvmsg` gives it, with all that control messages could tell. */
export interface Datagram extends DatagramMeta {
  readonly data: Uint8Array;
}

/** The other end of a connected socket, and by which source and way it is reached. */
export interface UdpPeer {
  readonly address: IpAddress;
  readonly port: number;
  readonly ifindex: number;
}

export interface UdpSocketOptions {
  /** 6: an IPv6 socket, which takes IPv4 too unless `v6only`. Default 4. */
  readonly family?: 4 | 6;
  readonly v6only?: boolean;
}

/** A UDP socket (RFC 768; udp(7)). Errors are errno codes, as of the system calls. */
export class UdpSocket extends InetSocket {
  readonly protocol: number = IPPROTO_UDP;
  /** 0: not bound yet. */
  localPort = 0;
  localAddress: IpAddress;
  /** @internal */
  receives: LocalAddresses;
  peer: UdpPeer | undefined = undefined;
  /** Whether the local address was chosen by `bind`, and so outlives a connection. */
  #boundAddress: IpAddress;

  constructor(host: Host, options: UdpSocketOptions = {}) {
    const { family = 4, v6only } = options;
    super(host, family);
    if (v6only !== undefined) this.options.IPV6_V6ONLY = v6only ? 1 : 0;
    this.localAddress = anyAddress(family);
    this.#boundAddress = this.localAddress;
    this.receives = this.#receives();
  }

  /**
   * Takes an address and a port; without, any of them.
   * @throws SevilleError `EADDRINUSE`, `EADDRNOTAVAIL`, `EINVAL` (bound already), `ENODEV`
   */
  bind(to: SocketAddressLike = {}): void {
    this.assertOpen();
    if (this.localPort !== 0) throw errnoError("EINVAL", "the socket is bound already");
    const { address, port, ifindex } = resolveAddress(this.host, this.family, to, anyAddress(this.family));
    if (this.family === 6 && typeof address === "number" && this.options.IPV6_V6ONLY !== 0) {
      throw errnoError("EINVAL", "IPV6_V6ONLY", "address");
    }
    const zone = ifindex === 0 ? this.boundDevice : ifindex;
    checkBindAddress(this.host, address, zone, this.options.IP_FREEBIND !== 0);
    if (ifindex !== 0) this.options.SO_BINDTOIFINDEX = ifindex;
    this.#setLocal(address);
    this.#boundAddress = address;
    this.#takePort(port);
  }

  /**
   * Sets the other end: datagrams go there, and come from there only. Its route chooses the source address.
   * @throws SevilleError `ENETUNREACH`, `EHOSTUNREACH`, `EACCES` (broadcast without `SO_BROADCAST`), `EAFNOSUPPORT`, `EINVAL`
   */
  connect(to: SocketAddressLike): void {
    this.assertOpen();
    const target = this.#target(to);
    if (
      typeof target.address !== "number" &&
      needsZone(target.address) &&
      target.ifindex === 0 &&
      this.boundDevice === 0
    ) {
      throw errnoError("EINVAL", "a link-local address needs its interface", "address");
    }
    if (this.localPort === 0) this.#takePort(0);
    const { source, destination } = routeDatagram(this, target, {});
    this.host.udp.remove(this);
    this.peer = { address: destination, port: target.port, ifindex: target.ifindex };
    if (isUnspecified(this.localAddress)) this.#setLocal(source);
    this.host.udp.insert(this);
  }

  /** Takes the other end away (`connect` with AF_UNSPEC). */
  disconnect(): void {
    this.assertOpen();
    if (this.peer === undefined) return;
    this.host.udp.remove(this);
    this.peer = undefined;
    this.#setLocal(this.#boundAddress);
    this.host.udp.insert(this);
  }

  /**
   * Sends one datagram, to `to` or to where the socket is connected.
   * @throws SevilleError `EDESTADDRREQ`, `EMSGSIZE`, `ENETUNREACH`, `EHOSTUNREACH`, `EACCES`, `EINVAL`, `ENOBUFS`, or the
   * error that is pending (`ECONNREFUSED` …)
   */
  send(payload: Uint8Array, to?: SocketAddressLike, control: SendControl = {}): void {
    if (payload.length > 65_535) throw errnoError("EMSGSIZE");
    const packet = this.host.pool.alloc(payload.length);
    if (packet === undefined) {
      (this.family === 4 ? this.host.mib.udp : this.host.mib.udp6).SndbufErrors++;
      throw errnoError("ENOBUFS", "no packet memory is left");
    }
    this.host.memory.u8.set(payload, packet.put(payload.length));
    this.sendPacket(packet, to, control);
  }

  /** {@link UdpSocket.send} without a copy: `packet.data` is the payload. Takes the packet, even if it throws. */
  sendPacket(packet: Packet, to?: SocketAddressLike, control: SendControl = {}): void {
    let target: ResolvedAddress | UdpPeer;
    try {
      this.assertOpen();
      this.throwPending();
      target = to === undefined ? this.#connectedPeer() : this.#target(to);
      if (target.port === 0) throw errnoError("EINVAL", "port 0 is no destination", "port");
      if (this.localPort === 0) this.#takePort(0);
    } catch (error) {
      packet.release();
      throw error;
    }
    sendDatagram(this, packet, target, control);
  }

  /**
   * The next datagram, or `undefined`.
   * @throws SevilleError the error that is pending
   */
  recv(): Datagram | undefined {
    const packet = this.recvPacket();
    if (packet === undefined) return undefined;
    const datagram = { ...readMeta(this, packet), data: packet.bytes().slice() };
    packet.release();
    return datagram;
  }

  /** {@link UdpSocket.recv} without a copy: `data` at the payload. The caller releases it; {@link UdpSocket.meta} says whence. */
  recvPacket(): Packet | undefined {
    this.assertOpen();
    this.throwPending();
    return this.receiveQueue.shift();
  }

  /** What is known of a packet from {@link UdpSocket.recvPacket}. */
  meta(packet: Packet): DatagramMeta {
    return readMeta(this, packet);
  }

  /** Datagrams that wait, and the memory they hold. */
  get queued(): { readonly packets: number; readonly bytes: number } {
    return { packets: this.receiveQueue.length, bytes: this.receiveQueue.bytes };
  }

  /** `getsockname`. */
  address(): SocketAddress {
    return {
      address: presentAddress(this.host, this.family, this.localAddress, this.boundDevice),
      port: this.localPort,
    };
  }

  /** `getpeername`. @throws SevilleError `ENOTCONN` */
  remoteAddress(): SocketAddress {
    if (this.peer === undefined) throw errnoError("ENOTCONN");
    const { address, port, ifindex } = this.peer;
    return { address: presentAddress(this.host, this.family, address, ifindex), port };
  }

  /** @internal A datagram for this socket, `data` at the payload. Takes it. Answers whether there was room. */
  deliver(packet: Packet): boolean {
    if (!this.receiveQueue.push(packet, this.options.SO_RCVBUF)) {
      this.drops++;
      return false;
    }
    this.onReadable?.();
    return true;
  }

  protected override detach(): void {
    if (this.localPort !== 0) this.host.udp.remove(this);
  }

  protected override optionChanged(name: SocketOption): void {
    if (name === "IPV6_V6ONLY") {
      if (this.localPort !== 0) throw errnoError("EINVAL", "the socket is bound already", name);
      this.receives = this.#receives();
    }
  }

  #target(to: SocketAddressLike): ResolvedAddress {
    const target = resolveAddress(this.host, this.family, to, anyAddress(this.family));
    if (this.family === 6 && typeof target.address === "number" && this.options.IPV6_V6ONLY !== 0) {
      throw errnoError("ENETUNREACH", "IPV6_V6ONLY", "address");
    }
    return target;
  }

  #connectedPeer(): UdpPeer {
    if (this.peer === undefined) throw errnoError("EDESTADDRREQ");
    return this.peer;
  }

  #setLocal(address: IpAddress): void {
    this.localAddress = address;
    this.receives = this.#receives();
  }

  #receives(): LocalAddresses {
    return receivesAt(this.family, this.localAddress, this.options.IPV6_V6ONLY !== 0);
  }

  #takePort(wanted: number): void {
    const port = wanted === 0 ? chooseEphemeralPort(this.host, this) : wanted;
    if (wanted !== 0 && isPortTaken(this.host, this, port)) {
      this.#setLocal(anyAddress(this.family));
      this.#boundAddress = this.localAddress;
      throw errnoError("EADDRINUSE", undefined, "port");
    }
    this.localPort = port;
    this.host.udp.insert(this);
  }
}
