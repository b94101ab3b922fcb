import type { ChecksumKernels } from "../kernels.ts";
import { finish } from "../partial.ts";
import { mangleZero } from "../incremental.ts";
import { crc32cOfZeroField, writeSctpChecksum } from "../sctp.ts";
import { CHECKSUM_NONE, CHECKSUM_PARTIAL, crc32cData, dataLength, sumData, type ChecksumPacket } from "./state.ts";

/** A packet on its way out. `Packet` of `@seville/packet` is one. */
export interface TransmitPacket extends ChecksumPacket {
  /** Not 0: it is a super-packet, whose segments get checksums of their own. */
  readonly gsoSize?: number;
  /** Gives the packet headers that nobody else reads; may move its bytes. `false`: no memory for that. */
  cowHead?(headroom?: number): boolean;
}

/**
 * Leaves the checksum at `csumStart + csumOffset` to the device (C16): it will sum from `csumStart` (absolute) to the end
 * and store the complement. The field must already hold the pseudo-header's sum, folded and not complemented.
 */
export function setPartial(packet: ChecksumPacket, csumStart: number, csumOffset: number): void {
  packet.ipSummed = CHECKSUM_PARTIAL;
  packet.csumStart = csumStart;
  packet.csumOffset = csumOffset;
  packet.csumNotInet = false;
}

/** Leaves the CRC32c of an SCTP packet that begins at `csumStart` to the device (C18). */
export function setPartialSctp(packet: ChecksumPacket, csumStart: number): void {
  setPartial(packet, csumStart, 8);
  packet.csumNotInet = true;
}

/**
 * Does in software what PARTIAL asks of the device, and sets NONE (Linux `skb_checksum_help`, `skb_crc32c_csum_help`;
 * C17, C18). COMPLETE and UNNECESSARY mean nothing on the way out and become NONE (C16).
 *
 * As in Linux a sum of 0 is stored as 0xffff whatever the protocol, which the device does not know; both verify. Answers
 * `false` where Linux gives an error, having changed nothing: the range is not within the packet's first piece, it is a
 * super-packet, or there is no memory to make its headers writable.
 */
export function checksumHelp(kernels: ChecksumKernels, packet: TransmitPacket): boolean {
  if (packet.ipSummed === CHECKSUM_PARTIAL) {
    if ((packet.gsoSize ?? 0) !== 0) return false;
    const start = packet.csumStart - packet.data;
    const field = start + packet.csumOffset;
    if (start < 0 || field < 0 || field + (packet.csumNotInet ? 4 : 2) > packet.tail - packet.data) return false;
    if (packet.cowHead?.() === false) return false;
    if (packet.csumNotInet) storeCrc32c(kernels, packet, start, field);
    else storeSum(kernels, packet, start, field);
  }
  packet.ipSummed = CHECKSUM_NONE;
  packet.csumNotInet = false;
  return true;
}

function storeSum(kernels: ChecksumKernels, packet: TransmitPacket, start: number, field: number): void {
  const sum = sumData(kernels, packet, start, dataLength(packet) - start);
  kernels.memory.view.setUint16(packet.data + field, mangleZero(finish(sum)));
}

/** The field counts as zeros, whatever it holds (RFC 9260 §6.8). */
function storeCrc32c(kernels: ChecksumKernels, packet: TransmitPacket, start: number, field: number): void {
  const before = crc32cData(kernels, packet, start, field - start);
  const withField = crc32cOfZeroField(before);
  const crc = crc32cData(kernels, packet, field + 4, dataLength(packet) - field - 4, withField);
  writeSctpChecksum(kernels.memory.view, packet.data + field, crc);
}
