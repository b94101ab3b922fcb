import { parseInterfaceAddress } from "@seville/packet";
import { describe, expect, test } from "vitest";
import { validateScenario, type Fabric, type Scenario } from "../../src/index.ts";
import { expandScenario } from "../../src/check/validate.ts";
import { fabricOf, planOf } from "../../src/fabric/expand.ts";
import { fatTree } from "../../src/fabric/fat-tree.ts";

function scenarioOf(fabrics: Readonly<Record<string, Fabric>>, more: Partial<Scenario> = {}): Scenario {
  return { name: "fabric", hosts: {}, fabrics, ...more };
}

const problemsOf = (scenario: unknown): string[] =>
  validateScenario(scenario).problems.map(({ path, message }) => `${path.join(".")}: ${message}`);

describe("B1 a fat-tree (Al-Fares et al., SIGCOMM 2008)", () => {
  test.each([2, 4, 6, 8, 16])("k = %d has k³/4 hosts, 5k²/4 switches and k³/2 links between them", (k) => {
    const { hosts, switches, links } = fatTree(k);
    expect(hosts).toHaveLength(k ** 3 / 4);
    expect(switches).toHaveLength((5 * k ** 2) / 4);
    expect(links).toHaveLength(k ** 3 / 2);
    expect(switches.map(({ tier }) => tier).filter((tier) => tier === 2)).toHaveLength((k / 2) ** 2);
    expect(new Set([...hosts, ...switches].map(({ name }) => name)).size).toBe(hosts.length + switches.length);
    const degrees = new Map<string, number>();
    for (const { ends } of links) for (const { node } of ends) degrees.set(node, (degrees.get(node) ?? 0) + 1);
    for (const host of hosts) degrees.set(host.switch, (degrees.get(host.switch) ?? 0) + 1);
    for (const { name } of switches) expect(degrees.get(name), name).toBe(k);
    const ports = links.flatMap(({ ends }) => ends.map(({ node, port }) => `${node}:${port}`));
    expect(new Set(ports).size).toBe(ports.length);
  });

  test.each([4, 6])("k = %d: (k/2)² shortest paths between pods, k/2 inside one, one below an edge switch", (k) => {
    const { hosts, links } = fatTree(k);
    const beside = new Map<string, string[]>();
    const join = (a: string, b: string): void => {
      beside.set(a, [...(beside.get(a) ?? []), b]);
    };
    for (const { ends } of links) {
      join(ends[0].node, ends[1].node);
      join(ends[1].node, ends[0].node);
    }
    const first = hosts[0]!;
    for (const host of hosts.slice(1)) {
      const { length, paths } = shortestPaths(beside, first.switch, host.switch);
      const samePod = host.switch.split(".")[0] === first.switch.split(".")[0];
      const sameEdge = host.switch === first.switch;
      expect([length, paths]).toEqual(sameEdge ? [0, 1] : samePod ? [2, k / 2] : [4, (k / 2) ** 2]);
    }
  });
});

/** How long the shortest paths are, and how many: counted from level to level. */
function shortestPaths(beside: ReadonlyMap<string, readonly string[]>, from: string, to: string) {
  let level = new Map([[from, 1]]);
  const seen = new Set([from]);
  for (let length = 0; level.size > 0; length++) {
    if (level.has(to)) return { length, paths: level.get(to) };
    const next = new Map<string, number>();
    for (const [node, ways] of level) {
      for (const other of beside.get(node) ?? []) if (!seen.has(other)) next.set(other, (next.get(other) ?? 0) + ways);
    }
    for (const node of next.keys()) seen.add(node);
    level = next;
  }
  return { length: -1, paths: 0 };
}

