import type { HeaderFault } from "./fault.ts";

/*
 * UDP header, RFC 768:
 *
 *    0              16              31
 *   +---------------+---------------+
 *   |  source port  |   dest. port  |
 *   +---------------+---------------+
 *   |    length     |   checksum    |
 *   +---------------+---------------+
 */
export const HEADER_LENGTH = 8;
/** Where the checksum stands: `csumOffset`. */
export const CHECKSUM_OFFSET = 6;

export interface UdpHeader {
  readonly sourcePort: number;
  readonly destinationPort: number;
  /** Bytes of header and payload. */
  readonly length: number;
  /** 0: none was computed (IPv4; RFC 8200 §8.1 and RFC 6936 for IPv6). Left out of {@link write}: 0. */
  readonly checksum?: number | undefined;
}

export function sourcePort(view: DataView, at: number): number {
  return view.getUint16(at);
}

export function setSourcePort(view: DataView, at: number, port: number): void {
  view.setUint16(at, port);
}

export function destinationPort(view: DataView, at: number): number {
  return view.getUint16(at + 2);
}

export function setDestinationPort(view: DataView, at: number, port: number): void {
  view.setUint16(at + 2, port);
}

/** Bytes of header and payload. */
export function length(view: DataView, at: number): number {
  return view.getUint16(at + 4);
}

export function setLength(view: DataView, at: number, bytes: number): void {
  view.setUint16(at + 4, bytes);
}

export function checksum(view: DataView, at: number): number {
  return view.getUint16(at + 6);
}

export function setChecksum(view: DataView, at: number, value: number): void {
  view.setUint16(at + 6, value);
}

/** What makes the bytes from `at` to `end` no UDP datagram; `undefined`: nothing. */
export function check(view: DataView, at: number, end: number): HeaderFault | undefined {
  if (end - at < HEADER_LENGTH) return "truncated";
  const bytes = length(view, at);
  if (bytes < HEADER_LENGTH) return "bad-length";
  return bytes > end - at ? "truncated" : undefined;
}

/** The fields, or `undefined` where {@link check} finds a fault. */
export function parse(view: DataView, at: number, end: number): Required<UdpHeader> | undefined {
  if (check(view, at, end) !== undefined) return undefined;
  return {
    sourcePort: sourcePort(view, at),
    destinationPort: destinationPort(view, at),
    length: length(view, at),
    checksum: checksum(view, at),
  };
}

/** Writes the header and returns its length. */
export function write(view: DataView, at: number, fields: UdpHeader): number {
  setSourcePort(view, at, fields.sourcePort);
  setDestinationPort(view, at, fields.destinationPort);
  setLength(view, at, fields.length);
  setChecksum(view, at, fields.checksum ?? 0);
  return HEADER_LENGTH;
}

export function print(view: DataView, at: number): string {
  return `UDP ${sourcePort(view, at)} > ${destinationPort(view, at)}, length ${length(view, at) - HEADER_LENGTH}`;
}
