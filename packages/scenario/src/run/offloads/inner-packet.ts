import { fold, pseudoHeader4, pseudoHeader6At } from "@seville/checksum";
import {
  CHECKSUM_PARTIAL,
  ipv6,
  isIpv4,
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
const HEADERS = { tcp: 20, udp: 8, sctp: 28 } as const;
const CHECKSUM_AT = { tcp: 16, udp: 6, sctp: 8 } as const;
/** Room in front for the headers of two tunnels. */
const HEADROOM = 256;

/** The payload: a byte depends on its place, so that a frame with the wrong part of it shows. */
export function payloadByte(index: number): number {
  return (index * 31 + (index >>> 8) * 7) & 0xff;
}

/**
 * Sends one packet of `host` to `destination`, as the protocol's engine would: a super-packet where it is longer than a
 * segment, its checksum left to whoever is able (CHECKSUM_PARTIAL). Answers `false` if there is no way or no memory.
 */
export function sendInner(host: Host, destination: IpAddress, inner: InnerPacket): boolean {
  const packet = host.pool.alloc(HEADERS[inner.protocol] + inner.payload, HEADROOM);
  if (packet === undefined) return false;
  writeTransport(packet, inner);
  return isIpv4(destination) ? send4(host, packet, destination, inner) : send6(host, packet, destination, inner);
}

function writeTransport(packet: Packet, { protocol, payload, segment }: InnerPacket): void {
  const { view, u8 } = packet.pool.memory;
  const header = HEADERS[protocol];
  const at = packet.put(header + payload);
  u8.fill(0, at, at + header);
  view.setUint16(at, 40_000);
  view.setUint16(at + 2, INNER_PORT);
  if (protocol === "tcp") {
    view.setUint32(at + 4, FIRST_SEQUENCE);
    view.setUint32(at + 8, 1);
    // Five words of header, ACK, and a window.
    view.setUint32(at + 12, 0x5010_ffff);
  } else if (protocol === "udp") view.setUint16(at + 4, header + payload);
  else writeDataChunk(view, at, payload);
  for (let i = 0; i < payload; i++) u8[at + header + i] = payloadByte(i);
  packet.transportHeader = at;
  packet.ipSummed = CHECKSUM_PARTIAL;
  packet.csumStart = at;
  packet.csumOffset = CHECKSUM_AT[protocol];
  packet.csumNotInet = protocol === "sctp";
  if (protocol === "sctp" || payload <= segment) return;
  packet.gsoSize = segment;
  packet.gsoSegs = Math.ceil(payload / segment);
}

/** One DATA chunk, first and last of its message (RFC 9260 §3.3.1). */
function writeDataChunk(view: DataView, at: number, payload: number): void {
  view.setUint32(at + 4, 0x1234_5678);
  view.setUint32(at + 12, (0x0003 << 16) | (16 + payload));
  view.setUint32(at + 16, 1);
}

function send4(host: Host, packet: Packet, destination: number, { protocol }: InnerPacket): boolean {
  const flow = { ...createFlow4(), destination, protocol: NUMBERS[protocol] };
  const hop = routeOrRelease(routeOutput4(host, flow), packet);
  if (hop === undefined) return false;
  if (packet.gsoSize > 0) packet.gsoType = protocol === "tcp" ? SKB_GSO_TCPV4 : SKB_GSO_UDP_L4;
  const pseudo = pseudoHeader4(flow.source, destination, NUMBERS[protocol], packet.length);
  leavePseudo(packet, fold(pseudo));
  const options = { protocol: NUMBERS[protocol], tos: 0, ttl: 0, dontFragment: true };
  sendIpv4(host, packet, hop, flow.source, destination, options);
  return true;
}

function send6(host: Host, packet: Packet, destination: Ipv6Address, { protocol }: InnerPacket): boolean {
  const flow = { ...createFlow6(), destination, protocol: NUMBERS[protocol] };
  const hop = routeOrRelease(routeOutput6(host, flow), packet);
  if (hop === undefined) return false;
  if (packet.gsoSize > 0) packet.gsoType = protocol === "tcp" ? SKB_GSO_TCPV6 : SKB_GSO_UDP_L4;
  const { view, u8 } = host.memory;
  // Where the header will stand: the addresses are needed as bytes.
  const header = packet.data - ipv6.HEADER_LENGTH;
  ipv6.setSource(view, header, flow.source);
  ipv6.setDestination(view, header, destination);
  leavePseudo(packet, fold(pseudoHeader6At(u8, header + 8, header + 24, NUMBERS[protocol], packet.length)));
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
