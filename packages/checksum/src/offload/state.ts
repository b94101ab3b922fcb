import type { ChecksumKernels } from "../kernels.ts";
import { blockAdd, type PartialSum } from "../partial.ts";

/**
 * `ip_summed`: what is known of a packet's checksum (include/linux/skbuff.h, "skb checksums"). What the four values mean
 * depends on the direction: docs/behaviours.md C9 to C16.
 */
export const CHECKSUM_NONE = 0;
export const CHECKSUM_UNNECESSARY = 1;
export const CHECKSUM_COMPLETE = 2;
export const CHECKSUM_PARTIAL = 3;
export type IpSummed = 0 | 1 | 2 | 3;

/** `csum_level` goes no higher (`SKB_MAX_CSUM_LEVEL`): four checksums in a row. */
export const MAX_CSUM_LEVEL = 3;

/** The checksum fields of an `sk_buff`. The transitions of this folder change them in place and nothing else. */
export interface ChecksumState {
  ipSummed: IpSummed;
  /** COMPLETE: the partial sum over all data. */
  csum: PartialSum;
  /** PARTIAL: absolute offset of the first byte to sum. */
  csumStart: number;
  /** PARTIAL: where the checksum is stored, relative to `csumStart`. */
  csumOffset: number;
  /** UNNECESSARY: how many more consecutive checksums were verified, 0 to 3. */
  csumLevel: number;
  /** PARTIAL: it is a CRC32c, not an Internet checksum. */
  csumNotInet: boolean;
}

/** Where a packet's bytes are: `[data, tail)` of the kernels' memory, then those of the fragments. */
export interface PacketBytes {
  readonly data: number;
  readonly tail: number;
  readonly fragList?: readonly PacketBytes[] | undefined;
}

/** A packet with checksum state. `Packet` of `@seville/packet` is one. */
export interface ChecksumPacket extends PacketBytes, ChecksumState {}

/** Bytes of a packet, with its fragments (`skb->len`). */
export function dataLength(packet: PacketBytes): number {
  let length = packet.tail - packet.data;
  if (packet.fragList !== undefined) for (const fragment of packet.fragList) length += dataLength(fragment);
  return length;
}

/**
 * `seed` plus the sum of `length` bytes from `offset` on, counted from `data`, across fragments (Linux `skb_checksum`).
 * The seed is a sum of whole words that come before.
 */
export function sumData(
  kernels: ChecksumKernels,
  packet: PacketBytes,
  offset: number,
  length: number,
  seed: PartialSum = 0,
): PartialSum {
  if (packet.data + offset + length <= packet.tail) return kernels.sum(packet.data + offset, length, seed);
  let total = seed;
  let done = 0;
  forEachPiece(packet, offset, length, (at, bytes) => {
    // A fragment behind an odd number of bytes begins in the second half of a word (C3).
    total = blockAdd(total, kernels.sum(at, bytes), done);
    done += bytes;
  });
  return total;
}

/** CRC32c of `length` bytes from `offset` on, counted from `data`, across fragments. */
export function crc32cData(
  kernels: ChecksumKernels,
  packet: PacketBytes,
  offset: number,
  length: number,
  seed = 0,
): number {
  let crc = seed;
  forEachPiece(packet, offset, length, (at, bytes) => {
    crc = kernels.crc32c(at, bytes, crc);
  });
  return crc;
}

function forEachPiece(
  packet: PacketBytes,
  offset: number,
  length: number,
  visit: (at: number, bytes: number) => void,
): void {
  let skip = offset;
  let left = length;
  const walk = (piece: PacketBytes): void => {
    const here = piece.tail - piece.data;
    const bytes = Math.min(left, here - skip);
    if (bytes > 0) {
      visit(piece.data + skip, bytes);
      left -= bytes;
    }
    skip = Math.max(0, skip - here);
    if (left > 0) piece.fragList?.forEach(walk);
  };
  walk(packet);
}
