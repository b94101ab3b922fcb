import { readFileSync } from "node:fs";
import { runInNewContext } from "node:vm";
import { transform } from "esbuild";
import { expect, test } from "vitest";
import * as packet from "@seville/packet";
import * as tso from "@seville/tso";

test("the README's example gives what its comments say", async () => {
  const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
  const example = /```ts\n([\s\S]*?)```/.exec(readme)![1]!;
  const claims: [string, unknown][] = [];
  const body = example
    .split("\n")
    .filter((line) => !line.startsWith("import"))
    .map((line) => {
      const [, expression, claim] = /^(\S.*); \/\/ (.*)$/.exec(line) ?? [];
      return expression === undefined ? line : `claim(${JSON.stringify(claim)}, ${expression});`;
    })
    .join("\n");
  const { code } = await transform(body, { loader: "ts" });
  const names = { ...packet, ...tso, claim: (said: string, got: unknown) => claims.push([said, got]) };
  runInNewContext(code, { ...names, Uint8Array });
  expect(claims).toHaveLength(3);
  for (const [said, got] of claims) expect(JSON.stringify(got)).toBe(said);
});
