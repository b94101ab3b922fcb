// node --conditions=@seville/source --import tsx tools/bench/loss-cause/tune.ts [RUNS]
//
// Finds the tree of `LossClassifier` on runs of another grid and other seeds than those that `pnpm bench loss-cause` reports, and writes it to
// packages/congestion/src/loss-classifier/loss-tree.ts. Depth and leaf are chosen by cross-validation over whole runs.
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type LossTree, weighEvidence } from "../../../packages/congestion/src/index.ts";
import { runInProcesses } from "../lib/worker-pool.ts";
import { drawRuns, TUNING } from "./grid.ts";
import { CLASSES, type Example, learnTree, type LearnOptions } from "./learn.ts";
import { Confusion } from "./matrix.ts";
import type { JudgedEpisode, RunTask } from "./run-one.ts";

const FIRST_SEED = 500_000;
const FOLDS = 4;
const TREE = new URL("../../../packages/congestion/src/loss-classifier/loss-tree.ts", import.meta.url);
const HEADER = `import type { LossTree } from "./evidence.ts";

/** Found by \`tools/bench/loss-cause/tune.ts\`; not written by hand. */
export const LOSS_TREE: LossTree = `;

const runs = drawRuns(TUNING, Number(process.argv[2] ?? 640), FIRST_SEED).filter(
  ({ trouble }) => trouble.kind !== "filter",
);
const results = await runInProcesses<RunTask, JudgedEpisode[]>(
  fileURLToPath(new URL("run-one.ts", import.meta.url)),
  runs.map((run) => ({ run })),
  (done) => {
    if (done % 20 === 0) console.error(`${done}/${runs.length}`);
  },
);
const examples = results.flatMap((episodes, group) =>
  episodes.flatMap(({ features, truth }): Example[] =>
    features === undefined || truth === "filtered" ? [] : [{ features, truth, group }],
  ),
);
console.error(`${examples.length} episodes`);

let best: { options: LearnOptions; score: number } | undefined;
for (const depth of [5, 7, 9]) {
  for (const leaf of [0.002, 0.005]) {
    for (const balance of [0.3, 0.6]) {
      const options = { depth, leaf, balance };
      const confusion = crossValidate(options);
      const recalls = CLASSES.map((one) => confusion.recall(one));
      // All classes count, the worst most.
      const score = confusion.accuracy + Math.min(...recalls);
      console.error(
        JSON.stringify(options),
        confusion.accuracy.toFixed(3),
        recalls.map((one) => one.toFixed(3)).join(" "),
      );
      if (best === undefined || score > best.score) best = { options, score };
    }
  }
}
if (best === undefined) throw new Error("nothing was tried");
console.error(`best: ${JSON.stringify(best)}`);
writeFileSync(TREE, `${HEADER}${JSON.stringify(learnTree(examples, best.options))};\n`);

function crossValidate(options: LearnOptions): Confusion {
  const confusion = new Confusion();
  for (let fold = 0; fold < FOLDS; fold++) {
    const tree = learnTree(
      examples.filter(({ group }) => group % FOLDS !== fold),
      options,
    );
    for (const { features, truth, group } of examples) {
      if (group % FOLDS === fold) confusion.add(truth, labelOf(features, tree));
    }
  }
  return confusion;
}

function labelOf(features: Example["features"], tree: LossTree): string {
  const { queueOverflow, policer, random, mixed } = weighEvidence(features, tree);
  const weights = [queueOverflow, policer, random, mixed];
  return CLASSES[weights.indexOf(Math.max(...weights))] as string;
}
