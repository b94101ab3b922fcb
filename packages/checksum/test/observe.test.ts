import { createPacketMemory } from "@seville/core";
import {
  bindChecksum,
  bindCrc32c,
  bindSums,
  CHECKSUM_COMPLETE,
  CHECKSUM_NONE,
  CHECKSUM_UNNECESSARY,
  crc32c,
  observeChecksum,
  sum,
  SUM_RECORD_BYTES,
  validate,
  validateUdp,
  type ChecksumVerdict,
} from "@seville/checksum";
import { afterEach, describe, expect, test } from "vitest";
import { lay, memory, kernels, payload, pseudo, TCP, tcp, UDP, udp, withChecksum } from "./helpers/frames.ts";

afterEach(() => {
  observeChecksum(memory, undefined);
});

describe.each([true, false])("O1 observing the kernels of a memory (WebAssembly %s)", (wasm) => {
  const own = createPacketMemory({ bytes: 1 << 16, wasm });
  const at = own.base;
  const observed = (work: () => void): number => {
    let bytes = 0;
    observeChecksum(own, { read: (count) => (bytes += count) });
    try {
      work();
    } finally {
      observeChecksum(own, undefined);
    }
    return bytes;
  };

  test("O1 every byte that is read for a sum or a CRC counts, whoever asks", () => {
    expect(observed(() => bindChecksum(own).sum(at, 100))).toBe(100);
    expect(observed(() => bindSums(own).sum(at, 7, 5))).toBe(7);
    expect(observed(() => bindCrc32c(own).crc32c(at, 333))).toBe(333);
    expect(observed(() => bindChecksum(own).copyAndSum(at + 4096, at, 1500))).toBe(1500);
    // Bytes of this memory that are named by a view of it, too, where they are enough to be worth a kernel.
    expect(observed(() => sum(own.u8.subarray(at, at + 3000)))).toBe(3000);
    expect(observed(() => crc32c(own.u8.subarray(at, at + 3001)))).toBe(3001);
  });

  test("O1 records count by their lengths", () => {
    const table = at + 8192;
    for (const [i, length] of [20, 0, 1480].entries()) {
      own.view.setUint32(table + i * SUM_RECORD_BYTES, at, true);
      own.view.setUint32(table + i * SUM_RECORD_BYTES + 4, length, true);
      own.view.setUint32(table + i * SUM_RECORD_BYTES + 8, 0, true);
    }
    expect(observed(() => bindSums(own).sumMany(table, 3))).toBe(1500);
    expect(observed(() => bindSums(own).verifyMany(table, 2))).toBe(20);
  });

  test("O1 results are those of the unobserved kernels, and a range outside still throws before anything counts", () => {
    own.u8.set(payload(2000), at);
    const plain = [bindSums(own).sum(at, 1999, 3), bindCrc32c(own).crc32c(at, 2000, 9)];
    const seen: number[] = [];
    const bytes = observed(() => {
      seen.push(bindChecksum(own).sum(at, 1999, 3), bindChecksum(own).crc32c(at, 2000, 9));
      expect(() => bindSums(own).sum(own.byteLength, 1)).toThrow(/do not lie within/);
    });
    expect(seen).toEqual(plain);
    expect(bytes).toBe(3999);
  });

  test("O2 without an observer the kernels are the functions that they were, in the same objects", () => {
    const [all, sums] = [bindChecksum(own), bindSums(own)];
    const before = { ...sums };
    observed(() => {
      expect(bindSums(own)).toBe(sums);
      expect(sums.sum).not.toBe(before.sum);
    });
    expect({ ...sums }).toEqual(before);
    expect(all.sum).toBe(sums.sum);
    expect(sums.observer).toBeUndefined();
  });

  test("O2 a second observer takes the place of the first, not a place behind it", () => {
    let first = 0;
    let second = 0;
    observeChecksum(own, { read: (bytes) => (first += bytes) });
    observeChecksum(own, { read: (bytes) => (second += bytes) });
    bindSums(own).sum(at, 10);
    observeChecksum(own, undefined);
    bindSums(own).sum(at, 10);
    expect([first, second]).toEqual([0, 10]);
  });

  test("O2 memories are observed one by one", () => {
    const other = createPacketMemory({ bytes: 1 << 12, wasm });
    expect(observed(() => bindSums(other).sum(other.base, 10))).toBe(0);
  });
});

describe("O3 verdicts about received checksums", () => {
  const watch = (): [number, ChecksumVerdict][] => {
    const verdicts: [number, ChecksumVerdict][] = [];
    observeChecksum(memory, { verdict: (at, verdict) => verdicts.push([at, verdict]) });
    return verdicts;
  };

  test("O3 each is told with the place of its header, as the caller gets it", () => {
    const verdicts = watch();
    const good = lay(withChecksum(4, TCP, tcp(payload(99))), { ipSummed: CHECKSUM_NONE });
    const sumOf = pseudo(4, TCP, good.tail - good.data);
    expect(validate(kernels, good, sumOf)).toBe("software");
    // What was summed is kept: the second time it is known.
    expect(validate(kernels, good, sumOf)).toBe("complete");
    good.ipSummed = CHECKSUM_UNNECESSARY;
    validate(kernels, good, sumOf);
    expect(verdicts).toEqual([
      [good.data, "software"],
      [good.data, "complete"],
      [good.data, "unnecessary"],
    ]);
  });

  test("O3 an absent one, a bad one, and a device's sum that lies", () => {
    const verdicts = watch();
    const none = lay(udp(1, 2, payload(9)));
    validateUdp(kernels, none, 0, true);
    const bad = lay(withChecksum(4, UDP, udp(1, 2, payload(9))));
    memory.u8[bad.tail - 1]! ^= 1;
    validateUdp(kernels, bad, pseudo(4, UDP, bad.tail - bad.data), true);
    const lied = lay(withChecksum(4, UDP, udp(1, 2, payload(9))), { ipSummed: CHECKSUM_COMPLETE, csum: 1234 });
    validateUdp(kernels, lied, pseudo(4, UDP, lied.tail - lied.data), true);
    expect(verdicts.map(([, verdict]) => verdict)).toEqual(["absent", "bad", "fault"]);
  });
});
