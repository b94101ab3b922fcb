import { formatMac, readMac, writeMac, type MacAddress } from "../address/mac.ts";
import type { HeaderFault } from "./fault.ts";

/*
 * Ethernet II, IEEE 802.3 §3.1.1 (the check sequence is not kept):
 *
 *    0               6              12      14
 *   +---------------+---------------+-------+----------
 *   |  destination  |    source     | type  |  payload …
 *   +---------------+---------------+-------+----------
 */
export const HEADER_LENGTH = 14;
/** Shorter frames are padded (IEEE 802.3 §4.2.3.3), without the 4 bytes of check sequence. */
export const MIN_FRAME_LENGTH = 60;

export interface EthernetHeader {
  readonly destination: MacAddress;
  readonly source: MacAddress;
  /** EtherType, or below 0x600 the length of an 802.3 payload. */
  readonly etherType: number;
}

export function destination(view: DataView, at: number): MacAddress {
  return readMac(view, at);
}

export function setDestination(view: DataView, at: number, mac: MacAddress): void {
  writeMac(view, at, mac);
}

export function source(view: DataView, at: number): MacAddress {
  return readMac(view, at + 6);
}

export function setSource(view: DataView, at: number, mac: MacAddress): void {
  writeMac(view, at + 6, mac);
}

export function etherType(view: DataView, at: number): number {
  return view.getUint16(at + 12);
}

export function setEtherType(view: DataView, at: number, type: number): void {
  view.setUint16(at + 12, type);
}

/** What makes the bytes from `at` to `end` no Ethernet header; `undefined`: nothing. */
export function check(_view: DataView, at: number, end: number): HeaderFault | undefined {
  return end - at < HEADER_LENGTH ? "truncated" : undefined;
}

/** The fields, or `undefined` where {@link check} finds a fault. */
export function parse(view: DataView, at: number, end: number): EthernetHeader | undefined {
  if (check(view, at, end) !== undefined) return undefined;
  return { destination: destination(view, at), source: source(view, at), etherType: etherType(view, at) };
}

/** Writes the header and returns its length. */
export function write(view: DataView, at: number, fields: EthernetHeader): number {
  setDestination(view, at, fields.destination);
  setSource(view, at, fields.source);
  setEtherType(view, at, fields.etherType);
  return HEADER_LENGTH;
}

export function print(view: DataView, at: number): string {
  const type = etherType(view, at).toString(16).padStart(4, "0");
  return `${formatMac(source(view, at))} > ${formatMac(destination(view, at))}, ethertype 0x${type}`;
}
