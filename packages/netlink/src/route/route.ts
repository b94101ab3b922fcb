import { IPV6_ANY, type IpAddress } from "@seville/packet";
import { fail, readAttributes, writeAttributes, type AttributeTable, type AttributeType } from "../wire/attribute.ts";
import { LITTLE_ENDIAN } from "../wire/byte-order.ts";
import type { MessageFormat } from "../wire/format.ts";
import { struct, structAttribute, type Struct } from "../wire/struct.ts";
import { address, be16, nest, text, u16, u32, u8, writeAddress } from "../wire/types.ts";
import { NetlinkWriter } from "../wire/writer.ts";
import { AF_INET, AF_INET6 } from "./types.ts";

/** `struct rtmsg`. */
export interface RouteHeader {
  family: number;
  dstLen: number;
  srcLen: number;
  tos: number;
  /** 252 (RT_TABLE_COMPAT) where the number needs {@link RouteAttributes.table}. */
  table: number;
  /** RTPROT_… */
  protocol: number;
  /** RT_SCOPE_… */
  scope: number;
  /** RTN_… */
  type: number;
  /** RTM_F_… and RTNH_F_… of the only hop. */
  flags: number;
}

/** RTA_METRICS (`RTAX_…`). */
export interface RouteMetrics {
  lock: number;
  mtu: number;
  window: number;
  rtt: number;
  rttvar: number;
  ssthresh: number;
  cwnd: number;
  advmss: number;
  reordering: number;
  hoplimit: number;
  initcwnd: number;
  features: number;
  rtoMin: number;
  initrwnd: number;
  quickack: number;
  congctl: string;
  fastopenNoCookie: number;
}

/** A next hop of several (`struct rtnexthop` and its attributes). */
export interface MultipathHop {
  /** RTNH_F_… */
  flags: number;
  /** Its weight less one. */
  hops: number;
  ifindex: number;
  gateway?: IpAddress;
  via?: IpAddress;
  encapType?: number;
}

/** `struct rta_cacheinfo`. Ticks of a hundredth of a second. */
export interface RouteCacheInfo {
  clntref: number;
  lastuse: number;
  expires: number;
  error: number;
  used: number;
  id: number;
  ts: number;
  tsage: number;
}

/** `RTA_…` of include/uapi/linux/rtnetlink.h. */
export interface RouteAttributes {
  dst: IpAddress;
  src: IpAddress;
  iif: number;
  oif: number;
  gateway: IpAddress;
  priority: number;
  prefsrc: IpAddress;
  metrics: Partial<RouteMetrics>;
  multipath: readonly MultipathHop[];
  flow: number;
  cacheinfo: RouteCacheInfo;
  table: number;
  mark: number;
  /** A gateway of the other family. */
  via: IpAddress;
  /** Router preference (RFC 4191): 0 medium, 1 high, 3 low. */
  pref: number;
  encapType: number;
  expires: number;
  uid: number;
  ttlPropagate: number;
  ipProto: number;
  sport: number;
  dport: number;
  nhId: number;
}

/** RTN_… by number. */
export const ROUTE_TYPES: readonly string[] = [
  "none",
  "unicast",
  "local",
  "broadcast",
  "anycast",
  "multicast",
  "blackhole",
  "unreachable",
  "prohibit",
  "throw",
  "nat",
  "xresolve",
];
export const RT_TABLE_COMPAT = 252;
export const RTM_F_CLONED = 0x200;
export const RTM_F_LOOKUP_TABLE = 0x1000;
export const RTM_F_FIB_MATCH = 0x2000;
export const RTM_F_OFFLOAD = 0x4000;
export const RTM_F_TRAP = 0x8000;
export const RTM_F_OFFLOAD_FAILED = 0x2000_0000;

const metrics: AttributeTable<RouteMetrics> = {
  lock: [1, u32],
  mtu: [2, u32],
  window: [3, u32],
  rtt: [4, u32],
  rttvar: [5, u32],
  ssthresh: [6, u32],
  cwnd: [7, u32],
  advmss: [8, u32],
  reordering: [9, u32],
  hoplimit: [10, u32],
  initcwnd: [11, u32],
  features: [12, u32],
  rtoMin: [13, u32],
  initrwnd: [14, u32],
  quickack: [15, u32],
  congctl: [16, text(15)],
  fastopenNoCookie: [17, u32],
};

