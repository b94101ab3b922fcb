import { readFileSync } from "node:fs";
import { runInNewContext } from "node:vm";
import { transform } from "esbuild";
import { expect, test } from "vitest";
import * as core from "@seville/core";
import * as checksum from "@seville/checksum";

test("the README's example gives what its comments say", async () => {
  const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
  const example = /```ts\n([\s\S]*?)```/.exec(readme)![1]!;
  const statements = example.split("\n").filter((line) => line !== "" && !line.startsWith("import"));
  const claims: [string, unknown][] = [];
  const body = statements
    .map((line) => {
      const [, expression, claim] = /^(\S.*); \/\/ ("\w+"|true)$/.exec(line) ?? [];
      return expression === undefined ? line : `claim(${JSON.stringify(claim)}, ${expression});`;
    })
    .join("\n");
  const { code } = await transform(body, { loader: "ts" });
  const names = { ...core, ...checksum, claim: (said: string, got: unknown) => claims.push([said, got]) };
  runInNewContext(code, { ...names, Uint8Array, TextEncoder });
  expect(claims).toHaveLength(3);
  for (const [said, got] of claims) expect(JSON.stringify(got)).toBe(said);
});
