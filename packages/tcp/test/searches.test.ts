import { millis, seconds } from "@seville/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createPlpmtud } from "../src/plpmtud.ts";
import { createRcvbufAutotune } from "../src/rcvbuf-autotune.ts";

describe("TM1 RFC 4821 §7.3: the search for the path MTU", () => {
  test("finds what passes, to the threshold, whatever it is", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1064, max: 9000 }), (truth) => {
        const search = createPlpmtud(1064, 9000);
        for (let tries = 0; tries < 20; tries++) {
          const size = search.next(8);
          if (size === 0) break;
          search.probeSize = size;
          if (size <= truth) search.succeeded();
          else search.failed();
          expect(search.probeSize).toBe(0);
        }
        expect(search.next(8)).toBe(0);
        expect(search.low).toBeLessThanOrEqual(truth);
        expect(truth - search.low).toBeLessThan(8);
      }),
    );
  });

  test("is over when nothing worth while is left, and begins anew", () => {
    const search = createPlpmtud(1400, 1500);
    expect(search.next(8)).toBe(1450);
    expect(search.next(101)).toBe(0);
    search.probeSize = 1450;
    search.failed();
    expect([search.low, search.high]).toEqual([1400, 1449]);
    search.restart(1400, 1500, seconds(600));
    expect([search.low, search.high, search.reprobeAt]).toEqual([1400, 1500, seconds(600)]);
    search.succeeded();
    search.failed();
    expect([search.low, search.high]).toEqual([1400, 1500]);
  });

  test("tcp_mtu_probing 1: a black hole begins it at the base, each further one halves the payload down to the floor", () => {
    const search = createPlpmtud(1064, 1500, false);
    expect([search.enabled, search.next(8)]).toEqual([false, 0]);
    expect(search.blackHole(88)).toBe(1064);
    expect(search.enabled).toBe(true);
    expect([1, 2, 3, 4, 5].map(() => search.blackHole(88))).toEqual([552, 296, 168, 104, 88]);
  });

  test("after larger packets have passed a black hole leads back to the base at least", () => {
    const search = createPlpmtud(1064, 9000);
    search.probeSize = 8000;
    search.succeeded();
    expect(search.blackHole(88)).toBe(1064);
  });
});

describe("TA1 the receive window follows the application (tcp_rcv_space_adjust)", () => {
  test("nothing without an RTT, and not more often than once in one", () => {
    const tune = createRcvbufAutotune(0, 10_000);
    expect(tune.copied(seconds(1), 50_000, 0, 1460)).toBe(0);
    tune.sampleTimestamp(millis(100));
    expect(tune.copied(millis(99), 90_000, 0, 1460)).toBe(0);
    expect(tune.copied(millis(100), 90_000, 0, 1460)).toBeGreaterThan(0);
    expect(tune.copied(millis(150), 190_000, 0, 1460)).toBe(0);
  });

  test("twice what was taken, and more while it grows", () => {
    const tune = createRcvbufAutotune(0, 10_000);
    tune.sampleTimestamp(millis(10));
    expect(tune.copied(millis(10), 20_000, 0, 1460)).toBe(40_000 + 2 * 40_000);
    expect(tune.space).toBe(20_000);
    expect(tune.copied(millis(20), 40_000, 0, 1460)).toBe(0);
    expect(tune.copied(millis(30), 62_000, 0, 1460)).toBe(44_000 + 2 * 4_400);
    expect(tune.copied(millis(40), 86_000, 500, 1460)).toBe(48_000 + 2 * 4_363 + 500);
  });

  test("bytes that lie unread do not count as taken", () => {
    const tune = createRcvbufAutotune(0, 10_000, -5_000);
    tune.sampleTimestamp(millis(10));
    expect(tune.copied(millis(10), 10_000, 0, 1460, 5_000)).toBe(0);
    expect(tune.copied(millis(20), 30_000, 0, 1460, 5_000)).toBe(30_000 + 2 * 15_000);
  });

  test("timestamps: the RTT is smoothed by an eighth and falls at once", () => {
    const tune = createRcvbufAutotune(0, 1);
    tune.sampleTimestamp(800);
    tune.sampleTimestamp(1600);
    expect(tune.rcvRtt).toBe(900);
    tune.sampleTimestamp(500);
    expect(tune.rcvRtt).toBe(500);
  });

  test("without timestamps: the least time in which a window was filled", () => {
    const tune = createRcvbufAutotune(0, 1);
    tune.sampleWindow(millis(1), 0, 1000);
    tune.sampleWindow(millis(5), 999, 1000);
    expect(tune.rcvRtt).toBe(0);
    tune.sampleWindow(millis(11), 1000, 1000);
    expect(tune.rcvRtt).toBe(millis(10));
    tune.sampleWindow(millis(41), 2000, 1000);
    expect(tune.rcvRtt).toBe(millis(10));
    tune.sampleWindow(millis(46), 3000, 1000);
    expect(tune.rcvRtt).toBe(millis(5));
  });
});
