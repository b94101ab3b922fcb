import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { runScenario, type RunScenarioOptions, type Scenario, type ScenarioResult } from "@seville/scenario";
import { expectBooksToBalance } from "./books.ts";
import { BAD, CHAIN, PAIR } from "./networks.ts";

const MS = 1e6;

/** A run with its captures in memory. */
async function recorded(
  scenario: Scenario,
  options: RunScenarioOptions = {},
): Promise<{ result: ScenarioResult; files: Map<string, Uint8Array> }> {
  const chunks = new Map<string, Uint8Array[]>();
  const result = await runScenario(scenario, {
    ...options,
    capture(name) {
      const pieces: Uint8Array[] = [];
      chunks.set(name, pieces);
      return (chunk) => void pieces.push(chunk);
    },
  });
  return { result, files: new Map([...chunks].map(([name, pieces]) => [name, Buffer.concat(pieces)])) };
}

describe("R1: repeatable to the byte", () => {
  test("same scenario, same seed: the same captures and the same result", async () => {
    const [first, second] = [await recorded(BAD), await recorded(BAD)];
    expect(first.files.size).toBe(6);
    for (const [name, bytes] of first.files) {
      expect(bytes.length).toBeGreaterThan(1000);
      expect(Buffer.compare(bytes, second.files.get(name) ?? new Uint8Array()), name).toBe(0);
    }
    expect(second.result).toEqual(first.result);
  });

  test("another seed: another trace; the seed of the options comes before that of the file", async () => {
    const seven = await runScenario({ ...BAD, seed: 7 });
    const eight = await runScenario({ ...BAD, seed: 8 });
    expect(eight.run.traceHash).not.toBe(seven.run.traceHash);
    expect((await runScenario({ ...BAD, seed: 8 }, { seed: 7 })).run.traceHash).toBe(seven.run.traceHash);
  });

  test("a result survives JSON", async () => {
    const result = await runScenario(PAIR);
    expect(JSON.parse(JSON.stringify(result))).toEqual(result);
    expect(result).toMatchObject({ format: "seville-result", version: 1 });
  });
});

describe("R2, R3: the books balance and every packet comes back", () => {
  test("on a bad network", async () => {
    const result = await runScenario(BAD);
    expectBooksToBalance(result);
    const wan = result.links.find(({ from }) => from === "r1:wan");
    expect(Object.keys(wan?.drops ?? {}).sort()).toEqual(["LINK_FCS", "LINK_LOSS", "QDISC_OVERLIMIT"]);
    expect(wan?.duplicated).toBeGreaterThan(0);
    expect(wan?.reordered).toBeGreaterThan(0);
    expect(result.interfaces.find(({ host, name }) => host === "r2" && name === "wan")?.rxCrcErrors).toBe(
      wan?.drops.LINK_FCS,
    );
  });

  test("stopped in the middle of everything, at any time", async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 5000 }), fc.nat(1000), async (ms, seed) => {
        expectBooksToBalance(await runScenario(BAD, { until: ms * MS, seed }));
      }),
      { numRuns: 6 },
    );
  });

  test("with nothing going on at all", async () => {
    expectBooksToBalance(await runScenario({ name: "alone", duration: "1s", hosts: { a: {} } }));
  });
});

