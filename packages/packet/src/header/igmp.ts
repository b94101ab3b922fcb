import { formatIpv4, type Ipv4Address } from "../address/ipv4.ts";
import type { HeaderFault } from "./fault.ts";
import { decodeFloat8, encodeFloat8, type GroupRecord } from "./group-record.ts";

/*
 * IGMP: version 1 RFC 1112 App. I, version 2 RFC 2236 §2, version 3 RFC 3376 §4.
 *
 *   versions 1 and 2; a query of 3 goes on     report of version 3 (§4.2)
 *    0       8      16              31          0       8      16              31
 *   +-------+-------+---------------+          +-------+-------+---------------+
 *   | type  |max rsp|   checksum    |          | 0x22  |   0   |   checksum    |
 *   +-------+-------+---------------+          +-------+-------+---------------+
 *   |         group address         |          |       0       | group records |
 *   +---+-+---+-----+---------------+          +---------------+---------------+
 *   | 0 |S|QRV|QQIC |sources (count)|          | type  |aux len|sources (count)|  each record
 *   +---+-+---+-----+---------------+          | group, sources, aux. data …    |
 *   | source addresses …            |
 */
export const HEADER_LENGTH = 8;
/** A query of version 3, without sources. */
export const V3_QUERY_LENGTH = 12;
/** Where the checksum stands: `csumOffset`. */
export const CHECKSUM_OFFSET = 2;

export const MEMBERSHIP_QUERY = 0x11;
export const V1_MEMBERSHIP_REPORT = 0x12;
export const V2_MEMBERSHIP_REPORT = 0x16;
export const LEAVE_GROUP = 0x17;
export const V3_MEMBERSHIP_REPORT = 0x22;

export interface IgmpQuery {
  /** 0 of a general query. */
  readonly group: Ipv4Address;
  /** In tenths of a second. */
  readonly maxResponseTime: number;
  readonly suppressRouterProcessing: boolean;
  /** Querier's robustness variable, 0 to 7. */
  readonly robustness: number;
  /** Querier's query interval in seconds. */
  readonly queryInterval: number;
  readonly sources: readonly Ipv4Address[];
}

/** A message of version 1 or 2, or a query or report of version 3. */
export type IgmpMessage =
  | { readonly type: number; readonly maxResponseTime?: number; readonly group: Ipv4Address }
  | { readonly query: IgmpQuery }
  | { readonly report: readonly GroupRecord<Ipv4Address>[] };

export function type(view: DataView, at: number): number {
  return view.getUint8(at);
}

/** As it stands in the header; see {@link maxResponseTime}. 0 in a query of version 1. */
export function maxResponseCode(view: DataView, at: number): number {
  return view.getUint8(at + 1);
}

/** In tenths of a second, by the floating point of version 3 (RFC 3376 §4.1.1) if `isV3`. */
export function maxResponseTime(view: DataView, at: number, isV3: boolean): number {
  const code = maxResponseCode(view, at);
  return isV3 ? decodeFloat8(code) : code;
}

export function checksum(view: DataView, at: number): number {
  return view.getUint16(at + 2);
}

export function setChecksum(view: DataView, at: number, value: number): void {
  view.setUint16(at + 2, value);
}

/** Of anything but a report of version 3. */
export function group(view: DataView, at: number): Ipv4Address {
  return view.getUint32(at + 4);
}

/** Which version sent the query of `length` bytes at `at` (RFC 3376 §7.1). */
export function queryVersion(view: DataView, at: number, length: number): 1 | 2 | 3 {
  if (length >= V3_QUERY_LENGTH) return 3;
  return maxResponseCode(view, at) === 0 ? 1 : 2;
}

/** What makes the bytes from `at` to `end` no IGMP message; `undefined`: nothing. The checksum is another question. */
export function check(view: DataView, at: number, end: number): HeaderFault | undefined {
  const length = end - at;
  if (length < HEADER_LENGTH) return "truncated";
  switch (type(view, at)) {
    case MEMBERSHIP_QUERY:
      if (length < V3_QUERY_LENGTH) return length === HEADER_LENGTH ? undefined : "bad-length";
      return V3_QUERY_LENGTH + view.getUint16(at + 10) * 4 > length ? "truncated" : undefined;
    case V3_MEMBERSHIP_REPORT:
      return parseReport(view, at, end) === undefined ? "truncated" : undefined;
    default:
      return undefined;
  }
}

