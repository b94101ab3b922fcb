import type { ChecksumKernels } from "../kernels.ts";
import { add, blockSub, shift, sub } from "../partial.ts";
import {
  CHECKSUM_COMPLETE,
  CHECKSUM_NONE,
  CHECKSUM_PARTIAL,
  dataLength,
  sumData,
  type ChecksumPacket,
} from "./state.ts";

/**
 * `count` bytes have just been pulled off the front: they end at `data` (Linux `skb_postpull_rcsum`; C12).
 *
 * COMPLETE loses their sum; after an odd count the rest begins half a word earlier and its sum is rotated, which Linux
 * leaves out because its headers are even. PARTIAL becomes NONE once the front has passed what is to be summed.
 */
export function postPull(kernels: ChecksumKernels, packet: ChecksumPacket, count: number): void {
  if (packet.ipSummed === CHECKSUM_COMPLETE) {
    packet.csum = shift(sub(packet.csum, kernels.sum(packet.data - count, count)), count);
  } else if (packet.ipSummed === CHECKSUM_PARTIAL && packet.csumStart < packet.data) {
    packet.ipSummed = CHECKSUM_NONE;
  }
}

/** `count` bytes have just been pushed in front and written: they begin at `data` (Linux `skb_postpush_rcsum`; C12). */
export function postPush(kernels: ChecksumKernels, packet: ChecksumPacket, count: number): void {
  if (packet.ipSummed !== CHECKSUM_COMPLETE) return;
  packet.csum = add(kernels.sum(packet.data, count), shift(packet.csum, count));
}

/**
 * The data is about to be cut to `length` bytes (the first half of Linux `pskb_trim_rcsum`; C12). What is cut, Ethernet's
 * padding for one, need not be zeros nor begin at an even offset. Answers `false` if a PARTIAL packet would lose its
 * checksum field: it must not be cut, but dropped.
 */
export function preTrim(kernels: ChecksumKernels, packet: ChecksumPacket, length: number): boolean {
  const before = dataLength(packet);
  if (length >= before) return true;
  if (packet.ipSummed === CHECKSUM_COMPLETE) {
    packet.csum = blockSub(packet.csum, sumData(kernels, packet, length, before - length), length);
    return true;
  }
  if (packet.ipSummed !== CHECKSUM_PARTIAL) return true;
  const fieldBytes = packet.csumNotInet ? 4 : 2;
  return packet.csumStart - packet.data + packet.csumOffset + fieldBytes <= length;
}
