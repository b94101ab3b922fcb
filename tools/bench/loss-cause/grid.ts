import { createRandom, NS_PER_MS, NS_PER_SEC, type Nanos, type Random } from "../../../packages/core/src/index.ts";

/*
 * The runs: a path drawn at random from the grid, and what is wrong with it.
 */

export type Trouble =
  | { readonly kind: "overflow" }
  | { readonly kind: "random"; readonly loss: number }
  | { readonly kind: "policer"; readonly rate: number; readonly bucket: number }
  | { readonly kind: "filter"; readonly filter: "size" | "port" | "idle" | "reset" };

export interface LossRun {
  readonly seed: number;
  readonly rate: number;
  readonly rtt: Nanos;
  /** Bytes. */
  readonly buffer: number;
  readonly congestion: "cubic" | "bbr" | "reno";
  readonly competitors: number;
  readonly trouble: Trouble;
  readonly duration: Nanos;
}

/** Ranges to draw from. */
export interface Grid {
  /** Name of the stream of random numbers. */
  readonly name: string;
  readonly megabits: readonly [number, number];
  readonly rttMs: readonly [number, number];
  readonly bufferBdp: readonly [number, number];
  readonly loss: readonly [number, number];
  readonly bucketKilobytes: readonly [number, number];
  readonly competitors: readonly [number, number];
}

/** What is reported. */
export const REPORTED: Grid = {
  name: "reported",
  megabits: [5, 500],
  rttMs: [10, 200],
  bufferBdp: [0.25, 4],
  loss: [0.0001, 0.05],
  bucketKilobytes: [16, 1024],
  competitors: [0, 4],
};

/** What thresholds are tuned on: other seeds, other ranges. */
export const TUNING: Grid = {
  name: "tuning",
  megabits: [8, 300],
  rttMs: [14, 160],
  bufferBdp: [0.35, 3],
  loss: [0.0002, 0.04],
  bucketKilobytes: [24, 700],
  competitors: [0, 3],
};

const KINDS = ["overflow", "random", "policer", "filter"] as const;
const FILTERS = ["size", "port", "idle", "reset"] as const;
const CONTROLS = ["cubic", "bbr", "reno"] as const;
/** Packets of a run, as many RTTs of it, and the times between which it lasts. */
const PACKETS = 40_000;
const RTTS = 40;
const LONGEST = 12 * NS_PER_SEC;

/** `count` runs, of which the kinds of trouble take turns. */
export function drawRuns(grid: Grid, count: number, firstSeed: number): LossRun[] {
  return Array.from({ length: count }, (_, i) => {
    const random = createRandom(firstSeed + i).fork(`loss-cause ${grid.name}`);
    return drawRun(grid, KINDS[i % KINDS.length] as (typeof KINDS)[number], i >> 2, firstSeed + i, random);
  });
}

function drawRun(grid: Grid, kind: (typeof KINDS)[number], turn: number, seed: number, random: Random): LossRun {
  const rate = Math.round(between(random, grid.megabits) * 1e6);
  const rtt = 2 * Math.round((between(random, grid.rttMs) * NS_PER_MS) / 2);
  const bdp = (rate * rtt) / 8e9;
  const base = {
    seed,
    rate,
    rtt,
    // Two packets at the least: less is no buffer.
    buffer: Math.round(Math.max(3000, between(random, grid.bufferBdp) * bdp)),
    congestion: CONTROLS[turn % CONTROLS.length] as (typeof CONTROLS)[number],
    competitors: grid.competitors[0] + random.below(grid.competitors[1] - grid.competitors[0] + 1),
  };
  const packetTime = 12_000e9 / rate;
  const duration = Math.round(Math.min(LONGEST, Math.max(PACKETS * packetTime, RTTS * rtt)));
  switch (kind) {
    case "overflow":
      return { ...base, trouble: { kind }, duration };
    case "random":
      return { ...base, trouble: { kind, loss: between(random, grid.loss) }, duration };
    case "policer": {
      // Of one customer: its share of the line, alone.
      const share = 0.15 + 0.45 * random.float();
      const bucket = Math.round(between(random, grid.bucketKilobytes) * 1024);
      return { ...base, competitors: 0, trouble: { kind, rate: Math.round(rate * share), bucket }, duration };
    }
    case "filter": {
      const filter = FILTERS[turn % FILTERS.length] as (typeof FILTERS)[number];
      return { ...base, competitors: 0, trouble: { kind, filter }, duration: 15 * NS_PER_SEC };
    }
  }
}

/** Evenly on a logarithmic scale. */
function between(random: Random, [low, high]: readonly [number, number]): number {
  return low * (high / low) ** random.float();
}
