import { settleEncapsulation } from "@seville/checksum";
import {
  ENCAP_TYPE_ETHER,
  ENCAP_TYPE_IPPROTO,
  SKB_GSO_GRE,
  SKB_GSO_GRE_CSUM,
  SKB_GSO_IPXIP4,
  SKB_GSO_IPXIP6,
  SKB_GSO_TUNNEL_REMCSUM,
  SKB_GSO_UDP_TUNNEL,
  SKB_GSO_UDP_TUNNEL_CSUM,
  NO_HEADER,
  type Packet,
} from "@seville/packet";
import { readInner } from "../policy/inner.ts";

/** Bits that say how a super-packet is wrapped (`NETIF_F_GSO_ENCAP_ALL`). */
export const GSO_ENCAPSULATION: number =
  SKB_GSO_GRE |
  SKB_GSO_GRE_CSUM |
  SKB_GSO_IPXIP4 |
  SKB_GSO_IPXIP6 |
  SKB_GSO_UDP_TUNNEL |
  SKB_GSO_UDP_TUNNEL_CSUM |
  SKB_GSO_TUNNEL_REMCSUM;

/**
 * Whether a super-packet must be segmented before it is wrapped once more: only two levels of headers can be described,
 * the outer one and the inner one (T14).
 */
export function mustSegmentFirst(packet: Packet): boolean {
  return packet.gsoSize !== 0 && (packet.gsoType & GSO_ENCAPSULATION) !== 0;
}

/**
 * Makes sure that the packet says where its headers are, which policies read: the data begins with an Ethernet header or
 * with that of `packet.protocol`.
 */
export function locateHeaders(packet: Packet, isEthernet: boolean): void {
  const inner = readInner(packet, isEthernet, packet.protocol);
  if (isEthernet) packet.macHeader = packet.data;
  packet.networkHeader = inner.network;
  packet.protocol = isWhole(packet, inner.transport) ? inner.protocol : 0;
  packet.transportHeader = inner.transport === NO_HEADER ? inner.network : inner.transport;
}

/** IP headers that are cut short are not read: to policies such a packet is not IP. */
function isWhole(packet: Packet, transport: number): boolean {
  return transport !== NO_HEADER && transport <= packet.tail;
}

/**
 * Remembers the headers of a packet that is about to be wrapped as its inner ones (T14), marks a super-packet with
 * `gsoType`, and takes the mark of encapsulation off a packet in which nothing is left to offload (Linux
 * `iptunnel_handle_offloads`; C25). A packet that is wrapped twice keeps its innermost headers.
 *
 * `false`: there was no memory to give the super-packet headers of its own.
 */
export function handleOffloads(packet: Packet, gsoType: number, etherType: number, ipProtocol?: number): boolean {
  if (!packet.encapsulation) {
    packet.innerMacHeader = packet.macHeader;
    packet.innerNetworkHeader = packet.networkHeader;
    packet.innerTransportHeader = packet.transportHeader;
    packet.encapsulation = true;
  }
  packet.innerProtocolType = ipProtocol === undefined ? ENCAP_TYPE_ETHER : ENCAP_TYPE_IPPROTO;
  packet.innerProtocol = ipProtocol ?? etherType;
  if (packet.gsoSize !== 0) {
    packet.gsoType |= gsoType;
    return packet.cowHead();
  }
  settleEncapsulation(packet);
  return true;
}

/** The inverse, when a tunnel header has been taken off (Linux `iptunnel_pull_offloads`). */
export function pullOffloads(packet: Packet): void {
  if (packet.gsoSize !== 0) packet.gsoType &= ~GSO_ENCAPSULATION;
  packet.encapsulation = false;
}
