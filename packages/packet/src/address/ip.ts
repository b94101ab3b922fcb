import { SevilleError } from "@seville/core";
import { formatIpv4, tryParseIpv4, type Ipv4Address } from "./ipv4.ts";
import { tryParseIpv6 } from "./ipv6-text.ts";
import { Ipv6Address } from "./ipv6.ts";

/** Either kind: a number is IPv4, an object IPv6. `===` compares and a `Map` takes it as a key. */
export type IpAddress = Ipv4Address | Ipv6Address;

/**
 * The address that `text` writes, of either kind.
 * @throws SevilleError `ERR_INVALID_ADDRESS`
 */
export function parseIp(text: string): IpAddress {
  const address = tryParseIp(text);
  if (address !== undefined) return address;
  throw new SevilleError("ERR_INVALID_ADDRESS", `${JSON.stringify(text)} is not an IP address`, "text");
}

/** As {@link parseIp}, but `undefined` for anything else. */
export function tryParseIp(text: string): IpAddress | undefined {
  return text.includes(":") ? tryParseIpv6(text) : tryParseIpv4(text);
}

export function formatIp(address: IpAddress): string {
  return typeof address === "number" ? formatIpv4(address) : address.toString();
}

export function isIpv4(address: IpAddress): address is Ipv4Address {
  return typeof address === "number";
}

export function isIpv6(address: IpAddress): address is Ipv6Address {
  return typeof address !== "number";
}

/** Bits of an address of the same kind: 32 or 128. */
export function addressBits(address: IpAddress): 32 | 128 {
  return typeof address === "number" ? 32 : 128;
}

/** Bytes of an address of the same kind: 4 or 16. */
export function addressBytes(address: IpAddress): 4 | 16 {
  return typeof address === "number" ? 4 : 16;
}

/** An order for sorting: IPv4 before IPv6, then by number, then by zone. Negative: `a` comes first. */
export function compareIp(a: IpAddress, b: IpAddress): number {
  if (typeof a === "number") return typeof b === "number" ? a - b : -1;
  if (typeof b === "number") return 1;
  return a.w0 - b.w0 || a.w1 - b.w1 || a.w2 - b.w2 || a.w3 - b.w3 || compareText(a.zone, b.zone);
}

function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** How many leading bits `a` and `b` have in common (RFC 6724 §2.2); 0 for addresses of different kinds. */
export function commonPrefixLength(a: IpAddress, b: IpAddress): number {
  if (typeof a === "number" || typeof b === "number") {
    return typeof a === "number" && typeof b === "number" ? Math.clz32(a ^ b) : 0;
  }
  if (a.w0 !== b.w0) return Math.clz32(a.w0 ^ b.w0);
  if (a.w1 !== b.w1) return 32 + Math.clz32(a.w1 ^ b.w1);
  if (a.w2 !== b.w2) return 64 + Math.clz32(a.w2 ^ b.w2);
  return 96 + Math.clz32(a.w3 ^ b.w3);
}

/** `::ffff:a.b.c.d` (RFC 4291 §2.5.5.2). */
export function mapIpv4(address: Ipv4Address): Ipv6Address {
  return Ipv6Address.of(0, 0, 0xffff, address);
}
