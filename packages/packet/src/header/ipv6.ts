import { isIpv6At, readIpv6, writeIpv6, type Ipv6Address } from "../address/ipv6.ts";
import type { HeaderFault } from "./fault.ts";

export * from "./ipv6-extension.ts";
export * from "./ipv6-options.ts";

/*
 * IPv6 header, RFC 8200 §3:
 *
 *    0       4              12                              31
 *   +-------+---------------+-------------------------------+
 *   |version| traffic class |          flow label           |
 *   +-------+---------------+---+---------------+-----------+
 *   |      payload length       |  next header  | hop limit |
 *   +---------------------------+---------------+-----------+
 *   |                 source, 16 bytes                      |
 *   |               destination, 16 bytes                   |
 *   +-------------------------------------------------------+
 */
export const HEADER_LENGTH = 40;
export const MAX_PAYLOAD_LENGTH = 65_535;
/** Every link takes packets of this size (RFC 8200 §5). */
export const MIN_MTU = 1280;

export interface Ipv6Header {
  readonly dscp: number;
  readonly ecn: number;
  readonly flowLabel: number;
  /** Bytes behind this header. */
  readonly payloadLength: number;
  readonly nextHeader: number;
  readonly hopLimit: number;
  readonly source: Ipv6Address;
  readonly destination: Ipv6Address;
}

/** What {@link write} is given. What is left out is 0, the hop limit 64. */
export interface Ipv6Fields {
  readonly dscp?: number | undefined;
  readonly ecn?: number | undefined;
  readonly flowLabel?: number | undefined;
  /** Bytes behind this header. */
  readonly payloadLength: number;
  readonly nextHeader: number;
  readonly hopLimit?: number | undefined;
  readonly source: Ipv6Address;
  readonly destination: Ipv6Address;
}

export function version(view: DataView, at: number): number {
  return view.getUint8(at) >>> 4;
}

/** DSCP and ECN together. */
export function trafficClass(view: DataView, at: number): number {
  return (view.getUint16(at) >>> 4) & 0xff;
}

export function setTrafficClass(view: DataView, at: number, value: number): void {
  view.setUint16(at, (view.getUint16(at) & 0xf00f) | ((value & 0xff) << 4));
}

export function dscp(view: DataView, at: number): number {
  return (view.getUint16(at) >>> 6) & 0x3f;
}

export function ecn(view: DataView, at: number): number {
  return (view.getUint8(at + 1) >>> 4) & 3;
}

/** 20 bits (RFC 6437). */
export function flowLabel(view: DataView, at: number): number {
  return view.getUint32(at) & 0xf_ffff;
}

export function setFlowLabel(view: DataView, at: number, label: number): void {
  view.setUint32(at, (view.getUint32(at) & 0xfff0_0000) | (label & 0xf_ffff));
}

/** Bytes behind this header. */
export function payloadLength(view: DataView, at: number): number {
  return view.getUint16(at + 4);
}

export function setPayloadLength(view: DataView, at: number, bytes: number): void {
  view.setUint16(at + 4, bytes);
}

export function nextHeader(view: DataView, at: number): number {
  return view.getUint8(at + 6);
}

export function setNextHeader(view: DataView, at: number, protocol: number): void {
  view.setUint8(at + 6, protocol);
}

export function hopLimit(view: DataView, at: number): number {
  return view.getUint8(at + 7);
}

export function setHopLimit(view: DataView, at: number, value: number): void {
  view.setUint8(at + 7, value);
}

export function source(view: DataView, at: number): Ipv6Address {
  return readIpv6(view, at + 8);
}

export function setSource(view: DataView, at: number, address: Ipv6Address): void {
  writeIpv6(view, at + 8, address);
}

/** Whether the source is `address`, whatever its zone. */
export function isSource(view: DataView, at: number, address: Ipv6Address): boolean {
  return isIpv6At(view, at + 8, address);
}

export function destination(view: DataView, at: number): Ipv6Address {
  return readIpv6(view, at + 24);
}

export function setDestination(view: DataView, at: number, address: Ipv6Address): void {
  writeIpv6(view, at + 24, address);
}

/** Whether the destination is `address`, whatever its zone. */
export function isDestination(view: DataView, at: number, address: Ipv6Address): boolean {
  return isIpv6At(view, at + 24, address);
}

/**
 * What makes the bytes from `at` to `end` no IPv6 packet; `undefined`: nothing. A jumbogram (RFC 2675), whose payload
 * length is 0, is seen as an empty packet.
 */
export function check(view: DataView, at: number, end: number): HeaderFault | undefined {
  if (end - at < HEADER_LENGTH) return "truncated";
  if (version(view, at) !== 6) return "bad-version";
  return HEADER_LENGTH + payloadLength(view, at) > end - at ? "truncated" : undefined;
}

/** The fields, or `undefined` where {@link check} finds a fault. Extension headers: `walkExtensions`. */
export function parse(view: DataView, at: number, end: number): Ipv6Header | undefined {
  if (check(view, at, end) !== undefined) return undefined;
  return {
    dscp: dscp(view, at),
    ecn: ecn(view, at),
    flowLabel: flowLabel(view, at),
    payloadLength: payloadLength(view, at),
    nextHeader: nextHeader(view, at),
    hopLimit: hopLimit(view, at),
    source: source(view, at),
    destination: destination(view, at),
  };
}

/** Writes the header and returns its length. */
export function write(view: DataView, at: number, fields: Ipv6Fields): number {
  const trafficClass = ((fields.dscp ?? 0) << 2) | (fields.ecn ?? 0);
  view.setUint32(at, 0x6000_0000 | (trafficClass << 20) | ((fields.flowLabel ?? 0) & 0xf_ffff));
  setPayloadLength(view, at, fields.payloadLength);
  setNextHeader(view, at, fields.nextHeader);
  setHopLimit(view, at, fields.hopLimit ?? 64);
  setSource(view, at, fields.source);
  setDestination(view, at, fields.destination);
  return HEADER_LENGTH;
}

export function print(view: DataView, at: number): string {
  return (
    `IP6 ${source(view, at).toString()} > ${destination(view, at).toString()}: hlim ${hopLimit(view, at)}, ` +
    `next-header ${nextHeader(view, at)}, length ${payloadLength(view, at)}`
  );
}
