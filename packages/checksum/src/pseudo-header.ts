import { add, type PartialSum } from "./partial.ts";
import { sumBytes } from "./typescript/sum.ts";

/** An IPv6 address as four unsigned 32-bit words, the first one first. */
export type Ipv6Words = ArrayLike<number>;

/**
 * The sum of the IPv4 pseudo-header (RFC 768, RFC 9293 §3.1): addresses, zero, protocol, length.
 * @param length bytes of the transport header and its data
 */
export function pseudoHeader4(source: number, destination: number, protocol: number, length: number): PartialSum {
  return add(add(source, destination), protocol + length);
}

/**
 * The sum of the IPv6 pseudo-header (RFC 8200 §8.1): addresses, 32-bit length, zeros, next header.
 *
 * With a routing header, `destination` is the final one. `nextHeader` is the upper layer's, not the one in the IPv6
 * header, where extension headers are present.
 * @param length bytes of the upper-layer header and its data
 */
export function pseudoHeader6(
  source: Uint8Array,
  destination: Uint8Array,
  nextHeader: number,
  length: number,
): PartialSum {
  return add(sumBytes(destination, 0, 16, sumBytes(source, 0, 16, nextHeader)), length);
}

/** {@link pseudoHeader6} with the addresses at two offsets of one stretch of memory: those of a packet's own header. */
export function pseudoHeader6At(
  u8: Uint8Array,
  sourceOffset: number,
  destinationOffset: number,
  nextHeader: number,
  length: number,
): PartialSum {
  return add(sumBytes(u8, destinationOffset, 16, sumBytes(u8, sourceOffset, 16, nextHeader)), length);
}

/** {@link pseudoHeader6} with the addresses as words. */
export function pseudoHeader6Words(
  source: Ipv6Words,
  destination: Ipv6Words,
  nextHeader: number,
  length: number,
): PartialSum {
  return add(add(sumWords(source), sumWords(destination)), add(nextHeader, length));
}

/** The sum of an address given as words. Addresses are constant: keep it. */
export function sumWords(words: Ipv6Words): PartialSum {
  let total = 0;
  for (let i = 0; i < words.length; i++) total = add(total, words[i] as number);
  return total;
}
