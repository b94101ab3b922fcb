import { readIpv6, writeIpv6, Ipv6Address } from "../address/ipv6.ts";
import { readMac, writeMac, type MacAddress } from "../address/mac.ts";

/*
 * Neighbor Discovery options, RFC 4861 §4.6. The length counts all in units of 8 bytes; 0 is an error that discards the
 * whole packet:
 *
 *    0       8      16
 *   +-------+-------+----------
 *   | type  |length | data …
 *   +-------+-------+----------
 */
export const OPTION_SOURCE_LINK_LAYER = 1;
export const OPTION_TARGET_LINK_LAYER = 2;
export const OPTION_PREFIX_INFORMATION = 3;
export const OPTION_REDIRECTED_HEADER = 4;
export const OPTION_MTU = 5;
/** RFC 3971 §5.3.2, used for DAD by RFC 7527. */
export const OPTION_NONCE = 14;
/** RFC 4191 §2.3. */
export const OPTION_ROUTE_INFORMATION = 24;
/** RFC 8106 §5.1. */
export const OPTION_RDNSS = 25;
/** RFC 8106 §5.2. */
export const OPTION_DNSSL = 31;
/** RFC 8781 §4. */
export const OPTION_PREF64 = 38;

/** Flags of prefix information (RFC 4861 §4.6.2, RFC 6275 §7.2). */
export const PREFIX_ON_LINK = 0x80;
export const PREFIX_AUTONOMOUS = 0x40;
export const PREFIX_ROUTER_ADDRESS = 0x20;

/** A lifetime without end. */
export const INFINITE_LIFETIME = 0xffff_ffff;

/** An option as plain data. Lifetimes in seconds. */
export type NdOption =
  | { readonly kind: "source-link-layer" | "target-link-layer"; readonly mac: MacAddress }
  | {
      readonly kind: "prefix-information";
      readonly prefix: Ipv6Address;
      readonly prefixLength: number;
      /** {@link PREFIX_ON_LINK} … */
      readonly flags: number;
      readonly validLifetime: number;
      readonly preferredLifetime: number;
    }
  /** `data`: IP header and what follows, cut or padded to a multiple of 8. */
  | { readonly kind: "redirected-header"; readonly data: Uint8Array }
  | { readonly kind: "mtu"; readonly mtu: number }
  | { readonly kind: "nonce"; readonly nonce: Uint8Array }
  | {
      readonly kind: "route-information";
      readonly prefix: Ipv6Address;
      readonly prefixLength: number;
      /** Two bits: 1 high, 0 medium, 3 low, 2 reserved. */
      readonly preference: number;
      readonly lifetime: number;
    }
  | { readonly kind: "rdnss"; readonly lifetime: number; readonly servers: readonly Ipv6Address[] }
  /** `lifetime`: a multiple of 8. `prefixLength`: 96, 64, 56, 48, 40 or 32. */
  | {
      readonly kind: "pref64";
      readonly prefix: Ipv6Address;
      readonly prefixLength: number;
      readonly lifetime: number;
    }
  /** Also a known option whose length is wrong. `data` is what follows the length. */
  | { readonly kind: "unknown"; readonly type: number; readonly data: Uint8Array };

/** RFC 8781 §4: the prefix length code. */
const PREF64_LENGTHS: readonly number[] = [96, 64, 56, 48, 40, 32];

/** Offset of the first option in `at`…`end` whose length is 0 or goes past the end, or -1. */
export function findOptionFault(view: DataView, at: number, end: number): number {
  let next = at;
  while (next < end) {
    const length = optionLengthAt(view, next, end);
    if (length === 0) return next;
    next += length;
  }
  return -1;
}

/** Offset of the first option `type` in `at`…`end`, or -1. Stops at a malformed one. Makes nothing. */
export function findOption(view: DataView, at: number, end: number, type: number): number {
  let next = at;
  while (next < end) {
    const length = optionLengthAt(view, next, end);
    if (length === 0) return -1;
    if (view.getUint8(next) === type) return next;
    next += length;
  }
  return -1;
}

