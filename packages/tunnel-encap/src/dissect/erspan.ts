import { ETH_P_TEB, type Dissection } from "@seville/packet";
import * as erspan from "../header/erspan.ts";

const NAME = "Encapsulated Remote Switch Packet ANalysis";

/** Type I has no header: the frame follows. */
export function dissectErspanTypeI(d: Dissection, at: number, end: number): void {
  d.group(`${NAME} Type I`, "erspan", at, 0, () => undefined);
  d.dispatch("etherType", ETH_P_TEB, at, end);
}

/** ERSPAN types II and III (draft-foschiano-erspan-03). */
export function dissectErspan(d: Dissection, at: number, end: number): void {
  const fault = erspan.check(d.view, at, end);
  if (fault !== undefined) {
    d.group(NAME, "erspan", at, end - at, () => d.malformed(at, fault));
    return;
  }
  const isTypeII = erspan.version(d.view, at) === erspan.VERSION_II;
  d.group(`${NAME} Type ${isTypeII ? "II" : "III"}`, "erspan", at, end - at, () => {
    d.bits("Version", "erspan.version", at, 2, 0xf000);
    d.bits("Vlan", "erspan.vlan", at, 2, 0x0fff);
    d.bits("COS", "erspan.cos", at + 2, 2, 0xe000);
    if (isTypeII) d.bits("Encap", "erspan.encap", at + 2, 2, 0x1800);
    else d.bits("Bad/Short/Oversized", "erspan.bso", at + 2, 2, 0x1800);
    d.bits("Truncated", "erspan.truncated", at + 2, 2, 0x0400);
    d.bits("SpanID", "erspan.spanid", at + 2, 2, 0x03ff);
    if (isTypeII) {
      d.bits("Reserved", "erspan.reserved", at + 4, 4, 0xfff0_0000);
      d.bits("Index", "erspan.index", at + 4, 4, 0xf_ffff);
    } else dissectTypeIII(d, at);
  });
  d.dispatch("etherType", ETH_P_TEB, at + erspan.headerLength(d.view, at), end);
}

function dissectTypeIII(d: Dissection, at: number): void {
  d.uint("Timestamp", "erspan.timestamp", at + 4, 4);
  d.uint("Security Group Tag", "erspan.sgt", at + 8, 2);
  d.bits("Has Ethernet PDU", "erspan.p", at + 10, 2, 0x8000);
  d.bits("Frame Type", "erspan.ft", at + 10, 2, 0x7c00);
  d.bits("Hardware ID", "erspan.hw", at + 10, 2, 0x03f0);
  d.bits("Direction", "erspan.direction", at + 10, 2, 0x0008);
  d.bits("Timestamp granularity", "erspan.gra", at + 10, 2, 0x0006);
  d.bits("Optional Sub headers", "erspan.o", at + 10, 2, 0x0001);
  if (!erspan.hasSubheader(d.view, at)) return;
  d.bits("Platform ID", "erspan.platid", at + 12, 4, 0xfc00_0000);
}
