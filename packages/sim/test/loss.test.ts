import { createRandom } from "@seville/core";
import { PacketPool } from "@seville/packet";
import { describe, expect, test } from "vitest";
import { createLoss, type LossOptions } from "../src/loss.ts";
import { mean, MS, TestWorld } from "./world.ts";

const pool = new PacketPool({ small: 4, jumbo: 0, super: 0 });

/** What becomes of `count` frames under a model: true, lost. */
function outcomes(options: LossOptions, count = 200_000, seed = 7): boolean[] {
  const model = createLoss(options, createRandom(seed));
  const frame = pool.alloc(60)!;
  const lost = Array.from({ length: count }, (_, index) => model.lose(frame, index, index * MS));
  frame.release();
  return lost;
}

/** Lengths of the stretches of `value`. */
function runs(values: readonly boolean[], value: boolean): number[] {
  const lengths: number[] = [];
  let length = 0;
  for (const each of values) {
    if (each === value) length++;
    else if (length > 0) {
      lengths.push(length);
      length = 0;
    }
  }
  return lengths;
}

const rate = (lost: readonly boolean[]): number => mean(lost.map(Number));

/** Five standard deviations of the mean of `count` independent trials: a seeded test that can fail, and does not by chance. */
const bound = (p: number, count: number): number => 5 * Math.sqrt((p * (1 - p)) / count);

describe("F1 independent loss", () => {
  test.each([0.001, 0.01, 0.1, 0.5, 0.9])("F1 loses a share of %d within binomial bounds", (p) => {
    const lost = outcomes(p);
    expect(Math.abs(rate(lost) - p)).toBeLessThan(bound(p, lost.length));
  });

  test("F1 is independent: bursts have the lengths that chance gives them", () => {
    const bursts = runs(outcomes(0.2), true);
    expect(mean(bursts)).toBeCloseTo(1 / 0.8, 1);
  });

  test("F1 0 loses none and 1 loses all", () => {
    expect(rate(outcomes(0))).toBe(0);
    expect(rate(outcomes(1))).toBe(1);
  });
});

describe("F2 correlated loss, as netem", () => {
  test("F2 without correlation it is independent loss", () => {
    expect(outcomes({ model: "random", probability: 0.1 })).toEqual(outcomes(0.1));
  });

  test("F2 follows netem's recurrence draw by draw", () => {
    const random = createRandom(7);
    const correlation = 0.25;
    let last = random.float();
    const naive = Array.from({ length: 1000 }, () => {
      last = random.float() * (1 - correlation) + last * correlation;
      return last < 0.3;
    });
    expect(outcomes({ model: "random", probability: 0.3, correlation }, 1000)).toEqual(naive);
  });

  test("F2 makes losses come together", () => {
    const plain = outcomes(0.4);
    const correlated = outcomes({ model: "random", probability: 0.4, correlation: 0.5 });
    const together = (lost: readonly boolean[]): number =>
      rate(lost.slice(1).filter((_, i) => lost[i] === true)) / rate(lost);
    expect(together(plain)).toBeCloseTo(1, 1);
    expect(together(correlated)).toBeGreaterThan(1.3);
  });
});

describe("F3 Gilbert–Elliott (netem: loss gemodel)", () => {
  test("F3 simple Gilbert: rate p / (p + r), bursts of 1 / r, gaps of 1 / p", () => {
    const lost = outcomes({ model: "gilbert-elliott", p: 0.01, r: 0.25 }, 400_000);
    expect(rate(lost)).toBeCloseTo(0.01 / 0.26, 2);
    expect(mean(runs(lost, true))).toBeCloseTo(4, 0);
    expect(Math.abs(mean(runs(lost, false)) - 100)).toBeLessThan(8);
  });

  test("F3 the lengths of bursts are geometric", () => {
    const bursts = runs(outcomes({ model: "gilbert-elliott", p: 0.02, r: 0.5 }, 400_000), true);
    for (const length of [1, 2, 3, 4]) {
      const share = bursts.filter((burst) => burst === length).length / bursts.length;
      expect(Math.abs(share - 0.5 ** length)).toBeLessThan(bound(0.5 ** length, bursts.length));
    }
  });

  test("F3 four parameters: each state has a probability of its own", () => {
    const p = 0.05;
    const r = 0.2;
    const lost = outcomes({ model: "gilbert-elliott", p, r, lossInBad: 0.7, lossInGood: 0.01 }, 400_000);
    const bad = p / (p + r);
    expect(rate(lost)).toBeCloseTo(bad * 0.7 + (1 - bad) * 0.01, 2);
  });

  test("F3 with r missing it is Bernoulli loss, as in tc-netem(8)", () => {
    const lost = outcomes({ model: "gilbert-elliott", p: 0.1 });
    expect(Math.abs(rate(lost) - 0.1)).toBeLessThan(bound(0.1, lost.length));
    expect(mean(runs(lost, true))).toBeCloseTo(1 / 0.9, 1);
  });
});

