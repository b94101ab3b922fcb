import { serialisationDelay } from "@seville/core";
import fc from "fast-check";
import { expect, test } from "vitest";
import { bitsOnLine, gapBits } from "../src/framing.ts";
import { LineClock } from "../src/line-clock.ts";

test("L1 a frame takes bits / rate, rounded up to the nanosecond", () => {
  expect(new LineClock(50_000_000).occupy(1500 * 8, 0)).toBe(240_000);
  expect(new LineClock(3_000_000_000).occupy(1000 * 8, 100)).toBe(100 + 2667);
});

test("L3 what rounding left over is carried: n frames end where n / rate says", () => {
  const rate = fc.integer({ min: 1, max: 800_000_000_000 });
  const sizes = fc.array(fc.integer({ min: 1, max: 9000 * 8 }), { minLength: 1, maxLength: 50 });
  fc.assert(
    fc.property(rate, sizes, fc.nat(2 ** 40), (bitsPerSecond, frames, start) => {
      const line = new LineClock(bitsPerSecond);
      let bits = 0n;
      for (const frame of frames) {
        bits += BigInt(frame);
        const exact = bits * 1_000_000_000n;
        const per = BigInt(bitsPerSecond);
        const end = BigInt(start) + (exact + per - 1n) / per;
        expect(BigInt(line.occupy(frame, start))).toBe(end);
      }
    }),
  );
});

test("L3 a line that was idle starts afresh", () => {
  const line = new LineClock(3_000_000_000);
  line.occupy(1, 0);
  expect(line.freeAt).toBe(1);
  expect(line.occupy(3, 1000)).toBe(1001);
});

test("L6 a change of rate leaves the frame on the line alone", () => {
  const line = new LineClock(1_000_000);
  expect(line.occupy(1000, 0)).toBe(1_000_000);
  line.setRate(2_000_000);
  expect(line.freeAt).toBe(1_000_000);
  expect(line.occupy(1000, 0)).toBe(1_500_000);
});

test("L1 at an infinite rate nothing takes time", () => {
  const line = new LineClock(Infinity);
  expect(line.occupy(1e6, 77)).toBe(77);
  expect(line.occupy(1e6, 77)).toBe(77);
});

test.each([
  [1514, (8 + 1514 + 4) * 8],
  [60, 576],
  [14, 576],
])("L2 IEEE 802.3: a frame of %d bytes has preamble, padding and FCS on the line: %d bits", (bytes, bits) => {
  expect(bitsOnLine("ethernet", bytes)).toBe(bits);
});

test("L2 1 Gbit/s Ethernet carries 81 274 full frames and 1 488 095 minimum frames a second", () => {
  const perSecond = (bytes: number): number => Math.floor(1e9 / (bitsOnLine("ethernet", bytes) + gapBits("ethernet")));
  expect(perSecond(1514)).toBe(81_274);
  expect(perSecond(60)).toBe(1_488_095);
  expect(gapBits("none")).toBe(0);
  expect(bitsOnLine("none", 60)).toBe(480);
});

test("L1 agrees with core's serialisationDelay for a single frame", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 72_000 }), fc.integer({ min: 1000, max: 400_000_000_000 }), (bits, rate) => {
      expect(new LineClock(rate).occupy(bits, 0)).toBe(serialisationDelay(bits, rate));
    }),
  );
});
