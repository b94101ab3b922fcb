import { createRandom } from "@seville/core";
import { compose, parseIpv4 } from "@seville/packet";
import { describe, expect, test } from "vitest";
import type { HopSelection } from "../../src/index.ts";
import { fan, fanRoute } from "./fan.ts";

/*
 * A router with n links and n sources, in slots: in each slot every source sends with probability r, and every link carries one packet.
 * What the queues then look like is known, by formula or by the plainest model there is.
 */

/** ns. A frame takes a hair less, so that a link is free when the next slot begins. */
const SLOT = 1_000_000;
const BYTES = 1000;

interface Found {
  /** Packets at a link at the beginning of a slot, the one under way included. */
  readonly backlog: number;
  /** Longest less shortest. */
  readonly spread: number;
  /** Share of a source's packets that left after one that it sent later. */
  readonly late: number;
  /** How much later, in packets, at most. */
  readonly latest: number;
}

function simulate(n: number, load: number, selection: HopSelection, slots: number, seed = 1): Found {
  const { world, r, links } = fan(n, selection, {
    link: { rate: (BYTES * 8 * 1e9 * 1.0001) / SLOT, framing: "none", queue: { kind: "fifo", limitPackets: 100_000 } },
  });
  // A route, and so a chooser, for each source.
  for (let i = 0; i < n; i++) r.ipv4.fib.add(fanRoute(`10.9.${i + 1}.0/24`, n, selection));
  const iface = r.interfaces.named("eth0");
  const frames = Array.from({ length: n }, (_, i) =>
    compose([
      { ethernet: { source: 0x02_0000_000099, destination: iface.mac } },
      { ipv4: { source: parseIpv4(`10.0.0.${i + 10}`), destination: parseIpv4(`10.9.${i + 1}.1`) } },
      { udp: { sourcePort: 1, destinationPort: 2 } },
      new Uint8Array(BYTES - 42),
    ]),
  );
  const left: number[][] = frames.map(() => []);
  // Those that leave in one slot leave in no particular order.
  const leaving: [source: number, number: number][] = [];
  for (const link of links) {
    link.tap({
      frame: (direction, point, frame) => {
        if (direction !== "aToB" || point !== "delivered" || frame.length !== BYTES) return;
        const { view } = frame.pool.memory;
        leaving.push([view.getUint32(frame.data + 42), view.getUint32(frame.data + 46)]);
      },
    });
  }
  const random = createRandom(seed);
  const sent = frames.map(() => 0);
  let [backlog, spread] = [0, 0];
  const begin = world.simulator.now + SLOT;
  for (let slot = 0; slot < slots; slot++) {
    world.simulator.run({ until: begin + slot * SLOT });
    for (const [source, number] of random.shuffle(leaving.splice(0))) left[source]!.push(number);
    for (let i = 0; i < n; i++) {
      if (random.float() >= load) continue;
      const packet = world.pool.from(frames[i]!)!;
      const { view } = packet.pool.memory;
      view.setUint32(packet.data + 42, i);
      view.setUint32(packet.data + 46, sent[i]!++);
      iface.receive(packet, world.simulator.now);
    }
    const lengths = links.map((link) => Math.ceil(link.a.backlog! / BYTES - 0.01));
    backlog += lengths.reduce((sum, length) => sum + length, 0) / n;
    spread += Math.max(...lengths) - Math.min(...lengths);
  }
  return { backlog: backlog / slots, spread: spread / slots, ...lateness(left) };
}

/** The same without a network: queues are arrays, and choices are made by the rule's own words. */
function model(n: number, load: number, policy: "random" | "round-robin" | "two", slots: number): Found {
  const random = createRandom(99);
  const queues: { source: number; number: number }[][] = Array.from({ length: n }, () => []);
  const next = queues.map((_, i) => i);
  const sent = queues.map(() => 0);
  const left: number[][] = queues.map(() => []);
  let [backlog, spread] = [0, 0];
  for (let slot = 0; slot < slots; slot++) {
    for (let source = 0; source < n; source++) {
      if (random.float() >= load) continue;
      let link = random.below(n);
      if (policy === "round-robin") link = next[source]!++ % n;
      if (policy === "two") {
        const other = random.below(n);
        if (queues[other]!.length < queues[link]!.length) link = other;
      }
      queues[link]!.push({ source, number: sent[source]!++ });
    }
    const lengths = queues.map((queue) => queue.length);
    backlog += lengths.reduce((sum, length) => sum + length, 0) / n;
    spread += Math.max(...lengths) - Math.min(...lengths);
    const leaving = queues.flatMap((queue) => queue.shift() ?? []);
    for (const { source, number } of random.shuffle(leaving)) left[source]!.push(number);
  }
  return { backlog: backlog / slots, spread: spread / slots, ...lateness(left) };
}

