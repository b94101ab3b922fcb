import { describe, expect, test } from "vitest";
import { bbr3, createCongestionState, createTxRecord, packetsInFlight } from "../src/index.ts";
import { inflight, inflightWithHeadroom } from "../src/bbr3/inflight.ts";
import { type Bbr3, type Bbr3State, isInAProbeBwState, maxBw } from "../src/bbr3/model.ts";
import { Flow, type FlowOptions } from "./flow.ts";
import { MBIT, MS, SEC, sampleOf, testRandom } from "./helpers.ts";
import type { PathOptions } from "./path.ts";

const PATH: PathOptions = { rate: 10 * MBIT, rtt: 40 * MS, buffer: 100_000 };
const BDP = 33;

function model(flow: Flow): Bbr3 {
  return (flow.control as unknown as { model: Bbr3 }).model;
}

function flowOf(path: Partial<PathOptions> = {}, options: FlowOptions = {}): Flow {
  return new Flow(bbr3(), { ...PATH, ...path }, options);
}

/** Runs until `until` holds after an ACK, or fails at `limit`. */
function runTo(flow: Flow, until: () => boolean, limit: number): void {
  const reached = { at: -1 };
  const before = flow.onAck;
  flow.onAck = (f) => {
    before(f);
    if (reached.at < 0 && until()) reached.at = flow.now;
  };
  while (reached.at < 0 && flow.now < limit) flow.run(flow.now + 1 * MS);
  flow.onAck = before;
  expect(reached.at, "the state never came").toBeGreaterThan(0);
}

function inState(flow: Flow, state: Bbr3State) {
  return () => model(flow).state === state;
}

/** The wire's rate that a bandwidth in packets per µs fills. */
function wire(bw: number): number {
  return bw * 1e6 * 1500 * 8;
}

/** The states in their order, with the time at which each began. */
function diary(flow: Flow): { state: Bbr3State; at: number }[] {
  const entries: { state: Bbr3State; at: number }[] = [];
  flow.onAck = () => {
    const { state } = model(flow);
    if (entries.at(-1)?.state !== state) entries.push({ state, at: flow.now });
  };
  return entries;
}

