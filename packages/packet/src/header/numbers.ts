/**
 * Numbers that one layer uses to name the next, under the kernel's names: EtherTypes (include/uapi/linux/if_ether.h;
 * IEEE registry) and IP protocols, which are IPv6 next headers too (include/uapi/linux/in.h, in6.h; IANA registry).
 */
export const ETH_P_IP = 0x0800;
export const ETH_P_ARP = 0x0806;
/** Transparent Ethernet bridging: an Ethernet frame inside GRE or Geneve. */
export const ETH_P_TEB = 0x6558;
export const ETH_P_8021Q = 0x8100;
export const ETH_P_IPV6 = 0x86dd;
export const ETH_P_MPLS_UC = 0x8847;
export const ETH_P_PPPOE_SES = 0x8864;
export const ETH_P_8021AD = 0x88a8;
export const ETH_P_LLDP = 0x88cc;
/** Smallest EtherType; what is below is a length (IEEE 802.3 §3.2.6). */
export const ETH_P_802_3_MIN = 0x0600;

export const IPPROTO_HOPOPTS = 0;
export const IPPROTO_ICMP = 1;
export const IPPROTO_IGMP = 2;
export const IPPROTO_IPIP = 4;
export const IPPROTO_TCP = 6;
export const IPPROTO_UDP = 17;
export const IPPROTO_IPV6 = 41;
export const IPPROTO_ROUTING = 43;
export const IPPROTO_FRAGMENT = 44;
export const IPPROTO_GRE = 47;
export const IPPROTO_ESP = 50;
export const IPPROTO_AH = 51;
export const IPPROTO_ICMPV6 = 58;
export const IPPROTO_NONE = 59;
export const IPPROTO_DSTOPTS = 60;
export const IPPROTO_SCTP = 132;
export const IPPROTO_MH = 135;
export const IPPROTO_UDPLITE = 136;
export const IPPROTO_HIP = 139;
export const IPPROTO_SHIM6 = 140;

/** ECN codepoints, the low two bits of IPv4's TOS and IPv6's traffic class (RFC 3168 §5). */
export const ECN_NOT_ECT = 0;
export const ECN_ECT_1 = 1;
export const ECN_ECT_0 = 2;
export const ECN_CE = 3;
