import { shippedScenarios } from "@seville/scenario/node";
import { colours } from "../output/colours.ts";
import { wrap } from "../output/wrap.ts";

export async function listScenarios(asJson: boolean): Promise<void> {
  const scenarios = await shippedScenarios();
  if (asJson) {
    process.stdout.write(`${JSON.stringify(scenarios)}\n`);
    return;
  }
  const width = Math.max(...scenarios.map(({ name }) => name.length));
  for (const { name, description } of scenarios) {
    const [first = "", ...rest] = wrap(description, Math.max(40, (process.stdout.columns || 100) - width - 4));
    process.stdout.write(`${colours.bold(name.padEnd(width))}  ${first}\n`);
    for (const line of rest) process.stdout.write(`${" ".repeat(width)}  ${line}\n`);
  }
}
