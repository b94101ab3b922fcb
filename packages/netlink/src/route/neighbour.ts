import type { IpAddress } from "@seville/packet";
import type { MessageFormat } from "../wire/format.ts";
import { struct, structAttribute, type Struct } from "../wire/struct.ts";
import { address, be16, bytes, u16, u32, u8 } from "../wire/types.ts";

/** `struct ndmsg`. */
export interface NeighbourHeader {
  family: number;
  ifindex: number;
  /** NUD_… */
  state: number;
  /** NTF_… */
  flags: number;
  type: number;
}

/** `struct nda_cacheinfo`: hundredths of a second ago. */
export interface NeighbourCacheInfo {
  confirmed: number;
  used: number;
  updated: number;
  refcnt: number;
}

/** `NDA_…` of include/uapi/linux/neighbour.h. */
export interface NeighbourAttributes {
  dst: IpAddress;
  lladdr: Uint8Array;
  cacheinfo: NeighbourCacheInfo;
  probes: number;
  vlan: number;
  port: number;
  vni: number;
  ifindex: number;
  master: number;
  srcVni: number;
  protocol: number;
  nhId: number;
  flagsExt: number;
}

export const NUD_INCOMPLETE = 0x01;
export const NUD_REACHABLE = 0x02;
export const NUD_STALE = 0x04;
export const NUD_DELAY = 0x08;
export const NUD_PROBE = 0x10;
export const NUD_FAILED = 0x20;
export const NUD_NOARP = 0x40;
export const NUD_PERMANENT = 0x80;
export const NTF_SELF = 0x02;
export const NTF_MASTER = 0x04;
export const NTF_PROXY = 0x08;
export const NTF_EXT_LEARNED = 0x10;
export const NTF_OFFLOADED = 0x20;
export const NTF_STICKY = 0x40;
export const NTF_ROUTER = 0x80;

const cacheInfo: Struct<NeighbourCacheInfo> = struct([
  ["confirmed", "u32"],
  ["used", "u32"],
  ["updated", "u32"],
  ["refcnt", "u32"],
]);

/** RTM_NEWNEIGH, RTM_DELNEIGH, RTM_GETNEIGH; the entries of a bridge or VXLAN too (family AF_BRIDGE). */
export const neighbourMessage: MessageFormat<NeighbourHeader, NeighbourAttributes> = {
  header: struct([
    ["family", "u8"],
    ["pad1", "u8"],
    ["pad2", "u16"],
    ["ifindex", "s32"],
    ["state", "u16"],
    ["flags", "u8"],
    ["type", "u8"],
  ]),
  attributes: {
    dst: [1, address],
    lladdr: [2, bytes(0, 32)],
    cacheinfo: [3, structAttribute(cacheInfo)],
    probes: [4, u32],
    vlan: [5, u16],
    port: [6, be16],
    vni: [7, u32],
    ifindex: [8, u32],
    master: [9, u32],
    srcVni: [11, u32],
    protocol: [12, u8],
    nhId: [13, u32],
    flagsExt: [15, u32],
  },
};
