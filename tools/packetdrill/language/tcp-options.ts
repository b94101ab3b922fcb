import type { Cursor } from "./cursor.ts";

const MAX_U32 = 0xffff_ffff;

/** Kinds (IANA "TCP Option Kind Numbers"). */
export const TCPOPT_EOL = 0;
export const TCPOPT_NOP = 1;
export const TCPOPT_MSS = 2;
export const TCPOPT_WSCALE = 3;
export const TCPOPT_SACK_PERMITTED = 4;
export const TCPOPT_SACK = 5;
export const TCPOPT_TIMESTAMP = 8;
export const TCPOPT_MD5 = 19;
export const TCPOPT_FAST_OPEN = 34;
export const TCPOPT_ACC_ECN_0 = 172;
export const TCPOPT_ACC_ECN_1 = 174;
export const TCPOPT_EXPERIMENT = 254;

/** Experiment identifiers (IANA "TCP Experimental Option Experiment Identifiers"). */
export const EXID_FAST_OPEN = 0xf989;
export const EXID_ACC_ECN_0 = 0xacc0;
export const EXID_ACC_ECN_1 = 0xacc1;
export const EXID_TARR = 0x00ac;

/** Names of the AccECN counters in their order on the wire, by kind (RFC 9768 §3.2.3). */
export const ACC_ECN_FIELDS: readonly [readonly string[], readonly string[]] = [
  ["e0b", "ceb", "e1b"],
  ["e1b", "ceb", "e0b"],
];

/** A TCP option as a line names it. */
export type TcpOption =
  | { readonly kind: "nop" | "eol" | "sackOK" }
  | { readonly kind: "mss" | "wscale"; readonly value: number }
  | { readonly kind: "sack"; readonly blocks: readonly (readonly [number, number])[] }
  /** `val` is `undefined` for `TS val ...`: any. */
  | { readonly kind: "TS"; readonly val: number | undefined; readonly ecr: number }
  | { readonly kind: "FO" | "FOEXP"; readonly cookie: string }
  | {
      readonly kind: "AccECN";
      readonly order: 0 | 1;
      readonly counters: readonly number[];
      readonly experimental: boolean;
    }
  | { readonly kind: "TARR"; readonly rate: number | undefined }
  /** `md5 valid` has no digest: it is to be the right one. */
  | { readonly kind: "md5"; readonly digest: string | undefined }
  /** `gen-253 0a0b`: any kind with these bytes. */
  | { readonly kind: "generic"; readonly number: number; readonly data: string }
  | { readonly kind: "experiment"; readonly exid: number; readonly data: string }
  /** All the options as bytes. */
  | { readonly kind: "raw"; readonly data: string };

export interface ParsedOptions {
  /** `undefined`: any. */
  readonly options: readonly TcpOption[] | undefined;
  readonly absoluteEcr: boolean;
}

/** `<mss 1460,sackOK,…>`, `<...>` or nothing. */
export function parseTcpOptions(cursor: Cursor): ParsedOptions {
  if (!cursor.take("<")) return { options: [], absoluteEcr: false };
  if (cursor.sees(/\.\.\.\s*>/y)) {
    cursor.expect("...");
    cursor.expect(">");
    return { options: undefined, absoluteEcr: false };
  }
  const raw = cursor.match(/(?:0x)?((?:[0-9a-fA-F]{2})+)(?=\s*>)/y);
  if (raw !== undefined) {
    cursor.expect(">");
    return { options: [{ kind: "raw", data: hex(raw[1] as string) }], absoluteEcr: false };
  }
  const options: TcpOption[] = [];
  let absoluteEcr = false;
  do {
    const option = parseOption(cursor);
    options.push(option);
    if (option.kind === "TS" && cursor.take("!")) absoluteEcr = true;
  } while (cursor.take(","));
  cursor.expect(">");
  return { options, absoluteEcr };
}

