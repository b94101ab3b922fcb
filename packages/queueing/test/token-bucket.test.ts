import { micros, millis, NS_PER_SEC, seconds } from "@seville/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { excessRateMeter, policeMeter, policer, tokenBucket, trTcm, XMIT_DROP } from "../src/index.ts";
import { item, testAccess } from "./items.ts";

describe("token bucket (sch_tbf.c)", () => {
  test("B1: a full bucket lets its burst out at once, then the rate, to the nanosecond", () => {
    const queue = tokenBucket(testAccess(), { rate: 8e6, burst: 3000, limitBytes: 1e6 });
    for (let i = 0; i < 10; i++) queue.enqueue(item({ length: 1000 }), 0);
    const times: number[] = [];
    for (let now = 0; now !== Infinity; now = queue.nextReady(now)) {
      while (queue.dequeue(now) !== undefined) times.push(now);
    }
    // 1000 bytes at 8 Mbit/s take 1 ms.
    expect(times).toEqual([0, 0, 0, 1, 2, 3, 4, 5, 6, 7].map(millis));
  });

  test("B2: over any stretch no more than burst + rate * time (the definition in sch_tbf.c), and not much less", () => {
    const lengths = fc.array(fc.integer({ min: 40, max: 1500 }), { minLength: 20, maxLength: 200 });
    fc.assert(
      fc.property(lengths, fc.integer({ min: 100_000, max: 100_000_000 }), (all, rate) => {
        const queue = tokenBucket(testAccess(), { rate, burst: 2000, limitBytes: 1e9 });
        for (const length of all) queue.enqueue(item({ length }), 0);
        const sent: { at: number; length: number }[] = [];
        for (let now = 0; now !== Infinity; now = queue.nextReady(now)) {
          for (let out = queue.dequeue(now); out !== undefined; out = queue.dequeue(now))
            sent.push({ at: now, length: out.length });
        }
        expect(sent.map(({ length }) => length)).toEqual(all);
        for (let i = 0; i < sent.length; i += 7) {
          let bytes = 0;
          for (let k = i; k < sent.length; k++) {
            bytes += sent[k]!.length;
            expect(bytes).toBeLessThanOrEqual(2000 + (rate * (sent[k]!.at - sent[i]!.at)) / (8 * NS_PER_SEC) + 1e-6);
          }
        }
        const total = all.reduce((sum, length) => sum + length, 0);
        const ideal = Math.max(0, ((total - 2000) * 8 * NS_PER_SEC) / rate);
        expect(sent.at(-1)!.at - ideal).toBeLessThanOrEqual(sent.length);
      }),
      { numRuns: 40 },
    );
  });

  test("B3: the peak rate spaces the burst", () => {
    const queue = tokenBucket(testAccess(), { rate: 8e6, burst: 4000, peakrate: 80e6, mtu: 1000, limitBytes: 1e6 });
    for (let i = 0; i < 6; i++) queue.enqueue(item({ length: 1000 }), 0);
    const times: number[] = [];
    for (let now = 0; now !== Infinity; now = queue.nextReady(now)) {
      while (queue.dequeue(now) !== undefined) times.push(now);
    }
    // 0.1 ms apart at the peak rate, while the tokens of the burst last; they gain 0.1 ms worth per packet.
    expect(times.slice(0, 4)).toEqual([0, 100, 200, 300].map(micros));
    expect(times.slice(4)).toEqual([millis(1), millis(2)]);
  });

  test("B4: what is larger than the bucket never fits and is dropped on arrival", () => {
    const access = testAccess();
    const queue = tokenBucket(access, { rate: 8e6, burst: 1000, limitBytes: 1e6 });
    expect(queue.enqueue(item({ length: 1001 }), 0)).toBe(XMIT_DROP);
    expect(access.dropped[0]?.reason).toBe("PKT_TOO_BIG");
    expect(queue.enqueue(item({ length: 1000 }), 0)).toBe(0);
  });

  test("B5: latency becomes a limit as tc(8) computes it: rate * latency + burst", () => {
    const access = testAccess();
    const queue = tokenBucket(access, { rate: 8e6, burst: 2000, latency: millis(3) });
    for (let i = 0; i < 10; i++) queue.enqueue(item({ length: 1000 }), 0);
    expect([queue.packets, access.dropped.length, queue.stats.drops]).toEqual([5, 5, 5]);
  });

  test("B6: waiting is counted as overlimits, and clear fills the bucket", () => {
    const queue = tokenBucket(testAccess(), { rate: 8e6, burst: 1000, limitBytes: 1e6 });
    for (let i = 0; i < 3; i++) queue.enqueue(item({ length: 1000 }), 0);
    queue.dequeue(0);
    expect([queue.dequeue(10), queue.nextReady(10), queue.stats.overlimits]).toEqual([undefined, millis(1), 1]);
    queue.clear("LINK_DOWN", 20);
    queue.enqueue(item({ length: 1000 }), 20);
    expect(queue.dequeue(20)).toMatchObject({ length: 1000 });
  });

  test("B7: what is missing or contradictory is said", () => {
    const access = testAccess();
    expect(() => tokenBucket(access, { rate: 0, burst: 1, limitBytes: 1 })).toThrow(/^rate/);
    expect(() => tokenBucket(access, { rate: 1, burst: 1 })).toThrow(/^limitBytes must be given, or latency, or child/);
    expect(() => tokenBucket(access, { rate: 9, burst: 1, limitBytes: 1, peakrate: 9, mtu: 1 })).toThrow(/^peakrate/);
    expect(() => tokenBucket(access, { rate: 9, burst: 1, limitBytes: 1, peakrate: 10 })).toThrow(/^mtu/);
  });
});

