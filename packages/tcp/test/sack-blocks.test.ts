import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createReceiveQueue } from "../src/receive-queue.ts";
import { createSackBlocks, LinuxSackBlocks } from "../src/sack-blocks.ts";
import { FreebsdSackBlocks } from "../src/sack-blocks-freebsd.ts";
import type { SackBlocks } from "../src/parts.ts";

function written(blocks: SackBlocks, max = 4): number[][] {
  const into = new Int32Array(16);
  const count = blocks.write(into, max);
  return Array.from({ length: count }, (_, i) => [into[2 * i] as number, into[2 * i + 1] as number]);
}

describe("TS1 RFC 2018 §4: which blocks are reported", () => {
  for (const make of [() => new LinuxSackBlocks(), () => new FreebsdSackBlocks()]) {
    const name = make().constructor.name;
    test(`${name}: the block of the latest segment comes first`, () => {
      const blocks = make();
      blocks.acknowledge(5000);
      blocks.add(5500, 6000);
      blocks.add(6500, 7000);
      blocks.add(7500, 8000);
      expect(written(blocks)).toEqual([
        [7500, 8000],
        [6500, 7000],
        [5500, 6000],
      ]);
      blocks.add(6000, 6400);
      expect(written(blocks)[0]).toEqual([5500, 6400]);
    });

    test(`${name}: what grows together is one block`, () => {
      const blocks = make();
      blocks.acknowledge(0);
      blocks.add(10, 20);
      blocks.add(30, 40);
      blocks.add(20, 30);
      expect(written(blocks)).toEqual([[10, 40]]);
    });

    test(`${name}: what RCV.NXT has passed is gone`, () => {
      const blocks = make();
      blocks.acknowledge(0);
      blocks.add(10, 20);
      blocks.add(30, 40);
      blocks.acknowledge(20);
      expect(written(blocks)).toEqual([[30, 40]]);
      blocks.acknowledge(40);
      expect([blocks.count, written(blocks)]).toEqual([0, []]);
    });

    test(`${name}: as many as there is room for, and none without`, () => {
      const blocks = make();
      blocks.acknowledge(0);
      for (let i = 1; i <= 7; i++) blocks.add(i * 100, i * 100 + 10);
      expect(written(blocks, 3)).toEqual([
        [700, 710],
        [600, 610],
        [500, 510],
      ]);
      expect(written(blocks, 0)).toEqual([]);
      blocks.reset();
      expect([blocks.count, blocks.hasDsack, written(blocks)]).toEqual([0, false, []]);
    });

    test(`${name}: sequence numbers wrap`, () => {
      const blocks = make();
      blocks.acknowledge(0x7fff_fff0);
      blocks.add(0x7fff_fff8, 0x8000_0008 | 0);
      blocks.add(0x8000_0008 | 0, 0x8000_0010 | 0);
      expect(written(blocks)).toEqual([[0x7fff_fff8, 0x8000_0010 | 0]]);
    });
  }

  test("Linux forgets the oldest of five blocks for good, FreeBSD remembers six", () => {
    const linux = createSackBlocks();
    const freebsd = createSackBlocks("freebsd");
    for (let i = 1; i <= 6; i++) {
      linux.add(i * 100, i * 100 + 10);
      freebsd.add(i * 100, i * 100 + 10);
    }
    expect([linux.count, freebsd.count]).toEqual([4, 6]);
  });
});

describe("TS2 RFC 2883 §4: a duplicate goes first, once", () => {
  test("Linux: until it was sent, or new data came", () => {
    const blocks = new LinuxSackBlocks();
    blocks.add(5500, 6000);
    blocks.duplicate(3000, 3500);
    expect(blocks.hasDsack).toBe(true);
    expect(written(blocks)).toEqual([
      [3000, 3500],
      [5500, 6000],
    ]);
    expect(written(blocks)).toEqual([[5500, 6000]]);
    blocks.duplicate(3000, 3500);
    expect(written(blocks, 0)).toEqual([]);
    expect(blocks.hasDsack).toBe(true);
    blocks.forgetDuplicate();
    expect(written(blocks)).toEqual([[5500, 6000]]);
  });

  test("§4.1.1 FreeBSD: a segment that was acknowledged", () => {
    const blocks = new FreebsdSackBlocks();
    blocks.acknowledge(4000);
    blocks.duplicate(3000, 3500);
    expect(blocks.hasDsack).toBe(true);
    expect(written(blocks)).toEqual([[3000, 3500]]);
    expect(written(blocks)).toEqual([]);
  });

  test("§4.1.3 FreeBSD: a segment that waits out of order, before the block that holds it", () => {
    const blocks = new FreebsdSackBlocks();
    blocks.acknowledge(4000);
    blocks.add(4500, 5000);
    blocks.add(5000, 5500);
    blocks.add(5000, 5500);
    expect([blocks.hasDsack, blocks.count]).toEqual([true, 1]);
    expect(written(blocks)).toEqual([
      [5000, 5500],
      [4500, 5500],
    ]);
    expect(written(blocks)).toEqual([[4500, 5500]]);
  });

  test("§4.1.3 FreeBSD: the whole block again", () => {
    const blocks = new FreebsdSackBlocks();
    blocks.acknowledge(4000);
    blocks.add(4500, 5000);
    blocks.add(4500, 5000);
    expect(written(blocks)).toEqual([
      [4500, 5000],
      [4500, 5000],
    ]);
  });

  test("§4.2.1 FreeBSD: the part that overlaps a block", () => {
    const blocks = new FreebsdSackBlocks();
    blocks.acknowledge(0);
    blocks.add(1500, 2000);
    blocks.add(1000, 1600);
    expect(written(blocks)).toEqual([
      [1500, 1600],
      [1000, 2000],
    ]);
  });
});

test("TS3 Linux: blocks are what waits, none is named twice, the latest comes first; with four ranges or fewer they are all there", () => {
  const segment = fc.tuple(fc.integer({ min: 1, max: 200 }), fc.integer({ min: 1, max: 20 }));
  fc.assert(
    fc.property(fc.array(segment, { maxLength: 40 }), fc.integer(), (segments, irs) => {
      const start = irs | 0;
      const queue = createReceiveQueue(start);
      const blocks = new LinuxSackBlocks();
      let mostRanges = 0;
      for (const [from, length] of segments) {
        const seq = (start + from) | 0;
        const wasInOrder = ((queue.rcvNxt - seq) | 0) >= 0;
        queue.insert(new Uint8Array(length), 0, length, seq);
        if (wasInOrder) blocks.acknowledge(queue.rcvNxt);
        else blocks.add(seq, (seq + length) | 0);
        mostRanges = Math.max(mostRanges, queue.gaps);
        const ranges = Array.from({ length: queue.gaps }, (_, i) => queue.range(i));
        const list = written(blocks);
        for (const [left, right] of list as [number, number][]) {
          expect(ranges.some(([a, b]) => ((left - a) | 0) >= 0 && ((b - right) | 0) >= 0)).toBe(true);
          expect(((right - left) | 0) > 0).toBe(true);
        }
        if (!wasInOrder) expect(((seq - (list[0]?.[0] as number)) | 0) >= 0).toBe(true);
        if (mostRanges <= 4) expect(list.map(String).sort()).toEqual(ranges.map(String).sort());
      }
    }),
  );
});
