import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { bbr, createCongestionState, packetsInFlight, updateRtt } from "../src/index.ts";
import { bdp } from "../src/bbr/inflight.ts";
import { type Bbr, createBbr } from "../src/bbr/model.ts";
import { rateBytesPerSec } from "../src/bbr/rate.ts";
import { Flow, type FlowOptions } from "./flow.ts";
import { MBIT, MS, SEC, sampleOf, testRandom } from "./helpers.ts";
import type { PathOptions } from "./path.ts";

const PATH: PathOptions = { rate: 10 * MBIT, rtt: 40 * MS, buffer: 2e6 };
/** Packets that fill 10 Mbit/s for 40 ms. */
const BDP = 33;

function model(flow: Flow): Readonly<Bbr> {
  return (flow.control as unknown as { model: Readonly<Bbr> }).model;
}

function flowOf(path: Partial<PathOptions> = {}, options: FlowOptions = {}, bbrOptions = {}): Flow {
  return new Flow(bbr(bbrOptions), { ...PATH, ...path }, options);
}

describe("B: BBR, arithmetic (tcp_bbr.c)", () => {
  test("B1: rate and BDP as u64 gives them, also beyond 2^53", () => {
    const state = createCongestionState();
    const model = createBbr(testRandom(), {});
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 2 ** 31 - 1 }),
        fc.integer({ min: 100, max: 9000 }),
        fc.integer({ min: 64, max: 739 }),
        fc.integer({ min: 1, max: 10_000_000 }),
        (bw, mss, gain, rtt) => {
          state.mssCache = mss;
          const [b, m, g] = [BigInt(bw), BigInt(mss), BigInt(gain)];
          expect(BigInt(rateBytesPerSec(state, bw, gain))).toBe((((b * m * g) >> 8n) * 990_000n) >> 24n);
          model.minRttUs = rtt;
          const w = (b * BigInt(rtt) * g) >> 8n;
          expect(BigInt(bdp(model, bw, gain))).toBe((w + (1n << 24n) - 1n) >> 24n);
        },
      ),
      { numRuns: 1000 },
    );
  });

  test("B2: without an RTT the BDP is the initial window, and the first pacing assumes one millisecond", () => {
    expect(bdp(createBbr(testRandom(), {}), 1e6, 512)).toBe(10);
    const state = createCongestionState({ mssCache: 1000 });
    const control = bbr().create(state, testRandom());
    control.init();
    // 10 packets per ms, times 2.885, less a percent.
    expect(state.pacingRate / 1e6).toBeCloseTo(10 * 2.889 * 0.99, 1);
    expect(state.pacingStatus).toBe("needed");
    updateRtt(state, 20_000);
    control.congControl!(sampleOf({ delivered: 0, intervalUs: 0 }));
    expect(state.pacingRate / 1e6).toBeCloseTo((10 * 2.889 * 0.99) / 20, 1);
  });

  test("B3: super-packets of one segment below 1.2 Mbit/s, three windows of send buffer", () => {
    const state = createCongestionState({ pacingRate: 149_999 });
    const control = bbr().create(state, testRandom());
    expect(control.minTsoSegs!()).toBe(1);
    state.pacingRate = 150_000;
    expect(control.minTsoSegs!()).toBe(2);
    expect(control.sndbufExpand!()).toBe(3);
  });
});

