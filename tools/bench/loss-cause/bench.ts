import { fileURLToPath } from "node:url";
import type { BenchRow, ReportDefinition } from "../lib/types.ts";
import { runInProcesses } from "../lib/worker-pool.ts";
import { drawRuns, REPORTED } from "./grid.ts";
import { Confusion, LABELS } from "./matrix.ts";
import type { JudgedEpisode, RunTask } from "./run-one.ts";

const RUNS = 520;
const QUICK_RUNS = 64;
const FIRST_SEED = 1;
/** The bars: of all episodes, and of those of each cause. */
const OVERALL = 0.9;
const EACH = 0.8;

export const bench: ReportDefinition = {
  title: "Why was it dropped? Share of loss episodes that LossClassifier labels right",
  async report({ quick, filter, progress }) {
    const runs = drawRuns(REPORTED, quick ? QUICK_RUNS : RUNS, FIRST_SEED).filter(({ trouble, congestion }) =>
      `${trouble.kind} ${congestion}`.includes(filter),
    );
    const results = await runInProcesses<RunTask, JudgedEpisode[]>(
      fileURLToPath(new URL("run-one.ts", import.meta.url)),
      runs.map((run) => ({ run })),
      (done) => {
        if (done % 20 === 0) progress(`loss-cause: ${done}/${runs.length} runs`);
      },
    );
    const ours = new Confusion();
    const rule = new Confusion();
    for (const { truth, label, rttRule } of results.flat()) {
      ours.add(truth, label);
      rule.add(truth, rttRule);
    }
    const judged = !quick && filter === "";
    const text = [
      `${runs.length} runs, ${ours.total} episodes\n\nLossClassifier`,
      `${ours.toString()}\n\nA rule that knows only the RTT`,
      `${rule.toString()}\n`,
      `Chance: ${(100 * ours.chance).toFixed(1)} % right.`,
    ].join("\n");
    return {
      rows: rowsOf(ours, rule, judged),
      text,
      extra: { runs: runs.length, confusion: ours.toJson(), rttRule: rule.toJson(), chance: ours.chance },
    };
  },
};

function rowsOf(ours: Confusion, rule: Confusion, judged: boolean): BenchRow[] {
  const row = (name: string, size: number, value: number, peer: string, theirs: number, bar?: boolean): BenchRow => ({
    case: name,
    size,
    unit: "share",
    better: "higher",
    ours: Number(value.toFixed(4)),
    peer,
    theirs: Number(theirs.toFixed(4)),
    ratio: value / theirs,
    ...(bar === true && judged ? { within: value >= theirs, tolerance: "at least" } : {}),
  });
  return [
    row("all episodes", ours.total, ours.accuracy, "reference", OVERALL, true),
    row("all episodes", ours.total, ours.accuracy, "RTT threshold", rule.accuracy),
    row("all episodes", ours.total, ours.accuracy, "chance", ours.chance),
    ...LABELS.filter((label) => ours.of(label) > 0).flatMap((label) => [
      row(label, ours.of(label), ours.recall(label), "reference", EACH, true),
      row(label, ours.of(label), ours.recall(label), "RTT threshold", rule.recall(label)),
    ]),
  ];
}
