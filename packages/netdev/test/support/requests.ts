import {
  CHECKSUM_PARTIAL,
  compose,
  ETH_P_IP,
  ETH_P_IPV6,
  ETHERNET_HEADROOM,
  parseIpv4,
  parseIpv6,
  parseMac,
  SKB_GSO_GRE,
  SKB_GSO_GRE_CSUM,
  SKB_GSO_IPXIP4,
  SKB_GSO_IPXIP6,
  SKB_GSO_TCP_ECN,
  SKB_GSO_TCPV4,
  SKB_GSO_TCPV6,
  SKB_GSO_UDP_L4,
  SKB_GSO_UDP_TUNNEL,
  SKB_GSO_UDP_TUNNEL_CSUM,
  tcp,
  type Layer,
  type Packet,
  type PacketPool,
} from "@seville/packet";
import { crc32c, onesSum } from "./verify-frame.ts";

export const MAC_A = parseMac("02:00:00:00:00:01");
export const MAC_B = parseMac("02:00:00:00:00:02");
const ETH = { ethernet: { destination: MAC_B, source: MAC_A } } as const;

export type Tunnel = "none" | "vxlan" | "geneve" | "gre" | "gretap" | "ipip";

/** What a stack wants sent. */
export interface Request {
  readonly inner: 4 | 6;
  readonly outer?: 4 | 6;
  readonly protocol: "tcp" | "udp" | "sctp";
  readonly tunnel?: Tunnel;
  /** The tunnel header has a checksum. */
  readonly outerCsum?: boolean;
  readonly payload: number;
  /** More payload than this makes it a super-packet. */
  readonly mss?: number | undefined;
  readonly vlan?: number;
  readonly flags?: number;
  readonly sourcePort?: number;
  readonly tunnelPort?: number;
  /** IPv4 identification of the first frame, outer and inner. */
  readonly id?: number;
  readonly dontFragment?: boolean;
  /** IPv6: a destination-options header in front of the transport header. */
  readonly extension?: boolean;
}

const RANDOM = Uint8Array.from({ length: 65_536 }, (_, i) => (i * 73 + (i >> 8) * 31 + 5) & 0xff);

/** The frame, or the frames, that belong on the wire: composed one by one, nothing offloaded. */
export function wireFrames(request: Request): Uint8Array[] {
  const { payload, mss } = request;
  if (mss === undefined || payload <= mss) return [build(request, 0, 0, payload, true)];
  const count = Math.ceil(payload / mss);
  return Array.from({ length: count }, (_, i) =>
    build(request, i, i * mss, Math.min(payload, (i + 1) * mss), i === count - 1),
  );
}

/** All that is on the wire for one frame with the payload bytes `[from, to)`. */
function build(request: Request, index: number, from: number, to: number, isLast: boolean): Uint8Array {
  const payload = request.protocol === "sctp" ? dataChunk(to) : RANDOM.subarray(from, to);
  const inner = compose([...innerLayers(request, index, from, isLast), payload]);
  const finished = request.protocol === "sctp" ? withCrc(inner, request) : inner;
  return wrap(request, index, finished);
}

