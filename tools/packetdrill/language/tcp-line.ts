import type { Cursor } from "./cursor.ts";
import { parseTcpFlags } from "./tcp-flags.ts";
import { parseTcpOptions, type TcpOption } from "./tcp-options.ts";

const MAX_U16 = 0xffff;
const MAX_U32 = 0xffff_ffff;

/** A TCP segment as a line describes it; what is `undefined` is not compared (outbound) or 0 (inbound). */
export interface TcpSpec {
  readonly protocol: "tcp";
  readonly ports: PortPair | undefined;
  /** Bits of `tcp-flags.ts`. */
  readonly flags: number;
  /** The ACE field was given as a number. */
  readonly ace: boolean;
  /** First sequence number; `undefined`: any (`...(0)`). */
  readonly seq: number | undefined;
  /** `seq` is as on the wire, not counted from the script's ISN (`1:1(0)!`). */
  readonly absoluteSeq: boolean;
  readonly length: number;
  /** `undefined`: no `ack N` in the line. */
  readonly ack: number | undefined;
  readonly window: number | undefined;
  readonly urgent: number | undefined;
  /** `undefined`: any (`<...>`). */
  readonly options: readonly TcpOption[] | undefined;
  /** `ecr N!`: as on the wire. */
  readonly absoluteEcr: boolean;
  /** The segment travels in a UDP datagram with these ports. */
  readonly encapsulation: PortPair | undefined;
  /** `[code N, pen N]`: a diagnostic payload of a RST. */
  readonly resetReason: { readonly code: number; readonly pen: number } | undefined;
}

export interface PortPair {
  readonly source: number;
  readonly destination: number;
}

/** The TCP part of a packet line, or `undefined` if no TCP flags come next. */
export function parseTcpLine(cursor: Cursor): TcpSpec | undefined {
  const ports = parsePorts(cursor);
  const flags = parseTcpFlags(cursor);
  if (flags === undefined) return undefined;
  const sequence = parseSequence(cursor);
  const ack = cursor.takeWord("ack") ? cursor.integer("ack", MAX_U32) : undefined;
  const window = cursor.takeWord("win") ? cursor.integer("win", MAX_U16) : undefined;
  const urgent = cursor.takeWord("urg") ? cursor.integer("urg", MAX_U16) : undefined;
  const { options, absoluteEcr } = parseTcpOptions(cursor);
  const resetReason = parseResetReason(cursor);
  const encapsulation = parseEncapsulation(cursor);
  return {
    protocol: "tcp",
    ports,
    flags: flags.bits,
    ace: flags.ace,
    ...sequence,
    ack,
    window,
    urgent,
    options,
    absoluteEcr,
    encapsulation,
    resetReason,
  };
}

export interface SequenceRange {
  readonly seq: number | undefined;
  readonly length: number;
  readonly absoluteSeq: boolean;
}

/** `1:1001(1000)`, `1:1(0)!` or `...(0)`. */
export function parseSequence(cursor: Cursor): SequenceRange {
  if (cursor.take("...")) {
    cursor.expect("(");
    const length = cursor.integer("payload size", MAX_U16);
    cursor.expect(")");
    return { seq: undefined, length, absoluteSeq: false };
  }
  const seq = cursor.integer("first sequence number", MAX_U32);
  cursor.expect(":");
  const end = cursor.integer("last sequence number", MAX_U32);
  cursor.expect("(");
  const length = cursor.integer("payload size", MAX_U16);
  cursor.expect(")");
  if ((seq + length) % 2 ** 32 !== end) {
    throw cursor.error(`sequence numbers ${seq}:${end} do not agree with a payload of ${length}`);
  }
  return { seq, length, absoluteSeq: cursor.take("!") };
}

export function parsePorts(cursor: Cursor): PortPair | undefined {
  const found = cursor.match(/(\d+)\s*>\s*(\d+)(?=[\s(])/y);
  if (found === undefined) return undefined;
  const pair = { source: Number(found[1]), destination: Number(found[2]) };
  if (pair.source > MAX_U16 || pair.destination > MAX_U16) throw cursor.error("a port is out of range");
  return pair;
}

/** `/udp(9899 > 9899)` (TCP or SCTP in UDP, as in draft-touch-tcp-portnames and RFC 6951). */
export function parseEncapsulation(cursor: Cursor): PortPair | undefined {
  if (!cursor.take("/")) return undefined;
  cursor.expect("udp");
  cursor.expect("(");
  const source = cursor.integer("UDP source port", MAX_U16);
  cursor.expect(">");
  const destination = cursor.integer("UDP destination port", MAX_U16);
  cursor.expect(")");
  return { source, destination };
}

function parseResetReason(cursor: Cursor): { code: number; pen: number } | undefined {
  if (!cursor.sees(/\[\s*code\b/y)) return undefined;
  cursor.expect("[");
  cursor.expect("code");
  const code = cursor.integer("code", MAX_U16);
  cursor.expect(",");
  cursor.expect("pen");
  const pen = cursor.integer("pen", MAX_U32);
  cursor.expect("]");
  return { code, pen };
}
