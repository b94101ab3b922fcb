/** The Castagnoli polynomial (RFC 9260 Appendix A), bits reflected. */
export const CRC32C_POLYNOMIAL = 0x82f63b78;

/** Eight tables of 256: entry [k][b] is the effect of byte b followed by k zero bytes. Made on first use. */
let tables: Int32Array | undefined;

function makeTables(): Int32Array {
  const made = new Int32Array(8 * 256);
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 1 ? (crc >>> 1) ^ CRC32C_POLYNOMIAL : crc >>> 1;
    made[byte] = crc;
  }
  for (let i = 256; i < made.length; i++) {
    const previous = made[i - 256] as number;
    made[i] = (previous >>> 8) ^ (made[previous & 0xff] as number);
  }
  return made;
}

/** CRC32c of the bytes `[offset, offset + length)`, eight at a time ("slicing by 8"). `seed` is the CRC before them. */
export function crc32cTypeScript(u8: Uint8Array, offset: number, length: number, seed: number): number {
  const t = (tables ??= makeTables());
  const end = offset + length;
  let crc = ~seed;
  let at = offset;
  for (const last = end - 7; at < last; at += 8) {
    crc ^=
      (u8[at] as number) |
      ((u8[at + 1] as number) << 8) |
      ((u8[at + 2] as number) << 16) |
      ((u8[at + 3] as number) << 24);
    crc =
      (t[1792 + (crc & 0xff)] as number) ^
      (t[1536 + ((crc >>> 8) & 0xff)] as number) ^
      (t[1280 + ((crc >>> 16) & 0xff)] as number) ^
      (t[1024 + (crc >>> 24)] as number) ^
      (t[768 + (u8[at + 4] as number)] as number) ^
      (t[512 + (u8[at + 5] as number)] as number) ^
      (t[256 + (u8[at + 6] as number)] as number) ^
      (t[u8[at + 7] as number] as number);
  }
  for (; at < end; at++) crc = (crc >>> 8) ^ (t[(crc ^ (u8[at] as number)) & 0xff] as number);
  return ~crc >>> 0;
}
