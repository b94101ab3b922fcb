import { expect, test } from "vitest";
import { millis } from "@seville/core";
import { runScenario } from "../../src/index.ts";
import { loadScenario } from "../../src/node.ts";

test("B18 spraying: every way to choose, with all links alike and with one degraded, for the same TCP flows", async () => {
  const { scenario, warnings } = await loadScenario("spraying", { quick: true });
  expect(warnings).toEqual([]);
  const result = await runScenario(scenario, { until: millis(8) });
  const fabrics = result.fabrics!;
  const ways = (of: typeof fabrics): string[] =>
    of.map(({ select, resequence }) => `${select}${resequence === undefined ? "" : "+"}`);
  const whole = fabrics.filter(({ degraded }) => degraded.length === 0);
  const degraded = fabrics.filter((fabric) => fabric.degraded.length > 0);
  expect(ways(whole)).toEqual(["hash", "flowlet", "random", "random+", "round-robin", "better-of-two"]);
  expect(ways(degraded)).toEqual(ways(whole));
  expect(new Set(degraded.map((fabric) => fabric.degraded.join()))).toEqual(new Set(["a0.0-c0 rate 10mbit"]));
  const pairs = fabrics.map(({ flows }) => flows.map(({ from, to, protocol }) => `${from} ${to} ${protocol}`).join());
  expect(new Set(pairs).size).toBe(1);
  expect(fabrics.every(({ flows }) => flows.length === 16 && flows.every(({ arrived }) => arrived > 0))).toBe(true);
  expect(result.pool).toMatchObject({ before: 0, after: 0, failures: 0 });
  expect(result.warnings).toEqual([]);
}, 120_000);
