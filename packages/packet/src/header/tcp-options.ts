import { invalidArgument } from "@seville/core";
import type { HeaderFault } from "./fault.ts";

/*
 * TCP options, RFC 9293 §3.2:
 *
 *   +--------+   or   +--------+--------+------------
 *   |  kind  |        |  kind  | length | data …
 *   +--------+        +--------+--------+------------
 */
export const OPTION_END = 0;
export const OPTION_NOP = 1;
export const OPTION_MSS = 2;
/** RFC 7323 §2. */
export const OPTION_WINDOW_SCALE = 3;
/** RFC 2018 §2. */
export const OPTION_SACK_PERMITTED = 4;
/** RFC 2018 §3. */
export const OPTION_SACK = 5;
/** RFC 7323 §3. */
export const OPTION_TIMESTAMPS = 8;
/** RFC 2385. */
export const OPTION_MD5 = 19;
/** RFC 5925. */
export const OPTION_AO = 29;
/** RFC 7413. */
export const OPTION_FAST_OPEN = 34;

/** What the options area can hold. */
export const MAX_OPTIONS_LENGTH = 40;
/** Greatest shift; a greater one is taken as this (RFC 7323 §2.3). */
export const MAX_WINDOW_SCALE = 14;

export interface TcpSackBlock {
  /** First sequence number of the block. */
  readonly left: number;
  /** The one behind its last. */
  readonly right: number;
}

export type TcpOption =
  | { readonly kind: "end" }
  | { readonly kind: "nop" }
  | { readonly kind: "mss"; readonly value: number }
  | { readonly kind: "window-scale"; readonly shift: number }
  | { readonly kind: "sack-permitted" }
  | { readonly kind: "sack"; readonly blocks: readonly TcpSackBlock[] }
  | { readonly kind: "timestamps"; readonly value: number; readonly echoReply: number }
  /** An empty cookie asks for one. */
  | { readonly kind: "fast-open"; readonly cookie: Uint8Array }
  /** Kept as it is: 16 bytes of digest. */
  | { readonly kind: "md5"; readonly digest: Uint8Array }
  /** Kept as it is: KeyID, RNextKeyID and MAC. */
  | { readonly kind: "ao"; readonly data: Uint8Array }
  | { readonly kind: "unknown"; readonly type: number; readonly data: Uint8Array };

/** Bytes of the option at `at`, or 0: it does not fit before `end`, or its length is none. */
export function optionLengthAt(view: DataView, at: number, end: number): number {
  if (view.getUint8(at) <= OPTION_NOP) return 1;
  if (end - at < 2) return 0;
  const length = view.getUint8(at + 1);
  return length < 2 || length > end - at ? 0 : length;
}

/** Offset of the first option `type` in the (checked) header at `at`, or -1. Stops at a malformed one. */
export function findOption(view: DataView, at: number, type: number): number {
  const end = at + (view.getUint8(at + 12) >>> 4) * 4;
  let next = at + 20;
  while (next < end) {
    const found = view.getUint8(next);
    if (found === type) return next;
    const length = optionLengthAt(view, next, end);
    if (length === 0 || found === OPTION_END) return -1;
    next += length;
  }
  return -1;
}

/** The options of the (checked) header at `at`, up to the end-of-list or the first malformed one. */
export function parseOptions(
  view: DataView,
  at: number,
): { readonly options: readonly TcpOption[]; readonly fault: HeaderFault | undefined } {
  const end = at + (view.getUint8(at + 12) >>> 4) * 4;
  const options: TcpOption[] = [];
  let next = at + 20;
  while (next < end) {
    const length = optionLengthAt(view, next, end);
    if (length === 0) return { options, fault: "bad-option" };
    const option = parseOption(view, next, length);
    options.push(option);
    if (option.kind === "end") break;
    next += length;
  }
  return { options, fault: undefined };
}

