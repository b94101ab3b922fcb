import { readdirSync, readFileSync } from "node:fs";
import { runInNewContext } from "node:vm";
import { transform } from "esbuild";
import { expect, test } from "vitest";
import * as packet from "@seville/packet";
import * as tunnels from "@seville/tunnel-encap";

const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");

test("the README's example prints what its comments say", async () => {
  const example = /```ts\n([\s\S]*?)```/.exec(readme)![1]!;
  const said = [...example.matchAll(/console\.log\(.*\); \/\/ (.*)$/gm)].map(
    ([, claim]) => JSON.parse(claim!) as unknown,
  );
  const body = example.replace(/^import .*$/gm, "");
  const { code } = await transform(body, { loader: "ts" });
  const printed: unknown[] = [];
  const console = { log: (value: unknown) => printed.push(value) };
  runInNewContext(code, { ...packet, ...tunnels, console });
  expect(said.length).toBe(4);
  expect(printed).toEqual(said);
});

test("every promise of behaviours.md stands in the name of a test", () => {
  const promises = readFileSync(new URL("../docs/behaviours.md", import.meta.url), "utf8");
  const numbers = [...promises.matchAll(/^- \*\*([A-Z]\d+)\*\*/gm)].map(([, number]) => number!);
  const files = readdirSync(new URL(".", import.meta.url)).filter((name) => name.endsWith(".test.ts"));
  const tests = files.map((name) => readFileSync(new URL(name, import.meta.url), "utf8")).join("\n");
  expect(numbers.length).toBe(28);
  expect(numbers.filter((number) => !new RegExp(`["\`]${number}[ -]`).test(tests))).toEqual([]);
});
