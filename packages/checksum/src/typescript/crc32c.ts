/** The Castagnoli polynomial (RFC 9260 Appendix A), bits reflected. */
export const CRC32C_POLYNOMIAL = 0x82f63b78;

/** Table k, entry b: the effect of byte b followed by k zero bytes. Tables of their own are faster than one long one. */
const T0 = Int32Array.from({ length: 256 }, (_, byte) => afterEightBits(byte));
const T1 = oneByteLater(T0);
const T2 = oneByteLater(T1);
const T3 = oneByteLater(T2);
const T4 = oneByteLater(T3);
const T5 = oneByteLater(T4);
const T6 = oneByteLater(T5);
const T7 = oneByteLater(T6);

function afterEightBits(byte: number): number {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 1 ? (crc >>> 1) ^ CRC32C_POLYNOMIAL : crc >>> 1;
  return crc;
}

function oneByteLater(table: Int32Array): Int32Array {
  return table.map((crc) => (crc >>> 8) ^ (T0[crc & 0xff] as number));
}

/** CRC32c of the bytes `[offset, offset + length)`, eight at a time ("slicing by 8"). `seed` is the CRC before them. */
export function crc32cTypeScript(u8: Uint8Array, offset: number, length: number, seed: number): number {
  const end = offset + length;
  let crc = ~seed;
  let at = offset;
  for (const last = end - 7; at < last; at += 8) {
    crc =
      (T7[(u8[at] as number) ^ (crc & 0xff)] as number) ^
      (T6[(u8[at + 1] as number) ^ ((crc >>> 8) & 0xff)] as number) ^
      (T5[(u8[at + 2] as number) ^ ((crc >>> 16) & 0xff)] as number) ^
      (T4[(u8[at + 3] as number) ^ (crc >>> 24)] as number) ^
      (T3[u8[at + 4] as number] as number) ^
      (T2[u8[at + 5] as number] as number) ^
      (T1[u8[at + 6] as number] as number) ^
      (T0[u8[at + 7] as number] as number);
  }
  for (; at < end; at++) crc = (crc >>> 8) ^ (T0[(crc ^ (u8[at] as number)) & 0xff] as number);
  return ~crc >>> 0;
}
