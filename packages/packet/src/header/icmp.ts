import { formatIpv4, type Ipv4Address } from "../address/ipv4.ts";
import type { HeaderFault } from "./fault.ts";

/*
 * ICMP, RFC 792. The second word depends on the type:
 *
 *    0       8      16              31
 *   +-------+-------+---------------+
 *   | type  | code  |   checksum    |
 *   +-------+-------+---------------+
 *   |  identifier   |   sequence    |   echo, timestamp, address mask
 *   |  0    |length*|  next-hop MTU |   destination unreachable (RFC 1191 §4), *RFC 4884 §4.1 in 4 B
 *   |pointer|length*|       0       |   parameter problem
 *   |        gateway address        |   redirect
 *   +-------------------------------+
 *   |  errors: the IP header and at least 8 more bytes of the packet at fault (RFC 1812 §4.3.2.3: up to 576 in all)
 */
export const HEADER_LENGTH = 8;
/** Where the checksum stands: `csumOffset`. */
export const CHECKSUM_OFFSET = 2;
/** Timestamp and timestamp reply. */
export const TIMESTAMP_LENGTH = 20;

export const ECHO_REPLY = 0;
export const DESTINATION_UNREACHABLE = 3;
/** Deprecated (RFC 6633). */
export const SOURCE_QUENCH = 4;
export const REDIRECT = 5;
export const ECHO_REQUEST = 8;
/** RFC 1256. */
export const ROUTER_ADVERTISEMENT = 9;
export const ROUTER_SOLICITATION = 10;
export const TIME_EXCEEDED = 11;
export const PARAMETER_PROBLEM = 12;
export const TIMESTAMP = 13;
export const TIMESTAMP_REPLY = 14;
/** Deprecated, as are 16 to 18 (RFC 6918). */
export const INFORMATION_REQUEST = 15;
export const INFORMATION_REPLY = 16;
export const ADDRESS_MASK_REQUEST = 17;
export const ADDRESS_MASK_REPLY = 18;
/** RFC 8335. */
export const EXTENDED_ECHO_REQUEST = 42;
export const EXTENDED_ECHO_REPLY = 43;

/** Codes of {@link DESTINATION_UNREACHABLE} (RFC 792, RFC 1122 §3.2.2.1, RFC 1812 §5.2.7.1). */
export const NET_UNREACHABLE = 0;
export const HOST_UNREACHABLE = 1;
export const PROTOCOL_UNREACHABLE = 2;
export const PORT_UNREACHABLE = 3;
export const FRAGMENTATION_NEEDED = 4;
export const SOURCE_ROUTE_FAILED = 5;
export const NET_UNKNOWN = 6;
export const HOST_UNKNOWN = 7;
export const HOST_ISOLATED = 8;
export const NET_PROHIBITED = 9;
export const HOST_PROHIBITED = 10;
export const NET_UNREACHABLE_FOR_TOS = 11;
export const HOST_UNREACHABLE_FOR_TOS = 12;
export const ADMINISTRATIVELY_PROHIBITED = 13;
export const PRECEDENCE_VIOLATION = 14;
export const PRECEDENCE_CUTOFF = 15;

/** Codes of {@link REDIRECT}. */
export const REDIRECT_NET = 0;
export const REDIRECT_HOST = 1;
export const REDIRECT_NET_FOR_TOS = 2;
export const REDIRECT_HOST_FOR_TOS = 3;

/** Codes of {@link TIME_EXCEEDED}. */
export const TTL_EXCEEDED = 0;
export const REASSEMBLY_TIME_EXCEEDED = 1;

/** Codes of {@link PARAMETER_PROBLEM}. */
export const POINTER_INDICATES = 0;
export const MISSING_OPTION = 1;
export const BAD_LENGTH = 2;

export interface IcmpHeader {
  readonly type: number;
  readonly code: number;
  readonly checksum: number;
  /** The second word as a number. */
  readonly rest: number;
}