describe("B2 a fabric stands for hosts and links as one would write them", () => {
  test.each(["ipv4", "ipv6"] as const)(
    "%s: every k gives a scenario without a mistake, and no address twice",
    (family) => {
      const fabrics = Object.fromEntries(
        [2, 4, 6, 8].map((k): [string, Fabric] => [`k${k}`, { fatTree: { k }, family }]),
      );
      const scenario = scenarioOf({ ...fabrics, wide: { paths: { count: 64, hosts: 64 }, family } });
      expect(problemsOf(scenario)).toEqual([]);
      const whole = expandScenario(scenario);
      const addresses = Object.values(whole.hosts)
        .flatMap(({ interfaces = {} }) => Object.values(interfaces))
        .flatMap(({ addresses: own = [] }) => own);
      expect(new Set(addresses).size).toBe(addresses.length);
      expect(
        addresses.every((text) => (typeof parseInterfaceAddress(text).address === "number") === (family === "ipv4")),
      ).toBe(true);
      expect(problemsOf({ ...whole, fabrics: {} })).toEqual([]);
    },
  );

  test("settings go to its links, differences to those that are named, and hosts keep a queue of their own", () => {
    const whole = expandScenario(
      scenarioOf({
        f: {
          fatTree: { k: 4 },
          rate: "100mbit",
          delay: "10us",
          queue: { fifo: { limit: "50p" } },
          access: { delay: "1us" },
          degrade: { "a0.0-c0": { rate: "10mbit" }, "e0.0-h0": { loss: "1%" } },
          select: { flowlet: { gap: "1ms" } },
          hostSysctls: { "net.ipv4.ip_default_ttl": 32 },
        },
      }),
    );
    const links = whole.links!;
    expect(links["f.a0.0-c1"]).toMatchObject({ rate: "100mbit", delay: "10us", queue: { fifo: { limit: "50p" } } });
    expect(links["f.a0.0-c0"]).toMatchObject({ rate: "10mbit", delay: "10us" });
    expect(links["f.e0.0-h0"]).toMatchObject({ loss: "1%", delay: "1us" });
    expect(links["f.e0.0-h0"]!.from).toEqual({ "f.h0:eth0": { queue: { fifo: { limit: "1000p" } } } });
    expect(whole.hosts["f.h3"]!.sysctls).toMatchObject({ "net.ipv4.ip_default_ttl": 32 });
    expect(whole.hosts["f.e0.0"]).toMatchObject({
      kind: "router",
      sysctls: { "net.ipv4.fib_multipath_hash_policy": 1 },
    });
    const up = whole.hosts["f.e0.0"]!.routes!.at(-1)!;
    expect(up.select).toEqual({ flowlet: { gap: "1ms" } });
    expect(up.nexthops).toHaveLength(2);
    expect(whole.hosts["f.c0"]!.routes).toHaveLength(4);
    expect(Object.keys(whole.hosts)).toHaveLength(36);
    expect(fabricOf(whole, "f.h3")).toBe("f");
    expect(fabricOf(whole, "alice")).toBeUndefined();
  });

  test("a fabric that is like another differs by what it says itself", () => {
    const { hosts, links, fabrics } = expandScenario(
      scenarioOf({
        f: { fatTree: { k: 2 }, rate: "10mbit", select: "random", resequence: "1ms" },
        g: { like: "f", select: "hash", delay: "1ms" },
      }),
    );
    expect(links!["g.a0.0-c0"]).toMatchObject({ rate: "10mbit", delay: "1ms" });
    expect(hosts["f.e0.0"]!.routes!.at(-1)!.select).toBe("random");
    expect(hosts["g.e0.0"]!.routes!.at(-1)!.select).toBe("hash");
    expect(hosts["g.h0"]!.interfaces!["eth0"]!.resequence).toBe("1ms");
    expect(fabrics!["g"]).toMatchObject({ fatTree: { k: 2 }, select: "hash" });
  });

  test("what is written down beside it stays, and the scenario that was given is not touched", () => {
    const scenario = scenarioOf(
      { f: { paths: { count: 2 } } },
      { hosts: { alice: {} }, links: {}, timeline: [{ at: "1s", down: "f.path0" }] },
    );
    const before = JSON.stringify(scenario);
    expect(problemsOf(scenario)).toEqual([]);
    expect(Object.keys(expandScenario(scenario).hosts)).toEqual(["alice", "f.h0", "f.h1", "f.s0", "f.s1"]);
    expect(JSON.stringify(scenario)).toBe(before);
    expect(planOf({ paths: { count: 3, hosts: 2 } }).links.map(({ name }) => name)).toEqual([
      "path0",
      "path1",
      "path2",
    ]);
  });
});

