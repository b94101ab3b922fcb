import { describe, expect, test } from "vitest";
import { calculate, Crc32c, crc32c, crc32cCombine, readSctpChecksum, writeSctpChecksum } from "@seville/checksum";

const ascii = (text: string): Uint8Array => new TextEncoder().encode(text);
const bytes = (length: number, at: (i: number) => number): Uint8Array => Uint8Array.from({ length }, (_, i) => at(i));

describe("CRC32c vectors", () => {
  // RFC 7143 Appendix A.4 (first RFC 3720 B.4) prints the CRCs in the order of transmission; here they are numbers.
  test.each([
    ["32 bytes of zeros", bytes(32, () => 0), 0x8a9136aa],
    ["32 bytes of ones", bytes(32, () => 0xff), 0x62a8ab43],
    ["32 bytes of incrementing 00..1f", bytes(32, (i) => i), 0x46dd794e],
    ["32 bytes of decrementing 1f..00", bytes(32, (i) => 31 - i), 0x113fdb5c],
    [
      "an iSCSI SCSI Read (10) command PDU",
      Uint8Array.of(
        ...[0x01, 0xc0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x14, 0, 0, 0, 0, 0, 0x04, 0, 0, 0, 0, 0x14],
        ...[0, 0, 0, 0x18, 0x28, 0, 0, 0, 0, 0, 0, 0, 0x02, 0, 0, 0, 0, 0, 0, 0],
      ),
      0xd9963a56,
    ],
    ["the check value of the CRC catalogues", ascii("123456789"), 0xe3069283],
    ["nothing", new Uint8Array(0), 0],
  ])("RFC 7143 A.4 %s", (_, data, expected) => {
    expect(crc32c(data)).toBe(expected);
  });
});

describe("CRC32c by pieces", () => {
  const data = bytes(1000, (i) => (i * 131) >>> 3);

  test("K6 chaining through the seed, the class and combine agree at every split", () => {
    const whole = crc32c(data);
    for (let split = 0; split <= data.length; split += 37) {
      const [a, b] = [data.subarray(0, split), data.subarray(split)];
      expect(crc32c(b, crc32c(a))).toBe(whole);
      expect(new Crc32c().update(a).update(b).digest()).toBe(whole);
      expect(crc32cCombine(crc32c(a), crc32c(b), b.length)).toBe(whole);
    }
  });

  test("K6 calculate takes a string as UTF-8 and an initial CRC", () => {
    expect(calculate("The quick brown fox jumps over the lazy dog")).toBe(0x22620404);
    expect(calculate("56789", calculate("1234"))).toBe(0xe3069283);
    expect(calculate("ñ")).toBe(crc32c(Uint8Array.of(0xc3, 0xb1)));
  });
});

test("RFC 9260 Appendix A: the CRC is stored least significant byte first", () => {
  const view = new DataView(new ArrayBuffer(12));
  writeSctpChecksum(view, 8, 0x01020304);
  expect([...new Uint8Array(view.buffer, 8)]).toEqual([4, 3, 2, 1]);
  expect(readSctpChecksum(view, 8)).toBe(0x01020304);
});
