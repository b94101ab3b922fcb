import { invalidArgument } from "@seville/core";
import { readIpv6, writeIpv6, type Ipv6Address } from "../address/ipv6.ts";
import type { HeaderFault } from "./fault.ts";

/*
 * Options of the hop-by-hop and destination options headers, RFC 8200 §4.2. The type's high two bits say what a node that
 * does not know it does, the next whether it may change on the way:
 *
 *    0   2 3       8              16
 *   +---+-+---------+---------------+-----------
 *   |act|c|  type   |    length     |  data …
 *   +---+-+---------+---------------+-----------
 */
export const OPTION_PAD1 = 0x00;
export const OPTION_PADN = 0x01;
/** RFC 2473 §4.1.1. */
export const OPTION_TUNNEL_ENCAPSULATION_LIMIT = 0x04;
/** RFC 2711. */
export const OPTION_ROUTER_ALERT = 0x05;
/** RFC 2675. */
export const OPTION_JUMBO = 0xc2;
/** RFC 6275 §6.3. */
export const OPTION_HOME_ADDRESS = 0xc9;

/** Values of router alert (RFC 2711 §2.1). */
export const ROUTER_ALERT_MLD = 0;
export const ROUTER_ALERT_RSVP = 1;

export type Ipv6Option =
  | { readonly kind: "pad1" }
  /** `length`: all bytes of the option, 2 and more. */
  | { readonly kind: "padn"; readonly length: number }
  | { readonly kind: "router-alert"; readonly value: number }
  | { readonly kind: "jumbo"; readonly payloadLength: number }
  | { readonly kind: "tunnel-encapsulation-limit"; readonly limit: number }
  | { readonly kind: "home-address"; readonly address: Ipv6Address }
  | { readonly kind: "unknown"; readonly type: number; readonly data: Uint8Array };

/** What to do with the packet that has an unknown option of this type (RFC 8200 §4.2). */
export function unknownOptionAction(type: number): "skip" | "discard" | "discard-icmp" | "discard-icmp-unicast" {
  const action = type >>> 6;
  if (action === 0) return "skip";
  if (action === 1) return "discard";
  return action === 2 ? "discard-icmp" : "discard-icmp-unicast";
}

/** Bytes of the option at `at`, or 0: it does not fit before `end`. */
export function optionLengthAt(view: DataView, at: number, end: number): number {
  if (at >= end) return 0;
  if (view.getUint8(at) === OPTION_PAD1) return 1;
  if (end - at < 2) return 0;
  const length = 2 + view.getUint8(at + 1);
  return length > end - at ? 0 : length;
}

/** Offset of the first option of type `type` in the (checked) options header at `at`, or -1. */
export function findExtensionOption(view: DataView, at: number, type: number): number {
  const end = at + (view.getUint8(at + 1) + 1) * 8;
  let next = at + 2;
  for (;;) {
    const length = optionLengthAt(view, next, end);
    if (length === 0) return -1;
    if (view.getUint8(next) === type) return next;
    next += length;
  }
}

/** The options of the hop-by-hop or destination options header at `at`, up to the first malformed one. */
export function parseExtensionOptions(
  view: DataView,
  at: number,
  end: number,
): { readonly options: readonly Ipv6Option[]; readonly fault: HeaderFault | undefined } {
  const options: Ipv6Option[] = [];
  if (end - at < 8) return { options, fault: "truncated" };
  const last = at + (view.getUint8(at + 1) + 1) * 8;
  if (last > end) return { options, fault: "truncated" };
  let next = at + 2;
  while (next < last) {
    const length = optionLengthAt(view, next, last);
    if (length === 0) return { options, fault: "bad-option" };
    options.push(parseOption(view, next, length));
    next += length;
  }
  return { options, fault: undefined };
}

function parseOption(view: DataView, at: number, length: number): Ipv6Option {
  const type = view.getUint8(at);
  if (type === OPTION_PAD1) return { kind: "pad1" };
  if (type === OPTION_PADN) return { kind: "padn", length };
  if (type === OPTION_ROUTER_ALERT && length === 4) return { kind: "router-alert", value: view.getUint16(at + 2) };
  if (type === OPTION_JUMBO && length === 6) return { kind: "jumbo", payloadLength: view.getUint32(at + 2) };
  if (type === OPTION_TUNNEL_ENCAPSULATION_LIMIT && length === 3) {
    return { kind: "tunnel-encapsulation-limit", limit: view.getUint8(at + 2) };
  }
  if (type === OPTION_HOME_ADDRESS && length === 18) return { kind: "home-address", address: readIpv6(view, at + 2) };
  const data = new Uint8Array(view.buffer, view.byteOffset + at + 2, length - 2).slice();
  return { kind: "unknown", type, data };
}

/** Bytes that {@link writeExtensionOptions} will write: a multiple of 8. */
export function extensionOptionsLength(options: readonly Ipv6Option[]): number {
  const bytes = options.reduce((sum, option) => sum + optionLength(option), 2);
  const padded = Math.ceil(bytes / 8) * 8;
  if (padded > 2048) throw invalidArgument("options", "at most 2046 bytes of options", bytes - 2);
  return padded;
}

function optionLength(option: Ipv6Option): number {
  switch (option.kind) {
    case "pad1":
      return 1;
    case "padn":
      return option.length;
    case "router-alert":
      return 4;
    case "jumbo":
      return 6;
    case "tunnel-encapsulation-limit":
      return 3;
    case "home-address":
      return 18;
    case "unknown":
      return 2 + option.data.length;
  }
}

/**
 * Writes a whole hop-by-hop or destination options header: next header, length, the options in order, and padding to a
 * multiple of 8 (Pad1 for one byte, PadN for more). Alignment between options is the caller's: give `padn`.
 * Returns its length.
 */
export function writeExtensionOptions(
  view: DataView,
  at: number,
  nextHeader: number,
  options: readonly Ipv6Option[],
): number {
  const total = extensionOptionsLength(options);
  view.setUint8(at, nextHeader);
  view.setUint8(at + 1, total / 8 - 1);
  let next = at + 2;
  for (const option of options) {
    writeOption(view, next, option);
    next += optionLength(option);
  }
  const rest = at + total - next;
  if (rest === 1) writeOption(view, next, { kind: "pad1" });
  else if (rest > 1) writeOption(view, next, { kind: "padn", length: rest });
  return total;
}

function writeOption(view: DataView, at: number, option: Ipv6Option): void {
  if (option.kind === "pad1") {
    view.setUint8(at, OPTION_PAD1);
    return;
  }
  view.setUint8(at + 1, optionLength(option) - 2);
  switch (option.kind) {
    case "padn":
      view.setUint8(at, OPTION_PADN);
      for (let i = 2; i < option.length; i++) view.setUint8(at + i, 0);
      return;
    case "router-alert":
      view.setUint8(at, OPTION_ROUTER_ALERT);
      view.setUint16(at + 2, option.value);
      return;
    case "jumbo":
      view.setUint8(at, OPTION_JUMBO);
      view.setUint32(at + 2, option.payloadLength);
      return;
    case "tunnel-encapsulation-limit":
      view.setUint8(at, OPTION_TUNNEL_ENCAPSULATION_LIMIT);
      view.setUint8(at + 2, option.limit);
      return;
    case "home-address":
      view.setUint8(at, OPTION_HOME_ADDRESS);
      writeIpv6(view, at + 2, option.address);
      return;
    case "unknown":
      view.setUint8(at, option.type);
      for (const [i, byte] of option.data.entries()) view.setUint8(at + 2 + i, byte);
  }
}
