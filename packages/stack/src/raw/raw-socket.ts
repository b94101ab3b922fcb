import { bindChecksum, finish, mangleZero, pseudoHeader6At } from "@seville/checksum";
import {
  ipv4,
  ipv6,
  IPPROTO_ICMP,
  IPPROTO_ICMPV6,
  isUnspecified,
  type IpAddress,
  type Ipv6Address,
  type Packet,
} from "@seville/packet";
import { errnoError } from "../host/errno.ts";
import type { Host } from "../host/host.ts";
import { isChecksumKnown, isSumRight } from "../interface/checksum.ts";
import { IPPROTO_RAW } from "../host/protocols.ts";
import { localOut4, sendIpv4 } from "../ipv4/output.ts";
import { pathMtu4 } from "../ipv4/path-mtu.ts";
import { localOut6, sendIpv6 } from "../ipv6/output.ts";
import { pathMtu6 } from "../ipv6/path-mtu.ts";
import { sdifOf } from "../packet-cb.ts";
import { boundDeviceMatches, InetSocket } from "../socket/inet-socket.ts";
import { IP_PMTUDISC_DO, IP_PMTUDISC_WANT } from "../socket/options.ts";
import { routeDatagram, type RoutedDatagram, type SendControl, type Target } from "../socket/route-datagram.ts";
import { anyAddress, presentAddress, resolveAddress, type SocketAddressLike } from "../socket/socket-address.ts";
import { checkBindAddress } from "../udp/udp-bind.ts";

/** What a raw socket received. IPv4: `data` begins with the IP header; IPv6: with what is behind the extension headers. */
export interface RawDatagram {
  readonly data: Uint8Array;
  readonly address: IpAddress;
  readonly destination: IpAddress;
  readonly ifindex: number;
  readonly ttl: number;
  readonly tos: number;
  readonly timestamp: number;
}

export interface RawSocketOptions {
  readonly family?: 4 | 6;
  /** IP protocol number; 255: send only, with the header included. */
  readonly protocol: number;
}

/** A raw socket: raw(7), RFC 3542 §3. */
export class RawSocket extends InetSocket {
  readonly protocol: number;
  readonly localPort = 0;
  localAddress: IpAddress;
  peer: Target | undefined = undefined;
  /** The caller writes the IP header (`IP_HDRINCL`, `IPV6_HDRINCL`). */
  headerIncluded: boolean;
  /** `ICMP_FILTER` and `ICMP6_FILTER`: types that are not wanted. */
  readonly filteredTypes: Set<number> = new Set<number>();
  /** `IPV6_CHECKSUM`: where the kernel fills in and verifies a checksum; -1: nowhere. */
  checksumOffset: number;
  readonly #detach: (socket: RawSocket) => void;

  constructor(host: Host, options: RawSocketOptions, detach: (socket: RawSocket) => void) {
    const { family = 4, protocol } = options;
    super(host, family);
    if (!Number.isInteger(protocol) || protocol < 0 || protocol > 255)
      throw errnoError("EINVAL", undefined, "protocol");
    this.protocol = protocol;
    this.localAddress = anyAddress(family);
    this.headerIncluded = protocol === IPPROTO_RAW;
    this.checksumOffset = family === 6 && protocol === IPPROTO_ICMPV6 ? 2 : -1;
    this.#detach = detach;
  }

  /** Takes only what is sent to `address`, and sends from it. */
  bind(to: SocketAddressLike): void {
    this.assertOpen();
    const { address, ifindex } = resolveAddress(this.host, this.family, to, anyAddress(this.family));
    checkBindAddress(this.host, address, ifindex === 0 ? this.boundDevice : ifindex, this.options.IP_FREEBIND !== 0);
    if (ifindex !== 0) this.options.SO_BINDTOIFINDEX = ifindex;
    this.localAddress = address;
  }

  /** Takes only what comes from `to`, and sends there. */
  connect(to: SocketAddressLike): void {
    this.assertOpen();
    const target = resolveAddress(this.host, this.family, to, anyAddress(this.family));
    const { source } = routeDatagram(this, target, {});
    if (isUnspecified(this.localAddress)) this.localAddress = source;
    this.peer = target;
  }

