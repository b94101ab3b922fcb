import { NEVER, NS_PER_SEC, type Nanos } from "@seville/core";
import { isLinkLocal, isMulticast, nd, type Ipv6Address } from "@seville/packet";

/** The two hours of RFC 4862 §5.5.3 e: no unauthenticated message shortens a life to less. Seconds. */
export const MIN_VALID_LIFETIME = 7200;

/** A prefix information option (RFC 4861 §4.6.2), lifetimes in seconds. */
export interface PrefixInformation {
  readonly prefix: Ipv6Address;
  readonly prefixLength: number;
  readonly flags: number;
  readonly validLifetime: number;
  readonly preferredLifetime: number;
}

/** Why nothing is done with a prefix, in words; `undefined`: it is good (RFC 4862 §5.5.3 a–c, RFC 4861 §6.3.4). */
export function prefixFault(option: PrefixInformation): string | undefined {
  if (isLinkLocal(option.prefix) || isMulticast(option.prefix)) return "link-local or multicast prefix";
  if (option.prefixLength > 128) return "prefix length over 128";
  if (option.preferredLifetime > option.validLifetime) return "preferred lifetime over valid lifetime";
  return undefined;
}

export function isOnLink(option: PrefixInformation): boolean {
  return (option.flags & nd.PREFIX_ON_LINK) !== 0;
}

/** An address is made of it: the A flag, and room for the 64 bits of an interface identifier. */
export function isAutonomous(option: PrefixInformation): boolean {
  return (option.flags & nd.PREFIX_AUTONOMOUS) !== 0 && option.prefixLength === 64;
}

/**
 * The valid lifetime of an address that has `remaining` seconds left and is told `offered` (RFC 4862 §5.5.3 e):
 * a longer one counts, a shorter one down to two hours. `honour`: `ra_honor_pio_life`, which takes whatever is offered.
 */
export function updatedValidLifetime(remaining: number, offered: number, honour: boolean): number {
  if (honour) return offered;
  return Math.max(offered, Math.min(remaining, MIN_VALID_LIFETIME));
}

/** Seconds from now as a deadline. {@link nd.INFINITE_LIFETIME}, and what lies behind the end of our clock, is {@link NEVER}. */
export function deadlineOf(lifetime: number, now: Nanos): Nanos {
  const at = now + lifetime * NS_PER_SEC;
  return lifetime === nd.INFINITE_LIFETIME || at > Number.MAX_SAFE_INTEGER ? NEVER : at;
}

/** Whole seconds that are left until `deadline`. */
export function remainingOf(deadline: Nanos, now: Nanos): number {
  if (deadline === NEVER) return nd.INFINITE_LIFETIME;
  return Math.max(0, Math.ceil((deadline - now) / NS_PER_SEC));
}
