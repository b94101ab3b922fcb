import { createRandom, millis, NS_PER_SEC, seconds } from "@seville/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { red, type RedOptions, XMIT_CN, XMIT_DROP } from "../src/index.ts";
import { item, testAccess } from "./items.ts";

const OPTIONS: Omit<RedOptions, "random"> = { min: 5000, max: 15_000, limitBytes: 60_000, probability: 0.1, burst: 10 };

describe("RED: Floyd and Jacobson 1993; sch_red.c", () => {
  test("D1: §4: the average is avg + W (q - avg) at each arrival, W the power of 2 that burst asks for", () => {
    const { queue } = make({ burst: 20, avpkt: 1000 });
    // wanted = 20 + 1 - 5 = 16; (1 - (1-W)^20)/W first reaches 16 at W = 1/64 (15.04 at 1/32, 17.3 at 1/64).
    let average = 0;
    for (let i = 0; i < 30; i++) {
      const backlog = queue.bytes;
      queue.enqueue(item(), 1);
      average = i === 0 ? 0 : average + (backlog - average) / 64;
      expect(queue.stats.qavg).toBeCloseTo(average, 6);
    }
  });

  test("D2: nothing happens while the average is below min", () => {
    const { access, queue } = make();
    for (let i = 0; i < 10_000; i++) {
      queue.enqueue(item(), i);
      if (queue.packets > 4) queue.dequeue(i);
    }
    expect(queue.stats).toMatchObject({ early: 0, marked: 0, overlimits: 0 });
    expect(access.dropped).toEqual([]);
  });

  test("D3: between min and max packets go with the probability of the line, at even distances (§7, method 2)", () => {
    const { access, queue } = make();
    const gaps: number[] = [];
    let [arrivals, since] = [0, 0];
    // The queue is held at 10 000 bytes, half way: Pb = 0.05. Distances are then uniform over 1 to 20.
    for (let i = 0; i < 60_000; i++) {
      const before = access.dropped.length;
      queue.enqueue(item(), i);
      while (queue.bytes > 10_000) queue.dequeue(i);
      if (i < 1000) continue;
      arrivals++;
      since++;
      if (access.dropped.length > before) {
        gaps.push(since);
        since = 0;
      }
    }
    expect(access.dropped.every(({ reason }) => reason === "RED_DROP")).toBe(true);
    expect(Math.max(...gaps.slice(1))).toBeLessThanOrEqual(21);
    expect(gaps.length / arrivals).toBeGreaterThan(0.085);
    expect(gaps.length / arrivals).toBeLessThan(0.105);
  });

  test("D3: packet by packet what red_action of include/net/red.h decides with the same dice", () => {
    const steps = fc.array(fc.record({ arrivals: fc.nat(6), departures: fc.nat(6) }), { maxLength: 300 });
    fc.assert(
      fc.property(steps, fc.nat(), (story, seed) => {
        const { access, queue } = make({ random: createRandom(seed), burst: 6 });
        const dice = createRandom(seed);
        const { min, max } = OPTIONS;
        let [count, draw, average] = [-1, 0, 0];
        const lost: number[] = [];
        for (const { arrivals, departures } of story) {
          for (let i = 0; i < arrivals; i++) {
            const one = item();
            // Time stands still, so that an idle queue keeps its average.
            if (queue.packets > 0) average += weightOf(6) * (queue.bytes - average);
            queue.enqueue(one, 0);
            if (average < min) count = -1;
            else if (average >= max) {
              count = -1;
              lost.push(one.id);
            } else if (++count === 0) draw = dice.float();
            else if ((0.1 * (average - min) * count) / (max - min) >= draw) {
              count = 0;
              draw = dice.float();
              lost.push(one.id);
            }
          }
          for (let i = 0; i < departures; i++) queue.dequeue(0);
        }
        expect(access.droppedIds).toEqual(lost);
      }),
    );
  });

  test("D4: above max everything goes, unless ECN can tell instead; harddrop overrules that", () => {
    const plain = make();
    overload(plain);
    const before = plain.queue.stats.early;
    expect(plain.queue.enqueue(item({ ect: true }), 1)).toBe(XMIT_CN);
    expect(plain.queue.stats.early).toBe(before + 1);

    const marking = make({ ecn: true });
    overload(marking);
    const marked = item({ ect: true });
    marking.queue.enqueue(marked, 1);
    expect(marked.ce).toBe(true);

    const hard = make({ ecn: true, harddrop: true });
    overload(hard);
    const dropped = item({ ect: true });
    expect(hard.queue.enqueue(dropped, 1)).toBe(XMIT_CN);
    expect([dropped.ce, hard.access.droppedIds.at(-1)]).toEqual([false, dropped.id]);
  });

  test("D5: gentle: twice max is where everything goes", () => {
    const { access, queue } = make({ gentle: true });
    let arrivals = 0;
    for (let i = 0; i < 20_000; i++) {
      queue.enqueue(item(), i);
      while (queue.bytes > 22_500) queue.dequeue(i);
      arrivals++;
    }
    // Half way between max and 2 max: Pb = 0.55, so distances of 1 and 2; the plain variant would drop all.
    const share = access.dropped.length / arrivals;
    expect(share).toBeGreaterThan(0.4);
    expect(share).toBeLessThan(0.95);
  });

  test("D6: the hard limit is counted apart (pdrop)", () => {
    const { access, queue } = make({ burst: 60, limitBytes: 16_000 });
    let result = 0;
    for (let i = 0; i < 17; i++) result = queue.enqueue(item(), 0);
    expect(result).toBe(XMIT_DROP);
    expect(access.dropped.at(-1)?.reason).toBe("QDISC_OVERLIMIT");
    expect(queue.stats).toMatchObject({ pdrop: 1, early: 0, qlen: 16 });
  });

  test("D7: §4: an idle link ages the average as if it had sent small packets all the while", () => {
    const { queue } = make({ bandwidth: 8_000_000, avpkt: 1000 });
    overload({ queue });
    const before = queue.stats.qavg;
    while (queue.dequeue(millis(5)) !== undefined);
    // Asking an empty queue again does not begin a new silence.
    queue.dequeue(millis(20));
    // 8 Mbit/s send 1000 bytes a millisecond: 30 ms are 30 packets of nothing; W is 1/8 for burst 10.
    queue.enqueue(item(), millis(35));
    expect(queue.stats.qavg / before).toBeCloseTo((1 - weightOf(10)) ** 30, 6);
  });

  test("D8: adaptive: the probability rises while the average is high and falls while it is low, within its bounds", () => {
    const { queue } = make({ adaptive: true, probability: 0.02, max: 30_000, limitBytes: 100_000 });
    const probabilities: number[] = [];
    for (let now = 0; now < seconds(60); now += millis(10)) {
      queue.enqueue(item(), now);
      queue.enqueue(item(), now);
      while (queue.bytes > (now < seconds(30) ? 25_000 : 6_000)) queue.dequeue(now);
      probabilities.push(queue.stats.probability);
    }
    const half = probabilities.length / 2;
    expect(probabilities[half - 1]).toBeGreaterThan(0.3);
    expect(Math.max(...probabilities)).toBeLessThanOrEqual(0.51);
    expect(probabilities.at(-1)).toBeLessThan(0.05);
    // The first step up from 0.02 is a quarter of it, at half a second.
    expect(probabilities[60]).toBeCloseTo(0.025, 9);
  });

  test("D8: in the middle, from 2/5 to 3/5 of the way from min to max, the probability stays as it is", () => {
    const heldAt = (bytes: number): number => {
      const { queue } = make({ adaptive: true, probability: 0.1 });
      for (let now = 0; now < seconds(5); now += millis(1)) {
        queue.enqueue(item({ length: 500 }), now);
        while (queue.bytes > bytes) queue.dequeue(now);
      }
      return queue.stats.probability;
    };
    expect(heldAt(10_000)).toBe(0.1);
    expect(heldAt(11_800)).toBeGreaterThan(0.15);
    expect(heldAt(8_200)).toBeLessThan(0.07);
  });

  test("D8: a silence of a year costs no more than one of a minute", () => {
    const { queue } = make({ adaptive: true, probability: 0.5 });
    queue.enqueue(item(), 0);
    queue.dequeue(1);
    queue.enqueue(item(), 90 * 86_400 * NS_PER_SEC);
    expect(queue.stats.probability).toBeLessThan(0.0101);
  });

  test("D9: what cannot work is refused", () => {
    expect(() => make({ max: 5000 })).toThrow(/^max/);
    expect(() => make({ limitBytes: 15_000 })).toThrow(/^limitBytes/);
    expect(() => make({ burst: 3 })).toThrow(/^burst/);
    expect(() => make({ probability: 0 })).toThrow(/^probability/);
    expect(() => make({ min: -1 })).toThrow(/^min/);
  });
});

function make(options: Partial<RedOptions> = {}) {
  const access = testAccess();
  return { access, queue: red(access, { ...OPTIONS, random: createRandom("red"), ...options }) };
}

/** Keeps 20 000 bytes in the queue until the average is above max. */
function overload({ queue }: { queue: ReturnType<typeof make>["queue"] }): void {
  for (let i = 0; i < 3000; i++) {
    queue.enqueue(item({ ect: true }), 0);
    while (queue.bytes > 20_000) queue.dequeue(0);
  }
  expect(queue.stats.qavg).toBeGreaterThan(14_000);
}

/** The weight that tc(8) chooses for min 5000, avpkt 1000. */
function weightOf(burst: number): number {
  for (let wlog = 1; ; wlog++) {
    const weight = 2 ** -wlog;
    if (burst + 1 - 5 <= (1 - (1 - weight) ** burst) / weight) return weight;
  }
}
