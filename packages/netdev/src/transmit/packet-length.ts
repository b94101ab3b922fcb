import {
  GSO_BY_FRAGS,
  NO_HEADER,
  SKB_GSO_DODGY,
  SKB_GSO_TCPV4,
  SKB_GSO_TCPV6,
  SKB_GSO_UDP_L4,
  tcp,
  udp,
  type Packet,
} from "@seville/packet";

/*
 * What a super-packet stands for, before it is split (`qdisc_pkt_len_segs_init`, net/core/dev.c).
 */

const ANY_TCP = SKB_GSO_TCPV4 | SKB_GSO_TCPV6;

/** Bytes from the frame's beginning to the payload that is split; -1: the packet does not say where its headers are. */
export function gsoHeaderBytes(packet: Packet): number {
  const { gsoType, data, tail } = packet;
  const { view } = packet.pool.memory;
  if (packet.transportHeader === NO_HEADER) return -1;
  const transport = packet.encapsulation ? packet.innerTransportHeader : packet.transportHeader;
  if (transport === NO_HEADER) return -1;
  const length = transport - data;
  if ((gsoType & ANY_TCP) !== 0) return transport + 20 <= tail ? length + tcp.headerLength(view, transport) : length;
  if ((gsoType & SKB_GSO_UDP_L4) !== 0 && transport + 8 <= tail) return length + udp.HEADER_LENGTH;
  return length;
}

/**
 * Counts the segments of a super-packet whose maker is not to be believed (DODGY: a user of a TAP device, a virtual machine;
 * S1). One without payload stays as it is: segmentation will refuse it.
 */
export function countSegments(packet: Packet): void {
  const { gsoSize, gsoType } = packet;
  if (gsoSize === 0 || gsoSize === GSO_BY_FRAGS || (gsoType & SKB_GSO_DODGY) === 0) return;
  const headers = gsoHeaderBytes(packet);
  if (headers === -1) return;
  const payload = packet.totalLength - headers;
  if (payload > 0) packet.gsoSegs = Math.ceil(payload / gsoSize);
}

/** Bytes that the packet will be on the wire: a super-packet's headers count once for every segment (`qdisc_pkt_len`). */
export function wireBytes(packet: Packet): number {
  const { totalLength, gsoSize, gsoSegs } = packet;
  if (gsoSize === 0 || gsoSegs < 2) return totalLength;
  const headers = gsoHeaderBytes(packet);
  return headers === -1 ? totalLength : totalLength + (gsoSegs - 1) * headers;
}
