import { describe, expect, test } from "vitest";
import { type CongestionAlgorithm, createCongestionState, cubic, newReno } from "../src/index.ts";
import { Flow } from "./flow.ts";
import { MBIT, MS, SEC, testRandom } from "./helpers.ts";

/** Mean packets delivered per RTT on a wide line that loses every `n`-th new packet, once the first seconds are over. */
function window(algorithm: CongestionAlgorithm, rtt: number, n: number, time: number): number {
  const flow = new Flow(
    algorithm,
    {
      rate: 10_000 * MBIT,
      rtt,
      buffer: 1e9,
      meddle: (id, again) => (!again && id % n === n - 1 ? "drop" : 0),
    },
    // No overshoot of slow start whose memory would have to fade.
    { state: { sndSsthresh: 20 } },
  );
  flow.run(time / 4);
  const before = flow.received;
  flow.run(time);
  return (flow.received - before) / ((0.75 * time) / rtt);
}

describe("V: response functions, one loss per 1/p packets", () => {
  test.each([
    [100, 2_000],
    [100, 10_000],
    [50, 20_000],
  ])("V1: RFC 9438 §5.1, figure 3: CUBIC's mean window is 1.054 (RTT/p)^0.75 at %i ms, 1/p = %i", (ms, n) => {
    // The window alone, reduced at once. The kernel's whole numbers round it up by 6 to 13 %.
    const state = createCongestionState({ sndCwnd: 50, sndSsthresh: 40, isCwndLimited: true, now: SEC });
    const control = cubic({ hyStart: "off", tcpFriendliness: false }).create(state, testRandom());
    control.init();
    control.ssthresh();
    let begun = 0;
    for (let loss = 0; loss < 40; loss++) {
      if (loss === 20) begun = state.now;
      for (let i = 0; i < n; i++) {
        state.now += (ms * MS) / state.sndCwnd;
        control.pktsAcked!({ pktsAcked: 1, rttUs: ms * 1000, inFlight: 0 });
        control.congAvoid!(0, 1);
      }
      state.sndCwnd = state.sndSsthresh = control.ssthresh();
    }
    const measured = (20 * n) / ((state.now - begun) / (ms * MS));
    const expected = 1.054 * ((ms / 1000) * n) ** 0.75;
    expect(measured / expected).toBeGreaterThan(1);
    expect(measured / expected).toBeLessThan(1.14);
  });

  test("V1: a whole flow with evenly spaced losses stays on a plateau up to a third higher", () => {
    // Within a packet of the plateau the rounded curve is on it, so that each loss finds the window of the last one again.
    const measured = window(cubic({ hyStart: "off", tcpFriendliness: false }), 100 * MS, 5_000, 40 * SEC);
    expect(measured / (1.054 * 500 ** 0.75)).toBeGreaterThan(1);
    expect(measured / (1.054 * 500 ** 0.75)).toBeLessThan(1.33);
  });

  test.each([400, 2_000])("V2: RFC 9438 §5.1: Reno's is sqrt(1.5/p), 1/p = %i", (n) => {
    const measured = window(newReno(), 20 * MS, n, 40 * SEC);
    expect(measured / Math.sqrt(1.5 * n)).toBeGreaterThan(0.88);
    expect(measured / Math.sqrt(1.5 * n)).toBeLessThan(1.12);
  });

  test("V3: RFC 9438 §4.3: where RTT and window are small CUBIC does as well as Reno", () => {
    const reno = window(newReno(), 10 * MS, 400, 20 * SEC);
    const ours = window(cubic({ hyStart: "off" }), 10 * MS, 400, 20 * SEC);
    expect(ours / reno).toBeGreaterThan(0.85);
    expect(ours / reno).toBeLessThan(1.25);
  });

  test("V4: loss of 0.1 % at 100 ms leaves CUBIC a tenth of 100 Mbit/s, where the kernel had 6.9 and 9.1 Mbit/s", () => {
    const rates = [1, 2, 3].map((seed) => {
      const path = { rate: 100 * MBIT, rtt: 100 * MS, buffer: 1.25e6, loss: 0.001 };
      const flow = new Flow(cubic(), path, { seed }).run(60 * SEC);
      return Flow.rate(flow.received, 60 * SEC) / MBIT;
    });
    const median = rates.sort((a, b) => a - b)[1]!;
    expect(median).toBeGreaterThan(5);
    expect(median).toBeLessThan(10);
  });

  test("V5: without loss the line is full and the queue saws between empty and full; HyStart keeps the first overshoot small", () => {
    const path = { rate: 20 * MBIT, rtt: 40 * MS, buffer: 100_000 };
    const gentle = new Flow(cubic(), { ...path }).run(15 * SEC);
    const harsh = new Flow(cubic({ hyStart: "off" }), { ...path }).run(2 * SEC);
    expect(Flow.rate(gentle.received, 15 * SEC)).toBeGreaterThan(19 * MBIT);
    expect(gentle.path.maxQueue).toBeGreaterThan(90_000);
    const first = new Flow(cubic(), { ...path }).run(2 * SEC);
    expect(first.path.drops.queue).toBeLessThan(harsh.path.drops.queue / 4);
    expect(gentle.timeouts).toBe(0);
  });
});