describe("R6: the timeline", () => {
  const flow = { flow: { udp: { from: "alice", to: "bob", rate: "1mbit", size: 1000 }, start: "2s" } } as const;

  test("what is set holds from its time on, for the direction that is named only", async () => {
    const result = await runScenario({
      ...PAIR,
      traffic: flow,
      timeline: [{ at: "3s", set: { link: "wire", from: "alice:eth0", loss: "100%" } }],
    });
    expect(result.events).toEqual([{ at: 3000 * MS, kind: "set", label: "alice:eth0: loss 100%" }]);
    const [there, back] = result.links;
    // 1 Mbit/s in datagrams of 1000 bytes: 125 a second, for the last two of three seconds lost.
    expect(there?.drops.LINK_LOSS).toBeGreaterThanOrEqual(249);
    expect(back?.drops).toEqual({});
  });

  test("loss by number: exactly the frames that are named, counted from 1", async () => {
    const result = await runScenario({
      ...PAIR,
      links: { wire: { ...PAIR.links!["wire"]!, loss: { frames: [20, 30] } } },
      traffic: { flow: { ...flow.flow, stop: "4s" } },
    });
    expect(result.links[0]?.drops).toEqual({ LINK_LOSS: 2 });
    expect(result.flows[0]?.lost).toBe(2);
  });

  test("a partition is silent, and healing it ends that", async () => {
    const result = await runScenario({
      ...CHAIN,
      traffic: { ping: { ping: { from: "alice", to: "bob", interval: "100ms" }, start: "2s", stop: "7s" } },
      timeline: [
        { at: "4050ms", partition: [["alice", "r1"]] },
        { at: "5050ms", heal: "all" },
      ],
    });
    const [ping] = result.pings;
    expect(ping!.transmitted - ping!.received).toBe(10);
    const lost = result.series.delays[0]!.lostAt;
    expect(Math.min(...lost)).toBeGreaterThan(4050 * MS - 100 * MS);
    expect(Math.max(...lost)).toBeLessThan(5050 * MS);
    expect(result.drops.map(({ reason }) => reason)).toContain("LINK_PARTITION");
    expect(result.events.map(({ kind }) => kind)).toEqual(["partition", "heal"]);
    expectBooksToBalance(result);
  });

  test("a link without carrier carries nothing; what is sent meanwhile waits for the neighbour, as in Linux", async () => {
    const result = await runScenario({
      ...PAIR,
      traffic: { ping: { ping: { from: "alice", to: "bob", interval: "100ms" }, start: "1s", stop: "4.5s" } },
      timeline: [
        { at: "2005ms", down: "wire", label: "cut" },
        { at: "3s", up: "wire" },
      ],
    });
    expect(result.events[0]).toEqual({ at: 2005 * MS, kind: "down", label: "cut" });
    const [ping] = result.pings;
    // The one that was on its way is lost.
    expect([ping!.transmitted, ping!.received]).toEqual([35, 34]);
    const { at, value } = result.series.delays[0]!;
    const during = value.filter((_, i) => at[i]! > 2005 * MS && at[i]! < 3000 * MS);
    expect(during).toHaveLength(9);
    expect(Math.max(...during)).toBeGreaterThan(800 * MS);
    expectBooksToBalance(result);
  });

  test("events of one time act in the order of the file", async () => {
    const result = await runScenario({
      ...PAIR,
      timeline: [
        { at: "2s", set: { link: "wire", loss: "1%" } },
        { at: "1s", down: "wire" },
        { at: "2s", up: "wire" },
        { at: "2s", down: "wire" },
      ],
    });
    expect(result.events.map(({ at, kind }) => `${at / MS} ${kind}`)).toEqual([
      "1000 down",
      "2000 set",
      "2000 up",
      "2000 down",
    ]);
  });

  test("traffic starts and stops when it is told", async () => {
    const result = await runScenario({
      ...PAIR,
      traffic: { flow: { udp: { from: "alice", to: "bob", rate: "1mbit", size: 1250 }, manual: true } },
      timeline: [
        { at: "2s", start: "flow" },
        { at: "3s", stop: ["flow"] },
      ],
    });
    expect(result.flows[0]?.sent).toBeGreaterThanOrEqual(100);
    expect(result.flows[0]?.sent).toBeLessThanOrEqual(101);
  });
});

describe("R7: what coming up again brings back", () => {
  const scenario: Scenario = {
    ...CHAIN,
    traffic: { ping6: { ping: { from: "alice", to: "bob", family: "ipv6", interval: "100ms" }, start: "2s" } },
    timeline: [
      { at: "3s", down: "r1:wan" },
      { at: "4s", up: "r1:wan" },
    ],
  };

  test("safe: addresses and routes", async () => {
    const result = await runScenario(scenario);
    expect(result.series.delays[0]!.at.some((at) => at > 6000 * MS)).toBe(true);
  });

  test("linux-exact: IPv6 addresses and static routes stay away, as the kernel flushes them", async () => {
    const result = await runScenario({ ...scenario, defaults: "linux-exact" });
    expect(result.series.delays[0]!.at.some((at) => at > 6000 * MS)).toBe(false);
    expect(result.scenario.defaults).toBe("linux-exact");
  });
});

