import * as igmp from "../../header/igmp.ts";
import type { Dissection } from "../dissection.ts";
import { GROUP_RECORD_NAMES, IGMP_NAMES } from "../names.ts";

/** IGMP of all three versions (RFC 1112 App. I, RFC 2236, RFC 3376). */
export function dissectIgmp(d: Dissection, at: number, end: number): void {
  const isWhole = d.pseudoHeader !== undefined;
  d.group("Internet Group Management Protocol", "igmp", at, end - at, () => {
    if (end - at < igmp.HEADER_LENGTH) {
      d.malformed(at, "truncated");
      return;
    }
    const type = igmp.type(d.view, at);
    const version = versionOf(d, type, at, end);
    d.derived("IGMP Version", "igmp.version", at, version);
    d.uint("Type", "igmp.type", at, 1, { hex: true, names: IGMP_NAMES });
    if (version === 2 || (version === 3 && type === igmp.MEMBERSHIP_QUERY)) {
      d.value("Max Resp Time", "igmp.max_resp", at + 1, 1, igmp.maxResponseTime(d.view, at, version === 3));
    } else d.raw("Reserved", "igmp.reserved", at + 1, 1);
    d.checksum("igmp", "Checksum", at + 2, at, end, isWhole ? 0 : undefined);
    if (type === igmp.V3_MEMBERSHIP_REPORT) dissectReport(d, at, end);
    else dissectGroup(d, version, at, end);
  });
}

function versionOf(d: Dissection, type: number, at: number, end: number): number {
  if (type === igmp.MEMBERSHIP_QUERY) return igmp.queryVersion(d.view, at, end - at);
  if (type === igmp.V1_MEMBERSHIP_REPORT) return 1;
  return type === igmp.V3_MEMBERSHIP_REPORT ? 3 : 2;
}

function dissectGroup(d: Dissection, version: number, at: number, end: number): void {
  d.ipv4("Multicast Address", "igmp.maddr", at + 4);
  if (version !== 3) {
    d.data(at + igmp.HEADER_LENGTH, end);
    return;
  }
  d.flag("S", "igmp.s", at + 8, 1, 0x08);
  d.bits("QRV", "igmp.qrv", at + 8, 1, 0x07);
  d.uint("QQIC", "igmp.qqic", at + 9, 1);
  const count = d.uint("Num Src", "igmp.num_src", at + 10, 2);
  dissectSources(d, count, at + igmp.V3_QUERY_LENGTH, end);
}

function dissectSources(d: Dissection, count: number, at: number, end: number): void {
  for (let i = 0; i < count && !d.full; i++) {
    if (at + (i + 1) * 4 > end) {
      d.malformed(at + i * 4, "truncated");
      return;
    }
    d.ipv4("Source Address", "igmp.saddr", at + i * 4);
  }
}

function dissectReport(d: Dissection, at: number, end: number): void {
  d.raw("Reserved", "igmp.reserved", at + 4, 2);
  const records = d.uint("Num Group Records", "igmp.num_grp_recs", at + 6, 2);
  let next = at + igmp.HEADER_LENGTH;
  for (let i = 0; i < records && !d.full; i++) {
    if (end - next < 8) {
      d.malformed(next, "truncated");
      return;
    }
    const record = next;
    const count = d.view.getUint16(record + 2);
    const auxiliary = d.view.getUint8(record + 1) * 4;
    const length = 8 + count * 4 + auxiliary;
    d.group("Group Record", "", record, Math.min(length, end - record), () => {
      d.uint("Record Type", "igmp.record_type", record, 1, { names: GROUP_RECORD_NAMES });
      d.uint("Aux Data Len", "igmp.aux_data_len", record + 1, 1);
      d.uint("Num Src", "igmp.num_src", record + 2, 2);
      d.ipv4("Multicast Address", "igmp.maddr", record + 4);
      dissectSources(d, count, record + 8, end);
      if (auxiliary > 0 && length <= end - record) {
        d.raw("Aux Data", "igmp.aux_data", record + length - auxiliary, auxiliary);
      }
    });
    next += length;
  }
}
