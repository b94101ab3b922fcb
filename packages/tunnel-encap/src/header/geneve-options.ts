import { invalidArgument } from "@seville/core";
import type { HeaderFault } from "@seville/packet";

/*
 * Geneve option, RFC 8926 §3.5. The type's high bit says that a receiver which does not know it must drop the packet:
 *
 *    0                              16 17            24    27       31
 *   +-------------------------------+-+---------------+-----+-------+
 *   |         option class          |C|     type      |  R  | length|
 *   +-------------------------------+-+---------------+-----+-------+
 *   |              data, 4 × "length" bytes …                       |
 *   +---------------------------------------------------------------+
 */
export const OPTION_HEADER_LENGTH = 4;
export const MAX_OPTION_DATA: number = 31 * 4;
/** Option classes from here on are for experiments (RFC 8926 §7). */
export const CLASS_EXPERIMENTAL = 0xff00;

export interface GeneveOption {
  /** Namespace of the type, from IANA's registry. */
  readonly class: number;
  /** 7 bits. */
  readonly type: number;
  readonly critical: boolean;
  /** A multiple of 4 bytes, at most 124. */
  readonly data: Uint8Array;
}

/** A name for an option, for those who say which they know: class and 7-bit type. */
export function optionKey(option: Pick<GeneveOption, "class" | "type">): number {
  return (option.class << 7) | (option.type & 0x7f);
}

/** Bytes of the option at `at`. */
export function optionLengthAt(view: DataView, at: number): number {
  return OPTION_HEADER_LENGTH + (view.getUint8(at + 3) & 0x1f) * 4;
}

/** What is wrong with the options from `at` to `end`; `undefined`: nothing, and they end there. */
export function checkOptions(view: DataView, at: number, end: number): HeaderFault | undefined {
  let next = at;
  while (next < end) {
    if (end - next < OPTION_HEADER_LENGTH) return "bad-option";
    next += optionLengthAt(view, next);
  }
  return next === end ? undefined : "bad-option";
}

/** The options from `at` to `end`, which {@link checkOptions} found good. Their data is copied. */
export function parseOptions(view: DataView, at: number, end: number): GeneveOption[] {
  const options: GeneveOption[] = [];
  for (let next = at; next < end; next += optionLengthAt(view, next)) {
    const length = optionLengthAt(view, next) - OPTION_HEADER_LENGTH;
    const from = view.byteOffset + next + OPTION_HEADER_LENGTH;
    options.push({
      class: view.getUint16(next),
      type: view.getUint8(next + 2) & 0x7f,
      critical: (view.getUint8(next + 2) & 0x80) !== 0,
      data: new Uint8Array(view.buffer.slice(from, from + length)),
    });
  }
  return options;
}

/** Whether an option from `at` to `end` is critical and not among `known` ({@link optionKey}s): then the packet is dropped. */
export function hasUnknownCritical(view: DataView, at: number, end: number, known: ReadonlySet<number>): boolean {
  for (let next = at; next < end; next += optionLengthAt(view, next)) {
    const type = view.getUint8(next + 2);
    if ((type & 0x80) === 0) continue;
    if (!known.has(optionKey({ class: view.getUint16(next), type }))) return true;
  }
  return false;
}

/**
 * Bytes of all `options`.
 * @throws SevilleError `ERR_INVALID_ARGUMENT`: data that is no multiple of 4 bytes, or more than the header can say
 */
export function optionsLength(options: readonly GeneveOption[]): number {
  let length = 0;
  for (const { data } of options) {
    if (data.length % 4 !== 0 || data.length > MAX_OPTION_DATA) {
      throw invalidArgument("options", "of a multiple of 4 bytes up to 124 each", data.length);
    }
    length += OPTION_HEADER_LENGTH + data.length;
  }
  if (length > 63 * 4) throw invalidArgument("options", "at most 252 bytes together", length);
  return length;
}

/** Writes `options` from `at` on. */
export function writeOptions(view: DataView, at: number, options: readonly GeneveOption[]): void {
  let next = at;
  for (const option of options) {
    view.setUint16(next, option.class);
    view.setUint8(next + 2, (option.critical ? 0x80 : 0) | (option.type & 0x7f));
    view.setUint8(next + 3, option.data.length / 4);
    for (let i = 0; i < option.data.length; i++) view.setUint8(next + 4 + i, option.data[i] as number);
    next += OPTION_HEADER_LENGTH + option.data.length;
  }
}
