import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  add,
  blockAdd,
  blockSub,
  finish,
  fold,
  ipv4HeaderValid,
  isValid,
  pseudoHeader4,
  pseudoHeader6,
  pseudoHeader6At,
  pseudoHeader6Words,
  shift,
  sub,
  sum,
  writeIpv4HeaderChecksum,
} from "@seville/checksum";
import { naiveSum } from "./helpers/naive.ts";

const bytes = fc.uint8Array({ maxLength: 200 });
const partial = fc.integer({ min: 0, max: 0xffff_ffff });

describe("C1 the sum of RFC 1071", () => {
  const example = Uint8Array.of(0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7);

  test("C1 RFC 1071 §3: the numerical example", () => {
    expect(fold(sum(example))).toBe(0xddf2);
    expect(finish(sum(example))).toBe(0x220d);
  });

  test("C1 RFC 1071 §2 (B): exchanging the bytes of every word exchanges those of the sum", () => {
    const swapped = Uint8Array.of(0x01, 0x00, 0x03, 0xf2, 0xf5, 0xf4, 0xf7, 0xf6);
    expect(fold(sum(swapped))).toBe(0xf2dd);
  });

  test("C1 the sum is 0 only if every byte is, otherwise 0xffff stands for zero", () => {
    expect(sum(new Uint8Array(40))).toBe(0);
    expect(fold(sum(Uint8Array.of(0x12, 0x34, 0xed, 0xcb)))).toBe(0xffff);
    fc.assert(fc.property(bytes, (data) => (fold(sum(data)) === 0) === data.every((byte) => byte === 0)));
  });

  test("C1 a packet with its checksum filled in verifies, and one with a changed word does not", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 4, maxLength: 200 }), fc.nat(), (data, where) => {
        data.set([0, 0], 2);
        const checksum = finish(sum(data));
        data.set([checksum >>> 8, checksum & 255], 2);
        expect(isValid(sum(data))).toBe(true);
        const at = where % data.length;
        data[at] = data[at]! ^ 0x55;
        expect(isValid(sum(data))).toBe(false);
      }),
    );
  });

  test("C1 fold(sum) is the naive model's for any bytes and any seed", () => {
    fc.assert(
      fc.property(bytes, partial, (data, seed) => {
        expect(fold(sum(data))).toBe(naiveSum(data));
        expect(fold(sum(data, seed)) % 0xffff).toBe((naiveSum(data) + (seed % 0xffff)) % 0xffff);
      }),
    );
  });
});

test("C2 RFC 1071 §4.1: an odd last byte is the high byte of a word", () => {
  expect(sum(Uint8Array.of(0xab))).toBe(0xab00);
  expect(sum(Uint8Array.of(1, 2, 3))).toBe(0x0402);
});

describe("C3 blocks at odd offsets", () => {
  test("C3 the sum of a whole is the blockAdd of its pieces, wherever they are cut", () => {
    fc.assert(
      fc.property(bytes, fc.array(fc.nat(200), { maxLength: 5 }), (data, cuts) => {
        const edges = [0, ...cuts.map((cut) => Math.min(cut, data.length)).sort((a, b) => a - b), data.length];
        let total = 0;
        for (let i = 1; i < edges.length; i++) {
          total = blockAdd(total, sum(data.subarray(edges[i - 1], edges[i])), edges[i - 1]!);
        }
        expect(fold(total)).toBe(fold(sum(data)));
      }),
    );
  });

  test("C3 blockSub undoes blockAdd, shift rotates by a byte for odd offsets only", () => {
    expect(shift(0x1234, 2)).toBe(0x1234);
    expect(fold(shift(0x1234, 3))).toBe(0x3412);
    fc.assert(
      fc.property(partial, partial, fc.nat(9), (a, b, offset) => {
        const back = blockSub(blockAdd(a, b, offset), b, offset);
        expect(fold(back) % 0xffff).toBe(fold(a) % 0xffff);
      }),
    );
  });
});

describe("C4 the split interface", () => {
  test("C4 add and sub are one's-complement arithmetic on 32 bits", () => {
    expect(add(0xffff_ffff, 1)).toBe(1);
    expect(add(0xffff_ffff, 0xffff_ffff)).toBe(0xffff_ffff);
    fc.assert(
      fc.property(partial, partial, (a, b) => {
        expect(fold(add(a, b)) % 0xffff).toBe((fold(a) + fold(b)) % 0xffff);
        expect(fold(sub(add(a, b), b)) % 0xffff).toBe(fold(a) % 0xffff);
        expect(add(a, b)).toBeGreaterThanOrEqual(0);
      }),
    );
  });

  test("C4 RFC 768: the IPv4 pseudo-header is addresses, zero, protocol and length", () => {
    fc.assert(
      fc.property(partial, partial, fc.nat(255), fc.nat(65_535), (source, destination, protocol, length) => {
        const header = new DataView(new ArrayBuffer(12));
        header.setUint32(0, source);
        header.setUint32(4, destination);
        header.setUint8(9, protocol);
        header.setUint16(10, length);
        const expected = naiveSum(new Uint8Array(header.buffer));
        expect(fold(pseudoHeader4(source, destination, protocol, length))).toBe(expected);
      }),
    );
  });

  test("C4 RFC 8200 §8.1: the IPv6 pseudo-header has a 32-bit length; bytes, offsets and words agree", () => {
    const address = fc.uint8Array({ minLength: 16, maxLength: 16 });
    const words = (a: Uint8Array): number[] => [0, 4, 8, 12].map((at) => new DataView(a.buffer).getUint32(at));
    fc.assert(
      fc.property(address, address, fc.nat(255), partial, (source, destination, next, length) => {
        const header = new Uint8Array(40);
        header.set(source);
        header.set(destination, 16);
        new DataView(header.buffer).setUint32(32, length);
        header[39] = next;
        const expected = naiveSum(header);
        expect(fold(pseudoHeader6(source, destination, next, length))).toBe(expected);
        expect(fold(pseudoHeader6At(header, 0, 16, next, length))).toBe(expected);
        expect(fold(pseudoHeader6Words(words(source), words(destination), next, length))).toBe(expected);
      }),
    );
  });

  test("C4 RFC 791 §3.1: the IPv4 header's checksum, with and without options", () => {
    const header = Uint8Array.from(Buffer.from("45000073000040004011b861c0a80001c0a800c7", "hex"));
    const view = new DataView(header.buffer);
    expect(ipv4HeaderValid(view, 0)).toBe(true);
    view.setUint16(10, 0x1111);
    expect(ipv4HeaderValid(view, 0)).toBe(false);
    expect(writeIpv4HeaderChecksum(view, 0)).toBe(0xb861);
    expect(view.getUint16(10)).toBe(0xb861);
    fc.assert(
      fc.property(fc.integer({ min: 5, max: 15 }), fc.uint8Array({ minLength: 64, maxLength: 64 }), (ihl, data) => {
        const at = 3;
        data[at] = 0x40 | ihl;
        const view = new DataView(data.buffer);
        writeIpv4HeaderChecksum(view, at);
        expect(naiveSum(data.subarray(at, at + ihl * 4))).toBe(0xffff);
        expect(ipv4HeaderValid(view, at)).toBe(true);
      }),
    );
  });
});
