import { fold, pseudoHeader4, pseudoHeader6At } from "@seville/checksum";
import {
  CHECKSUM_PARTIAL,
  GSO_BY_FRAGS,
  ipv6,
  isIpv4,
  SKB_GSO_SCTP,
  SKB_GSO_TCPV4,
  SKB_GSO_TCPV6,
  SKB_GSO_UDP_L4,
  type IpAddress,
  type Ipv6Address,
  type Packet,
} from "@seville/packet";
import {
  createFlow4,
  createFlow6,
  routeOutput4,
  routeOutput6,
  sendIpv4,
  sendIpv6,
  type Host,
  type RouteHop,
} from "@seville/stack";

export type InnerProtocol = "tcp" | "udp" | "sctp";

/** What is sent, before any IP header. */
export interface InnerPacket {
  readonly protocol: InnerProtocol;
  /** Bytes of payload in all. */
  readonly payload: number;
  /** Bytes of payload in a frame. A packet with no more is no super-packet. */
  readonly segment: number;
}

/** Sequence number of the first byte of TCP's payload. */
export const FIRST_SEQUENCE = 0x1000_0000;
/** Where UDP datagrams go. */
export const INNER_PORT = 9000;

const NUMBERS = { tcp: 6, udp: 17, sctp: 132 } as const;
/** Bytes of SCTP's common header and of that of one DATA chunk. */
export const SCTP_HEADERS = 28;
const COMMON_HEADER = 12;
const HEADERS = { tcp: 20, udp: 8, sctp: SCTP_HEADERS } as const;
const CHECKSUM_AT = { tcp: 16, udp: 6, sctp: 8 } as const;
/** Room in front for the headers of two tunnels. */
const HEADROOM = 256;

/** The payload: a byte depends on its place, so that a frame with the wrong part of it shows. */
export function payloadByte(index: number): number {
  return (index * 31 + (index >>> 8) * 7) & 0xff;
}

/**
 * Sends one packet of `host` to `destination`, as the protocol's engine would: a super-packet where it is longer than a
 * segment (of SCTP: the common header with a list of chunks, GSO_BY_FRAGS), its checksum left to whoever is able
 * (CHECKSUM_PARTIAL). Answers `false` if there is no way or no memory.
 */
export function sendInner(host: Host, destination: IpAddress, inner: InnerPacket): boolean {
  const isByFrags = inner.protocol === "sctp" && inner.payload > inner.segment;
  const packet = isByFrags ? chunkedSctp(host, inner) : wholePacket(host, inner);
  if (packet === undefined) return false;
  return isIpv4(destination) ? send4(host, packet, destination, inner) : send6(host, packet, destination, inner);
}

/** Transport header and all of the payload in one slot. */
function wholePacket(host: Host, { protocol, payload, segment }: InnerPacket): Packet | undefined {
  const header = HEADERS[protocol];
  const packet = host.pool.alloc(header + payload, HEADROOM);
  if (packet === undefined) return undefined;
  const { view, u8 } = packet.pool.memory;
  const at = packet.put(header + payload);
  u8.fill(0, at, at + header);
  writeTransport(view, at, protocol, payload);
  if (protocol === "sctp") writeDataChunk(view, at + COMMON_HEADER, 1, payload);
  fillPayload(u8, at + header, 0, payload);
  leaveChecksum(packet, at, protocol);
  if (payload > segment) {
    packet.gsoSize = segment;
    packet.gsoSegs = Math.ceil(payload / segment);
  }
  return packet;
}

/** The common header, and in `fragList` a packet's worth of chunks each, as `sctp_packet_pack` makes them (S9). */
function chunkedSctp(host: Host, { payload, segment }: InnerPacket): Packet | undefined {
  const { pool } = host;
  const packet = pool.alloc(COMMON_HEADER, HEADROOM);
  if (packet === undefined) return undefined;
  const { view, u8 } = pool.memory;
  const at = packet.put(COMMON_HEADER);
  u8.fill(0, at, at + COMMON_HEADER);
  writeTransport(view, at, "sctp", payload);
  packet.fragList = [];
  for (let from = 0, tsn = 1; from < payload; from += segment, tsn++) {
    const length = Math.min(segment, payload - from);
    const chunk = pool.alloc(SCTP_HEADERS - COMMON_HEADER + length);
    if (chunk === undefined) {
      packet.release();
      return undefined;
    }
    packet.fragList.push(chunk);
    const chunkAt = chunk.put(SCTP_HEADERS - COMMON_HEADER + length);
    writeDataChunk(view, chunkAt, tsn, length);
    fillPayload(u8, chunkAt + SCTP_HEADERS - COMMON_HEADER, from, length);
  }
  leaveChecksum(packet, at, "sctp");
  packet.gsoSize = GSO_BY_FRAGS;
  packet.gsoSegs = packet.fragList.length;
  return packet;
}

