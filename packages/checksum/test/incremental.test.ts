import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  decrementTtl,
  finish,
  ipv4HeaderValid,
  mangleZero,
  replace16,
  replace2,
  replace4,
  replaceByDifference,
  replaceUdp,
  sub,
  sum,
  writeIpv4HeaderChecksum,
} from "@seville/checksum";
import { naiveSum } from "./helpers/naive.ts";

const u16 = fc.nat(0xffff);
const u32 = fc.nat(0xffff_ffff);

describe("C5 the incremental update of RFC 1624", () => {
  test("C5 RFC 1624 §4: the example in which the older equation gives the wrong zero", () => {
    expect(replace2(0xdd2f, 0x5555, 0x3285)).toBe(0x0000);
  });

  test("C5 both zeros: what a change gives is what computing anew gives, for all words around the edges", () => {
    const edges = [0, 1, 2, 0x7fff, 0x8000, 0xfffd, 0xfffe, 0xffff];
    for (const rest of edges) {
      for (const from of edges) {
        for (const to of edges) {
          // Data all of zeros has no sum but 0, from which a difference cannot tell it; there is none on the wire.
          if (rest === 0 && (from === 0 || to === 0)) continue;
          const compute = (word: number): number => 0xffff - naiveSum([rest >>> 8, rest & 255, word >>> 8, word & 255]);
          expect(replace2(compute(from), from, to)).toBe(compute(to));
        }
      }
    }
  });

  test("C5 replace2, replace4, replace16 and by difference equal computing anew", () => {
    const data = fc.uint8Array({ minLength: 40, maxLength: 40 }).filter((bytes) => bytes.some((byte) => byte !== 0));
    fc.assert(
      fc.property(data, u16, fc.array(u32, { minLength: 4, maxLength: 4 }), (before, word, words) => {
        before[0] = 1;
        const checksum = finish(sum(before));
        const view = new DataView(before.buffer);

        const after2 = Uint8Array.from(before);
        new DataView(after2.buffer).setUint16(6, word);
        expect(replace2(checksum, view.getUint16(6), word)).toBe(finish(sum(after2)));

        const after4 = Uint8Array.from(before);
        new DataView(after4.buffer).setUint32(6, words[0]!);
        expect(replace4(checksum, view.getUint32(6), words[0]!)).toBe(finish(sum(after4)));

        const after16 = Uint8Array.from(before);
        words.forEach((value, i) => new DataView(after16.buffer).setUint32(8 + 4 * i, value));
        const old = [0, 1, 2, 3].map((i) => view.getUint32(8 + 4 * i));
        expect(replace16(checksum, old, words)).toBe(finish(sum(after16)));
        const difference = sub(sum(after16.subarray(8, 24)), sum(before.subarray(8, 24)));
        expect(replaceByDifference(checksum, difference)).toBe(finish(sum(after16)));
      }),
    );
  });

  test("C5 a TTL decrement keeps every IPv4 header valid, through all 255 of them", () => {
    const header = Uint8Array.from(Buffer.from("45000073000040004011b861c0a80001c0a800c7", "hex"));
    const view = new DataView(header.buffer);
    for (let id = 0; id < 300; id++) {
      view.setUint16(4, (id * 219) & 0xffff);
      view.setUint8(8, 255);
      writeIpv4HeaderChecksum(view, 0);
      for (let ttl = 254; ttl >= 0; ttl--) {
        // Not expect(): 75 000 of them would take seconds.
        if (decrementTtl(view, 0) !== ttl || !ipv4HeaderValid(view, 0)) throw new Error(`id ${id}, ttl ${ttl}`);
      }
    }
  });
});

describe("C7 UDP's two zeros", () => {
  test("C7 RFC 768: no checksum stays none through an edit, a checksum that becomes 0 is stored as 0xffff", () => {
    expect(replaceUdp(0, 0x1234)).toBe(0);
    expect(replaceByDifference(0x1234, 0x1234)).toBe(0);
    expect(replaceUdp(0x1234, 0x1234)).toBe(0xffff);
    expect(mangleZero(0)).toBe(0xffff);
    expect(mangleZero(7)).toBe(7);
  });
});

test("C8 TCP, ICMP, GRE and IPv4 headers keep a checksum of 0", () => {
  expect(finish(0xffff)).toBe(0);
  expect(replace2(0x1234, 0, 0x1234)).toBe(0);
});
