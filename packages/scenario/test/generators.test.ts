import { createPacketMemory } from "@seville/core";
import { Simulator } from "@seville/sim";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { runScenario, type Scenario } from "@seville/scenario";
import { HEADER_BYTES, numberedDatagram, readSentAt, readSequence, stamp } from "../src/run/datagram.ts";
import { Requests } from "../src/run/requests.ts";
import { SendClock } from "../src/run/send-clock.ts";
import { SequenceSet } from "../src/run/sequence-set.ts";
import { CHAIN, PAIR } from "./networks.ts";

describe("G1: numbered datagrams", () => {
  test("carry number and time through bytes, to 2^53", () => {
    const memory = createPacketMemory({ bytes: 4096, wasm: false });
    const whole = fc.maxSafeNat();
    fc.assert(
      fc.property(whole, whole, fc.integer({ min: HEADER_BYTES, max: 200 }), (sequence, time, size) => {
        const payload = numberedDatagram(size);
        stamp(payload, sequence, time);
        memory.u8.set(payload, memory.base);
        expect(readSequence(memory, memory.base, size)).toBe(sequence);
        expect(readSentAt(memory, memory.base)).toBe(time);
      }),
    );
  });

  test("what is short or unmarked is none of ours", () => {
    const memory = createPacketMemory({ bytes: 4096, wasm: false });
    memory.u8.set(numberedDatagram(40), memory.base);
    expect(readSequence(memory, memory.base, HEADER_BYTES - 1)).toBeUndefined();
    memory.u8[memory.base] = 0;
    expect(readSequence(memory, memory.base, 40)).toBeUndefined();
  });
});

describe("G2: which numbers were seen", () => {
  test("as a set says", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(5000)), (numbers) => {
        const seen = new SequenceSet();
        const model = new Set<number>();
        for (const number of numbers) {
          expect(seen.add(number)).toBe(!model.has(number));
          model.add(number);
        }
        expect(seen.size).toBe(model.size);
        expect(seen.next).toBe(Math.max(-1, ...model) + 1);
        for (let i = 0; i < 5000; i += 7) expect(seen.has(i)).toBe(model.has(i));
      }),
    );
  });
});

describe("G3: the clock of a sender", () => {
  test("does not drift when the interval is no whole number of nanoseconds", () => {
    const simulator = new Simulator();
    const ticks: number[] = [];
    const clock = new SendClock(simulator, 1000 / 3, (now) => ticks.push(now) < 3001);
    simulator.scheduleCall(100, () => clock.start(100));
    simulator.run();
    expect(ticks[0]).toBe(100);
    expect(ticks[3000]).toBe(100 + 1_000_000);
  });

  test("starts once, stops, and starts again", () => {
    const simulator = new Simulator();
    let ticks = 0;
    const clock = new SendClock(simulator, 10, () => ++ticks > 0);
    clock.start(0);
    clock.start(0);
    simulator.run({ until: 25 });
    expect(ticks).toBe(3);
    clock.stop();
    simulator.run({ until: 100 });
    expect(ticks).toBe(3);
    clock.start(simulator.now);
    simulator.run({ until: 119 });
    expect(ticks).toBe(5);
  });
});

describe("G4: requests and answers", () => {
  test("an answer counts once, a second one is a duplicate, a late one is none", () => {
    const requests = new Requests(100);
    const [first, second] = [requests.send(0), requests.send(10)];
    requests.answer(first, 20);
    requests.answer(first, 30);
    requests.answer(second, 111);
    requests.answer(99, 20);
    requests.finish();
    expect(requests).toMatchObject({ transmitted: 2, received: 1, duplicates: 1 });
    expect(requests.delays.series("x", "rtt")).toMatchObject({ at: [0], value: [20], lostAt: [10] });
  });

  test("what could not be sent was not sent", () => {
    const requests = new Requests(100);
    requests.takeBack(requests.send(0));
    expect(requests.send(5)).toBe(0);
    requests.finish();
    expect(requests.transmitted).toBe(1);
  });

  test("memory is bounded by the timeout", () => {
    const requests = new Requests(100);
    for (let i = 0; i < 10_000; i++) requests.send(i * 10);
    requests.finish();
    expect(requests.delays.series("x", "rtt").lostAt).toHaveLength(10_000);
  });
});

