import { readFileSync } from "node:fs";
import { runScenario, type EmbeddedSwitchResult, type OffloadResult } from "@seville/scenario";
import { loadScenario } from "@seville/scenario/node";
import { expect, test } from "vitest";

const page = readFileSync(new URL("../docs/offloads.md", import.meta.url), "utf8");
const [packet, nic] = [...page.matchAll(/```json\n([\s\S]*?)```/g)].map(([, text = ""]) => JSON.parse(text) as unknown);

test("S46 docs/offloads.md shows a packet of the matrix as it is", async () => {
  const shown = packet as OffloadResult;
  const { offloads = [] } = await runScenario((await loadScenario("offload-matrix")).scenario);
  const found = offloads.find((o) => o.name === shown.name && o.via === shown.via && o.inner === shown.inner);
  expect(found).toEqual(shown);
  // What `--json` prints is nothing but data.
  expect(JSON.parse(JSON.stringify(found))).toEqual(found);
});

test("S48 and a port of a switch in a NIC", async () => {
  const shown = nic as EmbeddedSwitchResult;
  const { embeddedSwitches = [] } = await runScenario((await loadScenario("embedded-switch")).scenario);
  const { ports = [], ...rest } = embeddedSwitches[0] ?? {};
  expect({ ...rest, ports: ports.slice(0, 1) }).toEqual(shown);
});