describe("R13: hosts as they are described", () => {
  test("a router that advertises gives a host its address and its way out (RFC 4861 §6.2, RFC 4862 §5.5)", async () => {
    const result = await runScenario({
      name: "slaac",
      duration: "8s",
      hosts: {
        phone: { interfaces: { eth0: {} } },
        router: {
          kind: "router",
          interfaces: {
            lan: { addresses: ["2001:db8:1::1/64"], advertise: { interval: "4s", mtu: 1400 } },
            wan: { addresses: ["2001:db8:2::1/64"] },
          },
        },
        server: {
          interfaces: { eth0: { addresses: ["2001:db8:2::2/64"] } },
          routes: [{ to: "default", via: "2001:db8:2::1" }],
        },
      },
      links: { lan: { between: ["phone:eth0", "router:lan"] }, wan: { between: ["router:wan", "server:eth0"] } },
      traffic: { ping: { ping: { from: "phone", to: "server", count: 3, interval: "100ms" }, start: "6s" } },
    });
    expect(result.pings[0]).toMatchObject({ address: "2001:db8:2::2", transmitted: 3, received: 3 });
    const phone = result.topology.nodes.find(({ name }) => name === "phone");
    expect(phone?.interfaces[0]?.addresses.filter((address) => address.startsWith("2001:db8:1:"))).toHaveLength(1);
  });

  test("sysctls are set by their Linux names, and an unknown one is refused", async () => {
    const traffic: Scenario["traffic"] = {
      p: { ping: { from: "alice", to: "bob", count: 2, interval: "1s" }, start: "1s" },
    };
    const quiet = { ...PAIR.hosts, bob: { ...PAIR.hosts["bob"], sysctls: { "net.ipv4.icmp_echo_ignore_all": 1 } } };
    expect((await runScenario({ ...PAIR, traffic, hosts: quiet })).pings[0]?.received).toBe(0);
    const wrong = { ...PAIR.hosts, bob: { ...PAIR.hosts["bob"], sysctls: { "net.ipv4.no_such_thing": 1 } } };
    await expect(runScenario({ ...PAIR, hosts: wrong })).rejects.toThrow(/no_such_thing/);
  });

  test("an interface that is down at the beginning is brought up by an event", async () => {
    const down = { ...PAIR.hosts, bob: { interfaces: { eth0: { addresses: ["10.0.0.2/24"], up: false } } } };
    const result = await runScenario({
      ...PAIR,
      hosts: down,
      traffic: { p: { ping: { from: "alice", to: "bob", count: 30, interval: "100ms" }, start: "1s" } },
      timeline: [{ at: "2s", up: "bob:eth0" }],
    });
    const [ping] = result.pings;
    expect(ping!.received).toBeGreaterThan(15);
    expect(ping!.transmitted).toBe(30);
  });

  test("hosts without kind: router forward nothing", async () => {
    const result = await runScenario({
      ...CHAIN,
      hosts: { ...CHAIN.hosts, r1: { ...CHAIN.hosts["r1"], kind: "host" } },
      traffic: { p: { ping: { from: "alice", to: "bob", count: 3, interval: "100ms" }, start: "1s" } },
    });
    expect(result.pings[0]?.received).toBe(0);
    expect(result.hosts[1]?.counters["IpForwDatagrams"]).toBeUndefined();
  });

  test("a smaller MTU on the way costs the first datagram; the others are fragmented (RFC 1191 §3)", async () => {
    const result = await runScenario({
      ...CHAIN,
      links: { ...CHAIN.links, wan: { ...CHAIN.links!["wan"]!, mtu: 600 } },
      traffic: {
        f: { udp: { from: "alice", to: "bob", rate: "1mbit", size: 1400, count: 10 }, start: "1s", stop: "4s" },
      },
    });
    expect(result.flows[0]).toMatchObject({ sent: 10, received: 9 });
    expect(result.hosts.find(({ name }) => name === "bob")?.counters["IpReasmOKs"]).toBe(9);
  });
});

