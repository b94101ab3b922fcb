import { composeSchema, PARTS } from "@seville/scenario";

export function printSchema(): void {
  process.stdout.write(`${JSON.stringify(composeSchema(PARTS), null, 2)}\n`);
}
