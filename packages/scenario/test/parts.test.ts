import { describe, expect, test } from "vitest";
import { runScenario, type PartRuntime, type Scenario, type ScenarioPart } from "@seville/scenario";
import { PAIR } from "./networks.ts";

/** A part that adds a key to hosts, a timeline key and a kind of traffic, and writes down what it is asked to do. */
function diary(): { part: ScenarioPart; entries: string[] } {
  const entries: string[] = [];
  const runtime: PartRuntime = {
    build(world, phase) {
      const addresses = [...(world.hosts.get("alice")?.interfaces ?? [])].reduce(
        (sum, each) => sum + each.v4.addresses.length,
        0,
      );
      entries.push(`${phase}: alice has ${addresses} IPv4 addresses`);
    },
    actions: {
      shout(world, event) {
        entries.push(`${world.simulator.now / 1e6} ms: ${String((event as { shout?: string }).shout)}`);
        return { kind: "other", label: "shouted" };
      },
    },
    traffic: {
      hum(world, name) {
        return {
          start: () => void entries.push(`${name} starts at ${world.simulator.now / 1e6} ms`),
          stop: () => void entries.push(`${name} stops at ${world.simulator.now / 1e6} ms`),
          finish: () => ({
            delays: { series: () => ({ name, kind: "rtt", at: [], value: [], lostAt: [] }) } as never,
            delayKind: "rtt",
          }),
        };
      },
    },
  };
  const part: ScenarioPart = {
    name: "diary",
    properties: { Host: { mood: { type: "string", description: "How it feels." } } },
    choices: {
      Event: { shout: { type: "string", description: "What." } },
      Traffic: { hum: { type: "object", description: "A tune.", additionalProperties: false, properties: {} } },
    },
    load() {
      entries.push("loaded");
      return Promise.resolve(runtime);
    },
  };
  return { part, entries };
}

describe("S2: a part is loaded when a file uses one of its keys, and only then", () => {
  test("not for a file that knows nothing of it", async () => {
    const { part, entries } = diary();
    await runScenario(PAIR, { parts: [part] });
    expect(entries).toEqual([]);
  });

  test("for a key at a host; then it builds in the order of the phases", async () => {
    const { part, entries } = diary();
    const hosts = { ...PAIR.hosts, alice: { ...PAIR.hosts["alice"], mood: "good" } };
    await runScenario({ ...PAIR, hosts }, { parts: [part] });
    expect(entries).toEqual([
      "loaded",
      "interfaces: alice has 1 IPv4 addresses",
      "addresses: alice has 2 IPv4 addresses",
      "routes: alice has 2 IPv4 addresses",
    ]);
  });

  test("its events and traffic act at their times", async () => {
    const { part, entries } = diary();
    const scenario = {
      ...PAIR,
      traffic: { tune: { hum: {}, start: "1s", stop: "3s" } },
      timeline: [{ at: "2s", shout: "hello" }],
    } as unknown as Scenario;
    const result = await runScenario(scenario, { parts: [part] });
    expect(entries.slice(4)).toEqual(["tune starts at 1000 ms", "2000 ms: hello", "tune stops at 3000 ms"]);
    expect(result.events).toEqual([{ at: 2e9, kind: "other", label: "shouted" }]);
  });

  test("without the part its keys are unknown", async () => {
    const scenario = { ...PAIR, timeline: [{ at: "2s", shout: "hello" }] } as unknown as Scenario;
    await expect(runScenario(scenario)).rejects.toThrow(/unknown key shout/);
  });
});
