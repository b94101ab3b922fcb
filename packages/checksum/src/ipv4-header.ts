import { finish, fold, type PartialSum } from "./partial.ts";

/** Sum of the IPv4 header at `offset`, with its options, up to the length that its IHL gives (Linux `ip_fast_csum`). */
function sumHeader(view: DataView, offset: number): PartialSum {
  // Doubles hold the sum of fifteen 32-bit words exactly.
  let total =
    view.getUint32(offset) +
    view.getUint32(offset + 4) +
    view.getUint32(offset + 8) +
    view.getUint32(offset + 12) +
    view.getUint32(offset + 16);
  const end = offset + (view.getUint8(offset) & 0xf) * 4;
  for (let at = offset + 20; at < end; at += 4) total += view.getUint32(at);
  const high = Math.floor(total / 0x1_0000_0000);
  const sum = high + (total >>> 0);
  return sum > 0xffff_ffff ? sum - 0xffff_ffff : sum;
}

/**
 * Whether the checksum of the IPv4 header at `offset` is right (RFC 1071 §1 (3)).
 * At least 20 bytes, and those that the IHL counts, must be in the view; an IHL below 5 is summed as 5.
 */
export function ipv4HeaderValid(view: DataView, offset: number): boolean {
  return fold(sumHeader(view, offset)) === 0xffff;
}

/** Computes the checksum of the IPv4 header at `offset`, writes it into the header and returns it (RFC 791 §3.1). */
export function writeIpv4HeaderChecksum(view: DataView, offset: number): number {
  view.setUint16(offset + 10, 0);
  const checksum = finish(sumHeader(view, offset));
  view.setUint16(offset + 10, checksum);
  return checksum;
}