/** What {@link write} is given: the parts of the second word that the type has. What is left out is 0. */
export interface IcmpFields {
  readonly type: number;
  readonly code?: number | undefined;
  readonly checksum?: number | undefined;
  readonly identifier?: number | undefined;
  readonly sequence?: number | undefined;
  readonly nextHopMtu?: number | undefined;
  readonly pointer?: number | undefined;
  readonly gateway?: Ipv4Address | undefined;
  /** Length attribute of RFC 4884, in bytes, a multiple of 4. */
  readonly originalLength?: number | undefined;
  /** Timestamp messages: milliseconds since midnight UT (RFC 792 page 16). They are 20 bytes long. */
  readonly originate?: number | undefined;
  readonly receive?: number | undefined;
  readonly transmit?: number | undefined;
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

/** Of a fragmentation-needed message; 0 from a router that knows nothing of RFC 1191. */
export function nextHopMtu(view: DataView, at: number): number {
  return view.getUint16(at + 6);
}

export function setNextHopMtu(view: DataView, at: number, mtu: number): void {
  view.setUint16(at + 6, mtu);
}

/** Of a parameter problem: offset of the byte at fault. */
export function pointer(view: DataView, at: number): number {
  return view.getUint8(at + 4);
}

/** Of a redirect. */
export function gateway(view: DataView, at: number): Ipv4Address {
  return view.getUint32(at + 4);
}

/** Length attribute of RFC 4884 of an error, in bytes; 0: no extensions. */
export function originalLength(view: DataView, at: number): number {
  return view.getUint8(at + 5) * 4;
}

/** Of a timestamp message. */
export function originate(view: DataView, at: number): number {
  return view.getUint32(at + 8);
}

export function receive(view: DataView, at: number): number {
  return view.getUint32(at + 12);
}

export function transmit(view: DataView, at: number): number {
  return view.getUint32(at + 16);
}

/** An error about a packet, which no error may answer (RFC 1122 §3.2.2). */
export function isError(type: number): boolean {
  switch (type) {
    case DESTINATION_UNREACHABLE:
    case SOURCE_QUENCH:
    case REDIRECT:
    case TIME_EXCEEDED:
    case PARAMETER_PROBLEM:
      return true;
    default:
      return false;
  }
}

/** What makes the bytes from `at` to `end` no ICMP message; `undefined`: nothing. The checksum is another question. */
export function check(view: DataView, at: number, end: number): HeaderFault | undefined {
  if (end - at < HEADER_LENGTH) return "truncated";
  const needed = isTimestamp(type(view, at)) ? TIMESTAMP_LENGTH : HEADER_LENGTH;
  return end - at < needed ? "truncated" : undefined;
}

/** The fields, or `undefined` where {@link check} finds a fault. */
export function parse(view: DataView, at: number, end: number): IcmpHeader | undefined {
  if (check(view, at, end) !== undefined) return undefined;
  return {
    type: type(view, at),
    code: code(view, at),
    checksum: checksum(view, at),
    rest: view.getUint32(at + 4),
  };
}

/** Writes the header and returns its length: 8, of a timestamp message 20. */
export function write(view: DataView, at: number, fields: IcmpFields): number {
  setType(view, at, fields.type);
  setCode(view, at, fields.code ?? 0);
  setChecksum(view, at, fields.checksum ?? 0);
  view.setUint32(at + 4, fields.gateway ?? 0);
  if (fields.pointer !== undefined) view.setUint8(at + 4, fields.pointer);
  if (fields.originalLength !== undefined) view.setUint8(at + 5, fields.originalLength / 4);
  if (fields.nextHopMtu !== undefined) setNextHopMtu(view, at, fields.nextHopMtu);
  if (fields.identifier !== undefined) setIdentifier(view, at, fields.identifier);
  if (fields.sequence !== undefined) setSequence(view, at, fields.sequence);
  if (!isTimestamp(fields.type)) return HEADER_LENGTH;
  view.setUint32(at + 8, fields.originate ?? 0);
  view.setUint32(at + 12, fields.receive ?? 0);
  view.setUint32(at + 16, fields.transmit ?? 0);
  return TIMESTAMP_LENGTH;
}

function isTimestamp(type: number): boolean {
  return type === TIMESTAMP || type === TIMESTAMP_REPLY;
}

const UNREACHABLE: readonly string[] = ["net", "host", "protocol", "port"];

export function print(view: DataView, at: number): string {
  const id = `id ${identifier(view, at)}, seq ${sequence(view, at)}`;
  switch (type(view, at)) {
    case ECHO_REQUEST:
      return `ICMP echo request, ${id}`;
    case ECHO_REPLY:
      return `ICMP echo reply, ${id}`;
    case DESTINATION_UNREACHABLE:
      if (code(view, at) === FRAGMENTATION_NEEDED)
        return `ICMP unreachable - need to frag (mtu ${nextHopMtu(view, at)})`;
      return `ICMP ${UNREACHABLE[code(view, at)] ?? `code ${code(view, at)}`} unreachable`;
    case REDIRECT:
      return `ICMP redirect to ${formatIpv4(gateway(view, at))}`;
    case TIME_EXCEEDED:
      return code(view, at) === TTL_EXCEEDED ? "ICMP time exceeded in-transit" : "ICMP ip reassembly time exceeded";
    case PARAMETER_PROBLEM:
      return `ICMP parameter problem - octet ${pointer(view, at)}`;
    case TIMESTAMP:
      return `ICMP time stamp query ${id.replace(",", "")}`;
    case TIMESTAMP_REPLY:
      return `ICMP time stamp reply ${id.replace(",", "")}`;
    default:
      return `ICMP type ${type(view, at)}, code ${code(view, at)}`;
  }
}
