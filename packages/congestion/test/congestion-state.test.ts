import { describe, expect, test } from "vitest";
import {
  caStateAtLeast,
  CONGESTION_ALGORITHMS,
  congestionAlgorithm,
  createCongestionState,
  currentSsthresh,
  elapsedUs,
  inCwndReduction,
  INFINITE_SSTHRESH,
  inSlowStart,
  isCwndLimited,
  packetsInFlight,
} from "../src/index.ts";
import { testRandom } from "./helpers.ts";

describe("S: the state (tcp_sock)", () => {
  test("S1: a new one is in slow start with ten packets of window (RFC 6928)", () => {
    const state = createCongestionState();
    expect(state.sndCwnd).toBe(10);
    expect(state.sndSsthresh).toBe(INFINITE_SSTHRESH);
    expect(inSlowStart(state)).toBe(true);
    expect(packetsInFlight(state)).toBe(0);
  });

  test("S2: what is sacked or lost is not in flight, what is retransmitted is (tcp_packets_in_flight)", () => {
    const state = createCongestionState({ packetsOut: 20, sackedOut: 5, lostOut: 4, retransOut: 3 });
    expect(packetsInFlight(state)).toBe(14);
  });

  test("S3: in slow start a window is used if half of it was in flight (tcp_is_cwnd_limited)", () => {
    expect(isCwndLimited(createCongestionState({ sndCwnd: 10, maxPacketsOut: 5 }))).toBe(false);
    expect(isCwndLimited(createCongestionState({ sndCwnd: 10, maxPacketsOut: 6 }))).toBe(true);
    expect(isCwndLimited(createCongestionState({ sndCwnd: 10, sndSsthresh: 5, maxPacketsOut: 9 }))).toBe(false);
    expect(isCwndLimited(createCongestionState({ sndCwnd: 10, sndSsthresh: 5, isCwndLimited: true }))).toBe(true);
  });

  test("S4: a window that outgrew its threshold raises what is remembered to three quarters (tcp_current_ssthresh)", () => {
    expect(currentSsthresh(createCongestionState({ sndCwnd: 41, sndSsthresh: 10 }))).toBe(20 + 10);
    expect(currentSsthresh(createCongestionState({ sndCwnd: 40, sndSsthresh: 35 }))).toBe(35);
    expect(currentSsthresh(createCongestionState({ sndCwnd: 40, sndSsthresh: 10, caState: "recovery" }))).toBe(10);
  });

  test("S5: the states are in the kernel's order", () => {
    const order = ["open", "disorder", "cwr", "recovery", "loss"] as const;
    for (const [i, a] of order.entries()) {
      for (const [j, b] of order.entries()) expect(caStateAtLeast(a, b)).toBe(i >= j);
      expect(inCwndReduction(createCongestionState({ caState: a }))).toBe(a === "cwr" || a === "recovery");
    }
  });

  test("S6: time between is whole microseconds, and never negative (tcp_stamp_us_delta)", () => {
    expect(elapsedUs(5_999, 3_000)).toBe(2);
    expect(elapsedUs(3_000, 5_999)).toBe(0);
  });
});

describe("G: the registry (tcp_ca_find)", () => {
  test("G1: it knows the algorithms by the kernel's names", () => {
    expect([...CONGESTION_ALGORITHMS.keys()]).toEqual(["reno", "cubic", "bbr", "bbr3", "dctcp"]);
    expect(congestionAlgorithm("cubic").name).toBe("cubic");
  });

  test("G2: an unknown name fails as setsockopt(TCP_CONGESTION) does", () => {
    expect(() => congestionAlgorithm("vegas")).toThrow(
      expect.objectContaining({ code: "ENOENT", argument: "name" }) as Error,
    );
  });

  test("G3: only DCTCP asks for ECN (TCP_CONG_NEEDS_ECN)", () => {
    expect([...CONGESTION_ALGORITHMS.values()].filter((one) => one.needsEcn).map((one) => one.name)).toEqual(["dctcp"]);
  });

  test("G4: each connection has its own control over its own state", () => {
    for (const algorithm of CONGESTION_ALGORITHMS.values()) {
      const a = createCongestionState({ sndCwnd: 100 });
      const b = createCongestionState({ sndCwnd: 10 });
      const [one, two] = [algorithm.create(a, testRandom()), algorithm.create(b, testRandom())];
      one.init();
      two.init();
      one.ssthresh();
      expect(b.sndCwnd).toBe(10);
      expect(two.undoCwnd()).toBe(10);
    }
  });
});
