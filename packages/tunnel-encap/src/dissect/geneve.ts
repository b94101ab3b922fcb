import type { Dissection } from "@seville/packet";
import * as geneve from "../header/geneve.ts";

const NAME = "Generic Network Virtualization Encapsulation";

/** Geneve with its options (RFC 8926). */
export function dissectGeneve(d: Dissection, at: number, end: number): void {
  const fault = geneve.check(d.view, at, end);
  if (fault !== undefined && (fault !== "bad-option" || end - at < geneve.HEADER_LENGTH)) {
    d.group(NAME, "geneve", at, end - at, () => d.malformed(at, fault));
    return;
  }
  const length = geneve.headerLength(d.view, at);
  d.group(NAME, "geneve", at, length, () => {
    d.value("Version", "geneve.version", at, 1, geneve.version(d.view, at));
    // The name is Wireshark's, for the length of all options.
    const optionBytes = length - geneve.HEADER_LENGTH;
    d.value("Length", "geneve.option.length", at, 1, optionBytes, `${optionBytes} bytes`);
    d.uint("Flags", "geneve.flags", at + 1, 1, { hex: true });
    d.flag("Operations, Administration and Management Frame", "geneve.flags.oam", at + 1, 1, 0x80);
    d.flag("Critical Options Present", "geneve.flags.critical", at + 1, 1, 0x40);
    d.flag("Reserved", "geneve.flags.reserved", at + 1, 1, 0x3f);
    d.uint("Protocol Type", "geneve.proto_type", at + 2, 2, { hex: true });
    d.uint("Virtual Network Identifier (VNI)", "geneve.vni", at + 4, 3, { hex: true });
    d.uint("Reserved", "geneve.reserved", at + 7, 1, { hex: true });
    if (fault !== undefined) d.malformed(at + geneve.HEADER_LENGTH, fault);
    else if (optionBytes > 0) dissectOptions(d, at + geneve.HEADER_LENGTH, at + length);
  });
  d.dispatch("etherType", geneve.protocol(d.view, at), at + length, end);
}

function dissectOptions(d: Dissection, at: number, end: number): void {
  d.group("Geneve Options", "geneve.options", at, end - at, () => {
    for (let next = at; next < end && !d.full; next += geneve.optionLengthAt(d.view, next)) dissectOption(d, next);
  });
}

function dissectOption(d: Dissection, at: number): void {
  const length = geneve.optionLengthAt(d.view, at);
  d.group("Option", "geneve.option", at, length, () => {
    d.uint("Class", "geneve.option.class", at, 2, { hex: true });
    d.uint("Type", "geneve.option.type", at + 2, 1, { hex: true });
    d.flag("Critical Option", "geneve.option.type.critical", at + 2, 1, 0x80);
    d.flag("Reserved", "geneve.option.flags.reserved", at + 3, 1, 0xe0);
    d.value("Length", "geneve.option.length", at + 3, 1, length, `${length} bytes`);
    if (length > 4) d.raw("Unknown Option Data", "geneve.option.unknown.data", at + 4, length - 4);
  });
}
