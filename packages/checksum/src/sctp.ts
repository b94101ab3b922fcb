import { crc32cCombine } from "./crc32c-combine.ts";
import type { Crc32cKernels } from "./kernels.ts";

/** Offset of the checksum in the SCTP common header (RFC 9260 §3.1). */
export const SCTP_CHECKSUM_OFFSET = 8;
const COMMON_HEADER_BYTES = 12;
/** CRC32c of the four zeros that stand for the checksum while it is computed. */
const CRC_OF_ZEROS = 0x48674bc7;

/**
 * Writes a CRC32c into the checksum field at `offset` in SCTP's byte order: least significant byte first (RFC 9260
 * Appendix A), unlike every other field of the header.
 */
export function writeSctpChecksum(view: DataView, offset: number, crc: number): void {
  view.setUint32(offset, crc, true);
}

/** Reads a CRC32c from the checksum field at `offset`. The inverse of {@link writeSctpChecksum}. */
export function readSctpChecksum(view: DataView, offset: number): number {
  return view.getUint32(offset, true);
}

/** `crc`, continued over a checksum field that counts as zeros. */
export function crc32cOfZeroField(crc: number): number {
  return crc32cCombine(crc, CRC_OF_ZEROS, 4);
}

/** The CRC32c of the SCTP packet of `length` bytes at `offset`, its checksum field taken as zeros (RFC 9260 §6.8). */
export function sctpChecksum(kernels: Crc32cKernels, offset: number, length: number): number {
  const header = crc32cOfZeroField(kernels.crc32c(offset, SCTP_CHECKSUM_OFFSET));
  return kernels.crc32c(offset + COMMON_HEADER_BYTES, length - COMMON_HEADER_BYTES, header);
}

/** What the zero checksum extension (RFC 9653) lets an endpoint do. */
export interface SctpZeroChecksum {
  /** We sent "Zero Checksum Acceptable" and the lower layer (DTLS) has checked this packet: 0 is as good as the CRC. */
  readonly acceptable: boolean;
}

/**
 * Whether the SCTP packet of at least 12 bytes at `offset` has a right checksum. 0 passes only where RFC 9653 §5.3 has
 * been agreed on; without that it is an ordinary, wrong CRC.
 */
export function verifySctp(
  kernels: Crc32cKernels,
  offset: number,
  length: number,
  zeroChecksum?: SctpZeroChecksum,
): boolean {
  if (length < COMMON_HEADER_BYTES) return false;
  const stored = readSctpChecksum(kernels.memory.view, offset + SCTP_CHECKSUM_OFFSET);
  if (stored === 0 && zeroChecksum?.acceptable === true) return true;
  return stored === sctpChecksum(kernels, offset, length);
}

const CHUNK_INIT = 1;
const CHUNK_COOKIE_ECHO = 10;
const CHUNK_ASCONF = 193;
/** A receiver of these may not know (any more) what has been agreed on. */
const NEED_CRC32C: readonly number[] = [CHUNK_INIT, CHUNK_COOKIE_ECHO, CHUNK_ASCONF];

/**
 * Whether a packet with these chunks may be sent with a checksum of 0 (RFC 9653 §5.2): only once the peer has said that it
 * accepts them; never with an INIT, COOKIE ECHO or ASCONF in it, wherever in the packet; and never in answer to a packet that
 * is out of the blue, for there is no association in which anything was agreed on.
 *
 * @param peerAccepts the peer sent "Zero Checksum Acceptable" (RFC 9653 §4), with an alternate error detection method that
 *   this packet fulfils
 * @param chunkTypes type of the packet's only chunk, or those of all
 */
export function mayOmitSctpChecksum(
  peerAccepts: boolean,
  chunkTypes: number | readonly number[],
  isAnswerOutOfTheBlue = false,
): boolean {
  if (!peerAccepts || isAnswerOutOfTheBlue) return false;
  const types = typeof chunkTypes === "number" ? [chunkTypes] : chunkTypes;
  return !types.some((type) => NEED_CRC32C.includes(type));
}
