import { createRandom, micros, millis, NS_PER_SEC, seconds, serialisationDelay } from "@seville/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { codel } from "../src/index.ts";
import { CodelModel } from "./codel-model.ts";
import { type Item, item, testAccess } from "./items.ts";

describe("CoDel: RFC 8289", () => {
  const story = fc.array(
    fc.record({
      gap: fc.integer({ min: 0, max: 3000 }),
      send: fc.boolean(),
      length: fc.integer({ min: 40, max: 1514 }),
      ect: fc.boolean(),
    }),
    { maxLength: 500 },
  );

  test.each([false, true])("K1: §5: item by item what the RFC's pseudo-code does, ecn %s", (ecn) => {
    fc.assert(
      fc.property(story, (steps) => {
        const access = testAccess();
        const [target, interval] = [millis(2), millis(20)];
        const queue = codel(access, { target, interval, ecn, limitPackets: 1e6 });
        const model = new CodelModel(target, interval, 1514, ecn);
        const twins = new Map<Item, Item>();
        let now = NS_PER_SEC;
        for (const { gap, send, length, ect } of steps) {
          now += micros(gap);
          if (send) {
            const one = item({ length, ect });
            const twin = { ...one };
            twins.set(one, twin);
            queue.enqueue(one, now);
            model.enque(twin, now);
            continue;
          }
          const out = queue.dequeue(now);
          expect(out).toEqual(model.deque(now));
          expect(out && twins.get(out)).toEqual(out);
        }
        expect(access.droppedIds).toEqual(model.dropped.map(({ id }) => id));
        const { count, lastcount, dropping } = queue.stats;
        expect([count, lastcount, dropping]).toEqual([model.count_, model.lastcount_, model.dropping_]);
      }),
      { numRuns: 150 },
    );
  });

  test("K1: and over spells of overload, where drops become dense", () => {
    const access = testAccess();
    const queue = codel(access, { limitPackets: 1e6 });
    const model = new CodelModel(millis(5), millis(100), 1514, false);
    for (let now = 0; now < seconds(40); now += millis(1)) {
      const overload = now % seconds(10) < seconds(5);
      for (let i = 0; i < (overload ? 2 : 1); i++) {
        const one = item({ length: 1000 });
        queue.enqueue(one, now);
        model.enque(one, now);
      }
      if (queue.dequeue(now) !== model.deque(now)) expect.fail(`at ${now}`);
    }
    expect(access.droppedIds).toEqual(model.dropped.map(({ id }) => id));
    expect(access.droppedIds.length).toBeGreaterThan(500);
  });

  test("K1: and over spells and pauses of all lengths: re-entry with the old drop rate (16 intervals), a backlog of exactly one MTU", () => {
    const random = createRandom("codel spells");
    const [target, interval, mtu] = [millis(1), millis(10), 1514];
    for (let round = 0; round < 10; round++) {
      const access = testAccess();
      const queue = codel(access, { target, interval, mtu, limitPackets: 1e6 });
      const model = new CodelModel(target, interval, mtu, false);
      let now = 0;
      for (let spell = 0; spell < 12; spell++) {
        const end = now + random.below(12 * interval);
        // Two frames of half an MTU come for each that goes; then the queue drains and rests.
        for (; now < end; now += millis(0.5)) {
          for (let i = 0; i < 2; i++) {
            const one = item({ length: mtu / 2 });
            queue.enqueue(one, now);
            model.enque(one, now);
          }
          if (queue.dequeue(now) !== model.deque(now)) expect.fail(`at ${now}`);
        }
        const rest = now + random.below(24 * interval);
        for (; model.queue.length > 0 && now < rest; now += millis(0.25))
          if (queue.dequeue(now) !== model.deque(now)) expect.fail(`at ${now}`);
        now = rest;
      }
      expect(access.droppedIds).toEqual(model.dropped.map(({ id }) => id));
      expect(queue.stats.count).toBe(model.count_);
    }
  });

  test("K2: §5.3: no drop before the delay has been above target for a whole interval", () => {
    const { access, queue } = standing();
    for (let t = 0; t < 100; t++) queue.dequeue(millis(10 + t));
    expect(access.dropped).toEqual([]);
    queue.dequeue(millis(110));
    expect(access.dropped.map(({ reason }) => reason)).toEqual(["CODEL_DROP"]);
  });

  test("K3: the control law: the n-th drop follows the one before it by interval/sqrt(n)", () => {
    const { access, queue } = standing();
    const times: number[] = [];
    for (let now = millis(10); times.length < 20; now += micros(10)) {
      const before = access.dropped.length;
      // Everything waits far too long, and one at a time leaves.
      queue.enqueue(item(), now - millis(10));
      queue.dequeue(now);
      if (access.dropped.length > before) times.push(now);
    }
    const first = times[0] as number;
    let expected = first + millis(100);
    for (let n = 2; n <= 20; n++) {
      expect(Math.abs((times[n - 1] as number) - expected), `drop ${n}`).toBeLessThanOrEqual(micros(10) + n);
      expected += millis(100) / Math.sqrt(n);
    }
  });

  test("K4: a queue of no more than one MTU is never judged, however old (bytes() <= maxpacket)", () => {
    const access = testAccess();
    const queue = codel(access, { mtu: 1514 });
    for (let t = 0; t < 50; t++) {
      queue.enqueue(item({ length: 1514 }), seconds(t));
      queue.enqueue(item({ length: 1514 }), seconds(t));
      queue.dequeue(seconds(t + 1));
      queue.dequeue(seconds(t + 1));
    }
    expect(access.dropped).toEqual([]);
  });

  test("K5: ECN-capable packets are marked and delivered, others dropped", () => {
    const { access, queue } = standing({ ecn: true }, { ect: true });
    const out: (Item | undefined)[] = [];
    for (let t = 10; t < 400; t++) out.push(queue.dequeue(millis(t)));
    expect(access.dropped).toEqual([]);
    expect(out.every((one) => one !== undefined)).toBe(true);
    const marks = out.filter((one) => one?.ce).length;
    expect(marks).toBeGreaterThan(3);
    expect(queue.stats).toMatchObject({ ecn_mark: marks, drops: 0 });
  });

  test("K6: ce_threshold marks every ECN-capable packet that waited longer, dropping or not", () => {
    const access = testAccess();
    const queue = codel(access, { ceThreshold: millis(1) });
    const [early, late, other] = [item({ ect: true }), item({ ect: true }), item()];
    for (const one of [early, late, other]) queue.enqueue(one, 0);
    queue.dequeue(millis(1));
    queue.dequeue(millis(1) + 1);
    queue.dequeue(millis(2));
    expect([early.ce, late.ce, other.ce]).toEqual([false, true, false]);
    expect(queue.stats).toMatchObject({ ce_mark: 1, ecn_mark: 0, ldelay: millis(2), maxpacket: 1000 });
  });

  test("K7: the limit drops the newcomer and is counted apart", () => {
    const access = testAccess();
    const queue = codel(access, { limitPackets: 2 });
    for (let i = 0; i < 5; i++) queue.enqueue(item(), 0);
    expect(queue.stats).toMatchObject({ drops: 3, drop_overlimit: 3, qlen: 2, backlog: 2000 });
    expect(access.dropped.every(({ reason }) => reason === "QDISC_OVERLIMIT")).toBe(true);
  });

  test("K8: a sender that halves its window at each drop settles near the target delay (§4.4)", () => {
    // A fluid TCP over a 10 Mbit/s link with 50 ms of round trip: one window in flight, halved at most once a round trip.
    const access = testAccess();
    const queue = codel(access);
    const packetTime = serialisationDelay(8000, 10e6);
    const rtt = millis(50);
    let [window, inFlight, nextHalving, seen] = [20, 0, 0, 0];
    const arrivals: number[] = [];
    const delays: number[] = [];
    for (let now = 0; now < seconds(60); now += packetTime) {
      while ((arrivals[0] ?? Infinity) <= now) {
        arrivals.shift();
        inFlight--;
        window += 1 / window;
      }
      for (; inFlight < Math.floor(window); inFlight++) queue.enqueue(item({ length: 1000 }), now);
      const out = queue.dequeue(now);
      if (out !== undefined) arrivals.push(now + rtt);
      const losses = access.dropped.length - seen;
      seen = access.dropped.length;
      inFlight -= losses;
      if (losses > 0 && now >= nextHalving) {
        window = Math.max(2, window / 2);
        nextHalving = now + rtt;
      }
      if (now > seconds(10)) delays.push(queue.stats.ldelay);
    }
    delays.sort((a, b) => a - b);
    expect(delays[Math.floor(delays.length / 2)]).toBeLessThan(millis(15));
    expect(queue.stats.bytes * 8).toBeGreaterThan(0.8 * 60 * 10e6);
  });

  test("K9: parameters that make no sense are refused", () => {
    expect(() => codel(testAccess(), { target: 0 })).toThrow(/^target/);
    expect(() => codel(testAccess(), { interval: NaN })).toThrow(/^interval/);
    expect(() => codel(testAccess(), { limitPackets: 0.5 })).toThrow(/^limitPackets/);
    expect(() => codel(testAccess(), { ceThreshold: -1 })).toThrow(/^ceThreshold/);
    expect(() => codel(testAccess(), { mtu: 0 })).toThrow(/^mtu/);
  });
});

/** A queue of 1000 items that all came at time 0. */
function standing(options: Parameters<typeof codel>[1] = {}, fields: Partial<Item> = {}) {
  const access = testAccess();
  const queue = codel(access, { limitPackets: 1e6, ...options });
  for (let i = 0; i < 1000; i++) queue.enqueue(item(fields), 0);
  return { access, queue };
}
