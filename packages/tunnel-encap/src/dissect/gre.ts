import type { Dissection } from "@seville/packet";
import { ETH_P_ERSPAN, ETH_P_ERSPAN2 } from "../header/erspan.ts";
import * as gre from "../header/gre.ts";
import { dissectErspan, dissectErspanTypeI } from "./erspan.ts";

/** GRE (RFC 2784, RFC 2890). What is not of version 0, or has source routes, is named and left as data. */
export function dissectGre(d: Dissection, at: number, end: number): void {
  const fault = gre.check(d.view, at, end);
  if (fault === "truncated") {
    d.group("Generic Routing Encapsulation", "gre", at, end - at, () => d.malformed(at, fault));
    return;
  }
  const flags = gre.flags(d.view, at);
  const length = fault === undefined ? gre.lengthOf(flags) : gre.HEADER_LENGTH;
  d.group("Generic Routing Encapsulation", "gre", at, length, () => {
    dissectFlags(d, at);
    d.uint("Protocol Type", "gre.proto", at + 2, 2, { hex: true });
    if (fault !== undefined) d.malformed(at, fault);
    else dissectOptional(d, at, end, flags);
  });
  const payload = at + length;
  if (fault !== undefined) {
    d.data(payload, end);
    return;
  }
  const type = gre.protocol(d.view, at);
  if (type === ETH_P_ERSPAN && (flags & gre.FLAG_SEQUENCE) === 0) dissectErspanTypeI(d, payload, end);
  else if (type === ETH_P_ERSPAN || type === ETH_P_ERSPAN2) dissectErspan(d, payload, end);
  else d.dispatch("etherType", type, payload, end);
}

function dissectFlags(d: Dissection, at: number): void {
  d.uint("Flags and Version", "gre.flags_and_version", at, 2, { hex: true });
  d.flag("Checksum Bit", "gre.flags.checksum", at, 2, 0x8000);
  d.flag("Routing Bit", "gre.flags.routing", at, 2, 0x4000);
  d.flag("Key Bit", "gre.flags.key", at, 2, 0x2000);
  d.flag("Sequence Number Bit", "gre.flags.sequence_number", at, 2, 0x1000);
  d.flag("Strict Source Route Bit", "gre.flags.strict_source_route", at, 2, 0x0800);
  d.bits("Recursion control", "gre.flags.recursion_control", at, 2, 0x0700);
  d.bits("Flags (Reserved)", "gre.flags.reserved", at, 2, 0x00f8);
  d.bits("Version", "gre.flags.version", at, 2, 0x0007);
}

function dissectOptional(d: Dissection, at: number, end: number, flags: number): void {
  let next = at + gre.HEADER_LENGTH;
  if ((flags & gre.FLAG_CHECKSUM) !== 0) {
    d.checksum("gre", "Checksum", next, at, end, 0);
    d.uint("Offset", "gre.offset", next + 2, 2);
    next += 4;
  }
  if ((flags & gre.FLAG_KEY) !== 0) {
    d.uint("Key", "gre.key", next, 4, { hex: true });
    next += 4;
  }
  if ((flags & gre.FLAG_SEQUENCE) !== 0) d.uint("Sequence Number", "gre.sequence_number", next, 4);
}
