/** Device features that checksums depend on or that depend on them (include/linux/netdev_features.h, `NETIF_F_…`). */
export type NetdevFeature =
  | "SG"
  | "HW_CSUM"
  | "IP_CSUM"
  | "IPV6_CSUM"
  | "SCTP_CRC"
  | "FCOE_CRC"
  | "RXCSUM"
  | "TSO"
  | "TSO6"
  | "TSO_ECN"
  | "TSO_MANGLEID"
  | "GSO"
  | "GSO_UDP_L4"
  | "GRO_HW"
  | "LRO"
  | "RXFCS"
  | "HW_TLS_TX"
  | "HW_TLS_RX";

export type Features = ReadonlySet<NetdevFeature>;

/** A dependency: where `applies` holds of the features, `drop` must go. */
interface FeatureRule {
  readonly drop: readonly NetdevFeature[];
  readonly because: string;
  readonly applies: (has: (feature: NetdevFeature) => boolean) => boolean;
}

const ALL_TSO: readonly NetdevFeature[] = ["TSO", "TSO6", "TSO_ECN", "TSO_MANGLEID"];

/** The rules of `netdev_fix_features` (net/core/dev.c), in its order: a later one sees what an earlier one left (C27). */
export const FEATURE_RULES: readonly FeatureRule[] = [
  {
    drop: ["IP_CSUM", "IPV6_CSUM"],
    because: "HW_CSUM covers every protocol and excludes the protocol-specific ones",
    applies: (has) => has("HW_CSUM"),
  },
  { drop: ALL_TSO, because: "segmentation needs SG", applies: (has) => !has("SG") },
  {
    drop: ["TSO", "TSO_ECN"],
    because: "segments of IPv4 need a checksum offload",
    applies: (has) => has("TSO") && !has("HW_CSUM") && !has("IP_CSUM"),
  },
  {
    drop: ["TSO6"],
    because: "segments of IPv6 need a checksum offload",
    applies: (has) => !has("HW_CSUM") && !has("IPV6_CSUM"),
  },
  { drop: ["TSO_MANGLEID"], because: "it says how TSO numbers packets", applies: (has) => !has("TSO") },
  {
    drop: ["TSO_ECN"],
    because: "it says how TSO treats CWR",
    applies: (has) => !has("TSO") && !has("TSO6") && !has("TSO_MANGLEID"),
  },
  { drop: ["GSO"], because: "software segmentation makes scattered packets", applies: (has) => !has("SG") },
  {
    drop: ["GSO_UDP_L4"],
    because: "its segments need a checksum offload for both families",
    applies: (has) => !hasIpOrHwCsum(has),
  },
  { drop: ["GRO_HW"], because: "what is merged must have been verified", applies: (has) => !has("RXCSUM") },
  { drop: ["LRO", "GRO_HW"], because: "a merged packet has no frame check sequence", applies: (has) => has("RXFCS") },
  { drop: ["LRO"], because: "GRO_HW is preferred, being reversible", applies: (has) => has("GRO_HW") },
  { drop: ["HW_TLS_TX"], because: "it changes what the checksum covers", applies: (has) => !hasIpOrHwCsum(has) },
  { drop: ["HW_TLS_RX"], because: "records are decrypted behind the checksum", applies: (has) => !has("RXCSUM") },
];

function hasIpOrHwCsum(has: (feature: NetdevFeature) => boolean): boolean {
  return has("HW_CSUM") || (has("IP_CSUM") && has("IPV6_CSUM"));
}

/** What {@link fixFeatures} took away, and why. */
export interface DroppedFeature {
  readonly feature: NetdevFeature;
  readonly because: string;
}

/** The features that can be on together, given those that are wanted; and what had to go. */
export function fixFeatures(wanted: Features): { features: Features; dropped: readonly DroppedFeature[] } {
  const features = new Set(wanted);
  const dropped: DroppedFeature[] = [];
  for (const { drop, because, applies } of FEATURE_RULES) {
    if (!applies((feature) => features.has(feature))) continue;
    for (const feature of drop) {
      if (features.delete(feature)) dropped.push({ feature, because });
    }
  }
  return { features, dropped };
}

/** The stages of sending, in the order of `validate_xmit_skb` (net/core/dev.c; C27): each may change what the next needs. */
export const TRANSMIT_STAGES = ["features", "vlan", "gso", "checksum"] as const;
