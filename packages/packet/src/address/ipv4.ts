import { SevilleError } from "@seville/core";

/** An IPv4 address as an unsigned 32-bit integer, its first octet the most significant. */
export type Ipv4Address = number;

export const IPV4_ANY: Ipv4Address = 0;
export const IPV4_LOOPBACK: Ipv4Address = 0x7f00_0001;
/** The limited broadcast address (RFC 919 §7). */
export const IPV4_BROADCAST: Ipv4Address = 0xffff_ffff;

/**
 * The address that `text` writes: four decimal numbers, without leading zeros (which some programs read as octal,
 * RFC 6943 §3.1.1).
 * @throws SevilleError `ERR_INVALID_ADDRESS`
 */
export function parseIpv4(text: string): Ipv4Address {
  const address = tryParseIpv4(text);
  if (address !== undefined) return address;
  throw new SevilleError("ERR_INVALID_ADDRESS", `${JSON.stringify(text)} is not an IPv4 address`, "text");
}

/** As {@link parseIpv4}, but `undefined` for anything else. */
export function tryParseIpv4(text: string): Ipv4Address | undefined {
  if (text.length < 7 || text.length > 15) return undefined;
  let address = 0;
  let octet = -1;
  let dots = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 0x2e) {
      if (octet < 0 || ++dots > 3) return undefined;
      address = address * 256 + octet;
      octet = -1;
      continue;
    }
    const digit = code - 0x30;
    // Only a lone zero may begin with zero.
    if (digit < 0 || digit > 9 || octet === 0) return undefined;
    octet = octet < 0 ? digit : octet * 10 + digit;
    if (octet > 255) return undefined;
  }
  return dots === 3 && octet >= 0 ? address * 256 + octet : undefined;
}

/** Dotted decimal. */
export function formatIpv4(address: Ipv4Address): string {
  return `${address >>> 24}.${(address >>> 16) & 255}.${(address >>> 8) & 255}.${address & 255}`;
}
