import { SevilleError } from "@seville/core";
import { formatIpv4, tryParseIpv4 } from "./ipv4.ts";
import { Ipv6Address } from "./ipv6.ts";

const GROUP = /^[0-9a-f]{1,4}$/i;
const ZONE = /^[^\s%/]{1,64}$/;

/**
 * The address that `text` writes (RFC 4291 §2.2), with a zone where one follows (`fe80::1%eth0`, RFC 4007 §11.2).
 * @throws SevilleError `ERR_INVALID_ADDRESS`
 */
export function parseIpv6(text: string): Ipv6Address {
  const address = tryParseIpv6(text);
  if (address !== undefined) return address;
  throw new SevilleError("ERR_INVALID_ADDRESS", `${JSON.stringify(text)} is not an IPv6 address`, "text");
}

/** As {@link parseIpv6}, but `undefined` for anything else. */
export function tryParseIpv6(text: string): Ipv6Address | undefined {
  const percent = text.indexOf("%");
  const zone = percent < 0 ? "" : text.slice(percent + 1);
  if (percent >= 0 && !ZONE.test(zone)) return undefined;
  const bare = percent < 0 ? text : text.slice(0, percent);
  // The longest is six groups and a dotted quad.
  if (bare.length < 2 || bare.length > 45) return undefined;

  const halves = bare.split("::");
  if (halves.length > 2) return undefined;
  const front = groupsOf(halves[0] as string, halves.length === 1);
  const back = halves.length === 2 ? groupsOf(halves[1] as string, true) : [];
  if (front === undefined || back === undefined) return undefined;

  const given = front.length + back.length;
  // "::" stands for at least one group.
  if (halves.length === 1 ? given !== 8 : given > 7) return undefined;
  const groups = [...front, ...new Array<number>(8 - given).fill(0), ...back];
  const word = (i: number): number => (groups[i] as number) * 0x1_0000 + (groups[i + 1] as number);
  return Ipv6Address.of(word(0), word(2), word(4), word(6), zone);
}

/** The 16-bit groups of one side of `::`. Only the last may be a dotted quad, and only at the end of the address. */
function groupsOf(text: string, mayEndInIpv4: boolean): number[] | undefined {
  if (text === "") return [];
  const groups: number[] = [];
  const parts = text.split(":");
  for (const [i, part] of parts.entries()) {
    if (GROUP.test(part)) {
      groups.push(Number.parseInt(part, 16));
      continue;
    }
    if (!mayEndInIpv4 || i !== parts.length - 1) return undefined;
    const ipv4 = tryParseIpv4(part);
    if (ipv4 === undefined) return undefined;
    groups.push(ipv4 >>> 16, ipv4 & 0xffff);
  }
  return groups;
}

/**
 * The one text of RFC 5952: lower case, no leading zeros, the longest run of two or more zero groups (the first of
 * equals) as `::`, IPv4-mapped addresses with a dotted quad (§5); then `%zone`.
 */
export function formatIpv6(address: Ipv6Address): string {
  const zone = address.zone === "" ? "" : `%${address.zone}`;
  if (address.w0 === 0 && address.w1 === 0 && address.w2 === 0xffff) return `::ffff:${formatIpv4(address.w3)}${zone}`;
  const groups = [address.w0, address.w1, address.w2, address.w3].flatMap((w) => [w >>> 16, w & 0xffff]);
  const { start, length } = longestZeroRun(groups);
  const hex = (part: readonly number[]): string => part.map((g) => g.toString(16)).join(":");
  if (length < 2) return hex(groups) + zone;
  return `${hex(groups.slice(0, start))}::${hex(groups.slice(start + length))}${zone}`;
}

function longestZeroRun(groups: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  let start = 0;
  for (const [i, group] of groups.entries()) {
    if (group !== 0) start = i + 1;
    else if (i + 1 - start > best.length) best = { start, length: i + 1 - start };
  }
  return best;
}
