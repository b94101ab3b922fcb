import { readIpv6, writeIpv6, type Ipv6Address } from "../address/ipv6.ts";
import type { HeaderFault } from "./fault.ts";
import { decodeFloat16, decodeFloat8, encodeFloat16, encodeFloat8, type GroupRecord } from "./group-record.ts";
import { MLD_DONE, MLD_QUERY, MLD_REPORT, MLDV2_REPORT } from "./icmpv6.ts";

/*
 * Multicast Listener Discovery: version 1 RFC 2710 §3, version 2 RFC 3810 §5. The offset is that of the ICMPv6 type.
 *
 *   version 1; a query of 2 goes on            report of version 2 (§5.2)
 *    0       8      16              31          0       8      16              31
 *   +-------+-------+---------------+          +-------+-------+---------------+
 *   | type  | code  |   checksum    |          |  143  |   0   |   checksum    |
 *   +-------+-------+---------------+          +-------+-------+---------------+
 *   |max resp. delay|       0       |          |       0       |    records    |
 *   +---------------+---------------+          +---------------+---------------+
 *   |   multicast address, 16 bytes |          | type  |aux len|sources (count)|  each record
 *   +---+-+---+-----+---------------+          | group, sources, aux. data …    |
 *   | 0 |S|QRV|QQIC |sources (count)|
 *   +---+-+---+-----+---------------+
 *   | source addresses …            |
 */
export const HEADER_LENGTH = 24;
/** A query of version 2, without sources. */
export const V2_QUERY_LENGTH = 28;
/** A report of version 2, without records. */
export const V2_REPORT_LENGTH = 8;

export interface MldQuery {
  /** `::` of a general query. */
  readonly group: Ipv6Address;
  /** In milliseconds. */
  readonly maxResponseDelay: number;
  readonly suppressRouterProcessing: boolean;
  /** Querier's robustness variable, 0 to 7. */
  readonly robustness: number;
  /** Querier's query interval in seconds. */
  readonly queryInterval: number;
  readonly sources: readonly Ipv6Address[];
}

/** A message of version 1, or a query or report of version 2. */
export type MldMessage =
  | { readonly type: number; readonly maxResponseDelay?: number; readonly group: Ipv6Address }
  | { readonly query: MldQuery }
  | { readonly report: readonly GroupRecord<Ipv6Address>[] };

/** As it stands in the header: milliseconds in version 1, see {@link maxResponseDelay} for version 2. */
export function maxResponseCode(view: DataView, at: number): number {
  return view.getUint16(at + 4);
}

/** In milliseconds, by the floating point of version 2 (RFC 3810 §5.1.3) if `isV2`. */
export function maxResponseDelay(view: DataView, at: number, isV2: boolean): number {
  const code = maxResponseCode(view, at);
  return isV2 ? decodeFloat16(code) : code;
}

/** Of anything but a report of version 2. */
export function group(view: DataView, at: number): Ipv6Address {
  return readIpv6(view, at + 8);
}

/** Which version sent the query of `length` bytes (RFC 3810 §8.1). */
export function queryVersion(length: number): 1 | 2 {
  return length >= V2_QUERY_LENGTH ? 2 : 1;
}

/** What makes the bytes from `at` to `end` no MLD message; `undefined`: nothing. The checksum is another question. */
export function check(view: DataView, at: number, end: number): HeaderFault | undefined {
  const length = end - at;
  if (length < V2_REPORT_LENGTH) return "truncated";
  switch (view.getUint8(at)) {
    case MLD_REPORT:
    case MLD_DONE:
      return length < HEADER_LENGTH ? "truncated" : undefined;
    case MLD_QUERY:
      if (length < HEADER_LENGTH) return "truncated";
      if (length < V2_QUERY_LENGTH) return length === HEADER_LENGTH ? undefined : "bad-length";
      return V2_QUERY_LENGTH + view.getUint16(at + 26) * 16 > length ? "truncated" : undefined;
    case MLDV2_REPORT:
      return parseReport(view, at, end) === undefined ? "truncated" : undefined;
    default:
      return "bad-value";
  }
}

