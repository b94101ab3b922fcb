import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { ScenarioError } from "@seville/scenario";
import { findScenario, loadScenario, shippedScenarios } from "@seville/scenario/node";

const directory = mkdtempSync(join(tmpdir(), "seville-load-"));
afterAll(() => rmSync(directory, { recursive: true }));

function file(name: string, text: string): string {
  const path = join(directory, name);
  writeFileSync(path, text);
  return path;
}

describe("N1: scenario files on disk", () => {
  test("by the name of one that ships, or by path", async () => {
    expect((await loadScenario("hello")).scenario.name).toBe("hello");
    const path = file("mine.yaml", "name: mine\nhosts: { a: {} }\n");
    expect(await loadScenario(path)).toMatchObject({
      name: path,
      file: path,
      scenario: { name: "mine" },
      warnings: [],
    });
  });

  test("JSON is YAML", async () => {
    const path = file("mine.json", JSON.stringify({ name: "json", hosts: { a: {} } }));
    expect((await loadScenario(path)).scenario.name).toBe("json");
  });

  test("changes are made before it is checked", async () => {
    const { scenario } = await loadScenario("hello", { overrides: ["links.wan.loss=5%", "seed=9"] });
    expect(scenario.links?.["wan"]?.loss).toBe("5%");
    expect(scenario.seed).toBe(9);
    await expect(loadScenario("hello", { overrides: ["links.wan.loss=5"] })).rejects.toThrow(ScenarioError);
  });

  test("a mistake names the file", async () => {
    const path = file("bad.yaml", "name: bad\nhosts: { a: { kind: x } }\n");
    await expect(loadScenario(path)).rejects.toThrow(`${path}:2:21: error: must be one of host, router`);
  });

  test("warnings come with it", async () => {
    const path = file("odd.yaml", "name: odd\nhosts: { a: { interfaces: { eth0: {} } } }\n");
    expect((await loadScenario(path)).warnings.map(({ message }) => message)).toEqual(["a:eth0 is on no link"]);
  });

  test("an unknown name is told with what there is", async () => {
    await expect(findScenario("bad-netwrok")).rejects.toMatchObject({
      code: "ERR_SCENARIO_UNKNOWN",
      message: /did you mean bad-network\?/,
    });
    await expect(findScenario("xyzzy")).rejects.toThrow(/known: .*bad-network, .*hello/);
  });

  test("B16 a quick run makes the changes that the scenario names, and those that are asked for after them", async () => {
    const path = file("q.yaml", "name: q\nhosts: { a: {} }\nduration: 9s\nquick: { duration: 1s, seed: 7 }\n");
    const { scenario, overrides } = await loadScenario(path, { quick: true, overrides: ["seed=8"] });
    expect(scenario).toMatchObject({ duration: "1s", seed: 8 });
    expect(overrides).toEqual(["duration=1s", "seed=7", "seed=8"]);
    expect((await loadScenario(path)).scenario.duration).toBe("9s");
    await expect(loadScenario("hello", { quick: true })).rejects.toThrow(/does not say what a quick run changes/);
  });

  test("what ships has a description for a list", async () => {
    for (const { name, description } of await shippedScenarios()) expect(description, name).toMatch(/\.$/);
  });
});
