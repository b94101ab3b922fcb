import { describe, expect, test } from "vitest";
import {
  advanceDeparture,
  congAvoidAi,
  congControl,
  createCongestionState,
  createRateSample,
  cubic,
  cwndRestart,
  cwndValidate,
  HyStartPlusPlus,
  initialWindow,
  newReno,
  renoCongAvoid,
  slowStart,
  tsoSegments,
  updateMinRtt,
  updatePacingRate,
} from "../src/index.ts";
import { MS, SEC, testRandom } from "./helpers.ts";

describe("N: NewReno (RFC 5681, tcp_cong.c)", () => {
  test("N1: slow start counts packets, whatever the number of ACKs, and leaves the rest to congestion avoidance", () => {
    const state = createCongestionState({ sndCwnd: 10, sndSsthresh: 15 });
    expect(slowStart(state, 3)).toBe(0);
    expect(state.sndCwnd).toBe(13);
    expect(slowStart(state, 5)).toBe(3);
    expect(state.sndCwnd).toBe(15);
    state.sndCwndClamp = 12;
    slowStart(state, 1);
    expect(state.sndCwnd).toBe(12);
  });

  test("N2: congestion avoidance adds one packet per window (RFC 5681 §3.1)", () => {
    const state = createCongestionState({ sndCwnd: 10, sndSsthresh: 10, isCwndLimited: true });
    for (let i = 0; i < 9; i++) renoCongAvoid(state, 1);
    expect(state.sndCwnd).toBe(10);
    renoCongAvoid(state, 1);
    expect(state.sndCwnd).toBe(11);
    renoCongAvoid(state, 33);
    expect(state.sndCwnd).toBe(14);
  });

  test("N2: credit that gathered at a larger divisor is worth one packet", () => {
    const state = createCongestionState({ sndCwnd: 5, sndCwndCnt: 100 });
    congAvoidAi(state, 10, 0);
    expect(state).toMatchObject({ sndCwnd: 6, sndCwndCnt: 0 });
  });

  test("N3: loss halves the window, to two at least (tcp_reno_ssthresh), and an undo gives it back", () => {
    for (const [cwnd, half] of [
      [21, 10],
      [3, 2],
      [1, 2],
    ] as const) {
      const state = createCongestionState({ sndCwnd: cwnd, priorCwnd: 50 });
      const control = newReno().create(state, testRandom());
      expect(control.ssthresh()).toBe(half);
      expect(control.undoCwnd()).toBe(50);
    }
  });

  test("N4: an unused window does not grow (RFC 2861, RFC 7661)", () => {
    const state = createCongestionState({ sndCwnd: 20, maxPacketsOut: 10 });
    renoCongAvoid(state, 10);
    expect(state.sndCwnd).toBe(20);
    state.maxPacketsOut = 11;
    renoCongAvoid(state, 10);
    expect(state.sndCwnd).toBe(30);
  });
});

