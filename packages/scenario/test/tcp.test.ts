import { describe, expect, test } from "vitest";
import { runScenario, validateScenario, type Scenario, type ScenarioResult } from "@seville/scenario";

/** Two hosts on a link of 20 Mbit/s and 10 ms each way, with `traffic` on it. */
function world(traffic: Scenario["traffic"], more: Partial<Scenario> = {}): Scenario {
  return {
    name: "tcp",
    duration: "5s",
    hosts: {
      alice: { interfaces: { eth0: { addresses: ["10.0.0.1/24", "2001:db8::1/64"] } } },
      bob: { interfaces: { eth0: { addresses: ["10.0.0.2/24", "2001:db8::2/64"] } } },
    },
    links: { wire: { between: ["alice:eth0", "bob:eth0"], rate: "20mbit", delay: "10ms" } },
    ...(traffic === undefined ? {} : { traffic }),
    ...more,
  };
}

async function only(
  scenario: Scenario,
  seed = 1,
): Promise<{ result: ScenarioResult; tcp: NonNullable<ScenarioResult["tcp"]>[number] }> {
  const result = await runScenario(scenario, { seed });
  const [tcp] = result.tcp ?? [];
  if (tcp === undefined) throw new Error("the run has a TCP transfer");
  return { result, tcp };
}

const problems = (scenario: Scenario): string[] => validateScenario(scenario).problems.map(({ message }) => message);

