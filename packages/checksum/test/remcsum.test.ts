import { describe, expect, test } from "vitest";
import fc from "fast-check";
import {
  CHECKSUM_COMPLETE,
  CHECKSUM_PARTIAL,
  checksumHelp,
  decodeGueRemcsum,
  decodeVxlanRco,
  encodeGueRemcsum,
  encodeVxlanRco,
  fold,
  GUE_PRIVATE_FLAG,
  GUE_PRIVATE_REMCSUM,
  remcsumAdjust,
  remcsumProcess,
  remcsumUnadjust,
  remoteChecksumUsable,
  VXLAN_RCO_FLAG,
} from "@seville/checksum";
import {
  bytesOf,
  ethernet,
  ETHER_TYPE,
  ip,
  join,
  kernels,
  lay,
  memory,
  payload,
  TCP,
  tcp,
  withChecksum,
  withPseudo,
  type Family,
} from "./helpers/frames.ts";
import { naiveSum } from "./helpers/naive.ts";

describe("C26 where the inner checksum is, in the tunnel's header", () => {
  test("C26 VXLAN: half of start in seven bits, and a bit for UDP", () => {
    expect(encodeVxlanRco({ start: 34, offset: 34 + 16 })).toBe(17);
    expect(encodeVxlanRco({ start: 54, offset: 54 + 6 })).toBe(27 | 0x80);
    expect(encodeVxlanRco({ start: 254, offset: 260 })).toBe(0xff);
    for (let byte = 0; byte < 256; byte++) expect(encodeVxlanRco(decodeVxlanRco(byte))).toBe(byte);
  });

  test.each([
    ["an odd start", 35, 51],
    ["a start beyond 254", 256, 272],
    ["a negative start", -2, 14],
    ["a field that is neither TCP's nor UDP's", 34, 36],
  ])("C26 VXLAN cannot say %s", (_, start, offset) => {
    expect(encodeVxlanRco({ start, offset })).toBeUndefined();
  });

  test("C26 GUE: two 16-bit offsets behind a private flag", () => {
    const view = new DataView(new ArrayBuffer(8));
    encodeGueRemcsum(view, 2, { start: 0x1234, offset: 0x1244 });
    expect([...new Uint8Array(view.buffer)]).toEqual([0, 0, 0x12, 0x34, 0x12, 0x44, 0, 0]);
    expect(decodeGueRemcsum(view, 2)).toEqual({ start: 0x1234, offset: 0x1244 });
    expect([VXLAN_RCO_FLAG, GUE_PRIVATE_FLAG, GUE_PRIVATE_REMCSUM]).toEqual([1 << 21, 1, 2 ** 31]);
  });

  test("C26 off unless both ends turn it on, and never with GPE", () => {
    expect(remoteChecksumUsable({ transmit: true, receive: true, gpe: false })).toBe(true);
    expect(remoteChecksumUsable({ transmit: false, receive: true, gpe: false })).toBe(false);
    expect(remoteChecksumUsable({ transmit: true, receive: false, gpe: false })).toBe(false);
    expect(remoteChecksumUsable({ transmit: true, receive: true, gpe: true })).toBe(false);
  });
});

describe("C26 the receiver derives the inner checksum", () => {
  const families: readonly Family[] = [4, 6];

  function undone(family: Family) {
    const segment = tcp(payload(321));
    const inner = (bytes: Uint8Array): Uint8Array => ethernet(ETHER_TYPE[family], ip(family, TCP, bytes));
    const start = 14 + (family === 4 ? 20 : 40);
    return {
      frame: lay(inner(withPseudo(family, TCP, segment))),
      expected: inner(withChecksum(family, TCP, segment)),
      remote: { start, offset: start + 16 },
    };
  }

  test.each(families)("C26 IPv%i: written from a COMPLETE sum, which stays true", (family) => {
    const { frame, expected, remote } = undone(family);
    frame.ipSummed = CHECKSUM_COMPLETE;
    frame.csum = kernels.sum(frame.data, expected.length);
    expect(remcsumProcess(kernels, frame, remote, false)).toBe(true);
    expect(bytesOf(frame)).toEqual(expected);
    expect(fold(frame.csum) % 0xffff).toBe(naiveSum(expected) % 0xffff);
  });

  test.each(families)("C26 IPv%i: without a sum the data is summed first", (family) => {
    const { frame, expected, remote } = undone(family);
    expect(remcsumProcess(kernels, frame, remote, false)).toBe(true);
    expect(bytesOf(frame)).toEqual(expected);
    expect(frame.ipSummed).toBe(CHECKSUM_COMPLETE);
  });

  test.each(families)("C26 IPv%i: or the packet is kept PARTIAL, for a device to finish", (family) => {
    const { frame, expected, remote } = undone(family);
    expect(remcsumProcess(kernels, frame, remote, true)).toBe(true);
    expect([frame.ipSummed, frame.csumStart, frame.csumOffset]).toEqual([
      CHECKSUM_PARTIAL,
      frame.data + remote.start,
      16,
    ]);
    checksumHelp(kernels, frame);
    expect(bytesOf(frame)).toEqual(expected);
  });

  test("C26 offsets outside of the packet, or headers that cannot be written, are refused", () => {
    const { frame, remote } = undone(4);
    const before = bytesOf(frame);
    const length = before.length;
    for (const bad of [
      { start: 100, offset: 90 },
      { start: 34, offset: length - 1 },
      { start: 65_000, offset: 65_016 },
    ]) {
      expect(remcsumProcess(kernels, frame, bad, false)).toBe(false);
      expect(remcsumProcess(kernels, frame, bad, true)).toBe(false);
    }
    expect(remcsumProcess(kernels, { ...frame, cowHead: () => false }, remote, false)).toBe(false);
    expect(bytesOf(frame)).toEqual(before);
  });

  test("C26 adjust and unadjust are inverse, at even and odd starts and offsets", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 60, maxLength: 200 }), fc.nat(30), fc.nat(25), (bytes, start, behind) => {
        const frame = lay(join([1], bytes));
        const at = frame.data + 1;
        const remote = { start, offset: start + behind };
        const sum = kernels.sum(at, bytes.length);
        const delta = remcsumAdjust(kernels, at, sum, remote);
        // The delta is what has been added to the sum of all bytes.
        const after = naiveSum(memory.u8.subarray(at, frame.tail));
        expect((naiveSum(bytes) + delta) % 0xffff).toBe(after % 0xffff);
        remcsumUnadjust(kernels, at, delta, remote);
        const back = naiveSum(memory.u8.subarray(at, frame.tail));
        expect(back % 0xffff).toBe(naiveSum(bytes) % 0xffff);
      }),
    );
  });
});
