import type { HeaderFault } from "./fault.ts";

/*
 * ICMPv6, RFC 4443 §2.1. The second word depends on the type:
 *
 *    0       8      16              31
 *   +-------+-------+---------------+
 *   | type  | code  |   checksum    |
 *   +-------+-------+---------------+
 *   |  identifier   |   sequence    |   echo
 *   |              MTU              |   packet too big
 *   |            pointer            |   parameter problem
 *   |length*|           0           |   unreachable, time exceeded (*RFC 4884 §4.2, in 8 B)
 *   +-------------------------------+
 *   |  errors: as much of the packet at fault as fits in 1280 bytes (§2.4 c)
 *
 * Neighbor Discovery: `nd`; multicast listeners: `mld`.
 */
export const HEADER_LENGTH = 8;
/** Where the checksum stands: `csumOffset`. */
export const CHECKSUM_OFFSET = 2;

export const DESTINATION_UNREACHABLE = 1;
export const PACKET_TOO_BIG = 2;
export const TIME_EXCEEDED = 3;
export const PARAMETER_PROBLEM = 4;
export const ECHO_REQUEST = 128;
export const ECHO_REPLY = 129;
/** RFC 2710 and RFC 3810: `mld`. */
export const MLD_QUERY = 130;
export const MLD_REPORT = 131;
export const MLD_DONE = 132;
/** RFC 4861: `nd`. */
export const ROUTER_SOLICITATION = 133;
export const ROUTER_ADVERTISEMENT = 134;
export const NEIGHBOR_SOLICITATION = 135;
export const NEIGHBOR_ADVERTISEMENT = 136;
export const REDIRECT = 137;
export const MLDV2_REPORT = 143;
/** RFC 8335. */
export const EXTENDED_ECHO_REQUEST = 160;
export const EXTENDED_ECHO_REPLY = 161;

/** Codes of {@link DESTINATION_UNREACHABLE} (RFC 4443 §3.1). */
export const NO_ROUTE = 0;
export const ADMINISTRATIVELY_PROHIBITED = 1;
export const BEYOND_SCOPE = 2;
export const ADDRESS_UNREACHABLE = 3;
export const PORT_UNREACHABLE = 4;
export const POLICY_FAILED = 5;
export const REJECT_ROUTE = 6;

/** Codes of {@link TIME_EXCEEDED} (§3.3). */
export const HOP_LIMIT_EXCEEDED = 0;
export const REASSEMBLY_TIME_EXCEEDED = 1;

/** Codes of {@link PARAMETER_PROBLEM} (§3.4; 3: RFC 7112 §5). */
export const ERRONEOUS_HEADER = 0;
export const UNRECOGNIZED_NEXT_HEADER = 1;
export const UNRECOGNIZED_OPTION = 2;
export const INCOMPLETE_HEADER_CHAIN = 3;

export interface Icmpv6Header {
  readonly type: number;
  readonly code: number;
  readonly checksum: number;
  /** The second word as a number. */
  readonly rest: number;
}

/** What {@link write} is given: the parts of the second word that the type has. What is left out is 0. */
export interface Icmpv6Fields {
  readonly type: number;
  readonly code?: number | undefined;
  readonly checksum?: number | undefined;
  readonly identifier?: number | undefined;
  readonly sequence?: number | undefined;
  readonly mtu?: number | undefined;
  readonly pointer?: number | undefined;
  /** Length attribute of RFC 4884, in bytes, a multiple of 8. */
  readonly originalLength?: number | undefined;
}

export function type(view: DataView, at: number): number {
  return view.getUint8(at);
}

export function setType(view: DataView, at: number, value: number): void {
  view.setUint8(at, value);
}

export function code(view: DataView, at: number): number {
  return view.getUint8(at + 1);
}

export function setCode(view: DataView, at: number, value: number): void {
  view.setUint8(at + 1, value);
}

export function checksum(view: DataView, at: number): number {
  return view.getUint16(at + 2);
}

export function setChecksum(view: DataView, at: number, value: number): void {
  view.setUint16(at + 2, value);
}

export function identifier(view: DataView, at: number): number {
  return view.getUint16(at + 4);
}

export function setIdentifier(view: DataView, at: number, value: number): void {
  view.setUint16(at + 4, value);
}

export function sequence(view: DataView, at: number): number {
  return view.getUint16(at + 6);
}

export function setSequence(view: DataView, at: number, value: number): void {
  view.setUint16(at + 6, value);
}

/** Of a packet-too-big. */
export function mtu(view: DataView, at: number): number {
  return view.getUint32(at + 4);
}

/** Of a parameter problem: offset of the byte at fault. */
export function pointer(view: DataView, at: number): number {
  return view.getUint32(at + 4);
}

/** Length attribute of RFC 4884 of an error, in bytes; 0: no extensions. */
export function originalLength(view: DataView, at: number): number {
  return view.getUint8(at + 4) * 8;
}

/** An error about a packet (types below 128), which no error may answer (RFC 4443 §2.4 e). */
export function isError(type: number): boolean {
  return type < 128;
}

/** What makes the bytes from `at` to `end` no ICMPv6 message; `undefined`: nothing. The checksum is another question. */
export function check(_view: DataView, at: number, end: number): HeaderFault | undefined {
  return end - at < HEADER_LENGTH ? "truncated" : undefined;
}

/** The fields, or `undefined` where {@link check} finds a fault. */
export function parse(view: DataView, at: number, end: number): Icmpv6Header | undefined {
  if (check(view, at, end) !== undefined) return undefined;
  return { type: type(view, at), code: code(view, at), checksum: checksum(view, at), rest: view.getUint32(at + 4) };
}

/** Writes the header and returns its length. */
export function write(view: DataView, at: number, fields: Icmpv6Fields): number {
  setType(view, at, fields.type);
  setCode(view, at, fields.code ?? 0);
  setChecksum(view, at, fields.checksum ?? 0);
  view.setUint32(at + 4, fields.mtu ?? fields.pointer ?? 0);
  if (fields.originalLength !== undefined) view.setUint8(at + 4, fields.originalLength / 8);
  if (fields.identifier !== undefined) setIdentifier(view, at, fields.identifier);
  if (fields.sequence !== undefined) setSequence(view, at, fields.sequence);
  return HEADER_LENGTH;
}

/** Of destination unreachable, by code, in tcpdump's words. */
const UNREACHABLE: readonly string[] = [
  "unreachable route",
  "unreachable prohibited",
  "beyond scope",
  "unreachable address",
  "unreachable port",
];

export function print(view: DataView, at: number): string {
  const id = `id ${identifier(view, at)}, seq ${sequence(view, at)}`;
  switch (type(view, at)) {
    case DESTINATION_UNREACHABLE:
      return `ICMP6, destination unreachable, ${UNREACHABLE[code(view, at)] ?? `code ${code(view, at)}`}`;
    case PACKET_TOO_BIG:
      return `ICMP6, packet too big, mtu ${mtu(view, at)}`;
    case TIME_EXCEEDED:
      return code(view, at) === HOP_LIMIT_EXCEEDED
        ? "ICMP6, time exceeded in-transit"
        : "ICMP6, reassembly time exceeded";
    case PARAMETER_PROBLEM:
      return `ICMP6, parameter problem, code ${code(view, at)} - octet ${pointer(view, at)}`;
    case ECHO_REQUEST:
      return `ICMP6, echo request, ${id}`;
    case ECHO_REPLY:
      return `ICMP6, echo reply, ${id}`;
    default:
      return `ICMP6, type ${type(view, at)}, code ${code(view, at)}`;
  }
}