describe("R8: looking changes nothing", () => {
  test("with captures, without, and with any sampling: the same trace", async () => {
    const plain = await runScenario(BAD);
    const { result } = await recorded(BAD);
    const sampled = await runScenario({ ...BAD, sampling: "777us" });
    const atHost = await recorded(BAD, { captureAt: "host" });
    for (const other of [result, sampled, atHost.result]) expect(other.run.traceHash).toBe(plain.run.traceHash);
  });
});

describe("R9: stopping and telling", () => {
  test("a signal ends the run; the result says so and is whole", async () => {
    const controller = new AbortController();
    const result = await runScenario(BAD, {
      signal: controller.signal,
      setup: ({ simulator }) => void simulator.scheduleCall(3500 * MS, () => controller.abort()),
    });
    expect(result.run).toMatchObject({ end: "aborted", endedAt: 3500 * MS });
    expectBooksToBalance(result);
  });

  test("progress rises to the end, and every batch gives others their turn", async () => {
    const seen: number[] = [];
    let turns = 0;
    await runScenario(BAD, {
      onProgress: ({ now }) => void seen.push(now),
      turn: () => {
        turns++;
        return Promise.resolve();
      },
    });
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
    expect(seen.at(-1)).toBe(8000 * MS);
    expect(turns).toBe(seen.length - 1);
  });

  test("setup sees the world at time 0", async () => {
    let seen = "";
    await runScenario(CHAIN, {
      setup(world) {
        seen = `${world.simulator.now} ${[...world.hosts.keys()].join()} ${[...world.links.keys()].join()}`;
      },
    });
    expect(seen).toBe("0 alice,r1,r2,bob left,wan,right");
  });
});

describe("R11: the outside", () => {
  const scenario: Scenario = {
    name: "outside",
    duration: "1s",
    hosts: { a: { interfaces: { eth0: { addresses: ["10.0.0.1/24"] } } } },
    attachments: { tape: { replay: {} } },
    links: { l: { between: ["tape", "a:eth0"] } },
  };

  test("an attachment that nobody opens fails before time begins, by name", async () => {
    await expect(runScenario(scenario)).rejects.toMatchObject({ code: "ERR_NO_OUTSIDE", message: /attachment tape/ });
  });

  test("frames come in through its end, what it lost is counted, and it is closed", async () => {
    let closed = 0;
    const result = await runScenario(scenario, {
      outside: {
        open(_spec, { end, pool, simulator }) {
          end.attach({ receiveFrame: (frame) => frame.release() });
          simulator.scheduleCall(1000, () => {
            const frame = pool.from(new Uint8Array(60).fill(0xff));
            if (frame !== undefined) end.send(frame);
          });
          return Promise.resolve({
            detail: "a tape",
            drops: () => ({ HDR_TRUNC: 3 }),
            close: () => {
              closed++;
              return Promise.resolve();
            },
          });
        },
      },
    });
    expect(closed).toBe(1);
    expect(result.links[0]).toMatchObject({ from: "tape", delivered: 1 });
    expect(result.drops).toContainEqual({ place: "tape", where: "outside", reason: "HDR_TRUNC", packets: 3 });
    expect(result.topology.nodes[1]).toMatchObject({ name: "tape", kind: "attachment", detail: "a tape" });
    expectBooksToBalance(result);
  });

  test("if it breaks, the run ends with its error, and it is closed all the same", async () => {
    let closed = 0;
    const run = runScenario(scenario, {
      outside: {
        open: (_spec, { fail, simulator }) => {
          simulator.scheduleCall(500 * MS, () => fail(new Error("the cable burnt")));
          return Promise.resolve({ detail: "", close: () => Promise.resolve(closed++).then(() => undefined) });
        },
      },
    });
    await expect(run).rejects.toThrow("the cable burnt");
    expect(closed).toBe(1);
  });
});
