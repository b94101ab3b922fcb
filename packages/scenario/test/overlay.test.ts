import { parseScenario, runScenario, type Scenario, type ScenarioResult } from "@seville/scenario";
import { describe, expect, test } from "vitest";

/** Three hosts behind a router, each with an end of one VXLAN; `extra` are keys of all three. */
function overlay(
  extra: (host: number) => string,
  traffic = "ping: { ping: { from: h1, to: 10.9.0.2, count: 5, interval: 100ms }, start: 1s }",
): string {
  const host = (i: number): string => `
  h${i}:
    interfaces:
      eth0: { addresses: [10.0.${i}.2/24] }
      vx: { mac: "02:00:00:00:09:0${i}", tunnel: { kind: vxlan, id: 9, local: 10.0.${i}.2, ${extra(i)} }, mtu: 1400, addresses: [10.9.0.${i}/24] }
    routes: [{ to: default, via: 10.0.${i}.1 }]`;
  return `
name: overlay
duration: 4s
hosts:
  r: { kind: router, interfaces: { e1: { addresses: [10.0.1.1/24] }, e2: { addresses: [10.0.2.1/24] }, e3: { addresses: [10.0.3.1/24] } } }
${[1, 2, 3].map(host).join("")}
links:
  l1: { between: [h1:eth0, r:e1] }
  l2: { between: [h2:eth0, r:e2] }
  l3: { between: [h3:eth0, r:e3] }
traffic:
  ${traffic}
`;
}

const others = (i: number): number[] => [1, 2, 3].filter((j) => j !== i);
const remotes = (i: number): string =>
  `remotes: [${others(i)
    .map((j) => `10.0.${j}.2`)
    .join(", ")}]`;
const stations = (i: number): string =>
  `fdb: { ${others(i)
    .map((j) => `"02:00:00:00:09:0${j}": 10.0.${j}.2`)
    .join(", ")} }`;
const neighbours = (i: number): string =>
  `neighbours: { ${others(i)
    .map((j) => `10.9.0.${j}: "02:00:00:00:09:0${j}"`)
    .join(", ")} }`;

function scenarioOf(yaml: string): Scenario {
  const { scenario, problems } = parseScenario(yaml);
  expect(problems).toEqual([]);
  if (scenario === undefined) throw new Error("not a scenario");
  return scenario;
}

const run = async (yaml: string): Promise<ScenarioResult> => runScenario(scenarioOf(yaml));
const rx = (result: ScenarioResult, host: string): number =>
  result.interfaces.find((one) => one.host === host && one.name === "vx")?.rxPackets ?? NaN;
const tx = (result: ScenarioResult, host: string): number =>
  result.interfaces.find((one) => one.host === host && one.name === "vx")?.txPackets ?? NaN;

describe("S49 a VXLAN with several ends", () => {
  test("ingress replication and learning: what is for all goes to every end, what is for one to one", async () => {
    const result = await run(overlay(remotes));
    expect(result.pings).toMatchObject([{ transmitted: 5, received: 5 }]);
    // The bystander hears the solicitations (and IPv6's greetings), but none of five pings and answers.
    const quiet = await run(overlay(remotes, "ping: { ping: { from: h1, to: 10.9.0.2, count: 1 }, start: 1s }"));
    expect(rx(result, "h3")).toBe(rx(quiet, "h3"));
  });

  test("without learning everything is for all", async () => {
    const flooding = await run(overlay((i) => `${remotes(i)}, learning: false`));
    const learning = await run(overlay(remotes));
    expect(flooding.pings).toMatchObject([{ received: 5 }]);
    expect(rx(flooding, "h3") - rx(learning, "h3")).toBeGreaterThanOrEqual(9);
  });

  test("what was learned ages: the next frame is for all again", async () => {
    const traffic = "ping: { ping: { from: h1, to: 10.9.0.2, count: 2, interval: 1500ms }, start: 1s }";
    const short = await run(overlay((i) => `${remotes(i)}, ageing: 500ms`, traffic));
    const long = await run(overlay(remotes, traffic));
    expect(short.pings).toMatchObject([{ received: 2 }]);
    expect(rx(short, "h3")).toBeGreaterThan(rx(long, "h3"));
  });

  test("configured stations need no flooding; who is in no entry is reached by nobody", async () => {
    const result = await run(overlay((i) => `${stations(i)}, ${neighbours(i)}, suppress: proxy, learning: false`));
    expect(result.pings).toMatchObject([{ received: 5 }]);
    // Nothing at all comes to the bystander: there is no end for what is for all.
    expect(rx(result, "h3")).toBe(0);
    const alone = await run(overlay((i) => `${stations(i)}, learning: false`));
    // Solicitations are broadcast, and there is nowhere to send them.
    expect(alone.pings).toMatchObject([{ transmitted: 5, received: 0 }]);
  });

  test("ARP suppression: known neighbours are answered here; with neigh-suppress others are still asked for", async () => {
    const suppressed = await run(overlay((i) => `${remotes(i)}, ${neighbours(i)}, suppress: neigh-suppress`));
    const plain = await run(overlay(remotes));
    expect(suppressed.pings).toMatchObject([{ received: 5 }]);
    // h1's solicitation never came to h3, nor to h2.
    expect(rx(suppressed, "h3")).toBeLessThan(rx(plain, "h3"));
    expect(tx(suppressed, "h1")).toBeGreaterThan(0);
    const unknown = (i: number): string => `${remotes(i)}, neighbours: { 10.9.0.77: "02:00:00:00:09:77" }`;
    const asked = await run(overlay((i) => `${unknown(i)}, suppress: neigh-suppress`));
    expect(asked.pings).toMatchObject([{ received: 5 }]);
    const refused = await run(overlay((i) => `${unknown(i)}, suppress: proxy`));
    expect(refused.pings).toMatchObject([{ received: 0 }]);
  });

  const wrong: readonly (readonly [string, (host: number) => string, RegExp])[] = [
    ["no other end", () => "ttl: 3", /needs the other end/],
    ["one end and several", (i) => `remote: 10.0.2.2, ${remotes(i)}`, /not both/],
    ["an end of another family", () => 'remotes: ["fd00::1"]', /another family/],
    ["a station behind what is no address", () => 'fdb: { "02:00:00:00:00:01": 10.0.0.1000 }', /is not an IP address/],
    [
      "a neighbour without an address",
      (i) => `${remotes(i)}, neighbours: { abcd: "02:00:00:00:00:01" }`,
      /not an IP address/,
    ],
    ["suppression for nobody", (i) => `${remotes(i)}, suppress: proxy`, /nobody to answer for/],
    ["learning with one end", () => "remote: 10.0.2.2, learning: false", /knows no learning/],
  ];
  test.each(wrong)("%s is refused", (_name, extra, message) => {
    const problems = parseScenario(overlay(extra)).problems.map((problem) => problem.message);
    expect(problems.join("\n")).toMatch(message);
  });

  test("keys of a VXLAN on another kind are refused", () => {
    const yaml = overlay(remotes).replaceAll("kind: vxlan", "kind: geneve");
    expect(parseScenario(yaml).problems.map(({ message }) => message)).toContain("geneve knows no remotes");
  });
});
