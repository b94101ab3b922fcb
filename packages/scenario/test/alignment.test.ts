import { readFileSync } from "node:fs";
import { parseScenario, runScenario, type AlignmentResult, type Scenario } from "@seville/scenario";
import { describe, expect, test } from "vitest";

const text = readFileSync(new URL("../scenarios/alignment.yaml", import.meta.url), "utf8");

function scenarioOf(yaml: string): Scenario {
  const { scenario, problems } = parseScenario(yaml);
  expect(problems).toEqual([]);
  if (scenario === undefined) throw new Error("not a scenario");
  return scenario;
}

async function run(yaml = text): Promise<ReadonlyMap<string, AlignmentResult>> {
  const result = await runScenario(scenarioOf(yaml));
  for (const { sent, received } of result.flows) expect(received).toBe(sent);
  return new Map((result.alignment ?? []).map((each) => [each.host, each]));
}

/** IPv4 headers have two addresses that are read as words, UDP one pair of ports. */
const WORDS = { ipv4: 2, udp: 1 };
const DATAGRAMS = 100;

describe("S45 alignment (T12): what misaligned headers cost, by processor and policy", () => {
  test("frames in GRE are misaligned on every host, and bare packets in GRE are not", async () => {
    for (const { packets, misaligned } of (await run()).values()) {
      // Two flows of 100; the frames' tunnel also carries neighbour discovery.
      expect(packets).toBeGreaterThanOrEqual(2 * DATAGRAMS);
      expect(misaligned).toBeGreaterThanOrEqual(DATAGRAMS);
      expect(packets - misaligned).toBeGreaterThanOrEqual(DATAGRAMS);
    }
  });

  test("an x86 never traps, whatever is done", async () => {
    const hosts = [...(await run()).values()].filter(({ arch }) => arch === "x86");
    expect(hosts).toHaveLength(3);
    for (const { traps, totalTraps } of hosts) expect([traps, totalTraps]).toEqual([{}, 0]);
  });

  test("leave: every word of a misaligned header traps, and nothing is copied", async () => {
    const found = (await run()).get("strict-leave");
    expect(found?.traps).toMatchObject({ ipv4: DATAGRAMS * WORDS.ipv4, udp: DATAGRAMS * WORDS.udp });
    expect(found?.bytesCopied).toBe(0);
  });

  test("shift-headers: no trap, at the cost of moving whole frames", async () => {
    const found = (await run()).get("strict-shift");
    expect(found?.totalTraps).toBe(0);
    expect(found?.bytesCopied).toBeGreaterThan(DATAGRAMS * (14 + 28 + 1000) - 1);
  });

  test("fix-gre: no trap, at the cost of copying headers", async () => {
    const found = (await run()).get("strict-fix-gre");
    expect(found?.totalTraps).toBe(0);
    expect(found?.bytesCopied).toBeLessThan(DATAGRAMS * 100);
    expect(found?.bytesCopied).toBeGreaterThan(DATAGRAMS * 28);
  });

  test("a NIC without NET_IP_ALIGN turns it round: the wire is askew, and frames in GRE lie right", async () => {
    const yaml = text.replaceAll("nic: hw-csum,", "nic: hw-csum, rxPad: 0,");
    expect(yaml).not.toBe(text);
    const found = (await run(yaml)).get("strict-leave");
    // Every outer IPv4 header traps; of the inner ones those without an Ethernet header in front.
    expect(found?.traps["ipv4"]).toBe(((found?.packets ?? 0) + DATAGRAMS) * WORDS.ipv4);
    expect(found?.traps["udp"]).toBe(DATAGRAMS * WORDS.udp);
  });

  test("a run without such hosts says nothing of it, and rxPad needs a nic", async () => {
    const plain = text.replaceAll(/ {4}alignment: .*\n/g, "");
    expect((await runScenario(scenarioOf(plain))).alignment).toBeUndefined();
    const wrong = text.replace("eth0: { addresses: [10.0.0.1/24] }", "eth0: { rxPad: 0, addresses: [10.0.0.1/24] }");
    expect(parseScenario(wrong).problems.map(({ message }) => message)).toEqual([
      "only a nic puts frames anywhere: the interface has none",
    ]);
  });
});
