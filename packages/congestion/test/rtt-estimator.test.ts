import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  backedOff,
  createCongestionState,
  minRttUs,
  probeTimeout,
  retransmissionTimeout,
  smoothedRtt,
  updateMinRtt,
  updateRtt,
} from "../src/index.ts";
import { MS, SEC } from "./helpers.ts";

/** RFC 6298 §2 in real numbers, with Linux's floor: what the integers approximate where the RTT is steady. */
function rfc6298(samples: readonly number[]): { srtt: number; rttvar: number } {
  let [srtt, rttvar] = [0, 0];
  for (const [i, r] of samples.entries()) {
    if (i === 0) [srtt, rttvar] = [r, r / 2];
    else {
      rttvar = 0.75 * rttvar + 0.25 * Math.abs(srtt - r);
      srtt = 0.875 * srtt + 0.125 * r;
    }
  }
  return { srtt, rttvar };
}

describe("T: RTT and RTO (RFC 6298, tcp_rtt_estimator)", () => {
  test("T1: before any sample the RTO is one second (RFC 6298 §2.1)", () => {
    const state = createCongestionState();
    expect(retransmissionTimeout(state)).toBe(1 * SEC);
    expect(smoothedRtt(state)).toBe(0);
  });

  test("T2: the first sample makes SRTT = R and RTO = 3 R (§2.2), but 200 ms above SRTT at least (Linux)", () => {
    const long = createCongestionState();
    updateRtt(long, 400_000);
    expect(smoothedRtt(long)).toBe(400 * MS);
    expect(retransmissionTimeout(long)).toBe(1_200 * MS);
    const short = createCongestionState();
    updateRtt(short, 10_000);
    expect(retransmissionTimeout(short)).toBe(210 * MS);
  });

  test("T3: SRTT follows 7/8 old + 1/8 new (§2.3)", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1_000, max: 2_000_000 }), { minLength: 1, maxLength: 60 }), (samples) => {
        const state = createCongestionState();
        for (const rtt of samples) updateRtt(state, rtt);
        // The kernel's shift drops less than a microsecond a time, and the remainders do not pile up beyond eight.
        expect(Math.abs(state.srttUs / 8 - rfc6298(samples).srtt)).toBeLessThan(8);
      }),
    );
  });

  test("T4: a rising RTT raises the deviation by a quarter of the error, a falling one by a thirty-second (Eifel)", () => {
    const rising = createCongestionState();
    updateRtt(rising, 100_000);
    const before = rising.mdevUs;
    updateRtt(rising, 500_000);
    expect(rising.mdevUs - before).toBe(400_000 - before / 4);
    const falling = createCongestionState();
    updateRtt(falling, 500_000);
    falling.mdevUs = 40_000;
    updateRtt(falling, 100_000);
    expect(falling.mdevUs - 40_000).toBe((400_000 - 10_000) / 8);
  });

  test("T5: the variance falls by a quarter per round, and not within one", () => {
    const state = createCongestionState({ sndUna: 0, sndNxt: 10 });
    updateRtt(state, 1_000_000);
    const first = state.rttvarUs;
    expect(first).toBe(2_000_000);
    for (let i = 0; i < 5; i++) updateRtt(state, 1_000_000);
    expect(state.rttvarUs).toBe(first);
    state.sndUna = 11;
    state.sndNxt = 20;
    updateRtt(state, 1_000_000);
    // The round in which the maximum was the first deviation ends; the next takes the deviation of its own samples.
    expect(state.rttvarUs).toBe(first);
    state.sndUna = 21;
    state.sndNxt = 30;
    updateRtt(state, 1_000_000);
    expect(state.rttvarUs).toBe(first - Math.floor((first - Math.max(200_000, state.mdevUs)) / 4));
  });

  test("T6: the RTO is rounded up to the timer's tick, and is at most two minutes (TCP_RTO_MAX)", () => {
    const state = createCongestionState();
    updateRtt(state, 10_001);
    expect(retransmissionTimeout(state)).toBe(211 * MS);
    expect(retransmissionTimeout(state, { tick: 4 * MS })).toBe(212 * MS);
    updateRtt(state, 200_000_000);
    expect(retransmissionTimeout(state)).toBe(120 * SEC);
    expect(retransmissionTimeout(state, { rtoMax: 5 * SEC })).toBe(5 * SEC);
  });

  test("T7: each expiration doubles it, up to the maximum (RFC 6298 §5.5)", () => {
    expect([0, 1, 2, 3].map((n) => backedOff(200 * MS, n))).toEqual([200, 400, 800, 1600].map((ms) => ms * MS));
    expect(backedOff(200 * MS, 15)).toBe(120 * SEC);
    expect(backedOff(1 * SEC, 1000)).toBe(120 * SEC);
  });

  test("T8: the least RTO can be set (tcp_rto_min_us)", () => {
    const state = createCongestionState();
    updateRtt(state, 1_000, { rtoMin: 5 * MS });
    expect(retransmissionTimeout(state)).toBe(6 * MS);
  });

  test("T9: the minimum RTT is that of five minutes; an ACK held back may lower it but not stand for it", () => {
    const state = createCongestionState();
    expect(minRttUs(state)).toBe(Infinity);
    updateMinRtt(state, 30_000);
    updateMinRtt(state, 40_000);
    expect(minRttUs(state)).toBe(30_000);
    state.now = 301 * SEC;
    updateMinRtt(state, 70_000, true);
    expect(minRttUs(state)).toBe(30_000);
    updateMinRtt(state, 50_000);
    expect(minRttUs(state)).toBeGreaterThan(30_000);
    updateMinRtt(state, 20_000, true);
    expect(minRttUs(state)).toBe(20_000);
    updateMinRtt(state, 0);
    expect(minRttUs(state)).toBe(1);
  });

  test("T10: a tail loss probe waits two RTTs, and for one packet a delayed ACK more (RFC 8985 §7.2)", () => {
    const state = createCongestionState({ packetsOut: 5 });
    expect(probeTimeout(state, Infinity)).toBe(1 * SEC);
    updateRtt(state, 50_000);
    expect(probeTimeout(state, Infinity)).toBe(102 * MS);
    state.packetsOut = 1;
    expect(probeTimeout(state, Infinity)).toBe(300 * MS);
    expect(probeTimeout(state, 250 * MS)).toBe(250 * MS);
  });
});
