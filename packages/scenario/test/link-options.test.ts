import { createRandom } from "@seville/core";
import { Link, Simulator } from "@seville/sim";
import { describe, expect, test } from "vitest";
import type { LinkParameters } from "@seville/scenario";
import { directionOptions } from "../src/run/link-options.ts";
import { settingsText } from "../src/run/settings-text.ts";

const CASES: readonly (readonly [name: string, written: LinkParameters, meant: object, shown: object])[] = [
  ["nothing", {}, {}, { queue: "fifo" }],
  [
    "rate and delay",
    { rate: "1.5mbit", delay: "250us" },
    { rate: 1.5e6, delay: 250_000 },
    { rate: "1.5mbit", delay: "250us", queue: "fifo" },
  ],
  [
    "zeros, which are not shown",
    { delay: "0ms", loss: "0%", duplicate: "0.0%" },
    { delay: 0, loss: 0, duplicate: 0 },
    { queue: "fifo" },
  ],
  ["jitter as a time", { jitter: "2ms" }, { jitter: 2e6 }, { jitter: "2ms", queue: "fifo" }],
  [
    "jitter by a law",
    { jitter: { deviation: "2ms", distribution: "pareto", correlation: "25%", overtake: true } },
    { jitter: { deviation: 2e6, distribution: "pareto", correlation: 0.25, reorder: true } },
    { jitter: "2ms pareto", queue: "fifo" },
  ],
  ["loss by chance", { loss: "1%" }, { loss: 0.01 }, { loss: "1%", queue: "fifo" }],
  [
    "correlated loss",
    { loss: { random: { probability: "1%", correlation: "30%" } } },
    { loss: { model: "random", probability: 0.01, correlation: 0.3 } },
    { loss: "1% correlated", queue: "fifo" },
  ],
  [
    "Gilbert–Elliott",
    { loss: { gemodel: { p: "1%", r: "20%", bad: "90%", good: "0.1%" } } },
    { loss: { model: "gilbert-elliott", p: 0.01, r: 0.2, lossInBad: 0.9, lossInGood: 0.001 } },
    { loss: "bursts (gemodel 1%)", queue: "fifo" },
  ],
  [
    "netem's states",
    { loss: { state: { p13: "1%", p31: "30%", p32: "5%", p23: "60%", p14: "1%" } } },
    { loss: { model: "state", p13: 0.01, p31: 0.3, p32: 0.05, p23: 0.6, p14: 0.01 } },
    { loss: "bursts (state 1%)", queue: "fifo" },
  ],
  [
    "frames by number",
    { loss: { frames: [1, 5] } },
    { loss: { model: "script", frames: [0, 4] } },
    { loss: "2 chosen frames", queue: "fifo" },
  ],
  ["reordering", { reorder: "25%" }, { reorder: 0.25 }, { reorder: "25%", queue: "fifo" }],
  [
    "reordering with a gap",
    { reorder: { probability: "25%", gap: 5, correlation: "50%" } },
    { reorder: { probability: 0.25, gap: 5, correlation: 0.5 } },
    { reorder: "25%", queue: "fifo" },
  ],
  ["corruption", { corrupt: "1%" }, { corrupt: 0.01 }, { corrupt: "1%", queue: "fifo" }],
  [
    "corruption past the check sequence",
    { corrupt: { probability: "1%", afterFcs: true } },
    { corrupt: { probability: 0.01, detect: "after-fcs" } },
    { corrupt: "1%", queue: "fifo" },
  ],
  ["framing", { framing: "none" }, { framing: "none" }, { queue: "fifo" }],
  ["a queue by name", { queue: "fq_codel" }, { queue: { kind: "fq_codel" } }, { queue: "fq_codel" }],
  [
    "a fifo in packets",
    { queue: { fifo: { limit: "50p" } } },
    { queue: { kind: "fifo", limitPackets: 50 } },
    { queue: "fifo 50p" },
  ],
  [
    "a fifo in bytes",
    { queue: { fifo: { limit: "64kb" } } },
    { queue: { kind: "fifo", limitBytes: 65_536 } },
    { queue: "fifo 64kb" },
  ],
  [
    "CoDel",
    { queue: { codel: { limit: 100, target: "5ms", interval: "100ms", ecn: true } } },
    { queue: { kind: "codel", limitPackets: 100, target: 5e6, interval: 100e6, ecn: true } },
    { queue: "codel" },
  ],
  [
    "FQ-CoDel",
    {
      queue: {
        fq_codel: { limit: 100, flows: 16, quantum: 300, memory: "4mb", target: "1ms", interval: "20ms", ecn: false },
      },
    },
    {
      queue: {
        kind: "fq_codel",
        limitPackets: 100,
        flows: 16,
        quantum: 300,
        memoryLimit: 4_194_304,
        target: 1e6,
        interval: 20e6,
        ecn: false,
      },
    },
    { queue: "fq_codel" },
  ],
  [
    "RED",
    { queue: { red: { limit: "400kb", min: "30kb", max: "90kb", probability: "2%", ecn: true } } },
    { queue: { kind: "red", limitBytes: 409_600, min: 30_720, max: 92_160, probability: 0.02, ecn: true } },
    { queue: "red" },
  ],
  [
    "a token bucket shaper",
    { queue: { tbf: { rate: "1mbit", burst: "10kb" } } },
    { queue: { kind: "tbf", rate: 1e6, burst: 10_240, limitBytes: 1_048_576 } },
    { queue: "tbf" },
  ],
  [
    "a policer",
    { policer: { rate: "1mbit", burst: "10kb", exceed: "mark" } },
    { policer: { rate: 1e6, burst: 10_240, exceed: "mark" } },
    { queue: "fifo, policed to 1mbit" },
  ],
  ["no policer any more", { policer: "none" }, { policer: null }, { queue: "fifo" }],
];

describe("R12: what a file says of a link is what the link does", () => {
  test.each(CASES)("%s", (_name, written, meant, shown) => {
    expect(directionOptions(written)).toEqual(meant);
    expect(settingsText(written)).toEqual(shown);
  });

  test.each(CASES)("%s is taken by a link, at the beginning and later", (_name, written) => {
    const link = new Link({ scheduler: new Simulator(), random: createRandom(1), ...directionOptions(written) });
    expect(() => link.set(directionOptions(written), "aToB")).not.toThrow();
    link.close();
  });
});
