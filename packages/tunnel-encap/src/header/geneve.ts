import { ETH_P_TEB, type HeaderFault } from "@seville/packet";
import { checkOptions, optionsLength, writeOptions, type GeneveOption } from "./geneve-options.ts";

export * from "./geneve-options.ts";

/*
 * Geneve header, RFC 8926 §3.4:
 *
 *    0   2           8              16                              31
 *   +---+-----------+-+-+-----------+-------------------------------+
 *   |ver|  opt len  |O|C|   rsvd    |         protocol type         |
 *   +---+-----------+-+-+-----------+---------------+---------------+
 *   |      virtual network identifier (VNI)         |   reserved    |
 *   +-----------------------------------------------+---------------+
 *   |              options, 4 × "opt len" bytes …                   |
 *   +---------------------------------------------------------------+
 */
export const HEADER_LENGTH = 8;
export const MAX_OPTIONS_LENGTH: number = 63 * 4;
export const PORT = 6081;
export const MAX_VNI = 0xff_ffff;

/** Bits of the second byte. */
export const FLAG_OAM = 0x80;
export const FLAG_CRITICAL = 0x40;

export interface GeneveHeader {
  /** A control packet (O). */
  readonly control: boolean;
  /** Some option is critical (C). */
  readonly critical: boolean;
  /** EtherType of the payload; 0x6558 for Ethernet. */
  readonly protocol: number;
  /** 24 bits. */
  readonly vni: number;
  /** Bytes of options. */
  readonly optionsLength: number;
}

/** What {@link write} is given. C is found out from the options. */
export interface GeneveFields {
  readonly control?: boolean | undefined;
  /** Default: an Ethernet frame. */
  readonly protocol?: number | undefined;
  readonly vni: number;
  readonly options?: readonly GeneveOption[] | undefined;
}

export function version(view: DataView, at: number): number {
  return view.getUint8(at) >>> 6;
}

/** Bytes of header and options. */
export function headerLength(view: DataView, at: number): number {
  return HEADER_LENGTH + (view.getUint8(at) & 0x3f) * 4;
}

export function isControl(view: DataView, at: number): boolean {
  return (view.getUint8(at + 1) & FLAG_OAM) !== 0;
}

export function hasCriticalOptions(view: DataView, at: number): boolean {
  return (view.getUint8(at + 1) & FLAG_CRITICAL) !== 0;
}

/** EtherType of the payload. */
export function protocol(view: DataView, at: number): number {
  return view.getUint16(at + 2);
}

/** 24 bits. */
export function vni(view: DataView, at: number): number {
  return view.getUint32(at + 4) >>> 8;
}

export function setVni(view: DataView, at: number, value: number): void {
  view.setUint32(at + 4, ((value << 8) | view.getUint8(at + 7)) >>> 0);
}

/**
 * What makes the bytes from `at` to `end` no Geneve header; `undefined`: nothing. The options must fill their room exactly
 * (RFC 8926 §3.5.1); which critical ones are known is the receiver's question.
 */
export function check(view: DataView, at: number, end: number): HeaderFault | undefined {
  if (end - at < HEADER_LENGTH) return "truncated";
  if (version(view, at) !== 0) return "bad-version";
  const length = headerLength(view, at);
  if (length > end - at) return "truncated";
  return checkOptions(view, at + HEADER_LENGTH, at + length);
}

/** The fields, or `undefined` where {@link check} finds a fault. Options: `parseOptions`. */
export function parse(view: DataView, at: number, end: number): GeneveHeader | undefined {
  if (check(view, at, end) !== undefined) return undefined;
  return {
    control: isControl(view, at),
    critical: hasCriticalOptions(view, at),
    protocol: protocol(view, at),
    vni: vni(view, at),
    optionsLength: headerLength(view, at) - HEADER_LENGTH,
  };
}

/** Bytes that {@link write} will write. */
export function lengthOf(fields: Pick<GeneveFields, "options">): number {
  return HEADER_LENGTH + (fields.options === undefined ? 0 : optionsLength(fields.options));
}

/** Writes the header with its options and returns its length. */
export function write(view: DataView, at: number, fields: GeneveFields): number {
  const options = fields.options ?? [];
  const length = optionsLength(options);
  const critical = options.some((option) => option.critical);
  view.setUint8(at, length / 4);
  view.setUint8(at + 1, (fields.control === true ? FLAG_OAM : 0) | (critical ? FLAG_CRITICAL : 0));
  view.setUint16(at + 2, fields.protocol ?? ETH_P_TEB);
  view.setUint32(at + 4, (fields.vni << 8) >>> 0);
  writeOptions(view, at + HEADER_LENGTH, options);
  return HEADER_LENGTH + length;
}

export function print(view: DataView, at: number): string {
  const flags = `${isControl(view, at) ? "O" : ""}${hasCriticalOptions(view, at) ? "C" : ""}`;
  const proto = protocol(view, at).toString(16).padStart(4, "0");
  return `Geneve, Flags [${flags === "" ? "none" : flags}], vni ${vni(view, at)}, proto 0x${proto}`;
}