describe("Y: HyStart++ (RFC 9406)", () => {
  function starting() {
    const state = createCongestionState({ sndCwnd: 100, sndNxt: 100 });
    const hyStart = new HyStartPlusPlus(state);
    hyStart.init();
    return { state, hyStart };
  }

  function round({ state, hyStart }: ReturnType<typeof starting>, rttUs: number, samples = 8) {
    state.sndUna = state.sndNxt + 1;
    state.sndNxt += 100;
    for (let i = 0; i < samples; i++) hyStart.onRtt(rttUs);
  }

  test("Y1: §4.2: a round whose least RTT rose by an eighth, within 4 to 16 ms, begins conservative slow start", () => {
    for (const [base, rise, enters] of [
      [20_000, 3_999, false],
      [20_000, 4_000, true],
      [80_000, 9_999, false],
      [80_000, 10_000, true],
      [800_000, 15_999, false],
      [800_000, 16_000, true],
    ] as const) {
      const flow = starting();
      round(flow, base);
      round(flow, base + rise);
      expect(flow.hyStart.inConservativeSlowStart).toBe(enters);
    }
  });

  test("Y2: §4.2: seven samples are not enough", () => {
    const flow = starting();
    round(flow, 50_000);
    round(flow, 90_000, 7);
    expect(flow.hyStart.inConservativeSlowStart).toBe(false);
    flow.hyStart.onRtt(90_000);
    expect(flow.hyStart.inConservativeSlowStart).toBe(true);
  });

  test("Y3: §4.2: conservative slow start grows four times slower, and no more than 8 packets per ACK unless paced", () => {
    const flow = starting();
    expect(flow.hyStart.slowStart(20)).toBe(0);
    expect(flow.state.sndCwnd).toBe(108);
    round(flow, 50_000);
    round(flow, 90_000);
    for (let i = 0; i < 8; i++) flow.hyStart.slowStart(1);
    expect(flow.state.sndCwnd).toBe(110);
    flow.state.pacingStatus = "fq";
    flow.hyStart.slowStart(20);
    expect(flow.state.sndCwnd).toBe(115);
  });

  test("Y4: §4.2: five such rounds end slow start: ssthresh is the window", () => {
    const flow = starting();
    round(flow, 50_000);
    round(flow, 90_000);
    for (let i = 0; i < 4; i++) round(flow, 90_000);
    expect(flow.state.sndSsthresh).toBe(0x7fff_ffff);
    round(flow, 90_000);
    expect(flow.state.sndSsthresh).toBe(100);
  });

  test("Y5: §4.2: an RTT below that at which it began resumes slow start", () => {
    const flow = starting();
    round(flow, 50_000);
    round(flow, 90_000);
    round(flow, 80_000);
    expect(flow.hyStart.inConservativeSlowStart).toBe(false);
    flow.hyStart.slowStart(8);
    expect(flow.state.sndCwnd).toBe(108);
  });

  test("Y6: §4.3: later slow starts, which know a threshold, are left alone", () => {
    const flow = starting();
    flow.state.sndSsthresh = 500;
    round(flow, 50_000);
    round(flow, 90_000);
    expect(flow.hyStart.inConservativeSlowStart).toBe(false);
  });

  test("Y7: NewReno and CUBIC take it by option", () => {
    for (const algorithm of [newReno({ hyStart: "rfc9406" }), cubic({ hyStart: "rfc9406" })]) {
      const state = createCongestionState({ sndCwnd: 100, sndNxt: 100, isCwndLimited: true });
      const control = algorithm.create(state, testRandom());
      control.init();
      for (const rttUs of [50_000, 90_000]) {
        state.sndUna = state.sndNxt + 1;
        state.sndNxt += 100;
        for (let i = 0; i < 8; i++) control.pktsAcked!({ pktsAcked: 1, rttUs, inFlight: 0 });
      }
      control.congAvoid!(0, 8);
      expect(state.sndCwnd).toBe(102);
    }
  });
});

describe("W: window validation (tcp_cwnd_validate, RFC 2861)", () => {
  const control = newReno().create(createCongestionState(), testRandom());

  test("W1: that cwnd was the limit is remembered for a window of data", () => {
    const state = createCongestionState({ sndUna: 0, sndNxt: 10, packetsOut: 10 });
    cwndValidate(state, control, true, SEC);
    expect(state).toMatchObject({ isCwndLimited: true, maxPacketsOut: 10, cwndUsageSeq: 10 });
    state.sndUna = 5;
    cwndValidate(state, control, false, SEC);
    expect(state.isCwndLimited).toBe(true);
    state.sndUna = 10;
    cwndValidate(state, control, false, SEC);
    expect(state.isCwndLimited).toBe(false);
  });

  test("W2: a window that was not used for an RTO is cut half-way to its use", () => {
    const state = createCongestionState({ sndCwnd: 100, sndSsthresh: 50, packetsOut: 20, now: 2 * SEC });
    cwndValidate(state, control, false, 1 * SEC);
    expect(state).toMatchObject({ sndCwnd: 60, sndSsthresh: 75, sndCwndStamp: 2 * SEC, sndCwndUsed: 0 });
  });

  test("W2: not with tcp_slow_start_after_idle=0, and not where the send buffer is what limits", () => {
    for (const options of [{ slowStartAfterIdle: false }, { sendBufferFull: true }]) {
      const state = createCongestionState({ sndCwnd: 100, sndSsthresh: 50, packetsOut: 20, now: 2 * SEC });
      cwndValidate(state, control, false, 1 * SEC, options);
      expect(state.sndCwnd).toBe(100);
    }
  });

  test("W3: an idle time halves the window once per RTO, down to the initial one", () => {
    const state = createCongestionState({ sndCwnd: 100, sndSsthresh: 50 });
    cwndRestart(state, control, 2.5 * SEC, 1 * SEC);
    expect(state).toMatchObject({ sndCwnd: 25, sndSsthresh: 75 });
    cwndRestart(state, control, 100 * SEC, 1 * SEC);
    expect(state.sndCwnd).toBe(10);
    expect(initialWindow(createCongestionState({ sndCwndClamp: 4 }))).toBe(4);
  });
});