function lateness(left: readonly (readonly number[])[]): { late: number; latest: number } {
  let [late, latest, all] = [0, 0, 0];
  for (const numbers of left) {
    let highest = -1;
    for (const number of numbers) {
      all++;
      if (number < highest) {
        late++;
        latest = Math.max(latest, highest - number);
      } else highest = number;
    }
  }
  return { late: late / all, latest };
}

describe("H97 random spraying: the queue at one of n links is r + (1 - 1/n) r² / (2 (1 - r)) long", () => {
  test.each([
    [2, 0.8, 10_000, 0.08],
    [4, 0.5, 10_000, 0.06],
    [4, 0.8, 10_000, 0.08],
    [8, 0.8, 6000, 0.08],
    [32, 0.8, 2_500, 0.08],
  ] as const)("n = %d, r = %d", (n, load, slots, tolerance) => {
    const formula = load + ((1 - 1 / n) * load ** 2) / (2 * (1 - load));
    const { backlog } = simulate(n, load, { policy: "random" }, slots);
    expect(Math.abs(backlog / formula - 1)).toBeLessThan(tolerance);
  });
});

describe("H98 four links: how far queues spread and packets overtake", () => {
  const two: HopSelection = { policy: "better-of-two", memory: 0 };
  /** Spread in packets, share of late packets, and the worst lateness, computed long before this was written. */
  const known = [
    ["random", 0.5, { policy: "random" }, { late: 0.06 }],
    ["random", 0.8, { policy: "random" }, { spread: 3.8, late: 0.27, latest: 53 }],
    ["random", 0.95, { policy: "random" }, { spread: 15.2, late: 0.55, latest: 53 }],
    ["round-robin", 0.8, { policy: "round-robin" }, { spread: 1.6, late: 0.018, latest: 3 }],
    ["round-robin", 0.95, { policy: "round-robin" }, { spread: 1.3, late: 0.006, latest: 3 }],
    ["two", 0.8, two, { spread: 1.4, late: 0.07, latest: 6 }],
    ["two", 0.95, two, { spread: 1.6, late: 0.14, latest: 6 }],
  ] as const;

  test.each(known)("%s at a load of %d", (rule, load, selection, expected) => {
    const found = simulate(4, load, selection, load > 0.9 ? 12_000 : 5000);
    const modelled = model(4, load, rule, 60_000);
    // Random walks near full load are long: a model of three times the length is itself 15 % off.
    const tolerance = rule === "random" && load > 0.9 ? 0.3 : 0.1;
    expect(Math.abs(found.spread - modelled.spread)).toBeLessThan(tolerance * modelled.spread + 0.15);
    expect(Math.abs(found.late - modelled.late)).toBeLessThan(tolerance * modelled.late + 0.02);
    if ("spread" in expected) expect(Math.abs(found.spread - expected.spread)).toBeLessThan(0.3 * expected.spread);
    expect(Math.abs(found.late - expected.late)).toBeLessThan(0.1 * expected.late + 0.04);
    if ("latest" in expected) expect(found.latest).toBeLessThanOrEqual(expected.latest);
  });

  test("a remembered hop (DRILL(2, 1)) does no worse than two at random", () => {
    const plain = simulate(4, 0.95, two, 8000);
    const remembering = simulate(4, 0.95, { policy: "better-of-two" }, 8000);
    expect(remembering.spread).toBeLessThanOrEqual(plain.spread * 1.02);
    expect(remembering.late).toBeLessThanOrEqual(plain.late * 1.02);
  });
});
