import { runSuite, type SuiteResult } from "./runner.ts";
import type { Suite } from "./suite.ts";

interface MainOptions {
  readonly suites: readonly string[];
  readonly json: boolean;
  readonly quick: boolean;
  readonly filter: string;
}

const SIGNS = { passed: "ok  ", failed: "FAIL", skipped: "skip" } as const;

async function main(options: MainOptions): Promise<number> {
  const say = (line: string): void => void process.stderr.write(`${line}\n`);
  const print = options.json ? say : (line: string): void => void process.stdout.write(`${line}\n`);
  const results: SuiteResult[] = [];
  for (const name of options.suites) {
    print(`${name}${options.quick ? " (quick)" : ""}`);
    const { suite } = (await import(`../suites/${name.replace(" ", "/")}.ts`)) as { suite: Suite<unknown> };
    const result = await runSuite(suite, {
      quick: options.quick,
      filter: options.filter,
      say,
      onCase(caseName, outcome, detail, seconds) {
        print(`  ${SIGNS[outcome]} ${caseName} — ${detail.replaceAll("\n", "\n         ")} (${seconds.toFixed(1)} s)`);
      },
      onTable: (table) => print(`\n${table}\n`),
    });
    results.push(result);
  }
  const sum = add(results);
  print(`${sum.passed} of ${sum.total} passed, ${sum.failed} failed, ${sum.skipped.length} skipped`);
  if (options.json) process.stdout.write(`${JSON.stringify(sum)}\n`);
  return sum.failed === 0 ? 0 : 1;
}

function add(results: readonly SuiteResult[]): SuiteResult {
  return {
    total: results.reduce((sum, { total }) => sum + total, 0),
    passed: results.reduce((sum, { passed }) => sum + passed, 0),
    failed: results.reduce((sum, { failed }) => sum + failed, 0),
    skipped: results.flatMap(({ skipped }) => skipped),
  };
}

try {
  process.exitCode = await main(JSON.parse(process.argv[2] ?? "{}") as MainOptions);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exitCode = 2;
}
