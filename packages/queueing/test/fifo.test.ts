import { describe, expect, test } from "vitest";
import { fifo, prio, XMIT_CN, XMIT_DROP, XMIT_SUCCESS } from "../src/index.ts";
import { item, testAccess } from "./items.ts";

describe("F: fifo (sch_fifo.c)", () => {
  test("F1: a full queue drops the newcomer, by packets", () => {
    const access = testAccess();
    const queue = fifo(access, { limitPackets: 2 });
    const [a, b, c] = [item(), item(), item()];
    expect([a, b, c].map((one) => queue.enqueue(one, 0))).toEqual([XMIT_SUCCESS, XMIT_SUCCESS, XMIT_DROP]);
    expect(access.dropped).toEqual([{ item: c, reason: "QDISC_OVERLIMIT" }]);
    expect([queue.dequeue(1), queue.dequeue(1), queue.dequeue(1)]).toEqual([a, b, undefined]);
  });

  test("F1: by bytes, to the byte", () => {
    const queue = fifo(testAccess(), { limitBytes: 1500 });
    expect(queue.enqueue(item({ length: 1000 }), 0)).toBe(XMIT_SUCCESS);
    expect(queue.enqueue(item({ length: 501 }), 0)).toBe(XMIT_DROP);
    expect(queue.enqueue(item({ length: 500 }), 0)).toBe(XMIT_SUCCESS);
    expect(queue.bytes).toBe(1500);
  });

  test("F2: head drop gives the oldest up, as many as it takes", () => {
    const access = testAccess();
    const queue = fifo(access, { limitBytes: 1500, drop: "head" });
    const [a, b, c] = [item({ length: 700 }), item({ length: 700 }), item({ length: 1400 })];
    expect([a, b, c].map((one) => queue.enqueue(one, 0))).toEqual([XMIT_SUCCESS, XMIT_SUCCESS, XMIT_CN]);
    expect(access.droppedIds).toEqual([a.id, b.id]);
    expect(queue.dequeue(0)).toBe(c);
  });

  test("F2: what is larger than the whole queue is dropped itself", () => {
    const access = testAccess();
    const queue = fifo(access, { limitBytes: 1000, drop: "head" });
    const giant = item({ length: 1001 });
    expect(queue.enqueue(giant, 0)).toBe(XMIT_DROP);
    expect(access.droppedIds).toEqual([giant.id]);
  });

  test("F2: head drop may give up an item that was peeked at (qdisc_peek_head chooses nothing)", () => {
    const access = testAccess();
    const queue = fifo(access, { limitPackets: 2, drop: "head" });
    const [a, b, c] = [item(), item(), item()];
    queue.enqueue(a, 0);
    queue.enqueue(b, 0);
    expect([queue.peek(0), queue.packets]).toEqual([a, 2]);
    queue.enqueue(c, 0);
    expect([access.droppedIds, queue.peek(0), queue.dequeue(0)]).toEqual([[a.id], b, b]);
  });

  test("F3: without limits it holds everything, in order, however much comes", () => {
    const queue = fifo(testAccess());
    const items = Array.from({ length: 10_000 }, (_, i) => item({ length: 60 + (i % 1400) }));
    for (const one of items) queue.enqueue(one, 0);
    expect(items.map(() => queue.dequeue(1))).toEqual(items);
  });

  test("F4: limits that make no sense are refused", () => {
    for (const limit of [0, -1, NaN]) {
      expect(() => fifo(testAccess(), { limitPackets: limit })).toThrow(/^limitPackets/);
      expect(() => fifo(testAccess(), { limitBytes: limit })).toThrow(/^limitBytes/);
    }
  });
});

describe("P: prio (sch_prio.c)", () => {
  test("P1: a band goes only when those before it are empty", () => {
    const access = testAccess();
    const queue = prio(access, { bands: [fifo(access), fifo(access)], classify: (one) => one.flow });
    const [bulk1, bulk2, urgent] = [item({ flow: 1 }), item({ flow: 1 }), item({ flow: 0 })];
    queue.enqueue(bulk1, 0);
    queue.enqueue(bulk2, 0);
    expect(queue.dequeue(0)).toBe(bulk1);
    queue.enqueue(urgent, 0);
    expect([queue.dequeue(0), queue.dequeue(0)]).toEqual([urgent, bulk2]);
  });

  test("P2: a band that there is not is the caller's mistake", () => {
    const access = testAccess();
    const queue = prio(access, { bands: [fifo(access)], classify: () => 3 });
    expect(() => queue.enqueue(item(), 0)).toThrow(/^classify must be an index of one of 1 bands; received 3/);
    expect(() => prio(access, { bands: [], classify: () => 0 })).toThrow(/^bands/);
  });
});
