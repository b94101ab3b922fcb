import { internetChecksum, pseudoHeaderSum } from "./checksum.ts";
import { IPPROTO_ICMP, IPPROTO_ICMPV6, IPPROTO_TCP, IPPROTO_UDP, type WirePacket, type WireTcp } from "./packet.ts";

export interface DecodeOptions {
  /** Verify the checksum of the transport header, as it is finished. Default true. */
  readonly verify?: boolean;
  /** UDP datagrams hold TCP segments. Default false. */
  readonly tcpInUdp?: boolean;
}

/** What went out is not a packet: too short, a checksum is wrong. */
export class MalformedPacket extends Error {
  override readonly name: string = "MalformedPacket";
}

/** Takes a packet apart, whose bytes begin with the IP header. The parts are views. */
export function decodePacket(bytes: Uint8Array, options: DecodeOptions = {}): WirePacket {
  const version = (bytes[0] ?? 0) >> 4;
  if (version === 4) return decodeIpv4(bytes, options);
  if (version === 6) return decodeIpv6(bytes, options);
  throw new MalformedPacket(`IP version ${version}`);
}

function decodeIpv4(bytes: Uint8Array, options: DecodeOptions): WirePacket {
  const view = viewOf(bytes);
  const header = ((bytes[0] ?? 0) & 15) * 4;
  need(bytes, Math.max(header, 20), "IPv4 header");
  if (internetChecksum(bytes.subarray(0, header)) !== 0) throw new MalformedPacket("bad IPv4 header checksum");
  const length = view.getUint16(2);
  need(bytes, length, "IPv4 packet");
  const tos = view.getUint8(1);
  const ip = {
    family: 4 as const,
    source: bytes.subarray(12, 16),
    destination: bytes.subarray(16, 20),
    ecn: tos & 3,
    dscp: tos >> 2,
    ttl: view.getUint8(8),
    flowLabel: 0,
  };
  return { ...ip, body: decodeBody(ip, view.getUint8(9), bytes.subarray(header, length), options) };
}

function decodeIpv6(bytes: Uint8Array, options: DecodeOptions): WirePacket {
  need(bytes, 40, "IPv6 header");
  const view = viewOf(bytes);
  const first = view.getUint32(0);
  const length = view.getUint16(4);
  need(bytes, 40 + length, "IPv6 packet");
  const ip = {
    family: 6 as const,
    source: bytes.subarray(8, 24),
    destination: bytes.subarray(24, 40),
    ecn: (first >>> 20) & 3,
    dscp: (first >>> 22) & 0x3f,
    ttl: view.getUint8(7),
    flowLabel: first & 0xf_ffff,
  };
  // Length 0 is that of a super-packet, which has no room for its length in the header.
  const end = length === 0 ? bytes.length : 40 + length;
  return { ...ip, body: decodeBody(ip, view.getUint8(6), bytes.subarray(40, end), options) };
}

type Addresses = Pick<WirePacket, "source" | "destination">;

function decodeBody(ip: Addresses, protocol: number, bytes: Uint8Array, options: DecodeOptions): WirePacket["body"] {
  switch (protocol) {
    case IPPROTO_TCP:
      verify(ip, protocol, bytes, options, "TCP");
      return decodeTcp(bytes, undefined);
    case IPPROTO_UDP: {
      need(bytes, 8, "UDP header");
      const view = viewOf(bytes);
      if (view.getUint16(6) !== 0) verify(ip, protocol, bytes, options, "UDP");
      const ports = { source: view.getUint16(0), destination: view.getUint16(2) };
      const payload = bytes.subarray(8);
      if (options.tcpInUdp === true) return decodeTcp(payload, ports);
      return { protocol: "udp", ports, payload };
    }
    case IPPROTO_ICMP:
    case IPPROTO_ICMPV6: {
      need(bytes, 8, "ICMP header");
      const view = viewOf(bytes);
      return {
        protocol: "icmp",
        type: view.getUint8(0),
        code: view.getUint8(1),
        rest: view.getUint32(4),
        payload: bytes.subarray(8),
      };
    }
    default:
      return { protocol: "other", number: protocol, payload: bytes };
  }
}

function decodeTcp(bytes: Uint8Array, encapsulation: WireTcp["encapsulation"]): WireTcp {
  need(bytes, 20, "TCP header");
  const view = viewOf(bytes);
  const header = (view.getUint8(12) >> 4) * 4;
  if (header < 20) throw new MalformedPacket(`TCP data offset ${header}`);
  need(bytes, header, "TCP header");
  return {
    protocol: "tcp",
    ports: { source: view.getUint16(0), destination: view.getUint16(2) },
    seq: view.getUint32(4),
    ack: view.getUint32(8),
    flags: view.getUint16(12) & 0xfff,
    window: view.getUint16(14),
    urgent: view.getUint16(18),
    options: bytes.subarray(20, header),
    payload: bytes.subarray(header),
    encapsulation,
  };
}

function verify(ip: Addresses, protocol: number, bytes: Uint8Array, options: DecodeOptions, name: string): void {
  if (options.verify === false) return;
  const initial = pseudoHeaderSum(ip.source, ip.destination, protocol, bytes.length);
  if (internetChecksum(bytes, initial) !== 0) throw new MalformedPacket(`bad ${name} checksum`);
}

function need(bytes: Uint8Array, length: number, what: string): void {
  if (bytes.length < length) throw new MalformedPacket(`${what} cut short: ${bytes.length} bytes`);
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
