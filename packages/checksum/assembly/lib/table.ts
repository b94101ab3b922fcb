// CRC32c by tables, 16 bytes at a time ("slicing by 16"). The readable twin is src/typescript/crc32c.ts.

/** Bytes of the sixteen tables. */
export const TABLE_BYTES: usize = 16 * 1024;

/** Fills the tables: entry [k][b] is the effect of byte b followed by k zero bytes. */
export function makeTables(tables: usize): void {
  for (let byte: u32 = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1) != 0 ? (crc >> 1) ^ 0x82f63b78 : crc >> 1;
    store<u32>(tables + (byte << 2), crc);
  }
  for (let at = tables + 1024; at < tables + TABLE_BYTES; at += 4) {
    const previous = load<u32>(at - 1024);
    store<u32>(at, (previous >> 8) ^ load<u32>(tables + ((previous & 0xff) << 2)));
  }
}

/** The CRC register after `length` bytes. */
export function tableCrc(tables: usize, at: usize, length: usize, crc: u32): u32 {
  for (; length >= 16; length -= 16) {
    // Those that do not wait for the CRC come first.
    const rest =
      load<u32>(slot(tables, load<u8>(at, 4)), 11 * 1024) ^ load<u32>(slot(tables, load<u8>(at, 5)), 10 * 1024) ^
      load<u32>(slot(tables, load<u8>(at, 6)), 9 * 1024) ^ load<u32>(slot(tables, load<u8>(at, 7)), 8 * 1024) ^
      load<u32>(slot(tables, load<u8>(at, 8)), 7 * 1024) ^ load<u32>(slot(tables, load<u8>(at, 9)), 6 * 1024) ^
      load<u32>(slot(tables, load<u8>(at, 10)), 5 * 1024) ^ load<u32>(slot(tables, load<u8>(at, 11)), 4 * 1024) ^
      load<u32>(slot(tables, load<u8>(at, 12)), 3 * 1024) ^ load<u32>(slot(tables, load<u8>(at, 13)), 2 * 1024) ^
      load<u32>(slot(tables, load<u8>(at, 14)), 1024) ^ load<u32>(slot(tables, load<u8>(at, 15)));
    const word = crc ^ load<u32>(at);
    crc = rest ^
      (load<u32>(slot(tables, word >> 24), 12 * 1024) ^ load<u32>(slot(tables, (word >> 16) & 0xff), 13 * 1024)) ^
      (load<u32>(slot(tables, (word >> 8) & 0xff), 14 * 1024) ^ load<u32>(slot(tables, word & 0xff), 15 * 1024));
    at += 16;
  }
  if ((length & 8) != 0) {
    const rest =
      load<u32>(slot(tables, load<u8>(at, 4)), 3 * 1024) ^ load<u32>(slot(tables, load<u8>(at, 5)), 2 * 1024) ^
      load<u32>(slot(tables, load<u8>(at, 6)), 1024) ^ load<u32>(slot(tables, load<u8>(at, 7)));
    const word = crc ^ load<u32>(at);
    crc = rest ^
      (load<u32>(slot(tables, word >> 24), 4 * 1024) ^ load<u32>(slot(tables, (word >> 16) & 0xff), 5 * 1024)) ^
      (load<u32>(slot(tables, (word >> 8) & 0xff), 6 * 1024) ^ load<u32>(slot(tables, word & 0xff), 7 * 1024));
    at += 8;
  }
  if ((length & 4) != 0) {
    const word = crc ^ load<u32>(at);
    crc =
      (load<u32>(slot(tables, word >> 24)) ^ load<u32>(slot(tables, (word >> 16) & 0xff), 1024)) ^
      (load<u32>(slot(tables, (word >> 8) & 0xff), 2 * 1024) ^ load<u32>(slot(tables, word & 0xff), 3 * 1024));
    at += 4;
  }
  if ((length & 2) != 0) {
    const word = crc ^ load<u16>(at);
    crc = (crc >> 16) ^ load<u32>(slot(tables, (word >> 8) & 0xff)) ^ load<u32>(slot(tables, word & 0xff), 1024);
    at += 2;
  }
  if ((length & 1) != 0) crc = (crc >> 8) ^ load<u32>(slot(tables, (crc ^ load<u8>(at)) & 0xff));
  return crc;
}

/** Where entry `byte` of the first table is; the offset in the load picks the table. */
@inline
function slot(tables: usize, byte: u32): usize {
  return tables + (byte << 2);
}
