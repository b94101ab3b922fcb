import { SevilleError } from "@seville/core";
import { FEATURE_NAMES, FEATURE_TABLE, type FeatureName } from "./bits.ts";
import { FeatureSet } from "./feature-set.ts";

/** A name that `ethtool -K` knows for several features at once. */
export interface LegacyGroup {
  /** What `ethtool -K` takes. */
  readonly short: string;
  /** What `ethtool -k` prints. */
  readonly long: string;
  readonly features: FeatureSet;
}

/**
 * The groups of `ethtool -k` and `-K`, in the order in which it prints them (ethtool's off_flag_def; the features as in
 * `ethtool_get_feature_mask`, net/ethtool/ioctl.c).
 */
export const LEGACY_GROUPS: readonly LegacyGroup[] = [
  group("rx", "rx-checksumming", "RXCSUM"),
  group("tx", "tx-checksumming", "IP_CSUM", "HW_CSUM", "IPV6_CSUM", "FCOE_CRC", "SCTP_CRC"),
  group("sg", "scatter-gather", "SG", "FRAGLIST"),
  group("tso", "tcp-segmentation-offload", "TSO", "TSO_ECN", "TSO_MANGLEID", "TSO6", "GSO_ACCECN"),
  group("ufo", "udp-fragmentation-offload", "GSO_UDP"),
  group("gso", "generic-segmentation-offload", "GSO"),
  group("gro", "generic-receive-offload", "GRO"),
  group("lro", "large-receive-offload", "LRO"),
  group("rxvlan", "rx-vlan-offload", "HW_VLAN_CTAG_RX"),
  group("txvlan", "tx-vlan-offload", "HW_VLAN_CTAG_TX"),
  group("ntuple", "ntuple-filters", "NTUPLE"),
  group("rxhash", "receive-hashing", "RXHASH"),
];

const BY_ETHTOOL_NAME: ReadonlyMap<string, FeatureName> = new Map(
  FEATURE_NAMES.map((name) => [FEATURE_TABLE[name][1], name]),
);

/** The name by which ethtool knows a feature: `tx-checksum-ip-generic`. */
export function ethtoolName(name: FeatureName): string {
  return FEATURE_TABLE[name][1];
}

/** The feature that ethtool knows by `name`; `undefined`: none. */
export function featureOfEthtoolName(name: string): FeatureName | undefined {
  return BY_ETHTOOL_NAME.get(name);
}

/**
 * The features that a word of `ethtool -K` means: a group (`tso`), its long name, a feature's own name, or the kernel's
 * (`NETIF_F_TSO`).
 * @throws SevilleError `ERR_UNKNOWN_FEATURE`
 */
export function parseFeature(word: string): FeatureSet {
  const legacy = LEGACY_GROUPS.find(({ short, long }) => word === short || word === long);
  if (legacy !== undefined) return legacy.features;
  const name = featureOfEthtoolName(word) ?? kernelName(word);
  if (name !== undefined) return FeatureSet.of(name);
  throw new SevilleError("ERR_UNKNOWN_FEATURE", `there is no device feature ${JSON.stringify(word)}`, "feature");
}

/** What {@link formatFeatures} must know of a device. */
export interface FeatureState {
  readonly features: FeatureSet;
  readonly wantedFeatures: FeatureSet;
  /** What a user can switch. */
  readonly hwFeatures: FeatureSet;
}

/** As `ethtool -k` prints: groups with their members behind a tab, `[fixed]` and `[requested on]` where they apply. */
export function formatFeatures(device: string, state: FeatureState): string {
  const lines = [`Features for ${device}:`];
  const printed = new Set<FeatureName>();
  for (const { long, features } of LEGACY_GROUPS) {
    const members = features.names();
    // A group of one is its member; `ethtool` prints it under the group's name alone.
    if (members.length === 1) lines.push(`${long}: ${stateOf(state, members)}`);
    else {
      lines.push(`${long}: ${state.features.hasAny(features) ? "on" : "off"}`);
      for (const name of members) lines.push(`\t${ethtoolName(name)}: ${stateOf(state, [name])}`);
    }
    for (const name of members) printed.add(name);
  }
  for (const name of FEATURE_NAMES) {
    if (!printed.has(name)) lines.push(`${ethtoolName(name)}: ${stateOf(state, [name])}`);
  }
  return `${lines.join("\n")}\n`;
}

function stateOf(state: FeatureState, names: readonly FeatureName[]): string {
  const set = FeatureSet.of(...names);
  const on = state.features.hasAny(set);
  if (!state.hwFeatures.hasAny(set)) return `${on ? "on" : "off"} [fixed]`;
  const wanted = state.wantedFeatures.hasAny(set);
  return `${on ? "on" : "off"}${wanted === on ? "" : ` [requested ${wanted ? "on" : "off"}]`}`;
}

function group(short: string, long: string, ...names: readonly FeatureName[]): LegacyGroup {
  return { short, long, features: FeatureSet.of(...names) };
}

function kernelName(word: string): FeatureName | undefined {
  const name = word.startsWith("NETIF_F_") ? word.slice("NETIF_F_".length) : word;
  return FEATURE_NAMES.find((feature) => feature === name);
}
