/** What IGMPv3 (RFC 3376 §4) and MLDv2 (RFC 3810 §5) have in common. */

/** Types of a group record (RFC 3376 §4.2.12, RFC 3810 §5.2.12). */
export const MODE_IS_INCLUDE = 1;
export const MODE_IS_EXCLUDE = 2;
export const CHANGE_TO_INCLUDE_MODE = 3;
export const CHANGE_TO_EXCLUDE_MODE = 4;
export const ALLOW_NEW_SOURCES = 5;
export const BLOCK_OLD_SOURCES = 6;

export interface GroupRecord<Address> {
  /** {@link MODE_IS_INCLUDE} … */
  readonly type: number;
  readonly group: Address;
  readonly sources: readonly Address[];
}

/** The value of an 8-bit code: below 128 itself, else `1eeemmmm` stands for (16 + m) × 2^(e + 3) (RFC 3376 §4.1.1). */
export function decodeFloat8(code: number): number {
  return code < 128 ? code : ((code & 0xf) | 0x10) << (((code >>> 4) & 7) + 3);
}

/** The code of the greatest value that is at most `value`. */
export function encodeFloat8(value: number): number {
  if (value < 128) return value;
  const capped = Math.min(value, 31_744);
  const exponent = 31 - Math.clz32(capped) - 7;
  return 0x80 | (exponent << 4) | ((capped >>> (exponent + 3)) & 0xf);
}

/** The value of a 16-bit code: below 32768 itself, else `1eeemmmmmmmmmmmm`: (4096 + m) × 2^(e + 3) (RFC 3810 §5.1.3). */
export function decodeFloat16(code: number): number {
  return code < 32_768 ? code : ((code & 0xfff) | 0x1000) << (((code >>> 12) & 7) + 3);
}

/** The code of the greatest value that is at most `value`. */
export function encodeFloat16(value: number): number {
  if (value < 32_768) return value;
  const capped = Math.min(value, 8_387_584);
  const exponent = 31 - Math.clz32(capped) - 15;
  return 0x8000 | (exponent << 12) | ((capped >>> (exponent + 3)) & 0xfff);
}
