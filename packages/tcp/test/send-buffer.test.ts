import { fold, sum } from "@seville/checksum";
import { PacketPool } from "@seville/packet";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createSendBuffer, type ByteSendBuffer } from "../src/send-buffer.ts";

function pattern(from: number, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (Math.imul(from + i, 0x9e3779b1) >>> 11) & 0xff);
}

function pool(options: ConstructorParameters<typeof PacketPool>[0] = {}): PacketPool {
  return new PacketPool({ small: 64, jumbo: 4, super: 4, debug: true, ...options });
}

function bytesOf(buffer: ByteSendBuffer, from: number, to: number): Uint8Array {
  const into = new Uint8Array(to - from);
  buffer.copy(from, to - from, into);
  return into;
}

describe("TB1 bytes wait until they are acknowledged", () => {
  test("appended in pieces, read at any offset, released from the front", () => {
    const memory = pool();
    const buffer = createSendBuffer(memory);
    buffer.append(pattern(0, 1000), 700);
    buffer.append(pattern(1000, 500), 700);
    expect([buffer.start, buffer.end]).toEqual([0, 1500]);
    expect(bytesOf(buffer, 0, 1500)).toEqual(pattern(0, 1500));
    expect(bytesOf(buffer, 690, 1420)).toEqual(pattern(690, 730));
    buffer.release(800);
    expect([buffer.start, buffer.end]).toEqual([800, 1500]);
    expect(bytesOf(buffer, 800, 1500)).toEqual(pattern(800, 700));
    buffer.release(400);
    expect(buffer.start).toBe(800);
    buffer.release(1500);
    expect([buffer.start, buffer.end, buffer.allocated]).toEqual([1500, 1500, 0]);
    memory.assertDrained();
  });

  test("clear gives everything back, and the stream goes on", () => {
    const memory = pool();
    const buffer = createSendBuffer(memory);
    buffer.append(pattern(0, 3000), 1000);
    buffer.clear();
    memory.assertDrained();
    buffer.append(pattern(3000, 10), 1000);
    expect(bytesOf(buffer, 3000, 3010)).toEqual(pattern(3000, 10));
    buffer.clear();
    memory.assertDrained();
  });

  test("small writes share a chunk until it is full, sealed, or on its way", () => {
    const memory = pool();
    const buffer = createSendBuffer(memory);
    for (let i = 0; i < 10; i++) buffer.append(pattern(i, 1), 100);
    expect(memory.stats.inUse).toBe(1);
    buffer.seal();
    buffer.append(pattern(10, 1), 100);
    expect(memory.stats.inUse).toBe(2);
    const packet = buffer.packet(10, 1, 60, false);
    buffer.append(pattern(11, 1), 100);
    expect(memory.stats.inUse).toBe(3);
    expect(packet?.bytes()).toEqual(pattern(10, 1));
    packet?.release();
    buffer.clear();
    memory.assertDrained();
  });
});

describe("TB2 packets", () => {
  test("the beginning of a chunk is not copied: the packet shares its slot and has headers of its own", () => {
    const memory = pool();
    const buffer = createSendBuffer(memory);
    buffer.append(pattern(0, 1000), 1000);
    const packet = buffer.packet(0, 1000, 60, true);
    if (packet === undefined) throw new Error("the pool is not empty");
    expect(memory.stats.inUse).toBe(1);
    memory.memory.u8.fill(0xee, packet.push(60), packet.data + 60);
    expect(bytesOf(buffer, 0, 1000)).toEqual(pattern(0, 1000));
    packet.release();
    buffer.clear();
    memory.assertDrained();
  });

  test("a retransmission while the first one is on its way does not touch its headers", () => {
    const memory = pool();
    const buffer = createSendBuffer(memory);
    buffer.append(pattern(0, 1000), 1000);
    const first = buffer.packet(0, 1000, 60, false);
    const second = buffer.packet(0, 600, 60, false);
    if (first === undefined || second === undefined) throw new Error("the pool is not empty");
    memory.memory.u8.fill(0x11, first.push(60), first.data + 60);
    memory.memory.u8.fill(0x22, second.push(60), second.data + 60);
    expect(first.bytes().subarray(0, 60)).toEqual(new Uint8Array(60).fill(0x11));
    expect(second.bytes()).toEqual(Uint8Array.from([...new Uint8Array(60).fill(0x22), ...pattern(0, 600)]));
    first.release();
    second.release();
    buffer.clear();
    memory.assertDrained();
  });

  test("a packet outlives the acknowledgment of its bytes", () => {
    const memory = pool();
    const buffer = createSendBuffer(memory);
    buffer.append(pattern(0, 500), 500);
    const packet = buffer.packet(0, 500, 60, false);
    buffer.release(500);
    expect(packet?.bytes()).toEqual(pattern(0, 500));
    packet?.release();
    memory.assertDrained();
  });

  test("any range is a packet, across chunks too, with its sum", () => {
    const memory = pool();
    const buffer = createSendBuffer(memory);
    buffer.append(pattern(0, 3000), 999);
    for (const [offset, length] of [
      [0, 999],
      [0, 400],
      [1, 998],
      [500, 1400],
      [999, 999],
      [2998, 2],
    ] as const) {
      const packet = buffer.packet(offset, length, 76, true);
      expect(packet?.bytes()).toEqual(pattern(offset, length));
      expect(packet?.headroom).toBeGreaterThanOrEqual(76);
      expect(fold(buffer.sum)).toBe(fold(sum(pattern(offset, length))));
      packet?.release();
    }
    buffer.clear();
    memory.assertDrained();
  });

  test("the sum of a chunk that grew is the sum of what it holds now", () => {
    const memory = pool();
    const buffer = createSendBuffer(memory);
    buffer.append(pattern(0, 10), 1000);
    buffer.append(pattern(10, 11), 1000);
    const packet = buffer.packet(0, 21, 60, true);
    expect(fold(buffer.sum)).toBe(fold(sum(pattern(0, 21))));
    packet?.release();
    buffer.clear();
  });
});