/** Bytes of the option at `at`, or 0: it is malformed. */
export function optionLengthAt(view: DataView, at: number, end: number): number {
  if (end - at < 2) return 0;
  const length = view.getUint8(at + 1) * 8;
  return length > end - at ? 0 : length;
}

/** The MAC address of the link-layer option at `at`; `undefined`: it is too short for one. */
export function linkLayerAddress(view: DataView, at: number): MacAddress | undefined {
  return view.getUint8(at + 1) === 1 ? readMac(view, at + 2) : undefined;
}

/** The options in `at`…`end`, up to the first malformed one. */
export function parseOptions(view: DataView, at: number, end: number): NdOption[] {
  const options: NdOption[] = [];
  let next = at;
  while (next < end) {
    const length = optionLengthAt(view, next, end);
    if (length === 0) break;
    options.push(parseOption(view, next, length));
    next += length;
  }
  return options;
}

function parseOption(view: DataView, at: number, length: number): NdOption {
  const type = view.getUint8(at);
  switch (type) {
    case OPTION_SOURCE_LINK_LAYER:
      if (length === 8) return { kind: "source-link-layer", mac: readMac(view, at + 2) };
      break;
    case OPTION_TARGET_LINK_LAYER:
      if (length === 8) return { kind: "target-link-layer", mac: readMac(view, at + 2) };
      break;
    case OPTION_PREFIX_INFORMATION:
      if (length === 32) {
        return {
          kind: "prefix-information",
          prefix: readIpv6(view, at + 16),
          prefixLength: view.getUint8(at + 2),
          flags: view.getUint8(at + 3),
          validLifetime: view.getUint32(at + 4),
          preferredLifetime: view.getUint32(at + 8),
        };
      }
      break;
    case OPTION_REDIRECTED_HEADER:
      return { kind: "redirected-header", data: copyOf(view, at + 8, length - 8) };
    case OPTION_MTU:
      if (length === 8) return { kind: "mtu", mtu: view.getUint32(at + 4) };
      break;
    case OPTION_NONCE:
      return { kind: "nonce", nonce: copyOf(view, at + 2, length - 2) };
    case OPTION_ROUTE_INFORMATION:
      if (length <= 24) return parseRoute(view, at, length);
      break;
    case OPTION_RDNSS:
      if (length >= 24 && length % 16 === 8) return parseRdnss(view, at, length);
      break;
    case OPTION_PREF64:
      if (length === 16) return parsePref64(view, at);
  }
  return { kind: "unknown", type, data: copyOf(view, at + 2, length - 2) };
}

/** The prefix is 0, 8 or 16 bytes, the rest is zero (RFC 4191 §2.3). */
function parseRoute(view: DataView, at: number, length: number): NdOption {
  const word = (i: number): number => (8 + i * 4 < length ? view.getUint32(at + 8 + i * 4) : 0);
  return {
    kind: "route-information",
    prefix: Ipv6Address.of(word(0), word(1), word(2), word(3)),
    prefixLength: view.getUint8(at + 2),
    preference: (view.getUint8(at + 3) >>> 3) & 3,
    lifetime: view.getUint32(at + 4),
  };
}

function parseRdnss(view: DataView, at: number, length: number): NdOption {
  const servers: Ipv6Address[] = [];
  for (let i = 8; i < length; i += 16) servers.push(readIpv6(view, at + i));
  return { kind: "rdnss", lifetime: view.getUint32(at + 4), servers };
}

function parsePref64(view: DataView, at: number): NdOption {
  const word = view.getUint16(at + 2);
  const prefixLength = PREF64_LENGTHS[word & 7];
  if (prefixLength === undefined) return { kind: "unknown", type: OPTION_PREF64, data: copyOf(view, at + 2, 14) };
  const prefix = Ipv6Address.of(view.getUint32(at + 4), view.getUint32(at + 8), view.getUint32(at + 12), 0);
  return { kind: "pref64", prefix, prefixLength, lifetime: word & 0xfff8 };
}

