import { isLinkLocal, isMulticast, scopeOf, type Ipv6Address, type IpAddress } from "@seville/packet";
import { asIpv6, type PolicyTable } from "./policy-table.ts";

/** An address of the host that may become a source. */
export interface SourceCandidate<A extends IpAddress = Ipv6Address> {
  readonly address: A;
  readonly prefixLength: number;
  /** The interface that has it. */
  readonly ifindex: number;
  readonly deprecated: boolean;
  /** Optimistic (RFC 4429): as good as deprecated while it is being tested. */
  readonly optimistic: boolean;
  readonly temporary: boolean;
  /** A home address of Mobile IPv6. */
  readonly home: boolean;
  /** Its prefix was advertised by the next hop that will be used (rule 5.5). */
  readonly fromNextHop: boolean;
}

/** What the user wants (RFC 5014): absent means the default of RFC 6724, which prefers home and temporary addresses. */
export interface SourcePreferences {
  readonly preferPublic?: boolean;
  readonly preferCareOf?: boolean;
}

/** `IPV6_PREFER_SRC_…` (RFC 5014 §5.1, include/uapi/linux/in6.h). */
export const IPV6_PREFER_SRC_TMP = 0x0001;
export const IPV6_PREFER_SRC_PUBLIC = 0x0002;
export const IPV6_PREFER_SRC_COA = 0x0004;
export const IPV6_PREFER_SRC_PUBTMP_DEFAULT = 0x0100;
export const IPV6_PREFER_SRC_HOME = 0x0400;

/**
 * The best source for `destination` through interface `ifindex` (RFC 6724 §5), or `undefined`: there is no candidate.
 * Equal candidates: the first.
 *
 * `candidates`: all addresses of the host that can be used at all (not tentative, not multicast). Those of other
 * interfaces count only for destinations that reach further than the link (RFC 6724 §4).
 */
export function selectSource<A extends IpAddress>(
  destination: IpAddress,
  ifindex: number,
  candidates: Iterable<SourceCandidate<A>>,
  policy: PolicyTable,
  preferences: SourcePreferences = {},
): SourceCandidate<A> | undefined {
  const onLinkOnly = isMulticast(destination) || isLinkLocal(destination);
  let best: SourceCandidate<A> | undefined;
  for (const candidate of candidates) {
    if (onLinkOnly && ifindex !== 0 && candidate.ifindex !== ifindex) continue;
    if (best === undefined || compareSources(candidate, best, destination, ifindex, policy, preferences) > 0) {
      best = candidate;
    }
  }
  return best;
}

/** Positive: `a` is the better source; negative: `b`; 0: no rule tells them apart (RFC 6724 §5). */
export function compareSources(
  a: SourceCandidate<IpAddress>,
  b: SourceCandidate<IpAddress>,
  destination: IpAddress,
  ifindex: number,
  policy: PolicyTable,
  preferences: SourcePreferences = {},
): number {
  // Rule 1: prefer the destination itself.
  const same = flag(a.address === destination, b.address === destination);
  if (same !== 0) return same;
  // Rule 2: prefer the appropriate scope.
  const scope = compareScopes(scopeOf(a.address), scopeOf(b.address), scopeOf(destination));
  if (scope !== 0) return scope;
  // Rule 3: avoid deprecated addresses, and optimistic ones (RFC 4429 §3.2).
  const deprecated = flag(!a.deprecated && !a.optimistic, !b.deprecated && !b.optimistic);
  if (deprecated !== 0) return deprecated;
  // Rule 4: prefer home addresses.
  const home = flag(a.home, b.home);
  if (home !== 0) return preferences.preferCareOf === true ? -home : home;
  // Rule 5: prefer the outgoing interface.
  const outgoing = flag(a.ifindex === ifindex, b.ifindex === ifindex);
  if (outgoing !== 0) return outgoing;
  // Rule 5.5: prefer a prefix that the next hop advertised.
  const advertised = flag(a.fromNextHop, b.fromNextHop);
  if (advertised !== 0) return advertised;
  // Rule 6: prefer the matching label.
  const wanted = policy.label(destination);
  const label = flag(policy.label(a.address) === wanted, policy.label(b.address) === wanted);
  if (label !== 0) return label;
  // Rule 7: prefer temporary addresses.
  const temporary = flag(a.temporary, b.temporary);
  if (temporary !== 0) return preferences.preferPublic === true ? -temporary : temporary;
  // Rule 8: use the longest matching prefix.
  return matchLength(a, destination) - matchLength(b, destination);
}

/** How many leading bits two addresses have in common (RFC 6724 §2.2), IPv4 as its mapped form. */
export function commonPrefixLength(a: IpAddress, b: IpAddress): number {
  const x = asIpv6(a);
  const y = asIpv6(b);
  if (x.w0 !== y.w0) return Math.clz32(x.w0 ^ y.w0);
  if (x.w1 !== y.w1) return 32 + Math.clz32(x.w1 ^ y.w1);
  if (x.w2 !== y.w2) return 64 + Math.clz32(x.w2 ^ y.w2);
  return 96 + Math.clz32(x.w3 ^ y.w3);
}

/** Only as far as the source's own prefix reaches (RFC 6724 §2.2). */
function matchLength(source: SourceCandidate<IpAddress>, destination: IpAddress): number {
  const own = typeof source.address === "number" ? 96 + source.prefixLength : source.prefixLength;
  return Math.min(own, commonPrefixLength(source.address, destination));
}

/** Of two scopes the smaller one, if it reaches the destination; else the greater. */
function compareScopes(a: number, b: number, destination: number): number {
  if (a === b) return 0;
  if (a < b) return a < destination ? -1 : 1;
  return b < destination ? 1 : -1;
}

function flag(a: boolean, b: boolean): number {
  return (a ? 1 : 0) - (b ? 1 : 0);
}
