import fc from "fast-check";
import { expect, test } from "vitest";
import { createPacketMemory } from "@seville/core";
import { PacketPool } from "@seville/packet";
import { initTso } from "@seville/tso";
import { bindSplitter, makeSplitter, type Splitter } from "../src/kernel/bind.ts";
import { FIRST, LAST, MIDDLE, NONE } from "../src/kernel/plan.ts";
import { payloadOf } from "./support/super.ts";

const memory = createPacketMemory({ bytes: 1 << 20 });
const simd = makeSplitter(memory, "simd");
const plain = makeSplitter(memory, "typescript");

/** Fills a plan from numbers and carries it out; answers all that was written. */
function carryOut(splitter: Splitter, from: readonly number[], pieces: readonly number[], payload: Uint8Array): Buffer {
  const [headerBytes, size, count, checksumField, sequenceField, seed] = from as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const { plan } = splitter;
  const { u8, base } = memory;
  const source = base + 16 + (seed & 15);
  const area = base + 300_000;
  u8.fill(0xee, area, area + 400_000);
  u8.set(payload, source);
  plan.begin(headerBytes, checksumField, (seed & 16) !== 0, sequenceField);
  plan.addIp(2, seed & 0xffff);
  if ((seed & 32) !== 0) plan.addIp(30, (seed >>> 5) & 0xffff);
  for (const template of [FIRST, MIDDLE, LAST] as const) {
    const headers = payloadOf(headerBytes, seed + template);
    u8.set(headers, plan.headersAt(template));
    plan.setTemplate(template, (seed * (template + 3)) >>> 0, seed & 0xfff, (seed >>> 3) & 0xffff);
  }
  const targets = Array.from({ length: count }, (_, i) => area + i * 3000 + (i & 7));
  plan.setTargets(targets, 0, count);
  const last = Math.max(1, size - (seed & 63));
  if (pieces.length > 0) {
    let at = source;
    for (let i = 0; i < count; i++) {
      let left = i === count - 1 ? last : size;
      let used = 0;
      for (; left > 0; used++) {
        const length = used > 20 ? left : Math.min(left, pieces[(i + used) % pieces.length]!);
        plan.addPiece(at, length);
        at += length;
        left -= length;
      }
      plan.setPieceCount(i, used);
    }
  }
  plan.endBatch({
    count,
    first: seed & 0xff,
    increment: 1 + (seed & 3),
    sequence: seed >>> 0,
    size,
    lastLength: last,
    firstTemplate: FIRST,
    lastTemplate: LAST,
    source: pieces.length > 0 ? 0 : source,
  });
  splitter.run();
  return Buffer.from(u8.subarray(area, area + 400_000));
}

test("S4 the kernel does what its readable twin does, and touches nothing beside it", () => {
  expect([simd.kind, plain.kind]).toEqual(["simd", "typescript"]);
  fc.assert(
    fc.property(
      fc.integer({ min: 52, max: 300 }),
      fc.integer({ min: 64, max: 2000 }),
      fc.integer({ min: 1, max: 128 }),
      fc.constantFrom(NONE, 16, 44),
      fc.constantFrom(NONE, 24),
      fc.integer({ min: 0, max: 0x7fff_ffff }),
      fc.array(fc.integer({ min: 1, max: 700 }), { maxLength: 4 }),
      (headerBytes, size, count, checksumField, sequenceField, seed, pieces) => {
        const payload = payloadOf(size * count, seed);
        const numbers = [headerBytes, size, count, checksumField, sequenceField, seed];
        const one = carryOut(simd, numbers, pieces, payload);
        const other = carryOut(plain, numbers, pieces, payload);
        expect(one.equals(other)).toBe(true);
      },
    ),
    { numRuns: 120 },
  );
});

test("a pool without WebAssembly gets the twin, and the splitter of a memory is made once", async () => {
  const pool = new PacketPool({ small: 4, jumbo: 0, super: 1, wasm: false });
  expect(bindSplitter(pool.memory).kind).toBe("typescript");
  expect(bindSplitter(pool.memory)).toBe(bindSplitter(pool.memory));
  expect(await initTso()).toBe("simd");
});