describe("meters", () => {
  test("M1: tc police: conforming bytes never exceed burst + rate * time; an oversize packet takes no tokens", () => {
    const meter = policeMeter({ rate: 8e6, burst: 2000, mtu: 1500 });
    expect([1000, 1000, 1000].map((length) => meter.colour(length, 0))).toEqual(["green", "green", "red"]);
    expect(meter.colour(1000, millis(1) - 1)).toBe("red");
    expect(meter.colour(1501, millis(5))).toBe("red");
    expect([meter.colour(1000, millis(5)), meter.colour(1000, millis(5)), meter.colour(1, millis(5))]).toEqual([
      "green",
      "green",
      "red",
    ]);
  });

  test("M1: with a peak rate a burst is spaced", () => {
    const meter = policeMeter({ rate: 8e6, burst: 10_000, peakrate: 80e6, mtu: 1000 });
    expect([0, 0, micros(50), micros(100)].map((now) => meter.colour(1000, now))).toEqual([
      "green",
      "red",
      "red",
      "green",
    ]);
  });

  const traffic = fc.array(
    fc.record({
      gap: fc.nat(2_000_000),
      length: fc.integer({ min: 1, max: 1500 }),
      incoming: fc.constantFrom("green", "yellow", "red"),
    }),
    { maxLength: 200 },
  );

  test("M2: RFC 2698 §3.2 and §3.3 against the text with byte counters", () => {
    fc.assert(
      fc.property(traffic, (packets) => {
        const [pir, pbs, cir, cbs] = [16e6, 4000, 8e6, 3000];
        const meter = trTcm({ pir, pbs, cir, cbs });
        let [now, tp, tc] = [0, pbs, cbs];
        for (const { gap, length, incoming } of packets) {
          now += gap;
          tp = Math.min(pbs, tp + (pir * gap) / 8e9);
          tc = Math.min(cbs, tc + (cir * gap) / 8e9);
          // Away from the edge, where the model's rounding could decide.
          if (Math.abs(tp - length) < 1e-6 || Math.abs(tc - length) < 1e-6) return;
          let colour = "green";
          if (incoming === "red" || tp < length) colour = "red";
          else if (incoming === "yellow" || tc < length) {
            colour = "yellow";
            tp -= length;
          } else {
            tp -= length;
            tc -= length;
          }
          expect(meter.colour(length, now, incoming)).toBe(colour);
        }
      }),
    );
  });

  test("M3: RFC 4115 §3 against the text with byte counters", () => {
    fc.assert(
      fc.property(traffic, (packets) => {
        const [cir, cbs, eir, ebs] = [8e6, 3000, 4e6, 2000];
        const meter = excessRateMeter({ cir, cbs, eir, ebs });
        let [now, tc, te] = [0, cbs, ebs];
        for (const { gap, length, incoming } of packets) {
          now += gap;
          tc = Math.min(cbs, tc + (cir * gap) / 8e9);
          te = Math.min(ebs, te + (eir * gap) / 8e9);
          if (Math.abs(tc - length) < 1e-6 || Math.abs(te - length) < 1e-6) return;
          let colour = "red";
          if (incoming === "green" && tc >= length) {
            colour = "green";
            tc -= length;
          } else if (incoming !== "red" && te >= length) {
            colour = "yellow";
            te -= length;
          }
          expect(meter.colour(length, now, incoming)).toBe(colour);
        }
      }),
    );
  });

  test("M4: without excess rate nothing is yellow; nonsense is refused", () => {
    const meter = excessRateMeter({ cir: 8e6, cbs: 1000, eir: 0, ebs: 0 });
    expect([meter.colour(1000, 0), meter.colour(1000, 0)]).toEqual(["green", "red"]);
    expect(() => trTcm({ pir: 1, pbs: 1, cir: 2, cbs: 1 })).toThrow(/^pir/);
    expect(() => excessRateMeter({ cir: 1, cbs: 0, eir: 0, ebs: 0 })).toThrow(/^cbs/);
    expect(() => excessRateMeter({ cir: 1, cbs: 1, eir: -1, ebs: 0 })).toThrow(/^eir/);
    expect(() => policeMeter({ rate: NaN, burst: 1 })).toThrow(/^rate/);
  });
});

