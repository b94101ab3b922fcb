import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createReceiveQueue, type ByteReceiveQueue } from "../src/receive-queue.ts";

/** The byte of the stream that has sequence number `seq`. */
function byteAt(seq: number): number {
  return (Math.imul(seq, 0x9e3779b1) >>> 13) & 0xff;
}

function stream(seq: number, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => byteAt((seq + i) | 0));
}

/** Inserts the bytes that belong at `[from, to)`. */
function put(queue: ByteReceiveQueue, from: number, to: number): number {
  return queue.insert(stream(from, to - from), 0, to - from, from | 0);
}

/** Inserts `text` as it is, whatever was there. */
function say(queue: ByteReceiveQueue, at: number, text: string): number {
  const bytes = new TextEncoder().encode(text);
  return queue.insert(bytes, 0, bytes.length, at);
}

function hear(queue: ByteReceiveQueue): string {
  const into = new Uint8Array(queue.readable);
  expect(queue.read(into)).toBe(into.length);
  return new TextDecoder().decode(into);
}

function duplicate(queue: ByteReceiveQueue): readonly [number, number] | undefined {
  return queue.hasDuplicate ? [queue.dsackStart, queue.dsackEnd] : undefined;
}

function ranges(queue: ByteReceiveQueue): (readonly [number, number])[] {
  return Array.from({ length: queue.gaps }, (_, i) => queue.range(i));
}

describe("TR1 bytes in order", () => {
  test("are readable at once and read once", () => {
    const queue = createReceiveQueue(100);
    expect(put(queue, 100, 110)).toBe(10);
    expect(put(queue, 110, 115)).toBe(5);
    expect([queue.rcvNxt, queue.copiedSeq, queue.readable]).toEqual([115, 100, 15]);
    const into = new Uint8Array(8);
    expect(queue.peek(into)).toBe(8);
    expect(into).toEqual(stream(100, 8));
    expect(queue.peek(into, 10)).toBe(5);
    expect(into.subarray(0, 5)).toEqual(stream(110, 5));
    expect(queue.read(into, 3)).toBe(3);
    expect(queue.copiedSeq).toBe(103);
    expect(queue.discard(100)).toBe(12);
    expect([queue.copiedSeq, queue.readable, queue.read(into), queue.peek(into)]).toEqual([115, 0, 0, 0]);
  });

  test("a segment without data changes nothing", () => {
    const queue = createReceiveQueue(1);
    expect(queue.insert(new Uint8Array(0), 0, 0, 1)).toBe(0);
    expect(queue.allocated).toBe(0);
  });

  test("sequence numbers wrap", () => {
    const start = 0xffff_fff0 | 0;
    const queue = createReceiveQueue(start);
    put(queue, start + 24, start + 32);
    expect(queue.highest).toBe(16);
    expect(put(queue, start, start + 24)).toBe(32);
    expect(queue.rcvNxt).toBe(16);
    const into = new Uint8Array(32);
    queue.read(into);
    expect(into).toEqual(stream(start, 32));
  });

  test("a FIN takes a number and no byte, before and after what precedes it is read", () => {
    const queue = createReceiveQueue(7);
    put(queue, 7, 9);
    queue.skip(1);
    expect([queue.rcvNxt, queue.copiedSeq, queue.readable]).toEqual([10, 7, 2]);
    queue.discard(2);
    expect([queue.rcvNxt, queue.copiedSeq, queue.readable]).toEqual([10, 10, 0]);
    const empty = createReceiveQueue(7);
    empty.skip(1);
    expect([empty.rcvNxt, empty.copiedSeq]).toEqual([8, 8]);
    expect(put(empty, 8, 12)).toBe(4);
  });
});

