import { createPacketMemory, SevilleError } from "@seville/core";
import { describe, expect, test } from "vitest";
import { add, bindChecksum, crc32c, sum, SUM_RECORD_BYTES, type ChecksumKernels } from "@seville/checksum";
import { payload } from "./helpers/frames.ts";
import { naiveCrcRegister } from "./helpers/naive.ts";

const LONGEST = 3100;
const data = payload(LONGEST + 64);

function kernelsWith(wasm: boolean, bytes = 1 << 16): { kernels: ChecksumKernels; at: number } {
  const memory = createPacketMemory({ bytes, wasm });
  const at = Math.ceil(memory.base / 64) * 64;
  memory.u8.set(data.subarray(0, Math.min(data.length, bytes)), at);
  return { kernels: bindChecksum(memory), at };
}

const simd = kernelsWith(true);
const twin = kernelsWith(false);

test("K4 the kernel runs here, and the twin on a memory without WebAssembly", () => {
  expect(simd.kernels.kind).toBe("simd");
  expect(twin.kernels.kind).toBe("typescript");
});

describe.each([
  ["SIMD kernel", simd],
  ["TypeScript twin", twin],
])("%s", (_, { kernels, at }) => {
  test.each([0, 1, 2, 3, 7, 8, 14, 15, 31, 63])(
    "K1 sums and CRCs of all lengths from 0 to 3100 at alignment %i equal the naive model's",
    (alignment) => {
      let register = -1;
      let words = 0;
      const wrong: number[] = [];
      for (let length = 0; length <= LONGEST; length++) {
        const start = at + alignment;
        if (kernels.sum(start, length) !== words) wrong.push(length);
        if (kernels.crc32c(start, length) !== ~register >>> 0) wrong.push(length);
        const byte = data[alignment + length]!;
        register = naiveCrcRegister(register, byte);
        words += length % 2 === 0 ? byte << 8 : byte;
        if (words > 0xffff) words -= 0xffff;
      }
      expect(wrong).toEqual([]);
    },
  );

  test("K2 a seed continues a sum with carry brought round, and a CRC", () => {
    for (const seed of [0, 1, 0xffff, 0xffff_ffff, 0x8000_0000, 0x1234_5678]) {
      expect(kernels.sum(at, 100, seed)).toBe(add(seed, kernels.sum(at, 100)));
    }
    for (const split of [0, 1, 16, 100, 127, 128, 129, 500, 999]) {
      expect(kernels.crc32c(at + split, 1000 - split, kernels.crc32c(at, split))).toBe(kernels.crc32c(at, 1000));
    }
  });

  test("C1 all ones and all zeros keep the two zeros apart", () => {
    const { u8, base } = kernels.memory;
    const from = base + 40_000;
    for (const length of [0, 1, 2, 15, 16, 64, 65, 4096]) {
      u8.fill(0, from, from + 5000);
      expect(kernels.sum(from, length)).toBe(0);
      u8.fill(0xff, from, from + 5000);
      expect(kernels.sum(from, length)).toBe(length === 0 ? 0 : length % 2 === 0 ? 0xffff : 0xff00);
    }
  });

  test("K3 copyAndSum copies as memmove does, apart and overlapping both ways", () => {
    const { u8, base } = kernels.memory;
    const work = base + 20_000;
    for (const [target, source, length] of [
      [work, at, 1500],
      [work + 1, at + 2, 1501],
      [work, at, 0],
      [work, at, 3],
      [work + 100, work + 90, 300],
      [work + 90, work + 100, 300],
      [work, work, 77],
    ] as const) {
      const before = u8.slice(source, source + length);
      expect(kernels.copyAndSum(target, source, length, 5)).toBe(add(5, sum(before)));
      expect(u8.slice(target, target + length)).toEqual(before);
    }
  });

  test("K3 sumMany and verifyMany do a table of ranges in one call", () => {
    const { view, base } = kernels.memory;
    const table = base + 16_384;
    const ranges = [
      [at, 20],
      [at + 1, 1500],
      [at + 3, 0],
    ] as const;
    const write = (seeds: readonly number[]): void => {
      ranges.forEach(([offset, length], i) => {
        [offset, length, seeds[i]!, 0xdead].forEach((word, k) =>
          view.setUint32(table + i * SUM_RECORD_BYTES + k * 4, word, true),
        );
      });
    };
    const results = (): number[] => ranges.map((_, i) => view.getUint32(table + i * SUM_RECORD_BYTES + 12, true));
    write([1, 2, 0xffff]);
    kernels.sumMany(table, ranges.length);
    expect(results()).toEqual([kernels.sum(at, 20, 1), kernels.sum(at + 1, 1500, 2), 0xffff]);
    // A range verifies when seed and sum fold to 0xffff: give the first its complement, spoil the second.
    write([0xffff - kernels.sum(at, 20), 0xffff - kernels.sum(at + 1, 1500) - 1, 0xffff]);
    expect(kernels.verifyMany(table, ranges.length)).toBe(1);
    expect(results()).toEqual([1, 0, 1]);
    expect(() => kernels.sumMany(table + 2, 1)).toThrow(SevilleError);
    expect(() => kernels.sumMany(table, Number.NaN)).toThrow(SevilleError);
    view.setUint32(table + SUM_RECORD_BYTES, 0xffff_fff0, true);
    expect(() => kernels.verifyMany(table, ranges.length)).toThrow(/do not lie within the memory/);
  });

  test("K3 a range outside of the memory is the caller's mistake, not a trap", () => {
    const { byteLength } = kernels.memory;
    for (const [offset, length] of [
      [-1, 4],
      [0, -1],
      [byteLength - 3, 4],
      [byteLength + 1, 0],
      [Number.NaN, 4],
      [0, Number.NaN],
    ] as const) {
      expect(() => kernels.sum(offset, length)).toThrow(SevilleError);
      expect(() => kernels.crc32c(offset, length)).toThrow(SevilleError);
      expect(() => kernels.copyAndSum(offset, at, length)).toThrow(SevilleError);
      expect(() => kernels.copyAndSum(at, offset, length)).toThrow(SevilleError);
    }
    expect(() => kernels.sum(byteLength, 0)).not.toThrow();
  });

  test("K4 binding again gives the same kernels", () => {
    expect(bindChecksum(kernels.memory)).toBe(kernels);
  });
});

