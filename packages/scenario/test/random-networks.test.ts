import fc from "fast-check";
import { expect, test } from "vitest";
import {
  parseScenario,
  runScenario,
  validateScenario,
  type Event,
  type Host,
  type Link,
  type LinkParameters,
  type Scenario,
  type Traffic,
} from "@seville/scenario";
import { expectBooksToBalance } from "./books.ts";

const PERCENT = fc.constantFrom("0%", "1%", "10%", "50%", "100%");
const DURATION = fc.constantFrom("0ms", "100us", "3ms", "40ms");

/** Anything that the schema lets a direction be. */
const PARAMETERS: fc.Arbitrary<LinkParameters> = fc.record(
  {
    rate: fc.constantFrom("64kbit", "1mbit", "20mbit", "1gbit"),
    delay: DURATION,
    jitter: fc.oneof(
      DURATION,
      fc.record({
        deviation: DURATION,
        distribution: fc.constantFrom("uniform", "normal", "pareto"),
        correlation: PERCENT,
        overtake: fc.boolean(),
      }),
    ),
    loss: fc.oneof(
      PERCENT,
      fc.record({ gemodel: fc.record({ p: fc.constantFrom("1%", "20%"), r: fc.constantFrom("20%", "80%") }) }),
      fc.record({ random: fc.record({ probability: PERCENT, correlation: fc.constantFrom("0%", "25%") }) }),
    ),
    duplicate: fc.constantFrom("0%", "5%"),
    reorder: fc.oneof(PERCENT, fc.record({ probability: PERCENT, gap: fc.integer({ min: 1, max: 5 }) })),
    corrupt: fc.oneof(
      fc.constantFrom("0%", "5%"),
      fc.record({ probability: fc.constantFrom("5%"), afterFcs: fc.boolean() }),
    ),
    queue: fc.oneof(
      fc.constantFrom("fifo", "codel", "fq_codel"),
      fc.record({ fifo: fc.record({ limit: fc.constantFrom("1p", "20p", "3000b", "64kb") }) }),
      fc.record({ fq_codel: fc.record({ limit: fc.integer({ min: 1, max: 50 }), ecn: fc.boolean() }) }),
      fc.record({ red: fc.constant({ limit: "60kb", min: "5kb", max: "15kb" }) }),
      fc.record({ tbf: fc.constant({ rate: "500kbit", burst: "3kb", limit: "30kb" }) }),
    ),
    policer: fc.oneof(fc.constant("none"), fc.constant({ rate: "300kbit", burst: "4kb" })),
    framing: fc.constantFrom("ethernet", "none"),
  },
  { requiredKeys: [] },
);

/** A host, some routers in a row, a host; IPv4 and IPv6; everything else by chance. */
const SCENARIO: fc.Arbitrary<Scenario> = fc
  .record({
    routers: fc.integer({ min: 0, max: 3 }),
    parameters: fc.array(fc.tuple(PARAMETERS, PARAMETERS), { minLength: 4, maxLength: 4 }),
    changes: fc.array(fc.tuple(fc.integer({ min: 0, max: 3000 }), fc.nat(3), PARAMETERS, fc.nat(6)), { maxLength: 6 }),
    rate: fc.constantFrom("200kbit", "3mbit"),
    size: fc.integer({ min: 20, max: 4000 }),
    seed: fc.nat(),
    exact: fc.boolean(),
  })
  .map(({ routers, parameters, changes, rate, size, seed, exact }) => {
    const { hosts, links } = row(routers, parameters);
    const traffic: Record<string, Traffic> = {
      ping: { ping: { from: "a", to: "z", interval: "50ms" }, start: "100ms" },
      ping6: { ping: { from: "z", to: "a", family: "ipv6", interval: "70ms", size: 1500 }, start: "2s" },
      flow: {
        udp: { from: "a", to: "z", rate, size },
        start: "500ms",
      },
      echo: { udpEcho: { from: "z", to: "a", interval: "90ms" }, start: "700ms" },
    };
    const names = Object.keys(links);
    const timeline = changes.map(([ms, which, parameter, kind]) =>
      eventOf(ms, names[which % names.length] ?? "", links, parameter, kind),
    );
    return {
      name: "random",
      duration: "3s",
      seed,
      defaults: exact ? "linux-exact" : "safe",
      hosts,
      links,
      traffic,
      timeline,
    };
  });

function row(
  routers: number,
  parameters: readonly (readonly [LinkParameters, LinkParameters])[],
): { hosts: Record<string, Host>; links: Record<string, Link> } {
  const names = ["a", ...Array.from({ length: routers }, (_, i) => `r${i}`), "z"];
  const hosts: Record<string, Host> = {};
  const links: Record<string, Link> = {};
  for (const [i, name] of names.entries()) {
    const [left, right] = [i > 0, i < names.length - 1];
    hosts[name] = {
      kind: left && right ? "router" : "host",
      interfaces: {
        ...(left ? { left: { addresses: [`10.0.${i - 1}.2/24`, `2001:db8:${i - 1}::2/64`] } } : {}),
        ...(right ? { right: { addresses: [`10.0.${i}.1/24`, `2001:db8:${i}::1/64`] } } : {}),
      },
      routes: [
        ...names.slice(i + 2).flatMap((_, k) => [
          { to: `10.0.${i + 1 + k}.0/24`, via: `10.0.${i}.2` },
          { to: `2001:db8:${i + 1 + k}::/64`, via: `2001:db8:${i}::2` },
        ]),
        ...Array.from({ length: Math.max(0, i - 1) }, (_, k) => [
          { to: `10.0.${k}.0/24`, via: `10.0.${i - 1}.1` },
          { to: `2001:db8:${k}::/64`, via: `2001:db8:${i - 1}::1` },
        ]).flat(),
      ],
    };
    if (!right) continue;
    const ends = [`${name}:right`, `${names[i + 1] ?? ""}:left`] as const;
    const [both = {}, back = {}] = parameters[i] ?? [];
    links[`l${i}`] = { between: ends, ...both, from: { [ends[1]]: back } };
  }
  return { hosts, links };
}

function eventOf(
  ms: number,
  link: string,
  links: Record<string, Link>,
  parameters: LinkParameters,
  kind: number,
): Event {
  const at = `${ms}ms` as const;
  const [first = ""] = links[link]?.between ?? [];
  switch (kind) {
    case 0:
      return { at, down: link };
    case 1:
      return { at, up: link };
    case 2:
      return { at, down: first };
    case 3:
      return { at, up: first };
    case 4:
      return { at, partition: [["a"]] };
    case 5:
      return { at, heal: "all" };
    default:
      return { at, set: { link, ...parameters, delay: parameters.delay ?? "1ms" } };
  }
}

test("R1, R2, R3: in any network the books balance, packets come back, and a second run is the same", async () => {
  await fc.assert(
    fc.asyncProperty(SCENARIO, async (scenario) => {
      expect(validateScenario(scenario).problems.filter(({ severity }) => severity === "error")).toEqual([]);
      const result = await runScenario(scenario);
      expectBooksToBalance(result);
      expect((await runScenario(scenario)).run).toEqual(result.run);
    }),
    { numRuns: 15 },
  );
}, 120_000);

test("V5: a scenario written as YAML (which JSON is) is the same scenario", () => {
  fc.assert(
    fc.property(SCENARIO, (scenario) => {
      expect(parseScenario(JSON.stringify(scenario, null, 2)).scenario).toEqual(JSON.parse(JSON.stringify(scenario)));
    }),
    { numRuns: 20 },
  );
});