describe("TR2 out of order", () => {
  test("a range waits until the gap before it closes", () => {
    const queue = createReceiveQueue(0);
    expect(put(queue, 20, 30)).toBe(0);
    expect([queue.outOfOrder, queue.gaps, queue.highest, queue.readable]).toEqual([10, 1, 30, 0]);
    expect(put(queue, 40, 50)).toBe(0);
    expect(put(queue, 0, 20)).toBe(30);
    expect([queue.outOfOrder, queue.gaps, queue.rcvNxt]).toEqual([10, 1, 30]);
    expect(duplicate(queue)).toBeUndefined();
    expect(put(queue, 30, 40)).toBe(20);
    expect([queue.outOfOrder, queue.gaps, queue.highest]).toEqual([0, 0, 50]);
  });

  test("neighbours become one range", () => {
    const queue = createReceiveQueue(0);
    put(queue, 10, 20);
    put(queue, 30, 40);
    put(queue, 20, 30);
    expect(ranges(queue)).toEqual([[10, 40]]);
  });

  test("pruning forgets them and keeps what is in order", () => {
    const queue = createReceiveQueue(0);
    put(queue, 0, 5);
    put(queue, 100_000, 100_010);
    const allocated = queue.allocated;
    expect(queue.prune()).toBe(10);
    expect([queue.outOfOrder, queue.gaps, queue.readable]).toEqual([0, 0, 5]);
    expect(queue.allocated).toBeLessThan(allocated);
    expect(queue.prune()).toBe(0);
    expect(put(queue, 5, 100_000)).toBe(99_995);
  });
});

describe("TR3 copies that differ are resolved as Linux does (tcp_data_queue, tcp_data_queue_ofo)", () => {
  test("what came in order is never changed", () => {
    const queue = createReceiveQueue(0);
    say(queue, 0, "order");
    say(queue, 0, "OTHER+");
    expect(hear(queue)).toBe("order+");
  });

  test("a segment in order goes before what waited", () => {
    const queue = createReceiveQueue(0);
    say(queue, 3, "waiting");
    say(queue, 0, "IN ORDER");
    expect(hear(queue)).toBe("IN ORDERng");
  });

  test("out of order, the range that begins first keeps its bytes", () => {
    const queue = createReceiveQueue(0);
    say(queue, 2, "first");
    say(queue, 4, "SECOND");
    say(queue, 0, "..");
    expect(hear(queue)).toBe("..firstOND");
  });

  test("what a segment covers behind its own beginning is replaced", () => {
    const queue = createReceiveQueue(0);
    say(queue, 4, "bb");
    say(queue, 8, "dddd");
    say(queue, 3, "ABCDEFG");
    say(queue, 0, "...");
    expect(hear(queue)).toBe("...ABCDEFGdd");
  });

  test("the same beginning and more: the longer one replaces", () => {
    const queue = createReceiveQueue(0);
    say(queue, 2, "ab");
    say(queue, 2, "ABCD");
    say(queue, 0, "..");
    expect(hear(queue)).toBe("..ABCD");
  });

  test("all of it known: nothing is replaced", () => {
    const queue = createReceiveQueue(0);
    say(queue, 2, "abcd");
    say(queue, 3, "BC");
    say(queue, 0, "..");
    expect(hear(queue)).toBe("..abcd");
  });
});

describe("TR4 duplicates to report (RFC 2883 §4)", () => {
  test("§4.1.1 a segment that was acknowledged", () => {
    const queue = createReceiveQueue(1000);
    put(queue, 1000, 2000);
    put(queue, 1200, 1400);
    expect(duplicate(queue)).toEqual([1200, 1400]);
    put(queue, 2000, 2010);
    expect(duplicate(queue)).toBeUndefined();
  });

  test("§4.2 the acknowledged part of a segment", () => {
    const queue = createReceiveQueue(1000);
    put(queue, 1000, 2000);
    expect(put(queue, 1500, 2500)).toBe(500);
    expect(duplicate(queue)).toEqual([1500, 2000]);
  });

  test("§4.1.3 a segment that waits out of order", () => {
    const queue = createReceiveQueue(0);
    put(queue, 100, 200);
    put(queue, 120, 140);
    expect(duplicate(queue)).toEqual([120, 140]);
    put(queue, 100, 200);
    expect(duplicate(queue)).toEqual([100, 200]);
  });

  test("§4.2.1 overlaps on the left, on the right, and of several", () => {
    const queue = createReceiveQueue(0);
    put(queue, 100, 200);
    put(queue, 150, 250);
    expect(duplicate(queue)).toEqual([150, 200]);
    put(queue, 50, 120);
    expect(duplicate(queue)).toEqual([100, 120]);
    put(queue, 300, 310);
    put(queue, 40, 320);
    expect(duplicate(queue)).toEqual([50, 250]);
  });

  test("a segment in order that reaches over what waited", () => {
    const queue = createReceiveQueue(0);
    put(queue, 10, 20);
    put(queue, 30, 40);
    expect(put(queue, 0, 35)).toBe(40);
    expect(duplicate(queue)).toEqual([10, 20]);
  });
});

