import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  formatDuration,
  formatProbability,
  formatRate,
  formatSize,
  micros,
  millis,
  NEVER,
  parseDuration,
  parseProbability,
  parseRate,
  parseSize,
  seconds,
  serialisationDelay,
  SevilleError,
} from "../src/index.ts";

describe("T1: time is whole nanoseconds", () => {
  test("T1: micros, millis and seconds round to whole nanoseconds", () => {
    expect([micros(1.0004), millis(0.1), seconds(1.5), seconds(1e-9)]).toEqual([1000, 100_000, 1_500_000_000, 1]);
  });

  test("T1: a double counts every nanosecond for 104 days", () => {
    const end = seconds(104 * 86_400);
    expect(end + 1 - end).toBe(1);
    expect(Number.isSafeInteger(end + 1)).toBe(true);
  });

  test("T1: NEVER is later than any time", () => expect(NEVER > Number.MAX_SAFE_INTEGER).toBe(true));
});

describe("T2: a transmitter never finishes early", () => {
  test("T2: 1538 bytes of Ethernet at 10 Gbit/s take 1230.4 ns, rounded up", () => {
    expect(serialisationDelay(1538 * 8, 10e9)).toBe(1231);
  });

  test("T2: rounded up to a whole nanosecond, and less than one over", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1e6 }), fc.integer({ min: 1000, max: 1e9 }), (bits, rate) => {
        const delay = serialisationDelay(bits, rate);
        const exact = BigInt(bits) * 1_000_000_000n;
        expect(Number.isInteger(delay)).toBe(true);
        expect(BigInt(delay) * BigInt(rate) >= exact && BigInt(delay - 1) * BigInt(rate) < exact).toBe(true);
      }),
    );
  });
});

describe("T3: durations", () => {
  test.each([
    ["20ms", 20_000_000],
    ["1.5s", 1_500_000_000],
    ["250us", 250_000],
    ["250µs", 250_000],
    ["100ns", 100],
    ["2 min", 120_000_000_000],
    ["1h", 3_600_000_000_000],
    ["3secs", 3_000_000_000],
    ["1e3msec", 1_000_000_000],
    ["0.4ns", 0],
    ["0", 0],
    [0, 0],
  ])("T3: %s is %d ns", (text, ns) => expect(parseDuration(text, "delay")).toBe(ns));

  test.each(["20", 20, "", "ms", "-1ms", "1x", "1.2.3s", "1e99s", "NaN", Infinity, "1ms 2us"])(
    "T3: %j is refused, naming the argument",
    (text) => expectInvalid(() => parseDuration(text, "links[0].delay"), "links[0].delay"),
  );
});

describe("T4: rates as tc(8) spells them", () => {
  test.each([
    ["50mbit", 50e6],
    ["1gbit", 1e9],
    ["64kbit", 64e3],
    ["9600bit", 9600],
    ["9600", 9600],
    [1e6, 1e6],
    ["1.5Mbit", 1.5e6],
    ["1kibit", 1024],
    ["10Mbps", 80e6],
    ["1kbps", 8000],
    ["1bps", 8],
    ["2KiBps", 16_384],
    ["1tbit", 1e12],
  ])("T4: %s is %d bits per second", (text, rate) => expect(parseRate(text, "rate")).toBe(rate));

  test.each(["fast", "10mb", "-1mbit", "10 mbit/s", ""])("T4: %j is refused", (text) =>
    expectInvalid(() => parseRate(text, "rate"), "rate"),
  );
});

describe("T5: sizes as tc(8) spells them", () => {
  test.each([
    ["1500", 1500],
    [1500, 1500],
    ["64KiB", 65_536],
    ["64kb", 65_536],
    ["9k", 9216],
    ["1mb", 1_048_576],
    ["1.5k", 1536],
    ["8kbit", 1024],
    ["10 bytes", 10],
  ])("T5: %s is %d bytes", (text, bytes) => expect(parseSize(text, "limit")).toBe(bytes));

  test.each(["1.5", "0.0001k", "-1", "10s", "1e300", NaN])("T5: %j is refused", (text) =>
    expectInvalid(() => parseSize(text, "limit"), "limit"),
  );
});

describe("T6: probabilities", () => {
  test.each([
    ["1%", 0.01],
    ["0.01", 0.01],
    [0.01, 0.01],
    ["100%", 1],
    [0, 0],
    [" 50 %".trim(), NaN],
  ])("T6: %j", (text, p) => {
    if (Number.isNaN(p)) expectInvalid(() => parseProbability(text, "loss"), "loss");
    else expect(parseProbability(text, "loss")).toBe(p);
  });

  test.each(["101%", 1.5, -0.1, "x", "", "%", NaN, "0x1", " "])("T6: %j is refused", (text) =>
    expectInvalid(() => parseProbability(text, "loss"), "loss"),
  );
});

describe("T7: what is printed for people", () => {
  test("T7: durations in the unit that fits", () => {
    expect([0, 1, 999, 1000, 250_000, 20_000_000, 1_500_000_000, 61e9, -5e6, 1.25].map(formatDuration)).toEqual([
      "0ns",
      "1ns",
      "999ns",
      "1us",
      "250us",
      "20ms",
      "1.5s",
      "61s",
      "-5ms",
      "1.25ns",
    ]);
    expect(formatDuration(NEVER)).toBe("never");
  });

  test("T7: rates and sizes", () => {
    expect([9600, 64e3, 50e6, 1e9, 2.5e12, Infinity].map(formatRate)).toEqual([
      "9.6Kbit",
      "64Kbit",
      "50Mbit",
      "1Gbit",
      "2.5Tbit",
      "unlimited",
    ]);
    expect([0, 100, 1500, 1024, 65_536, 1_500_000, 3 * 1024 ** 3, Infinity].map(formatSize)).toEqual([
      "0B",
      "100B",
      "1500B",
      "1KiB",
      "64KiB",
      "1.431MiB",
      "3GiB",
      "unlimited",
    ]);
    expect([0, 0.01, 0.0025, 1, 1 / 3].map(formatProbability)).toEqual(["0%", "1%", "0.25%", "100%", "33.3333%"]);
  });

  test("T7: whole microseconds up to a minute survive printing and parsing, at three decimals of their unit", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 999_999 }), (n) => {
        expect(parseDuration(formatDuration(n * 1000), "d")).toBe(n * 1000);
        expect(parseRate(formatRate(n * 1000), "r")).toBe(n * 1000);
      }),
    );
  });
});

function expectInvalid(call: () => unknown, argument: string): void {
  try {
    call();
  } catch (error) {
    expect(error).toBeInstanceOf(SevilleError);
    expect(error).toMatchObject({ code: "ERR_INVALID_ARGUMENT", argument });
    expect((error as SevilleError).message).toContain(argument);
    return;
  }
  expect.fail("nothing was thrown");
}
