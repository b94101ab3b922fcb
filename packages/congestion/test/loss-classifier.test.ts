import { describe, expect, test } from "vitest";
import {
  bbr,
  type CongestionAlgorithm,
  cubic,
  type EpisodeFeatures,
  type LossCause,
  LossClassifier,
  type LossEpisode,
  type LossTree,
  weighEvidence,
} from "../src/index.ts";
import { Flow } from "./flow.ts";
import { MBIT, MS, SEC } from "./helpers.ts";
import type { PathOptions } from "./path.ts";

/** All episodes of a flow over `path`, after the first two seconds. */
function episodes(algorithm: CongestionAlgorithm, path: PathOptions, seed = 1, time = 20 * SEC): LossEpisode[] {
  const classifier = new LossClassifier();
  const control: CongestionAlgorithm = {
    ...algorithm,
    create: (state, random) => {
      const inner = algorithm.create(state, random);
      inner.markedLost = (tx) =>
        classifier.onLoss({ now: state.now, sentAt: tx.sentAt, bytes: 1448, again: false, inFlight: tx.inFlight });
      return inner;
    },
  };
  const flow = new Flow(control, path, { seed });
  const found: LossEpisode[] = [];
  flow.onAck = () => {
    const { sample, state, now } = flow;
    classifier.onAck({
      now,
      rttUs: sample.rttUs,
      sentAt: sample.lastSentAt,
      packets: sample.ackedSacked,
      bytes: sample.ackedSacked * 1448,
      largest: 1448,
      srttUs: state.srttUs / 8,
    });
    for (let one = classifier.poll(now); one !== undefined; one = classifier.poll(now)) found.push(one);
  };
  flow.run(time);
  return found.filter((one) => one.start > 2 * SEC);
}

function share(found: readonly LossEpisode[], cause: LossCause): number {
  return found.filter((one) => one.cause === cause).length / found.length;
}

describe("F: why was it dropped? physics", () => {
  /** One packet of many, on a path without a queue. */
  const single: EpisodeFeatures = {
    losses: 1,
    lossShare: 0.005,
    queueLevel: 0.02,
    queueLow: 0.02,
    queueHigh: 0.02,
    queueSize: 0.02,
    queueAtLoss: 0.0004,
    risen: 0,
    rateDrop: 1,
    fill: 0.6,
    plateauSpread: 0.5,
    clustering: 0,
    gap: 300,
    adjacent: 0,
    again: 0,
    span: 0,
    pastLevel: 0.03,
    pastLevelSpread: 0.03,
    pastLosses: 1,
  };

  test("F1: neighbours that waited in a full queue speak for overflow", () => {
    const evidence = weighEvidence({
      ...single,
      losses: 12,
      lossShare: 0.04,
      queueLevel: 0.98,
      queueLow: 0.97,
      queueHigh: 1,
      queueSize: 1,
      queueAtLoss: 0.98,
      risen: 0.02,
      fill: 0.98,
      rateDrop: 1,
      gap: 5000,
      clustering: 180,
      span: 0.4,
      pastLevel: 0.98,
      pastLevelSpread: 0.01,
      pastLosses: 12,
    });
    expect(evidence.queueOverflow).toBeGreaterThan(0.8);
  });

  test("F2: no queue, one at a time: the line", () => {
    expect(weighEvidence(single).random).toBeGreaterThan(0.7);
  });

  test("F3: no queue, but the same rate each time and many lost at once: a policer", () => {
    const evidence = weighEvidence({
      ...single,
      losses: 60,
      lossShare: 0.2,
      clustering: 300,
      gap: 2000,
      adjacent: 0.7,
      rateDrop: 1.8,
      plateauSpread: 0.03,
      span: 0.8,
      pastLosses: 50,
    });
    expect(evidence.policer).toBeGreaterThan(0.8);
  });

  test("F12: a tree of one's own decides instead", () => {
    const tree: LossTree = {
      feature: "losses",
      threshold: 5,
      low: { overflow: 0, policer: 0, random: 1, mixed: 0 },
      high: { overflow: 0.1, policer: 0.2, random: 0.3, mixed: 0.4 },
    };
    expect(weighEvidence(single, tree).random).toBe(1);
    expect(weighEvidence({ ...single, losses: 6 }, tree)).toEqual({
      queueOverflow: 0.1,
      policer: 0.2,
      random: 0.3,
      filtered: 0,
      mixed: 0.4,
    });
  });
});

