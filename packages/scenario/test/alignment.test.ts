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

const DATAGRAMS = 100;

describe("S45 alignment (T12): what misaligned headers cost, by processor and policy", () => {
  test("frames in GRE are misaligned on every host with a pad, and bare packets in GRE are not", async () => {
    for (const { packets, misaligned, flows } of (await run()).values()) {
      // Two flows of 100; the frames' tunnel also carries neighbour discovery.
      expect(packets).toBeGreaterThanOrEqual(2 * DATAGRAMS);
      expect(misaligned).toBeGreaterThanOrEqual(DATAGRAMS);
      expect(packets - misaligned).toBeGreaterThanOrEqual(DATAGRAMS);
      expect(flows).toBeGreaterThanOrEqual(2);
    }
  });

  test("an x86 never traps, whatever is done", async () => {
    const hosts = [...(await run()).values()].filter(({ arch }) => arch === "x86");
    expect(hosts).toHaveLength(3);
    for (const { traps, totalTraps } of hosts) expect([traps, totalTraps]).toEqual([{}, 0]);
  });

  test("leave: dissector, stack and GRO trap on the words that they read themselves, and nothing is copied", async () => {
    const found = (await run()).get("strict-leave")!;
    // Of each IPv4 datagram the dissector reads two addresses.
    expect(found.callers["dissector"]).toBeGreaterThanOrEqual(DATAGRAMS * 2);
    // The stack: five words for the header's checksum, three for the route, four for UDP, five of the flow's own in the payload.
    expect(found.callers["stack"]).toBeGreaterThanOrEqual(DATAGRAMS * (5 + 3 + 4 + 5));
    expect(found.traps).toMatchObject({ payload: DATAGRAMS * 5 });
    expect(found.bytesCopied).toBe(0);
    const sum = (counts: Readonly<Record<string, number>>): number => Object.values(counts).reduce((a, b) => a + b, 0);
    expect([sum(found.traps), sum(found.callers)]).toEqual([found.totalTraps, found.totalTraps]);
  });

  test("shift-headers: nobody behind the tunnel traps on what came in, at the cost of moving whole frames", async () => {
    const found = (await run()).get("strict-shift")!;
    expect(found.callers["dissector"]).toBeUndefined();
    // What the stack sends in answer has its outer header askew; GRO looked into the tunnel before anybody could move it.
    expect(found.callers["stack"]).toBe(found.traps["other"]);
    expect(found.traps["payload"]).toBeUndefined();
    expect(found.bytesCopied).toBeGreaterThan(DATAGRAMS * (14 + 28 + 1000) - 1);
  });

  test("fix-gre: the dissector traps no more, at the cost of copying headers; the stack traps as before", async () => {
    const all = await run();
    const found = all.get("strict-fix-gre")!;
    expect(found.callers["dissector"]).toBeUndefined();
    expect(found.callers["stack"]).toBe(all.get("strict-leave")!.callers["stack"]);
    expect(found.flows).toBe(all.get("strict-leave")!.flows);
    expect(found.bytesCopied).toBeLessThan(DATAGRAMS * 100);
    expect(found.bytesCopied).toBeGreaterThan(DATAGRAMS * 28);
  });

  test("a NIC without NET_IP_ALIGN turns it round: the wire is askew, and frames in GRE lie right", async () => {
    const all = await run();
    const bare = all.get("strict-bare")!;
    const padded = all.get("strict-leave")!;
    // Every outer header traps now, in the stack and in GRO.
    expect(bare.callers["stack"]).toBeGreaterThan(2 * padded.callers["stack"]!);
    expect(bare.callers["gro"]).toBeGreaterThan(padded.callers["gro"]!);
    // Misaligned are those without an Ethernet header inside.
    expect(bare.packets - bare.misaligned).toBe(padded.misaligned);
  });

  test("without tunnels and with a pad a strict-align host never traps; without a pad each datagram does", async () => {
    const traps = async (rxPad: 0 | 2): Promise<AlignmentResult> => {
      const yaml = `
name: pads
duration: 4s
hosts:
  tx: { interfaces: { eth0: { addresses: [10.0.0.1/24] } } }
  rx:
    alignment: { arch: strict-align }
    interfaces: { eth0: { nic: hw-csum, rxPad: ${rxPad}, addresses: [10.0.0.2/24] } }
links: { wire: { between: [tx:eth0, rx:eth0] } }
traffic: { flow: { udp: { from: tx, to: rx, port: 6000, rate: 1mbit, size: 1000, count: 100 }, start: 3s } }
`;
      return (await run(yaml)).get("rx")!;
    };
    expect((await traps(2)).totalTraps).toBe(0);
    const { traps: found } = await traps(0);
    expect(found["ipv4"]).toBeGreaterThanOrEqual(DATAGRAMS * (5 + 3 + 4));
    expect(found["payload"]).toBe(DATAGRAMS * 5);
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
