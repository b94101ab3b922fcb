import { createRandom } from "@seville/core";
import { PacketPool } from "@seville/packet";
import { describe, expect, test } from "vitest";
import type { LossOptions, ReorderOptions } from "../src/index.ts";
import { createLoss } from "../src/loss.ts";
import recorded from "./fixtures/netem.json" with { type: "json" };
import { mean, MS, TestWorld } from "./world.ts";

/*
 * What a real kernel's netem did with 40 000 datagrams, recorded by fixtures/netem.py (the command stands in netem.json). Its dice
 * are not ours: rates and burst lengths are compared, and for reordering, where nothing is left to chance, the very order.
 */
const SAME: Readonly<Record<string, LossOptions>> = {
  "loss 5%": 0.05,
  "loss random 30% 25%": { model: "random", probability: 0.3, correlation: 0.25 },
  "loss random 40% 50%": { model: "random", probability: 0.4, correlation: 0.5 },
  "loss gemodel 2% 25%": { model: "gilbert-elliott", p: 0.02, r: 0.25 },
  "loss gemodel 5% 20% 70% 1%": { model: "gilbert-elliott", p: 0.05, r: 0.2, lossInBad: 0.7, lossInGood: 0.01 },
  "loss gemodel 10%": { model: "gilbert-elliott", p: 0.1 },
  "loss state 5% 30% 20% 40% 2%": { model: "state", p13: 0.05, p31: 0.3, p32: 0.2, p23: 0.4, p14: 0.02 },
  "loss state 2% 20%": { model: "state", p13: 0.02, p31: 0.2 },
};

const REORDER: Readonly<Record<string, ReorderOptions>> = {
  "delay 300ms reorder 100% gap 5": { probability: 1, gap: 5 },
  "delay 300ms reorder 100% gap 3": { probability: 1, gap: 3 },
  "delay 300ms reorder 100%": { probability: 1 },
};

const pool = new PacketPool({ small: 1, jumbo: 0, super: 0 });

/** Rate of loss and mean length of a burst over `count` frames. */
function lose(options: LossOptions, count: number): { rate: number; meanBurst: number } {
  const frame = pool.alloc(60)!;
  const model = createLoss(options, createRandom("netem"));
  const bursts: number[] = [];
  let burst = 0;
  for (let index = 0; index < count; index++) {
    if (model.lose(frame, index, 0)) burst++;
    else if (burst > 0) {
      bursts.push(burst);
      burst = 0;
    }
  }
  frame.release();
  return { rate: bursts.reduce((sum, length) => sum + length, 0) / count, meanBurst: mean(bursts) };
}

describe(`beside netem of Linux ${recorded.kernel}`, () => {
  test.each(recorded.loss)("F1 F2 F3 F4 $netem: $rate lost, in bursts of $meanBurst", ({ netem, ...theirs }) => {
    const ours = lose(SAME[netem]!, 400_000);
    // Five standard errors of the kernel's 40 000 frames; bursts of a geometric length b make it sqrt(2b - 1) times wider.
    const wider = Math.sqrt(2 * theirs.meanBurst - 1);
    const bursts = theirs.lost / theirs.meanBurst;
    expect(Math.abs(ours.rate - theirs.rate)).toBeLessThan(
      5 * wider * Math.sqrt((theirs.rate * (1 - theirs.rate)) / theirs.frames),
    );
    expect(Math.abs(ours.meanBurst - theirs.meanBurst)).toBeLessThan((5 * theirs.meanBurst) / Math.sqrt(bursts));
  });

  test.each(recorded.order)("F10 $netem: the same order", ({ netem, order }) => {
    const world = new TestWorld({ delay: 300 * MS, reorder: REORDER[netem]! });
    world.stream(order.length, 2 * MS, 100);
    expect(world.order).toEqual(order);
  });
});
