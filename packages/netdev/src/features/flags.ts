import { FeatureSet } from "./feature-set.ts";

/*
 * The features, each as a set of one: `device.features.hasAny(NETIF_F_HW_CSUM)`. What they mean, flag by flag, is in
 * docs/checksum-offloads.md; what kernel sources and ethtool call them, in bits.ts.
 */
/** Takes packets in pieces: needed for TSO and GSO. */
export const NETIF_F_SG: FeatureSet = FeatureSet.of("SG");
/** Computes checksums of TCP and UDP over plain IPv4 (C20). */
export const NETIF_F_IP_CSUM: FeatureSet = FeatureSet.of("IP_CSUM");
/** Sums from any `csumStart` and stores at any `csumOffset` (C20). */
export const NETIF_F_HW_CSUM: FeatureSet = FeatureSet.of("HW_CSUM");
/** Computes checksums of TCP and UDP over IPv6 without extension headers (C20). */
export const NETIF_F_IPV6_CSUM: FeatureSet = FeatureSet.of("IPV6_CSUM");
export const NETIF_F_HIGHDMA: FeatureSet = FeatureSet.of("HIGHDMA");
export const NETIF_F_FRAGLIST: FeatureSet = FeatureSet.of("FRAGLIST");
export const NETIF_F_HW_VLAN_CTAG_TX: FeatureSet = FeatureSet.of("HW_VLAN_CTAG_TX");
export const NETIF_F_HW_VLAN_CTAG_RX: FeatureSet = FeatureSet.of("HW_VLAN_CTAG_RX");
export const NETIF_F_HW_VLAN_CTAG_FILTER: FeatureSet = FeatureSet.of("HW_VLAN_CTAG_FILTER");
export const NETIF_F_VLAN_CHALLENGED: FeatureSet = FeatureSet.of("VLAN_CHALLENGED");
/** The stack may hand over super-packets: software splits what the device does not. */
export const NETIF_F_GSO: FeatureSet = FeatureSet.of("GSO");
export const NETIF_F_GRO: FeatureSet = FeatureSet.of("GRO");
export const NETIF_F_LRO: FeatureSet = FeatureSet.of("LRO");
export const NETIF_F_TSO: FeatureSet = FeatureSet.of("TSO");
export const NETIF_F_GSO_ROBUST: FeatureSet = FeatureSet.of("GSO_ROBUST");
export const NETIF_F_TSO_ECN: FeatureSet = FeatureSet.of("TSO_ECN");
export const NETIF_F_TSO_MANGLEID: FeatureSet = FeatureSet.of("TSO_MANGLEID");
export const NETIF_F_TSO6: FeatureSet = FeatureSet.of("TSO6");
export const NETIF_F_FSO: FeatureSet = FeatureSet.of("FSO");
export const NETIF_F_GSO_GRE: FeatureSet = FeatureSet.of("GSO_GRE");
export const NETIF_F_GSO_GRE_CSUM: FeatureSet = FeatureSet.of("GSO_GRE_CSUM");
export const NETIF_F_GSO_IPXIP4: FeatureSet = FeatureSet.of("GSO_IPXIP4");
export const NETIF_F_GSO_IPXIP6: FeatureSet = FeatureSet.of("GSO_IPXIP6");
export const NETIF_F_GSO_UDP_TUNNEL: FeatureSet = FeatureSet.of("GSO_UDP_TUNNEL");
export const NETIF_F_GSO_UDP_TUNNEL_CSUM: FeatureSet = FeatureSet.of("GSO_UDP_TUNNEL_CSUM");
/** Splits the innermost protocol; all headers before it are copied as they are (S7). */
export const NETIF_F_GSO_PARTIAL: FeatureSet = FeatureSet.of("GSO_PARTIAL");
export const NETIF_F_GSO_TUNNEL_REMCSUM: FeatureSet = FeatureSet.of("GSO_TUNNEL_REMCSUM");
export const NETIF_F_GSO_SCTP: FeatureSet = FeatureSet.of("GSO_SCTP");
export const NETIF_F_GSO_ESP: FeatureSet = FeatureSet.of("GSO_ESP");
export const NETIF_F_GSO_UDP: FeatureSet = FeatureSet.of("GSO_UDP");
export const NETIF_F_GSO_UDP_L4: FeatureSet = FeatureSet.of("GSO_UDP_L4");
export const NETIF_F_GSO_FRAGLIST: FeatureSet = FeatureSet.of("GSO_FRAGLIST");
export const NETIF_F_GSO_ACCECN: FeatureSet = FeatureSet.of("GSO_ACCECN");
export const NETIF_F_FCOE_CRC: FeatureSet = FeatureSet.of("FCOE_CRC");
/** Computes CRC32c of SCTP (C18). */
export const NETIF_F_SCTP_CRC: FeatureSet = FeatureSet.of("SCTP_CRC");
export const NETIF_F_NTUPLE: FeatureSet = FeatureSet.of("NTUPLE");
export const NETIF_F_RXHASH: FeatureSet = FeatureSet.of("RXHASH");
/** Verifies, or sums, what it receives. */
export const NETIF_F_RXCSUM: FeatureSet = FeatureSet.of("RXCSUM");
export const NETIF_F_NOCACHE_COPY: FeatureSet = FeatureSet.of("NOCACHE_COPY");
export const NETIF_F_LOOPBACK: FeatureSet = FeatureSet.of("LOOPBACK");
export const NETIF_F_RXFCS: FeatureSet = FeatureSet.of("RXFCS");
export const NETIF_F_RXALL: FeatureSet = FeatureSet.of("RXALL");
export const NETIF_F_HW_VLAN_STAG_TX: FeatureSet = FeatureSet.of("HW_VLAN_STAG_TX");
export const NETIF_F_HW_VLAN_STAG_RX: FeatureSet = FeatureSet.of("HW_VLAN_STAG_RX");
export const NETIF_F_HW_VLAN_STAG_FILTER: FeatureSet = FeatureSet.of("HW_VLAN_STAG_FILTER");
export const NETIF_F_HW_L2FW_DOFFLOAD: FeatureSet = FeatureSet.of("HW_L2FW_DOFFLOAD");
export const NETIF_F_HW_TC: FeatureSet = FeatureSet.of("HW_TC");
export const NETIF_F_HW_ESP: FeatureSet = FeatureSet.of("HW_ESP");
export const NETIF_F_HW_ESP_TX_CSUM: FeatureSet = FeatureSet.of("HW_ESP_TX_CSUM");
export const NETIF_F_RX_UDP_TUNNEL_PORT: FeatureSet = FeatureSet.of("RX_UDP_TUNNEL_PORT");
export const NETIF_F_HW_TLS_TX: FeatureSet = FeatureSet.of("HW_TLS_TX");
export const NETIF_F_HW_TLS_RX: FeatureSet = FeatureSet.of("HW_TLS_RX");
export const NETIF_F_GRO_HW: FeatureSet = FeatureSet.of("GRO_HW");
export const NETIF_F_HW_TLS_RECORD: FeatureSet = FeatureSet.of("HW_TLS_RECORD");
export const NETIF_F_GRO_FRAGLIST: FeatureSet = FeatureSet.of("GRO_FRAGLIST");
export const NETIF_F_HW_MACSEC: FeatureSet = FeatureSet.of("HW_MACSEC");
export const NETIF_F_GRO_UDP_FWD: FeatureSet = FeatureSet.of("GRO_UDP_FWD");
export const NETIF_F_HW_HSR_TAG_INS: FeatureSet = FeatureSet.of("HW_HSR_TAG_INS");
export const NETIF_F_HW_HSR_TAG_RM: FeatureSet = FeatureSet.of("HW_HSR_TAG_RM");
export const NETIF_F_HW_HSR_FWD: FeatureSet = FeatureSet.of("HW_HSR_FWD");
export const NETIF_F_HW_HSR_DUP: FeatureSet = FeatureSet.of("HW_HSR_DUP");

