import type { HeaderFault } from "./fault.ts";
import { optionsLength, writeOptions, type TcpOption } from "./tcp-options.ts";

export * from "./tcp-options.ts";
export * from "./tcp-options-received.ts";

/*
 * TCP header, RFC 9293 §3.1 (AE: accurate ECN, RFC 9768, in what was the NS bit of RFC 3540):
 *
 *    0              16              31
 *   +---------------+---------------+
 *   |  source port  |   dest. port  |
 *   +---------------+---------------+
 *   |        sequence number        |
 *   +-------------------------------+
 *   |     acknowledgment number     |
 *   +----+---+----------+-----------+
 *   |off |res|ACEUAPRSF |  window   |
 *   +----+---+----------+-----------+
 *   |   checksum    | urgent pointer|
 *   +---------------+---------------+
 *   |   options, 0 to 40 bytes …    |
 */
/** Without options. */
export const HEADER_LENGTH = 20;
export const MAX_HEADER_LENGTH = 60;
/** Where the checksum stands: `csumOffset`. */
export const CHECKSUM_OFFSET = 16;

export const FIN = 0x001;
export const SYN = 0x002;
export const RST = 0x004;
export const PSH = 0x008;
export const ACK = 0x010;
export const URG = 0x020;
export const ECE = 0x040;
export const CWR = 0x080;
export const AE = 0x100;

export interface TcpHeader {
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly sequence: number;
  readonly acknowledgment: number;
  /** {@link SYN}, {@link ACK} … */
  readonly flags: number;
  /** As it stands in the header, unscaled. */
  readonly window: number;
  readonly checksum: number;
  readonly urgentPointer: number;
}

/** What {@link write} is given. What is left out is 0. */
export interface TcpFields {
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly sequence: number;
  readonly acknowledgment?: number | undefined;
  readonly flags: number;
  readonly window: number;
  readonly checksum?: number | undefined;
  readonly urgentPointer?: number | undefined;
  readonly options?: readonly TcpOption[] | undefined;
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

export function sequence(view: DataView, at: number): number {
  return view.getUint32(at + 4);
}

export function setSequence(view: DataView, at: number, value: number): void {
  view.setUint32(at + 4, value);
}

export function acknowledgment(view: DataView, at: number): number {
  return view.getUint32(at + 8);
}

export function setAcknowledgment(view: DataView, at: number, value: number): void {
  view.setUint32(at + 8, value);
}

/** In bytes (data offset × 4). */
export function headerLength(view: DataView, at: number): number {
  return (view.getUint8(at + 12) >>> 4) * 4;
}

/** @param bytes a multiple of 4, 20 to 60. */
export function setHeaderLength(view: DataView, at: number, bytes: number): void {
  view.setUint8(at + 12, ((bytes / 4) << 4) | (view.getUint8(at + 12) & 0xf));
}

/** All nine. */
export function flags(view: DataView, at: number): number {
  return view.getUint16(at + 12) & 0x1ff;
}

export function setFlags(view: DataView, at: number, value: number): void {
  view.setUint16(at + 12, (view.getUint16(at + 12) & 0xfe00) | (value & 0x1ff));
}

/** As it stands in the header, unscaled. */
export function window(view: DataView, at: number): number {
  return view.getUint16(at + 14);
}

export function setWindow(view: DataView, at: number, value: number): void {
  view.setUint16(at + 14, value);
}

export function checksum(view: DataView, at: number): number {
  return view.getUint16(at + 16);
}

export function setChecksum(view: DataView, at: number, value: number): void {
  view.setUint16(at + 16, value);
}

export function urgentPointer(view: DataView, at: number): number {
  return view.getUint16(at + 18);
}

export function setUrgentPointer(view: DataView, at: number, value: number): void {
  view.setUint16(at + 18, value);
}

/** What makes the bytes from `at` to `end` no TCP segment; `undefined`: nothing. Options are another question. */
export function check(view: DataView, at: number, end: number): HeaderFault | undefined {
  if (end - at < HEADER_LENGTH) return "truncated";
  const length = headerLength(view, at);
  if (length < HEADER_LENGTH) return "bad-length";
  return length > end - at ? "truncated" : undefined;
}

/** The fields, or `undefined` where {@link check} finds a fault. Options: `parseOptions`. */
export function parse(view: DataView, at: number, end: number): TcpHeader | undefined {
  if (check(view, at, end) !== undefined) return undefined;
  return {
    sourcePort: sourcePort(view, at),
    destinationPort: destinationPort(view, at),
    sequence: sequence(view, at),
    acknowledgment: acknowledgment(view, at),
    flags: flags(view, at),
    window: window(view, at),
    checksum: checksum(view, at),
    urgentPointer: urgentPointer(view, at),
  };
}

/** Writes the header with its options and returns its length. */
export function write(view: DataView, at: number, fields: TcpFields): number {
  const length = HEADER_LENGTH + (fields.options === undefined ? 0 : optionsLength(fields.options));
  setSourcePort(view, at, fields.sourcePort);
  setDestinationPort(view, at, fields.destinationPort);
  setSequence(view, at, fields.sequence);
  setAcknowledgment(view, at, fields.acknowledgment ?? 0);
  view.setUint16(at + 12, ((length / 4) << 12) | (fields.flags & 0x1ff));
  setWindow(view, at, fields.window);
  setChecksum(view, at, fields.checksum ?? 0);
  setUrgentPointer(view, at, fields.urgentPointer ?? 0);
  if (fields.options !== undefined) writeOptions(view, at + HEADER_LENGTH, fields.options);
  return length;
}

const FLAG_LETTERS: readonly (readonly [number, string])[] = [
  [FIN, "F"],
  [SYN, "S"],
  [RST, "R"],
  [PSH, "P"],
  [ACK, "."],
  [URG, "U"],
  [ECE, "E"],
  [CWR, "W"],
  [AE, "e"],
];

/** As tcpdump writes them: `S.` is SYN and ACK. */
export function printFlags(flags: number): string {
  const letters = FLAG_LETTERS.filter(([bit]) => (flags & bit) !== 0).map(([, letter]) => letter);
  return letters.length === 0 ? "none" : letters.join("");
}

export function print(view: DataView, at: number): string {
  const ack = (flags(view, at) & ACK) === 0 ? "" : `, ack ${acknowledgment(view, at)}`;
  return (
    `TCP ${sourcePort(view, at)} > ${destinationPort(view, at)}: Flags [${printFlags(flags(view, at))}], ` +
    `seq ${sequence(view, at)}${ack}, win ${window(view, at)}`
  );
}
