import { Ipv6Address, type Ipv4Address } from "@seville/packet";

/*
 * 6to4 address, RFC 3056 §2: the IPv4 address of the site's router stands in it, so that a tunnel needs no configuration:
 *
 *    0              16                              48            64
 *   +---------------+-------------------------------+-------------+---------
 *   |     2002      |         IPv4 address          |   SLA ID    | interface id
 *   +---------------+-------------------------------+-------------+---------
 *
 * There is no header: the IPv6 packet follows the IPv4 header at once, as in SIT.
 */
export const PREFIX = 0x2002;

/** 2002:V4ADDR::/48 of a site, with `interfaceId` as its low word. */
export function addressOf(address: Ipv4Address, interfaceId = 0): Ipv6Address {
  const w0 = ((PREFIX << 16) | (address >>> 16)) >>> 0;
  return Ipv6Address.of(w0, (address << 16) >>> 0, 0, interfaceId >>> 0);
}

/** The router that a 6to4 address names, or `undefined` if it is none. */
export function embedded(address: Ipv6Address): Ipv4Address | undefined {
  if (address.w0 >>> 16 !== PREFIX) return undefined;
  return (((address.w0 & 0xffff) << 16) | (address.w1 >>> 16)) >>> 0;
}

/** Blocks that no router's address can be in (RFC 3964 §5.3.1; RFC 6890): base and prefix length. */
const IMPOSSIBLE: readonly (readonly [base: number, bits: number])[] = [
  [0x0000_0000, 8],
  [0x0a00_0000, 8],
  [0x7f00_0000, 8],
  [0xa9fe_0000, 16],
  [0xac10_0000, 12],
  [0xc0a8_0000, 16],
  [0xe000_0000, 4],
  [0xf000_0000, 4],
];

/** Whether a 6to4 router may be at `address`: it is a global unicast address (RFC 3056 §2, RFC 3964 §5.3.1). */
export function isUsable(address: Ipv4Address): boolean {
  return !IMPOSSIBLE.some(([base, bits]) => (address ^ base) >>> (32 - bits) === 0);
}