describe("G30: tcp, bulk transfer", () => {
  test.each(["ipv4", "ipv6"] as const)("%s: fills the link, and says what it did", async (family) => {
    const { tcp, result } = await only(
      world({ bulk: { tcp: { from: "alice", to: "bob", family, congestion: "cubic" } } }),
    );
    const [connection] = tcp.connections;
    expect(connection?.congestion).toBe("cubic");
    expect(connection?.tuple).toMatch(
      family === "ipv4" ? /^10\.0\.0\.1:\d+ > 10\.0\.0\.2:5201$/ : /^\[2001:db8::1\]:\d+ > /,
    );
    // 1448 of 1538 bytes on the wire are payload.
    expect(tcp.throughput / 20e6).toBeGreaterThan(0.85);
    expect(tcp.throughput / 20e6).toBeLessThan(1448 / 1538);
    expect(connection?.rtt.min).toBeGreaterThanOrEqual(20e6);
    expect(connection?.bytes).toBe(tcp.bytes);
    expect(result.pool.after).toBe(result.pool.before);
  });

  test("so many bytes and no more; then it is complete", async () => {
    const { tcp } = await only(world({ bulk: { tcp: { from: "bob", to: "alice", bytes: "1mb" }, start: "1s" } }));
    expect(tcp.bytes).toBe(1_048_576);
    const completion = tcp.connections[0]?.completion ?? 0;
    // Eight megabit at 20 Mbit/s, and the handshake.
    expect(completion).toBeGreaterThan(0.42e9);
    expect(completion).toBeLessThan(1.5e9);
  });

  test("stopped by the timeline: what is on its way arrives, and it closes", async () => {
    const scenario = world({ bulk: { tcp: { from: "alice", to: "bob" } } }, { timeline: [{ at: "2s", stop: "bulk" }] });
    const { tcp } = await only(scenario);
    expect(tcp.connections[0]?.completion).toBeGreaterThan(1.9e9);
    expect(tcp.connections[0]?.completion).toBeLessThan(3e9);
  });

  test("several connections share the link, each with its own curve", async () => {
    const { tcp, result } = await only(world({ bulk: { tcp: { from: "alice", to: "bob", connections: 3 } } }));
    expect(tcp.connections.length).toBe(3);
    expect(new Set(tcp.connections.map(({ tuple }) => tuple)).size).toBe(3);
    expect(result.series.tcp?.map(({ name }) => name)).toEqual(["bulk 1", "bulk 2", "bulk 3"]);
    expect(tcp.connections.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(tcp.bytes);
  });

  test("a small receive buffer holds it back: a window per round trip", async () => {
    const { tcp } = await only(world({ bulk: { tcp: { from: "alice", to: "bob", receiveBuffer: "16kb" } } }));
    expect(tcp.throughput).toBeLessThan((32_768 * 8) / 0.02);
    expect(tcp.throughput).toBeGreaterThan(1e6);
  });

  test("curves: window, round-trip time and throughput over time, of equal length", async () => {
    const { result } = await only(world({ bulk: { tcp: { from: "alice", to: "bob", congestion: "bbr" } } }));
    const series = result.series.tcp?.[0];
    if (series === undefined) throw new Error("there is a curve");
    const lengths = new Set(
      [series.at, series.cwnd, series.ssthresh, series.inFlight, series.rtt, series.throughput].map(
        (each) => each.length,
      ),
    );
    expect([...lengths]).toEqual([series.at.length]);
    expect(series.at.length).toBeGreaterThan(100);
    expect(Math.max(...series.cwnd)).toBeGreaterThan(10);
  });

  test("a closed path: the connection fails with its errno", async () => {
    const scenario = world({ bulk: { tcp: { from: "alice", to: "10.0.0.77" } } });
    const { tcp, result } = await only(scenario);
    expect(tcp.connections[0]?.error).toBe("EHOSTUNREACH");
    expect(result.warnings.join()).toContain("nobody in the scenario has the address");
  });

  test("the same seed gives the same frames, another seed others where there is chance", async () => {
    const lossy = world({ bulk: { tcp: { from: "alice", to: "bob" } } });
    const links = { wire: { ...lossy.links?.wire, loss: "1%" } } as NonNullable<Scenario["links"]>;
    const hashes = await Promise.all(
      [1, 1, 2].map(async (seed) => (await only({ ...lossy, links }, seed)).result.run.traceHash),
    );
    expect(hashes[0]).toBe(hashes[1]);
    expect(hashes[2]).not.toBe(hashes[0]);
  });
});

describe("G31: tcpRequests", () => {
  test("every request is answered, in a round trip on a kept connection", async () => {
    const result = await runScenario(world({ web: { tcpRequests: { from: "alice", to: "bob", count: 20 } } }));
    const [web] = result.pings;
    expect(web).toMatchObject({ name: "web", kind: "tcp", transmitted: 20, received: 20, errors: 0 });
    expect(web?.rtt.p50).toBeGreaterThanOrEqual(20e6);
    expect(web?.rtt.p50).toBeLessThan(25e6);
  });

  test("fresh connections take a round trip more, which Fast Open saves", async () => {
    const times = await Promise.all(
      [false, true].map(async (fastOpen) => {
        const result = await runScenario(
          world({ web: { tcpRequests: { from: "alice", to: "bob", count: 20, fresh: true, fastOpen } } }),
        );
        expect(result.pings[0]?.received).toBe(20);
        return result.pings[0]?.rtt.p50 ?? 0;
      }),
    );
    expect(times[0]).toBeGreaterThan(40e6);
    expect(times[1]).toBeGreaterThan(20e6);
    expect(times[1]).toBeLessThan(25e6);
  });

  test("nobody there: the failures are counted and named", async () => {
    const result = await runScenario(
      world({ web: { tcpRequests: { from: "alice", to: "10.0.0.77", count: 3, fresh: true } } }, { duration: "10s" }),
    );
    expect(result.pings[0]).toMatchObject({ transmitted: 3, received: 0, errors: 3 });
    expect(result.warnings.join()).toContain("EHOSTUNREACH");
  });
});

describe("G33: what is checked", () => {
  test("ends, ports, sizes, and Fast Open without fresh connections", () => {
    expect(problems(world({ x: { tcp: { from: "alice", to: "bob" } } }))).toEqual([]);
    expect(problems(world({ x: { tcp: { from: "nobody", to: "bob" } } }))).toEqual(["there is no host nobody"]);
    expect(
      problems(world({ x: { tcp: { from: "alice", to: "bob" } }, y: { tcp: { from: "alice", to: "bob" } } })).join(),
    ).toContain("port 5201 of bob belongs to traffic x already");
    expect(problems(world({ x: { tcpRequests: { from: "alice", to: "bob", request: "0b" } } })).join()).toContain(
      "empty",
    );
    expect(problems(world({ x: { tcpRequests: { from: "alice", to: "bob", fastOpen: true } } })).join()).toContain(
      "kept",
    );
    expect(problems(world({ x: { tcp: { from: "alice", to: "bob", congestion: "vegas" as "cubic" } } })).length).toBe(
      1,
    );
  });

  test("TCP and UDP have ports of their own", () => {
    const both = {
      u: { udp: { from: "alice", to: "bob", rate: "1mbit", port: 5201 } },
      t: { tcp: { from: "alice", to: "bob" } },
    } as const;
    expect(problems(world(both))).toEqual([]);
  });
});

test("G32: settings of TCP in a scenario's sysctls are the host's", async () => {
  const base = world({ bulk: { tcp: { from: "alice", to: "bob" } } });
  const hosts = {
    ...base.hosts,
    alice: { ...base.hosts.alice, sysctls: { "net.ipv4.tcp_congestion_control": "reno" } },
  };
  const { tcp } = await only({ ...base, hosts });
  expect(tcp.connections[0]?.congestion).toBe("reno");
});
