import { internetChecksum, pseudoHeaderSum } from "./checksum.ts";
import {
  IPPROTO_ICMP,
  IPPROTO_ICMPV6,
  IPPROTO_TCP,
  IPPROTO_UDP,
  type WireIcmp,
  type WirePacket,
  type WireTcp,
  type WireUdp,
} from "./packet.ts";

const IPV4_HEADER = 20;
const IPV6_HEADER = 40;
const UDP_HEADER = 8;
const ICMP_HEADER = 8;
const DONT_FRAGMENT = 0x4000;

/** The bytes of a packet, checksums included. */
export function encodePacket(packet: WirePacket): Uint8Array {
  const [protocol, transport] = encodeBody(packet);
  return packet.family === 4 ? ipv4(packet, protocol, transport) : ipv6(packet, protocol, transport);
}

function encodeBody(packet: WirePacket): [number, Uint8Array] {
  const { body } = packet;
  switch (body.protocol) {
    case "tcp": {
      const segment = finish(packet, IPPROTO_TCP, encodeTcp(body), 16);
      if (body.encapsulation === undefined) return [IPPROTO_TCP, segment];
      // In UDP the segment's own checksum is that of a TCP segment between the same addresses.
      return [IPPROTO_UDP, finish(packet, IPPROTO_UDP, datagram(body.encapsulation, segment), 6)];
    }
    case "udp":
      return [IPPROTO_UDP, finish(packet, IPPROTO_UDP, encodeUdp(body), 6)];
    case "icmp":
      if (packet.family === 6) return [IPPROTO_ICMPV6, finish(packet, IPPROTO_ICMPV6, encodeIcmp(body), 2)];
      return [IPPROTO_ICMP, sum(encodeIcmp(body), 2, 0)];
    case "other":
      return [body.number, body.payload];
  }
}

/** A TCP header with its options and payload, the checksum 0. */
export function encodeTcp(tcp: WireTcp): Uint8Array {
  const header = 20 + tcp.options.length;
  if (header % 4 !== 0 || header > 60) throw new RangeError(`TCP options of ${tcp.options.length} bytes do not fit`);
  const bytes = new Uint8Array(header + tcp.payload.length);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, tcp.ports.source);
  view.setUint16(2, tcp.ports.destination);
  view.setUint32(4, tcp.seq);
  view.setUint32(8, tcp.ack);
  view.setUint16(12, ((header >> 2) << 12) | (tcp.flags & 0x1ff));
  view.setUint16(14, tcp.window);
  view.setUint16(18, tcp.urgent);
  bytes.set(tcp.options, 20);
  bytes.set(tcp.payload, header);
  return bytes;
}

function encodeUdp(udp: WireUdp): Uint8Array {
  return datagram(udp.ports, udp.payload);
}

function datagram(ports: { source: number; destination: number }, payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(UDP_HEADER + payload.length);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, ports.source);
  view.setUint16(2, ports.destination);
  view.setUint16(4, bytes.length);
  bytes.set(payload, UDP_HEADER);
  return bytes;
}

function encodeIcmp(icmp: WireIcmp): Uint8Array {
  const bytes = new Uint8Array(ICMP_HEADER + icmp.payload.length);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, icmp.type);
  view.setUint8(1, icmp.code);
  view.setUint32(4, icmp.rest);
  bytes.set(icmp.payload, ICMP_HEADER);
  return bytes;
}

/** An IPv4 header and `payload` (RFC 791 §3.1). */
export function ipv4(packet: WirePacket, protocol: number, payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(IPV4_HEADER + payload.length);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, 0x45);
  view.setUint8(1, (packet.dscp << 2) | packet.ecn);
  view.setUint16(2, bytes.length);
  view.setUint16(6, DONT_FRAGMENT);
  view.setUint8(8, packet.ttl);
  view.setUint8(9, protocol);
  bytes.set(packet.source, 12);
  bytes.set(packet.destination, 16);
  view.setUint16(10, internetChecksum(bytes.subarray(0, IPV4_HEADER)));
  bytes.set(payload, IPV4_HEADER);
  return bytes;
}

/** An IPv6 header and `payload` (RFC 8200 §3). */
export function ipv6(packet: WirePacket, protocol: number, payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(IPV6_HEADER + payload.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, ((6 << 28) | (packet.dscp << 22) | (packet.ecn << 20) | packet.flowLabel) >>> 0);
  view.setUint16(4, payload.length);
  view.setUint8(6, protocol);
  view.setUint8(7, packet.ttl);
  bytes.set(packet.source, 8);
  bytes.set(packet.destination, 24);
  bytes.set(payload, IPV6_HEADER);
  return bytes;
}

function finish(packet: WirePacket, protocol: number, bytes: Uint8Array, at: number): Uint8Array {
  return sum(bytes, at, pseudoHeaderSum(packet.source, packet.destination, protocol, bytes.length));
}

/** Puts the checksum of `bytes` at `at`; a UDP checksum of 0 is written as 0xffff. */
function sum(bytes: Uint8Array, at: number, initial: number): Uint8Array {
  new DataView(bytes.buffer).setUint16(at, internetChecksum(bytes, initial) || 0xffff);
  return bytes;
}