/** Ports, and what each protocol has beside them; all else is 0. */
function writeTransport(view: DataView, at: number, protocol: InnerProtocol, payload: number): void {
  view.setUint16(at, 40_000);
  view.setUint16(at + 2, INNER_PORT);
  if (protocol === "tcp") {
    view.setUint32(at + 4, FIRST_SEQUENCE);
    view.setUint32(at + 8, 1);
    // Five words of header, ACK, and a window.
    view.setUint32(at + 12, 0x5010_ffff);
  } else if (protocol === "udp") view.setUint16(at + 4, HEADERS.udp + payload);
  else view.setUint32(at + 4, 0x1234_5678);
}

/** One DATA chunk, first and last of its message (RFC 9260 §3.3.1). */
function writeDataChunk(view: DataView, at: number, tsn: number, payload: number): void {
  view.setUint32(at, (0x0003 << 16) | (SCTP_HEADERS - COMMON_HEADER + payload));
  view.setUint32(at + 4, tsn);
  view.setUint32(at + 8, 0);
  view.setUint32(at + 12, 0);
}

function fillPayload(u8: Uint8Array, at: number, first: number, length: number): void {
  for (let i = 0; i < length; i++) u8[at + i] = payloadByte(first + i);
}

function leaveChecksum(packet: Packet, at: number, protocol: InnerProtocol): void {
  packet.transportHeader = at;
  packet.ipSummed = CHECKSUM_PARTIAL;
  packet.csumStart = at;
  packet.csumOffset = CHECKSUM_AT[protocol];
  packet.csumNotInet = protocol === "sctp";
}

/** What splits it. */
function gsoTypeOf(protocol: InnerProtocol, tcpType: number): number {
  if (protocol === "tcp") return tcpType;
  return protocol === "udp" ? SKB_GSO_UDP_L4 : SKB_GSO_SCTP;
}

function send4(host: Host, packet: Packet, destination: number, { protocol }: InnerPacket): boolean {
  const flow = { ...createFlow4(), destination, protocol: NUMBERS[protocol] };
  const hop = routeOrRelease(routeOutput4(host, flow), packet);
  if (hop === undefined) return false;
  if (packet.gsoSize > 0) packet.gsoType = gsoTypeOf(protocol, SKB_GSO_TCPV4);
  const pseudo = pseudoHeader4(flow.source, destination, NUMBERS[protocol], packet.totalLength);
  leavePseudo(packet, fold(pseudo));
  const options = { protocol: NUMBERS[protocol], tos: 0, ttl: 0, dontFragment: true };
  sendIpv4(host, packet, hop, flow.source, destination, options);
  return true;
}

function send6(host: Host, packet: Packet, destination: Ipv6Address, { protocol }: InnerPacket): boolean {
  const flow = { ...createFlow6(), destination, protocol: NUMBERS[protocol] };
  const hop = routeOrRelease(routeOutput6(host, flow), packet);
  if (hop === undefined) return false;
  if (packet.gsoSize > 0) packet.gsoType = gsoTypeOf(protocol, SKB_GSO_TCPV6);
  const { view, u8 } = host.memory;
  // Where the header will stand: the addresses are needed as bytes.
  const header = packet.data - ipv6.HEADER_LENGTH;
  ipv6.setSource(view, header, flow.source);
  ipv6.setDestination(view, header, destination);
  leavePseudo(packet, fold(pseudoHeader6At(u8, header + 8, header + 24, NUMBERS[protocol], packet.totalLength)));
  const options = { nextHeader: NUMBERS[protocol], trafficClass: 0, flowLabel: 0, hopLimit: 0 };
  sendIpv6(host, packet, hop, flow.source, destination, options);
  return true;
}

function routeOrRelease(hop: RouteHop | string, packet: Packet): RouteHop | undefined {
  if (typeof hop !== "string") return hop;
  packet.release();
  return undefined;
}

/** The pseudo-header's sum in the field, as PARTIAL wants it (C16); a CRC has none. */
function leavePseudo(packet: Packet, sum: number): void {
  if (packet.csumNotInet) return;
  packet.pool.memory.view.setUint16(packet.csumStart + packet.csumOffset, sum);
}
