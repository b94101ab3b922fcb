import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createPacketMemory } from "@seville/core";
import { TraceHash } from "../src/run/trace-hash.ts";

function hashOf(records: readonly (readonly [number, number, number, number])[], wasm = true): string {
  const memory = createPacketMemory({ bytes: 65_536, wasm });
  for (let i = 0; i < 4096; i++) memory.u8[memory.base + i] = (i * 31) & 0xff;
  const trace = new TraceHash(memory);
  for (const [time, place, offset, length] of records) trace.add(time, place, memory.base + offset, length);
  return trace.digest();
}

const RECORD = fc.tuple(fc.nat(2 ** 40), fc.nat(50), fc.nat(1000), fc.integer({ min: 1, max: 1500 }));

describe("R4: the trace hash", () => {
  test("is 32 hexadecimal digits", () => {
    expect(hashOf([])).toBe("00000000000000000000000000000000");
    expect(hashOf([[0, 0, 0, 60]])).toMatch(/^[0-9a-f]{32}$/);
  });

  test("is the same with and without WebAssembly", () => {
    fc.assert(
      fc.property(fc.array(RECORD, { maxLength: 20 }), (records) => hashOf(records, true) === hashOf(records, false)),
      { numRuns: 20 },
    );
  });

  test("differs when a time, a place, a length, a byte or the order differs", () => {
    const records = [
      [5_000_000_000, 1, 0, 100],
      [5_000_000_001, 2, 100, 100],
    ] as const;
    const [first, second] = records;
    const others = [
      [first, [5_000_000_002, 2, 100, 100]],
      [first, [5_000_000_001 + 2 ** 32, 2, 100, 100]],
      [first, [5_000_000_001, 3, 100, 100]],
      [first, [5_000_000_001, 2, 100, 101]],
      [first, [5_000_000_001, 2, 101, 100]],
      [second, first],
      [first],
      [first, second, second],
    ] as const;
    const hashes = new Set([hashOf(records), ...others.map((each) => hashOf(each))]);
    expect(hashes.size).toBe(others.length + 1);
  });
});
