/**
 * What a frame costs on the line beside its own bytes.
 *
 * `ethernet`: IEEE 802.3: 7 bytes of preamble, 1 start delimiter, padding to 60 bytes, 4 bytes of check sequence, and a gap of
 * 12 byte times before the next frame. `none`: the frame's own bytes, which is how `tc` counts (`skb->len`).
 */
export type Framing = "ethernet" | "none";

export const FRAMINGS: readonly Framing[] = ["ethernet", "none"];

const PREAMBLE = 8;
const MINIMUM_WITHOUT_FCS = 60;
const FCS = 4;
const INTERFRAME_GAP = 12;

/** Bits from the first of the preamble to the last of the check sequence, for a frame of `bytes` without FCS. */
export function bitsOnLine(framing: Framing, bytes: number): number {
  if (framing === "none") return bytes * 8;
  return (PREAMBLE + Math.max(bytes, MINIMUM_WITHOUT_FCS) + FCS) * 8;
}

/** Bit times for which the line must then rest. */
export function gapBits(framing: Framing): number {
  return framing === "none" ? 0 : INTERFRAME_GAP * 8;
}
