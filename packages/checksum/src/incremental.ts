import { add, finish, fold, sub, type PartialSum } from "./partial.ts";
import { sumWords, type Ipv6Words } from "./pseudo-header.ts";

/**
 * The checksum after a change of the data it covers: HC' = ~(~HC + ~m + m') (RFC 1624 §3, eqn 3).
 * The older forms (RFC 1141, RFC 1624 eqn 2 and 4) can yield the wrong zero.
 *
 * @param checksum the field as it stands in the packet, complemented
 * @param difference what the change adds: {@link sub} of the sums after and before
 */
export function replaceByDifference(checksum: number, difference: PartialSum): number {
  return finish(add(~checksum & 0xffff, difference));
}

/** {@link replaceByDifference} for one 16-bit word at an even offset of the covered data (Linux `csum_replace2`). */
export function replace2(checksum: number, from: number, to: number): number {
  return finish((~checksum & 0xffff) + (~from & 0xffff) + (to & 0xffff));
}

/** {@link replaceByDifference} for 32 bits at an even offset of the covered data (Linux `csum_replace4`). */
export function replace4(checksum: number, from: number, to: number): number {
  return replaceByDifference(checksum, sub(to, from));
}

/** {@link replaceByDifference} for an IPv6 address (Linux `inet_proto_csum_replace16`). */
export function replace16(checksum: number, from: Ipv6Words, to: Ipv6Words): number {
  return replaceByDifference(checksum, sub(sumWords(to), sumWords(from)));
}

/**
 * {@link replaceByDifference} for UDP over IPv4: 0 means that there is no checksum and stays; a checksum that becomes 0
 * is sent as 0xffff (RFC 768; Linux `CSUM_MANGLED_0`).
 */
export function replaceUdp(checksum: number, difference: PartialSum): number {
  return checksum === 0 ? 0 : mangleZero(replaceByDifference(checksum, difference));
}

/** A UDP checksum of 0 is sent as 0xffff (RFC 768). TCP, ICMP, GRE and IPv4 headers send 0 as it is. */
export function mangleZero(checksum: number): number {
  return checksum === 0 ? 0xffff : checksum;
}

/**
 * Takes 1 from the TTL of the IPv4 header at `offset` and patches its checksum (Linux `ip_decrease_ttl`).
 * Returns the new TTL. A TTL of 0 wraps to 255: the caller has dropped the packet before.
 */
export function decrementTtl(view: DataView, offset: number): number {
  const ttl = (view.getUint8(offset + 8) - 1) & 0xff;
  view.setUint8(offset + 8, ttl);
  const before = ((ttl + 1) & 0xff) << 8;
  view.setUint16(offset + 10, replace2(view.getUint16(offset + 10), before, ttl << 8));
  return ttl;
}

/** The folded sum that a stored checksum stands for: what {@link fold} of the covered data gave. */
export function sumOfChecksum(checksum: number): number {
  return fold(~checksum & 0xffff);
}