/** One SCTP DATA chunk of `length` bytes in all (RFC 9260 §3.3.1), if it is long enough for one. */
function dataChunk(length: number): Uint8Array {
  const chunk = RANDOM.slice(0, length);
  if (length > 16) chunk.set([0, 3, length >> 8, length & 0xff, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
  return chunk;
}

/** The inner packet: with an Ethernet header where the tunnel (or no tunnel) wants one. */
function innerLayers(request: Request, index: number, from: number, isLast: boolean): Layer[] {
  const { inner, protocol, vlan, flags = tcp.ACK | tcp.PSH, sourcePort = 40_000 } = request;
  const layers: Layer[] = [];
  if (hasInnerEthernet(request)) layers.push(ETH);
  if (vlan !== undefined && tunnelOf(request) === "none") layers.push({ vlan: { id: vlan } });
  layers.push(ip(inner, request, index, protocol === "sctp" ? 132 : undefined, "inner"));
  if (request.extension === true && inner === 6)
    layers.push({ destinationOptions: { options: [], ...(protocol === "sctp" ? { nextHeader: 132 } : {}) } });
  if (protocol === "tcp") {
    let f = flags;
    if (!isLast) f &= ~(tcp.FIN | tcp.PSH);
    if (index > 0) f &= ~tcp.CWR;
    layers.push({
      tcp: {
        sourcePort,
        destinationPort: 5001,
        sequence: (0xffff_f000 + from) >>> 0,
        acknowledgment: 77,
        flags: f,
        window: 500,
      },
    });
  }
  if (protocol === "udp") layers.push({ udp: { sourcePort, destinationPort: 5001 } });
  if (protocol === "sctp") layers.push(Uint8Array.of(0x9c, 0x40, 0x13, 0x89, 1, 2, 3, 4, 0, 0, 0, 0));
  return layers;
}

function ip(
  version: 4 | 6,
  request: Request,
  index: number,
  protocol: number | undefined,
  where: "inner" | "outer",
): Layer {
  const id = ((request.id ?? 1000) + (where === "outer" ? 5000 : 0) + index) & 0xffff;
  const next = where === "inner" ? 1 : 101;
  if (version === 4) {
    return {
      ipv4: {
        source: parseIpv4(`192.0.2.${next}`),
        destination: parseIpv4(`192.0.2.${next + 1}`),
        identification: id,
        dontFragment: request.dontFragment ?? true,
        protocol,
      },
    };
  }
  return {
    ipv6: {
      source: parseIpv6(`2001:db8::${next}`),
      destination: parseIpv6(`2001:db8::${next + 1}`),
      ...(request.extension === true && where === "inner" ? {} : { nextHeader: protocol }),
    },
  };
}

function wrap(request: Request, index: number, inner: Uint8Array): Uint8Array {
  const tunnel = tunnelOf(request);
  if (tunnel === "none") return inner;
  const outer = request.outer ?? 4;
  const vlan: Layer[] = request.vlan === undefined ? [] : [{ vlan: { id: request.vlan } }];
  const frame = (protocol: number | undefined, ...rest: Layer[]): Uint8Array =>
    compose([ETH, ...vlan, ip(outer, request, index, protocol, "outer"), ...rest]);
  const port = request.tunnelPort ?? (tunnel === "vxlan" ? 4789 : 6081);
  const udp: Layer = {
    udp: { sourcePort: 50_000, destinationPort: port, ...(request.outerCsum === true ? {} : { checksum: 0 }) },
  };
  if (tunnel === "vxlan") return frame(undefined, udp, Uint8Array.of(8, 0, 0, 0, 0, 0, 42, 0), inner);
  if (tunnel === "geneve") return frame(undefined, udp, Uint8Array.of(0, 0, 0x65, 0x58, 0, 0, 42, 0), inner);
  if (tunnel === "ipip") return frame(request.inner === 4 ? 4 : 41, inner);
  return frame(47, gre(request, inner), inner);
}

function gre(request: Request, inner: Uint8Array): Uint8Array {
  const type = tunnelOf(request) === "gretap" ? 0x6558 : request.inner === 4 ? ETH_P_IP : ETH_P_IPV6;
  if (request.outerCsum !== true) return Uint8Array.of(0, 0, type >> 8, type & 0xff);
  const header = Uint8Array.of(0x80, 0, type >> 8, type & 0xff, 0, 0, 0, 0);
  const checksum = ~onesSum([...header, ...inner]) & 0xffff;
  header[4] = checksum >> 8;
  header[5] = checksum & 0xff;
  return header;
}

function withCrc(inner: Uint8Array, request: Request): Uint8Array {
  const at =
    (hasInnerEthernet(request) ? 14 : 0) +
    (request.vlan !== undefined && tunnelOf(request) === "none" ? 4 : 0) +
    innerIpLength(request);
  const bytes = inner.slice();
  new DataView(bytes.buffer).setUint32(at + 8, crc32c(bytes.subarray(at)), true);
  return bytes;
}

export function tunnelOf(request: Request): Tunnel {
  return request.tunnel ?? "none";
}

function hasInnerEthernet(request: Request): boolean {
  const tunnel = tunnelOf(request);
  return tunnel !== "gre" && tunnel !== "ipip";
}

function innerIpLength(request: Request): number {
  return request.inner === 4 ? 20 : request.extension === true ? 48 : 40;
}

const GSO_BITS: Readonly<Record<Tunnel, readonly [plain: number, csum: number]>> = {
  none: [0, 0],
  vxlan: [SKB_GSO_UDP_TUNNEL, SKB_GSO_UDP_TUNNEL_CSUM],
  geneve: [SKB_GSO_UDP_TUNNEL, SKB_GSO_UDP_TUNNEL_CSUM],
  gre: [SKB_GSO_GRE, SKB_GSO_GRE_CSUM],
  gretap: [SKB_GSO_GRE, SKB_GSO_GRE_CSUM],
  ipip: [0, 0],
};

/**
 * The packet as the stack hands it to a device: the innermost checksum PARTIAL, the outer one done by local checksum offload
 * (C23), a super-packet if there is more payload than `mss`; the VLAN tag in `vlanTci`.
 */
export function requestPacket(pool: PacketPool, request: Request): Packet {
  const { mss, payload, protocol, inner } = request;
  const isSuper = mss !== undefined && payload > mss;
  const { vlan, ...untagged } = request;
  const bytes = build(untagged, 0, 0, payload, true);
  const packet = pool.from(bytes, ETHERNET_HEADROOM)!;
  const { view } = pool.memory;
  const tunnel = tunnelOf(request);
  const outer = request.outer ?? 4;
  packet.macHeader = packet.data;
  packet.networkHeader = packet.data + 14;
  if (vlan !== undefined) packet.vlanTci = vlan;
  if (tunnel === "none") {
    packet.protocol = inner === 4 ? ETH_P_IP : ETH_P_IPV6;
    packet.transportHeader = packet.networkHeader + innerIpLength(request);
  } else {
    packet.protocol = outer === 4 ? ETH_P_IP : ETH_P_IPV6;
    packet.transportHeader = packet.networkHeader + (outer === 4 ? 20 : 40);
    packet.encapsulation = true;
    const header = { vxlan: 16, geneve: 16, gre: 4, gretap: 4, ipip: 0 }[tunnel];
    const greCsum = (tunnel === "gre" || tunnel === "gretap") && request.outerCsum === true ? 4 : 0;
    packet.innerMacHeader = packet.transportHeader + header + greCsum;
    packet.innerNetworkHeader = packet.innerMacHeader + (hasInnerEthernet(request) ? 14 : 0);
    packet.innerTransportHeader = packet.innerNetworkHeader + innerIpLength(request);
  }
  const at = tunnel === "none" ? packet.transportHeader : packet.innerTransportHeader;
  packet.ipSummed = CHECKSUM_PARTIAL;
  packet.csumStart = at;
  packet.csumOffset = { tcp: 16, udp: 6, sctp: 8 }[protocol];
  packet.csumNotInet = protocol === "sctp";
  if (protocol === "sctp") view.setUint32(at + 8, 0);
  else storePseudo(packet, request, at);
  if (!isSuper) return packet;
  packet.gsoSize = mss;
  packet.gsoSegs = Math.ceil(payload / mss);
  packet.gsoType = protocol === "udp" ? SKB_GSO_UDP_L4 : inner === 4 ? SKB_GSO_TCPV4 : SKB_GSO_TCPV6;
  if (protocol === "tcp" && ((request.flags ?? 0) & tcp.CWR) !== 0) packet.gsoType |= SKB_GSO_TCP_ECN;
  packet.gsoType |= GSO_BITS[tunnel][request.outerCsum === true ? 1 : 0];
  if (tunnel === "ipip") packet.gsoType |= outer === 4 ? SKB_GSO_IPXIP4 : SKB_GSO_IPXIP6;
  return packet;
}

/** The pseudo-header's sum, neither complemented nor finished (C16). */
function storePseudo(packet: Packet, request: Request, at: number): void {
  const { view, u8 } = packet.pool.memory;
  const network = at - innerIpLength(request);
  const addresses = request.inner === 4 ? u8.slice(network + 12, network + 20) : u8.slice(network + 8, network + 40);
  const length = packet.tail - at;
  const protocol = request.protocol === "tcp" ? 6 : 17;
  const sum = onesSum([...addresses, 0, protocol, length >> 8, length & 0xff]);
  view.setUint16(at + packet.csumOffset, sum);
}
