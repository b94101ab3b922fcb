import type { BenchCase, BenchRow, Side, TimedSide } from "./types.ts";

export interface Effort {
  /** Rounds over all sides of a case. The median of the rounds is reported. */
  readonly rounds: number;
  /** CPU time of one sample, ns. */
  readonly sampleNanos: number;
  /** CPU time spent on a side before it is measured, ns. */
  readonly warmUpNanos: number;
}

/** CPU time so far, ns. */
export type CpuClock = () => number;

export const FULL: Effort = { rounds: 41, sampleNanos: 1_500_000, warmUpNanos: 60_000_000 };
export const QUICK: Effort = { rounds: 9, sampleNanos: 1_000_000, warmUpNanos: 25_000_000 };

/**
 * Measures all sides of a case, interleaved: each round runs every side once, in an order that rotates, so that a
 * disturbance of the machine meets all alike. Medians, because means under load were seen to be wrong by a factor of 4.
 */
export async function measure(
  benchCase: BenchCase,
  usual: Effort,
  clock: CpuClock = processorTime,
): Promise<BenchRow[]> {
  const { rounds = usual.rounds, sampleNanos = usual.sampleNanos, warmUpNanos = usual.warmUpNanos } = benchCase;
  const effort = { ...usual, rounds, sampleNanos, warmUpNanos };
  const sides = [benchCase.ours, ...benchCase.peers];
  const counts = sides.map((side) => ("run" in side ? warmUp(side, effort, clock) : 1));
  const samples: number[][] = sides.map(() => []);
  for (let round = 0; round < effort.rounds; round++) {
    for (let turn = 0; turn < sides.length; turn++) {
      const index = (turn + round) % sides.length;
      samples[index]!.push(await sample(sides[index]!, counts[index]!, benchCase, clock));
    }
  }
  const [ours, ...theirs] = samples.map(median);
  const row = (peer: string, value: number, ratio: number): BenchRow => {
    const { case: name, size, unit, better } = benchCase;
    return { case: name, size, unit, better, ours: round4(ours!), peer, theirs: round4(value), ratio: round4(ratio) };
  };
  const rows = theirs.map((value, i) =>
    row(benchCase.peers[i]!.name, value, benchCase.better === "lower" ? value / ours! : ours! / value),
  );
  const { reference } = benchCase;
  return reference === undefined ? rows : [...rows, row("reference", reference, ours! / reference)];
}

async function sample(side: Side, count: number, { fromNanos }: BenchCase, clock: CpuClock): Promise<number> {
  if (!("run" in side)) return side.value();
  const nanos = cpuNanos(side, count, clock) / count;
  return fromNanos === undefined ? nanos : fromNanos(nanos);
}

/** Runs a side until it is compiled and returns how many operations fill a sample. */
function warmUp(side: TimedSide, effort: Effort, clock: CpuClock): number {
  let count = 1;
  let spent = 0;
  for (;;) {
    const nanos = cpuNanos(side, count, clock);
    spent += nanos;
    if (nanos < effort.sampleNanos / 2) count *= 2;
    else if (spent >= effort.warmUpNanos) return Math.max(1, Math.round((count * effort.sampleNanos) / nanos));
  }
}

/** What results are added to, so that the compiler cannot prove them unused. */
export const sink = { value: 0 };

function cpuNanos(side: TimedSide, count: number, clock: CpuClock): number {
  const before = clock();
  sink.value += side.run(count);
  return clock() - before;
}

/** CPU time of this process so far, ns. */
function processorTime(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) * 1000;
}

function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** Four significant digits: more would be noise. */
function round4(value: number): number {
  return Number(value.toPrecision(4));
}