describe("policer", () => {
  test("O1: red is dropped, yellow passes, and all are counted", () => {
    const access = testAccess();
    const police = policer(access, { meter: trTcm({ pir: 8e6, pbs: 2000, cir: 8e6, cbs: 1000 }) });
    expect([0, 0, 0].map(() => police.police(item({ length: 1000 }), 0))).toEqual([true, true, false]);
    expect(access.dropped.map(({ reason }) => reason)).toEqual(["POLICER"]);
    expect(police.stats).toEqual({
      bytes: 3000,
      packets: 3,
      drops: 1,
      overlimits: 2,
      marked: 0,
      green: 1,
      yellow: 1,
      red: 1,
    });
  });

  test("O2: mark marks what is ECN-capable and drops the rest", () => {
    const access = testAccess();
    const police = policer(access, { meter: policeMeter({ rate: 8e6, burst: 1000 }), red: "mark" });
    const [green, marked, lost] = [item(), item({ ect: true }), item()];
    expect([green, marked, lost].map((one) => police.police(one, 0))).toEqual([true, true, false]);
    expect([green.ce, marked.ce, access.droppedIds]).toEqual([false, true, [lost.id]]);
    expect(police.stats).toMatchObject({ marked: 1, drops: 1, overlimits: 2 });
  });

  test("O3: a second of traffic at twice the rate loses half of it, and the burst", () => {
    const police = policer(testAccess(), { meter: policeMeter({ rate: 8e6, burst: 10_000 }) });
    let passed = 0;
    for (let now = 0; now < seconds(1); now += micros(500)) if (police.police(item({ length: 1000 }), now)) passed++;
    expect(passed).toBe(1000 + 10 - 1);
  });
});
