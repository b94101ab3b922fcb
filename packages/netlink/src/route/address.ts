import type { IpAddress } from "@seville/packet";
import type { MessageFormat } from "../wire/format.ts";
import { struct, structAttribute, type Struct } from "../wire/struct.ts";
import { address, text, u32, u8 } from "../wire/types.ts";

/** `struct ifaddrmsg`. */
export interface AddressHeader {
  family: number;
  prefixlen: number;
  /** The low eight bits; {@link AddressAttributes.flags} has all. */
  flags: number;
  scope: number;
  index: number;
}

/** `struct ifa_cacheinfo`: lifetimes in seconds (0xffffffff: for ever), timestamps in hundredths of a second since boot. */
export interface AddressCacheInfo {
  preferred: number;
  valid: number;
  created: number;
  updated: number;
}

/** `IFA_…` of include/uapi/linux/if_addr.h. */
export interface AddressAttributes {
  /** The address of the prefix: of a point-to-point link that of the peer. */
  address: IpAddress;
  local: IpAddress;
  label: string;
  broadcast: IpAddress;
  anycast: IpAddress;
  cacheinfo: AddressCacheInfo;
  flags: number;
  /** Metric of its prefix route. */
  rtPriority: number;
  targetNetnsid: number;
  proto: number;
}

export const IFA_F_TEMPORARY = 0x01;
export const IFA_F_SECONDARY = 0x01;
export const IFA_F_NODAD = 0x02;
export const IFA_F_OPTIMISTIC = 0x04;
export const IFA_F_DADFAILED = 0x08;
export const IFA_F_HOMEADDRESS = 0x10;
export const IFA_F_DEPRECATED = 0x20;
export const IFA_F_TENTATIVE = 0x40;
export const IFA_F_PERMANENT = 0x80;
export const IFA_F_MANAGETEMPADDR = 0x100;
export const IFA_F_NOPREFIXROUTE = 0x200;
export const IFA_F_MCAUTOJOIN = 0x400;
export const IFA_F_STABLE_PRIVACY = 0x800;

const cacheInfo: Struct<AddressCacheInfo> = struct([
  ["preferred", "u32"],
  ["valid", "u32"],
  ["created", "u32"],
  ["updated", "u32"],
]);

/** RTM_NEWADDR, RTM_DELADDR, RTM_GETADDR. */
export const addressMessage: MessageFormat<AddressHeader, AddressAttributes> = {
  header: struct([
    ["family", "u8"],
    ["prefixlen", "u8"],
    ["flags", "u8"],
    ["scope", "u8"],
    ["index", "u32"],
  ]),
  attributes: {
    address: [1, address],
    local: [2, address],
    broadcast: [4, address],
    anycast: [5, address],
    label: [3, text(15)],
    rtPriority: [9, u32],
    targetNetnsid: [10, u32],
    proto: [11, u8],
    flags: [8, u32],
    cacheinfo: [6, structAttribute(cacheInfo)],
  },
};
