/**
 * States of neighbour unreachability detection: RFC 4861 §7.3.2 and what Linux adds
 * (include/uapi/linux/neighbour.h, NUD_*). Bits, so that sets of states are one mask.
 */
export const NUD_NONE = 0x00;
export const NUD_INCOMPLETE = 0x01;
export const NUD_REACHABLE = 0x02;
export const NUD_STALE = 0x04;
export const NUD_DELAY = 0x08;
export const NUD_PROBE = 0x10;
export const NUD_FAILED = 0x20;
export const NUD_NOARP = 0x40;
export const NUD_PERMANENT = 0x80;
export type NudState = number;

/** A timer runs in these states. */
export const NUD_IN_TIMER: number = NUD_INCOMPLETE | NUD_REACHABLE | NUD_DELAY | NUD_PROBE;
/** The link-layer address is known in these states. */
export const NUD_VALID: number = NUD_PERMANENT | NUD_NOARP | NUD_REACHABLE | NUD_PROBE | NUD_STALE | NUD_DELAY;
/** Packets go out without a second thought in these states. */
export const NUD_CONNECTED: number = NUD_PERMANENT | NUD_NOARP | NUD_REACHABLE;

/** Flags of an entry (NTF_*, include/uapi/linux/neighbour.h). */
export const NTF_EXT_LEARNED = 0x10;
export const NTF_ROUTER = 0x80;

/** How an update may change an entry (NEIGH_UPDATE_F_*, include/net/neighbour.h). */
export const NEIGH_UPDATE_OVERRIDE = 0x1;
/** A different link-layer address makes a connected entry STALE instead of replacing its address. */
export const NEIGH_UPDATE_WEAK_OVERRIDE = 0x2;
export const NEIGH_UPDATE_OVERRIDE_ISROUTER = 0x4;
export const NEIGH_UPDATE_EXT_LEARNED = 0x8;
export const NEIGH_UPDATE_ISROUTER = 0x40000000;
/** The administrator says so: PERMANENT and NOARP may change too. */
export const NEIGH_UPDATE_ADMIN = 0x80000000;

/** The states as `ip neigh` prints them. */
const NAMES: readonly (readonly [number, string])[] = [
  [NUD_INCOMPLETE, "INCOMPLETE"],
  [NUD_REACHABLE, "REACHABLE"],
  [NUD_STALE, "STALE"],
  [NUD_DELAY, "DELAY"],
  [NUD_PROBE, "PROBE"],
  [NUD_FAILED, "FAILED"],
  [NUD_NOARP, "NOARP"],
  [NUD_PERMANENT, "PERMANENT"],
];

export function nudStateName(state: NudState): string {
  return NAMES.find(([bit]) => bit === state)?.[1] ?? "NONE";
}

/** The state that `ip neigh … nud NAME` means, in either case; `undefined` if there is none. */
export function nudStateOf(name: string): NudState | undefined {
  const wanted = name.toUpperCase();
  if (wanted === "NONE") return NUD_NONE;
  return NAMES.find(([, known]) => known === wanted)?.[0];
}
