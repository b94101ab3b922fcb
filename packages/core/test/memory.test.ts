import { describe, expect, test } from "vitest";
import { createPacketMemory, SevilleError, StrictDataView } from "../src/index.ts";

describe.each([true, false])("P: packet memory, wasm %s", (wasm) => {
  test("P1: it is as large as asked, in whole pages of 64 KiB, and all zero", () => {
    const memory = createPacketMemory({ bytes: 100_000, scratchBytes: 4096, wasm });
    expect(memory.byteLength).toBe(2 * 65_536);
    expect(memory.byteLength - memory.base).toBeGreaterThanOrEqual(100_000);
    expect(memory.u8.length).toBe(memory.byteLength);
    expect(memory.u8.every((byte) => byte === 0)).toBe(true);
  });

  test("P1: bytes and view look at the same memory, from its first byte", () => {
    const memory = createPacketMemory({ bytes: 1, wasm });
    memory.view.setUint16(memory.base, 0x0800);
    expect([memory.u8[memory.base], memory.u8[memory.base + 1]]).toEqual([8, 0]);
    expect(memory.u8.buffer).toBe(memory.buffer);
    expect(memory.view.buffer).toBe(memory.buffer);
  });

  test("P2: it is a WebAssembly memory exactly if that is wanted, and it cannot grow", () => {
    const memory = createPacketMemory({ bytes: 10, wasm });
    expect(memory.wasm !== undefined).toBe(wasm);
    expect(memory.wasm?.buffer ?? memory.buffer).toBe(memory.buffer);
    expect(() => memory.wasm?.grow(1) ?? neverGrows()).toThrow();
  });

  test("P3: scratch is handed out aligned, apart, never at offset 0 and never past the base", () => {
    const memory = createPacketMemory({ bytes: 10, scratchBytes: 4096, wasm });
    const first = memory.reserve(10);
    const second = memory.reserve(100, 256);
    expect(first).toBeGreaterThan(0);
    expect(first % 16).toBe(0);
    expect(second % 256).toBe(0);
    expect(second).toBeGreaterThanOrEqual(first + 10);
    const last = memory.reserve(memory.base - 512);
    expect(last + memory.base - 512).toBeLessThanOrEqual(memory.base);
  });

  test("P3: exhausted scratch is an error that says what to change, and takes nothing", () => {
    const memory = createPacketMemory({ bytes: 10, scratchBytes: 1024, wasm });
    expect(() => memory.reserve(2000)).toThrow(
      expect.objectContaining({ code: "ERR_SCRATCH_EXHAUSTED", argument: "scratchBytes" }) as Error,
    );
    expect(memory.reserve(64)).toBe(64);
  });

  test("P4: a size that is none is refused", () => {
    for (const bytes of [-1, 1.5, NaN, Infinity]) {
      expect(() => createPacketMemory({ bytes, wasm })).toThrow(SevilleError);
    }
  });
});

function neverGrows(): never {
  throw new Error("an ArrayBuffer has a fixed length");
}

describe("P5: a view that knows where words lie", () => {
  const memory = createPacketMemory({ bytes: 10, strictAlign: true });
  const { base } = memory;
  const { view } = memory;
  if (!(view instanceof StrictDataView)) throw new Error("the view is a plain one");
  const accesses = [
    [2, (at: number) => view.setUint16(at, 0x1234), (at: number) => view.getUint16(at), 0x1234],
    [2, (at: number) => view.setInt16(at, -2), (at: number) => view.getInt16(at), -2],
    [4, (at: number) => view.setUint32(at, 0x1234_5678), (at: number) => view.getUint32(at), 0x1234_5678],
    [4, (at: number) => view.setInt32(at, -3, true), (at: number) => view.getInt32(at, true), -3],
    [8, (at: number) => view.setBigUint64(at, 5n), (at: number) => view.getBigUint64(at), 5n],
    [8, (at: number) => view.setBigInt64(at, -5n), (at: number) => view.getBigInt64(at), -5n],
  ] as const;

  test.each(accesses)(
    "P5: words of %i bytes are told of at every offset that is no multiple, and are right",
    (...row) => {
      const [size, write, read, value] = row;
      for (let at = base; at < base + 8; at++) {
        const told: number[][] = [];
        view.watch = { misaligned: (offset, bytes) => told.push([offset, bytes]) };
        write(at);
        expect(read(at)).toBe(value);
        view.watch = undefined;
        expect(told).toEqual(at % size === 0 ? [] : Array(2).fill([at, size]));
      }
    },
  );

  test("P5: bytes are always aligned; without a watch nobody hears of anything; other memories have plain views", () => {
    let told = 0;
    view.watch = { misaligned: () => told++ };
    view.setUint8(base + 1, 7);
    expect([view.getUint8(base + 1), told]).toEqual([7, 0]);
    view.watch = undefined;
    view.getUint32(base + 1);
    expect(told).toBe(0);
    expect(createPacketMemory({ bytes: 10 }).view).not.toBeInstanceOf(StrictDataView);
  });
});
