import { describe, expect, test } from "vitest";
import { createPacketMemory, SevilleError } from "../src/index.ts";

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
