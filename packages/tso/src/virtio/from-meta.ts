import {
  CHECKSUM_PARTIAL,
  CHECKSUM_UNNECESSARY,
  ETH_P_IPV6,
  NO_HEADER,
  SKB_GSO_DODGY,
  SKB_GSO_FRAGLIST,
  SKB_GSO_TCP_ECN,
  SKB_GSO_TCP_FIXEDID,
  SKB_GSO_TCP_FIXEDID_INNER,
  SKB_GSO_TCPV4,
  SKB_GSO_TCPV6,
  SKB_GSO_UDP_L4,
  SKB_GSO_UDP_TUNNEL,
  SKB_GSO_UDP_TUNNEL_CSUM,
  tcp,
  type Packet,
} from "@seville/packet";
import * as hdr from "./header.ts";

/** What the other side understands. */
export interface FromMetaOptions {
  /** UDP_TUNNEL_GSO was negotiated, and UDP_TUNNEL_GSO_CSUM. Default: no. */
  readonly tunnel?: boolean;
  readonly tunnelCsum?: boolean;
  /** Say of a frame whose checksum was verified that it was (DATA_VALID). Default: yes. */
  readonly dataValid?: boolean;
  /** Bytes of a VLAN tag in `vlanTci` that will be put into the frame. Default: 0. */
  readonly vlanBytes?: number;
}

const TUNNEL: number = SKB_GSO_UDP_TUNNEL | SKB_GSO_UDP_TUNNEL_CSUM;
/** What the header cannot say and the receiver does not have to know. */
const UNSAID: number =
  SKB_GSO_DODGY | SKB_GSO_TCP_ECN | SKB_GSO_TCP_FIXEDID | SKB_GSO_TCP_FIXEDID_INNER | SKB_GSO_FRAGLIST;

/**
 * The header that describes `packet` (`virtio_net_hdr_tnl_from_skb`; S16), or `undefined` for a super-packet that it cannot
 * describe, such as SCTP, UFO
 * or GRE (segment that first) or whose CRC32c is not computed. `hdrLen` is the true length of the headers.
 */
export function fromMeta(packet: Packet, options: FromMetaOptions = {}): hdr.Header | undefined {
  const header = hdr.empty();
  const vlanBytes = options.vlanBytes ?? 0;
  if (packet.ipSummed === CHECKSUM_PARTIAL && packet.csumNotInet) return undefined;
  if (packet.gsoSize !== 0 && !describeSuper(packet, header, options, vlanBytes)) return undefined;
  if (packet.ipSummed === CHECKSUM_PARTIAL) {
    header.flags |= hdr.NEEDS_CSUM;
    header.csumStart = packet.csumStart - packet.data + vlanBytes;
    header.csumOffset = packet.csumOffset;
  } else if (packet.ipSummed === CHECKSUM_UNNECESSARY && options.dataValid !== false) {
    header.flags |= hdr.DATA_VALID;
    if (packet.csumLevel > 0 && options.tunnelCsum === true) header.flags |= hdr.UDP_TUNNEL_CSUM;
  }
  return header;
}

/** `false`: it cannot be said. */
function describeSuper(
  packet: Packet,
  header: hdr.Header,
  { tunnel, tunnelCsum }: FromMetaOptions,
  vlanBytes: number,
): boolean {
  const type = innermostType(packet.gsoType & ~(UNSAID | TUNNEL));
  const inTunnel = (packet.gsoType & TUNNEL) !== 0;
  if (type === undefined || packet.gsoSize > 0xfffe) return false;
  if (packet.ipSummed !== CHECKSUM_PARTIAL && (inTunnel || type === hdr.GSO_UDP_L4)) return false;
  header.gsoType = type | ((packet.gsoType & SKB_GSO_TCP_ECN) !== 0 ? hdr.GSO_ECN : 0);
  header.gsoSize = packet.gsoSize;
  const transport = inTunnel ? packet.innerTransportHeader : packet.transportHeader;
  if (transport === NO_HEADER) return false;
  header.hdrLen = headerLength(packet, type, transport) + vlanBytes;
  if (!inTunnel) return true;
  const withChecksum = (packet.gsoType & SKB_GSO_UDP_TUNNEL_CSUM) !== 0;
  if (tunnel !== true || (withChecksum && tunnelCsum !== true)) return false;
  header.gsoType |= packet.protocol === ETH_P_IPV6 ? hdr.GSO_UDP_TUNNEL_IPV6 : hdr.GSO_UDP_TUNNEL_IPV4;
  if (withChecksum) header.flags |= hdr.UDP_TUNNEL_CSUM;
  header.innerNhOffset = packet.innerNetworkHeader - packet.data + vlanBytes;
  header.outerThOffset = packet.transportHeader - packet.data + vlanBytes;
  return true;
}

function innermostType(bits: number): number | undefined {
  if (bits === SKB_GSO_TCPV4) return hdr.GSO_TCPV4;
  if (bits === SKB_GSO_TCPV6) return hdr.GSO_TCPV6;
  return bits === SKB_GSO_UDP_L4 ? hdr.GSO_UDP_L4 : undefined;
}

/** Everything before the payload: from the transport header's offset and, for TCP, its data offset. */
function headerLength(packet: Packet, type: number, transport: number): number {
  const front = transport - packet.data;
  if (type === hdr.GSO_UDP_L4) return front + 8;
  return transport + 13 > packet.tail ? front + 20 : front + tcp.headerLength(packet.pool.memory.view, transport);
}
