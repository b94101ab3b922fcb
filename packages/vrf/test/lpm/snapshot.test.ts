import { createRandom } from "@seville/core";
import { describe, expect, test } from "vitest";
import { parseIpv4 } from "@seville/packet";
import { Ipv4PrefixMap, type Ipv4SnapshotMode } from "@seville/vrf/lpm";

const modes = ["compact", "dir-24-8"] as const satisfies readonly Ipv4SnapshotMode[];

/** A table as the Internet's: most prefixes are /24, some longer and shorter, values skewed. */
function internet(count: number, values = 200): Ipv4PrefixMap<string> {
  const random = createRandom(7);
  const map = new Ipv4PrefixMap<string>();
  map.set(0, 0, "default");
  while (map.size < count) {
    const length = random.bool(0.6) ? 24 : 8 + random.below(25);
    map.set((random.below(48) * 0x0400_0000 + random.below(0x0400_0000)) >>> 0, length, `hop ${random.below(values)}`);
  }
  return map;
}

describe.each(modes)("a %s snapshot", (mode) => {
  test("L20: answers as the map does, one by one and in a batch", () => {
    const map = internet(20_000);
    const snapshot = map.compile(mode);
    const random = createRandom(8);
    const asked = Uint32Array.from({ length: 50_000 }, () => random.below(2 ** 32));
    const answers = new Uint32Array(asked.length);
    snapshot.lookupMany(asked, answers);
    for (const [i, address] of asked.entries()) {
      const expected = map.lookup(address);
      if (snapshot.lookup(address) !== expected || snapshot.values[answers[i] as number] !== expected) {
        expect.fail(
          `${address.toString(16)}: ${snapshot.lookup(address) ?? "none"}, the map says ${expected ?? "none"}`,
        );
      }
    }
  });

  test("L20: at the edges of every prefix too", () => {
    const map = internet(3000);
    const snapshot = map.compile(mode);
    for (const { network, length } of map.entries()) {
      const end = network + 2 ** (32 - length);
      for (const address of [network - 1, network, end - 1, end]) {
        if (address < 0 || address > 0xffff_ffff) continue;
        expect(snapshot.lookup(address)).toBe(map.lookup(address));
      }
    }
  });

  test("L21: does not see what changes later", () => {
    const map = internet(100);
    const snapshot = map.compile(mode);
    const before = snapshot.lookup(parseIpv4("8.8.8.8"));
    map.set(parseIpv4("8.8.8.8"), 32, "changed");
    map.delete(0, 0);
    expect(snapshot.lookup(parseIpv4("8.8.8.8"))).toBe(before);
    expect(map.compile(mode).lookup(parseIpv4("8.8.8.8"))).toBe("changed");
  });

  test("L22: of an empty table says none", () => {
    const snapshot = new Ipv4PrefixMap<number>().compile(mode);
    expect(snapshot.lookup(1)).toBeUndefined();
    expect(snapshot.lookupNumber(0xffff_ffff)).toBe(0);
  });

  test("L22: of a short list and of a default alone", () => {
    const map = new Ipv4PrefixMap<number>().set(0, 0, 1).set(parseIpv4("10.0.0.0"), 31, 2);
    const snapshot = map.compile(mode);
    expect([0, parseIpv4("10.0.0.1"), parseIpv4("10.0.0.2")].map((one) => snapshot.lookup(one))).toEqual([1, 2, 1]);
  });

  test("L23: a batch of any size is answered, as far as the shorter array goes", () => {
    const snapshot = new Ipv4PrefixMap<number>().set(0, 1, 7).compile(mode);
    for (const size of [0, 1, 2047, 2048, 2049, 5000]) {
      const answers = new Uint32Array(size).fill(99);
      snapshot.lookupMany(new Uint32Array(size), answers);
      expect(answers.every((one) => snapshot.values[one] === 7)).toBe(true);
    }
    const short = new Uint32Array(3);
    snapshot.lookupMany(new Uint32Array(9), short);
    expect([...short].map((one) => snapshot.values[one])).toEqual([7, 7, 7]);
  });
});

describe("limits of a snapshot", () => {
  test("L24: DIR-24-8 refuses more values than 15 bits number, and says what to do", () => {
    const map = new Ipv4PrefixMap<number>();
    for (let i = 0; i <= 0x7fff; i++) map.set(i * 256, 24, i);
    expect(() => map.compile("dir-24-8")).toThrow(
      'a DIR-24-8 table of 32768 different values is not supported: it can number 32767; compile "compact"',
    );
    expect(map.compile().lookup(0x7fff * 256)).toBe(0x7fff);
  });

  test("L24: DIR-24-8 refuses more /24 with longer prefixes than 15 bits number", () => {
    const map = new Ipv4PrefixMap<number>();
    for (let i = 0; i <= 0x8000; i++) map.set(i * 256, 25, 1);
    expect(() => map.compile("dir-24-8")).toThrow("more than 32768 /24 with longer prefixes");
  });

  test("L25: a full table compiles into less than 16 MB, or just over 32 MiB", () => {
    const map = internet(100_000);
    expect(map.compile().byteLength).toBeLessThan(16e6);
    expect(map.compile("dir-24-8").byteLength).toBeLessThan(2 ** 25 + 2 ** 24);
  });
});

describe("without WebAssembly", () => {
  test("L26: batches are answered by the plain code, to the same numbers", async () => {
    const map = internet(5000);
    const quick = map.compile();
    const { WebAssembly: kept } = globalThis;
    const asked = Uint32Array.from({ length: 4000 }, (_, i) => (i * 1_048_573) >>> 0);
    const expected = new Uint32Array(asked.length);
    quick.lookupMany(asked, expected);
    try {
      // A fresh copy of the module, which looks for WebAssembly anew.
      Reflect.deleteProperty(globalThis, "WebAssembly");
      const { vi } = await import("vitest");
      vi.resetModules();
      const fresh = await import("../../src/lpm/ipv4-map.ts");
      const slow = new fresh.Ipv4PrefixMap<string>();
      for (const { network, length, value } of map.entries()) slow.set(network, length, value);
      const snapshot = slow.compile();
      const answers = new Uint32Array(asked.length);
      snapshot.lookupMany(asked, answers);
      expect([...answers].map((one) => snapshot.values[one])).toEqual([...expected].map((one) => quick.values[one]));
    } finally {
      globalThis.WebAssembly = kept;
    }
  });
});
