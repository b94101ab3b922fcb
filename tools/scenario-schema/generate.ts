import { writeFileSync } from "node:fs";
import { format, resolveConfig } from "prettier";
import { PARTS } from "../../packages/scenario/src/parts/index.ts";
import { composeSchema } from "../../packages/scenario/src/schema/compose.ts";
import { renderReference } from "./reference.ts";
import { renderTypes } from "./types.ts";

/** What is made from the schema: path from the root of `packages/scenario`, and contents. */
export async function schemaFiles(): Promise<readonly (readonly [path: string, contents: string])[]> {
  const document = composeSchema(PARTS);
  return Promise.all(
    [
      ["schema/scenario.schema.json", JSON.stringify(document)] as const,
      ["src/types.ts", renderTypes(document)] as const,
      ["docs/reference.md", renderReference(document)] as const,
    ].map(async ([path, contents]) => {
      const filepath = new URL(path, PACKAGE).pathname;
      return [path, await format(contents, { ...(await resolveConfig(filepath)), filepath })] as const;
    }),
  );
}

const PACKAGE = new URL("../../packages/scenario/", import.meta.url);

if (process.argv[1] === import.meta.filename) {
  for (const [path, contents] of await schemaFiles()) writeFileSync(new URL(path, PACKAGE), contents);
}