describe("E: BBRv3, the draft's test cases (draft-ietf-ccwg-bbr, appendix)", () => {
  test("E1: Exiting STARTUP on Bandwidth Plateau", () => {
    const flow = flowOf();
    const counts: number[] = [];
    flow.onAck = () => {
      const { fullBwCount, state } = model(flow);
      if (state === "startup" && counts.at(-1) !== fullBwCount) counts.push(fullBwCount);
    };
    runTo(flow, inState(flow, "drain"), 2 * SEC);
    expect(Math.abs(wire(maxBw(model(flow))) / (10 * MBIT) - 1)).toBeLessThan(0.02);
    expect(model(flow)).toMatchObject({ fullBwCount: 3, fullBwNow: true, fullBwReached: true });
    expect(counts.slice(-3)).toEqual([0, 1, 2]);
    expect(flow.path.drops.queue).toBe(0);
  });

  test("E2: Exiting STARTUP on Loss When Application-Limited", () => {
    // Two hundred and seventy packets a round on a line that takes two thousand; from the first second on one in twenty is lost.
    const flow = flowOf(
      { rate: 600 * MBIT, meddle: (id, again, now) => (now > SEC && !again && id % 20 === 0 ? "drop" : 0) },
      { application: (now) => Math.floor((now - 40 * MS) / (0.15 * MS)) },
    );
    const poke = () => {
      flow.wake();
      flow.at(flow.now + 1 * MS, poke);
    };
    flow.at(41 * MS, poke);
    const limited = { yes: 0, no: 0 };
    flow.onAck = () => {
      if (flow.now > 0.9 * SEC) limited[flow.sample.isAppLimited ? "yes" : "no"]++;
    };
    // With so little in flight the drain is over at once.
    runTo(flow, () => model(flow).state !== "startup", 6 * SEC);
    const { fullBwReached, fullBwNow, undoState, inflightLongterm, fullBwCount } = model(flow);
    expect({ fullBwReached, fullBwNow, undoState }).toEqual({
      fullBwReached: true,
      fullBwNow: true,
      undoState: "startup",
    });
    expect(fullBwCount).toBeLessThan(3);
    // Nearly all samples were limited, so that no plateau could be seen.
    expect(limited.yes).toBeGreaterThan(5 * limited.no);
    expect(inflightLongterm).toBeLessThan(Infinity);
  });

  test("E3: Exiting DRAIN Based on Inflight", () => {
    const flow = flowOf();
    runTo(flow, inState(flow, "drain"), 2 * SEC);
    expect(model(flow).pacingGain).toBe(0.5);
    const began = flow.now;
    runTo(flow, () => model(flow).state !== "drain", 3 * SEC);
    const bbr = model(flow);
    expect(isInAProbeBwState(bbr)).toBe(true);
    expect(packetsInFlight(flow.state)).toBeLessThanOrEqual(inflight(flow.state, bbr, bbr.bw, 1) + 2);
    // One round, or little more.
    expect(flow.now - began).toBeLessThan(150 * MS);
  });

  test("E4: Exiting DRAIN Based on Time", () => {
    const flow = flowOf({ buffer: 1e6 });
    runTo(flow, inState(flow, "drain"), 2 * SEC);
    // So slow that half of the old rate still fills the pipe.
    flow.path.options.rate = 4 * MBIT;
    const { drainStartRound } = model(flow);
    let least = Infinity;
    flow.onAck = () => {
      if (model(flow).state === "drain") least = Math.min(least, packetsInFlight(flow.state));
    };
    runTo(flow, () => model(flow).state !== "drain", 5 * SEC);
    expect(model(flow).roundCount).toBe(drainStartRound + 4);
    expect(least).toBeGreaterThan(inflight(flow.state, model(flow), maxBw(model(flow)), 1));
  });

  test("E5: Exiting PROBE_UP on Bandwidth Plateau", () => {
    const flow = flowOf();
    runTo(flow, inState(flow, "probeBwUp"), 8 * SEC);
    const counts: number[] = [];
    flow.onAck = () => {
      if (model(flow).state === "probeBwUp") counts.push(model(flow).fullBwCount);
    };
    runTo(flow, inState(flow, "probeBwDown"), 10 * SEC);
    expect(model(flow).fullBwNow).toBe(true);
    expect(Math.max(...counts)).toBe(2);
    expect(flow.path.drops.queue).toBe(0);
  });

  test("E6: Exiting PROBE_UP on Loss When Application-Limited", () => {
    let lossy = false;
    let limited = false;
    let base = 0;
    const flow = flowOf(
      { meddle: (id, again) => (lossy && !again && id % 8 === 0 ? "drop" : 0) },
      { application: (now) => (limited ? base + Math.floor((now - from) / (1.6 * MS)) : Infinity) },
    );
    let from = 0;
    runTo(flow, inState(flow, "probeBwUp"), 8 * SEC);
    base = flow.state.sndNxt;
    from = flow.now;
    lossy = limited = true;
    const poke = () => {
      if (!limited) return;
      flow.wake();
      flow.at(flow.now + 1 * MS, poke);
    };
    poke();
    runTo(flow, inState(flow, "probeBwDown"), 10 * SEC);
    limited = false;
    expect(model(flow)).toMatchObject({ prevProbeTooHigh: true, isBwProbeSample: false });
  });

  test("E7: Never Exiting STARTUP When Application-Limited With No Loss", () => {
    const flow = flowOf({}, { application: (now) => Math.floor((now - 40 * MS) / (5 * MS)) });
    const poke = () => {
      flow.wake();
      flow.at(flow.now + 5 * MS, poke);
    };
    flow.at(41 * MS, poke);
    const states = diary(flow);
    flow.run(4.9 * SEC);
    expect(states.map((entry) => entry.state)).toEqual(["startup"]);
    expect(model(flow).roundCount).toBeGreaterThan(80);
  });

  test("E7: Never Exiting PROBE_UP When Application-Limited With No Loss", () => {
    let base = Infinity;
    let from = 0;
    const flow = flowOf(
      {},
      { application: (now) => (base === Infinity ? base : base + Math.floor((now - from) / (2.4 * MS))) },
    );
    runTo(flow, inState(flow, "probeBwUp"), 8 * SEC);
    base = flow.state.sndNxt;
    from = flow.now;
    const poke = () => {
      flow.wake();
      flow.at(flow.now + 1 * MS, poke);
    };
    poke();
    // A round for the samples from before.
    flow.run(from + 100 * MS);
    expect(model(flow).state).toBe("probeBwUp");
    const states = diary(flow);
    flow.run(from + 1.5 * SEC);
    expect(states.map((entry) => entry.state)).toEqual(["probeBwUp"]);
  });

  test("E8: Exiting PROBE_DOWN on Inflight", () => {
    const flow = flowOf();
    runTo(flow, inState(flow, "probeBwUp"), 8 * SEC);
    runTo(flow, inState(flow, "probeBwDown"), 10 * SEC);
    expect(model(flow).pacingGain).toBe(0.9);
    const excess: boolean[] = [];
    flow.onAck = () => {
      const bbr = model(flow);
      const flight = packetsInFlight(flow.state);
      const high = flight > inflightWithHeadroom(bbr) || flight > inflight(flow.state, bbr, maxBw(bbr), 1);
      if (bbr.state === "probeBwDown") excess.push(high);
    };
    runTo(flow, inState(flow, "probeBwCruise"), 12 * SEC);
    expect(excess.length).toBeGreaterThan(0);
    // After the ACK new data goes out, so that the last looks may already be low.
    expect(excess.filter((high) => !high).length).toBeLessThan(4);
  });

  test("E9: Exiting PROBE_DOWN After Max Time", () => {
    const flow = flowOf({ buffer: 1e6 });
    runTo(flow, inState(flow, "probeBwUp"), 8 * SEC);
    runTo(flow, inState(flow, "probeBwDown"), 10 * SEC);
    const { cycleStamp, bwProbeWait } = model(flow);
    // Far below the estimate: the flight cannot fall. Reno's rounds are as many as the BDP has packets.
    flow.path.options.rate = 5 * MBIT;
    const states = diary(flow);
    runTo(flow, inState(flow, "probeBwRefill"), 20 * SEC);
    expect(states.map((entry) => entry.state)).toEqual(["probeBwDown", "probeBwRefill"]);
    expect(flow.now).toBeGreaterThan(cycleStamp + bwProbeWait);
    expect(flow.now).toBeLessThan(cycleStamp + bwProbeWait + 100 * MS);
    expect(bwProbeWait).toBeGreaterThanOrEqual(2 * SEC);
    expect(bwProbeWait).toBeLessThanOrEqual(3 * SEC);
  });

  test("E10: Entering and Exiting PROBE_RTT", () => {
    const flow = flowOf();
    const states = diary(flow);
    runTo(flow, inState(flow, "probeRtt"), 12 * SEC);
    expect(model(flow).cwndGain).toBe(0.5);
    const began = flow.now;
    const before = flow.received;
    runTo(flow, () => model(flow).state !== "probeRtt", 13 * SEC);
    expect(flow.now - began).toBeGreaterThan(200 * MS);
    expect(flow.now - began).toBeLessThan(400 * MS);
    // Half of the BDP keeps half of the rate.
    expect(Flow.rate(flow.received - before, flow.now - began)).toBeGreaterThan(4 * MBIT);
    expect(isInAProbeBwState(model(flow))).toBe(true);
    flow.run(flow.now + 200 * MS);
    expect(flow.state.sndCwnd).toBeGreaterThan(BDP);
    flow.run(24 * SEC);
    const visits = states.filter((entry) => entry.state === "probeRtt");
    for (let i = 1; i < visits.length; i++) expect(visits[i]!.at - visits[i - 1]!.at).toBeGreaterThan(5 * SEC);
    expect(visits.length).toBeGreaterThanOrEqual(3);
  });

  test("E11: Skipping PROBE_RTT Due to Application-Limited Sending", () => {
    let limit = Infinity;
    const flow = flowOf({}, { application: () => limit });
    runTo(flow, inState(flow, "probeBwCruise"), 8 * SEC);
    limit = flow.state.sndNxt;
    const stopped = flow.now;
    flow.run(stopped + 6 * SEC);
    expect(packetsInFlight(flow.state)).toBe(0);
    limit = Infinity;
    flow.wake();
    expect(model(flow).idleRestart).toBe(true);
    const states = diary(flow);
    flow.run(flow.now + 200 * MS);
    expect(states.map((entry) => entry.state)).not.toContain("probeRtt");
    expect(model(flow).idleRestart).toBe(false);
  });

  test("E12: Achieving Expected STARTUP Bandwidth on a Link With Aggregation", () => {
    const flow = flowOf({ rate: 20 * MBIT, aggregation: 20 * MS });
    let widest = 0;
    flow.onAck = () => {
      if (model(flow).state === "startup") widest = Math.max(widest, flow.state.sndCwnd);
    };
    runTo(flow, inState(flow, "drain"), 4 * SEC);
    expect(model(flow).extraAcked).toBeGreaterThan(10);
    expect(widest).toBeGreaterThan(2 * 2 * BDP);
    expect(wire(maxBw(model(flow))) / (20 * MBIT)).toBeGreaterThan(0.95);
    // The send rate caps what compressed ACKs would claim.
    expect(wire(maxBw(model(flow))) / (20 * MBIT)).toBeLessThan(1.6);
  });

  test("E13: Achieving Expected Cruise Bandwidth on a Link With Aggregation", () => {
    const flow = flowOf({ rate: 20 * MBIT, buffer: 1e6, aggregation: 20 * MS });
    runTo(flow, inState(flow, "probeBwCruise"), 8 * SEC);
    flow.run(flow.now + 300 * MS);
    expect(model(flow).extraAcked).toBeGreaterThan(10);
    expect(flow.state.sndCwnd).toBeGreaterThan(2 * 2 * BDP);
    const before = flow.received;
    flow.run(flow.now + 500 * MS);
    expect(Flow.rate(flow.received - before, 500 * MS)).toBeGreaterThan(18.5 * MBIT);
  });

  test("E14: Correctly Managing Sub-Packet BDPs", () => {
    const flow = flowOf({ rate: 0.1 * MBIT, rtt: 20 * MS });
    flow.run(14 * SEC);
    expect(model(flow).state).not.toBe("startup");
    let least = Infinity;
    flow.onAck = () => (least = Math.min(least, flow.state.sndCwnd));
    const before = flow.received;
    flow.run(24 * SEC);
    expect(least).toBe(4);
    expect(Flow.rate(flow.received - before, 10 * SEC)).toBeGreaterThan(0.095 * MBIT);
  });

  test("E15: Increasing Bandwidth 10x and Ensuring Full Bandwidth is Reached", () => {
    const flow = flowOf({ buffer: 500_000 });
    runTo(flow, inState(flow, "probeBwCruise"), 8 * SEC);
    flow.path.options.rate = 100 * MBIT;
    const began = flow.now;
    const increments = new Set<number>();
    flow.onAck = () => {
      if (model(flow).state === "probeBwUp") increments.add(model(flow).bwProbeUpRounds);
    };
    runTo(flow, () => wire(maxBw(model(flow))) > 95 * MBIT, began + 12 * SEC);
    flow.run(flow.now + 200 * MS);
    const before = flow.received;
    flow.run(flow.now + 300 * MS);
    expect(Flow.rate(flow.received - before, 300 * MS)).toBeGreaterThan(85 * MBIT);
  });

  test("E15: in PROBE_UP the long-term bound grows by 1, 2, 4, 8 … packets a round", () => {
    const state = createCongestionState({ now: SEC });
    const control = bbr3().create(state, testRandom());
    control.init();
    const bbr = (control as unknown as { model: Bbr3 }).model;
    Object.assign(bbr, {
      fullBwReached: true,
      state: "probeBwUp",
      inflightLongterm: 100,
      maxBwCurrent: 0.001,
      bw: 0.001,
      minRtt: 100_000,
      minRttStamp: SEC,
      probeRttMinStamp: SEC,
      probeRttMinDelay: 100_000,
      bwProbeUpRounds: 1,
      nextRoundDelivered: 1,
      probeUpAckedPerInc: 100,
    });
    state.isCwndLimited = true;
    const growth: number[] = [];
    for (let round = 0; round < 5; round++) {
      const before = bbr.inflightLongterm;
      state.sndCwnd = Math.floor(before);
      const window = state.sndCwnd;
      for (let i = 0; i < window; i++) {
        state.now += 1 * MS;
        state.delivered++;
        state.sndCwnd = Math.floor(bbr.inflightLongterm);
        control.congControl!(
          sampleOf({
            delivered: 100,
            intervalUs: 100_000,
            ackedSacked: 1,
            priorDelivered: i === window - 1 ? state.delivered : 0,
            rttUs: 100_000,
          }),
        );
        Object.assign(bbr, { state: "probeBwUp", bwProbeWait: 1e12 });
      }
      growth.push(Math.round(bbr.inflightLongterm - before));
    }
    expect(growth).toEqual([1, 2, 4, 8, 16]);
  });

  test("E16: Decreasing Bandwidth 10x and Ensuring Max Bandwidth Adapts Down", () => {
    const flow = flowOf({ rate: 100 * MBIT, buffer: 250_000 });
    runTo(flow, inState(flow, "probeBwCruise"), 8 * SEC);
    flow.path.options.rate = 10 * MBIT;
    const began = flow.now;
    runTo(flow, () => wire(model(flow).bwShortterm) < 20 * MBIT, began + 3 * SEC);
    runTo(flow, () => wire(maxBw(model(flow))) < 11 * MBIT, began + 15 * SEC);
    const before = flow.received;
    const from = flow.now;
    flow.run(from + 4 * SEC);
    expect(Flow.rate(flow.received - before, 4 * SEC)).toBeGreaterThan(8.5 * MBIT);
  });

  test("E17: Handling Token Bucket Policers", () => {
    const flow = flowOf({ rate: 100 * MBIT, buffer: 500_000, policer: { rate: 10 * MBIT, burst: 300_000 } });
    runTo(flow, () => isInAProbeBwState(model(flow)), 6 * SEC);
    runTo(flow, () => model(flow).bwShortterm < Infinity && model(flow).inflightShortterm < Infinity, 12 * SEC);
    flow.run(10 * SEC);
    const [before, drops, sent] = [flow.received, flow.path.drops.policer, flow.state.dataSegsOut];
    flow.run(25 * SEC);
    expect(Flow.rate(flow.received - before, 15 * SEC)).toBeGreaterThan(9 * MBIT);
    expect((flow.path.drops.policer - drops) / (flow.state.dataSegsOut - sent)).toBeLessThan(0.08);
  });

  test("E18: Handling Spurious Fast Recovery", () => {
    let late = false;
    const flow = flowOf({ rate: 50 * MBIT, meddle: (id, again) => (late && !again && id % 20 < 3 ? 45 * MS : 0) });
    runTo(flow, inState(flow, "probeBwUp"), 8 * SEC);
    const { inflightLongterm } = model(flow);
    late = true;
    runTo(flow, () => flow.state.caState === "recovery", flow.now + SEC);
    late = false;
    expect(model(flow)).toMatchObject({ undoBwShortterm: Infinity, undoInflightShortterm: Infinity });
    expect(model(flow).undoInflightLongterm).toBe(inflightLongterm);
    runTo(flow, () => flow.state.caState === "open" && !flow.state.undoMarker, flow.now + SEC);
    const bbr = model(flow);
    expect(bbr).toMatchObject({ bwShortterm: Infinity, inflightShortterm: Infinity, undoState: "none" });
    expect(bbr.inflightLongterm).toBeGreaterThanOrEqual(inflightLongterm);
    expect(["probeBwUp", "probeBwRefill"]).toContain(bbr.state);
  });

  test("E19: Handling Spurious RTO Recovery", () => {
    let late = false;
    const flow = flowOf({ meddle: (_id, again) => (late && !again ? 700 * MS : 0) });
    runTo(flow, inState(flow, "probeBwUp"), 8 * SEC);
    const { state, maxBwCurrent } = model(flow);
    expect(state).toBe("probeBwUp");
    late = true;
    const cwnd = flow.state.sndCwnd;
    flow.run(flow.now + 100 * MS);
    const began = flow.now;
    while (flow.timeouts === 0 && flow.now < began + 2 * SEC) flow.run(flow.now + 5 * MS);
    late = false;
    expect(flow.timeouts).toBe(1);
    expect(flow.state.sndCwnd).toBeLessThan(5);
    runTo(flow, () => flow.state.caState === "open", flow.now + 3 * SEC);
    expect(flow.state.sndCwnd).toBeGreaterThanOrEqual(Math.min(cwnd, BDP));
    expect(model(flow).bwShortterm).toBe(Infinity);
    expect(maxBw(model(flow))).toBeGreaterThan(maxBwCurrent * 0.9);
  });

  test("E20: Entering and Exiting PROBE_RTT During STARTUP", () => {
    const flow = flowOf({ rate: 100 * MBIT }, { application: (now) => Math.floor((now - 40 * MS) / (10 * MS)) });
    const poke = () => {
      flow.wake();
      flow.at(flow.now + 10 * MS, poke);
    };
    flow.at(41 * MS, poke);
    // A longer RTT from now on: the minimum is not refreshed.
    flow.at(1 * SEC, () => (flow.path.options.rtt = 60 * MS));
    const states = diary(flow);
    flow.run(9 * SEC);
    expect(states.map((entry) => entry.state).slice(0, 3)).toEqual(["startup", "probeRtt", "startup"]);
    expect(model(flow).fullBwReached).toBe(false);
  });

  test("E21: Handling Loss During PROBE_UP After inflight_longterm is Set", () => {
    let lossy = false;
    const flow = flowOf({
      rate: 20 * MBIT,
      buffer: 60_000,
      meddle: (id, again) => (lossy && !again && id % 10 === 0 ? "drop" : 0),
    });
    runTo(flow, inState(flow, "probeBwUp"), 8 * SEC);
    lossy = true;
    runTo(flow, inState(flow, "probeBwDown"), flow.now + SEC);
    lossy = false;
    const first = model(flow).inflightLongterm;
    expect(first).toBeLessThan(Infinity);
    runTo(flow, inState(flow, "probeBwUp"), flow.now + 8 * SEC);
    expect(model(flow).inflightLongterm).toBeLessThan(Infinity);
    const before = model(flow).inflightLongterm;
    lossy = true;
    runTo(flow, inState(flow, "probeBwDown"), flow.now + SEC);
    const after = model(flow).inflightLongterm;
    expect(model(flow)).toMatchObject({ prevProbeTooHigh: true });
    expect(after).toBeGreaterThanOrEqual(0.7 * Math.min(before, BDP));
    expect(after).toBeLessThanOrEqual(before + 20);
  });

  test("E22: Handling Application-Limited Sending During PROBE_REFILL", () => {
    let base = Infinity;
    let from = 0;
    const flow = flowOf(
      {},
      { application: (now) => (base === Infinity ? base : base + Math.floor((now - from) / (10 * MS))) },
    );
    runTo(flow, inState(flow, "probeBwRefill"), 8 * SEC);
    const known = maxBw(model(flow));
    base = flow.state.sndNxt;
    from = flow.now;
    let pausing = true;
    const poke = () => {
      if (!pausing) return;
      flow.wake();
      flow.at(flow.now + 10 * MS, poke);
    };
    poke();
    runTo(flow, inState(flow, "probeBwUp"), flow.now + SEC);
    expect(maxBw(model(flow))).toBeGreaterThanOrEqual(known * 0.999);
    pausing = false;
    base = Infinity;
    flow.wake();
    runTo(flow, inState(flow, "probeBwDown"), flow.now + 3 * SEC);
    expect(wire(maxBw(model(flow)))).toBeGreaterThan(9.5 * MBIT);
  });
});

