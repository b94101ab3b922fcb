import { NS_PER_MS, NS_PER_SEC, type Nanos, type Random } from "@seville/core";
import type { Ipv6Conf } from "../host/sysctl-ipv6.ts";

/** When a temporary address stops being preferred and valid, and when the next one is made (RFC 8981 §3.4, §3.5). */
export interface TemporaryLifetimes {
  readonly preferredUntil: Nanos;
  readonly validUntil: Nanos;
  readonly regenerateAt: Nanos;
}

/**
 * The desync factor: how much earlier than others an interface changes its addresses, in nanoseconds. The one drawn
 * before stays while the settings allow it (RFC 8981 §3.8; `ipv6_create_tempaddr`).
 */
export function desyncFactor(conf: Readonly<Ipv6Conf>, before: Nanos | undefined, random: Random): Nanos {
  // No more than 0.4 of the preferred lifetime.
  const longest = Math.max(0, Math.min(conf.max_desync_factor, Math.floor(conf.temp_prefered_lft * 0.4))) * NS_PER_SEC;
  if (before !== undefined && before <= longest) return before;
  return longest === 0 ? 0 : random.below(longest);
}

/** Nanoseconds before the end of its preference that the successor of a temporary address is made (`REGEN_ADVANCE`). */
export function regenerateAdvance(conf: Readonly<Ipv6Conf>, retransTimeMs: number): Nanos {
  return (
    conf.regen_min_advance * NS_PER_SEC +
    conf.regen_max_retry * conf.dad_transmits * Math.max(retransTimeMs, 1) * NS_PER_MS
  );
}

/**
 * The lifetimes of a temporary address made at `created` from a public one, seen at `now` (RFC 8981 §3.4 (4)): no longer
 * than the public one's and than TEMP_VALID_LIFETIME and TEMP_PREFERRED_LIFETIME − DESYNC_FACTOR since it was made.
 * `undefined`: it would be of no use, so none is made (§3.4 (5)).
 */
export function temporaryLifetimes(
  conf: Readonly<Ipv6Conf>,
  created: Nanos,
  now: Nanos,
  parent: { readonly preferredUntil: Nanos; readonly validUntil: Nanos },
  desync: Nanos,
  retransTimeMs: number,
): TemporaryLifetimes | undefined {
  const validUntil = Math.min(parent.validUntil, created + conf.temp_valid_lft * NS_PER_SEC);
  const preferred = Math.min(parent.preferredUntil, created + conf.temp_prefered_lft * NS_PER_SEC - desync);
  const preferredUntil = Math.min(preferred, validUntil);
  const advance = regenerateAdvance(conf, retransTimeMs);
  if (created === now && preferredUntil - now <= advance) return undefined;
  return { preferredUntil, validUntil, regenerateAt: preferredUntil - advance };
}
