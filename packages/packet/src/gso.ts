/**
 * What kind of super-packet one is: bits of `Packet.gsoType`, under the kernel's names (include/linux/skbuff.h). A packet
 * with `gsoSize` 0 is none, whatever stands in its `gsoType`.
 */
export const SKB_GSO_TCPV4: number = 1 << 0;
/** From somebody who is not trusted: headers are to be checked, `gsoSegs` to be computed. */
export const SKB_GSO_DODGY: number = 1 << 1;
/** The first segment has CWR set. */
export const SKB_GSO_TCP_ECN: number = 1 << 2;
export const SKB_GSO_TCPV6: number = 1 << 4;
export const SKB_GSO_GRE: number = 1 << 6;
export const SKB_GSO_GRE_CSUM: number = 1 << 7;
/** Something in IPv4. */
export const SKB_GSO_IPXIP4: number = 1 << 8;
/** Something in IPv6. */
export const SKB_GSO_IPXIP6: number = 1 << 9;
export const SKB_GSO_UDP_TUNNEL: number = 1 << 10;
export const SKB_GSO_UDP_TUNNEL_CSUM: number = 1 << 11;
/** The device does the innermost segmentation; all headers before it hold the values for one segment. */
export const SKB_GSO_PARTIAL: number = 1 << 12;
export const SKB_GSO_TUNNEL_REMCSUM: number = 1 << 13;
export const SKB_GSO_SCTP: number = 1 << 14;
/** UFO: one datagram that becomes IP fragments. */
export const SKB_GSO_UDP: number = 1 << 16;
/** USO: a train of datagrams. */
export const SKB_GSO_UDP_L4: number = 1 << 17;
/** The segments are there already, in `fragList`, each with its headers before its data. */
export const SKB_GSO_FRAGLIST: number = 1 << 18;
/** CWR is part of a counter (AccECN) and stands on every segment. */
export const SKB_GSO_TCP_ACCECN: number = 1 << 19;
/** The IPv4 identification is the same in every segment: in the outer header, or the only one. */
export const SKB_GSO_TCP_FIXEDID: number = 1 << 30;
/** The same for the inner header. */
export const SKB_GSO_TCP_FIXEDID_INNER: number = (1 << 31) >>> 0;

/** A `gsoSize` that says: the lengths of the segments are those of `fragList` (SCTP). */
export const GSO_BY_FRAGS = 0xffff;
