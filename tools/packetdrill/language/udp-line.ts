import type { Cursor } from "./cursor.ts";
import { parsePorts, type PortPair } from "./tcp-line.ts";

/** A UDP datagram: `udp (1000)`. */
export interface UdpSpec {
  readonly protocol: "udp";
  readonly ports: PortPair | undefined;
  readonly length: number;
}

/** The UDP part of a packet line, or `undefined` if `udp` does not come next. */
export function parseUdpLine(cursor: Cursor): UdpSpec | undefined {
  if (!cursor.sees(/udp\b(?!lite)/y)) return undefined;
  cursor.expect("udp");
  const ports = parsePorts(cursor);
  cursor.expect("(");
  const length = cursor.integer("payload size", 0xffff);
  cursor.expect(")");
  return { protocol: "udp", ports, length };
}
