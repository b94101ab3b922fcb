import type { AttributeTable } from "../wire/attribute.ts";
import type { MessageFormat } from "../wire/format.ts";
import { struct, structAttribute } from "../wire/struct.ts";
import { bytes, nest, u32, u8 } from "../wire/types.ts";
import { hardwareStats64, linkStats64, type HardwareStats64, type LinkStats64 } from "./link-stats.ts";

/** `struct if_stats_msg`. */
export interface StatsHeader {
  family: number;
  ifindex: number;
  /** One bit for each attribute that is wanted or here: {@link statsFilterBit}. */
  filterMask: number;
}

export const IFLA_STATS_LINK_64 = 1;
export const IFLA_STATS_LINK_XSTATS = 2;
export const IFLA_STATS_LINK_XSTATS_SLAVE = 3;
export const IFLA_STATS_LINK_OFFLOAD_XSTATS = 4;
export const IFLA_STATS_AF_SPEC = 5;
export const IFLA_OFFLOAD_XSTATS_CPU_HIT = 1;
export const IFLA_OFFLOAD_XSTATS_HW_S_INFO = 2;
export const IFLA_OFFLOAD_XSTATS_L3_STATS = 3;

/** `IFLA_STATS_FILTER_BIT`. */
export function statsFilterBit(attribute: number): number {
  return 1 << (attribute - 1);
}

/** Whether hardware statistics of a kind were asked for, and whether hardware counts them. */
export interface HardwareStatsInfo {
  request: number;
  used: number;
}

/** That, by the group of statistics. */
export interface HardwareGroups {
  l3Stats: Partial<HardwareStatsInfo>;
}

/** IFLA_STATS_LINK_OFFLOAD_XSTATS. */
export interface OffloadXstats {
  /** Packets that came to the CPU in spite of the offload. */
  cpuHit: LinkStats64;
  hardwareInfo: Partial<HardwareGroups>;
  l3Stats: HardwareStats64;
}

/** `IFLA_STATS_…` of include/uapi/linux/if_link.h, and those of a request (`IFLA_STATS_GETSET_…`). */
export interface StatsAttributes {
  link64: LinkStats64;
  xstats: Uint8Array;
  xstatsSlave: Uint8Array;
  offloadXstats: Partial<OffloadXstats>;
  afSpec: Uint8Array;
}

/** A mask for each group that has several. */
export interface StatsFilters {
  offloadXstats: number;
}

/** What a request says beside its mask. */
export interface StatsRequestAttributes {
  /** For each group its own mask, by the group's attribute number. */
  filters: Partial<StatsFilters>;
  setOffloadXstatsL3Stats: number;
}

const info: AttributeTable<HardwareStatsInfo> = { request: [1, u8], used: [2, u8] };
const infoOfGroups: AttributeTable<HardwareGroups> = {
  l3Stats: [IFLA_OFFLOAD_XSTATS_L3_STATS, nest(info)],
};
const offloadXstats: AttributeTable<OffloadXstats> = {
  cpuHit: [IFLA_OFFLOAD_XSTATS_CPU_HIT, structAttribute(linkStats64, 23 * 8)],
  hardwareInfo: [IFLA_OFFLOAD_XSTATS_HW_S_INFO, nest(infoOfGroups)],
  l3Stats: [IFLA_OFFLOAD_XSTATS_L3_STATS, structAttribute(hardwareStats64)],
};

const filters: AttributeTable<StatsFilters> = { offloadXstats: [IFLA_STATS_LINK_OFFLOAD_XSTATS, u32] };

const header = struct<StatsHeader>([
  ["family", "u8"],
  ["pad1", "u8"],
  ["pad2", "u16"],
  ["ifindex", "u32"],
  ["filterMask", "u32"],
]);

/** RTM_NEWSTATS. */
export const statsMessage: MessageFormat<StatsHeader, StatsAttributes> = {
  header,
  attributes: {
    link64: [IFLA_STATS_LINK_64, structAttribute(linkStats64, 23 * 8)],
    xstats: [IFLA_STATS_LINK_XSTATS, bytes()],
    xstatsSlave: [IFLA_STATS_LINK_XSTATS_SLAVE, bytes()],
    offloadXstats: [IFLA_STATS_LINK_OFFLOAD_XSTATS, nest(offloadXstats)],
    afSpec: [IFLA_STATS_AF_SPEC, bytes()],
  },
};

/** RTM_GETSTATS and RTM_SETSTATS. */
export const statsRequest: MessageFormat<StatsHeader, StatsRequestAttributes> = {
  header,
  attributes: {
    filters: [1, nest(filters)],
    setOffloadXstatsL3Stats: [2, u8],
  },
};
