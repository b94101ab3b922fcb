import {
  CHECKSUM_PARTIAL,
  CHECKSUM_UNNECESSARY,
  ETH_P_IP,
  ETH_P_IPV6,
  GSO_BY_FRAGS,
  IPPROTO_TCP,
  IPPROTO_UDP,
  SKB_GSO_DODGY,
  SKB_GSO_TCP_ECN,
  SKB_GSO_TCPV4,
  SKB_GSO_TCPV6,
  SKB_GSO_UDP,
  SKB_GSO_UDP_L4,
  SKB_GSO_UDP_TUNNEL,
  SKB_GSO_UDP_TUNNEL_CSUM,
  tcp,
  udp,
  type Packet,
} from "@seville/packet";
import { UDP_MAX_SEGMENTS } from "../segment/outcome.ts";
import { findHeaders, type FrameHeaders, type LinkKind } from "./frame.ts";
import * as hdr from "./header.ts";

/**
 * Why a header was refused; the kernel answers EINVAL to each. The packet is as it was.
 * - `gso-type`: no type that there is, or a combination that makes no sense
 * - `gso-size`: 0, or 0xffff, which the kernel uses itself (GSO_BY_FRAGS)
 * - `csum-range`: the checksum field is not within the frame
 * - `truncated`: the frame ends within the headers that the type needs
 * - `protocol`: the frame is not what the type says
 * - `needs-csum`: the type needs NEEDS_CSUM, or forbids DATA_VALID
 * - `csum-offset`: not that of the protocol's checksum
 * - `too-many`: more than 128 datagrams
 * - `tunnel`: not negotiated, or its offsets contradict each other
 */
export type Fault =
  | "gso-type"
  | "gso-size"
  | "csum-range"
  | "truncated"
  | "protocol"
  | "needs-csum"
  | "csum-offset"
  | "too-many"
  | "tunnel";

/** How a header is to be read. */
export interface ToMetaOptions {
  /** Default: `ethernet`. */
  readonly link?: LinkKind;
  /** UDP_TUNNEL_GSO was negotiated, and UDP_TUNNEL_GSO_CSUM. Default: no. */
  readonly tunnel?: boolean;
  readonly tunnelCsum?: boolean;
  /**
   * We are the driver, to whom the device may say DATA_VALID (`virtio_net_handle_csum_offload`). A TAP device does not
   * believe that of its user. Default: no.
   */
  readonly driver?: boolean;
}

/** A type as the kernel reads it. */
interface Kind {
  readonly skb: number;
  readonly protocol: number;
  /** Bytes of transport header that must be there. */
  readonly headerBytes: number;
  /** Bytes of network header that must be there. */
  readonly networkBytes: number;
}

const KINDS: ReadonlyMap<number, Kind> = new Map([
  [hdr.GSO_TCPV4, { skb: SKB_GSO_TCPV4, protocol: IPPROTO_TCP, headerBytes: 20, networkBytes: 20 }],
  [hdr.GSO_TCPV6, { skb: SKB_GSO_TCPV6, protocol: IPPROTO_TCP, headerBytes: 20, networkBytes: 40 }],
  [hdr.GSO_UDP, { skb: SKB_GSO_UDP, protocol: IPPROTO_UDP, headerBytes: 8, networkBytes: 20 }],
  [hdr.GSO_UDP_L4, { skb: SKB_GSO_UDP_L4, protocol: IPPROTO_UDP, headerBytes: 8, networkBytes: 20 }],
]);

/**
 * Checks `header` by the kernel's rules (`virtio_net_hdr_tnl_to_skb`, include/linux/virtio_net.h; S17) and gives `packet`,
 * whose data is the frame, the metadata that it stands for: checksum state, GSO fields, header offsets. A super-packet from
 * there is DODGY: its segments are yet to be counted. What is "too small is not GSO".
 *
 * The offsets of the headers are found in the frame; `hdrLen` is never believed.
 */