  /**
   * Sends `payload` behind an IP header, or with the one that it begins with.
   * @throws SevilleError as a UDP socket does
   */
  send(payload: Uint8Array, to?: SocketAddressLike, control: SendControl = {}): void {
    this.assertOpen();
    this.throwPending();
    const target = to === undefined ? this.peer : resolveAddress(this.host, this.family, to, anyAddress(this.family));
    if (target === undefined) throw errnoError("EDESTADDRREQ");
    if (payload.length > 0xffff) throw errnoError("EMSGSIZE");
    const routed = routeDatagram(this, target, control);
    const packet = this.host.pool.alloc(payload.length);
    if (packet === undefined) throw errnoError("ENOBUFS", "no packet memory is left");
    this.host.memory.u8.set(payload, packet.put(payload.length));
    packet.mark = this.options.SO_MARK;
    packet.priority = this.options.SO_PRIORITY;
    try {
      if (typeof routed.destination === "number") this.#send4(packet, routed, control);
      else this.#send6(packet, routed, control);
    } catch (error) {
      packet.release();
      throw error;
    }
  }

  /** @throws SevilleError the error that is pending */
  recv(): RawDatagram | undefined {
    this.assertOpen();
    this.throwPending();
    const packet = this.receiveQueue.shift();
    if (packet === undefined) return undefined;
    const { view } = this.host.memory;
    const ip = packet.networkHeader;
    const v4 = this.family === 4;
    const sdif = sdifOf(packet);
    const ifindex = sdif === 0 ? packet.ifindex : sdif;
    const datagram = {
      data: packet.bytes().slice(),
      address: presentAddress(this.host, this.family, v4 ? ipv4.source(view, ip) : ipv6.source(view, ip), ifindex),
      destination: presentAddress(
        this.host,
        this.family,
        v4 ? ipv4.destination(view, ip) : ipv6.destination(view, ip),
        ifindex,
      ),
      ifindex,
      ttl: v4 ? ipv4.ttl(view, ip) : ipv6.hopLimit(view, ip),
      tos: v4 ? ipv4.tos(view, ip) : ipv6.trafficClass(view, ip),
      timestamp: packet.tstamp,
    };
    packet.release();
    return datagram;
  }

  /** @internal Whether the socket wants `packet` (`raw_v4_match`, `raw_v6_match`, and the filters). */
  wants(packet: Packet, source: IpAddress, destination: IpAddress): boolean {
    if (!isUnspecified(this.localAddress) && this.localAddress !== destination) return false;
    if (this.peer !== undefined && this.peer.address !== source) return false;
    const accept = this.host.ipv4.sysctl.raw_l3mdev_accept !== 0;
    if (!boundDeviceMatches(this.boundDevice, packet.ifindex, sdifOf(packet), accept)) return false;
    const isIcmp = this.protocol === (this.family === 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6);
    if (!isIcmp || this.filteredTypes.size === 0 || packet.transportHeader >= packet.tail) return true;
    return !this.filteredTypes.has(this.host.memory.view.getUint8(packet.transportHeader));
  }

  /** @internal Takes a clone, `data` where the user's data begins. */
  deliver(packet: Packet): void {
    if (this.checksumOffset >= 0 && !this.#verified(packet)) {
      this.drops++;
      this.host.drop(packet, "ICMP_CSUM");
      return;
    }
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
    this.#detach(this);
  }