describe("B: BBR over one bottleneck", () => {
  test("B4: STARTUP doubles each round, fills the pipe in log2 BDP rounds and leaves up to 2 BDP of queue; DRAIN removes it", () => {
    const flow = flowOf();
    const modes: { mode: string; queue: number; at: number }[] = [];
    flow.onAck = () => {
      const { mode } = model(flow);
      if (modes.at(-1)?.mode !== mode) modes.push({ mode, queue: flow.path.queued / 1500, at: flow.now });
    };
    flow.run(2 * SEC);
    expect(modes.map((m) => m.mode)).toEqual(["startup", "drain", "probeBw"]);
    expect(modes[1]!.queue).toBeGreaterThan(BDP * 0.8);
    expect(modes[1]!.queue).toBeLessThan(2 * BDP + 10);
    expect(modes[1]!.at).toBeLessThan(0.7 * SEC);
    expect(modes[2]!.queue).toBeLessThan(12);
    expect(modes[2]!.at - modes[1]!.at).toBeLessThan(200 * MS);
    expect(flow.path.drops.queue).toBe(0);
  });

  test("B5: the bandwidth is found to a percent, the line kept busy, the queue short", () => {
    const flow = flowOf().run(3 * SEC);
    flow.rttSumUs = flow.rttCount = 0;
    const before = flow.received;
    flow.run(9 * SEC);
    expect(Flow.rate(flow.received - before, 6 * SEC)).toBeGreaterThan(9.5 * MBIT);
    const wire = (flow.control.getInfo!().bbr_bw! * 8 * 1500) / 1448;
    expect(wire / (10 * MBIT)).toBeGreaterThan(0.98);
    expect(wire / (10 * MBIT)).toBeLessThan(1.02);
    // The kernel, here: 40 ms path, 69.5 ms mean.
    expect(flow.rttSumUs / flow.rttCount).toBeLessThan(75_000);
  });

  test("B6: PROBE_BW cycles 5/4, 3/4 and six phases of 1, about a minimum RTT each", () => {
    const flow = flowOf().run(2 * SEC);
    const gains: number[] = [];
    const times: number[] = [];
    let last = -1;
    flow.onAck = () => {
      const { cycleIdx, pacingGain } = model(flow);
      if (cycleIdx === last) return;
      last = cycleIdx;
      gains.push(pacingGain);
      times.push(flow.now);
    };
    flow.run(5 * SEC);
    const start = gains.indexOf(320, 1);
    expect(gains.slice(start, start + 9)).toEqual([320, 192, 256, 256, 256, 256, 256, 256, 320]);
    const cycle = times[start + 8]! - times[start]!;
    expect(cycle).toBeGreaterThan(8 * 39 * MS);
    expect(cycle).toBeLessThan(14 * 41 * MS);
  });

  test("B7: the first phase is any but the draining one, by chance", () => {
    const first = new Set<number>();
    for (let seed = 1; seed <= 60; seed++) {
      const flow = flowOf({}, { seed });
      let seen = -1;
      flow.onAck = () => {
        if (seen < 0 && model(flow).mode === "probeBw") seen = model(flow).cycleIdx;
      };
      flow.run(1 * SEC);
      first.add(seen);
    }
    expect([...first].sort()).toEqual([0, 2, 3, 4, 5, 6, 7]);
  });

  test("B8: every ten seconds without a new minimum four packets in flight for 200 ms find it again", () => {
    const flow = flowOf();
    const visits: { from: number; to: number; least: number }[] = [];
    flow.onAck = () => {
      const inside = model(flow).mode === "probeRtt";
      const open = visits.at(-1);
      if (inside && (open === undefined || open.to > 0)) visits.push({ from: flow.now, to: 0, least: 1e9 });
      else if (inside && open !== undefined) open.least = Math.min(open.least, packetsInFlight(flow.state));
      else if (!inside && open?.to === 0) open.to = flow.now;
    };
    flow.run(35 * SEC);
    expect(visits.length).toBe(3);
    for (const visit of visits) {
      expect(visit.to - visit.from).toBeGreaterThan(200 * MS);
      expect(visit.to - visit.from).toBeLessThan(500 * MS);
      expect(visit.least).toBeLessThanOrEqual(4);
    }
    expect(model(flow).minRttUs).toBeLessThan(43_000);
    expect(Flow.rate(flow.received, 35 * SEC)).toBeGreaterThan(9.2 * MBIT);
  });

  test("B9: a doubled rate is learnt in a few cycles, a halved one in ten rounds (the paper's figure 3)", () => {
    const flow = flowOf({ rate: 10 * MBIT });
    flow.at(4 * SEC, () => void (flow.path.options.rate = 20 * MBIT));
    flow.run(4 * SEC);
    flow.run(7 * SEC);
    let before = flow.received;
    flow.run(8 * SEC);
    expect(Flow.rate(flow.received - before, 1 * SEC)).toBeGreaterThan(19 * MBIT);
    flow.at(8 * SEC, () => void (flow.path.options.rate = 10 * MBIT));
    flow.run(12 * SEC);
    before = flow.received;
    flow.run(14 * SEC);
    expect(Flow.rate(flow.received - before, 2 * SEC)).toBeGreaterThan(9.3 * MBIT);
    expect(flow.path.queued / 1500).toBeLessThan(2 * BDP);
  });

  test.each([0.01, 0.05, 0.1])("B10: at %d random loss it keeps 85 %% of what the line can deliver", (loss) => {
    const flow = flowOf({ rate: 50 * MBIT, rtt: 40 * MS, buffer: 250_000, loss }).run(10 * SEC);
    expect(Flow.rate(flow.received, 10 * SEC)).toBeGreaterThan(0.85 * 50 * MBIT * (1 - loss));
  });

  test("B11: when sending restarts from idle it paces at the bandwidth, and needs no PROBE_RTT", () => {
    let limit = Infinity;
    const flow = flowOf({}, { application: () => limit });
    flow.run(8 * SEC);
    limit = flow.state.sndNxt;
    flow.run(19 * SEC);
    limit = Infinity;
    flow.wake();
    expect(model(flow).idleRestart).toBe(true);
    const { model: fresh } = { model: model(flow) };
    expect(flow.state.pacingRate).toBe(rateBytesPerSec(flow.state, fresh.bw.value, 256));
    let probed = false;
    flow.onAck = () => void (probed ||= model(flow).mode === "probeRtt");
    flow.run(20 * SEC);
    expect(probed).toBe(false);
    expect(model(flow).idleRestart).toBe(false);
  });

  test("B12: the application's pauses do not lower the bandwidth", () => {
    const flow = flowOf({}, { application: (now) => (now < 3 * SEC ? 1e9 : 0) }).run(2 * SEC);
    const known = model(flow).bw.value;
    const slow = flowOf(
      {},
      { application: (now) => (now < 2 * SEC ? 1e9 : 3000 + Math.floor((now - 2 * SEC) / (20 * MS))) },
    );
    slow.run(6 * SEC);
    expect(model(slow).bw.value).toBeGreaterThan(known * 0.95);
  });

  test("B13: aggregated ACKs earn window beyond 2 BDP, and full throughput", () => {
    const flow = flowOf({ aggregation: 40 * MS }).run(3 * SEC);
    expect(Math.max(model(flow).extraAcked0, model(flow).extraAcked1)).toBeGreaterThan(BDP / 3);
    const before = flow.received;
    flow.run(6 * SEC);
    expect(Flow.rate(flow.received - before, 3 * SEC)).toBeGreaterThan(9.3 * MBIT);
  });

  test("B14: first round of recovery: one out for one in; at the end the window from before", () => {
    let dropped = 0;
    const flow = flowOf({
      meddle: (id, again, now) => (!again && now > 3 * SEC && id % 100 < 3 && dropped++ < 3 ? "drop" : 0),
    }).run(3 * SEC);
    const before = flow.state.sndCwnd;
    let least = Infinity;
    let conserved = false;
    flow.onAck = () => {
      if (flow.state.caState !== "recovery") return;
      conserved ||= model(flow).packetConservation;
      least = Math.min(least, flow.state.sndCwnd);
    };
    flow.run(4 * SEC);
    expect(dropped).toBeGreaterThanOrEqual(3);
    expect(conserved).toBe(true);
    expect(least).toBeLessThan(before);
    expect(flow.state.caState).toBe("open");
    expect(flow.state.sndCwnd).toBeGreaterThan(before * 0.8);
    expect(flow.retransmissions).toBe(3);
  });

  test("B15: a timeout ends a round and restarts the search for a full pipe; the window before it comes back", () => {
    const flow = flowOf({ meddle: (_id, _again, now) => (now > 3 * SEC && now < 3.6 * SEC ? "drop" : 0) }).run(3 * SEC);
    const before = flow.state.sndCwnd;
    flow.run(3.5 * SEC);
    expect(flow.timeouts).toBe(1);
    expect(model(flow).fullBw).toBe(0);
    flow.run(6 * SEC);
    expect(flow.state.caState).toBe("open");
    expect(flow.state.sndCwnd).toBeGreaterThan(before / 2);
  });

  test("B16: the same seed gives the same run", () => {
    const runs = [5, 5, 6].map((seed) => {
      const flow = flowOf({ loss: 0.02 }, { seed }).run(4 * SEC);
      return [flow.received, flow.retransmissions, model(flow).bw.value, flow.state.pacingRate];
    });
    expect(runs[0]).toEqual(runs[1]);
    expect(runs[0]).not.toEqual(runs[2]);
  });
});
