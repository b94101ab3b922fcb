import { MLD_QUERY, MLDV2_REPORT } from "../../header/icmpv6.ts";
import * as mld from "../../header/mld.ts";
import type { Dissection } from "../dissection.ts";
import { GROUP_RECORD_NAMES } from "../names.ts";

/** What follows the checksum of a multicast listener message (RFC 2710 §3, RFC 3810 §5). */
export function dissectMld(d: Dissection, type: number, at: number, end: number): void {
  if (type === MLDV2_REPORT) {
    dissectReport(d, at, end);
    return;
  }
  const isV2 = type === MLD_QUERY && mld.queryVersion(end - at) === 2;
  if (isV2) d.uint("Maximum Response Code", "icmpv6.mld.maximum_response_code", at + 4, 2);
  else d.uint("Maximum Response Delay [ms]", "icmpv6.mld.maximum_response_delay", at + 4, 2);
  d.raw("Reserved", "icmpv6.reserved", at + 6, 2);
  if (end - at < mld.HEADER_LENGTH) {
    d.malformed(at + 8, "truncated");
    return;
  }
  d.ipv6("Multicast Address", "icmpv6.mld.multicast_address", at + 8);
  if (!isV2) {
    d.data(at + mld.HEADER_LENGTH, end);
    return;
  }
  d.uint("Flags", "icmpv6.mld.flag", at + 24, 1, { hex: true });
  d.below(() => {
    d.flag("Suppress Router-Side Processing", "icmpv6.mld.flag.s", at + 24, 1, 0x08);
    d.bits("QRV (Querier's Robustness Variable)", "icmpv6.mld.flag.qrv", at + 24, 1, 0x07);
  });
  d.uint("QQIC (Querier's Query Interval Code)", "icmpv6.mld.qqi", at + 25, 1);
  const count = d.uint("Number of Sources", "icmpv6.mld.nb_sources", at + 26, 2);
  dissectSources(d, "icmpv6.mld.source_address", count, at + mld.V2_QUERY_LENGTH, end);
}

function dissectSources(d: Dissection, abbreviation: string, count: number, at: number, end: number): void {
  for (let i = 0; i < count && !d.full; i++) {
    if (at + (i + 1) * 16 > end) {
      d.malformed(at + i * 16, "truncated");
      return;
    }
    d.ipv6("Source Address", abbreviation, at + i * 16);
  }
}

function dissectReport(d: Dissection, at: number, end: number): void {
  d.raw("Reserved", "icmpv6.reserved", at + 4, 2);
  const records = d.uint("Number of Multicast Address Records", "icmpv6.mldr.nb_mcast_records", at + 6, 2);
  let next = at + mld.V2_REPORT_LENGTH;
  for (let i = 0; i < records && !d.full; i++) {
    if (end - next < 20) {
      d.malformed(next, "truncated");
      return;
    }
    const record = next;
    const count = d.view.getUint16(record + 2);
    const auxiliary = d.view.getUint8(record + 1) * 4;
    const length = 20 + count * 16 + auxiliary;
    d.group("Multicast Address Record", "icmpv6.mldr.mar", record, Math.min(length, end - record), () => {
      d.uint("Record Type", "icmpv6.mldr.mar.record_type", record, 1, { names: GROUP_RECORD_NAMES });
      d.uint("Aux Data Len", "icmpv6.mldr.mar.aux_data_len", record + 1, 1);
      d.uint("Number of Sources", "icmpv6.mldr.mar.nb_sources", record + 2, 2);
      d.ipv6("Multicast Address", "icmpv6.mldr.mar.multicast_address", record + 4);
      dissectSources(d, "icmpv6.mldr.mar.source_address", count, record + 20, end);
      if (auxiliary > 0 && length <= end - record) {
        d.raw("Auxiliary Data", "icmpv6.mldr.mar.auxiliary_data", record + length - auxiliary, auxiliary);
      }
    });
    next += length;
  }
}