export function toMeta(packet: Packet, header: hdr.Header, options: ToMetaOptions = {}): Fault | undefined {
  const fault = header.gsoType & hdr.GSO_UDP_TUNNEL ? tunnelFault(packet, header, options) : undefined;
  if (fault !== undefined) return fault;
  const gsoType = header.gsoType & ~hdr.GSO_UDP_TUNNEL;
  const frame = findHeaders(packet, options.link ?? "ethernet");
  const found = check(packet, header, gsoType, frame, options);
  if (typeof found === "string") return found;
  apply(packet, header, found, frame, options);
  if ((header.gsoType & hdr.GSO_UDP_TUNNEL) !== 0) applyTunnel(packet, header);
  return undefined;
}

/** What the rules leave of a header. */
interface Accepted {
  readonly kind: Kind | undefined;
  /** Offset of the transport header, if the header tells or it had to be found. */
  readonly transport: number | undefined;
  readonly isSuper: boolean;
}

/** The rules of `__virtio_net_hdr_to_skb`, in their order. */
function check(
  packet: Packet,
  header: hdr.Header,
  gsoType: number,
  frame: FrameHeaders | undefined,
  options: ToMetaOptions,
): Accepted | Fault {
  const kind = gsoType === hdr.GSO_NONE ? undefined : KINDS.get(gsoType & ~hdr.GSO_ECN);
  if (gsoType !== hdr.GSO_NONE) {
    if (kind === undefined) return "gso-type";
    if (header.gsoSize === 0) return "gso-size";
  }
  const needsCsum = (header.flags & hdr.NEEDS_CSUM) !== 0;
  const driverFault = options.driver === true ? checkDriver(header, options) : undefined;
  if (driverFault !== undefined) return driverFault;
  const headerBytes = kind?.headerBytes ?? 0;
  const length = packet.totalLength;
  let transport: number | undefined;
  if (needsCsum) {
    transport = header.csumStart;
    const end = transport + Math.max(headerBytes, header.csumOffset + 2);
    if (end > length || transport + packet.headroom >= 0xffff || !packet.mayPull(end)) return "csum-range";
    if (transport < (kind?.networkBytes ?? 20)) return "csum-range";
  } else if (kind !== undefined) {
    if (frame === undefined || !protocolMatches(gsoType, frame.etherType)) return "protocol";
    if (frame.protocol !== kind.protocol) return "protocol";
    transport = frame.transport;
    if (transport + headerBytes > length) return "truncated";
  }
  if (kind === undefined || transport === undefined) return { kind, transport, isSuper: false };
  const ruleFault = checkKind(header, gsoType, kind, needsCsum, length - transport - headerBytes);
  if (ruleFault !== undefined) return ruleFault;
  // UFO's size may not count the transport header.
  const behind = length - transport - (kind.skb === SKB_GSO_UDP ? 0 : headerBytes);
  return { kind, transport, isSuper: behind > header.gsoSize };
}

/** What each type asks for; `payload`: bytes behind the shortest transport header. */
function checkKind(
  header: hdr.Header,
  gsoType: number,
  kind: Kind,
  needsCsum: boolean,
  payload: number,
): Fault | undefined {
  if (kind.skb === SKB_GSO_UDP_L4) {
    if (!needsCsum) return "needs-csum";
    if (header.csumOffset !== udp.CHECKSUM_OFFSET) return "csum-offset";
    if (payload > header.gsoSize * UDP_MAX_SEGMENTS) return "too-many";
    if ((gsoType & hdr.GSO_ECN) !== 0) return "gso-type";
  }
  if (kind.protocol === IPPROTO_TCP && needsCsum && header.csumOffset !== tcp.CHECKSUM_OFFSET) return "csum-offset";
  return header.gsoSize === GSO_BY_FRAGS ? "gso-size" : undefined;
}

/** `virtio_net_handle_csum_offload`. */
function checkDriver(header: hdr.Header, options: ToMetaOptions): Fault | undefined {
  if ((header.flags & hdr.DATA_VALID) === 0) return undefined;
  if ((header.gsoType & hdr.GSO_UDP_TUNNEL) !== 0) return "needs-csum";
  return (header.flags & hdr.UDP_TUNNEL_CSUM) !== 0 && options.tunnelCsum !== true ? "tunnel" : undefined;
}