/** Bytes that {@link writeOptions} will write. */
export function optionsLength(options: readonly NdOption[]): number {
  return options.reduce((sum, option) => sum + optionLength(option), 0);
}

function optionLength(option: NdOption): number {
  switch (option.kind) {
    case "source-link-layer":
    case "target-link-layer":
    case "mtu":
      return 8;
    case "prefix-information":
      return 32;
    case "redirected-header":
      return 8 + padded(option.data.length);
    case "nonce":
      return padded(2 + option.nonce.length);
    case "route-information":
      return option.prefixLength === 0 ? 8 : option.prefixLength <= 64 ? 16 : 24;
    case "rdnss":
      return 8 + option.servers.length * 16;
    case "pref64":
      return 16;
    case "unknown":
      return padded(2 + option.data.length);
  }
}

function padded(bytes: number): number {
  return Math.ceil(bytes / 8) * 8;
}

/** Writes the options at `at`, each padded to a multiple of 8, and returns how many bytes that are. */
export function writeOptions(view: DataView, at: number, options: readonly NdOption[]): number {
  let next = at;
  for (const option of options) {
    const length = optionLength(option);
    for (let i = 0; i < length; i += 8) view.setBigUint64(next + i, 0n);
    view.setUint8(next + 1, length / 8);
    writeOption(view, next, option);
    next += length;
  }
  return next - at;
}

function writeOption(view: DataView, at: number, option: NdOption): void {
  switch (option.kind) {
    case "source-link-layer":
    case "target-link-layer":
      view.setUint8(at, option.kind === "source-link-layer" ? OPTION_SOURCE_LINK_LAYER : OPTION_TARGET_LINK_LAYER);
      writeMac(view, at + 2, option.mac);
      return;
    case "prefix-information":
      view.setUint8(at, OPTION_PREFIX_INFORMATION);
      view.setUint8(at + 2, option.prefixLength);
      view.setUint8(at + 3, option.flags);
      view.setUint32(at + 4, option.validLifetime);
      view.setUint32(at + 8, option.preferredLifetime);
      writeIpv6(view, at + 16, option.prefix);
      return;
    case "redirected-header":
      view.setUint8(at, OPTION_REDIRECTED_HEADER);
      writeBytes(view, at + 8, option.data);
      return;
    case "mtu":
      view.setUint8(at, OPTION_MTU);
      view.setUint32(at + 4, option.mtu);
      return;
    case "nonce":
      view.setUint8(at, OPTION_NONCE);
      writeBytes(view, at + 2, option.nonce);
      return;
    case "route-information":
      view.setUint8(at, OPTION_ROUTE_INFORMATION);
      view.setUint8(at + 2, option.prefixLength);
      view.setUint8(at + 3, (option.preference & 3) << 3);
      view.setUint32(at + 4, option.lifetime);
      writePrefixWords(view, at + 8, option.prefix, (optionLength(option) - 8) / 4);
      return;
    case "rdnss":
      view.setUint8(at, OPTION_RDNSS);
      view.setUint32(at + 4, option.lifetime);
      for (const [i, server] of option.servers.entries()) writeIpv6(view, at + 8 + i * 16, server);
      return;
    case "pref64":
      view.setUint8(at, OPTION_PREF64);
      view.setUint16(at + 2, (option.lifetime & 0xfff8) | PREF64_LENGTHS.indexOf(option.prefixLength));
      writePrefixWords(view, at + 4, option.prefix, 3);
      return;
    case "unknown":
      view.setUint8(at, option.type);
      writeBytes(view, at + 2, option.data);
  }
}

/** The first `words` words of `prefix`. */
function writePrefixWords(view: DataView, at: number, prefix: Ipv6Address, words: number): void {
  const all = [prefix.w0, prefix.w1, prefix.w2, prefix.w3];
  for (const [i, word] of all.slice(0, words).entries()) view.setUint32(at + i * 4, word);
}

function writeBytes(view: DataView, at: number, bytes: Uint8Array): void {
  for (const [i, byte] of bytes.entries()) view.setUint8(at + i, byte);
}

function copyOf(view: DataView, at: number, length: number): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset + at, length).slice();
}