describe("F: why was it dropped? over one bottleneck", () => {
  test.each([
    ["cubic", cubic(), 1],
    ["cubic", cubic(), 2],
    ["bbr", bbr(), 0.25],
  ] as const)("F4: %s against a drop-tail buffer: queue-overflow", (_name, algorithm, bdps) => {
    const found = episodes(algorithm, { rate: 20 * MBIT, rtt: 40 * MS, buffer: bdps * 100_000 });
    expect(found.length).toBeGreaterThan(2);
    expect(share(found, "queue-overflow")).toBeGreaterThan(0.9);
  });

  test.each([
    ["cubic", cubic(), 0.005],
    ["cubic", cubic(), 0.02],
    ["bbr", bbr(), 0.01],
  ] as const)("F5: %s on a line that loses at random: random", (_name, algorithm, loss) => {
    const found = episodes(algorithm, { rate: 50 * MBIT, rtt: 40 * MS, buffer: 500_000, loss });
    expect(found.length).toBeGreaterThan(10);
    expect(share(found, "random")).toBeGreaterThan(0.75);
  });

  test("F6: behind a policer: policer, at its rate", () => {
    const path = { rate: 100 * MBIT, rtt: 40 * MS, buffer: 1e6, policer: { rate: 10 * MBIT, burst: 100_000 } };
    for (const algorithm of [cubic(), bbr()]) {
      const found = episodes(algorithm, path);
      expect(found.length).toBeGreaterThan(5);
      expect(share(found, "policer")).toBeGreaterThan(0.6);
      const rates = found.flatMap((one) => (one.policedRate === undefined ? [] : [one.policedRate * 8]));
      const median = rates.sort((a, b) => a - b)[Math.floor(rates.length / 2)]!;
      expect(median).toBeGreaterThan(8 * MBIT);
      expect(median).toBeLessThan(11 * MBIT);
    }
  });

  test("F7: confidence is the share of the evidence, and an episode spans its losses", () => {
    for (const one of episodes(cubic(), { rate: 20 * MBIT, rtt: 40 * MS, buffer: 100_000 })) {
      expect(one.confidence).toBeGreaterThan(0);
      expect(one.confidence).toBeLessThanOrEqual(1);
      expect(one.end).toBeGreaterThanOrEqual(one.start);
      expect(one.losses).toBeGreaterThan(0);
    }
  });
});

describe("F: why was it dropped? filters", () => {
  const delivered = { rttUs: 40_000, sentAt: 0, packets: 1, bytes: 500, largest: 500, srttUs: 40_000 };

  test("F8: three timeouts of a packet larger than any that passed: filtered by size", () => {
    const classifier = new LossClassifier();
    classifier.onAck({ ...delivered, now: 1 * SEC });
    for (const consecutive of [1, 2]) {
      classifier.onTimeout({
        now: (1 + consecutive) * SEC,
        bytes: 1448,
        consecutive,
        idleBefore: 0,
        established: true,
      });
    }
    expect(classifier.poll(4 * SEC)).toBeUndefined();
    classifier.onTimeout({ now: 5 * SEC, bytes: 1448, consecutive: 3, idleBefore: 0, established: true });
    expect(classifier.poll(5 * SEC)).toMatchObject({ cause: "filtered", filter: "size" });
    classifier.onTimeout({ now: 9 * SEC, bytes: 1448, consecutive: 4, idleBefore: 0, established: true });
    expect(classifier.poll(9 * SEC)).toBeUndefined();
  });

  test("F9: nothing ever passed: all of it is; after a long silence: the state has expired", () => {
    const port = new LossClassifier();
    port.onTimeout({ now: 7 * SEC, bytes: 60, consecutive: 3, idleBefore: 0, established: false });
    expect(port.poll(7 * SEC)).toMatchObject({ cause: "filtered", filter: "all" });
    const expired = new LossClassifier();
    expired.onAck({ ...delivered, now: 1 * SEC });
    expired.onTimeout({ now: 400 * SEC, bytes: 100, consecutive: 3, idleBefore: 300 * SEC, established: true });
    expect(expired.poll(400 * SEC)).toMatchObject({ cause: "filtered", filter: "after-idle" });
  });

  test("F10: a reset out of the blue, the more if it comes from elsewhere", () => {
    const classifier = new LossClassifier();
    classifier.onReset({ now: 1 * SEC, busy: false, foreignTtl: false });
    expect(classifier.poll(1 * SEC)).toBeUndefined();
    classifier.onReset({ now: 2 * SEC, busy: true, foreignTtl: false });
    const plain = classifier.poll(2 * SEC)!;
    classifier.onReset({ now: 3 * SEC, busy: true, foreignTtl: true });
    const foreign = classifier.poll(3 * SEC)!;
    expect([plain.filter, foreign.filter]).toEqual(["reset", "reset"]);
    expect(foreign.confidence).toBeGreaterThan(plain.confidence);
  });

  test("F11: it says when it will know: an SRTT after the last loss, if anything is delivered at all", () => {
    const classifier = new LossClassifier();
    expect(classifier.nextTimeout()).toBe(Infinity);
    classifier.onAck({ ...delivered, now: 1 * SEC });
    classifier.onLoss({ now: 2 * SEC, sentAt: 1.9 * SEC, bytes: 1448, again: false, inFlight: 10 });
    expect(classifier.nextTimeout()).toBe(Infinity);
    expect(classifier.poll(3 * SEC)).toBeUndefined();
    classifier.onAck({ ...delivered, now: 2 * SEC + 20 * MS });
    expect(classifier.nextTimeout()).toBe(2 * SEC + 40 * MS);
    expect(classifier.poll(2 * SEC + 39 * MS)).toBeUndefined();
    expect(classifier.poll(2 * SEC + 40 * MS)).toMatchObject({ losses: 1 });
    expect(classifier.nextTimeout()).toBe(Infinity);
  });
});