/** `NETIF_F_CSUM_MASK`. */
export const CSUM_MASK: FeatureSet = FeatureSet.of("IP_CSUM", "IPV6_CSUM", "HW_CSUM");
/** `NETIF_F_ALL_TSO`. */
export const ALL_TSO: FeatureSet = FeatureSet.of("TSO", "TSO6", "TSO_ECN", "TSO_MANGLEID");
/** `NETIF_F_GSO_MASK`: everything that speaks of segmentation by the device. */
export const GSO_MASK: FeatureSet = FeatureSet.fromWords(0xffff_0000, 0xf);
/** `NETIF_F_GSO_ENCAP_ALL`. */
export const GSO_ENCAP_ALL: FeatureSet = FeatureSet.of(
  "GSO_GRE",
  "GSO_GRE_CSUM",
  "GSO_IPXIP4",
  "GSO_IPXIP6",
  "GSO_UDP_TUNNEL",
  "GSO_UDP_TUNNEL_CSUM",
);
/** `NETIF_F_GSO_SOFTWARE`: what software segmentation can do where the device does not. */
export const GSO_SOFTWARE: FeatureSet = ALL_TSO.with(FeatureSet.of("GSO_SCTP", "GSO_UDP_L4", "GSO_FRAGLIST"));
/** `NETIF_F_SOFT_FEATURES`: may always be switched, and begin on. */
export const SOFT_FEATURES: FeatureSet = FeatureSet.of("GSO", "GRO");
/** `NETIF_F_SOFT_FEATURES_OFF`: may always be switched, and begin off. */
export const SOFT_FEATURES_OFF: FeatureSet = FeatureSet.of("GRO_FRAGLIST", "GRO_UDP_FWD");
/** `NETIF_F_NEVER_CHANGE`: properties of a device, not switches. */
export const NEVER_CHANGE: FeatureSet = FeatureSet.of("VLAN_CHALLENGED");
/** `NETIF_F_UPPER_DISABLES`: off on an upper device means off on all lower ones. */
export const UPPER_DISABLES: FeatureSet = NETIF_F_LRO;
/** What a frame with two VLAN tags may still ask for (`vlan_features_check`). */
export const DOUBLE_TAGGED: FeatureSet = FeatureSet.of(
  "SG",
  "HIGHDMA",
  "FRAGLIST",
  "HW_CSUM",
  "HW_VLAN_CTAG_TX",
  "HW_VLAN_STAG_TX",
);
