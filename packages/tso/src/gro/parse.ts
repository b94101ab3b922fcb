import { bindSums, ipv4HeaderValid, pseudoHeader4, pseudoHeader6At, type PartialSum } from "@seville/checksum";
import {
  ETH_P_8021AD,
  ETH_P_8021Q,
  ETH_P_IP,
  ETH_P_IPV6,
  ETH_P_TEB,
  IPPROTO_DSTOPTS,
  IPPROTO_GRE,
  IPPROTO_HOPOPTS,
  IPPROTO_IPIP,
  IPPROTO_IPV6,
  IPPROTO_ROUTING,
  IPPROTO_TCP,
  IPPROTO_UDP,
  type Packet,
} from "@seville/packet";
import type { LinkKind } from "../virtio/frame.ts";
import { GroChecksum } from "./checksum.ts";
import type { Parsed } from "./parsed.ts";
import { measureShape, type InnerKind, type UdpTunnelShape } from "./tunnel-shape.ts";

/** What the walk has to know beside the packet. */
export interface ParseContext {
  readonly link: LinkKind;
  readonly tunnels: ReadonlyMap<number, UdpTunnelShape>;
  /** Whether datagrams to this port may be merged. */
  readonly udp: (destinationPort: number) => boolean;
}

/** Headers that are walked through, one in the other (`GRO_RECURSION_LIMIT`). */
const RECURSION_LIMIT = 15;
const MAX_EXTENSIONS = 8;
const FRAGMENT_BITS_BUT_DF = 0xbfff;
const GRE_CSUM = 0x8000;
const GRE_KEY = 0x2000;

/**
 * Walks inwards through the headers as the kernel's `gro_receive` callbacks do, verifying each checksum on the way.
 * `undefined`: the packet is none that GRO merges, and goes on as it is.
 *
 * @param flush it is known already that the packet is not to be merged: only its flow is asked for
 */
export function parse(packet: Packet, context: ParseContext, flush = false): Parsed | undefined {
  return new Walk(packet, context, flush).run();
}