describe("TR5 memory", () => {
  test("none is held while nothing is stored", () => {
    const queue = createReceiveQueue(0);
    expect(queue.allocated).toBe(0);
    put(queue, 0, 10);
    put(queue, 20, 30);
    queue.discard(10);
    expect(queue.allocated).toBeGreaterThan(0);
    put(queue, 10, 20);
    queue.discard(20);
    expect(queue.allocated).toBe(0);
    put(queue, 30, 31);
    put(queue, 50, 51);
    queue.clear();
    expect([queue.allocated, queue.readable, queue.outOfOrder]).toEqual([0, 0, 0]);
    expect(put(queue, 31, 40)).toBe(9);
  });

  test("a byte at the end of a large window costs a page, not the window", () => {
    const queue = createReceiveQueue(0);
    put(queue, 6_000_000, 6_000_001);
    expect(queue.allocated).toBeLessThan(32_768);
  });

  test("every range has its price", () => {
    const queue = createReceiveQueue(0);
    for (let i = 1; i <= 1000; i++) put(queue, 2 * i, 2 * i + 1);
    expect(queue.gaps).toBe(1000);
    expect(queue.allocated).toBeGreaterThan(200 * 1000);
  });

  test("reading gives pages back as it goes", () => {
    const queue = createReceiveQueue(0);
    const block = stream(0, 200_000);
    queue.insert(block, 0, block.length, 0);
    queue.discard(150_000);
    expect(queue.allocated).toBeLessThan(100_000);
    const rest = new Uint8Array(50_000);
    expect(queue.read(rest)).toBe(50_000);
    expect(rest).toEqual(block.subarray(150_000));
  });
});

/** Slow and obvious: a set of the bytes that have come. */
function model(start: number) {
  const come = new Set<number>();
  let next = 0;
  return {
    insert(from: number, to: number) {
      let known = 0;
      for (let i = from; i < to; i++) if (i < next || come.has(i)) known++;
      for (let i = Math.max(from, next); i < to; i++) come.add(i);
      const before = next;
      while (come.delete(next)) next++;
      return { gained: next - before, known };
    },
    has: (i: number) => i < next || come.has(i),
    get outOfOrder() {
      return come.size;
    },
    get rcvNxt() {
      return (start + next) | 0;
    },
  };
}

test("TR6 under any order, overlap and repetition every byte is read once and in order, and duplicates are duplicates", () => {
  const segment = fc.tuple(fc.nat(300), fc.integer({ min: 1, max: 80 }), fc.nat(50));
  fc.assert(
    fc.property(fc.array(segment, { maxLength: 60 }), fc.integer(), (segments, irs) => {
      const start = irs | 0;
      const queue = createReceiveQueue(start);
      const oracle = model(start);
      let read = 0;
      for (const [from, length, wish] of segments) {
        const had = oracle.has.bind(oracle);
        const before = Array.from({ length }, (_, i) => had(from + i));
        const { gained, known } = oracle.insert(from, from + length);
        expect(put(queue, start + from, start + from + length)).toBe(gained);
        expect([queue.rcvNxt, queue.outOfOrder]).toEqual([oracle.rcvNxt, oracle.outOfOrder]);
        expect(queue.hasDuplicate).toBe(known > 0);
        if (queue.hasDuplicate) {
          const first = (queue.dsackStart - start - from) | 0;
          const end = (queue.dsackEnd - start - from) | 0;
          expect(before.slice(first, end)).toEqual(Array.from({ length: end - first }, () => true));
          expect(end).toBeGreaterThan(first);
        }
        const edges = ranges(queue).flat();
        for (let i = 1; i < edges.length; i++)
          expect(((edges[i] as number) - (edges[i - 1] as number)) | 0).toBeGreaterThan(0);
        const into = new Uint8Array(wish);
        const count = queue.read(into);
        expect(into.subarray(0, count)).toEqual(stream((start + read) | 0, count));
        read += count;
        expect(queue.copiedSeq).toBe((start + read) | 0);
      }
    }),
  );
});
