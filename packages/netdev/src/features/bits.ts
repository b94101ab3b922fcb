/**
 * The device features by the kernel's names without `NETIF_F_`, each with its bit (include/linux/netdev_features.h) and
 * the name that ethtool knows it by (`netdev_features_strings`, net/ethtool/common.c), as of Linux 6.18. UFO, which has no
 * name there any more, bears its old one.
 *
 * The bits from 16 on are in the order of the `SKB_GSO_…` bits: feature 16 + n says that the device splits packets of
 * type `1 << n`. That is what makes `net_gso_ok` a shift and a mask.
 */
export const FEATURE_TABLE = {
  SG: [0, "tx-scatter-gather"],
  IP_CSUM: [1, "tx-checksum-ipv4"],
  HW_CSUM: [3, "tx-checksum-ip-generic"],
  IPV6_CSUM: [4, "tx-checksum-ipv6"],
  HIGHDMA: [5, "highdma"],
  FRAGLIST: [6, "tx-scatter-gather-fraglist"],
  HW_VLAN_CTAG_TX: [7, "tx-vlan-hw-insert"],
  HW_VLAN_CTAG_RX: [8, "rx-vlan-hw-parse"],
  HW_VLAN_CTAG_FILTER: [9, "rx-vlan-filter"],
  VLAN_CHALLENGED: [10, "vlan-challenged"],
  GSO: [11, "tx-generic-segmentation"],
  GRO: [14, "rx-gro"],
  LRO: [15, "rx-lro"],
  TSO: [16, "tx-tcp-segmentation"],
  GSO_ROBUST: [17, "tx-gso-robust"],
  TSO_ECN: [18, "tx-tcp-ecn-segmentation"],
  TSO_MANGLEID: [19, "tx-tcp-mangleid-segmentation"],
  TSO6: [20, "tx-tcp6-segmentation"],
  FSO: [21, "tx-fcoe-segmentation"],
  GSO_GRE: [22, "tx-gre-segmentation"],
  GSO_GRE_CSUM: [23, "tx-gre-csum-segmentation"],
  GSO_IPXIP4: [24, "tx-ipxip4-segmentation"],
  GSO_IPXIP6: [25, "tx-ipxip6-segmentation"],
  GSO_UDP_TUNNEL: [26, "tx-udp_tnl-segmentation"],
  GSO_UDP_TUNNEL_CSUM: [27, "tx-udp_tnl-csum-segmentation"],
  GSO_PARTIAL: [28, "tx-gso-partial"],
  GSO_TUNNEL_REMCSUM: [29, "tx-tunnel-remcsum-segmentation"],
  GSO_SCTP: [30, "tx-sctp-segmentation"],
  GSO_ESP: [31, "tx-esp-segmentation"],
  GSO_UDP: [32, "tx-udp-fragmentation"],
  GSO_UDP_L4: [33, "tx-udp-segmentation"],
  GSO_FRAGLIST: [34, "tx-gso-list"],
  GSO_ACCECN: [35, "tx-tcp-accecn-segmentation"],
  FCOE_CRC: [36, "tx-checksum-fcoe-crc"],
  SCTP_CRC: [37, "tx-checksum-sctp"],
  NTUPLE: [38, "rx-ntuple-filter"],
  RXHASH: [39, "rx-hashing"],
  RXCSUM: [40, "rx-checksum"],
  NOCACHE_COPY: [41, "tx-nocache-copy"],
  LOOPBACK: [42, "loopback"],
  RXFCS: [43, "rx-fcs"],
  RXALL: [44, "rx-all"],
  HW_VLAN_STAG_TX: [45, "tx-vlan-stag-hw-insert"],
  HW_VLAN_STAG_RX: [46, "rx-vlan-stag-hw-parse"],
  HW_VLAN_STAG_FILTER: [47, "rx-vlan-stag-filter"],
  HW_L2FW_DOFFLOAD: [48, "l2-fwd-offload"],
  HW_TC: [49, "hw-tc-offload"],
  HW_ESP: [50, "esp-hw-offload"],
  HW_ESP_TX_CSUM: [51, "esp-tx-csum-hw-offload"],
  RX_UDP_TUNNEL_PORT: [52, "rx-udp_tunnel-port-offload"],
  HW_TLS_TX: [53, "tls-hw-tx-offload"],
  HW_TLS_RX: [54, "tls-hw-rx-offload"],
  GRO_HW: [55, "rx-gro-hw"],
  HW_TLS_RECORD: [56, "tls-hw-record"],
  GRO_FRAGLIST: [57, "rx-gro-list"],
  HW_MACSEC: [58, "macsec-hw-offload"],
  GRO_UDP_FWD: [59, "rx-udp-gro-forwarding"],
  HW_HSR_TAG_INS: [60, "hsr-tag-ins-offload"],
  HW_HSR_TAG_RM: [61, "hsr-tag-rm-offload"],
  HW_HSR_FWD: [62, "hsr-fwd-offload"],
  HW_HSR_DUP: [63, "hsr-dup-offload"],
} as const;

/** A device feature, `NETIF_F_` left out. */
export type FeatureName = keyof typeof FEATURE_TABLE;

/** All features, in the order of their bits. */
export const FEATURE_NAMES: readonly FeatureName[] = Object.keys(FEATURE_TABLE) as FeatureName[];

/** `NETIF_F_GSO_SHIFT`: the bit of the feature that belongs to `gsoType` bit 0. */
export const GSO_SHIFT = 16;

/** The bit of a feature, 0 to 63. */
export function bitOf(name: FeatureName): number {
  return FEATURE_TABLE[name][0];
}