/** The message, or `undefined` where {@link check} finds a fault. */
export function parse(view: DataView, at: number, end: number): IgmpMessage | undefined {
  if (check(view, at, end) !== undefined) return undefined;
  const kind = type(view, at);
  if (kind === V3_MEMBERSHIP_REPORT) return { report: parseReport(view, at, end) ?? [] };
  if (kind === MEMBERSHIP_QUERY && queryVersion(view, at, end - at) === 3) return { query: parseQuery(view, at) };
  return { type: kind, maxResponseTime: maxResponseCode(view, at), group: group(view, at) };
}

/** The query of version 3 at `at`, which {@link check} found good. */
export function parseQuery(view: DataView, at: number): IgmpQuery {
  const byte = view.getUint8(at + 8);
  const sources: Ipv4Address[] = [];
  for (let i = 0; i < view.getUint16(at + 10); i++) sources.push(view.getUint32(at + 12 + i * 4));
  return {
    group: group(view, at),
    maxResponseTime: maxResponseTime(view, at, true),
    suppressRouterProcessing: (byte & 8) !== 0,
    robustness: byte & 7,
    queryInterval: decodeFloat8(view.getUint8(at + 9)),
    sources,
  };
}

/** The group records of the report of version 3 at `at`; `undefined`: they go past `end`. */
export function parseReport(view: DataView, at: number, end: number): GroupRecord<Ipv4Address>[] | undefined {
  if (end - at < HEADER_LENGTH) return undefined;
  const records: GroupRecord<Ipv4Address>[] = [];
  let next = at + HEADER_LENGTH;
  for (let i = 0; i < view.getUint16(at + 6); i++) {
    if (end - next < 8) return undefined;
    const count = view.getUint16(next + 2);
    const length = 8 + count * 4 + view.getUint8(next + 1) * 4;
    if (length > end - next) return undefined;
    const sources: Ipv4Address[] = [];
    for (let j = 0; j < count; j++) sources.push(view.getUint32(next + 8 + j * 4));
    records.push({ type: view.getUint8(next), group: view.getUint32(next + 4), sources });
    next += length;
  }
  return records;
}

/** Writes a query of version 1 or 2, a report of them, or a leave; checksum zero. Returns its length. */
export function write(
  view: DataView,
  at: number,
  fields: { readonly type: number; readonly maxResponseTime?: number | undefined; readonly group: Ipv4Address },
): number {
  view.setUint8(at, fields.type);
  view.setUint8(at + 1, fields.maxResponseTime ?? 0);
  setChecksum(view, at, 0);
  view.setUint32(at + 4, fields.group);
  return HEADER_LENGTH;
}

/** Writes a query of version 3, checksum zero, and returns its length. */
export function writeQuery(view: DataView, at: number, query: IgmpQuery): number {
  write(view, at, { type: MEMBERSHIP_QUERY, group: query.group });
  view.setUint8(at + 1, encodeFloat8(query.maxResponseTime));
  view.setUint8(at + 8, (query.suppressRouterProcessing ? 8 : 0) | (query.robustness & 7));
  view.setUint8(at + 9, encodeFloat8(query.queryInterval));
  view.setUint16(at + 10, query.sources.length);
  for (const [i, source] of query.sources.entries()) view.setUint32(at + 12 + i * 4, source);
  return V3_QUERY_LENGTH + query.sources.length * 4;
}

/** Writes a report of version 3, checksum zero, and returns its length. */
export function writeReport(view: DataView, at: number, records: readonly GroupRecord<Ipv4Address>[]): number {
  view.setUint32(at, V3_MEMBERSHIP_REPORT << 24);
  view.setUint32(at + 4, records.length);
  let next = at + HEADER_LENGTH;
  for (const record of records) {
    view.setUint8(next, record.type);
    view.setUint8(next + 1, 0);
    view.setUint16(next + 2, record.sources.length);
    view.setUint32(next + 4, record.group);
    for (const [i, source] of record.sources.entries()) view.setUint32(next + 8 + i * 4, source);
    next += 8 + record.sources.length * 4;
  }
  return next - at;
}

export function print(view: DataView, at: number): string {
  switch (type(view, at)) {
    case MEMBERSHIP_QUERY:
      return group(view, at) === 0 ? "igmp query" : `igmp query [gaddr ${formatIpv4(group(view, at))}]`;
    case V1_MEMBERSHIP_REPORT:
      return `igmp v1 report ${formatIpv4(group(view, at))}`;
    case V2_MEMBERSHIP_REPORT:
      return `igmp v2 report ${formatIpv4(group(view, at))}`;
    case LEAVE_GROUP:
      return `igmp leave ${formatIpv4(group(view, at))}`;
    case V3_MEMBERSHIP_REPORT:
      return `igmp v3 report, ${view.getUint16(at + 6)} group record(s)`;
    default:
      return `igmp type 0x${type(view, at).toString(16)}`;
  }
}
