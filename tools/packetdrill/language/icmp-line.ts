import type { Cursor } from "./cursor.ts";
import { parseEncapsulation, parseSequence, type PortPair } from "./tcp-line.ts";

/** An ICMP or ICMPv6 message: `icmp unreachable frag_needed mtu 1200 [1:1001(1000)]`. */
export interface IcmpSpec {
  readonly protocol: "icmp";
  readonly type: string;
  readonly code: string | undefined;
  readonly mtu: number | undefined;
  readonly id: number | undefined;
  /** The packet that it quotes. */
  readonly quoted: QuotedPacket;
}

export interface QuotedPacket {
  readonly protocol: "tcp" | "udp";
  readonly seq: number;
  readonly length: number;
  readonly encapsulation: PortPair | undefined;
}

/** The ICMP part of a packet line, or `undefined` if `icmp` does not come next. */
export function parseIcmpLine(cursor: Cursor): IcmpSpec | undefined {
  if (!cursor.takeWord("icmp")) return undefined;
  const [type] = cursor.expectMatch(/\w+/y, "an ICMP type");
  const code = cursor.sees(/mtu\b|id\b/y) ? undefined : cursor.match(/[A-Za-z_]\w*/y)?.[0];
  const mtu = cursor.takeWord("mtu") ? cursor.integer("mtu", 0xffff_ffff) : undefined;
  const id = cursor.takeWord("id") ? cursor.integer("id", 0xffff) : undefined;
  return { protocol: "icmp", type, code, mtu, id, quoted: parseQuoted(cursor) };
}

function parseQuoted(cursor: Cursor): QuotedPacket {
  if (!cursor.take("[")) return { protocol: "tcp", seq: 0, length: 0, encapsulation: undefined };
  if (cursor.takeWord("udp")) {
    cursor.expect("(");
    const length = cursor.integer("payload size", 0xffff);
    cursor.expect(")");
    cursor.expect("]");
    return { protocol: "udp", seq: 0, length, encapsulation: undefined };
  }
  const { seq = 0, length } = parseSequence(cursor);
  const encapsulation = parseEncapsulation(cursor);
  cursor.expect("]");
  return { protocol: "tcp", seq, length, encapsulation };
}
