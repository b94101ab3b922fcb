import type { Cursor } from "./cursor.ts";
import { parseIcmpLine } from "./icmp-line.ts";
import { parseIpInfo } from "./ip-info.ts";
import type { Action, Direction, PacketBody } from "./script.ts";
import { parseTcpLine } from "./tcp-line.ts";
import { parseUdpLine } from "./udp-line.ts";

/** Each protocol's parser: answers `undefined` where its packet does not begin. SCTP will be one more. */
const BODIES: readonly ((cursor: Cursor) => PacketBody | undefined)[] = [parseIcmpLine, parseUdpLine, parseTcpLine];

/** Words with which packets begin that are named and not understood. */
const FOREIGN = /(sctp|udplite|gre|mpls|ipv4|ipv6|arp)\b[^\n]*/y;

/** What follows the time of a packet line, or `undefined` if no `<` or `>` comes next. */
export function parsePacketLine(cursor: Cursor): Action | undefined {
  const arrow = cursor.match(/[<>]/y)?.[0];
  if (arrow === undefined) return undefined;
  const direction: Direction = arrow === "<" ? "in" : "out";
  const ip = parseIpInfo(cursor);
  const foreign = cursor.match(FOREIGN);
  if (foreign !== undefined) {
    skipToNextEvent(cursor);
    return { kind: "unsupported", feature: `${foreign[1] as string} packets` };
  }
  for (const parse of BODIES) {
    const body = parse(cursor);
    if (body === undefined) continue;
    if (direction === "in") requireComplete(cursor, body, ip.ecn === "ect01");
    return { kind: "packet", direction, ip, body };
  }
  throw cursor.error("expected a packet");
}

/** Wildcards are for packets that are compared, not for those that are made. */
function requireComplete(cursor: Cursor, body: PacketBody, ect01: boolean): void {
  if (ect01) throw cursor.error("[ect01] is for outbound packets only");
  if (body.protocol !== "tcp") return;
  if (body.options === undefined) throw cursor.error("<...> is for outbound packets only");
  if (body.seq === undefined) throw cursor.error("...(n) is for outbound packets only");
}

/** A packet of a foreign protocol may go on over several lines: up to the next line that begins with a time. */
function skipToNextEvent(cursor: Cursor): void {
  while (!cursor.atEnd() && !cursor.sees(/(?:\+?\s*\d*\.?\d+|\*)\s*(?:[~.<>`%]|[a-z])|`/y))
    cursor.expectMatch(/[^\n]*\n?/y, "a line");
}