function parseOption(cursor: Cursor): TcpOption {
  const [word] = cursor.expectMatch(/[A-Za-z][\w-]*/y, "a TCP option");
  switch (word) {
    case "nop":
    case "eol":
    case "sackOK":
      return { kind: word };
    case "mss":
      return { kind: "mss", value: cursor.integer("mss", 0xffff) };
    case "wscale":
      return { kind: "wscale", value: cursor.integer("wscale", 0xff) };
    case "sack":
      return { kind: "sack", blocks: parseBlocks(cursor) };
    case "TS":
      return parseTimestamp(cursor);
    case "FO":
      return { kind: "FO", cookie: blob(cursor) };
    case "FOEXP":
    case "EXP-FO":
    case "exp-FO":
      return { kind: "FOEXP", cookie: blob(cursor) };
    case "md5":
      if (cursor.takeWord("valid")) return { kind: "md5", digest: undefined };
      return { kind: "md5", digest: blob(cursor) };
    case "ECN":
      return parseAccEcn(cursor, undefined, false);
    case "AccECN0":
    case "AccECN1":
      return parseAccEcn(cursor, word === "AccECN0" ? 0 : 1, false);
    case "exp-AccECN0":
    case "exp-AccECN1":
      return parseAccEcn(cursor, word === "exp-AccECN0" ? 0 : 1, true);
    case "exp-tarr":
      return { kind: "TARR", rate: cursor.sees(/\d/y) ? cursor.integer("rate", 0x7f) : undefined };
    default:
      return parseNumbered(cursor, word);
  }
}

function parseBlocks(cursor: Cursor): [number, number][] {
  const blocks: [number, number][] = [];
  while (cursor.sees(/\d+\s*:/y)) {
    const left = cursor.integer("left edge", MAX_U32);
    cursor.expect(":");
    blocks.push([left, cursor.integer("right edge", MAX_U32)]);
  }
  if (blocks.length === 0) throw cursor.error("expected a SACK block");
  return blocks;
}

function parseTimestamp(cursor: Cursor): TcpOption {
  cursor.expect("val");
  const val = cursor.take("...") ? undefined : cursor.integer("TS val", MAX_U32);
  cursor.expect("ecr");
  return { kind: "TS", val, ecr: cursor.integer("TS ecr", MAX_U32) };
}

/** `ECN e1b 1 ceb 0 e0b 1` (which counter stands first says the kind) or `AccECN0 ee0b 1 eceb 0 ee1b 1`. */
function parseAccEcn(cursor: Cursor, order: 0 | 1 | undefined, experimental: boolean): TcpOption {
  const counters: number[] = [];
  let known = order;
  for (;;) {
    const name = cursor.match(/e?(e0b|e1b|ceb)(?=\s)/y)?.[1];
    if (name === undefined) break;
    known ??= name === "e0b" ? 0 : 1;
    if (ACC_ECN_FIELDS[known][counters.length] !== name) throw cursor.error(`${name} out of its order`);
    counters.push(cursor.integer(name, 0xff_ffff));
  }
  return { kind: "AccECN", order: known ?? 1, counters, experimental };
}

function parseNumbered(cursor: Cursor, word: string): TcpOption {
  const generic = /^gen-(\d+)$/.exec(word);
  if (generic !== null) {
    const number = Number(generic[1]);
    if (number > 255) throw cursor.error(`option kind ${number} is out of range`);
    return { kind: "generic", number, data: blob(cursor) };
  }
  const experiment = /^exp-([0-9a-fA-F]{1,4})$/.exec(word);
  if (experiment === null) throw cursor.error(`unknown TCP option ${word}`);
  return { kind: "experiment", exid: Number.parseInt(experiment[1] as string, 16), data: blob(cursor) };
}

function blob(cursor: Cursor): string {
  return hex(cursor.match(/(?:0x)?([0-9a-fA-F]+)(?=[\s,>])/y)?.[1] ?? "");
}

function hex(text: string): string {
  return text.toLowerCase();
}