describe("F4 four states (netem: loss state)", () => {
  test("F4 p13 alone is Bernoulli loss", () => {
    const lost = outcomes({ model: "state", p13: 0.1 });
    expect(Math.abs(rate(lost) - 0.1)).toBeLessThan(bound(0.1, lost.length));
  });

  test("F4 two parameters: bursts of 1 / p31", () => {
    const lost = outcomes({ model: "state", p13: 0.02, p31: 0.2 }, 400_000);
    expect(rate(lost)).toBeCloseTo(0.02 / 0.22, 2);
    expect(Math.abs(mean(runs(lost, true)) - 5)).toBeLessThan(0.3);
  });

  test("F4 the share of lost frames is that of the chain's stationary distribution", () => {
    const options = { model: "state", p13: 0.05, p31: 0.3, p32: 0.2, p23: 0.4, p14: 0.02 } as const;
    // Power iteration over the four states: the slow and obvious way.
    let state = [1, 0, 0, 0];
    for (let step = 0; step < 10_000; step++) {
      const [s1, s2, s3, s4] = state as [number, number, number, number];
      state = [
        s1 * (1 - 0.05 - 0.02) + s3 * 0.3 + s4,
        s2 * (1 - 0.4) + s3 * 0.2,
        s1 * 0.05 + s2 * 0.4 + s3 * (1 - 0.3 - 0.2),
        s1 * 0.02,
      ];
    }
    expect(rate(outcomes(options, 400_000))).toBeCloseTo(state[2]! + state[3]!, 2);
  });

  test("F4 a loss in a gap stands alone", () => {
    expect(new Set(runs(outcomes({ model: "state", p13: 0, p14: 0.1 }), true))).toEqual(new Set([1]));
  });
});

describe("by hand", () => {
  test("F5 a script loses the frames it names and no others", () => {
    const world = new TestWorld({ loss: { model: "script", frames: [0, 3, 4] } });
    world.stream(7, 1 * MS);
    expect(world.order).toEqual([1, 2, 5, 6]);
    expect(world.lost).toEqual([
      { frame: 0, at: 0, reason: "LINK_LOSS" },
      { frame: 3, at: 3 * MS, reason: "LINK_LOSS" },
      { frame: 4, at: 4 * MS, reason: "LINK_LOSS" },
    ]);
  });

  test("F5 a script loses what goes onto the line within its times", () => {
    const times = [
      { from: 2 * MS, to: 4 * MS },
      { from: 6 * MS, to: 6 * MS + 1 },
    ];
    const world = new TestWorld({ loss: { model: "script", times } });
    world.stream(8, 1 * MS);
    expect(world.order).toEqual([0, 1, 4, 5, 7]);
  });

  test("F5 frames that never got onto the line have no number there", () => {
    const world = new TestWorld({ mtu: 1000, loss: { model: "script", frames: [1] } });
    world.send(1, 500);
    world.send(1, 1500);
    world.send(2, 500);
    world.run();
    expect(world.lost.map(({ frame, reason }) => [frame, reason])).toEqual([
      [1, "LINK_MTU"],
      [2, "LINK_LOSS"],
    ]);
    expect(world.order).toEqual([0, 3]);
  });

  test("F6 a predicate sees the frame, its number and the time", () => {
    const seen: [number, number, number][] = [];
    const world = new TestWorld({
      loss: {
        model: "predicate",
        lose(frame, index, now) {
          seen.push([frame.length, index, now]);
          return frame.length > 900;
        },
      },
    });
    world.send(1, 1000);
    world.at(5 * MS, () => world.send(1, 100));
    world.run();
    expect(seen).toEqual([
      [1000, 0, 0],
      [100, 1, 5 * MS],
    ]);
    expect(world.order).toEqual([1]);
  });
});
