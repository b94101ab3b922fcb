import {
  CHECKSUM_PARTIAL,
  IPPROTO_GRE,
  IPPROTO_IPIP,
  IPPROTO_IPV6,
  IPPROTO_SCTP,
  IPPROTO_TCP,
  IPPROTO_UDP,
  ipv4,
  ipv6,
  NO_HEADER,
  SKB_GSO_GRE,
  SKB_GSO_GRE_CSUM,
  SKB_GSO_IPXIP4,
  SKB_GSO_IPXIP6,
  SKB_GSO_SCTP,
  SKB_GSO_TCP_FIXEDID,
  SKB_GSO_TCP_FIXEDID_INNER,
  SKB_GSO_TCPV4,
  SKB_GSO_TCPV6,
  SKB_GSO_TUNNEL_REMCSUM,
  SKB_GSO_UDP,
  SKB_GSO_UDP_L4,
  SKB_GSO_UDP_TUNNEL,
  SKB_GSO_UDP_TUNNEL_CSUM,
  type Packet,
} from "@seville/packet";
import { MAX_HEADER_BYTES } from "../kernel/plan.ts";
import { hidesLevelInGre, hidesLevelInUdp } from "./depth.ts";
import type { SegmentOptions, SegmentRefusal } from "./outcome.ts";

/** What is segmented: TCP, USO, UFO or SCTP. */
export type Segmented = "tcp" | "udp" | "ufo" | "sctp";

/** An IP header. Offsets in a {@link Layout} count from the packet's data. */
export interface IpLevel {
  readonly at: number;
  readonly version: 4 | 6;
  /** IPv4: every segment has the same identification. */
  readonly fixedId: boolean;
}

/** The tunnel header between two IP levels. */
export interface TunnelLevel {
  readonly kind: "udp" | "gre" | "ip";
  /** Of the UDP or GRE header; of the inner IP header for `ip`. */
  readonly at: number;
  /** It has a checksum that covers all behind it. */
  readonly checksum: boolean;
  /** The inner checksum travels as the pseudo-header's sum (remote checksum offload). */
  readonly remote: boolean;
}

/** Where the headers of a super-packet are. */
export interface Layout {
  readonly kind: Segmented;
  /** IP headers, the outer one first. */
  readonly ips: readonly IpLevel[];
  readonly tunnel: TunnelLevel | undefined;
  /** The transport header that is replicated. For `ufo` the headers end there. */
  readonly transport: number;
  /** Bytes of headers: the payload begins there. */
  readonly headerLength: number;
}

export const UDP_TUNNEL: number = SKB_GSO_UDP_TUNNEL | SKB_GSO_UDP_TUNNEL_CSUM;
export const GRE: number = SKB_GSO_GRE | SKB_GSO_GRE_CSUM;
export const IPXIP: number = SKB_GSO_IPXIP4 | SKB_GSO_IPXIP6;
/** Any tunnel. */
export const TUNNELS: number = UDP_TUNNEL | GRE | IPXIP;

interface Known {
  readonly kind: Segmented;
  readonly protocol: number;
  /** Of the IP header around it; 0: either. */
  readonly version: 0 | 4 | 6;
}

const KINDS: ReadonlyMap<number, Known> = new Map<number, Known>([
  [SKB_GSO_TCPV4, { kind: "tcp", protocol: IPPROTO_TCP, version: 4 }],
  [SKB_GSO_TCPV6, { kind: "tcp", protocol: IPPROTO_TCP, version: 6 }],
  [SKB_GSO_UDP_L4, { kind: "udp", protocol: IPPROTO_UDP, version: 0 }],
  [SKB_GSO_UDP, { kind: "ufo", protocol: IPPROTO_UDP, version: 0 }],
  [SKB_GSO_SCTP, { kind: "sctp", protocol: IPPROTO_SCTP, version: 0 }],
]);
const ALL_KINDS: number = SKB_GSO_TCPV4 | SKB_GSO_TCPV6 | SKB_GSO_UDP_L4 | SKB_GSO_UDP | SKB_GSO_SCTP;
const FIXED_BYTES: Record<Segmented, number> = { tcp: 20, udp: 8, ufo: 8, sctp: 12 };

/** Reads and checks the headers that a super-packet's offsets and `gsoType` describe. May linearize the packet. */
export function readLayout(packet: Packet, options: SegmentOptions): Layout | SegmentRefusal {
  const known = KINDS.get(packet.gsoType & ALL_KINDS);
  if (known === undefined) return "type";
  const { kind, protocol, version } = known;
  const encapsulated = (packet.gsoType & TUNNELS) !== 0;
  const transportAt = encapsulated ? packet.innerTransportHeader : packet.transportHeader;
  const networkAt = encapsulated ? packet.innerNetworkHeader : packet.networkHeader;
  if (transportAt === NO_HEADER || networkAt === NO_HEADER || packet.networkHeader === NO_HEADER) return "malformed";
  const transport = transportAt - packet.data;
  const network = networkAt - packet.data;
  const outer = packet.networkHeader - packet.data;
  const outerTransport = packet.transportHeader === NO_HEADER ? NO_HEADER : packet.transportHeader - packet.data;
  if (outer < 0 || network < outer || transport < network + 20) return "malformed";
  if (packet.ipSummed === CHECKSUM_PARTIAL && packet.csumStart - packet.data !== transport) return "checksum-start";
  if (transport + FIXED_BYTES[kind] > packet.totalLength) return "malformed";
  if (!packet.mayPull(transport + FIXED_BYTES[kind])) return "nomem";

  const tunnel = encapsulated ? readTunnel(packet, outer, outerTransport, network, options) : undefined;
  if (typeof tunnel === "string") return tunnel;
  if (encapsulated && outer === network) return "malformed";
  const inner = readIp(packet, network, transport, protocol, fixedId(packet, network, !encapsulated, options));
  if (inner === undefined || (version !== 0 && inner.version !== version)) return "malformed";
  const ips: IpLevel[] = [];
  if (tunnel !== undefined) {
    const end = tunnel.at;
    const level = readIp(packet, outer, end, tunnelProtocol(tunnel, inner), fixedId(packet, outer, true, options));
    if (level === undefined) return "malformed";
    ips.push(level);
  }
  ips.push(inner);
  const headerLength = endOfHeaders(packet, kind, transport);
  if (headerLength === undefined) return "malformed";
  if (headerLength > MAX_HEADER_BYTES) return "headers-too-long";
  if (!packet.mayPull(headerLength)) return "nomem";
  return { kind, ips, tunnel, transport, headerLength };
}

