import { isMulticast } from "./scope.ts";
import type { IpAddress } from "./ip.ts";
import { Ipv6Address } from "./ipv6.ts";
import type { MacAddress } from "./mac.ts";

const TWO_24 = 0x100_0000;

/** `ff02::1:ffXX:XXXX`, the solicited-node multicast address (RFC 4291 §2.7.1). */
export function solicitedNode(address: Ipv6Address): Ipv6Address {
  return Ipv6Address.of(0xff02_0000, 0, 1, 0xff00_0000 | (address.w3 & 0xff_ffff));
}

/** The group of Ethernet on which multicast to `group` goes (RFC 1112 §6.4, RFC 2464 §7). */
export function multicastMac(group: IpAddress): MacAddress {
  if (typeof group === "number") return 0x0100_5e00_0000 + (group & 0x7f_ffff);
  return 0x3333_0000_0000 + group.w3;
}

/** The modified EUI-64 interface identifier of `mac`, as its high and low word (RFC 2464 §4, RFC 4291 App. A). */
export function interfaceId(mac: MacAddress): { readonly high: number; readonly low: number } {
  const oui = Math.floor(mac / TWO_24) ^ 0x02_0000;
  return { high: ((oui << 8) | 0xff) >>> 0, low: (0xfe00_0000 | (mac % TWO_24)) >>> 0 };
}

/** The upper 64 bits of `prefix` with the interface identifier of `mac` (RFC 4862 §5.5.3 d). */
export function withInterfaceId(prefix: Ipv6Address, mac: MacAddress): Ipv6Address {
  const { high, low } = interfaceId(mac);
  return Ipv6Address.of(prefix.w0, prefix.w1, high, low);
}

/** `fe80::` with the interface identifier of `mac` (RFC 4862 §5.3). */
export function linkLocalAddress(mac: MacAddress, zone = ""): Ipv6Address {
  const { high, low } = interfaceId(mac);
  return Ipv6Address.of(0xfe80_0000, 0, high, low, zone);
}

/** Whether `mac` is where frames to the multicast group `address` go. */
export function isMacOfGroup(mac: MacAddress, address: IpAddress): boolean {
  return isMulticast(address) && multicastMac(address) === mac;
}
