import { decodeGueRemcsum, encodeGueRemcsum, type RemoteChecksum } from "@seville/checksum";
import type { HeaderFault } from "@seville/packet";

/*
 * GUE header, variant 0 (draft-ietf-intarea-gue-09 §3.2; include/net/gue.h):
 *
 *    0   2 3       8              16                              31
 *   +---+-+-------+---------------+-----------------------------+-+
 *   | 0 |C| hlen  | proto / ctype |            flags            |P|
 *   +---+-+-------+---------------+-----------------------------+-+
 *   |  fields of the flags, "hlen" × 4 bytes; if P, first those  |
 *   |  of private flags: a word of flags and their own fields …  |
 *   +-----------------------------------------------------------+
 *
 * Variant 1 is no header at all: the first two bits of an IPv4 or IPv6 header read 01, and the packet follows at once.
 */
export const HEADER_LENGTH = 4;
export const MAX_HEADER_LENGTH: number = HEADER_LENGTH + 31 * 4;
/** IANA's; Linux has no default and is told a port. */
export const PORT = 6080;

export const VARIANT_HEADER = 0;
export const VARIANT_DIRECT_IP = 1;

export const FLAG_PRIVATE = 0x0001;
/** Of the private flags: remote checksum offload. */
export const PRIVATE_REMCSUM = 0x8000_0000;
/** Room of private flags and of what remote checksum offload adds. */
export const PRIVATE_LENGTH = 4;
export const REMCSUM_LENGTH = 4;

export interface GueHeader {
  /** The payload is a control message, and `protocol` its type. */
  readonly control: boolean;
  /** IP protocol of the payload, or a control message's type. */
  readonly protocol: number;
  readonly remoteChecksum: RemoteChecksum | undefined;
}

/** What {@link write} is given. */
export interface GueFields {
  readonly control?: boolean | undefined;
  readonly protocol: number;
  readonly remoteChecksum?: RemoteChecksum | undefined;
}

/** {@link VARIANT_HEADER}, {@link VARIANT_DIRECT_IP}, or one that is not defined. */
export function variant(view: DataView, at: number): number {
  return view.getUint8(at) >>> 6;
}

export function isControl(view: DataView, at: number): boolean {
  return (view.getUint8(at) & 0x20) !== 0;
}

/** Bytes of a header of variant 0. */
export function headerLength(view: DataView, at: number): number {
  return HEADER_LENGTH + (view.getUint8(at) & 0x1f) * 4;
}

/** IP protocol of the payload, or a control message's type. */
export function protocol(view: DataView, at: number): number {
  return view.getUint8(at + 1);
}

export function flags(view: DataView, at: number): number {
  return view.getUint16(at + 2);
}

/** Of a checked header: the private flags, 0 if there are none. */
export function privateFlags(view: DataView, at: number): number {
  return (flags(view, at) & FLAG_PRIVATE) === 0 ? 0 : view.getUint32(at + HEADER_LENGTH);
}

/** Of a checked header. */
export function remoteChecksum(view: DataView, at: number): RemoteChecksum | undefined {
  if ((privateFlags(view, at) & PRIVATE_REMCSUM) === 0) return undefined;
  return decodeGueRemcsum(view, at + HEADER_LENGTH + PRIVATE_LENGTH);
}

/**
 * What makes the bytes from `at` to `end` no GUE header of variant 0; `undefined`: nothing. A flag that is not known has
 * fields of unknown length, so the packet cannot be read (`validate_gue_flags`).
 */
export function check(view: DataView, at: number, end: number): HeaderFault | undefined {
  if (end - at < HEADER_LENGTH) return "truncated";
  if (variant(view, at) !== VARIANT_HEADER) return "bad-version";
  const length = headerLength(view, at);
  if (length > end - at) return "truncated";
  if ((flags(view, at) & ~FLAG_PRIVATE) !== 0) return "bad-option";
  if ((flags(view, at) & FLAG_PRIVATE) === 0) return undefined;
  if (length < HEADER_LENGTH + PRIVATE_LENGTH) return "bad-length";
  const bits = view.getUint32(at + HEADER_LENGTH);
  if ((bits & ~PRIVATE_REMCSUM) !== 0) return "bad-option";
  const needed = HEADER_LENGTH + PRIVATE_LENGTH + (bits === 0 ? 0 : REMCSUM_LENGTH);
  return length < needed ? "bad-length" : undefined;
}

/** The fields, or `undefined` where {@link check} finds a fault. */
export function parse(view: DataView, at: number, end: number): GueHeader | undefined {
  if (check(view, at, end) !== undefined) return undefined;
  return { control: isControl(view, at), protocol: protocol(view, at), remoteChecksum: remoteChecksum(view, at) };
}

/** Bytes that {@link write} will write. */
export function lengthOf(fields: Pick<GueFields, "remoteChecksum">): number {
  return HEADER_LENGTH + (fields.remoteChecksum === undefined ? 0 : PRIVATE_LENGTH + REMCSUM_LENGTH);
}

/** Writes a header of variant 0 and returns its length. */
export function write(view: DataView, at: number, fields: GueFields): number {
  const length = lengthOf(fields);
  view.setUint8(at, (fields.control === true ? 0x20 : 0) | ((length - HEADER_LENGTH) / 4));
  view.setUint8(at + 1, fields.protocol);
  view.setUint16(at + 2, fields.remoteChecksum === undefined ? 0 : FLAG_PRIVATE);
  if (fields.remoteChecksum === undefined) return length;
  view.setUint32(at + HEADER_LENGTH, PRIVATE_REMCSUM);
  encodeGueRemcsum(view, at + HEADER_LENGTH + PRIVATE_LENGTH, fields.remoteChecksum);
  return length;
}

export function print(view: DataView, at: number): string {
  if (variant(view, at) === VARIANT_DIRECT_IP) return `GUE variant 1, IPv${view.getUint8(at) >>> 4}`;
  const kind = isControl(view, at) ? "ctype" : "proto";
  return `GUE variant ${variant(view, at)}, ${kind} ${protocol(view, at)}, hlen ${headerLength(view, at)}`;
}
