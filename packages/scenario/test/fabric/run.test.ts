import { describe, expect, test } from "vitest";
import { runScenario, type Fabric, type Scenario, type ScenarioResult, type Traffic } from "../../src/index.ts";

type Select = NonNullable<Fabric["select"]>;
const SELECTIONS: readonly Select[] = ["hash", { flowlet: { gap: "100us" } }, "random", "round-robin", "better-of-two"];

function scenarioOf(
  fabrics: Readonly<Record<string, Fabric>>,
  traffic: Readonly<Record<string, Traffic>>,
  duration = "20ms",
): Scenario {
  return { name: "fabrics", duration: duration as "20ms", hosts: {}, fabrics, traffic };
}

/** R2 for fabrics: nothing gets lost in the books, and the pool is as full as before. */
function expectBooks(result: ScenarioResult): void {
  for (const link of result.links) {
    const drops = Object.values(link.drops).reduce((sum, count) => sum + count, 0);
    expect(link.offered + link.duplicated, link.link).toBe(link.delivered + drops + link.inFlight);
  }
  for (const { flows } of result.fabrics ?? [])
    for (const { sent, arrived } of flows) expect(arrived).toBeLessThanOrEqual(sent);
  expect(result.pool.after).toBe(result.pool.before);
}

describe.each(["ipv4", "ipv6"] as const)("B8 everybody reaches everybody over %s", (family) => {
  test.each(SELECTIONS)("%j", async (select) => {
    const traffic: Record<string, Traffic> = {};
    for (const by of [1, 2, 4, 8])
      traffic[`by${by}`] = { stride: { in: "f", by, udp: "1mbit", size: 200 }, stop: "10ms" };
    const result = await runScenario(
      scenarioOf({ f: { fatTree: { k: 4 }, family, select, rate: "100mbit", delay: "5us" } }, traffic),
    );
    const fabric = result.fabrics![0]!;
    expect(fabric.flows).toHaveLength(64);
    // Some gap of a flow may be longer than it runs.
    for (const { sent, arrived } of fabric.flows) expect(arrived).toBe(sent);
    expect(fabric.flows.filter(({ sent }) => sent > 0).length).toBeGreaterThan(60);
    expect(fabric.dropped).toBe(0);
    expect(fabric).toMatchObject({ kind: "fat-tree", family, hosts: 16, switches: 20, links: 48, hostRate: 100e6 });
    expectBooks(result);
  });
});

test("B9 two fabrics with the same pattern have the same flows; another seed of the pattern has others", async () => {
  const permutation = (of: string, seed = 0): Traffic => ({ permutation: { in: of, udp: "1mbit", size: 200, seed } });
  const both: Traffic = { permutation: { in: ["a", "b"], udp: "1mbit", size: 200 } };
  const small: Fabric = { fatTree: { k: 4 } };
  const result = await runScenario(
    scenarioOf({ a: small, b: small, c: small }, { both, other: permutation("c", 9) }, "5ms"),
  );
  const [a, b, c] = result.fabrics!.map(({ flows }) => flows.map(({ from, to }) => `${from} ${to}`));
  expect(a).toEqual(b);
  expect(a).not.toEqual(c);
  expect(new Set(a!.map((pair) => pair.split(" ")[1])).size).toBe(16);
  expect(a!.every((pair) => new Set(pair.split(" ")).size === 2)).toBe(true);
});

test("B10 incast: as many senders as asked for, all to one", async () => {
  const incast: Traffic = { incast: { in: "f", senders: 7, to: 5, udp: "1mbit", size: 200 } };
  const { fabrics } = await runScenario(scenarioOf({ f: { fatTree: { k: 4 } } }, { incast }, "5ms"));
  expect(fabrics![0]!.flows.map(({ to }) => to)).toEqual(Array.from({ length: 7 }, () => "h5"));
  expect(new Set(fabrics![0]!.flows.map(({ from }) => from)).size).toBe(7);
  expect(fabrics![0]!.flows.some(({ from }) => from === "h5")).toBe(false);
});

describe("B11 TCP over parallel paths", () => {
  const paths = (select: Select, more: Partial<Fabric> = {}): Fabric =>
    ({
      paths: { count: 4 },
      access: { rate: "1gbit", delay: "0ms" },
      rate: "25mbit",
      delay: "2ms",
      queue: { fifo: { limit: "60p" } },
      select,
      ...more,
    }) as Fabric;

  test("a flow that is hashed has one path, one that is sprayed has more; nothing is delivered twice or out of order to the receiver", async () => {
    const result = await runScenario(
      scenarioOf({ hash: paths("hash"), rr: paths("round-robin") }, { one: { pairs: { in: ["hash", "rr"] } } }, "1s"),
    );
    const [hash, sprayed] = result.fabrics!;
    const [pinned, spread] = [hash!.flows[0]!, sprayed!.flows[0]!];
    expect(pinned.throughput).toBeGreaterThan(15e6);
    expect(pinned.throughput).toBeLessThan(25e6);
    expect(spread.throughput).toBeGreaterThan(35e6);
    expect(pinned.reordered).toBe(0);
    expect(hash!.reordering.ratio).toBe(0);
    expect(hash!.queue.max).toBeGreaterThan(10);
    expectBooks(result);
  });

  test("a flow of so many bytes tells when it is complete", async () => {
    const result = await runScenario(
      scenarioOf({ p: paths("random") }, { one: { pairs: { in: "p", flows: 3, bytes: 100_000 } } }, "3s"),
    );
    for (const { bytes, completion, throughput } of result.fabrics![0]!.flows) {
      expect(bytes).toBe(100_000);
      expect(completion).toBeGreaterThan(8e6);
      expect(completion).toBeLessThan(2e9);
      expect(throughput).toBeCloseTo((8e5 * 1e9) / completion!, 0);
    }
  });
});