describe("G5: traffic on hosts", () => {
  const at = (traffic: Scenario["traffic"], network = PAIR): Scenario => ({ ...network, traffic: traffic ?? {} });

  test("ping: so many, of that size, and each takes what the link takes", async () => {
    const { pings, links } = await runScenario(
      at({ p: { ping: { from: "alice", to: "bob", count: 5, interval: "100ms", size: 1000 }, start: "1s" } }),
    );
    expect(pings[0]).toMatchObject({
      kind: "icmp",
      address: "10.0.0.2",
      transmitted: 5,
      received: 5,
      duplicates: 0,
      errors: 0,
    });
    // Both ways: 5 ms, and 1000 + 8 + 20 + 14 bytes with preamble and check sequence at 10 Mbit/s.
    const oneWay = 5e6 + (1042 + 12) * 800;
    expect(pings[0]?.rtt.min).toBe(2 * oneWay);
    expect(links[0]?.delivered).toBeGreaterThanOrEqual(5);
  });

  test("ping with a hop limit that is too small is answered with errors (RFC 792)", async () => {
    const result = await runScenario(
      at({ p: { ping: { from: "alice", to: "bob", count: 3, interval: "100ms", ttl: 1 }, start: "1s" } }, CHAIN),
    );
    expect(result.pings[0]).toMatchObject({ transmitted: 3, received: 0, errors: 3 });
    expect(result.drops).toContainEqual({ place: "r1", where: "host", reason: "IP_TTL", packets: 3 });
  });

  test("more than 65536 pings wrap the field and are told apart", async () => {
    const { pings } = await runScenario({
      ...at({ p: { ping: { from: "alice", to: "bob", interval: "50us", count: 66_000, size: 0, timeout: "1s" } } }),
      links: { wire: { between: ["alice:eth0", "bob:eth0"], delay: "1ms" } },
    });
    expect(pings[0]).toMatchObject({ transmitted: 66_000, received: 66_000, duplicates: 0 });
    expect(pings[0]?.rtt.p50).toBe(2e6);
  });

  test("udp: the rate of the payload, its delay, and no jitter on an empty link", async () => {
    const { flows } = await runScenario(
      at({ f: { udp: { from: "alice", to: "bob", rate: "2mbit", size: 1000 }, start: "1s", stop: "4s" } }),
    );
    const [flow] = flows;
    expect(flow).toMatchObject({
      sent: 750,
      received: 750,
      lost: 0,
      duplicated: 0,
      reordered: 0,
      receivedBytes: 750_000,
    });
    expect(flow?.tuple).toMatch(/^10\.0\.0\.1:\d+ > 10\.0\.0\.2:5001$/);
    expect(flow!.throughput / 2e6).toBeCloseTo(1, 2);
    expect(flow?.delay.p50).toBe(5e6 + (1042 + 12) * 800);
  });

  test("udp over IPv6, fragmented and put together again", async () => {
    const { flows, hosts } = await runScenario(
      at({
        f: { udp: { from: "alice", to: "bob", family: "ipv6", rate: "1mbit", size: 5000, count: 10 }, start: "3s" },
      }),
    );
    expect(flows[0]).toMatchObject({ sent: 10, received: 10 });
    expect(hosts[1]?.counters["Ip6ReasmOKs"]).toBe(10);
  });

  test("duplicates and reordering are counted as they are defined (RFC 4737 §3.3)", async () => {
    const { flows } = await runScenario({
      ...at({ f: { udp: { from: "alice", to: "bob", rate: "2mbit", size: 1000 }, start: "1s", stop: "4s" } }),
      links: { wire: { between: ["alice:eth0", "bob:eth0"], delay: "20ms", duplicate: "10%", reorder: "5%" } },
    });
    const [flow] = flows;
    expect(flow).toMatchObject({ sent: 750, received: 750, lost: 0 });
    expect(flow!.duplicated).toBeGreaterThan(40);
    expect(flow!.reordered).toBeGreaterThan(20);
  });

  test("udpEcho: answered by the receiver, and by nobody where the port is closed", async () => {
    const { pings } = await runScenario(
      at({ e: { udpEcho: { from: "bob", to: "alice", interval: "100ms", count: 10 }, start: "1s" } }),
    );
    expect(pings[0]).toMatchObject({ kind: "udp", address: "10.0.0.1", transmitted: 10, received: 10 });
  });

  test("an address that nobody has is noted, and no arrival counted", async () => {
    const { flows, warnings } = await runScenario(
      at({ f: { udp: { from: "alice", to: "10.0.0.99", rate: "1mbit", size: 1000, count: 10 }, start: "1s" } }),
    );
    expect(flows[0]?.received).toBe(0);
    expect(warnings).toContain(
      "traffic f: nobody in the scenario has the address 10.0.0.99, so arrivals are not counted",
    );
  });

  test("a way that is not there is an errno, counted and noted", async () => {
    const { flows, warnings, pool } = await runScenario(
      at({
        f: { udp: { from: "alice", to: "198.51.100.1", rate: "1mbit", size: 1000, count: 5 }, start: "1s", stop: "2s" },
      }),
    );
    expect(flows[0]).toMatchObject({ sent: 0, tuple: "? > 198.51.100.1:5001" });
    expect(warnings.join()).toMatch(/traffic f: sending failed with ENETUNREACH, \d+ times/);
    expect(pool.after).toBe(0);
  });

  test("the family is the one that is asked for, IPv4 if nobody asks", async () => {
    const { pings } = await runScenario(
      at({
        any: { ping: { from: "alice", to: "bob", count: 1 }, start: "3s" },
        six: { ping: { from: "alice", to: "bob", family: "ipv6", count: 1 }, start: "3s" },
        literal: { ping: { from: "alice", to: "2001:db8::2", count: 1 }, start: "3s" },
        iface: { ping: { from: "alice", to: "bob:eth0", count: 1 }, start: "3s" },
      }),
    );
    expect(pings.map(({ address, received }) => `${address} ${received}`)).toEqual([
      "10.0.0.2 1",
      "2001:db8::2 1",
      "2001:db8::2 1",
      "10.0.0.2 1",
    ]);
  });
});
