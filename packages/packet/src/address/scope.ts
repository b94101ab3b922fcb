import type { IpAddress } from "./ip.ts";

/** The scopes of RFC 4007 §5 and RFC 4291 §2.7 by their number in a multicast address. Unicast uses three of them. */
export const SCOPE_INTERFACE_LOCAL = 0x1;
export const SCOPE_LINK_LOCAL = 0x2;
export const SCOPE_REALM_LOCAL = 0x3;
export const SCOPE_ADMIN_LOCAL = 0x4;
export const SCOPE_SITE_LOCAL = 0x5;
export const SCOPE_ORGANIZATION_LOCAL = 0x8;
export const SCOPE_GLOBAL = 0xe;

/**
 * How far `address` reaches, as a number that can be compared (RFC 6724 §3.1). Loopback counts as link-local
 * (RFC 4007 §4); of IPv4, 127/8 and 169.254/16 are link-local and the rest is global (RFC 6724 §3.2).
 */
export function scopeOf(address: IpAddress): number {
  if (typeof address === "number") {
    return isLoopback(address) || isLinkLocal(address) ? SCOPE_LINK_LOCAL : SCOPE_GLOBAL;
  }
  if (isMulticast(address)) return (address.w0 >>> 16) & 0xf;
  if (isLinkLocal(address) || isLoopback(address)) return SCOPE_LINK_LOCAL;
  return isSiteLocal(address) ? SCOPE_SITE_LOCAL : SCOPE_GLOBAL;
}

/** `0.0.0.0` or `::`. */
export function isUnspecified(address: IpAddress): boolean {
  if (typeof address === "number") return address === 0;
  return (address.w0 | address.w1 | address.w2 | address.w3) === 0;
}

/** `127.0.0.0/8` or `::1`. */
export function isLoopback(address: IpAddress): boolean {
  if (typeof address === "number") return address >>> 24 === 127;
  return (address.w0 | address.w1 | address.w2) === 0 && address.w3 === 1;
}

/** `224.0.0.0/4` or `ff00::/8`. */
export function isMulticast(address: IpAddress): boolean {
  if (typeof address === "number") return address >>> 28 === 0xe;
  return address.w0 >>> 24 === 0xff;
}

/** `169.254.0.0/16` (RFC 3927) or unicast `fe80::/10` (RFC 4291 §2.5.6). */
export function isLinkLocal(address: IpAddress): boolean {
  if (typeof address === "number") return address >>> 16 === 0xa9fe;
  return address.w0 >>> 22 === 0x3fa;
}

/** Multicast that no router forwards: `224.0.0.0/24` (RFC 5771 §4) or scope interface-local and link-local. */
export function isLinkLocalMulticast(address: IpAddress): boolean {
  if (typeof address === "number") return address >>> 8 === 0xe0_0000;
  return isMulticast(address) && scopeOf(address) <= SCOPE_LINK_LOCAL;
}

/** The limited broadcast address `255.255.255.255`. */
export function isLimitedBroadcast(address: IpAddress): boolean {
  return address === 0xffff_ffff;
}

/** Unicast `fec0::/10`, deprecated (RFC 3879) but still of its own scope. */
export function isSiteLocal(address: IpAddress): boolean {
  return typeof address !== "number" && address.w0 >>> 22 === 0x3fb;
}

/** `fc00::/7` (RFC 4193). */
export function isUniqueLocal(address: IpAddress): boolean {
  return typeof address !== "number" && address.w0 >>> 25 === 0x7e;
}

/** `10/8`, `172.16/12`, `192.168/16` (RFC 1918). */
export function isPrivate(address: IpAddress): boolean {
  if (typeof address !== "number") return false;
  return address >>> 24 === 10 || address >>> 20 === 0xac1 || address >>> 16 === 0xc0a8;
}

/** `::ffff:0:0/96` (RFC 4291 §2.5.5.2). */
export function isIpv4Mapped(address: IpAddress): boolean {
  return typeof address !== "number" && (address.w0 | address.w1) === 0 && address.w2 === 0xffff;
}

/** `2002::/16` (RFC 3056). */
export function is6to4(address: IpAddress): boolean {
  return typeof address !== "number" && address.w0 >>> 16 === 0x2002;
}

/** `2001::/32` (RFC 4380). */
export function isTeredo(address: IpAddress): boolean {
  return typeof address !== "number" && address.w0 === 0x2001_0000;
}
