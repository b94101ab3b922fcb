import { describe, expect, test } from "vitest";
import { bbr, createCongestionState } from "../src/index.ts";
import { longTermSampling, resetLongTermSampling } from "../src/bbr/long-term-bandwidth.ts";
import { type Bbr, BBR_UNIT, createBbr } from "../src/bbr/model.ts";
import { Flow } from "./flow.ts";
import { MBIT, MS, SEC, testRandom } from "./helpers.ts";

/** A connection that is told of rounds: each delivers `delivered`, loses `lost`, and takes 10 ms. */
function sampled() {
  const state = createCongestionState({ deliveredMstamp: 0, mssCache: 1000 });
  const bbr = createBbr(testRandom(), {});
  bbr.mode = "probeBw";
  resetLongTermSampling(state, bbr);
  const round = (delivered: number, lost: number, { ms = 10, isAppLimited = false } = {}) => {
    state.deliveredMstamp += ms * MS;
    state.delivered += delivered;
    state.lost += lost;
    bbr.roundStart = true;
    return longTermSampling(state, bbr, { losses: lost, isAppLimited });
  };
  return { state, bbr, round };
}

/** First loss, then a whole interval of four rounds with the given rate and loss. */
function interval({ round }: ReturnType<typeof sampled>, delivered: number, lost: number, ms = 10) {
  for (let i = 0; i < 3; i++) round(delivered, 0, { ms });
  round(delivered, 4 * lost, { ms });
}

describe("L: the policer detector (bbr_lt_bw_sampling)", () => {
  test("L1: sampling begins with the first loss", () => {
    const flow = sampled();
    flow.round(100, 0);
    expect(flow.bbr.ltIsSampling).toBe(false);
    flow.round(100, 1);
    expect(flow.bbr).toMatchObject({ ltIsSampling: true, ltLastDelivered: 200, ltLastLost: 1, ltRttCnt: 1 });
  });

  test("L2: two intervals of four rounds with ≥ 19.5 % lost and the same rate: policed, at their mean", () => {
    const flow = sampled();
    flow.round(100, 1);
    interval(flow, 100, 20);
    expect(flow.bbr.ltUseBw).toBe(false);
    expect(flow.bbr.ltBw).toBeGreaterThan(0);
    interval(flow, 110, 25);
    expect(flow.bbr.ltUseBw).toBe(true);
    // 100 per 10 ms in the first, 110 in the second: packets/µs << 24.
    expect(flow.bbr.ltBw / 2 ** 24).toBeCloseTo(0.0105, 4);
    expect(flow.bbr.pacingGain).toBe(BBR_UNIT);
  });

  test("L3: exactly 50/256 is lossy, below it the interval waits for more", () => {
    for (const [lost, lossy] of [
      [49, false],
      [50, true],
    ] as const) {
      const flow = sampled();
      flow.round(10, 1);
      for (let i = 0; i < 3; i++) flow.round(64, 0);
      flow.round(64, lost);
      expect(flow.bbr.ltBw > 0).toBe(lossy);
    }
  });

  test("L4: rates that differ by more than an eighth are no policer: the second begins the next pair", () => {
    const flow = sampled();
    flow.round(100, 1);
    interval(flow, 100, 20);
    interval(flow, 114, 30);
    expect(flow.bbr.ltUseBw).toBe(false);
    interval(flow, 120, 30);
    expect(flow.bbr.ltUseBw).toBe(true);
  });

  test("L5: at the lowest rates a difference of 4 kbit/s is the same rate", () => {
    const flow = sampled();
    flow.round(1, 1, { ms: 5000 });
    interval(flow, 1, 1, 5000);
    expect(flow.bbr.ltUseBw).toBe(false);
    interval(flow, 2, 2, 5000);
    expect(flow.bbr.ltUseBw).toBe(true);
  });

  test("L6: an interval of more than sixteen rounds is given up", () => {
    const flow = sampled();
    flow.round(100, 1);
    for (let i = 0; i < 15; i++) flow.round(100, 1);
    expect(flow.bbr.ltIsSampling).toBe(true);
    flow.round(100, 1);
    expect(flow.bbr).toMatchObject({ ltIsSampling: false, ltBw: 0 });
  });

  test("L7: what the application limited is no evidence", () => {
    const flow = sampled();
    flow.round(100, 1);
    interval(flow, 100, 20);
    flow.round(100, 0, { isAppLimited: true });
    expect(flow.bbr).toMatchObject({ ltIsSampling: false, ltBw: 0 });
  });

  test("L8: the rate is believed for 48 rounds of PROBE_BW, then gain cycling begins anew", () => {
    const flow = sampled();
    flow.round(100, 1);
    interval(flow, 100, 20);
    interval(flow, 100, 20);
    expect(flow.bbr.ltUseBw).toBe(true);
    for (let i = 0; i < 47; i++) expect(flow.round(100, 5)).toBe(false);
    flow.bbr.mode = "probeRtt";
    expect(flow.round(100, 5)).toBe(false);
    flow.bbr.mode = "probeBw";
    expect(flow.round(100, 5)).toBe(true);
    expect(flow.bbr).toMatchObject({ ltUseBw: false, ltBw: 0, ltIsSampling: false });
  });

  test("L9: less than a millisecond is no interval, and switched off nothing is", () => {
    const flow = sampled();
    flow.round(100, 1);
    interval(flow, 100, 20, 0.1);
    expect(flow.bbr.ltBw).toBe(0);
    const off = sampled();
    Object.assign(off.bbr, { policerDetector: false });
    off.round(100, 1);
    interval(off, 100, 20);
    interval(off, 100, 20);
    expect(off.bbr.ltIsSampling).toBe(false);
  });
});

