import { ethernet } from "@seville/packet";

/*
 * Where headers come to lie (NET_IP_ALIGN; T12). An Ethernet header is 14 bytes, so devices receive at 2 mod 4 and the
 * network header behind is aligned; an Ethernet header within a tunnel then shifts the inner one to 2 mod 4 again.
 */

/** What a word of a header must be a multiple of on machines that care. */
export const WORD = 4;
/** What a device leaves in front of a received frame (`NET_IP_ALIGN`). */
export const NET_IP_ALIGN = 2;

/** How far `offset` is from a multiple of 4: 0 is aligned. Slots begin at multiples of 4, so offsets tell. */
export function alignmentOf(offset: number): number {
  return offset & (WORD - 1);
}

/**
 * The alignment of the inner network header behind a tunnel that adds `mtuOverhead` bytes (`Overhead.mtu`), where the outer
 * network header lies at `outer` (mod 4): 2 behind VXLAN and GRE-TAP, 0 behind GRE and IP in IP.
 */
export function innerAlignment(mtuOverhead: number, outer = 0): number {
  return alignmentOf(outer + mtuOverhead);
}

/** The alignment of a frame's network header if the device leaves `pad` bytes in front. */
export function networkAlignment(pad: number): number {
  return alignmentOf(pad + ethernet.HEADER_LENGTH);
}
