import { invalidArgument } from "@seville/core";
import type { Ipv4Address } from "../address/ipv4.ts";

/*
 * IPv4 options, RFC 791 §3.1 "Options":
 *
 *   +--------+   or   +--------+--------+------------
 *   |  type  |        |  type  | length | data …
 *   +--------+        +--------+--------+------------
 *
 * The type's high bit says that fragments carry a copy. RR, LSRR, SSRR and TS have a pointer, counted from 1 at the type,
 * to the next free or unused place.
 */
export const OPTION_END = 0;
export const OPTION_NOP = 1;
export const OPTION_RR = 7;
export const OPTION_TIMESTAMP = 68;
export const OPTION_LSRR = 131;
export const OPTION_SSRR = 137;
/** RFC 2113. */
export const OPTION_ROUTER_ALERT = 148;
/** Bit of the type: copied into every fragment. */
export const OPTION_COPIED = 0x80;

/** Flags of {@link OPTION_TIMESTAMP}. */
export const TIMESTAMP_ONLY = 0;
export const TIMESTAMP_AND_ADDRESS = 1;
export const TIMESTAMP_PRESPECIFIED = 3;

export interface Ipv4TimestampEntry {
  readonly address?: Ipv4Address | undefined;
  /** Milliseconds since midnight UT, with the high bit set if it is something else. */
  readonly time: number;
}

export type Ipv4Option =
  | { readonly kind: "end" }
  | { readonly kind: "nop" }
  | { readonly kind: "rr" | "lsrr" | "ssrr"; readonly pointer: number; readonly route: readonly Ipv4Address[] }
  | {
      readonly kind: "timestamp";
      readonly pointer: number;
      /** How many hops had no room. */
      readonly overflow: number;
      readonly flag: number;
      readonly entries: readonly Ipv4TimestampEntry[];
    }
  | { readonly kind: "router-alert"; readonly value: number }
  | { readonly kind: "unknown"; readonly type: number; readonly data: Uint8Array };

const ROUTE_TYPES = { rr: OPTION_RR, lsrr: OPTION_LSRR, ssrr: OPTION_SSRR } as const;

/** Offset of the first option of type `type` in the header at `at`, or -1. Stops at a malformed one. */
export function findOption(view: DataView, at: number, type: number): number {
  const end = at + (view.getUint8(at) & 0xf) * 4;
  let next = at + 20;
  while (next < end) {
    const found = view.getUint8(next);
    if (found === type) return next;
    if (found === OPTION_END) return -1;
    const length = optionLengthAt(view, next, end);
    if (length === 0) return -1;
    next += length;
  }
  return -1;
}

/**
 * Where the options of the header at `at` are at fault, as an offset into the header: the pointer of the ICMP Parameter
 * Problem that RFC 1122 §3.2.1.8 asks for. -1: nowhere. Finds what Linux `__ip_options_compile` finds in a packet that
 * is not ours to fill in.
 */
export function findOptionFault(view: DataView, at: number): number {
  const end = at + (view.getUint8(at) & 0xf) * 4;
  let next = at + 20;
  const seen = new Set<number>();
  while (next < end) {
    const type = view.getUint8(next);
    if (type === OPTION_END) return -1;
    const length = optionLengthAt(view, next, end);
    if (length === 0) return next - at;
    const fault = faultInOption(view, next, type, length);
    if (fault >= 0) return next - at + fault;
    if (type !== OPTION_NOP && type in KNOWN) {
      // Two source routes of either kind are as bad as two equal options.
      const name = type === OPTION_SSRR ? OPTION_LSRR : type;
      if (seen.has(name)) return next - at;
      seen.add(name);
    }
    next += length;
  }
  return -1;
}

const KNOWN: Readonly<Record<number, true>> = {
  [OPTION_RR]: true,
  [OPTION_LSRR]: true,
  [OPTION_SSRR]: true,
  [OPTION_TIMESTAMP]: true,
  [OPTION_ROUTER_ALERT]: true,
};

/** Offset of the faulty byte inside one option, or -1. */
function faultInOption(view: DataView, at: number, type: number, length: number): number {
  switch (type) {
    case OPTION_RR:
    case OPTION_LSRR:
    case OPTION_SSRR:
      if (length < 3) return 1;
      return view.getUint8(at + 2) < 4 ? 2 : -1;
    case OPTION_TIMESTAMP: {
      if (length < 4) return 1;
      const flag = view.getUint8(at + 3) & 0xf;
      if (view.getUint8(at + 2) < 5) return 2;
      return flag === TIMESTAMP_ONLY || flag === TIMESTAMP_AND_ADDRESS || flag === TIMESTAMP_PRESPECIFIED ? -1 : 3;
    }
    case OPTION_ROUTER_ALERT:
      return length < 4 ? 1 : -1;
    default:
      return -1;
  }
}

/** Bytes of the option at `at`, or 0: it does not fit before `end`, or its length is none. */
function optionLengthAt(view: DataView, at: number, end: number): number {
  if (view.getUint8(at) <= OPTION_NOP) return 1;
  if (end - at < 2) return 0;
  const length = view.getUint8(at + 1);
  return length < 2 || length > end - at ? 0 : length;
}

