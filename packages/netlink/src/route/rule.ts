import type { IpAddress } from "@seville/packet";
import type { MessageFormat } from "../wire/format.ts";
import { struct, structAttribute, type Struct } from "../wire/struct.ts";
import { address, text, u32, u64, u8 } from "../wire/types.ts";

/** `struct fib_rule_hdr`. */
export interface RuleHeader {
  family: number;
  dstLen: number;
  srcLen: number;
  tos: number;
  table: number;
  /** FR_ACT_… */
  action: number;
  /** FIB_RULE_… */
  flags: number;
}

/** From and to, both included. */
export interface Range {
  start: number;
  end: number;
}

/** `FRA_…` of include/uapi/linux/fib_rules.h. */
export interface RuleAttributes {
  dst: IpAddress;
  src: IpAddress;
  iifname: string;
  goto: number;
  priority: number;
  fwmark: number;
  flow: number;
  tunId: number;
  suppressIfgroup: number;
  suppressPrefixlen: number;
  table: number;
  fwmask: number;
  oifname: string;
  l3mdev: number;
  uidRange: Range;
  protocol: number;
  ipProto: number;
  sportRange: Range;
  dportRange: Range;
  dscp: number;
}

/** FR_ACT_… by number; those between are reserved. */
export const RULE_ACTIONS: readonly string[] = [
  "unspec",
  "to_tbl",
  "goto",
  "nop",
  "res3",
  "res4",
  "blackhole",
  "unreachable",
  "prohibit",
];
export const FIB_RULE_PERMANENT = 0x1;
export const FIB_RULE_INVERT = 0x2;
export const FIB_RULE_UNRESOLVED = 0x4;
export const FIB_RULE_IIF_DETACHED = 0x8;
export const FIB_RULE_OIF_DETACHED = 0x10;

const uidRange: Struct<Range> = struct([
  ["start", "u32"],
  ["end", "u32"],
]);
const portRange: Struct<Range> = struct([
  ["start", "u16"],
  ["end", "u16"],
]);
const ifname = text(15);

/** RTM_NEWRULE, RTM_DELRULE, RTM_GETRULE. */
export const ruleMessage: MessageFormat<RuleHeader, RuleAttributes> = {
  header: struct([
    ["family", "u8"],
    ["dstLen", "u8"],
    ["srcLen", "u8"],
    ["tos", "u8"],
    ["table", "u8"],
    ["pad1", "u8"],
    ["pad2", "u8"],
    ["action", "u8"],
    ["flags", "u32"],
  ]),
  attributes: {
    table: [15, u32],
    suppressPrefixlen: [14, u32],
    protocol: [21, u8],
    iifname: [3, ifname],
    oifname: [17, ifname],
    priority: [6, u32],
    fwmark: [10, u32],
    fwmask: [16, u32],
    goto: [4, u32],
    tunId: [12, u64],
    l3mdev: [19, u8],
    uidRange: [20, structAttribute(uidRange)],
    suppressIfgroup: [13, u32],
    ipProto: [22, u8],
    sportRange: [23, structAttribute(portRange)],
    dportRange: [24, structAttribute(portRange)],
    dscp: [25, u8],
    dst: [1, address],
    src: [2, address],
    flow: [11, u32],
  },
};
