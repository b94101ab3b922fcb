import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createCongestionState, cubic } from "../src/index.ts";
import { cubicRoot } from "../src/cubic/cubic-root.ts";
import { CubicWindow } from "../src/cubic/cubic-window.ts";
import { bicCongestion, bicModel, bicUpdate, exactRoot } from "./bictcp-model.ts";
import { MS, SEC, testRandom } from "./helpers.ts";

describe("C: CUBIC (RFC 9438, tcp_cubic.c)", () => {
  test("C1: the cube root is within 1 % above 2^12, and exact to the unit for small numbers' rounding", () => {
    // Values that the kernel's table and Newton step give, worked by hand.
    expect([0, 1, 8, 27, 63].map(cubicRoot)).toEqual([0, 1, 2, 3, 4]);
    fc.assert(
      fc.property(fc.double({ min: 12, max: 51, noNaN: true }), (bits) => {
        const a = Math.floor(2 ** bits);
        const exact = Number(exactRoot(BigInt(a)));
        expect(Math.abs(cubicRoot(a) - exact)).toBeLessThanOrEqual(Math.max(1, exact * 0.01));
      }),
    );
  });

  test("C1: on average it is off by about 0.2 %, as the kernel says", () => {
    let sum = 0;
    for (let i = 1; i <= 2000; i++) {
      const a = i * 1_000_003 * 997;
      const exact = Math.cbrt(a);
      sum += Math.abs(cubicRoot(a) - exact) / exact;
    }
    expect(sum / 2000).toBeLessThan(0.003);
  });

  test("C2: ACK by ACK, what bictcp_update does in u32 and u64 (RFC 9438 §4.2, §4.3)", () => {
    const step = fc.record({
      acked: fc.integer({ min: 1, max: 40 }),
      pause: fc.integer({ min: 0, max: 400 }),
      congestion: fc.boolean(),
      rttUs: fc.integer({ min: 1, max: 300_000 }),
    });
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 20_000 }),
        fc.array(step, { minLength: 5, maxLength: 200 }),
        fc.integer({ min: 1, max: 20 }),
        (first, steps, rareness) => {
          const ours = new CubicWindow(717, 41, 1000, true);
          const model = bicModel();
          let cwnd = first;
          let now = 5;
          for (const [i, { acked, pause, congestion, rttUs }] of steps.entries()) {
            now += pause;
            if (congestion && i % rareness === 0) {
              ours.congestion(cwnd, true);
              bicCongestion(model, BigInt(cwnd));
              cwnd = Math.max(2, Math.floor((cwnd * 717) / 1024));
            }
            ours.noteDelay(rttUs);
            if (model.delayMin === 0n || model.delayMin > BigInt(rttUs)) model.delayMin = BigInt(rttUs);
            ours.update(cwnd, acked, now);
            bicUpdate(model, BigInt(cwnd), BigInt(acked), BigInt(now), (a) => BigInt(cubicRoot(Number(a))));
            expect(ours.cnt).toBe(Number(model.cnt));
            if (i % 3 === 0) cwnd++;
          }
        },
      ),
    );
  });

  test("C2: also when time since the loss cubed passes 2^53", () => {
    const ours = new CubicWindow(717, 41, 1000, false);
    const model = bicModel();
    for (const now of [1, 30_000, 60_001, 300_007, 999_999]) {
      ours.update(100_000 + now, 1, now);
      bicUpdate(model, BigInt(100_000 + now), 1n, BigInt(now), exactRoot);
      expect(ours.cnt).toBe(Number(model.cnt));
    }
  });

  test("C3: the plateau of the curve comes K = cbrt((Wmax - cwnd)/C) after the loss (§4.2)", () => {
    const window = new CubicWindow(717, 41, 1000, false);
    const wMax = 1000;
    window.congestion(wMax, true);
    let cwnd = 700;
    let credit = 0;
    let reached = -1;
    // 100 ms RTT, a packet acked at a time.
    for (let now = 1; now < 20_000 && reached < 0;) {
      for (let i = 0; i < cwnd; i += 10) {
        window.update(cwnd, 10, Math.floor(now));
        credit += 10;
        if (credit >= window.cnt) {
          cwnd += Math.floor(credit / window.cnt);
          credit %= window.cnt;
        }
        now += 1000 / cwnd;
      }
      if (cwnd >= wMax - 2) reached = now;
    }
    // Two packets below the plateau the curve is cbrt(2/C) before it.
    const expected = (Math.cbrt(300 / 0.4) - Math.cbrt(2 / 0.4)) * 1000;
    expect(Math.abs(reached - expected) / expected).toBeLessThan(0.08);
  });

  test("C4: congestion takes 30 % (beta = 717/1024), but leaves two packets (§4.6)", () => {
    for (const [before, after] of [
      [100, 70],
      [1000, 700],
      [3, 2],
      [2, 2],
    ] as const) {
      const state = createCongestionState({ sndCwnd: before });
      const control = cubic().create(state, testRandom());
      control.init();
      expect(control.ssthresh()).toBe(after);
    }
  });

  test("C5: fast convergence lowers the plateau when the window did not reach the last one (§4.7)", () => {
    const windows = [true, false].map((fast) => {
      const window = new CubicWindow(717, 41, 1000, false);
      window.congestion(1000, fast);
      window.congestion(800, fast);
      // At 690 packets: 0.85 of 800 is below 681 + …; the nearer the plateau, the slower the growth.
      window.update(560, 1, 10);
      window.update(561, 1, 3000);
      return window.cnt;
    });
    expect(windows[0]).toBeGreaterThan(windows[1]!);
  });

  test("C6: Reno-friendly region: at small windows it grows no slower than Reno's line (§4.3)", () => {
    const window = new CubicWindow(717, 41, 1000, true);
    window.congestion(20, true);
    let cwnd = 14;
    let credit = 0;
    const rounds = 40;
    // RTT 10 ms: K is 2.5 s, cubic would barely move in 400 ms.
    for (let round = 0; round < rounds; round++) {
      for (let i = 0; i < cwnd; i++) {
        window.update(cwnd, 1, 10 * round + Math.floor((10 * i) / cwnd) + 1);
        if (++credit >= window.cnt) {
          cwnd++;
          credit = 0;
        }
      }
    }
    // alpha = 3 (1 - 0.7) / (1 + 0.7) = 0.53 packets per RTT.
    expect(cwnd).toBeGreaterThanOrEqual(14 + Math.floor(0.45 * rounds));
    expect(cwnd).toBeLessThanOrEqual(14 + Math.ceil(0.62 * rounds));
  });

  test("C7: at most one packet for two acked", () => {
    const window = new CubicWindow(717, 41, 1000, true);
    window.congestion(100_000, true);
    window.update(10, 1, 1);
    window.update(11, 1, 100_000);
    expect(window.cnt).toBe(2);
  });

  test("C8: time in which nothing was sent does not count for the curve (cubictcp_cwnd_event)", () => {
    const grown = [false, true].map((tell) => {
      const state = createCongestionState({ sndCwnd: 100, sndSsthresh: 50, isCwndLimited: true, priorCwnd: 100 });
      const control = cubic({ tcpFriendliness: false }).create(state, testRandom());
      control.init();
      control.ssthresh();
      state.sndCwnd = 70;
      state.now = 1 * SEC;
      control.congAvoid!(0, 1);
      state.lsndtime = 1 * SEC;
      state.now = 61 * SEC;
      if (tell) control.cwndEvent!("txStart");
      for (let i = 0; i < 70; i++) control.congAvoid!(0, 1);
      return state.sndCwnd;
    });
    expect(grown[0]).toBeGreaterThan(grown[1]!);
    expect(grown[1]).toBeLessThanOrEqual(75);
  });

  test("C9: a timeout forgets the curve (cubictcp_state), an undo returns to the window before", () => {
    const state = createCongestionState({ sndCwnd: 30, priorCwnd: 80, sndSsthresh: 20, isCwndLimited: true });
    const control = cubic().create(state, testRandom());
    control.init();
    control.ssthresh();
    control.setState!("loss");
    state.now = 5 * SEC;
    // Without a plateau known the window grows by 5 % per RTT at least.
    for (let i = 0; i < 20; i++) control.congAvoid!(0, 1);
    expect(state.sndCwnd).toBe(31);
    expect(control.undoCwnd()).toBe(80);
  });

  test("C10: nothing grows while the window is not used", () => {
    const state = createCongestionState({ sndCwnd: 30, sndSsthresh: 20 });
    const control = cubic().create(state, testRandom());
    control.init();
    control.congAvoid!(0, 30);
    expect(state.sndCwnd).toBe(30);
  });
});

