import { fileURLToPath } from "node:url";
import { runInProcesses } from "../lib/worker-pool.ts";
import type { BenchRow, ReportContext, ReportDefinition } from "../lib/types.ts";
import { CELLS, type Metrics } from "./cells.ts";
import { compare, judgeCell } from "./judge.ts";
import { ecmpShares, type Pattern } from "./max-min.ts";
import type { CellRun } from "./run-cell.ts";
import type { SprayRow } from "./spray.ts";

const SEEDS = [1, 2, 3, 4, 5];
const QUICK_SEEDS = [1];
/** Virtual seconds, at most. */
const QUICK_SECONDS = 15;

/** Shares of a host's link with max-min fair flows over random paths (30 to 400 trials of an independent program). */
const ECMP: readonly { k: number; pattern: Pattern; mean: number; worst?: number }[] = [
  { k: 4, pattern: "permutation", mean: 0.593, worst: 0.407 },
  { k: 6, pattern: "permutation", mean: 0.511, worst: 0.285 },
  { k: 8, pattern: "permutation", mean: 0.477, worst: 0.235 },
  { k: 4, pattern: "stride", mean: 0.616 },
  { k: 6, pattern: "stride", mean: 0.566 },
  { k: 8, pattern: "stride", mean: 0.54 },
];

/** Means over trials agree this well. */
const ECMP_TOLERANCE = 0.05;

export const bench: ReportDefinition = {
  title: "TCP over simulated paths, beside what Linux 6.18 did over emulated ones (size: seconds)",
  async report(context) {
    const rows = [...(await pathRows(context)), ...oracleRows(context), ...(await sprayRows(context))];
    return { rows, text: verdict(rows) };
  },
};

async function pathRows({ quick, filter, progress }: ReportContext): Promise<BenchRow[]> {
  const cells = CELLS.filter(({ name }) => name.includes(filter));
  const seeds = quick ? QUICK_SEEDS : SEEDS;
  const runs = cells.flatMap((cell) =>
    seeds.map((seed): CellRun => ({
      cell,
      seed,
      seconds: quick ? Math.min(QUICK_SECONDS, cell.seconds) : cell.seconds,
    })),
  );
  const results = await runInProcesses<CellRun, Metrics>(
    fileURLToPath(new URL("run-cell.ts", import.meta.url)),
    runs,
    (done, { cell }) => {
      progress(`tcp-sim: ${done}/${runs.length} ${cell.name}`);
    },
  );
  return cells.flatMap((cell, i) => {
    const own = results.slice(i * seeds.length, (i + 1) * seeds.length);
    return judgeCell(cell, own, runs[i * seeds.length]?.seconds ?? cell.seconds, !quick);
  });
}

function oracleRows({ quick, filter }: ReportContext): BenchRow[] {
  const rows: BenchRow[] = [];
  for (const { k, pattern, ...reference } of ECMP) {
    const name = `ECMP max-min, k = ${k}, ${pattern}`;
    if (!name.includes(filter)) continue;
    const shares = ecmpShares(k, pattern, quick ? 20 : 200, 1);
    for (const figure of ["mean", "worst"] as const) {
      const theirs = reference[figure];
      if (theirs === undefined) continue;
      rows.push({
        case: `${name}, ${figure === "mean" ? "mean" : "slowest flow"}`,
        size: k ** 3 / 4,
        unit: "of host rate",
        better: "higher",
        peer: "reference",
        ...compare(shares[figure], [theirs], ECMP_TOLERANCE, !quick),
      });
    }
  }
  return rows;
}

async function sprayRows({ quick, filter, progress }: ReportContext): Promise<BenchRow[]> {
  const { SPRAY_CASES } = await import("./spray.ts");
  const seeds = quick ? QUICK_SEEDS : SEEDS;
  const seconds = quick ? 3 : 20;
  const names = SPRAY_CASES.filter((name) => name.includes(filter));
  const runs = names.map((name): SprayRun => ({ name, seeds, seconds }));
  const results = await runInProcesses<SprayRun, SprayRow[]>(
    fileURLToPath(new URL("run-spray.ts", import.meta.url)),
    runs,
    (done, { name }) => {
      progress(`tcp-sim: ${done}/${runs.length} ${name}`);
    },
  );
  return results.flat().flatMap((row) => judgeSpray(row, seconds, !quick));
}

export interface SprayRun {
  readonly name: string;
  readonly seeds: readonly number[];
  readonly seconds: number;
}

function judgeSpray(row: SprayRow, seconds: number, judged: boolean): BenchRow[] {
  const common = { size: seconds, peer: "reference" };
  const rows: BenchRow[] = [
    {
      ...common,
      case: row.case,
      unit: row.unit,
      better: "higher",
      runs: row.runs,
      ...compare(row.ours, [row.reference], 0.15, judged),
    },
  ];
  if (row.retransmits !== undefined && row.referenceRetransmits !== undefined) {
    // Shown only: the note has no tolerance for them, and the kernel's receiver merged and delayed on a loaded machine.
    rows.push({
      ...common,
      case: `${row.case}, retransmissions`,
      unit: "segments",
      better: "lower",
      ...compare(row.retransmits, [row.referenceRetransmits], 0.25, false),
    });
  }
  return rows;
}

function verdict(rows: readonly BenchRow[]): string {
  const judged = rows.filter(({ within }) => within !== undefined);
  const bad = judged.filter(({ within }) => within === false);
  if (judged.length === 0) return "Nothing was judged: short runs are for a look.";
  return `${judged.length - bad.length} of ${judged.length} figures are within their tolerance.`;
}