/** An option of a known kind with a wrong length is `unknown`. */
function parseOption(view: DataView, at: number, length: number): TcpOption {
  const type = view.getUint8(at);
  if (type === OPTION_END) return { kind: "end" };
  if (type === OPTION_NOP) return { kind: "nop" };
  if (type === OPTION_MSS && length === 4) return { kind: "mss", value: view.getUint16(at + 2) };
  if (type === OPTION_WINDOW_SCALE && length === 3) return { kind: "window-scale", shift: view.getUint8(at + 2) };
  if (type === OPTION_SACK_PERMITTED && length === 2) return { kind: "sack-permitted" };
  if (type === OPTION_SACK && length >= 10 && (length - 2) % 8 === 0) {
    const blocks: TcpSackBlock[] = [];
    for (let i = at + 2; i < at + length; i += 8) {
      blocks.push({ left: view.getUint32(i), right: view.getUint32(i + 4) });
    }
    return { kind: "sack", blocks };
  }
  if (type === OPTION_TIMESTAMPS && length === 10) {
    return { kind: "timestamps", value: view.getUint32(at + 2), echoReply: view.getUint32(at + 6) };
  }
  const data = new Uint8Array(view.buffer, view.byteOffset + at + 2, length - 2).slice();
  if (type === OPTION_FAST_OPEN && isCookieLength(data.length)) return { kind: "fast-open", cookie: data };
  if (type === OPTION_MD5 && length === 18) return { kind: "md5", digest: data };
  if (type === OPTION_AO && length >= 4) return { kind: "ao", data };
  return { kind: "unknown", type, data };
}

/** RFC 7413 §4.1.1: none, or 4 to 16 bytes and an even number of them. */
function isCookieLength(length: number): boolean {
  return length === 0 || (length >= 4 && length <= 16 && length % 2 === 0);
}

/** Bytes that {@link writeOptions} will write: a multiple of 4, at most 40. */
export function optionsLength(options: readonly TcpOption[]): number {
  const bytes = options.reduce((sum, option) => sum + optionLength(option), 0);
  const padded = Math.ceil(bytes / 4) * 4;
  if (padded > MAX_OPTIONS_LENGTH) throw invalidArgument("options", "at most 40 bytes of options", padded);
  return padded;
}

function optionLength(option: TcpOption): number {
  switch (option.kind) {
    case "end":
    case "nop":
      return 1;
    case "mss":
      return 4;
    case "window-scale":
      return 3;
    case "sack-permitted":
      return 2;
    case "sack":
      return 2 + option.blocks.length * 8;
    case "timestamps":
      return 10;
    case "fast-open":
      return 2 + option.cookie.length;
    case "md5":
      return 2 + option.digest.length;
    case "ao":
    case "unknown":
      return 2 + option.data.length;
  }
}

/** Writes the options at `at`, padded with zeros to a multiple of 4, and returns how many bytes that are. */
export function writeOptions(view: DataView, at: number, options: readonly TcpOption[]): number {
  const total = optionsLength(options);
  let next = at;
  for (const option of options) {
    writeOption(view, next, option);
    next += optionLength(option);
  }
  while (next < at + total) view.setUint8(next++, OPTION_END);
  return total;
}

function writeOption(view: DataView, at: number, option: TcpOption): void {
  if (option.kind === "end" || option.kind === "nop") {
    view.setUint8(at, option.kind === "end" ? OPTION_END : OPTION_NOP);
    return;
  }
  view.setUint8(at + 1, optionLength(option));
  switch (option.kind) {
    case "mss":
      view.setUint8(at, OPTION_MSS);
      view.setUint16(at + 2, option.value);
      return;
    case "window-scale":
      view.setUint8(at, OPTION_WINDOW_SCALE);
      view.setUint8(at + 2, option.shift);
      return;
    case "sack-permitted":
      view.setUint8(at, OPTION_SACK_PERMITTED);
      return;
    case "sack":
      view.setUint8(at, OPTION_SACK);
      for (const [i, block] of option.blocks.entries()) {
        view.setUint32(at + 2 + i * 8, block.left);
        view.setUint32(at + 6 + i * 8, block.right);
      }
      return;
    case "timestamps":
      view.setUint8(at, OPTION_TIMESTAMPS);
      view.setUint32(at + 2, option.value);
      view.setUint32(at + 6, option.echoReply);
      return;
    case "fast-open":
      view.setUint8(at, OPTION_FAST_OPEN);
      writeBytes(view, at + 2, option.cookie);
      return;
    case "md5":
      view.setUint8(at, OPTION_MD5);
      writeBytes(view, at + 2, option.digest);
      return;
    case "ao":
      view.setUint8(at, OPTION_AO);
      writeBytes(view, at + 2, option.data);
      return;
    case "unknown":
      view.setUint8(at, option.type);
      writeBytes(view, at + 2, option.data);
  }
}

function writeBytes(view: DataView, at: number, bytes: Uint8Array): void {
  for (const [i, byte] of bytes.entries()) view.setUint8(at + i, byte);
}
