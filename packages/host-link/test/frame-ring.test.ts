import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Worker } from "node:worker_threads";
import { FrameRing } from "../src/port/frame-ring.ts";

function write(ring: FrameRing, length: number, mark: number): boolean {
  const at = ring.reserve(length);
  if (at < 0) return false;
  ring.bytes.fill(mark, at, at + length);
  ring.commit(length, mark * 1000);
  return true;
}

function readAll(ring: FrameRing, limit = Infinity): [length: number, mark: number, arrivedAt: number][] {
  const seen: [number, number, number][] = [];
  ring.drain(limit, (offset, length, arrivedAt) => {
    const bytes = ring.bytes.subarray(offset, offset + length);
    expect(new Set(bytes).size).toBeLessThanOrEqual(1);
    seen.push([length, bytes[0] ?? -1, arrivedAt]);
  });
  return seen;
}

describe("behaviour 5: the ring between the threads", () => {
  test("against a plain list: any order of writes and reads, any lengths, around the end any number of times", () => {
    const step = fc.oneof(
      fc.record({ write: fc.integer({ min: 0, max: 700 }) }),
      fc.record({ read: fc.integer({ min: 1, max: 5 }) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
        const ring = new FrameRing(FrameRing.allocate(2048));
        const model: [number, number, number][] = [];
        let mark = 0;
        for (const action of steps) {
          if ("write" in action) {
            mark = (mark % 250) + 1;
            if (write(ring, action.write, mark))
              model.push([action.write, action.write === 0 ? -1 : mark, mark * 1000]);
          } else expect(readAll(ring, action.read)).toEqual(model.splice(0, action.read));
        }
        expect(readAll(ring)).toEqual(model);
      }),
      { numRuns: 300 },
    );
  });

  test("is full at some time, says so, and has room again after a read", () => {
    const ring = new FrameRing(FrameRing.allocate(1024));
    let count = 0;
    while (write(ring, 100, count + 1)) count++;
    expect(count).toBeGreaterThanOrEqual(7);
    expect(readAll(ring, 2)).toHaveLength(2);
    expect(write(ring, 100, 99)).toBe(true);
    expect(readAll(ring).at(-1)).toEqual([100, 99, 99_000]);
  });

  test("a frame may be shorter than what was reserved", () => {
    const ring = new FrameRing(FrameRing.allocate(1024));
    const at = ring.reserve(900);
    ring.bytes[at] = 7;
    ring.commit(1, 5);
    expect(readAll(ring)).toEqual([[1, 7, 5]]);
    expect(write(ring, 900, 1)).toBe(true);
  });

  test("the writer is told to wake the reader once per sleep", () => {
    const ring = new FrameRing(FrameRing.allocate(1024));
    const put = () => {
      ring.reserve(10);
      return ring.commit(10, 0);
    };
    expect(put()).toBe(false);
    expect(ring.prepareToSleep()).toBe(false); // there is something to read
    readAll(ring);
    expect(ring.prepareToSleep()).toBe(true);
    expect(put()).toBe(true);
    expect(put()).toBe(false);
  });

  test("two threads: 20 000 frames of changing length arrive whole and in order", async () => {
    const ring = new FrameRing(FrameRing.allocate(16_384));
    const module = new URL("../src/port/frame-ring.ts", import.meta.url).href;
    const script = `
      const { workerData } = require("node:worker_threads");
      import("tsx/esm/api").then(async ({ register }) => {
        register();
        const { FrameRing } = await import(workerData.module);
        const ring = new FrameRing(workerData.buffer);
        for (let i = 0; i < 20000; ) {
          const length = (i * 37) % 1500;
          const at = ring.reserve(length);
          if (at < 0) { ring.waitForRoom(1); continue; }
          ring.bytes.fill(i & 255, at, at + length);
          ring.commit(length, i);
          i++;
        }
      });`;
    const execArgv = ["--conditions=@seville/source"];
    const worker = new Worker(script, { eval: true, execArgv, workerData: { module, buffer: ring.buffer } });
    let next = 0;
    while (next < 20_000) {
      const count = ring.drain(64, (offset, length, arrivedAt) => {
        if (arrivedAt !== next || length !== (next * 37) % 1500)
          throw new Error(`frame ${next}: ${arrivedAt}, ${length}`);
        const bytes = ring.bytes.subarray(offset, offset + length);
        if (bytes.some((byte) => byte !== (next & 255))) throw new Error(`frame ${next} is torn`);
        next++;
      });
      ring.announceRoom();
      if (count === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    }
    await worker.terminate();
    expect(next).toBe(20_000);
  });

  test("a stop is seen, and a size that is no power of two refused", () => {
    const ring = new FrameRing(FrameRing.allocate(1024));
    expect(ring.stopRequested).toBe(false);
    new FrameRing(ring.buffer).requestStop();
    expect(ring.stopRequested).toBe(true);
    expect(() => FrameRing.allocate(1000)).toThrow(/ringBytes must be a power of two/);
    expect(() => FrameRing.allocate(512)).toThrow(/ringBytes/);
  });
});
