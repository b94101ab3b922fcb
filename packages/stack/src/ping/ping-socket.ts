import {
  icmp,
  icmpv6,
  ipv4,
  ipv6,
  IPPROTO_ICMP,
  IPPROTO_ICMPV6,
  isUnspecified,
  ETH_P_IP,
  type IpAddress,
  type Ipv6Address,
  type Packet,
} from "@seville/packet";
import { errnoError } from "../host/errno.ts";
import type { Host } from "../host/host.ts";
import { transmitIcmp4 } from "../ipv4/icmp-send.ts";
import { transmitIcmp6 } from "../ipv6/icmpv6-send.ts";
import { sdifOf } from "../packet-cb.ts";
import { boundDeviceMatches, InetSocket } from "../socket/inet-socket.ts";
import { routeDatagram, type SendControl, type Target } from "../socket/route-datagram.ts";
import { anyAddress, presentAddress, resolveAddress, type SocketAddressLike } from "../socket/socket-address.ts";
import { checkBindAddress } from "../udp/udp-bind.ts";

/** An echo reply. */
export interface EchoReply {
  readonly address: IpAddress;
  readonly identifier: number;
  readonly sequence: number;
  /** What is behind the ICMP header. */
  readonly data: Uint8Array;
  readonly ttl: number;
  readonly ifindex: number;
  /** When it came in, nanoseconds. */
  readonly timestamp: number;
}

/** A datagram socket of ICMP: it sends echo requests under an identifier of its own (net/ipv4/ping.c). */
export class PingSocket extends InetSocket {
  readonly protocol: number;
  /** The identifier, 0 until one is taken. */
  localPort = 0;
  localAddress: IpAddress;
  peer: Target | undefined = undefined;
  readonly #table: Map<number, PingSocket>;

  constructor(host: Host, family: 4 | 6, table: Map<number, PingSocket>) {
    super(host, family);
    this.protocol = family === 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6;
    this.localAddress = anyAddress(family);
    this.#table = table;
  }

  /** Takes a source address, and `port` as identifier. @throws SevilleError `EADDRINUSE`, `EADDRNOTAVAIL`, `EINVAL` */
  bind(to: SocketAddressLike): void {
    this.assertOpen();
    if (this.localPort !== 0) throw errnoError("EINVAL", "the socket is bound already");
    const { address, port, ifindex } = resolveAddress(this.host, this.family, to, anyAddress(this.family));
    checkBindAddress(this.host, address, ifindex === 0 ? this.boundDevice : ifindex, false);
    if (ifindex !== 0) this.options.SO_BINDTOIFINDEX = ifindex;
    this.localAddress = address;
    this.#takeIdentifier(port);
  }

  connect(to: SocketAddressLike): void {
    this.assertOpen();
    const target = resolveAddress(this.host, this.family, to, anyAddress(this.family));
    const { source } = routeDatagram(this, target, {});
    if (isUnspecified(this.localAddress)) this.localAddress = source;
    this.peer = target;
  }

  /** Sends an echo request. @throws SevilleError as a UDP socket does */
  sendEcho(sequence: number, data: Uint8Array, to?: SocketAddressLike, control: SendControl = {}): void {
    this.assertOpen();
    this.throwPending();
    const target = to === undefined ? this.peer : resolveAddress(this.host, this.family, to, anyAddress(this.family));
    if (target === undefined) throw errnoError("EDESTADDRREQ");
    if (data.length + 8 + 20 > 0xffff) throw errnoError("EMSGSIZE");
    if (this.localPort === 0) this.#takeIdentifier(0);
    const routed = routeDatagram(this, target, control);
    const packet = this.host.pool.alloc(8 + data.length);
    if (packet === undefined) throw errnoError("ENOBUFS", "no packet memory is left");
    const { view, u8 } = this.host.memory;
    const at = packet.put(8 + data.length);
    view.setUint8(at, this.family === 4 ? icmp.ECHO_REQUEST : icmpv6.ECHO_REQUEST);
    view.setUint8(at + 1, 0);
    view.setUint16(at + 4, this.localPort);
    view.setUint16(at + 6, sequence);
    u8.set(data, at + 8);
    const { hop, source, destination } = routed;
    const { options } = this;
    if (typeof destination === "number") {
      const ttl = control.ttl ?? options.IP_TTL;
      transmitIcmp4(
        this.host,
        packet,
        hop,
        source as number,
        destination,
        control.tos ?? options.IP_TOS,
        options.SO_MARK,
        undefined,
        ttl,
      );
    } else {
      const hops = control.ttl ?? options.IPV6_UNICAST_HOPS;
      transmitIcmp6(
        this.host,
        packet,
        hop,
        source as Ipv6Address,
        destination,
        control.tos ?? options.IPV6_TCLASS,
        hops,
      );
    }
  }

  /** The next reply. @throws SevilleError the error that is pending */
  recv(): EchoReply | undefined {
    this.assertOpen();
    this.throwPending();
    const packet = this.receiveQueue.shift();
    if (packet === undefined) return undefined;
    const { view } = this.host.memory;
    const ip = packet.networkHeader;
    const v4 = packet.protocol === ETH_P_IP;
    const at = packet.data;
    const sdif = sdifOf(packet);
    const ifindex = sdif === 0 ? packet.ifindex : sdif;
    const reply = {
      address: presentAddress(this.host, this.family, v4 ? ipv4.source(view, ip) : ipv6.source(view, ip), ifindex),
      identifier: view.getUint16(at + 4),
      sequence: view.getUint16(at + 6),
      data: this.host.memory.u8.slice(at + 8, packet.tail),
      ttl: v4 ? ipv4.ttl(view, ip) : ipv6.hopLimit(view, ip),
      ifindex,
      timestamp: packet.tstamp,
    };
    packet.release();
    return reply;
  }

  /** @internal `ping_lookup`. */
  matches(packet: Packet, destination: IpAddress): boolean {
    if (!isUnspecified(this.localAddress) && this.localAddress !== destination) return false;
    return boundDeviceMatches(this.boundDevice, packet.ifindex, sdifOf(packet), true);
  }

  /** @internal Takes an echo reply, `data` at the ICMP header. */
  deliver(packet: Packet): void {
    if (!this.receiveQueue.push(packet, this.options.SO_RCVBUF)) {
      this.drops++;
      this.host.drop(packet, "SOCKET_RCVBUFF");
      return;
    }
    this.onReadable?.();
  }

  protected override optionChanged(): void {
    // Options are read when they are needed.
  }

  protected override detach(): void {
    if (this.localPort !== 0) this.#table.delete(this.localPort);
  }

  #takeIdentifier(wanted: number): void {
    let identifier = wanted;
    if (identifier === 0) {
      const first = this.host.portRandom.below(0xffff);
      for (let i = 0; i < 0xffff && identifier === 0; i++) {
        const candidate = 1 + ((first + i) % 0xffff);
        if (!this.#table.has(candidate)) identifier = candidate;
      }
    }
    if (identifier === 0 || this.#table.has(identifier)) throw errnoError("EADDRINUSE", undefined, "port");
    this.localPort = identifier;
    this.#table.set(identifier, this);
  }
}