/** The message, or `undefined` where {@link check} finds a fault. */
export function parse(view: DataView, at: number, end: number): MldMessage | undefined {
  if (check(view, at, end) !== undefined) return undefined;
  const type = view.getUint8(at);
  if (type === MLDV2_REPORT) return { report: parseReport(view, at, end) ?? [] };
  if (type === MLD_QUERY && queryVersion(end - at) === 2) return { query: parseQuery(view, at) };
  return { type, maxResponseDelay: maxResponseCode(view, at), group: group(view, at) };
}

/** The query of version 2 at `at`, which {@link check} found good. */
export function parseQuery(view: DataView, at: number): MldQuery {
  const byte = view.getUint8(at + 24);
  const sources: Ipv6Address[] = [];
  for (let i = 0; i < view.getUint16(at + 26); i++) sources.push(readIpv6(view, at + 28 + i * 16));
  return {
    group: group(view, at),
    maxResponseDelay: maxResponseDelay(view, at, true),
    suppressRouterProcessing: (byte & 8) !== 0,
    robustness: byte & 7,
    queryInterval: decodeFloat8(view.getUint8(at + 25)),
    sources,
  };
}

/** The records of the report of version 2 at `at`; `undefined`: they go past `end`. */
export function parseReport(view: DataView, at: number, end: number): GroupRecord<Ipv6Address>[] | undefined {
  if (end - at < V2_REPORT_LENGTH) return undefined;
  const records: GroupRecord<Ipv6Address>[] = [];
  let next = at + V2_REPORT_LENGTH;
  for (let i = 0; i < view.getUint16(at + 6); i++) {
    if (end - next < 20) return undefined;
    const count = view.getUint16(next + 2);
    const length = 20 + count * 16 + view.getUint8(next + 1) * 4;
    if (length > end - next) return undefined;
    const sources: Ipv6Address[] = [];
    for (let j = 0; j < count; j++) sources.push(readIpv6(view, next + 20 + j * 16));
    records.push({ type: view.getUint8(next), group: readIpv6(view, next + 4), sources });
    next += length;
  }
  return records;
}

/** Writes a query, report or done of version 1, checksum zero, and returns its length. */
export function write(
  view: DataView,
  at: number,
  fields: { readonly type: number; readonly maxResponseDelay?: number | undefined; readonly group: Ipv6Address },
): number {
  view.setUint32(at, fields.type << 24);
  view.setUint32(at + 4, (fields.maxResponseDelay ?? 0) << 16);
  writeIpv6(view, at + 8, fields.group);
  return HEADER_LENGTH;
}

/** Writes a query of version 2, checksum zero, and returns its length. */
export function writeQuery(view: DataView, at: number, query: MldQuery): number {
  write(view, at, { type: MLD_QUERY, maxResponseDelay: encodeFloat16(query.maxResponseDelay), group: query.group });
  view.setUint8(at + 24, (query.suppressRouterProcessing ? 8 : 0) | (query.robustness & 7));
  view.setUint8(at + 25, encodeFloat8(query.queryInterval));
  view.setUint16(at + 26, query.sources.length);
  for (const [i, source] of query.sources.entries()) writeIpv6(view, at + 28 + i * 16, source);
  return V2_QUERY_LENGTH + query.sources.length * 16;
}

/** Writes a report of version 2, checksum zero, and returns its length. */
export function writeReport(view: DataView, at: number, records: readonly GroupRecord<Ipv6Address>[]): number {
  view.setUint32(at, MLDV2_REPORT << 24);
  view.setUint32(at + 4, records.length);
  let next = at + V2_REPORT_LENGTH;
  for (const record of records) {
    view.setUint8(next, record.type);
    view.setUint8(next + 1, 0);
    view.setUint16(next + 2, record.sources.length);
    writeIpv6(view, next + 4, record.group);
    for (const [i, source] of record.sources.entries()) writeIpv6(view, next + 20 + i * 16, source);
    next += 20 + record.sources.length * 16;
  }
  return next - at;
}

export function print(view: DataView, at: number): string {
  switch (view.getUint8(at)) {
    case MLD_QUERY:
      return `ICMP6, multicast listener query, addr ${group(view, at).toString()}`;
    case MLD_REPORT:
      return `ICMP6, multicast listener report, addr ${group(view, at).toString()}`;
    case MLD_DONE:
      return `ICMP6, multicast listener done, addr ${group(view, at).toString()}`;
    default:
      return `ICMP6, multicast listener report v2, ${view.getUint16(at + 6)} group record(s)`;
  }
}