/** The options of the header at `at`, up to the end-of-list or the first malformed one. */
export function parseOptions(view: DataView, at: number): Ipv4Option[] {
  const end = at + (view.getUint8(at) & 0xf) * 4;
  const options: Ipv4Option[] = [];
  let next = at + 20;
  while (next < end) {
    const length = optionLengthAt(view, next, end);
    if (length === 0) break;
    const option = parseOption(view, next, length);
    options.push(option);
    if (option.kind === "end") break;
    next += length;
  }
  return options;
}

function parseOption(view: DataView, at: number, length: number): Ipv4Option {
  const type = view.getUint8(at);
  if (type === OPTION_END) return { kind: "end" };
  if (type === OPTION_NOP) return { kind: "nop" };
  if ((type === OPTION_RR || type === OPTION_LSRR || type === OPTION_SSRR) && length >= 3) {
    const kind = type === OPTION_RR ? "rr" : type === OPTION_LSRR ? "lsrr" : "ssrr";
    const route: Ipv4Address[] = [];
    for (let i = 3; i + 4 <= length; i += 4) route.push(view.getUint32(at + i));
    return { kind, pointer: view.getUint8(at + 2), route };
  }
  if (type === OPTION_TIMESTAMP && length >= 4) return parseTimestamp(view, at, length);
  if (type === OPTION_ROUTER_ALERT && length === 4) return { kind: "router-alert", value: view.getUint16(at + 2) };
  return { kind: "unknown", type, data: copyOf(view, at + 2, length - 2) };
}

function parseTimestamp(view: DataView, at: number, length: number): Ipv4Option {
  const word = view.getUint8(at + 3);
  const flag = word & 0xf;
  const entries: Ipv4TimestampEntry[] = [];
  const step = flag === TIMESTAMP_ONLY ? 4 : 8;
  for (let i = 4; i + step <= length; i += step) {
    const time = view.getUint32(at + i + step - 4);
    entries.push(step === 4 ? { time } : { address: view.getUint32(at + i), time });
  }
  return { kind: "timestamp", pointer: view.getUint8(at + 2), overflow: word >>> 4, flag, entries };
}

/** Bytes that {@link writeOptions} will write: a multiple of 4, at most 40. */
export function optionsLength(options: readonly Ipv4Option[]): number {
  const bytes = options.reduce((sum, option) => sum + optionLength(option), 0);
  const padded = Math.ceil(bytes / 4) * 4;
  if (padded > 40) throw invalidArgument("options", "at most 40 bytes of options", padded);
  return padded;
}

function optionLength(option: Ipv4Option): number {
  switch (option.kind) {
    case "end":
    case "nop":
      return 1;
    case "rr":
    case "lsrr":
    case "ssrr":
      return 3 + option.route.length * 4;
    case "timestamp":
      return 4 + option.entries.length * (option.flag === TIMESTAMP_ONLY ? 4 : 8);
    case "router-alert":
      return 4;
    case "unknown":
      return 2 + option.data.length;
  }
}

/** Writes the options at `at`, padded with zeros to a multiple of 4, and returns how many bytes that are. */
export function writeOptions(view: DataView, at: number, options: readonly Ipv4Option[]): number {
  const total = optionsLength(options);
  let next = at;
  for (const option of options) {
    writeOption(view, next, option);
    next += optionLength(option);
  }
  while (next < at + total) view.setUint8(next++, OPTION_END);
  return total;
}

function writeOption(view: DataView, at: number, option: Ipv4Option): void {
  if (option.kind === "end" || option.kind === "nop") {
    view.setUint8(at, option.kind === "end" ? OPTION_END : OPTION_NOP);
    return;
  }
  view.setUint8(at + 1, optionLength(option));
  switch (option.kind) {
    case "rr":
    case "lsrr":
    case "ssrr":
      view.setUint8(at, ROUTE_TYPES[option.kind]);
      view.setUint8(at + 2, option.pointer);
      for (const [i, address] of option.route.entries()) view.setUint32(at + 3 + i * 4, address);
      return;
    case "timestamp": {
      view.setUint8(at, OPTION_TIMESTAMP);
      view.setUint8(at + 2, option.pointer);
      view.setUint8(at + 3, (option.overflow << 4) | option.flag);
      const step = option.flag === TIMESTAMP_ONLY ? 4 : 8;
      for (const [i, entry] of option.entries.entries()) {
        if (step === 8) view.setUint32(at + 4 + i * 8, entry.address ?? 0);
        view.setUint32(at + 4 + i * step + step - 4, entry.time);
      }
      return;
    }
    case "router-alert":
      view.setUint8(at, OPTION_ROUTER_ALERT);
      view.setUint16(at + 2, option.value);
      return;
    case "unknown":
      view.setUint8(at, option.type);
      for (const [i, byte] of option.data.entries()) view.setUint8(at + 2 + i, byte);
  }
}

function copyOf(view: DataView, at: number, length: number): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset + at, length).slice();
}
