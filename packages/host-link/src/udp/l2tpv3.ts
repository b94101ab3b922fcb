/**
 * L2TPv3 data messages over UDP (RFC 3931 §4.1.2.1): 16 bits of flags with the version, 16 reserved bits, the session's
 * 32 bits, and no cookie. `00 03 00 00 00 00 00 01` for session 1: what User-mode Linux and QEMU's l2tpv3 send.
 */
export const L2TPV3_HEADER_BYTES = 8;
/** T: a control message, not data. */
const TYPE_BIT = 0x8000;
const VERSION_MASK = 0x000f;
const VERSION = 3;

/** Writes the header of a data message of `session` (1 to 2^32 − 1) at the beginning of `into`. */
export function writeL2tpv3Header(into: DataView, session: number): void {
  into.setUint16(0, VERSION);
  into.setUint16(2, 0);
  into.setUint32(4, session);
}

/** The session of the data message that `datagram` begins with, or `undefined` if it is none. Reserved bits are ignored. */
export function readL2tpv3Session(datagram: DataView): number | undefined {
  if (datagram.byteLength < L2TPV3_HEADER_BYTES) return undefined;
  const flags = datagram.getUint16(0);
  if ((flags & TYPE_BIT) !== 0 || (flags & VERSION_MASK) !== VERSION) return undefined;
  return datagram.getUint32(4);
}
