import { invalidArgument } from "@seville/core";

/**
 * Groups of statistics, as bits of a filter. The first four are those of `ethtool -S --groups` in netlink's order
 * (`ETHTOOL_STATS_…`); the others are ours, beyond what netlink may add.
 */
export const STATS_ETH_PHY: number = 1 << 0;
export const STATS_ETH_MAC: number = 1 << 1;
export const STATS_ETH_CTRL: number = 1 << 2;
export const STATS_RMON: number = 1 << 3;
export const STATS_QUEUE: number = 1 << 16;
export const STATS_DRIVER: number = 1 << 17;
export const STATS_PORT: number = 1 << 18;
export const STATS_ALL: number =
  STATS_ETH_PHY | STATS_ETH_MAC | STATS_ETH_CTRL | STATS_RMON | STATS_QUEUE | STATS_DRIVER | STATS_PORT;

const GROUPS: readonly (readonly [name: string, bit: number])[] = [
  ["eth-phy", STATS_ETH_PHY],
  ["eth-mac", STATS_ETH_MAC],
  ["eth-ctrl", STATS_ETH_CTRL],
  ["rmon", STATS_RMON],
  ["queue", STATS_QUEUE],
  ["driver", STATS_DRIVER],
  ["port", STATS_PORT],
];

/** A name and its value, in the order in which they are printed. */
export type Statistic = readonly [name: string, value: number];

/** Reads one group. It is called only if the group is asked for. */
export type StatsReader = () => Iterable<Statistic>;

/** A filter from names: `parseStatsFilter("eth-mac", "rmon")`. */
export function parseStatsFilter(...names: readonly string[]): number {
  let filter = 0;
  for (const name of names) {
    const group = GROUPS.find(([known]) => known === name);
    if (group === undefined) throw invalidArgument("group", GROUPS.map(([known]) => known).join(", "), name);
    filter |= group[1];
  }
  return filter;
}

/**
 * Dumps the groups that `filter` names, and reads no others: a monitor that wants two counters every second does not pay
 * for two thousand, nor does the device (what RTM_GETSTATS and `ethtool -S --groups` have their filters for).
 * @param readers by group's bit
 */
export function dumpStats(readers: ReadonlyMap<number, StatsReader>, filter: number): Map<string, number> {
  if ((filter & ~STATS_ALL) !== 0) throw invalidArgument("filter", "bits of STATS_…", filter);
  const dump = new Map<string, number>();
  for (const [group, bit] of GROUPS) {
    if ((filter & bit) === 0) continue;
    for (const [name, value] of readers.get(bit)?.() ?? []) dump.set(prefixed(group, name), value);
  }
  return dump;
}

/** The standard groups print their own name in front. */
function prefixed(group: string, name: string): string {
  return group.startsWith("eth-") || group === "rmon" ? `${group}-${name}` : name;
}
