import {
  ETH_P_8021AD,
  ETH_P_8021Q,
  ETH_P_IP,
  ETH_P_IPV6,
  ipv4,
  ipv6,
  IPPROTO_TCP,
  tcp,
  type Packet,
} from "@seville/packet";
import type { LinkKind } from "../virtio/frame.ts";

/** Flags of segments that are not to wait. */
const SPECIAL = tcp.SYN | tcp.RST | tcp.URG;

/** What the resequencer knows of a TCP segment. One object is enough: it is filled anew for each. */
export interface SegmentFacts {
  /** Where the addresses are, their bytes together, and the ports. */
  addresses: number;
  addressBytes: number;
  ports: number;
  sequence: number;
  payload: number;
  /** How much of the sequence space it takes: the payload, and one for SYN and FIN each. */
  length: number;
  /** SYN, RST and URG, those that it has. */
  special: number;
}

export function newSegmentFacts(): SegmentFacts {
  return { addresses: 0, addressBytes: 0, ports: 0, sequence: 0, payload: 0, length: 0, special: 0 };
}

/** Fills `facts` with what a whole TCP segment over IPv4 or IPv6 says. `false`: the packet is none, or has IP options or extension headers. */
export function readSegment(packet: Packet, link: LinkKind, facts: SegmentFacts): boolean {
  const { view } = packet.pool.memory;
  const end = packet.tail;
  let at = packet.data;
  if (link === "ethernet") {
    if (end - at < 14) return false;
    let type = view.getUint16(at + 12);
    at += 14;
    if (type === ETH_P_8021Q || type === ETH_P_8021AD) {
      if (end - at < 4) return false;
      type = view.getUint16(at + 2);
      at += 4;
    }
    if (type !== ETH_P_IP && type !== ETH_P_IPV6) return false;
  }
  if (end - at < 20) return false;
  const length = view.getUint8(at) >> 4 === 4 ? readIpv4(view, at, end, facts) : readIpv6(view, at, end, facts);
  if (length < 0) return false;
  const transport = facts.addresses + facts.addressBytes;
  // What a device merged is longer than the field says, or has its payload elsewhere.
  const bytes =
    packet.gsoSize > 0 || packet.fragList !== undefined ? packet.totalLength - (transport - packet.data) : length;
  if (end - transport < 20) return false;
  const header = tcp.headerLength(view, transport);
  if (header < 20 || header > bytes || transport + header > end) return false;
  facts.ports = transport;
  facts.sequence = tcp.sequence(view, transport);
  facts.payload = bytes - header;
  const flags = tcp.flags(view, transport);
  facts.length = facts.payload + ((flags & tcp.FIN) === 0 ? 0 : 1) + ((flags & tcp.SYN) === 0 ? 0 : 1);
  facts.special = flags & SPECIAL;
  return true;
}

/** Bytes of TCP, or -1. */
function readIpv4(view: DataView, at: number, end: number, facts: SegmentFacts): number {
  if (view.getUint8(at) !== 0x45 || ipv4.isFragment(view, at) || ipv4.protocol(view, at) !== IPPROTO_TCP) return -1;
  const total = ipv4.totalLength(view, at);
  if (total !== 0 && (total < 40 || at + total > end)) return -1;
  facts.addresses = at + 12;
  facts.addressBytes = 8;
  return total - 20;
}

function readIpv6(view: DataView, at: number, end: number, facts: SegmentFacts): number {
  if (end - at < 60 || ipv6.version(view, at) !== 6 || ipv6.nextHeader(view, at) !== IPPROTO_TCP) return -1;
  const length = ipv6.payloadLength(view, at);
  if (length !== 0 && (length < 20 || at + 40 + length > end)) return -1;
  facts.addresses = at + 8;
  facts.addressBytes = 32;
  return length;
}
