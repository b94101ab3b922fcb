import { readFile } from "node:fs/promises";
import { formatProblems, parseScenario, type Scenario, type ScenarioProblem } from "@seville/scenario";
import { findScenario } from "@seville/scenario/node";
import { EXIT } from "../exit-codes.ts";
import { painter } from "../output/paint.ts";

/** Checks each file and prints what is wrong with it. */
export async function validateFiles(files: readonly string[], asJson: boolean): Promise<number> {
  const verdicts: { file: string; valid: boolean; problems: readonly ScenarioProblem[] }[] = [];
  for (const name of files) {
    const file = await findScenario(name);
    const source = await readFile(file, "utf8");
    const { scenario, problems } = parseScenario(source);
    verdicts.push({ file, valid: scenario !== undefined, problems });
    if (asJson) continue;
    if (problems.length > 0)
      process.stderr.write(`${formatProblems(problems, { file, source, paint: painter(process.stderr) })}\n\n`);
    const errors = problems.filter(({ severity }) => severity === "error").length;
    process.stdout.write(
      scenario === undefined ? `${file}: ${count(errors, "error")}\n` : `${file}: valid (${contents(scenario)})\n`,
    );
  }
  if (asJson) process.stdout.write(`${JSON.stringify(verdicts)}\n`);
  return verdicts.every(({ valid }) => valid) ? EXIT.OK : EXIT.BAD_INPUT;
}

function contents(scenario: Scenario): string {
  return [
    count(Object.keys(scenario.hosts).length, "host"),
    count(Object.keys(scenario.links ?? {}).length, "link"),
    count(scenario.timeline?.length ?? 0, "event"),
  ].join(", ");
}

function count(number: number, word: string): string {
  return `${number} ${word}${number === 1 ? "" : "s"}`;
}
