import { OPT_ENDOFOPT, padded } from "./format.ts";

/** One option of a block: its code and its value's bytes. */
export interface PcapngOption {
  readonly code: number;
  readonly value: Uint8Array;
}

const utf8 = new TextEncoder();
const fromUtf8 = new TextDecoder("utf-8");

/** A text option. pcapng limits a value to 65535 bytes; a longer text is cut. */
export function textOption(code: number, text: string): PcapngOption {
  return { code, value: utf8.encode(text).subarray(0, 0xffff) };
}

export function byteOption(code: number, byte: number): PcapngOption {
  return { code, value: Uint8Array.of(byte) };
}

export function uint32Option(code: number, word: number): PcapngOption {
  const value = new Uint8Array(4);
  new DataView(value.buffer).setUint32(0, word, true);
  return { code, value };
}

export function uint64Option(code: number, number: bigint): PcapngOption {
  const value = new Uint8Array(8);
  new DataView(value.buffer).setBigUint64(0, number, true);
  return { code, value };
}

/** Bytes that `options` take, with the end mark; none at all take no bytes. */
export function optionsLength(options: readonly PcapngOption[]): number {
  if (options.length === 0) return 0;
  let length = 4;
  for (const option of options) length += 4 + padded(option.value.length);
  return length;
}

/** Writes `options` in little-endian order and returns the offset behind them. */
export function writeOptions(view: DataView, u8: Uint8Array, at: number, options: readonly PcapngOption[]): number {
  if (options.length === 0) return at;
  for (const { code, value } of options) {
    view.setUint16(at, code, true);
    view.setUint16(at + 2, value.length, true);
    u8.set(value, at + 4);
    u8.fill(0, at + 4 + value.length, at + 4 + padded(value.length));
    at += 4 + padded(value.length);
  }
  view.setUint32(at, OPT_ENDOFOPT, true);
  return at + 4;
}

/**
 * The options between `at` and `end`. Stops at the end mark, and at an option that claims more than there is:
 * what stands before it is still good.
 */
export function readOptions(view: DataView, at: number, end: number, littleEndian: boolean): PcapngOption[] {
  const options: PcapngOption[] = [];
  while (at + 4 <= end) {
    const code = view.getUint16(at, littleEndian);
    const length = view.getUint16(at + 2, littleEndian);
    if (code === OPT_ENDOFOPT || at + 4 + length > end) break;
    options.push({ code, value: new Uint8Array(view.buffer, view.byteOffset + at + 4, length) });
    at += 4 + padded(length);
  }
  return options;
}

export function optionText(option: PcapngOption): string {
  return fromUtf8.decode(option.value);
}

/** The value as an unsigned integer in the section's byte order: 1, 2, 4 or 8 bytes; anything else is `undefined`. */
export function optionNumber(option: PcapngOption, littleEndian: boolean): bigint | undefined {
  const { value } = option;
  const view = new DataView(value.buffer, value.byteOffset, value.length);
  if (value.length === 1) return BigInt(view.getUint8(0));
  if (value.length === 2) return BigInt(view.getUint16(0, littleEndian));
  if (value.length === 4) return BigInt(view.getUint32(0, littleEndian));
  if (value.length === 8) return view.getBigUint64(0, littleEndian);
  return undefined;
}
