import {
  GSO_BY_FRAGS,
  SKB_GSO_SCTP,
  SKB_GSO_TCPV4,
  SKB_GSO_TCPV6,
  SKB_GSO_UDP,
  tcp,
  udp,
  type Packet,
} from "@seville/packet";

const SCTP_HEADER = 12;

/** Each segment of a super-packet, `data` at its IP header, fits (`skb_gso_validate_network_len`). */
export function fitsAsSegments(packet: Packet, mtu: number): boolean {
  if (packet.gsoSize === 0) return false;
  // In a tunnel it is the inner payload that is cut; all headers before it are those of every segment.
  const transport = packet.encapsulation ? packet.innerTransportHeader : packet.transportHeader;
  const headers = transport - packet.data + transportLength(packet, transport);
  return headers + longestPayload(packet) <= mtu;
}

/** `skb_gso_transport_seglen` without the payload. */
function transportLength(packet: Packet, transport: number): number {
  const { gsoType } = packet;
  if ((gsoType & (SKB_GSO_TCPV4 | SKB_GSO_TCPV6)) !== 0) return tcp.headerLength(packet.pool.memory.view, transport);
  if ((gsoType & SKB_GSO_SCTP) !== 0) return SCTP_HEADER;
  // UFO makes IP fragments, and counts the UDP header as their payload.
  return (gsoType & SKB_GSO_UDP) === 0 ? udp.HEADER_LENGTH : 0;
}

function longestPayload({ gsoSize, fragList = [] }: Packet): number {
  if (gsoSize !== GSO_BY_FRAGS) return gsoSize;
  return fragList.reduce((longest, fragment) => Math.max(longest, fragment.totalLength), 0);
}
