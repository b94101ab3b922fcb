import { CHECKSUM_PARTIAL, ETH_P_IP, ETH_P_IPV6, ipv4, ipv6, NO_HEADER, vlan, type Packet } from "@seville/packet";

/*
 * What the transmit path asks of a packet whose data is at its Ethernet header.
 */

const TYPE_AT = 12;
const ETHERNET_HEADER = 14;
/** No frame has more. */
const MAX_TAGS = 4;

/** How many VLAN tags a frame has, the one that is not in its bytes yet included. */
export function countTags(packet: Packet): number {
  const { view } = packet.pool.memory;
  let tags = packet.vlanTci === -1 ? 0 : 1;
  let at = packet.data + TYPE_AT;
  while (tags < MAX_TAGS && at + 2 <= packet.tail && vlan.isTag(view.getUint16(at))) {
    tags++;
    at += vlan.HEADER_LENGTH;
  }
  return tags;
}

/** EtherType behind the addresses: that of a tag, if one is in the bytes (`skb->protocol`). 0: the frame is too short. */
export function etherType(packet: Packet): number {
  const at = packet.data + TYPE_AT;
  return at + 2 <= packet.tail ? packet.pool.memory.view.getUint16(at) : 0;
}

/** EtherType of what follows the VLAN tags (`skb_network_protocol`). 0: the frame is too short for one. */
export function networkProtocol(packet: Packet): number {
  const { view } = packet.pool.memory;
  let at = packet.data + TYPE_AT;
  for (let tags = 0; tags < MAX_TAGS; tags++) {
    if (at + 2 > packet.tail) return 0;
    const type = view.getUint16(at);
    if (!vlan.isTag(type)) return type;
    at += vlan.HEADER_LENGTH;
  }
  return 0;
}

/** Whether the EtherType is MPLS's (RFC 3032 §5). */
export function isMpls(etherType: number): boolean {
  return etherType === 0x8847 || etherType === 0x8848;
}

/** Bytes of the (outer) network header; 0 if the offsets do not say. */
export function networkHeaderLength(packet: Packet): number {
  const { networkHeader, transportHeader } = packet;
  return networkHeader === NO_HEADER || transportHeader === NO_HEADER ? 0 : transportHeader - networkHeader;
}

/** Protocol number in the IP header at `at`, without a look at extension headers; -1: it is no IP header. */
export function ipProtocol(packet: Packet, at: number, etherType: number): number {
  const { view } = packet.pool.memory;
  if (etherType === ETH_P_IP && at + 20 <= packet.tail) return ipv4.protocol(view, at);
  if (etherType === ETH_P_IPV6 && at + 40 <= packet.tail) return ipv6.nextHeader(view, at);
  return -1;
}

/** Bytes from the frame's beginning to the end of its headers, as the offsets have it (`skb_inner_…_offset`). */
export function headerBytes(packet: Packet): number {
  const { view } = packet.pool.memory;
  const transport = packet.encapsulation ? packet.innerTransportHeader : packet.transportHeader;
  if (transport === NO_HEADER) return ETHERNET_HEADER;
  const isTcp = packet.ipSummed === CHECKSUM_PARTIAL && packet.csumOffset === 16;
  const length = isTcp && transport + 13 <= packet.tail ? (view.getUint8(transport + 12) >> 4) * 4 : 8;
  return transport - packet.data + length;
}