  #send4(packet: Packet, routed: RoutedDatagram, control: SendControl): void {
    const { host, options } = this;
    const { hop, out } = routed;
    const source = routed.source as number;
    const destination = routed.destination as number;
    if (this.headerIncluded) {
      // The header must fit in one packet, and be one (`raw_send_hdrinc`).
      if (packet.length > out.mtu) throw errnoError("EMSGSIZE");
      const { view } = host.memory;
      const at = packet.data;
      if (packet.length < 20 || ipv4.headerLength(view, at) < 20 || ipv4.headerLength(view, at) > packet.length)
        throw errnoError("EINVAL");
      if (ipv4.source(view, at) === 0) ipv4.setSource(view, at, source);
      if (ipv4.identification(view, at) === 0) {
        ipv4.setIdentification(
          view,
          at,
          host.ipv4.identifications.next(source, destination, ipv4.protocol(view, at), 1, host.now),
        );
      }
      ipv4.setTotalLength(view, at, packet.length);
      ipv4.updateChecksum(view, at);
      packet.networkHeader = at;
      packet.transportHeader = at + ipv4.headerLength(view, at);
      localOut4(host, packet, hop, options.IP_MULTICAST_LOOP !== 0);
      return;
    }
    const mtu = pathMtu4(host, hop, out, destination);
    const mode = options.IP_MTU_DISCOVER;
    const tooLong = packet.length + 20 > mtu;
    if (packet.length + 20 > 0xffff || (tooLong && mode === IP_PMTUDISC_DO)) throw errnoError("EMSGSIZE");
    sendIpv4(host, packet, hop, source, destination, {
      protocol: this.protocol,
      tos: control.tos ?? options.IP_TOS,
      ttl: control.ttl ?? (hop.route.type === "multicast" ? options.IP_MULTICAST_TTL : options.IP_TTL),
      dontFragment: mode === IP_PMTUDISC_DO || (mode === IP_PMTUDISC_WANT && !tooLong),
      multicastLoop: options.IP_MULTICAST_LOOP !== 0,
    });
  }

  #send6(packet: Packet, routed: RoutedDatagram, control: SendControl): void {
    const { host, options } = this;
    const { hop, out } = routed;
    const source = routed.source as Ipv6Address;
    const destination = routed.destination as Ipv6Address;
    if (this.headerIncluded) {
      if (packet.length > out.mtu) throw errnoError("EMSGSIZE");
      if (packet.length < ipv6.HEADER_LENGTH) throw errnoError("EINVAL");
      packet.networkHeader = packet.data;
      packet.transportHeader = packet.data + ipv6.HEADER_LENGTH;
      localOut6(host, packet, hop, options.IPV6_MULTICAST_LOOP !== 0);
      return;
    }
    const tooLong = packet.length + ipv6.HEADER_LENGTH > pathMtu6(host, hop, out, destination);
    if (tooLong && options.IPV6_DONTFRAG !== 0) throw errnoError("EMSGSIZE");
    if (this.checksumOffset >= 0) this.#fillChecksum(packet, source, destination);
    sendIpv6(host, packet, hop, source, destination, {
      nextHeader: this.protocol,
      trafficClass: control.tos ?? options.IPV6_TCLASS,
      flowLabel: 0,
      hopLimit:
        control.ttl ?? (hop.route.type === "multicast" ? options.IPV6_MULTICAST_HOPS : options.IPV6_UNICAST_HOPS),
      multicastLoop: options.IPV6_MULTICAST_LOOP !== 0,
    });
  }

  #fillChecksum(packet: Packet, source: Ipv6Address, destination: Ipv6Address): void {
    const { memory } = this.host;
    const at = packet.data;
    if (this.checksumOffset + 2 > packet.length) throw errnoError("EINVAL", "IPV6_CHECKSUM is behind the end");
    ipv6.setSource(memory.view, at - 40, source);
    ipv6.setDestination(memory.view, at - 40, destination);
    memory.view.setUint16(at + this.checksumOffset, 0);
    const pseudo = pseudoHeader6At(memory.u8, at - 32, at - 16, this.protocol, packet.length);
    const sum = finish(bindChecksum(memory).sum(at, packet.length, pseudo));
    memory.view.setUint16(at + this.checksumOffset, mangleZero(sum));
  }

  #verified(packet: Packet): boolean {
    if (isChecksumKnown(packet)) return true;
    const { memory } = this.host;
    const ip = packet.networkHeader;
    const pseudo = pseudoHeader6At(memory.u8, ip + 8, ip + 24, this.protocol, packet.length);
    return isSumRight(packet, pseudo);
  }
}