describe("B3 mistakes in fabrics and patterns have their place", () => {
  const cases: readonly (readonly [name: string, scenario: unknown, problem: RegExp])[] = [
    ["no host at all", { name: "a", hosts: {} }, /^hosts: a scenario needs a host/],
    ["an odd k", scenarioOf({ f: { fatTree: { k: 5 } } }), /^fabrics\.f\.fatTree\.k: .*even/],
    ["a name with a dot", scenarioOf({ "f.g": { fatTree: { k: 4 } } }), /^fabrics\.f\.g: .*dot/],
    [
      "a name of the fabric",
      scenarioOf({ f: { fatTree: { k: 4 } } }, { hosts: { "f.h0": {} } }),
      /f\.h0 bears a name of this fabric/,
    ],
    [
      "a link that is not there",
      scenarioOf({ f: { fatTree: { k: 4 }, degrade: { "a0.0-c9": { rate: "1mbit" } } } }),
      /there is no link a0\.0-c9/,
    ],
    ["two shapes", scenarioOf({ f: { fatTree: { k: 4 }, paths: { count: 1 } } as unknown as Fabric }), /./],
    ["a selection that is none", scenarioOf({ f: { fatTree: { k: 4 }, select: "dice" as "hash" } }), /select/],
    ["a model that is not there", scenarioOf({ f: { like: "g" } }), /^fabrics\.f\.like: there is no fabric g/],
    [
      "a model that has one itself",
      scenarioOf({ f: { fatTree: { k: 2 } }, g: { like: "f" }, h: { like: "g" } }),
      /^fabrics\.h\.like: g is like another one itself/,
    ],
    [
      "an unknown fabric",
      scenarioOf({ f: { fatTree: { k: 4 } } }, { traffic: { p: { permutation: { in: "g" } } } }),
      /traffic\.p\.permutation\.in: there is no fabric g/,
    ],
    [
      "a stride onto oneself",
      scenarioOf({ f: { fatTree: { k: 4 } } }, { traffic: { p: { stride: { in: "f", by: 16 } } } }),
      /send to itself/,
    ],
    [
      "too many senders",
      scenarioOf({ f: { fatTree: { k: 4 } } }, { traffic: { p: { incast: { in: "f", senders: 16 } } } }),
      /has 15 hosts beside/,
    ],
    [
      "a host that is not there",
      scenarioOf({ f: { fatTree: { k: 4 } } }, { traffic: { p: { pairs: { in: "f", to: 16 } } } }),
      /hosts from 0 to 15/,
    ],
    [
      "one host for both ends",
      scenarioOf({ f: { fatTree: { k: 4 } } }, { traffic: { p: { pairs: { in: ["f"], from: 3, to: 3 } } } }),
      /same host/,
    ],
    [
      "bytes of UDP",
      scenarioOf({ f: { fatTree: { k: 4 } } }, { traffic: { p: { stride: { in: "f", udp: "1mbit", bytes: 5 } } } }),
      /bytes is for TCP/,
    ],
    [
      "a rate of nothing",
      scenarioOf({ f: { fatTree: { k: 4 } } }, { traffic: { p: { stride: { in: "f", udp: "0mbit" } } } }),
      /sends nothing/,
    ],
  ];
  test.each(cases)("%s", (_, scenario, problem) => {
    const problems = problemsOf(scenario);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(problem);
  });

  const host = (route: unknown) => ({
    name: "a",
    hosts: { r: { kind: "router", interfaces: { e0: { addresses: ["10.0.0.1/24"] } }, routes: [route] } },
    links: {},
  });
  test.each([
    [
      "select without nexthops",
      { to: "10.1.0.0/16", via: "10.0.0.2", select: "random" },
      /select: chooses among nexthops/,
    ],
    ["via beside nexthops", { to: "10.1.0.0/16", via: "10.0.0.2", nexthops: [{ via: "10.0.0.3" }] }, /in place of via/],
    [
      "a next hop that is not on-link",
      { to: "10.1.0.0/16", nexthops: [{ via: "10.0.0.2" }, { via: "10.7.0.3" }] },
      /nexthops\.1\.via: 10\.7\.0\.3 is not on-link/,
    ],
    [
      "a next hop that says nothing",
      { to: "10.1.0.0/16", nexthops: [{}] },
      /nexthops\.0: a route needs via, dev, or both/,
    ],
  ] as const)("routes: %s", (_, route, problem) => {
    const problems = problemsOf(host(route)).filter((each) => !each.includes("on no link"));
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(problem);
  });
});