class Walk {
  readonly #packet: Packet;
  readonly #view: DataView;
  readonly #context: ParseContext;
  readonly #checksum: GroChecksum;
  readonly #data: number;
  readonly #end: number;
  #depth = 0;
  /** A tunnel has been passed (`encap_mark`): another one is not walked through. */
  readonly #parsed: Parsed = {
    kind: "tcp",
    networks: [],
    versions: [],
    innerMac: -1,
    tunnel: undefined,
    transport: 0,
    headerLength: 0,
    payload: 0,
    etherType: 0,
    flush: false,
    ranges: [],
    words: [],
  };

  constructor(packet: Packet, context: ParseContext, flush: boolean) {
    this.#parsed.flush = flush;
    this.#packet = packet;
    this.#view = packet.pool.memory.view;
    this.#context = context;
    this.#checksum = new GroChecksum(bindSums(packet.pool.memory), packet);
    this.#data = packet.data;
    this.#end = packet.tail;
  }

  run(): Parsed | undefined {
    const accepted = this.#context.link === "ethernet" ? this.#ethernet(this.#data) : this.#raw();
    return accepted ? this.#parsed : undefined;
  }

  #raw(): boolean {
    if (this.#data === this.#end) return false;
    const version = this.#view.getUint8(this.#data) >> 4;
    return this.#byEtherType(version === 4 ? ETH_P_IP : version === 6 ? ETH_P_IPV6 : 0, this.#data);
  }

  /** `eth_gro_receive`: the whole header belongs to the flow. */
  #ethernet(at: number): boolean {
    if (at + 14 > this.#end) return false;
    this.#same(at, 14);
    return this.#byEtherType(this.#view.getUint16(at + 12), at + 14);
  }

  #byEtherType(type: number, at: number): boolean {
    if (++this.#depth >= RECURSION_LIMIT) return false;
    if (type === ETH_P_8021Q || type === ETH_P_8021AD) {
      if (at + 4 > this.#end) return false;
      this.#same(at, 4);
      return this.#byEtherType(this.#view.getUint16(at + 2), at + 4);
    }
    if (this.#parsed.networks.length === 0) this.#parsed.etherType = type;
    if (type === ETH_P_IP) return this.#ipv4(at);
    if (type === ETH_P_IPV6) return this.#ipv6(at);
    if (type !== ETH_P_TEB || this.#parsed.tunnel === undefined) return false;
    this.#parsed.innerMac = at - this.#data;
    return this.#ethernet(at);
  }

  /** `inet_gro_receive`. Options, padding and fragments are not merged. */
  #ipv4(at: number): boolean {
    const view = this.#view;
    if (at + 20 > this.#end || view.getUint8(at) !== 0x45 || !ipv4HeaderValid(view, at)) return false;
    if (view.getUint16(at + 2) !== this.#end - at || (view.getUint16(at + 6) & FRAGMENT_BITS_BUT_DF) !== 0) {
      this.#parsed.flush = true;
    }
    this.#network(at, 4);
    this.#same(at + 9, 1);
    this.#same(at + 12, 8);
    return this.#byProtocol(view.getUint8(at + 9), at + 20, (protocol, from) =>
      pseudoHeader4(view.getUint32(at + 12), view.getUint32(at + 16), protocol, this.#end - from),
    );
  }

  /** `ipv6_gro_receive`. Extension headers but the fragment header are compared as they are. */
  #ipv6(at: number): boolean {
    const view = this.#view;
    if (at + 40 > this.#end || view.getUint8(at) >> 4 !== 6) return false;
    if (view.getUint16(at + 4) !== this.#end - at - 40) this.#parsed.flush = true;
    this.#network(at, 6);
    this.#parsed.words.push((view.getUint32(at) & 0xf00f_ffff) >>> 0);
    this.#same(at + 6, 1);
    this.#same(at + 8, 32);
    let protocol = view.getUint8(at + 6);
    let next = at + 40;
    for (let i = 0; isWalked(protocol); i++) {
      if (i === MAX_EXTENSIONS || next + 8 > this.#end) return false;
      const length = (view.getUint8(next + 1) + 1) * 8;
      if (next + length > this.#end) return false;
      this.#same(next, length);
      protocol = view.getUint8(next);
      next += length;
    }
    const { u8 } = this.#packet.pool.memory;
    return this.#byProtocol(protocol, next, (upper, from) =>
      pseudoHeader6At(u8, at + 8, at + 24, upper, this.#end - from),
    );
  }

  #byProtocol(protocol: number, at: number, pseudo: (protocol: number, from: number) => PartialSum): boolean {
    if (++this.#depth >= RECURSION_LIMIT) return false;
    switch (protocol) {
      case IPPROTO_TCP:
        return this.#tcp(at, pseudo(IPPROTO_TCP, at));
      case IPPROTO_UDP:
        return this.#udp(at, pseudo(IPPROTO_UDP, at));
      case IPPROTO_GRE:
        return this.#gre(at);
      case IPPROTO_IPIP:
      case IPPROTO_IPV6:
        if (!this.#enterTunnel("ip", at, false)) return false;
        return protocol === IPPROTO_IPIP ? this.#ipv4(at) : this.#ipv6(at);
      default:
        return false;
    }
  }

  #tcp(at: number, pseudo: PartialSum): boolean {
    if (at + 20 > this.#end) return false;
    const length = (this.#view.getUint8(at + 12) >> 4) * 4;
    // A checksum that will not matter is not verified.
    if (!this.#parsed.flush && !this.#checksum.validate(at, pseudo)) return false;
    if (length < 20 || at + length > this.#end) return false;
    this.#same(at, 4);
    return this.#finish("tcp", at, length);
  }

  #udp(at: number, pseudo: PartialSum): boolean {
    if (at + 8 > this.#end) return false;
    const view = this.#view;
    const hasChecksum = view.getUint16(at + 6) !== 0;
    if (!this.#parsed.flush && !this.#checksum.validate(at, pseudo, !hasChecksum)) return false;
    if (hasChecksum) this.#checksum.convert(at, pseudo);
    const port = view.getUint16(at + 2);
    const shape = this.#context.tunnels.get(port);
    // What may land in a tunnel is never merged as datagrams: that would spoil the stream inside (S14).
    if (shape !== undefined) return this.#udpTunnel(at, shape, hasChecksum);
    const length = view.getUint16(at + 4);
    if (!this.#context.udp(port)) return false;
    // Symmetry with segmentation asks for a checksum and for no bytes behind the datagram. The kernel lets such a datagram
    // overtake those that are held; here they go first.
    if (!hasChecksum || length <= 8 || length !== this.#end - at) this.#parsed.flush = true;
    this.#same(at, 4);
    return this.#finish("udp", at, 8);
  }

  #udpTunnel(at: number, shape: UdpTunnelShape, hasChecksum: boolean): boolean {
    const header = at + 8;
    const length = measureShape(this.#view, header, this.#end, shape);
    if (length === undefined || !this.#enterTunnel("udp", at, hasChecksum)) return false;
    if (this.#view.getUint16(at + 4) !== this.#end - at) this.#parsed.flush = true;
    this.#same(at, 4);
    this.#parsed.words.push(hasChecksum ? 1 : 0);
    this.#same(header, length);
    return this.#inside(shape.inner, header, header + length);
  }

  #inside(inner: InnerKind, header: number, at: number): boolean {
    if ("etherType" in inner) return this.#byEtherType(inner.etherType, at);
    if ("etherTypeAt" in inner) return this.#byEtherType(this.#view.getUint16(header + inner.etherTypeAt), at);
    const protocol = "protocol" in inner ? inner.protocol : this.#view.getUint8(header + inner.protocolAt);
    // Behind FOU and GUE: an IP packet, or GRE without anything that changes.
    if (protocol === IPPROTO_IPIP) return this.#ipv4(at);
    return protocol === IPPROTO_IPV6 && this.#ipv6(at);
  }

  /** `gre_gro_receive`: only keys and checksums; what has a sequence number could not be split again. */
  #gre(at: number): boolean {
    const view = this.#view;
    if (at + 4 > this.#end) return false;
    const flags = view.getUint16(at);
    if ((flags & ~(GRE_CSUM | GRE_KEY)) !== 0) return false;
    const hasChecksum = (flags & GRE_CSUM) !== 0;
    const hasKey = (flags & GRE_KEY) !== 0;
    const length = 4 + (hasChecksum ? 4 : 0) + (hasKey ? 4 : 0);
    if (at + length > this.#end || !this.#enterTunnel("gre", at, hasChecksum)) return false;
    if (hasChecksum) {
      if (!this.#parsed.flush && !this.#checksum.validate(at, 0)) return false;
      this.#checksum.convert(at, 0);
    }
    this.#same(at, 4);
    if (hasKey) this.#same(at + length - 4, 4);
    return this.#byEtherType(view.getUint16(at + 2), at + length);
  }

  /** Two levels of headers are described: there is one tunnel (`encap_mark`). */
  #enterTunnel(kind: "udp" | "gre" | "ip", at: number, checksum: boolean): boolean {
    if (this.#parsed.tunnel !== undefined) return false;
    this.#parsed.tunnel = { kind, at: at - this.#data, checksum };
    return true;
  }

  #network(at: number, version: 4 | 6): void {
    this.#parsed.networks.push(at - this.#data);
    this.#parsed.versions.push(version);
  }

  #same(at: number, length: number): void {
    this.#parsed.ranges.push(at - this.#data, length);
  }

  #finish(kind: "tcp" | "udp", at: number, length: number): boolean {
    const parsed = this.#parsed;
    parsed.kind = kind;
    parsed.transport = at - this.#data;
    parsed.headerLength = parsed.transport + length;
    parsed.payload = this.#end - at - length;
    parsed.words.push(kind === "tcp" ? 6 : 17);
    return true;
  }
}

function isWalked(protocol: number): boolean {
  return protocol === IPPROTO_HOPOPTS || protocol === IPPROTO_ROUTING || protocol === IPPROTO_DSTOPTS;
}
