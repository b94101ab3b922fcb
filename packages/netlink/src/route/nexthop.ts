import type { IpAddress } from "@seville/packet";
import type { AttributeTable } from "../wire/attribute.ts";
import type { MessageFormat } from "../wire/format.ts";
import { struct, structArray, type Struct } from "../wire/struct.ts";
import { address, flag, nest, u16, u32, u64 } from "../wire/types.ts";

/** `struct nhmsg`. */
export interface NexthopHeader {
  family: number;
  scope: number;
  protocol: number;
  /** RTNH_F_… */
  flags: number;
}

/** `struct nexthop_grp`: a member of a group. */
export interface NexthopMember {
  id: number;
  /** Its weight less one. */
  weight: number;
}

/** NHA_RES_GROUP: times in hundredths of a second. */
export interface ResilientGroup {
  buckets: number;
  idleTimer: number;
  unbalancedTimer: number;
  unbalancedTime: number;
}

/** `NHA_…` of include/uapi/linux/nexthop.h. */
export interface NexthopAttributes {
  id: number;
  group: readonly NexthopMember[];
  /** 0 hash-threshold, 1 resilient. */
  groupType: number;
  blackhole: boolean;
  oif: number;
  gateway: IpAddress;
  encapType: number;
  groups: boolean;
  master: number;
  fdb: boolean;
  resGroup: Partial<ResilientGroup>;
}

const member: Struct<NexthopMember> = struct([
  ["id", "u32"],
  ["weight", "u8"],
  ["pad1", "u8"],
  ["pad2", "u16"],
]);
const resilient: AttributeTable<ResilientGroup> = {
  buckets: [1, u16],
  idleTimer: [2, u32],
  unbalancedTimer: [3, u32],
  unbalancedTime: [4, u64],
};

/** RTM_NEWNEXTHOP, RTM_DELNEXTHOP, RTM_GETNEXTHOP. */
export const nexthopMessage: MessageFormat<NexthopHeader, NexthopAttributes> = {
  header: struct([
    ["family", "u8"],
    ["scope", "u8"],
    ["protocol", "u8"],
    ["pad", "u8"],
    ["flags", "u32"],
  ]),
  attributes: {
    id: [1, u32],
    group: [2, structArray(member)],
    groupType: [3, u16],
    blackhole: [4, flag],
    oif: [5, u32],
    gateway: [6, address],
    encapType: [7, u16],
    groups: [9, flag],
    master: [10, u32],
    fdb: [11, flag],
    resGroup: [12, nest(resilient)],
  },
};