describe("H: HyStart as in tcp_cubic.c", () => {
  /** One round of slow start: `n` ACKs with the given RTT, `gap` apart. */
  function round(
    control: ReturnType<ReturnType<typeof cubic>["create"]>,
    state: ReturnType<typeof createCongestionState>,
    rttUs: number,
    gap: number,
    n: number,
  ) {
    for (let i = 0; i < n; i++) {
      state.now += gap;
      control.pktsAcked!({ pktsAcked: 1, rttUs, inFlight: 0 });
    }
    state.sndUna = state.sndNxt + 1;
    state.sndNxt += 1000;
  }

  function starting(cwnd: number, options = {}) {
    const state = createCongestionState({ sndCwnd: cwnd, now: SEC, sndNxt: 1000 });
    const control = cubic(options).create(state, testRandom());
    control.init();
    return { state, control };
  }

  test("H1: a delay that rises by an eighth (4 to 16 ms) ends slow start after eight samples", () => {
    const { state, control } = starting(40, { hystartDetect: 2 });
    round(control, state, 64_000, 3 * MS, 10);
    expect(state.sndSsthresh).toBe(0x7fff_ffff);
    round(control, state, 72_000, 3 * MS, 10);
    expect(state.sndSsthresh).toBe(0x7fff_ffff);
    round(control, state, 72_001, 3 * MS, 8);
    expect(state.sndSsthresh).toBe(0x7fff_ffff);
    round(control, state, 72_001, 3 * MS, 9);
    expect(state.sndSsthresh).toBe(40);
  });

  test("H2: a train of close ACKs longer than half the RTT ends it; with pacing the whole RTT counts", () => {
    for (const [pacingStatus, needed] of [
      ["none", 26],
      ["fq", 51],
    ] as const) {
      const { state, control } = starting(40, { hystartDetect: 1 });
      state.pacingStatus = pacingStatus;
      state.pacingRate = Infinity;
      let acks = 0;
      while (state.sndSsthresh === 0x7fff_ffff && acks < 1000) {
        state.now += 1 * MS;
        control.pktsAcked!({ pktsAcked: 1, rttUs: 50_000, inFlight: 0 });
        acks++;
      }
      expect(acks).toBe(needed);
    }
  });

  test("H3: an ACK more than 2 ms late breaks the train", () => {
    const { state, control } = starting(40, { hystartDetect: 1 });
    round(control, state, 50_000, 2 * MS + 1, 100);
    expect(state.sndSsthresh).toBe(0x7fff_ffff);
  });

  test("H4: below sixteen packets it does not look, and `off` never does", () => {
    const small = starting(15);
    round(small.control, small.state, 50_000, 1 * MS, 200);
    expect(small.state.sndSsthresh).toBe(0x7fff_ffff);
    const off = starting(40, { hyStart: "off" });
    round(off.control, off.state, 50_000, 1 * MS, 200);
    expect(off.state.sndSsthresh).toBe(0x7fff_ffff);
    expect(starting(40, { hyStart: "off", initialSsthresh: 64 }).state.sndSsthresh).toBe(64);
  });

  test("H5: a super-packet's time at the pacing rate, up to 1 ms, is allowed for (hystart_ack_delay)", () => {
    const { state, control } = starting(40, { hystartDetect: 1 });
    state.pacingRate = 1e6;
    let acks = 0;
    while (state.sndSsthresh === 0x7fff_ffff && acks < 1000) {
      state.now += 1 * MS;
      control.pktsAcked!({ pktsAcked: 1, rttUs: 50_000, inFlight: 0 });
      acks++;
    }
    // (50 ms + 1 ms) / 2 = 25.5 ms.
    expect(acks).toBe(26);
    expect(state.sndSsthresh).toBe(40);
  });
});
