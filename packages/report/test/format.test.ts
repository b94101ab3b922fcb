import { describe, expect, test } from "vitest";
import { formatBytes, formatCount, formatRate, formatShare, formatTime } from "@seville/report";
import { formatMoment, significant } from "../src/format.ts";

/** Units stand behind a narrow no-break space. */
const plain = (text: string): string => text.replaceAll("\u202f", " ");

describe("F1: numbers have units and no more digits than can be read", () => {
  test.each([
    [0, "0 ns"],
    [999, "999 ns"],
    [1000, "1 µs"],
    [999_499, "999 µs"],
    [999_500, "1 ms"],
    [20_345_678, "20.3 ms"],
    [1_234_567_890, "1.23 s"],
    [600e9, "600 s"],
  ])("%d ns is %s", (ns, expected) => expect(plain(formatTime(ns))).toBe(expected));

  test.each([
    [0, "0 bit/s"],
    [64_000, "64 kbit/s"],
    [9_863_210, "9.86 Mbit/s"],
    [999_999_999, "1 Gbit/s"],
    [1e15, "1000 Tbit/s"],
  ])("%d bit/s is %s", (rate, expected) => expect(plain(formatRate(rate))).toBe(expected));

  test.each([
    [0, "0 B"],
    [1500, "1.5 kB"],
    [12_345_678, "12.3 MB"],
  ])("%d bytes are %s", (bytes, expected) => expect(plain(formatBytes(bytes))).toBe(expected));

  test.each([
    [0, "0 %"],
    [0.00001, "< 0.01 %"],
    [0.0125, "1.25 %"],
    [1, "100 %"],
  ])("%d is %s", (share, expected) => expect(plain(formatShare(share))).toBe(expected));

  test("counts are grouped in threes", () => {
    expect([7, 1234, 1234567].map((n) => plain(formatCount(n)))).toEqual(["7", "1 234", "1 234 567"]);
  });

  test("moments keep what they have", () => {
    expect([0, 1.5e9, 1_234_567_000].map((ns) => plain(formatMoment(ns)))).toEqual(["0 s", "1.5 s", "1.234567 s"]);
  });

  test("three digits are significant, zeros behind them are not", () => {
    expect([0, 1, 1.5, 1.239, 12.34, 123.4, 1234.5, -2.5].map(significant)).toEqual([
      "0",
      "1",
      "1.5",
      "1.24",
      "12.3",
      "123",
      "1235",
      "-2.5",
    ]);
  });
});
