import { parseIpv4, parseIpv6, type IpAddress } from "../../../../../packages/packet/src/index.ts";

/*
 * near (the guest) ══ t0 ══ our router ══ t1 ══ far (a network namespace of the guest). The underlay of each is a link of its own.
 */

/** The two ends of the guest; each has a link and a tunnel to our router. */
export type Side = "near" | "far";

/** MTU of the underlays. Packets from near that fill its tunnel are too long for far's. */
export const UNDERLAY_MTU: Readonly<Record<Side, number>> = { near: 1600, far: 1500 };

/** Addresses of the underlay. TEST-NET is not private: 6to4 takes it (RFC 3964 §5.3.1). */
export const UNDERLAY: Readonly<Record<Side, { readonly ours: Pair; readonly guest: Pair }>> = {
  near: { ours: pair("192.0.2.1", "2001:db8:a::1"), guest: pair("192.0.2.2", "2001:db8:a::2") },
  far: { ours: pair("198.51.100.1", "2001:db8:b::1"), guest: pair("198.51.100.2", "2001:db8:b::2") },
};

/** Addresses inside the tunnels. */
export const INNER: Readonly<Record<Side, { readonly ours: Pair; readonly guest: Pair }>> = {
  near: { ours: pair("10.83.1.1", "fd83:1::1"), guest: pair("10.83.1.2", "fd83:1::2") },
  far: { ours: pair("10.83.2.1", "fd83:2::1"), guest: pair("10.83.2.2", "fd83:2::2") },
};

/** What 6to4 makes of the addresses of the near underlay. */
export const SIX_TO_FOUR = { ours: "2002:c000:201::1", guest: "2002:c000:202::1" };

export interface Pair {
  readonly 4: string;
  readonly 6: string;
}

function pair(v4: string, v6: string): Pair {
  return { 4: v4, 6: v6 };
}

export function parse(text: string): IpAddress {
  return text.includes(":") ? parseIpv6(text) : parseIpv4(text);
}