const cacheInfo: Struct<RouteCacheInfo> = struct([
  ["clntref", "u32"],
  ["lastuse", "u32"],
  ["expires", "s32"],
  ["error", "u32"],
  ["used", "u32"],
  ["id", "u32"],
  ["ts", "u32"],
  ["tsage", "u32"],
]);

/** `struct rtvia`: family, then the address. */
const via: AttributeType<IpAddress> = {
  min: 2 + 4,
  max: 2 + 16,
  read: (view, at, length, reading) => {
    const family = view.getUint16(at, LITTLE_ENDIAN);
    if ((family === AF_INET && length === 6) || (family === AF_INET6 && length === 18)) {
      return address.read(view, at + 2, length - 2, reading);
    }
    fail(reading, "Invalid gateway address in RTA_VIA", at);
    return undefined;
  },
  write: (out, value) => {
    out.u16(typeof value === "number" ? AF_INET : AF_INET6);
    writeAddress(out, value);
  },
};

type HopAttributes = Required<Pick<MultipathHop, "gateway" | "via" | "encapType">>;
const hopAttributes: AttributeTable<HopAttributes> = { gateway: [5, address], via: [18, via], encapType: [21, u16] };
const HOP_BYTES = 8;

const multipath: AttributeType<readonly MultipathHop[]> = {
  min: 0,
  max: 0xffff,
  read: (view, from, length, reading) => {
    const hops: MultipathHop[] = [];
    const end = from + length;
    for (let at = from; at < end;) {
      const size = end - at < HOP_BYTES ? 0 : view.getUint16(at, LITTLE_ENDIAN);
      if (size < HOP_BYTES || size > end - at) {
        fail(reading, "Invalid nexthop configuration - extra data after nexthop", at);
        return undefined;
      }
      const attributes = readAttributes(hopAttributes, view, at + HOP_BYTES, at + size, reading);
      if (reading.problem !== undefined) return undefined;
      hops.push({
        flags: view.getUint8(at + 2),
        hops: view.getUint8(at + 3),
        ifindex: view.getInt32(at + 4, LITTLE_ENDIAN),
        ...attributes,
      });
      at += (size + 3) & ~3;
    }
    return hops;
  },
  write: (out, hops) => {
    for (const { flags, hops: weight, ifindex, ...attributes } of hops) {
      const inner = new NetlinkWriter();
      writeAttributes(inner, hopAttributes, attributes);
      out
        .u16(HOP_BYTES + inner.length)
        .u8(flags)
        .u8(weight)
        .u32(ifindex)
        .raw(inner.bytes());
    }
  },
};

/** RTM_NEWROUTE, RTM_DELROUTE, RTM_GETROUTE. */
export const routeMessage: MessageFormat<RouteHeader, RouteAttributes> = {
  header: struct([
    ["family", "u8"],
    ["dstLen", "u8"],
    ["srcLen", "u8"],
    ["tos", "u8"],
    ["table", "u8"],
    ["protocol", "u8"],
    ["scope", "u8"],
    ["type", "u8"],
    ["flags", "u32"],
  ]),
  attributes: {
    table: [15, u32],
    dst: [1, address],
    src: [2, address],
    priority: [6, u32],
    metrics: [8, nest(metrics)],
    prefsrc: [7, address],
    iif: [3, u32],
    oif: [4, u32],
    gateway: [5, address],
    via: [18, via],
    nhId: [30, u32],
    multipath: [9, multipath],
    flow: [11, u32],
    mark: [16, u32],
    uid: [25, u32],
    cacheinfo: [12, structAttribute(cacheInfo)],
    pref: [20, u8],
    encapType: [21, u16],
    expires: [23, u32],
    ttlPropagate: [26, u8],
    ipProto: [27, u8],
    sport: [28, be16],
    dport: [29, be16],
  },
};

/** The address that stands where a prefix of no bits has none. */
export function anyOf(family: number): IpAddress {
  return family === AF_INET6 ? IPV6_ANY : 0;
}
