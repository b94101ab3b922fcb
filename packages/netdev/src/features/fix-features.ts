import { FeatureSet } from "./feature-set.ts";
import { ALL_TSO, CSUM_MASK } from "./flags.ts";

/** How loud the kernel is about it: `netdev_warn` or `netdev_dbg`. `silent`: it says nothing. */
export type FixLevel = "warn" | "debug" | "silent";

/** A dependency or a conflict between features. */
export interface FixRule {
  readonly level: FixLevel;
  /** The kernel's message, without the device's name. Empty where it says nothing. */
  readonly message: string;
  /** Whether it applies to `features`. */
  readonly applies: (features: FeatureSet, partial: FeatureSet) => boolean;
  /** What must go. */
  readonly drops: (features: FeatureSet, partial: FeatureSet) => FeatureSet;
}

const IP_CSUMS = FeatureSet.of("IP_CSUM", "IPV6_CSUM");

/** `netdev_has_ip_or_hw_csum`. */
function hasIpOrHwCsum(features: FeatureSet): boolean {
  return features.has("HW_CSUM") || features.hasAll(IP_CSUMS);
}

/** What is left of the TSO features is ECN alone. */
function onlyEcn(features: FeatureSet): boolean {
  return features.and(ALL_TSO).equals(FeatureSet.of("TSO_ECN"));
}

function rule(level: FixLevel, message: string, drop: FeatureSet, applies: (features: FeatureSet) => boolean): FixRule {
  return { level, message, applies, drops: () => drop };
}

/**
 * The rules of `netdev_fix_features` (net/core/dev.c, Linux 6.18), in its order: each sees what those before it left
 * (C27: TSO needs SG and a checksum; without a checksum there is no TSO).
 */
export const FIX_RULES: readonly FixRule[] = [
  rule("warn", "mixed HW and IP checksum settings.", IP_CSUMS, (f) => f.has("HW_CSUM") && f.hasAny(IP_CSUMS)),
  rule("debug", "Dropping TSO features since no SG feature.", ALL_TSO, (f) => f.hasAny(ALL_TSO) && !f.has("SG")),
  rule(
    "debug",
    "Dropping TSO features since no CSUM feature.",
    FeatureSet.of("TSO", "TSO_ECN"),
    (f) => f.has("TSO") && !f.has("HW_CSUM") && !f.has("IP_CSUM"),
  ),
  rule(
    "debug",
    "Dropping TSO6 features since no CSUM feature.",
    FeatureSet.of("TSO6"),
    (f) => f.has("TSO6") && !f.has("HW_CSUM") && !f.has("IPV6_CSUM"),
  ),
  rule("silent", "", FeatureSet.of("TSO_MANGLEID"), (f) => f.has("TSO_MANGLEID") && !f.has("TSO")),
  rule("silent", "", FeatureSet.of("TSO_ECN"), onlyEcn),
  rule("debug", "Dropping NETIF_F_GSO since no SG feature.", FeatureSet.of("GSO"), (f) => f.has("GSO") && !f.has("SG")),
  {
    level: "debug",
    message: "Dropping partially supported GSO features since no GSO partial.",
    applies: (f, partial) => f.hasAny(partial) && !f.has("GSO_PARTIAL"),
    drops: (_f, partial) => partial,
  },
  rule(
    "debug",
    "Dropping NETIF_F_GRO_HW since no RXCSUM feature.",
    FeatureSet.of("GRO_HW"),
    (f) => f.has("GRO_HW") && !f.has("RXCSUM"),
  ),
  rule(
    "debug",
    "Dropping LRO feature since RX-FCS is requested.",
    FeatureSet.of("LRO"),
    (f) => f.has("RXFCS") && f.has("LRO"),
  ),
  rule(
    "debug",
    "Dropping HW-GRO feature since RX-FCS is requested.",
    FeatureSet.of("GRO_HW"),
    (f) => f.has("RXFCS") && f.has("GRO_HW"),
  ),
  rule(
    "debug",
    "Dropping LRO feature since HW-GRO is requested.",
    FeatureSet.of("LRO"),
    (f) => f.has("GRO_HW") && f.has("LRO"),
  ),
  rule(
    "debug",
    "Dropping TLS TX HW offload feature since no CSUM feature.",
    FeatureSet.of("HW_TLS_TX"),
    (f) => f.has("HW_TLS_TX") && !hasIpOrHwCsum(f),
  ),
  rule(
    "debug",
    "Dropping TLS RX HW offload feature since no RXCSUM feature.",
    FeatureSet.of("HW_TLS_RX"),
    (f) => f.has("HW_TLS_RX") && !f.has("RXCSUM"),
  ),
  rule(
    "debug",
    "Dropping USO feature since no CSUM feature.",
    FeatureSet.of("GSO_UDP_L4"),
    (f) => f.has("GSO_UDP_L4") && !hasIpOrHwCsum(f),
  ),
];

/** One thing that {@link fixFeatures} did. */
export interface FeatureFix {
  readonly level: FixLevel;
  readonly message: string;
  readonly dropped: FeatureSet;
}

/**
 * The features that can be on together, of those that are asked for.
 *
 * @param partial the device's `gso_partial_features`
 * @param onFix is told what had to go and why
 */
export function fixFeatures(
  asked: FeatureSet,
  partial: FeatureSet = FeatureSet.NONE,
  onFix?: (fix: FeatureFix) => void,
): FeatureSet {
  let features = asked;
  for (const { level, message, applies, drops } of FIX_RULES) {
    if (!applies(features, partial)) continue;
    const dropped = features.and(drops(features, partial));
    features = features.without(dropped);
    onFix?.({ level, message, dropped });
  }
  return features;
}

/**
 * The features that two devices have together, where one may checksum anything and the other only IPv4 or IPv6
 * (`netdev_intersect_features`).
 */
export function intersectFeatures(one: FeatureSet, other: FeatureSet): FeatureSet {
  if (one.has("HW_CSUM") === other.has("HW_CSUM")) return one.and(other);
  return one.has("HW_CSUM") ? one.with(IP_CSUMS).and(other) : other.with(IP_CSUMS).and(one);
}

/** Whether the device finishes Internet checksums of `etherType` (`can_checksum_protocol`; C20). */
export function canChecksum(features: FeatureSet, etherType: number): boolean {
  if (etherType === 0x8906) return features.has("FCOE_CRC");
  if (features.has("HW_CSUM")) return true;
  if (etherType === 0x0800) return features.has("IP_CSUM");
  return etherType === 0x86dd && features.has("IPV6_CSUM");
}

/** Whether one checksum feature is left at all. */
export function hasCsum(features: FeatureSet): boolean {
  return features.hasAny(CSUM_MASK);
}
