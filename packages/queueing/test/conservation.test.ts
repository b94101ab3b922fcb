import { createRandom, millis } from "@seville/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { codel, fifo, fqCodel, prio, type Qdisc, red, tokenBucket } from "../src/index.ts";
import { type Item, item, type TestAccess, testAccess } from "./items.ts";

const DISCIPLINES: readonly (readonly [string, (access: TestAccess) => Qdisc<Item>])[] = [
  ["fifo, packets", (access) => fifo(access, { limitPackets: 7 })],
  ["fifo, bytes", (access) => fifo(access, { limitBytes: 9000 })],
  ["fifo, head drop", (access) => fifo(access, { limitPackets: 5, limitBytes: 9000, drop: "head" })],
  ["codel", (access) => codel(access, { target: millis(1), interval: millis(10), limitPackets: 40 })],
  [
    "codel with ECN",
    (access) => codel(access, { target: millis(1), interval: millis(10), ecn: true, ceThreshold: millis(2) }),
  ],
  [
    "fq_codel",
    (access) => fqCodel(access, { target: millis(1), interval: millis(10), limitPackets: 40, flows: 4, dropBatch: 3 }),
  ],
  ["fq_codel, memory", (access) => fqCodel(access, { memoryLimit: 12_000, flows: 16, quantum: 300 })],
  [
    "red",
    (access) =>
      red(access, { random: createRandom(1), min: 3000, max: 9000, limitBytes: 20_000, ecn: true, adaptive: true }),
  ],
  [
    "red, gentle",
    (access) => red(access, { random: createRandom(2), min: 3000, max: 6000, limitBytes: 20_000, gentle: true }),
  ],
  ["token bucket", (access) => tokenBucket(access, { rate: 8e6, burst: 3000, limitBytes: 20_000 })],
  [
    "token bucket with peak rate",
    (access) => tokenBucket(access, { rate: 8e6, burst: 9000, peakrate: 16e6, mtu: 1600, latency: millis(20) }),
  ],
  [
    "token bucket over fq_codel",
    (access) =>
      tokenBucket(access, {
        rate: 8e6,
        burst: 3000,
        child: fqCodel(access, { target: millis(1), interval: millis(5), flows: 8 }),
      }),
  ],
  [
    "prio",
    (access) =>
      prio(access, {
        bands: [
          fifo(access, { limitPackets: 3 }),
          codel(access, { target: millis(1) }),
          fifo(access, { limitPackets: 9, drop: "head" }),
        ],
        classify: (one) => one.flow % 3,
      }),
  ],
];

type Step =
  | { readonly kind: "enqueue"; readonly flow: number; readonly length: number; readonly ect: boolean }
  | { readonly kind: "dequeue" | "peek" }
  | { readonly kind: "wait"; readonly us: number }
  | { readonly kind: "clear" };

const steps = fc.array(
  fc.oneof(
    {
      weight: 12,
      arbitrary: fc.record({
        kind: fc.constant("enqueue" as const),
        flow: fc.nat(9),
        length: fc.integer({ min: 40, max: 1514 }),
        ect: fc.boolean(),
      }),
    },
    { weight: 6, arbitrary: fc.record({ kind: fc.constant("dequeue" as const) }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant("peek" as const) }) },
    {
      weight: 4,
      arbitrary: fc.record({ kind: fc.constant("wait" as const), us: fc.integer({ min: 1, max: 30_000 }) }),
    },
    { weight: 1, arbitrary: fc.constant({ kind: "clear" as const }) },
  ),
  { maxLength: 400 },
);

describe.each(DISCIPLINES)("Q: every discipline: %s", (_name, make) => {
  test("Q1 to Q5: conservation, order within a flow, peek, nextReady, determinism", () => {
    fc.assert(
      fc.property(steps, (story) => {
        const first = play(make, story);
        expect(play(make, story)).toEqual(first);
      }),
      { numRuns: 60 },
    );
  });

  test("Q6: clear gives everything back with the reason given, and the queue works again", () => {
    const access = testAccess();
    const queue = make(access);
    for (let i = 0; i < 5; i++) queue.enqueue(item({ length: 500, flow: i }), millis(1));
    queue.peek(millis(1));
    const held = queue.packets;
    const before = access.dropped.length;
    queue.clear("LINK_DOWN", millis(1));
    expect(access.dropped.slice(before).map(({ reason }) => reason)).toEqual(new Array(held).fill("LINK_DOWN"));
    expect([queue.packets, queue.bytes, queue.nextReady(millis(1)), queue.dequeue(millis(1))]).toEqual([
      0,
      0,
      Infinity,
      undefined,
    ]);
    const next = item({ length: 500 });
    queue.enqueue(next, millis(2));
    expect(queue.dequeue(millis(2))).toBe(next);
  });
});

/** Plays a story and checks what holds at every step; returns what came out, by position in the story. */
function play(make: (access: TestAccess) => Qdisc<Item>, story: readonly Step[]): string[] {
  const access = testAccess();
  const queue = make(access);
  const entered: Item[] = [];
  const left: Item[] = [];
  const position = new Map<Item, number>();
  let now = 1_000_000;
  for (const step of story) {
    if (step.kind === "enqueue") {
      const one = item(step);
      position.set(one, entered.length);
      entered.push(one);
      queue.enqueue(one, now);
    } else if (step.kind === "wait") {
      now += step.us * 1000;
    } else if (step.kind === "clear") {
      queue.clear("END_OF_RUN", now);
    } else {
      const ready = queue.nextReady(now);
      const peeked = step.kind === "peek" ? queue.peek(now) : undefined;
      const out = queue.dequeue(now);
      if (step.kind === "peek") expect(out).toBe(peeked);
      if (ready > now) expect(out).toBeUndefined();
      if (out !== undefined) left.push(out);
      // Nothing now: then there is nothing, or the time when there will be is known and lies ahead.
      else if (queue.packets > 0) expect(queue.nextReady(now)).toBeGreaterThan(now);
      else expect(queue.nextReady(now)).toBe(Infinity);
    }
    const gone = new Set([...left, ...access.dropped.map(({ item: one }) => one)]);
    expect(gone.size, "each item leaves once").toBe(left.length + access.dropped.length);
    const held = entered.filter((one) => !gone.has(one));
    expect(queue.packets).toBe(held.length);
    expect(queue.bytes).toBe(held.reduce((sum, one) => sum + one.length, 0));
  }
  const { stats } = queue;
  expect([stats.qlen, stats.backlog, stats.packets, stats.bytes, stats.drops]).toEqual([
    queue.packets,
    queue.bytes,
    left.length,
    left.reduce((sum, one) => sum + one.length, 0),
    access.dropped.length,
  ]);
  for (let flow = 0; flow < 10; flow++) {
    const order = left.filter((one) => one.flow === flow).map((one) => position.get(one) as number);
    expect(order, `flow ${flow} in order`).toEqual([...order].sort((a, b) => a - b));
  }
  return [
    ...left.map((one) => `out ${position.get(one)} ${one.ce}`),
    ...access.dropped.map(({ item: one, reason }) => `drop ${position.get(one)} ${reason}`),
    JSON.stringify(stats),
  ];
}
