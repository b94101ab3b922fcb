import type { HeaderFault } from "@seville/packet";

/*
 * GRE header, RFC 2784 §2 with the key and sequence number of RFC 2890 §2. What is absent takes no room:
 *
 *    0 1 2 3 4                13    16                              31
 *   +-+-+-+-+------------------+-----+-------------------------------+
 *   |C|R|K|S|     reserved     | ver |         protocol type         |
 *   +-+-+-+-+------------------+-----+-------------------------------+
 *   |        checksum (if C)         |        reserved (if C)        |
 *   +--------------------------------+-------------------------------+
 *   |                          key (if K)                            |
 *   +----------------------------------------------------------------+
 *   |                    sequence number (if S)                      |
 *   +----------------------------------------------------------------+
 *
 * R is RFC 1701's source routing: such packets are discarded, as RFC 2784 §2.3 asks. Version 1 is PPTP's.
 */
export const HEADER_LENGTH = 4;
export const MAX_HEADER_LENGTH = 16;

/** Bits of {@link flags}. */
export const FLAG_CHECKSUM = 0x8000;
export const FLAG_ROUTING = 0x4000;
export const FLAG_KEY = 0x2000;
export const FLAG_SEQUENCE = 0x1000;
export const VERSION_MASK = 0x0007;
/** Bits 1 to 5 must be 0, as RFC 2784 §2.3 has it; 2 and 3 have become K and S. */
const FLAGS_MUST_BE_ZERO = FLAG_ROUTING | 0x0c00;

export interface GreHeader {
  /** EtherType of the payload. */
  readonly protocol: number;
  /** Present: C is set. */
  readonly checksum?: number | undefined;
  /** Present: K is set. */
  readonly key?: number | undefined;
  /** Present: S is set. */
  readonly sequence?: number | undefined;
}

/** Flags and version. */
export function flags(view: DataView, at: number): number {
  return view.getUint16(at);
}

export function setFlags(view: DataView, at: number, value: number): void {
  view.setUint16(at, value);
}

export function version(view: DataView, at: number): number {
  return view.getUint16(at) & VERSION_MASK;
}

/** EtherType of the payload. */
export function protocol(view: DataView, at: number): number {
  return view.getUint16(at + 2);
}

export function setProtocol(view: DataView, at: number, type: number): void {
  view.setUint16(at + 2, type);
}

/** Bytes of a header with these flags (Linux `gre_calc_hlen`). */
export function lengthOf(flags: number): number {
  let length = HEADER_LENGTH;
  if ((flags & FLAG_CHECKSUM) !== 0) length += 4;
  if ((flags & FLAG_KEY) !== 0) length += 4;
  if ((flags & FLAG_SEQUENCE) !== 0) length += 4;
  return length;
}

/** Bytes of the header at `at`. */
export function headerLength(view: DataView, at: number): number {
  return lengthOf(flags(view, at));
}

/** Of a header with C. */
export function checksum(view: DataView, at: number): number {
  return view.getUint16(at + 4);
}

export function setChecksum(view: DataView, at: number, value: number): void {
  view.setUint16(at + 4, value);
}

/** Of a header with K. */
export function key(view: DataView, at: number): number {
  return view.getUint32(at + ((flags(view, at) & FLAG_CHECKSUM) === 0 ? 4 : 8));
}

/** Of a header with S: it is last. */
export function sequence(view: DataView, at: number): number {
  return view.getUint32(at + headerLength(view, at) - 4);
}

export function setSequence(view: DataView, at: number, value: number): void {
  view.setUint32(at + headerLength(view, at) - 4, value);
}

/** What makes the bytes from `at` to `end` no GRE header of version 0; `undefined`: nothing. */
export function check(view: DataView, at: number, end: number): HeaderFault | undefined {
  if (end - at < HEADER_LENGTH) return "truncated";
  if (version(view, at) !== 0) return "bad-version";
  if ((flags(view, at) & FLAGS_MUST_BE_ZERO) !== 0) return "bad-value";
  return headerLength(view, at) > end - at ? "truncated" : undefined;
}

/** The fields, or `undefined` where {@link check} finds a fault. */
export function parse(view: DataView, at: number, end: number): GreHeader | undefined {
  if (check(view, at, end) !== undefined) return undefined;
  const bits = flags(view, at);
  return {
    protocol: protocol(view, at),
    checksum: (bits & FLAG_CHECKSUM) === 0 ? undefined : checksum(view, at),
    key: (bits & FLAG_KEY) === 0 ? undefined : key(view, at),
    sequence: (bits & FLAG_SEQUENCE) === 0 ? undefined : sequence(view, at),
  };
}

/** Writes the header, with the checksum as it is given, and returns its length. */
export function write(view: DataView, at: number, fields: GreHeader): number {
  let bits = 0;
  let next = at + HEADER_LENGTH;
  if (fields.checksum !== undefined) {
    bits |= FLAG_CHECKSUM;
    view.setUint32(next, (fields.checksum << 16) >>> 0);
    next += 4;
  }
  if (fields.key !== undefined) {
    bits |= FLAG_KEY;
    view.setUint32(next, fields.key);
    next += 4;
  }
  if (fields.sequence !== undefined) {
    bits |= FLAG_SEQUENCE;
    view.setUint32(next, fields.sequence);
    next += 4;
  }
  setFlags(view, at, bits);
  setProtocol(view, at, fields.protocol);
  return next - at;
}

export function print(view: DataView, at: number): string {
  const bits = flags(view, at);
  const parts = [`GREv${version(view, at)}`];
  if ((bits & FLAG_CHECKSUM) !== 0) parts.push("checksum present");
  if ((bits & FLAG_KEY) !== 0) parts.push(`key=0x${key(view, at).toString(16)}`);
  if ((bits & FLAG_SEQUENCE) !== 0) parts.push(`seq ${sequence(view, at)}`);
  return `${parts.join(", ")}, proto 0x${protocol(view, at).toString(16).padStart(4, "0")}`;
}
