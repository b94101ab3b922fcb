import { micros, millis, NS_PER_SEC, seconds } from "@seville/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fqCodel, type FqCodelOptions, XMIT_CN, XMIT_SUCCESS } from "../src/index.ts";
import { FqCodelModel } from "./fq-codel-model.ts";
import { type Item, item, testAccess } from "./items.ts";

describe("FQ-CoDel: RFC 8290", () => {
  test("L1: §4: item by item what a naive model of the text does", () => {
    const step = fc.record({
      gap: fc.integer({ min: 0, max: 3000 }),
      send: fc.integer({ min: 0, max: 2 }),
      flow: fc.nat(5),
      length: fc.oneof(fc.integer({ min: 40, max: 1514 }), fc.constantFrom(300, 600)),
      ect: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 600, size: "max" }), fc.integer({ min: 5, max: 300 }), (steps, limit) => {
        const access = testAccess();
        const [flows, quantum, batch, target, interval] = [8, 600, 4, millis(2), millis(20)];
        const queue = fqCodel(access, { flows, quantum, limitPackets: limit, dropBatch: batch, target, interval });
        const model = new FqCodelModel(flows, quantum, limit, batch, target, interval);
        let now = NS_PER_SEC;
        for (const { gap, send, flow, length, ect } of steps) {
          now += micros(gap);
          if (send > 0) {
            const one = item({ flow, length, ect });
            queue.enqueue(one, now);
            model.enqueue({ ...one }, access.flowHash?.(one) ?? 0, now);
          } else expect(queue.dequeue(now)).toEqual(model.dequeue(now));
        }
        expect(new Set(access.droppedIds)).toEqual(new Set(model.dropped().map(({ id }) => id)));
        expect(queue.stats).toMatchObject({
          drop_overlimit: model.overlimit.length,
          new_flows_len: model.newList.length,
          old_flows_len: model.oldList.length,
        });
      }),
      { numRuns: 100 },
    );
  });

  test("L2: §4.2: busy flows share by bytes, whatever their packets' size (deficit round robin)", () => {
    const { queue } = make({ quantum: 1514 });
    for (let i = 0; i < 4000; i++) queue.enqueue(item({ flow: 1, length: 100 }), 0);
    for (let i = 0; i < 400; i++) queue.enqueue(item({ flow: 2, length: 1400 }), 0);
    const bytes = [0, 0, 0];
    for (let i = 0; i < 1500; i++) {
      const out = queue.dequeue(1) as Item;
      bytes[out.flow] = (bytes[out.flow] as number) + out.length;
    }
    expect(Math.abs((bytes[1] as number) - (bytes[2] as number))).toBeLessThanOrEqual(2 * 1514);
  });

  test("L3: §4.2: a sparse flow's packet overtakes a standing queue", () => {
    const { queue } = make();
    for (let i = 0; i < 100; i++) queue.enqueue(item({ flow: 1 }), 0);
    for (let i = 0; i < 5; i++) queue.dequeue(1);
    const sparse = item({ flow: 2 });
    queue.enqueue(sparse, 2);
    expect(queue.dequeue(3)).toBe(sparse);
    expect(queue.stats.new_flow_count).toBe(2);
  });

  test("L4: §4.2: an emptied new flow visits the old list before it is new again: it cannot starve the others", () => {
    const { queue } = make();
    for (let i = 0; i < 100; i++) queue.enqueue(item({ flow: 1 }), 0);
    const served = [0, 0, 0];
    for (let i = 0; i < 60; i++) {
      // Flow 2 always has exactly one packet ready.
      if (i > 0) queue.enqueue(item({ flow: 2 }), i);
      const out = queue.dequeue(i) as Item;
      served[out.flow] = (served[out.flow] as number) + 1;
    }
    expect(served[1]).toBeGreaterThan(20);
  });

  test("L5: §4.1: over the limit the fattest flow loses half its bytes, from the head, up to the batch", () => {
    const { access, queue } = make({ limitPackets: 100, dropBatch: 64 });
    const fat = Array.from({ length: 90 }, () => item({ flow: 1 }));
    for (const one of fat) queue.enqueue(one, 0);
    for (let i = 0; i < 10; i++) queue.enqueue(item({ flow: 2 }), 0);
    expect(queue.enqueue(item({ flow: 3 }), 0)).toBe(XMIT_SUCCESS);
    expect(access.droppedIds).toEqual(fat.slice(0, 45).map(({ id }) => id));
    expect(access.dropped.every(({ reason }) => reason === "QDISC_OVERLIMIT")).toBe(true);
    expect(queue.stats).toMatchObject({ drops: 45, drop_overlimit: 45, drop_overmemory: 0 });
  });

  test("L5: never more than the batch, and the fat flow's own sender is told (NET_XMIT_CN)", () => {
    const { access, queue } = make({ limitPackets: 100, dropBatch: 8 });
    const results = Array.from({ length: 101 }, () => queue.enqueue(item({ flow: 1 }), 0));
    expect(results.at(-1)).toBe(XMIT_CN);
    expect(access.dropped.length).toBe(8);
  });

  test("L5: the flow that was cut is signalled harder from then on: its CoDel counts those drops", () => {
    const { access, queue } = make({ limitPackets: 400, dropBatch: 50 });
    const drops: number[] = [];
    for (let now = millis(1); drops.length < 4; now += micros(100)) {
      queue.enqueue(item(), now);
      // CoDel has dropped once: now the limit is exceeded once too.
      for (let i = 0; drops.length === 1 && queue.stats.drop_overlimit === 0; i++) queue.enqueue(item(), now);
      const before = queue.stats.drops;
      queue.dequeue(now);
      if (queue.packets < 300) for (let i = 0; i < 50; i++) queue.enqueue(item(), now);
      if (queue.stats.drops > before) drops.push(now);
    }
    expect(access.dropped.filter(({ reason }) => reason === "QDISC_OVERLIMIT").length).toBe(50);
    // 100 ms after the first; then interval / sqrt(2 + 50), not / sqrt(2).
    expect(((drops[2] as number) - (drops[1] as number)) / millis(100 / Math.sqrt(52))).toBeCloseTo(1, 1);
  });

  test("L6: the memory limit counts what items hold, not their length", () => {
    const access = { ...testAccess(), memory: () => 2304 };
    const queue = fqCodel(access, { memoryLimit: 10 * 2304 });
    for (let i = 0; i < 10; i++) queue.enqueue(item({ length: 60 }), 0);
    expect(queue.stats).toMatchObject({ memory_usage: 23_040, drop_overmemory: 0 });
    queue.enqueue(item({ length: 60 }), 0);
    expect(queue.stats.drop_overmemory).toBe(6);
    expect(queue.stats.memory_usage).toBe(5 * 2304);
  });

  test("L7: §5.2: each flow has its own CoDel: the flow that keeps within its share loses nothing", () => {
    const { access, queue } = make();
    const lost = [0, 0, 0];
    for (let now = 0; now < seconds(20); now += millis(1)) {
      // One packet a millisecond goes out; flow 1 offers one, flow 2 a fifth of one.
      queue.enqueue(item({ flow: 1 }), now);
      if (now % millis(5) === 0) queue.enqueue(item({ flow: 2 }), now);
      queue.dequeue(now);
    }
    for (const { item: one } of access.dropped) lost[one.flow] = (lost[one.flow] as number) + 1;
    expect(lost[1]).toBeGreaterThan(50);
    expect(lost[2]).toBe(0);
    expect(access.dropped.every(({ reason }) => reason === "FQ_CODEL_DROP")).toBe(true);
  });

  test("L8: ECN is on by default, as in Linux", () => {
    const { access, queue } = make();
    for (let i = 0; i < 1000; i++) queue.enqueue(item({ ect: true }), 0);
    for (let t = 10; t < 300; t++) queue.dequeue(millis(t));
    expect(access.dropped).toEqual([]);
    expect(queue.stats.ecn_mark).toBeGreaterThan(2);
  });

  test("L9: what it needs and cannot take is said", () => {
    const access = testAccess();
    expect(() => fqCodel({ length: () => 1, onDrop: () => undefined })).toThrow(/^access.flowHash/);
    expect(() => fqCodel(access, { flows: 65_537 })).toThrow(/^flows/);
    expect(() => fqCodel(access, { quantum: 0 })).toThrow(/^quantum/);
    expect(() => fqCodel(access, { dropBatch: 0 })).toThrow(/^dropBatch/);
    expect(() => fqCodel(access, { memoryLimit: -1 })).toThrow(/^memoryLimit/);
  });
});

function make(options: FqCodelOptions = {}) {
  const access = testAccess();
  return { access, queue: fqCodel(access, options) };
}