describe("A: pacing (tcp_update_pacing_rate)", () => {
  test("A1: twice cwnd/SRTT below half of ssthresh, 1.2 times from there on", () => {
    const state = createCongestionState({ sndCwnd: 10, mssCache: 1000, srttUs: 8 * 100_000 });
    updatePacingRate(state);
    expect(state.pacingRate).toBe(200_000);
    state.sndSsthresh = 20;
    updatePacingRate(state);
    expect(state.pacingRate).toBe(120_000);
    updatePacingRate(state, { caRatio: 200 });
    expect(state.pacingRate).toBe(200_000);
  });

  test("A2: SO_MAX_PACING_RATE bounds it; more out than the window counts", () => {
    const state = createCongestionState({ sndCwnd: 10, packetsOut: 30, mssCache: 1000, srttUs: 800_000 });
    updatePacingRate(state);
    expect(state.pacingRate).toBe(600_000);
    state.maxPacingRate = 1_000;
    updatePacingRate(state);
    expect(state.pacingRate).toBe(1_000);
  });

  test("A3: the next departure is a packet's time later, less a credit for lateness of up to half of it", () => {
    const state = createCongestionState({
      pacingStatus: "needed",
      pacingRate: 1_000_000,
      dataSegsOut: 10,
      tcpWstamp: 5 * MS,
    });
    advanceDeparture(state, 1000, 5 * MS);
    expect(state.tcpWstamp).toBe(6 * MS);
    advanceDeparture(state, 1000, 6 * MS - 300_000);
    expect(state.tcpWstamp).toBe(7 * MS - 300_000);
    advanceDeparture(state, 1000, 0);
    expect(state.tcpWstamp).toBe(7 * MS - 300_000 + 500_000);
  });

  test("A3: the first ten packets are not paced, nor is anything without a rate", () => {
    const state = createCongestionState({ pacingStatus: "needed", pacingRate: 1_000, dataSegsOut: 9 });
    advanceDeparture(state, 1000, 0);
    expect(state.tcpWstamp).toBe(0);
    Object.assign(state, { dataSegsOut: 100, pacingRate: Infinity });
    advanceDeparture(state, 1000, 0);
    expect(state.tcpWstamp).toBe(0);
  });

  test("A4: a super-packet holds a millisecond's worth, more at tiny RTTs (tcp_tso_autosize)", () => {
    const state = createCongestionState({ pacingRate: 10_240_000, mssCache: 1000 });
    expect(tsoSegments(state)).toBe(10);
    expect(tsoSegments(state, 20)).toBe(20);
    updateMinRtt(state, 500);
    expect(tsoSegments(state)).toBe(65);
    state.pacingRate = 10_000;
    updateMinRtt(state, 1);
    expect(tsoSegments(state)).toBe(65);
  });

  test("A5: in open state growth, in recovery PRR, and with congControl the algorithm alone (tcp_cong_control)", () => {
    const state = createCongestionState({ sndCwnd: 10, isCwndLimited: true, srttUs: 8000, packetsOut: 9 });
    const outcome = { ack: 1, ackedSacked: 1, sndUnaAdvanced: true, dataAcked: true, forwardProgress: true };
    const reno = newReno().create(state, testRandom());
    congControl(state, reno, outcome, createRateSample());
    expect(state.sndCwnd).toBe(11);
    expect(state.pacingRate).toBeGreaterThan(0);
    congControl(state, reno, { ...outcome, dataAcked: false }, createRateSample());
    expect(state.sndCwnd).toBe(11);
    state.reordering = 10;
    congControl(state, reno, { ...outcome, dataAcked: false }, createRateSample());
    expect(state.sndCwnd).toBe(12);
    Object.assign(state, { caState: "recovery", priorCwnd: 12, sndSsthresh: 6 });
    congControl(state, reno, outcome, createRateSample());
    expect(state.sndCwnd).toBe(10);
  });
});