test("K1 sums over several MiB do not overflow their lanes: kernel = twin = closed form", () => {
  for (const wasm of [true, false]) {
    const memory = createPacketMemory({ bytes: 24 << 20, wasm });
    const length = (20 << 20) + 6;
    memory.u8.fill(0xff, memory.base, memory.base + length);
    const { sum: sumOf, copyAndSum } = bindChecksum(memory);
    expect(sumOf(memory.base, length)).toBe(0xffff);
    memory.u8[memory.base] = 0xfe;
    expect(sumOf(memory.base, length)).toBe(0xfeff);
    expect(copyAndSum(memory.base, memory.base + 2, length - 2)).toBe(0xffff);
  }
});

describe("bytes from anywhere", () => {
  test.each([0, 1, 79, 80, 111, 112, 113, 1500, 65_536, 65_537, 140_001])(
    "K2 %i bytes outside of any memory give what the same bytes in a memory give",
    (length) => {
      const bytes = payload(length + 1, length).subarray(1);
      const memory = createPacketMemory({ bytes: 1 << 18, wasm: false });
      memory.u8.set(bytes, memory.base);
      const { sum: sumOf, crc32c: crcOf } = bindChecksum(memory);
      expect(sum(bytes, 7)).toBe(sumOf(memory.base, length, 7));
      expect(crc32c(bytes, 7)).toBe(crcOf(memory.base, length, 7));
    },
  );

  test("K2 a view of a bound memory is read in place", () => {
    const { kernels, at } = simd;
    const view = kernels.memory.u8.subarray(at + 5, at + 5 + 2000);
    expect(sum(view)).toBe(kernels.sum(at + 5, 2000));
    expect(crc32c(view)).toBe(kernels.crc32c(at + 5, 2000));
  });

  test("K2 a view of a SharedArrayBuffer is as good as any", () => {
    const shared = new Uint8Array(new SharedArrayBuffer(2000));
    shared.set(data.subarray(0, 2000));
    expect(sum(shared)).toBe(sum(data.slice(0, 2000)));
    expect(crc32c(shared)).toBe(crc32c(data.slice(0, 2000)));
  });
});