/** Where the payload begins, or `undefined` if the headers are longer than the packet. */
function endOfHeaders(packet: Packet, kind: Segmented, transport: number): number | undefined {
  if (kind === "ufo") return transport;
  let length = FIXED_BYTES[kind];
  if (kind === "tcp") {
    length = (packet.pool.memory.view.getUint8(packet.data + transport + 12) >> 4) * 4;
    if (length < 20) return undefined;
  }
  return transport + length <= packet.totalLength ? transport + length : undefined;
}

/** The IP header at `at` if what it holds, after its options or extension headers, is `protocol` at `end`. */
function readIp(packet: Packet, at: number, end: number, protocol: number, fixed: boolean): IpLevel | undefined {
  const { view } = packet.pool.memory;
  const offset = packet.data + at;
  const version = view.getUint8(offset) >> 4;
  if (version === 4) {
    const length = ipv4.headerLength(view, offset);
    if (length < 20 || at + length !== end || ipv4.protocol(view, offset) !== protocol) return undefined;
    if (ipv4.isFragment(view, offset)) return undefined;
    return { at, version, fixedId: fixed };
  }
  if (version !== 6 || end < at + 40) return undefined;
  const chain = ipv6.walkExtensions(view, offset, packet.tail);
  if (chain.fault !== undefined || chain.fragmentAt !== -1) return undefined;
  if (chain.at !== packet.data + end || chain.protocol !== protocol) return undefined;
  return { at, version, fixedId: false };
}

function tunnelProtocol(tunnel: TunnelLevel, inner: IpLevel): number {
  if (tunnel.kind === "udp") return IPPROTO_UDP;
  if (tunnel.kind === "gre") return IPPROTO_GRE;
  return inner.version === 4 ? IPPROTO_IPIP : IPPROTO_IPV6;
}

function readTunnel(
  packet: Packet,
  outer: number,
  at: number,
  network: number,
  options: SegmentOptions,
): TunnelLevel | SegmentRefusal {
  const { gsoType } = packet;
  const { view } = packet.pool.memory;
  const remote = (gsoType & SKB_GSO_TUNNEL_REMCSUM) !== 0;
  if ((gsoType & UDP_TUNNEL) !== 0) {
    // GRE or IP behind FOU or GUE changes nothing from segment to segment, unless it has a checksum itself.
    if ((gsoType & SKB_GSO_GRE_CSUM) !== 0) return "too-deep";
    if (at < outer + 20 || at + 8 > network) return "malformed";
    if (((network - at) & 1) !== 0) return "malformed";
    if (hidesLevelInUdp(packet, at, network, options.tunnels)) return "too-deep";
    return { kind: "udp", at, checksum: (gsoType & SKB_GSO_UDP_TUNNEL_CSUM) !== 0, remote };
  }
  if (remote) return "type";
  if ((gsoType & GRE) !== 0) {
    if ((gsoType & IPXIP) !== 0) return "too-deep";
    if (at < outer + 20 || at + 4 > network) return "malformed";
    const flags = view.getUint16(packet.data + at);
    const checksum = (gsoType & SKB_GSO_GRE_CSUM) !== 0;
    if ((flags & 0x1000) !== 0) return "sequence";
    if (checksum && ((flags & 0x8000) === 0 || at + 8 > network)) return "malformed";
    if (((network - at) & 1) !== 0) return "malformed";
    if (hidesLevelInGre(packet, at, network)) return "too-deep";
    return { kind: "gre", at, checksum, remote };
  }
  return { kind: "ip", at: network, checksum: false, remote };
}

/**
 * FIXEDID speaks of the outer or only header, FIXEDID_INNER of the inner one; a device that mangles may do as it likes,
 * except with an outer header without DF (Documentation/networking/segmentation-offloads.rst; S2).
 */
function fixedId(packet: Packet, at: number, outermost: boolean, { mangleId }: SegmentOptions): boolean {
  if (mangleId === undefined) {
    return (packet.gsoType & (outermost ? SKB_GSO_TCP_FIXEDID : SKB_GSO_TCP_FIXEDID_INNER)) !== 0;
  }
  const keepsFragmenting = outermost && !ipv4.dontFragment(packet.pool.memory.view, packet.data + at);
  return mangleId === "fixed" && !keepsFragmenting;
}
