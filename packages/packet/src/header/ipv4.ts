import { decrementTtl as patchTtl, ipv4HeaderValid, writeIpv4HeaderChecksum } from "@seville/checksum";
import { formatIpv4, type Ipv4Address } from "../address/ipv4.ts";
import type { HeaderFault } from "./fault.ts";
import { optionsLength, writeOptions, type Ipv4Option } from "./ipv4-options.ts";

export * from "./ipv4-options.ts";

/*
 * IPv4 header, RFC 791 §3.1; the second byte is RFC 2474's DS field and RFC 3168's ECN:
 *
 *    0       4       8          14  16      19              31
 *   +-------+-------+-------------+---+----------------------+
 *   |version|  IHL  |    DSCP     |ECN|     total length     |
 *   +-------+-------+-------------+---+-----+----------------+
 *   |          identification         |flags| fragment offset|
 *   +---------------+-----------------+-----+----------------+
 *   |      TTL      |    protocol     |   header checksum    |
 *   +---------------+-----------------+----------------------+
 *   |                        source                          |
 *   +--------------------------------------------------------+
 *   |                      destination                       |
 *   +--------------------------------------------------------+
 *   |                options, 0 to 40 bytes …                |
 */
/** Without options. */
export const HEADER_LENGTH = 20;
export const MAX_HEADER_LENGTH = 60;
export const MAX_TOTAL_LENGTH = 65_535;
/** Every link takes datagrams of this size (RFC 791 §3.2). */
export const MIN_MTU = 68;

/** Bits of {@link fragmentWord}. */
export const FRAGMENT_DF = 0x4000;
export const FRAGMENT_MF = 0x2000;
export const FRAGMENT_OFFSET_MASK = 0x1fff;

export interface Ipv4Header {
  readonly dscp: number;
  readonly ecn: number;
  /** Bytes of header and payload. */
  readonly totalLength: number;
  readonly identification: number;
  readonly dontFragment: boolean;
  readonly moreFragments: boolean;
  /** In bytes, a multiple of 8. */
  readonly fragmentOffset: number;
  readonly ttl: number;
  readonly protocol: number;
  readonly checksum: number;
  readonly source: Ipv4Address;
  readonly destination: Ipv4Address;
}

/** What {@link write} is given. What is left out is 0 or `false`, the TTL 64, and the checksum is computed. */
export interface Ipv4Fields {
  readonly dscp?: number | undefined;
  readonly ecn?: number | undefined;
  /** Bytes of header, options and payload. */
  readonly totalLength: number;
  readonly identification?: number | undefined;
  readonly dontFragment?: boolean | undefined;
  readonly moreFragments?: boolean | undefined;
  /** In bytes, a multiple of 8. */
  readonly fragmentOffset?: number | undefined;
  readonly ttl?: number | undefined;
  readonly protocol: number;
  readonly checksum?: number | undefined;
  readonly source: Ipv4Address;
  readonly destination: Ipv4Address;
  readonly options?: readonly Ipv4Option[] | undefined;
}

export function version(view: DataView, at: number): number {
  return view.getUint8(at) >>> 4;
}

/** In bytes (IHL × 4). */
export function headerLength(view: DataView, at: number): number {
  return (view.getUint8(at) & 0xf) * 4;
}

/** DSCP and ECN together. */
export function tos(view: DataView, at: number): number {
  return view.getUint8(at + 1);
}

/** Leaves the checksum alone: see {@link updateChecksum}. */
export function setTos(view: DataView, at: number, value: number): void {
  view.setUint8(at + 1, value);
}

export function dscp(view: DataView, at: number): number {
  return view.getUint8(at + 1) >>> 2;
}

export function ecn(view: DataView, at: number): number {
  return view.getUint8(at + 1) & 3;
}

/** In bytes. */
export function totalLength(view: DataView, at: number): number {
  return view.getUint16(at + 2);
}

/** Leaves the checksum alone: see {@link updateChecksum}. */
export function setTotalLength(view: DataView, at: number, bytes: number): void {
  view.setUint16(at + 2, bytes);
}

export function identification(view: DataView, at: number): number {
  return view.getUint16(at + 4);
}

/** Leaves the checksum alone: see {@link updateChecksum}. */
export function setIdentification(view: DataView, at: number, value: number): void {
  view.setUint16(at + 4, value);
}

/** Flags and fragment offset (in units of 8 bytes) as they stand in the header. */
export function fragmentWord(view: DataView, at: number): number {
  return view.getUint16(at + 6);
}

/** Leaves the checksum alone: see {@link updateChecksum}. */
export function setFragmentWord(view: DataView, at: number, value: number): void {
  view.setUint16(at + 6, value);
}

export function dontFragment(view: DataView, at: number): boolean {
  return (view.getUint16(at + 6) & FRAGMENT_DF) !== 0;
}

export function moreFragments(view: DataView, at: number): boolean {
  return (view.getUint16(at + 6) & FRAGMENT_MF) !== 0;
}

/** In bytes. */
export function fragmentOffset(view: DataView, at: number): number {
  return (view.getUint16(at + 6) & FRAGMENT_OFFSET_MASK) * 8;
}