describe("E: BBRv3, the parts", () => {
  test("E23: over a minute's worth of cycles the line stays busy and the queue short", () => {
    const flow = flowOf().run(2 * SEC);
    flow.rttSumUs = flow.rttCount = 0;
    const before = flow.received;
    flow.run(22 * SEC);
    expect(Flow.rate(flow.received - before, 20 * SEC)).toBeGreaterThan(9.2 * MBIT);
    expect(flow.rttSumUs / flow.rttCount).toBeLessThan(60_000);
  });

  test("E24: the cycle is DOWN, CRUISE, REFILL, UP", () => {
    const flow = flowOf().run(1 * SEC);
    const states = diary(flow);
    flow.run(5 * SEC);
    const names = states.map((entry) => entry.state);
    const first = names.indexOf("probeBwRefill");
    expect(names.slice(first, first + 4)).toEqual(["probeBwRefill", "probeBwUp", "probeBwDown", "probeBwCruise"]);
    const refill = states[first]!;
    // One round.
    expect(states[first + 1]!.at - refill.at).toBeLessThan(100 * MS);
  });

  test("E25: losses of less than 2 % per round do not lower the long-term bound, of more they do (IsInflightTooHigh)", () => {
    for (const [lost, tooHigh] of [
      [2, false],
      [3, true],
    ] as const) {
      const state = createCongestionState({ sndCwnd: 100 });
      const control = bbr3().create(state, testRandom());
      control.init();
      const bbr = (control as unknown as { model: Bbr3 }).model;
      Object.assign(bbr, { isBwProbeSample: true, state: "probeBwUp", fullBwReached: true });
      const tx = Object.assign(createTxRecord(), { inFlight: 100 });
      state.lost = lost;
      control.markedLost!(tx, 1);
      expect(bbr.prevProbeTooHigh).toBe(tooHigh);
      expect(bbr.state).toBe(tooHigh ? "probeBwDown" : "probeBwUp");
    }
  });

  test("E26: without SACK one loss is too much", () => {
    const state = createCongestionState({ sndCwnd: 100, sackOk: false, lost: 1 });
    const control = bbr3().create(state, testRandom());
    control.init();
    const bbr = (control as unknown as { model: Bbr3 }).model;
    Object.assign(bbr, { isBwProbeSample: true, state: "probeBwUp", fullBwReached: true });
    control.markedLost!(Object.assign(createTxRecord(), { inFlight: 100 }), 1);
    expect(bbr.state).toBe("probeBwDown");
  });

  test("E27: 1 % of random loss costs little, and the same seed gives the same run", () => {
    const runs = [1, 1].map((seed) => {
      const flow = flowOf({ rate: 20 * MBIT, loss: 0.01, buffer: 150_000 }, { seed }).run(10 * SEC);
      return [flow.received, flow.retransmissions];
    });
    expect(runs[0]).toEqual(runs[1]);
    expect(Flow.rate(runs[0]![0]!, 10 * SEC)).toBeGreaterThan(15 * MBIT);
  });
});
