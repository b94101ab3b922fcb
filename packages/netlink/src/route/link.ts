import type { AttributeTable, AttributeType } from "../wire/attribute.ts";
import type { MessageFormat } from "../wire/format.ts";
import { struct, structAttribute } from "../wire/struct.ts";
import { bytes, list, s32, text, u32, u8 } from "../wire/types.ts";
import { linkInfo, type LinkInfo } from "./link-info.ts";
import { linkStats64, type LinkStats64 } from "./link-stats.ts";

/** `struct ifinfomsg`. */
export interface LinkHeader {
  family: number;
  /** ARPHRD_…: 1 Ethernet, 772 loopback, 768 IPIP, 778 GRE, 65534 none. */
  type: number;
  index: number;
  /** IFF_… */
  flags: number;
  /** Which of the flags a request changes. */
  change: number;
}

/** `IFLA_…` of include/uapi/linux/if_link.h, as far as `ip link` shows them. */
export interface LinkAttributes {
  address: Uint8Array;
  broadcast: Uint8Array;
  ifname: string;
  mtu: number;
  link: number;
  qdisc: string;
  master: number;
  txqlen: number;
  operstate: number;
  linkmode: number;
  linkinfo: LinkInfo;
  netNsPid: number;
  ifalias: string;
  stats64: LinkStats64;
  group: number;
  netNsFd: number;
  extMask: number;
  promiscuity: number;
  numTxQueues: number;
  numRxQueues: number;
  carrier: number;
  carrierChanges: number;
  linkNetnsid: number;
  protoDown: number;
  gsoMaxSegs: number;
  gsoMaxSize: number;
  newIfindex: number;
  carrierUpCount: number;
  carrierDownCount: number;
  minMtu: number;
  maxMtu: number;
  propList: { altIfnames: readonly string[] };
  altIfname: string;
  permAddress: Uint8Array;
  parentDevName: string;
  parentDevBusName: string;
  groMaxSize: number;
  tsoMaxSize: number;
  tsoMaxSegs: number;
  allmulti: number;
}

/** `enum` values of {@link LinkAttributes.operstate} (RFC 2863), in order. */
export const OPERSTATES: readonly string[] = [
  "UNKNOWN",
  "NOTPRESENT",
  "DOWN",
  "LOWERLAYERDOWN",
  "TESTING",
  "DORMANT",
  "UP",
];

const IFNAMSIZ = 16;
const ifname = text(IFNAMSIZ - 1);
const hardware = bytes(0, 32);

const attributes: AttributeTable<LinkAttributes> = {
  ifname: [3, ifname],
  txqlen: [13, u32],
  operstate: [16, u8],
  linkmode: [17, u8],
  mtu: [4, u32],
  minMtu: [50, u32],
  maxMtu: [51, u32],
  group: [27, u32],
  promiscuity: [30, u32],
  allmulti: [61, u32],
  numTxQueues: [31, u32],
  numRxQueues: [32, u32],
  gsoMaxSegs: [40, u32],
  gsoMaxSize: [41, u32],
  groMaxSize: [58, u32],
  tsoMaxSize: [59, u32],
  tsoMaxSegs: [60, u32],
  link: [5, u32],
  master: [10, u32],
  carrier: [33, u8],
  qdisc: [6, text()],
  ifalias: [20, text(255)],
  carrierChanges: [35, u32],
  carrierUpCount: [47, u32],
  carrierDownCount: [48, u32],
  protoDown: [39, u8],
  address: [1, hardware],
  broadcast: [2, hardware],
  stats64: [23, structAttribute(linkStats64, 23 * 8)],
  netNsPid: [19, u32],
  netNsFd: [28, u32],
  extMask: [29, u32],
  linkNetnsid: [37, s32],
  newIfindex: [49, s32],
  linkinfo: [18, linkInfo],
  propList: [52, nestOfAltNames()],
  altIfname: [53, text(127)],
  permAddress: [54, hardware],
  parentDevName: [56, text()],
  parentDevBusName: [57, text()],
};

/** RTM_NEWLINK, RTM_DELLINK, RTM_GETLINK, RTM_SETLINK. */
export const linkMessage: MessageFormat<LinkHeader, LinkAttributes> = {
  header: struct([
    ["family", "u8"],
    ["pad", "u8"],
    ["type", "u16"],
    ["index", "s32"],
    ["flags", "u32"],
    ["change", "u32"],
  ]),
  attributes,
};

/** IFLA_PROP_LIST holds IFLA_ALT_IFNAME once for each name. */
function nestOfAltNames(): AttributeType<{ altIfnames: readonly string[] }> {
  const names = list(53, text(127));
  return {
    min: 0,
    max: 0xffff,
    nested: true,
    read: (view, at, length, reading) => ({ altIfnames: names.read(view, at, length, reading) ?? [] }),
    write: (out, { altIfnames }) => {
      names.write(out, altIfnames);
    },
  };
}