test("B12 a degraded link is named, and hurts what is sprayed blindly more than what looks at queues", async () => {
  const fabric = (select: Select): Fabric => ({
    paths: { count: 4 },
    access: { rate: "1gbit" },
    rate: "25mbit",
    queue: { fifo: { limit: "40p" } },
    select,
    degrade: { path1: { rate: "5mbit" } },
  });
  const one: Traffic = { pairs: { in: ["blind", "seeing"], udp: "70mbit" } };
  const result = await runScenario(
    scenarioOf({ blind: fabric("random"), seeing: fabric("better-of-two") }, { one }, "500ms"),
  );
  const [blind, seeing] = result.fabrics!;
  expect(blind!.degraded).toEqual(["path1 rate 5mbit"]);
  // A quarter of 70 Mbit/s does not fit into 5.
  expect(blind!.flows[0]!.throughput).toBeLessThan(62e6);
  expect(seeing!.flows[0]!.throughput).toBeGreaterThan(66e6);
  expect(blind!.dropped).toBeGreaterThan(10 * Math.max(1, seeing!.dropped));
});

test("B13 R1: the same seed gives the same trace and the same figures; links of fabrics have no series", async () => {
  const scenario = scenarioOf(
    {
      f: { fatTree: { k: 4 }, rate: "100mbit", select: "random" },
      g: { paths: { count: 2 }, rate: "10mbit", select: "better-of-two" },
    },
    { p: { permutation: { in: ["f", "g"], udp: "20mbit" } } },
  );
  const [first, again] = [await runScenario(scenario, { seed: 4 }), await runScenario(scenario, { seed: 4 })];
  expect(again.run.traceHash).toBe(first.run.traceHash);
  expect(again.fabrics).toEqual(first.fabrics);
  expect((await runScenario(scenario, { seed: 5 })).run.traceHash).not.toBe(first.run.traceHash);
  expect(first.series.links).toEqual([]);
  expectBooks(first);
});

test("B14 the timeline reaches into fabrics, and a switch whose uplink is gone uses the other", async () => {
  const scenario: Scenario = {
    ...scenarioOf(
      { f: { fatTree: { k: 4 }, rate: "100mbit", delay: "5us", select: "hash" } },
      { p: { stride: { in: "f", udp: "5mbit" } } },
      "40ms",
    ),
    timeline: [
      { at: "10ms", down: "f.e0.0-a0.0" },
      { at: "10ms", set: { link: "f.a0.1-c2", delay: "50us" } },
    ],
  };
  const result = await runScenario(scenario);
  const uplink = (to: string) =>
    result.links.find(({ link, from }) => link === `f.e0.0-${to}` && from.startsWith("f.e0.0"))!;
  const flows = result.fabrics![0]!.flows.filter(({ from }) => from === "h0" || from === "h1");
  // Two flows of 5 Mbit/s for 40 ms are 36 frames; they leave by what is left.
  const left = flows.reduce((sum, { sent }) => sum + sent, 0);
  expect(uplink("a0.0").offered + uplink("a0.1").offered).toBeGreaterThan(left * 0.9);
  expect(uplink("a0.1").offered).toBeGreaterThan(left * 0.6);
  expectBooks(result);
});

test("B17 a receiver that resequences has TCP see fewer gaps: fewer segments are sent again", async () => {
  const fabric = {
    paths: { count: 4 },
    access: { rate: "1gbit" },
    rate: "25mbit",
    delay: "2ms",
    select: "random",
  } as const;
  const result = await runScenario(
    scenarioOf(
      { plain: fabric, ordered: { like: "plain", resequence: "5ms" } },
      { one: { pairs: { in: ["plain", "ordered"] } } },
      "1s",
    ),
  );
  const [plain, ordered] = result.fabrics!;
  expect(ordered!.resequence).toBe(5e6);
  expect(plain!.reordering.ratio).toBeGreaterThan(0.2);
  expect(ordered!.reordering.ratio).toBeGreaterThan(0.2);
  expect(ordered!.flows[0]!.retransmits!).toBeLessThan(plain!.flows[0]!.retransmits! / 2);
  expectBooks(result);
});

test("B15 routes of a file may have several next hops, and choose among them as it says", async () => {
  const scenario: Scenario = {
    name: "nexthops",
    duration: "1s",
    hosts: {
      a: {
        interfaces: { e0: { addresses: ["10.0.0.1/24"] }, e1: { addresses: ["10.0.1.1/24"] } },
        routes: [
          { to: "10.9.0.0/24", nexthops: [{ via: "10.0.0.2", weight: 3 }, { via: "10.0.1.2" }], select: "round-robin" },
        ],
      },
      b: {
        interfaces: {
          e0: { addresses: ["10.0.0.2/24"] },
          e1: { addresses: ["10.0.1.2/24"] },
          e2: { addresses: ["10.9.0.1/24"] },
        },
      },
    },
    links: { left: { between: ["a:e0", "b:e0"] }, right: { between: ["a:e1", "b:e1"] } },
    traffic: { flow: { udp: { from: "a", to: "10.9.0.1", rate: "400kbit", size: 500 } } },
    timeline: [
      { at: "300ms", down: "a:e1" },
      { at: "500ms", up: "a:e1" },
    ],
  };
  const { links } = await runScenario(scenario);
  const sent = (link: string): number => links.find((each) => each.link === link && each.from.startsWith("a"))!.offered;
  // 100 datagrams a second; 80 of them three to one, and 20 while there is one way only.
  expect(sent("right")).toBeGreaterThan(15);
  expect(sent("right")).toBeLessThan(30);
  expect(sent("left")).toBeGreaterThan(70);
});
