/** Offset of the checksum in the SCTP common header (RFC 9260 §3.1). */
export const SCTP_CHECKSUM_OFFSET = 8;

/**
 * Writes a CRC32c into the checksum field at `offset` in SCTP's byte order: the CRC's first transmitted byte is its
 * least significant one (RFC 9260 Appendix A), unlike every other field of the header.
 */
export function writeSctpChecksum(view: DataView, offset: number, crc: number): void {
  view.setUint32(offset, crc, true);
}

/** Reads a CRC32c from the checksum field at `offset`. The inverse of {@link writeSctpChecksum}. */
export function readSctpChecksum(view: DataView, offset: number): number {
  return view.getUint32(offset, true);
}
