import { pseudoHeader4 } from "@seville/checksum";
import * as ipv4 from "../../header/ipv4.ts";
import type { Dissection } from "../dissection.ts";
import { ECN_NAMES, IP_PROTOCOL_NAMES } from "../names.ts";
import { dissectIpv4Options } from "./ipv4-options.ts";

/** IPv4 (RFC 791). */
export function dissectIpv4(d: Dissection, at: number, end: number): void {
  const fault = ipv4.check(d.view, at, end);
  const isReadable = fault === undefined || (fault === "truncated" && end - at >= ipv4.HEADER_LENGTH);
  if (!isReadable || ipv4.headerLength(d.view, at) > end - at) {
    d.group("Internet Protocol Version 4", "ip", at, end - at, () => {
      d.malformed(at, fault ?? "truncated");
      d.data(at, end);
    });
    return;
  }
  const headerLength = ipv4.headerLength(d.view, at);
  const packetEnd = Math.min(end, at + ipv4.totalLength(d.view, at));
  const route = sourceRoute(d, at);
  d.group("Internet Protocol Version 4", "ip", at, headerLength, () => {
    dissectFields(d, at, headerLength, route.isPending);
    if (fault !== undefined && !d.isPartial) d.malformed(at + 2, fault);
    if (headerLength > ipv4.HEADER_LENGTH) {
      dissectIpv4Options(d, at + ipv4.HEADER_LENGTH, at + headerLength, route.isPending);
    }
  });

  d.packetEnd = packetEnd;
  const isFragment = ipv4.isFragment(d.view, at);
  const isWhole = fault === undefined && !isFragment;
  const source = ipv4.source(d.view, at);
  d.pseudoHeader = isWhole ? (protocol, bytes) => pseudoHeader4(source, route.end, protocol, bytes) : undefined;
  const payload = at + headerLength;
  const { isPartial } = d;
  d.isPartial ||= isFragment;
  if (ipv4.fragmentOffset(d.view, at) > 0) d.data(payload, packetEnd);
  else d.dispatch("ipProtocol", ipv4.protocol(d.view, at), payload, packetEnd);
  d.isPartial = isPartial;
  d.packetEnd = packetEnd;
}

/** Where a source route that is not used up leads: the destination of the pseudo-header (RFC 1122 §3.2.1.8 c). */
function sourceRoute(d: Dissection, at: number): { readonly end: number; readonly isPending: boolean } {
  for (const option of ipv4.parseOptions(d.view, at)) {
    if (option.kind !== "lsrr" && option.kind !== "ssrr") continue;
    const last = option.route.at(-1);
    if (last !== undefined && option.pointer <= 3 + option.route.length * 4) return { end: last, isPending: true };
  }
  return { end: ipv4.destination(d.view, at), isPending: false };
}

function dissectFields(d: Dissection, at: number, headerLength: number, isRouted: boolean): void {
  d.bits("Version", "ip.version", at, 1, 0xf0);
  d.value("Header Length", "ip.hdr_len", at, 1, headerLength, `${headerLength} bytes (${headerLength / 4})`);
  d.uint("Differentiated Services Field", "ip.dsfield", at + 1, 1, { hex: true });
  d.below(() => {
    d.bits("Differentiated Services Codepoint", "ip.dsfield.dscp", at + 1, 1, 0xfc);
    d.bits("Explicit Congestion Notification", "ip.dsfield.ecn", at + 1, 1, 0x03, { names: ECN_NAMES });
  });
  d.uint("Total Length", "ip.len", at + 2, 2);
  d.uint("Identification", "ip.id", at + 4, 2, { hex: true });
  d.bits("Flags", "ip.flags", at + 6, 1, 0xe0, { hex: true });
  d.below(() => {
    d.flag("Reserved bit", "ip.flags.rb", at + 6, 1, 0x80);
    d.flag("Don't fragment", "ip.flags.df", at + 6, 1, 0x40);
    d.flag("More fragments", "ip.flags.mf", at + 6, 1, 0x20);
  });
  d.bits("Fragment Offset", "ip.frag_offset", at + 6, 2, 0x1fff, {
    unit: ` (${ipv4.fragmentOffset(d.view, at)} bytes)`,
  });
  d.uint("Time to Live", "ip.ttl", at + 8, 1);
  d.uint("Protocol", "ip.proto", at + 9, 1, { names: IP_PROTOCOL_NAMES });
  d.checksum("ip", "Header Checksum", at + 10, at, at + headerLength, 0);
  d.ipv4("Source Address", "ip.src", at + 12);
  // On its way along a source route, a packet is addressed to the next hop.
  if (isRouted) d.ipv4("Current Route", "ip.cur_rt", at + 16);
  else d.ipv4("Destination Address", "ip.dst", at + 16);
}
