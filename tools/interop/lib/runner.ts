import { Skip, type Outcome, type Suite, type SuiteOptions } from "./suite.ts";

export interface SuiteResult {
  readonly total: number;
  readonly passed: number;
  readonly failed: number;
  readonly skipped: readonly { readonly case: string; readonly why: string }[];
}

export interface RunOptions extends SuiteOptions {
  /** Only cases whose name contains this. */
  readonly filter: string;
  /** Told of each case as it ends. */
  readonly onCase: (name: string, outcome: Outcome["outcome"], detail: string, seconds: number) => void;
  /** Told of the suite's table, if it has one, when the last case has ended. */
  readonly onTable: (table: string) => void;
}

/** Runs the cases of a suite one after the other. */
export async function runSuite<Bench>(suite: Suite<Bench>, options: RunOptions): Promise<SuiteResult> {
  const cases = suite.cases.filter(
    ({ name, quick }) => name.includes(options.filter) && (!options.quick || quick === true),
  );
  const skipped: { case: string; why: string }[] = [];
  const outcomes: Outcome[] = [];
  let passed = 0;
  let failed = 0;
  const reason = suite.missing();
  if (reason !== undefined) {
    for (const { name } of cases) {
      skipped.push({ case: name, why: reason });
      options.onCase(name, "skipped", reason, 0);
    }
    return { total: cases.length, passed, failed, skipped };
  }
  const bench = await suite.start(options);
  try {
    for (const each of cases) {
      const start = performance.now();
      const tell = (outcome: Outcome["outcome"], detail: string): void => {
        outcomes.push({ name: each.name, outcome, detail });
        options.onCase(each.name, outcome, detail, (performance.now() - start) / 1000);
      };
      try {
        tell("passed", await each.run(bench, options));
        passed++;
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        if (error instanceof Skip) {
          skipped.push({ case: each.name, why: message });
          tell("skipped", message);
        } else {
          failed++;
          tell("failed", message);
        }
      }
    }
  } finally {
    await suite.stop(bench);
  }
  if (suite.table !== undefined) options.onTable(suite.table(outcomes));
  return { total: cases.length, passed, failed, skipped };
}
