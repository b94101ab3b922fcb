import { readFileSync } from "node:fs";
import type { Reporter, TestModule } from "vitest/node";

/**
 * The closing line with the counts, and every skip with its reason. In CI a skip that is not listed in
 * `allowed-skips.txt` (one regular expression a line, over the test's full name) fails the run.
 */
export default class CountReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    let passed = 0;
    let failed = 0;
    const skipped: string[] = [];
    for (const module of modules) {
      if (module.state() === "failed" && module.errors().length > 0) failed++;
      for (const test of module.children.allTests()) {
        const result = test.result();
        if (result.state === "passed") passed++;
        else if (result.state === "failed") failed++;
        else skipped.push(`${test.fullName}${noteOf(result)}`);
      }
    }
    for (const name of skipped) console.log(`skipped: ${name}`);
    const unexpected = process.env.CI === undefined ? [] : skipped.filter((name) => !isAllowed(name));
    for (const name of unexpected) console.log(`not on the list of skips allowed in CI: ${name}`);
    if (unexpected.length > 0) process.exitCode = 1;
    console.log(`Tests: ${passed} passed, ${failed + unexpected.length} failed, ${skipped.length} skipped`);
  }
}

/** The reason given to `context.skip(reason)`. */
function noteOf(result: object): string {
  return "note" in result && typeof result.note === "string" ? ` — ${result.note}` : "";
}

function isAllowed(name: string): boolean {
  const list = readFileSync(new URL("allowed-skips.txt", import.meta.url), "utf8");
  const patterns = list.split("\n").filter((line) => line.trim() !== "" && !line.startsWith("#"));
  return patterns.some((pattern) => new RegExp(pattern).test(name));
}