describe("L: BBR behind a policer of 10 Mbit/s on a line of 100 Mbit/s", () => {
  function run(policerDetector: boolean, burst = 100_000, time = 20) {
    const path = { rate: 100 * MBIT, rtt: 40 * MS, buffer: 500_000, policer: { rate: 10 * MBIT, burst } };
    const flow = new Flow(bbr({ policerDetector }), path, { seed: 2 });
    const { model } = flow.control as unknown as { model: Readonly<Bbr> };
    let detectedAt = -1;
    let rate = 0;
    flow.onAck = () => {
      if (detectedAt >= 0 || !model.ltUseBw) return;
      detectedAt = flow.now;
      rate = flow.control.getInfo!().bbr_bw! * 8 * (1500 / 1448);
    };
    flow.run(time * SEC);
    const sent = flow.state.dataSegsOut;
    return { detectedAt, rate, dropped: flow.path.drops.policer / sent, goodput: Flow.rate(flow.received, time * SEC) };
  }

  test("L10: it is recognised within seconds, at its rate; the kernel dropped 6.9 % and delivered 9.51 Mbit/s", () => {
    const { detectedAt, rate, dropped, goodput } = run(true);
    expect(detectedAt).toBeGreaterThan(0);
    expect(detectedAt).toBeLessThan(5 * SEC);
    expect(rate).toBeGreaterThan(9 * MBIT);
    expect(rate).toBeLessThan(11 * MBIT);
    expect(goodput).toBeGreaterThan(9 * MBIT);
    expect(dropped).toBeLessThan(0.12);
  });

  test("L11: while its rate is believed far less is dropped than while it is not", () => {
    const path = { rate: 100 * MBIT, rtt: 40 * MS, buffer: 500_000, policer: { rate: 10 * MBIT, burst: 100_000 } };
    const flow = new Flow(bbr(), path, { seed: 2 });
    const { model } = flow.control as unknown as { model: Readonly<Bbr> };
    const believed = { sent: 0, dropped: 0 };
    const not = { sent: 0, dropped: 0 };
    let [sent, dropped, since] = [0, 0, 0];
    flow.onAck = () => {
      // What is lost now was sent a round ago.
      since = model.ltUseBw ? since + flow.sample.ackedSacked : 0;
      const sum = since > 100 ? believed : not;
      sum.sent += flow.state.dataSegsOut - sent;
      sum.dropped += flow.path.drops.policer - dropped;
      [sent, dropped] = [flow.state.dataSegsOut, flow.path.drops.policer];
    };
    flow.run(30 * SEC);
    expect(believed.sent).toBeGreaterThan(3000);
    expect(believed.dropped / believed.sent).toBeLessThan(0.5 * (not.dropped / not.sent));
  });

  test("L12: a full buffer or a lossy line of 5 % is not mistaken for a policer", () => {
    for (const path of [
      { rate: 10 * MBIT, rtt: 40 * MS, buffer: 20_000 },
      { rate: 10 * MBIT, rtt: 40 * MS, buffer: 100_000, loss: 0.05 },
    ]) {
      const flow = new Flow(bbr(), path, { seed: 3 });
      const { model } = flow.control as unknown as { model: Readonly<Bbr> };
      let mistaken = false;
      flow.onAck = () => void (mistaken ||= model.ltUseBw && model.mode === "probeBw");
      flow.run(10 * SEC);
      expect(mistaken).toBe(false);
    }
  });
});
