import type { Cursor } from "./cursor.ts";

/** What of an IP header a packet line says: `[ect0]`, `(tos 0x2e, ttl 3)`, `(flowlabel 0x1234)` … */
export interface IpInfo {
  /** Explicit Congestion Notification bits, or `ect01`: either of the two ECT code points. */
  readonly ecn: number | "ect01" | undefined;
  readonly dscp: number | undefined;
  /** TTL or hop limit. */
  readonly ttl: number | undefined;
  readonly flowLabel: number | undefined;
}

export const NO_IP_INFO: IpInfo = { ecn: undefined, dscp: undefined, ttl: undefined, flowLabel: undefined };

const ECN: Readonly<Record<string, number | "ect01">> = { noecn: 0, ect1: 1, ect0: 2, ce: 3, ect01: "ect01" };

/** Names of DSCP code points (RFC 2474, 2597, 3246, 5865, 8622). */
const DSCP: Readonly<Record<string, number>> = {
  ...Object.fromEntries(Array.from({ length: 8 }, (_, i) => [`cs${i}`, i << 3])),
  ...Object.fromEntries(
    [1, 2, 3, 4].flatMap((row) => [1, 2, 3].map((drop) => [`af${row}${drop}`, (row << 3) | (drop << 1)])),
  ),
  ef: 46,
  "voice-admit": 44,
  le: 1,
};

const OPENING = /[([](?=\s*(?:noecn|ect01|ect0|ect1|ce|ecn|tos|class|dscp|ttl|hlim|flowlabel)\b)/y;

/** The IP prefix of a packet line, if there is one. */
export function parseIpInfo(cursor: Cursor): IpInfo {
  const opening = cursor.match(OPENING);
  if (opening === undefined) return NO_IP_INFO;
  const info: { -readonly [K in keyof IpInfo]: IpInfo[K] } = { ...NO_IP_INFO };
  do {
    const [word] = cursor.expectMatch(/[a-z]\w*/y, "a field of the IP header");
    if (word in ECN) info.ecn = ECN[word];
    else if (word === "ecn") info.ecn = ECN[cursor.expectMatch(/noecn|ect01|ect0|ect1|ce/y, "an ECN code point")[0]];
    else if (word === "tos" || word === "class") {
      const tos = cursor.integer(word, 0xff);
      info.dscp = tos >> 2;
      info.ecn = tos & 3;
    } else if (word === "dscp") info.dscp = parseDscp(cursor);
    else if (word === "ttl" || word === "hlim") info.ttl = cursor.integer(word, 0xff);
    else if (word === "flowlabel") info.flowLabel = cursor.integer(word, 0xf_ffff);
    else throw cursor.error(`unknown field ${word} of the IP header`);
  } while (cursor.take(","));
  cursor.expect(opening[0] === "(" ? ")" : "]");
  return info;
}

function parseDscp(cursor: Cursor): number {
  const name = cursor.match(/cs[0-7]|af[1-4][1-3]|ef|voice-admit|le/y)?.[0];
  if (name === undefined) return cursor.integer("dscp", 0x3f);
  return DSCP[name] as number;
}