function protocolMatches(gsoType: number, etherType: number): boolean {
  switch (gsoType & ~hdr.GSO_ECN) {
    case hdr.GSO_TCPV4:
      return etherType === ETH_P_IP;
    case hdr.GSO_TCPV6:
      return etherType === ETH_P_IPV6;
    default:
      return etherType === ETH_P_IP || etherType === ETH_P_IPV6;
  }
}

function apply(
  packet: Packet,
  header: hdr.Header,
  { kind, transport, isSuper }: Accepted,
  frame: FrameHeaders | undefined,
  options: ToMetaOptions,
): void {
  const { data } = packet;
  packet.macHeader = data;
  if (frame !== undefined) {
    packet.networkHeader = data + frame.network;
    packet.protocol = frame.etherType;
    if (frame.protocol !== undefined) packet.transportHeader = data + frame.transport;
  }
  if (transport !== undefined) packet.transportHeader = data + transport;
  if ((header.flags & hdr.NEEDS_CSUM) !== 0) {
    packet.ipSummed = CHECKSUM_PARTIAL;
    packet.csumStart = data + header.csumStart;
    packet.csumOffset = header.csumOffset;
    packet.csumNotInet = false;
  } else if (options.driver === true && (header.flags & hdr.DATA_VALID) !== 0) {
    packet.ipSummed = CHECKSUM_UNNECESSARY;
    packet.csumLevel = (header.flags & hdr.UDP_TUNNEL_CSUM) !== 0 ? 1 : 0;
  }
  if (kind === undefined || !isSuper) return;
  packet.gsoSize = header.gsoSize;
  packet.gsoType = kind.skb | SKB_GSO_DODGY | ((header.gsoType & hdr.GSO_ECN) !== 0 ? SKB_GSO_TCP_ECN : 0);
  packet.gsoSegs = 0;
}

/** The rules of `virtio_net_hdr_tnl_to_skb` that go before. */
function tunnelFault(packet: Packet, header: hdr.Header, options: ToMetaOptions): Fault | undefined {
  if (options.tunnel !== true) return "tunnel";
  if ((header.gsoType & hdr.GSO_UDP_TUNNEL) === hdr.GSO_UDP_TUNNEL) return "gso-type";
  const inner = header.gsoType & ~(hdr.GSO_ECN | hdr.GSO_UDP_TUNNEL);
  if (inner === hdr.GSO_NONE || inner === hdr.GSO_UDP) return "gso-type";
  if ((header.flags & hdr.NEEDS_CSUM) === 0) return "needs-csum";
  if ((header.flags & hdr.UDP_TUNNEL_CSUM) !== 0 && options.tunnelCsum !== true) return "tunnel";
  const { csumStart, innerNhOffset, outerThOffset } = header;
  const outerMin = (options.link === "raw" ? 0 : 14) + (header.gsoType & hdr.GSO_UDP_TUNNEL_IPV6 ? 40 : 20);
  if (outerThOffset < outerMin || innerNhOffset < outerThOffset + 8) return "tunnel";
  if (innerNhOffset + 20 > packet.totalLength) return "tunnel";
  if (!packet.mayPull(innerNhOffset + 20)) return "truncated";
  const version = packet.pool.memory.view.getUint8(packet.data + innerNhOffset) >> 4;
  const isV6 = inner === hdr.GSO_UDP_L4 ? version === 6 : inner === hdr.GSO_TCPV6;
  return csumStart < innerNhOffset + (isV6 ? 40 : 20) ? "tunnel" : undefined;
}

function applyTunnel(packet: Packet, header: hdr.Header): void {
  const { data } = packet;
  packet.innerTransportHeader = data + header.csumStart;
  packet.innerNetworkHeader = data + header.innerNhOffset;
  packet.innerMacHeader = packet.innerNetworkHeader;
  packet.transportHeader = data + header.outerThOffset;
  packet.encapsulation = true;
  if (packet.gsoSize === 0) return;
  packet.gsoType |= (header.flags & hdr.UDP_TUNNEL_CSUM) !== 0 ? SKB_GSO_UDP_TUNNEL_CSUM : SKB_GSO_UDP_TUNNEL;
}
