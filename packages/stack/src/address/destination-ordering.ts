import { scopeOf, type IpAddress } from "@seville/packet";
import type { PolicyTable } from "./policy-table.ts";
import { commonPrefixLength, type SourceCandidate } from "./source-selection.ts";

/** What is known of a destination when several are to be put in order. */
export interface DestinationFacts {
  readonly destination: IpAddress;
  /** The source that would be used for it; `undefined`: there is none, or no route. */
  readonly source: SourceCandidate<IpAddress> | undefined;
  /** Reached by encapsulation (rule 7): a 6to4 or other tunnel. */
  readonly encapsulated: boolean;
}

/** The destinations, best first (RFC 6724 §6): what getaddrinfo does with a name's addresses. */
export function orderDestinations(facts: readonly DestinationFacts[], policy: PolicyTable): IpAddress[] {
  return [...facts].sort((a, b) => compareDestinations(a, b, policy)).map(({ destination }) => destination);
}

/** Negative: `a` comes first; positive: `b`; 0: as they were (rule 10). */
export function compareDestinations(a: DestinationFacts, b: DestinationFacts, policy: PolicyTable): number {
  // Rule 1: avoid unusable destinations.
  if (a.source === undefined || b.source === undefined) return first(a.source !== undefined, b.source !== undefined);
  const scopeA = scopeOf(a.destination);
  const scopeB = scopeOf(b.destination);
  // Rule 2: prefer matching scope.
  const scope = first(scopeA === scopeOf(a.source.address), scopeB === scopeOf(b.source.address));
  if (scope !== 0) return scope;
  // Rule 3: avoid deprecated addresses.
  const deprecated = first(!a.source.deprecated, !b.source.deprecated);
  if (deprecated !== 0) return deprecated;
  // Rule 4: prefer home addresses.
  const home = first(a.source.home, b.source.home);
  if (home !== 0) return home;
  // Rule 5: prefer matching label.
  const label = first(
    policy.label(a.source.address) === policy.label(a.destination),
    policy.label(b.source.address) === policy.label(b.destination),
  );
  if (label !== 0) return label;
  // Rule 6: prefer higher precedence.
  const precedence = policy.precedence(b.destination) - policy.precedence(a.destination);
  if (precedence !== 0) return precedence;
  // Rule 7: prefer native transport.
  const native = first(!a.encapsulated, !b.encapsulated);
  if (native !== 0) return native;
  // Rule 8: prefer smaller scope.
  if (scopeA !== scopeB) return scopeA - scopeB;
  // Rule 9: use the longest matching prefix, within one family.
  if (typeof a.destination === typeof b.destination) {
    return matching(b.source, b.destination) - matching(a.source, a.destination);
  }
  return 0;
}

function matching(source: SourceCandidate<IpAddress>, destination: IpAddress): number {
  const own = typeof source.address === "number" ? 96 + source.prefixLength : source.prefixLength;
  return Math.min(own, commonPrefixLength(source.address, destination));
}

function first(a: boolean, b: boolean): number {
  return (b ? 1 : 0) - (a ? 1 : 0);
}
