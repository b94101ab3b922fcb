import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { EXIT } from "@seville/cli";
import type { ScenarioResult } from "@seville/scenario";
import { seville } from "./capture-output.ts";

const directory = mkdtempSync(join(tmpdir(), "seville-fabrics-"));
afterAll(() => rmSync(directory, { recursive: true }));

const file = join(directory, "paths.yaml");
writeFileSync(
  file,
  `name: paths
hosts: {}
duration: 5s
quick: { duration: 50ms }
fabrics:
  ecmp: { paths: { count: 2 }, rate: 10mbit, select: hash }
  slow: { like: ecmp, select: random, resequence: 1ms, degrade: { path1: { rate: 1mbit } } }
traffic:
  all: { pairs: { in: [ecmp, slow], udp: 8mbit } }
`,
);

describe("X12: fabrics", () => {
  test("--quick makes the changes that the scenario names, and the report says how to run it again", async () => {
    const report = join(directory, "report.html");
    const { code, stdout } = await seville("run", file, "--quick", "--json", "--report", report);
    expect(code).toBe(EXIT.OK);
    const { scenario, run } = JSON.parse(stdout) as ScenarioResult;
    expect(run.endedAt).toBe(50e6);
    expect(scenario.overrides).toEqual(["duration=50ms"]);
    expect(readFileSync(report, "utf8")).toMatch(/seville run \S+paths\.yaml --seed 1 --quick/);
  });

  test("--quick of a scenario that does not say what that is", async () => {
    const { code, stderr } = await seville("run", "hello", "--quick");
    expect(code).toBe(EXIT.BAD_INPUT);
    expect(stderr).toMatch(/does not say what a quick run changes/);
  });

  test("the summary has a line for each, and none for each of their links", async () => {
    const { stdout } = await seville("run", file, "--quick", "--out", join(directory, "out"));
    const text = stdout.replace(/\u001b\[[0-9;]*m/g, "").replaceAll("\u202f", " ");
    expect(text).toMatch(/^ecmp +hash +– +\S+ Mbit\/s +\S+ Mbit\/s +1\.000 +0 % +0 +0 +\d+$/m);
    expect(text).toMatch(/^slow +random, resequenced +path1 rate 1mbit +/m);
    expect(text).not.toContain("ecmp.path0");
  });
});