/** A part of a datagram, not a whole one. */
export function isFragment(view: DataView, at: number): boolean {
  return (view.getUint16(at + 6) & (FRAGMENT_MF | FRAGMENT_OFFSET_MASK)) !== 0;
}

export function ttl(view: DataView, at: number): number {
  return view.getUint8(at + 8);
}

/** Leaves the checksum alone: see {@link updateChecksum} and {@link decrementTtl}. */
export function setTtl(view: DataView, at: number, value: number): void {
  view.setUint8(at + 8, value);
}

/** Takes one off the TTL, which must be at least 1, and patches the checksum. Returns the new TTL. */
export function decrementTtl(view: DataView, at: number): number {
  return patchTtl(view, at);
}

export function protocol(view: DataView, at: number): number {
  return view.getUint8(at + 9);
}

/** Leaves the checksum alone: see {@link updateChecksum}. */
export function setProtocol(view: DataView, at: number, value: number): void {
  view.setUint8(at + 9, value);
}

export function checksum(view: DataView, at: number): number {
  return view.getUint16(at + 10);
}

export function setChecksum(view: DataView, at: number, value: number): void {
  view.setUint16(at + 10, value);
}

export function source(view: DataView, at: number): Ipv4Address {
  return view.getUint32(at + 12);
}

/** Leaves the checksum alone: see {@link updateChecksum}. */
export function setSource(view: DataView, at: number, address: Ipv4Address): void {
  view.setUint32(at + 12, address);
}

export function destination(view: DataView, at: number): Ipv4Address {
  return view.getUint32(at + 16);
}

/** Leaves the checksum alone: see {@link updateChecksum}. */
export function setDestination(view: DataView, at: number, address: Ipv4Address): void {
  view.setUint32(at + 16, address);
}

/** Whether the header checksum is right (RFC 791 §3.1). The header must have passed {@link check}. */
export function isChecksumValid(view: DataView, at: number): boolean {
  return ipv4HeaderValid(view, at);
}

/** Computes the header checksum and stores it. */
export function updateChecksum(view: DataView, at: number): void {
  writeIpv4HeaderChecksum(view, at);
}

/**
 * What makes the bytes from `at` to `end` no IPv4 datagram; `undefined`: nothing. The checksum and the options are other
 * questions: {@link isChecksumValid}, `findOptionFault`.
 */
export function check(view: DataView, at: number, end: number): HeaderFault | undefined {
  const available = end - at;
  if (available < HEADER_LENGTH) return "truncated";
  if (version(view, at) !== 4) return "bad-version";
  const length = headerLength(view, at);
  const total = totalLength(view, at);
  if (length < HEADER_LENGTH || total < length) return "bad-length";
  return total > available ? "truncated" : undefined;
}

/** The fields, or `undefined` where {@link check} finds a fault. Options: `parseOptions`. */
export function parse(view: DataView, at: number, end: number): Ipv4Header | undefined {
  if (check(view, at, end) !== undefined) return undefined;
  return {
    dscp: dscp(view, at),
    ecn: ecn(view, at),
    totalLength: totalLength(view, at),
    identification: identification(view, at),
    dontFragment: dontFragment(view, at),
    moreFragments: moreFragments(view, at),
    fragmentOffset: fragmentOffset(view, at),
    ttl: ttl(view, at),
    protocol: protocol(view, at),
    checksum: checksum(view, at),
    source: source(view, at),
    destination: destination(view, at),
  };
}

/** Writes the header with its options and checksum, and returns its length. */
export function write(view: DataView, at: number, fields: Ipv4Fields): number {
  const length = HEADER_LENGTH + (fields.options === undefined ? 0 : optionsLength(fields.options));
  view.setUint8(at, 0x40 | (length / 4));
  setTos(view, at, ((fields.dscp ?? 0) << 2) | (fields.ecn ?? 0));
  setTotalLength(view, at, fields.totalLength);
  setIdentification(view, at, fields.identification ?? 0);
  const flags = (fields.dontFragment === true ? FRAGMENT_DF : 0) | (fields.moreFragments === true ? FRAGMENT_MF : 0);
  setFragmentWord(view, at, flags | ((fields.fragmentOffset ?? 0) >>> 3));
  setTtl(view, at, fields.ttl ?? 64);
  setProtocol(view, at, fields.protocol);
  setSource(view, at, fields.source);
  setDestination(view, at, fields.destination);
  if (fields.options !== undefined) writeOptions(view, at + HEADER_LENGTH, fields.options);
  if (fields.checksum === undefined) updateChecksum(view, at);
  else setChecksum(view, at, fields.checksum);
  return length;
}

export function print(view: DataView, at: number): string {
  const fragment = isFragment(view, at)
    ? `, frag ${identification(view, at)}:${fragmentOffset(view, at)}${moreFragments(view, at) ? "+" : ""}`
    : "";
  return (
    `IP ${formatIpv4(source(view, at))} > ${formatIpv4(destination(view, at))}: ttl ${ttl(view, at)}, ` +
    `proto ${protocol(view, at)}, length ${totalLength(view, at)}${fragment}`
  );
}