describe("TB3 when the pool is short", () => {
  test("half of the slots stay for others: the rest of the stream lies in plain memory", () => {
    const memory = pool({ small: 8, jumbo: 0, super: 0 });
    const buffer = createSendBuffer(memory);
    buffer.append(pattern(0, 20_000), 1000);
    expect(memory.stats.inUse).toBeLessThanOrEqual(5);
    expect(bytesOf(buffer, 0, 20_000)).toEqual(pattern(0, 20_000));
    const packet = buffer.packet(19_000, 1000, 60, true);
    expect(packet?.bytes()).toEqual(pattern(19_000, 1000));
    expect(fold(buffer.sum)).toBe(fold(sum(pattern(19_000, 1000))));
    packet?.release();
    buffer.clear();
    expect(buffer.allocated).toBe(0);
    memory.assertDrained();
  });

  test("an empty pool answers undefined and nothing is lost", () => {
    const memory = pool({ small: 2, jumbo: 0, super: 0 });
    const buffer = createSendBuffer(memory);
    buffer.append(pattern(0, 1000), 1000);
    const hogs = [memory.alloc(10), memory.alloc(10)];
    expect(buffer.packet(5, 10, 60, false)).toBeUndefined();
    const first = buffer.packet(0, 10, 60, false);
    expect(first).toBeDefined();
    expect(buffer.packet(0, 10, 60, false)).toBeUndefined();
    first?.release();
    for (const hog of hogs) hog?.release();
    const packet = buffer.packet(5, 10, 60, false);
    expect(packet?.bytes()).toEqual(pattern(5, 10));
    packet?.release();
    buffer.clear();
    memory.assertDrained();
  });
});

test("TB4 whatever is appended, sent, sent again and acknowledged, packets hold the right bytes and the pool ends up full", () => {
  const step = fc.oneof(
    fc.record({
      kind: fc.constant("append" as const),
      length: fc.integer({ min: 1, max: 3000 }),
      chunk: fc.integer({ min: 1, max: 1500 }),
    }),
    fc.record({
      kind: fc.constant("send" as const),
      at: fc.double({ min: 0, max: 1, noNaN: true }),
      length: fc.integer({ min: 1, max: 1800 }),
    }),
    fc.record({ kind: fc.constant("acknowledge" as const), part: fc.double({ min: 0, max: 1, noNaN: true }) }),
    fc.record({ kind: fc.constant("arrive" as const) }),
    fc.record({ kind: fc.constant("seal" as const) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const memory = pool({ debug: false });
      const buffer = createSendBuffer(memory);
      const wire: { packet: NonNullable<ReturnType<ByteSendBuffer["packet"]>>; offset: number; length: number }[] = [];
      for (const it of steps) {
        if (it.kind === "append") buffer.append(pattern(buffer.end, it.length), it.chunk);
        else if (it.kind === "seal") buffer.seal();
        else if (it.kind === "acknowledge")
          buffer.release(buffer.start + Math.floor((buffer.end - buffer.start) * it.part));
        else if (it.kind === "arrive") wire.shift()?.packet.release();
        else if (buffer.end > buffer.start) {
          const offset = buffer.start + Math.floor((buffer.end - buffer.start - 1) * it.at);
          const length = Math.min(it.length, buffer.end - offset);
          const packet = buffer.packet(offset, length, 60, true);
          if (packet === undefined) continue;
          expect(fold(buffer.sum)).toBe(fold(sum(pattern(offset, length))));
          memory.memory.u8.fill(wire.length, packet.push(60), packet.data + 60);
          packet.pull(60);
          wire.push({ packet, offset, length });
        }
        for (const { packet, offset, length } of wire) expect(packet.bytes()).toEqual(pattern(offset, length));
      }
      expect(bytesOf(buffer, buffer.start, buffer.end)).toEqual(pattern(buffer.start, buffer.end - buffer.start));
      for (const { packet } of wire) packet.release();
      buffer.clear();
      expect(buffer.allocated).toBe(0);
      memory.assertDrained();
    }),
    { numRuns: 60 },
  );
});
