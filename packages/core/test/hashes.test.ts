import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  createIndirectionTable,
  createToeplitzHasher,
  directedFlowHash,
  flowHash,
  type FlowKey,
  jhash2,
  MICROSOFT_RSS_KEY,
  portableSipHash,
  queueOf,
  reciprocalScale,
  sipHash24,
  sipHash24Into,
  sipHash32,
  SYMMETRIC_RSS_KEY,
  toeplitz,
} from "../src/index.ts";

describe("H1: SipHash-2-4", () => {
  const key = Uint8Array.from({ length: 16 }, (_, i) => i);
  const count = (length: number) => Uint8Array.from({ length }, (_, i) => i);

  test("H1: the paper's example (appendix A): 15 bytes give a129ca6149be45e5", () => {
    expect(sipHash24(key, count(15))).toBe(0xa129ca6149be45e5n);
    expect(portableSipHash.sipHash(key, count(15))).toBe(0xa129ca6149be45e5n);
  });

  test("H1: the reference implementation's vectors of 0 to 8 and of 63 bytes", () => {
    const vectors = [
      0x726fdb47dd0e0e31n,
      0x74f839c593dc67fdn,
      0x0d6c8009d9a94f5an,
      0x85676696d7fb7e2dn,
      0xcf2794e0277187b7n,
      0x18765564cd99a68dn,
      0xcbc9466e58fee3cen,
      0xab0200f58b01d137n,
      0x93f5f5799a932462n,
    ];
    expect(vectors.map((_, length) => sipHash24(key, count(length)))).toEqual(vectors);
    expect(sipHash24(key, count(63))).toBe(0x958a324ceb064572n);
  });

  test("H1: against a model in 64-bit integers", () => {
    const bytes16 = fc.uint8Array({ minLength: 16, maxLength: 16 });
    fc.assert(
      fc.property(bytes16, fc.uint8Array({ maxLength: 300 }), (anyKey, message) => {
        const model = sipHashModel(anyKey, message);
        expect(sipHash24(anyKey, message)).toBe(model);
        expect(BigInt(sipHash32(anyKey, message))).toBe(model & 0xffff_ffffn);
      }),
    );
  });

  test("H1: a part of a buffer is hashed in place", () => {
    const out = new Uint32Array(2);
    sipHash24Into(out, key, Uint8Array.of(9, 9, ...count(15), 9), 2, 17);
    expect([...out]).toEqual([0x49be45e5, 0xa129ca61]);
  });

  test("H1: a key that has not 16 bytes is refused", () => {
    expect(() => sipHash24(new Uint8Array(15), key)).toThrow(/^key must be 16 bytes/);
  });
});

describe("H2: Toeplitz: Microsoft's verification suite", () => {
  const v4 = [
    ["66.9.149.187", 2794, "161.142.100.80", 1766, 0x323e8fc2, 0x51ccc178],
    ["199.92.111.2", 14230, "65.69.140.83", 4739, 0xd718262a, 0xc626b0ea],
    ["24.19.198.95", 12898, "12.22.207.184", 38024, 0xd2d0a5de, 0x5c2b394a],
    ["38.27.205.30", 48228, "209.142.163.6", 2217, 0x82989176, 0xafc7327f],
    ["153.39.163.191", 44251, "202.188.127.2", 1303, 0x5d1809c5, 0x10e828a2],
  ] as const;
  const v6 = [
    ["3ffe:2501:200:1fff::7", 2794, "3ffe:2501:200:3::1", 1766, 0x2cc18cd5, 0x40207d3d],
    ["3ffe:501:8::260:97ff:fe40:efab", 14230, "ff02::1", 4739, 0x0f0c461c, 0xdde51bbf],
    ["3ffe:1900:4545:3:200:f8ff:fe21:67cf", 44251, "fe80::200:f8ff:fe21:67cf", 38024, 0x4b61e985, 0x02d1feef],
  ] as const;
  const table = createToeplitzHasher(MICROSOFT_RSS_KEY);

  test.each([...v4, ...v6])("H2: %s:%d to %s:%d", (src, srcPort, dst, dstPort, addressesOnly, withPorts) => {
    const addresses = Uint8Array.of(...address(src), ...address(dst));
    const all = Uint8Array.of(...addresses, ...port(srcPort), ...port(dstPort));
    expect(toeplitz(MICROSOFT_RSS_KEY, addresses)).toBe(addressesOnly);
    expect(toeplitz(MICROSOFT_RSS_KEY, all)).toBe(withPorts);
    expect(table.hash(addresses, 0, addresses.length)).toBe(addressesOnly);
    expect(table.hash(all, 0, all.length)).toBe(withPorts);
  });

  test("H2: the table and the definition agree for any key and input", () => {
    const keys = fc.uint8Array({ minLength: 16, maxLength: 52 });
    fc.assert(
      fc.property(keys, fc.uint8Array({ maxLength: 12 }), (key, input) => {
        expect(createToeplitzHasher(key).hash(Uint8Array.of(7, ...input), 1, input.length + 1)).toBe(
          toeplitz(key, input),
        );
      }),
    );
  });

  test("H2: too short a key and too long an input are refused", () => {
    expect(() => toeplitz(new Uint8Array(15), new Uint8Array(12))).toThrow(/^key must be at least 16 bytes/);
    expect(() => createToeplitzHasher(MICROSOFT_RSS_KEY, 37)).toThrow(/^key/);
    expect(() => table.hash(new Uint8Array(40), 0, 40)).toThrow(/^end/);
  });
});

describe("H3: the symmetric key", () => {
  test("H3: both directions hash alike, v4 and v6, with ports", () => {
    fc.assert(
      fc.property(fc.constantFrom(4, 16), fc.infiniteStream(fc.nat(255)), (size, stream) => {
        const bytes = (length: number) => Array.from({ length }, () => stream.next().value as number);
        const [src, dst, srcPort, dstPort] = [bytes(size), bytes(size), bytes(2), bytes(2)];
        const there = toeplitz(SYMMETRIC_RSS_KEY, Uint8Array.of(...src, ...dst, ...srcPort, ...dstPort));
        expect(toeplitz(SYMMETRIC_RSS_KEY, Uint8Array.of(...dst, ...src, ...dstPort, ...srcPort))).toBe(there);
      }),
    );
  });
});

describe("H4: the indirection table", () => {
  test("H4: by default queues take turns, and the hash's low bits choose the entry", () => {
    const table = createIndirectionTable(3, 8);
    expect([...table]).toEqual([0, 1, 2, 0, 1, 2, 0, 1]);
    expect([0, 9, 0xffff_ffff].map((hash) => queueOf(table, hash))).toEqual([0, 1, 1]);
  });

  test("H4: with weights each queue has its share, as ethtool -X eth0 weight 6 2 0 fills 8 entries", () => {
    expect([...createIndirectionTable(3, 8, [6, 2, 0])]).toEqual([0, 0, 0, 0, 0, 0, 1, 1]);
    expect([...createIndirectionTable(3, 4, [0, 1, 1])]).toEqual([1, 1, 2, 2]);
  });

  test("H4: nonsense is refused", () => {
    expect(() => createIndirectionTable(0)).toThrow(/^queues/);
    expect(() => createIndirectionTable(4, 100)).toThrow(/^size/);
    expect(() => createIndirectionTable(2, 8, [1])).toThrow(/^weights/);
    expect(() => createIndirectionTable(2, 8, [0, 0])).toThrow(/^weights/);
    expect(() => createIndirectionTable(2, 8, [1, -1])).toThrow(/^weights/);
  });
});

describe("H5: jhash, Bob Jenkins' lookup3", () => {
  test("H5: lookup3.c's own check: 'Four score and seven years ago' with seeds 0 and 1, by the byte model", () => {
    const text = new TextEncoder().encode("Four score and seven years ago");
    expect([jhashBytesModel(text, 0), jhashBytesModel(text, 1)]).toEqual([0x17770551, 0xcd628161]);
  });

  test("H5: jhash2 of words is that model on their bytes, least significant first", () => {
    fc.assert(
      fc.property(fc.uint32Array({ maxLength: 20 }), fc.integer({ min: 0, max: 0xffff_ffff }), (words, seed) => {
        const bytes = new Uint8Array(4 * words.length);
        words.forEach((word, i) => new DataView(bytes.buffer).setUint32(4 * i, word, true));
        expect(jhash2(words, seed)).toBe(jhashBytesModel(bytes, seed));
      }),
    );
  });
});

describe("H6: flow hash", () => {
  const words = fc.constantFrom(1, 4).chain((n) => fc.uint32Array({ minLength: n, maxLength: n }));
  const flows = words.chain((src) =>
    fc.record({
      src: fc.constant(src),
      dst: fc.uint32Array({ minLength: src.length, maxLength: src.length }),
      protocol: fc.constantFrom(1, 6, 17, 132),
      srcPort: fc.nat(65_535),
      dstPort: fc.nat(65_535),
    }),
  );
  const reverse = (flow: FlowKey): FlowKey => ({
    ...flow,
    src: flow.dst,
    dst: flow.src,
    srcPort: flow.dstPort,
    dstPort: flow.srcPort,
  });

  test("H6: flowHash is the same for both directions, never 0, and depends on the seed", () => {
    fc.assert(
      fc.property(flows, fc.nat(), (flow, seed) => {
        const hash = flowHash(flow, seed);
        expect(flowHash(reverse(flow), seed)).toBe(hash);
        expect(hash).toBeGreaterThan(0);
        expect(hash).toBeLessThanOrEqual(0xffff_ffff);
        expect(flowHash(flow, seed + 1)).not.toBe(hash);
      }),
    );
  });

  test("H6: same host at both ends: the ports put them into order", () => {
    const flow = { src: [0x7f000001], dst: [0x7f000001], protocol: 6, srcPort: 80, dstPort: 40_000 };
    expect(flowHash(flow, 1)).toBe(flowHash(reverse(flow), 1));
    expect(flowHash(flow, 1)).not.toBe(flowHash({ ...flow, dstPort: 40_001 }, 1));
  });

  test("H6: it is jhash2 of addresses, ports, protocol and flow label; the directed one keeps the order", () => {
    const flow = { src: [9], dst: [5], protocol: 17, srcPort: 1, dstPort: 2, flowLabel: 7 };
    expect(directedFlowHash(flow, 3)).toBe(jhash2([9, 5, 0x0001_0002, 17, 7], 3));
    expect(flowHash(flow, 3)).toBe(jhash2([5, 9, 0x0002_0001, 17, 7], 3));
    expect(directedFlowHash(reverse(flow), 3)).not.toBe(directedFlowHash(flow, 3));
  });

  test("H6: 64k consecutive flows spread over 1024 buckets about evenly", () => {
    const buckets = new Uint32Array(1024);
    for (let i = 0; i < 65_536; i++) {
      const hash = flowHash(
        { src: [0x0a000001], dst: [0x0a000002 + (i >> 8)], protocol: 6, srcPort: 1024 + (i & 255), dstPort: 80 },
        5,
      );
      buckets[reciprocalScale(hash, 1024)]!++;
    }
    const chi2 = buckets.reduce((sum, count) => sum + (count - 64) ** 2 / 64, 0);
    // 1023 degrees of freedom: mean 1023, standard deviation 45.
    expect(chi2).toBeGreaterThan(1023 - 6 * 45);
    expect(chi2).toBeLessThan(1023 + 6 * 45);
  });

  test("H6: reciprocalScale is floor(hash * n / 2^32)", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0xffff_ffff }), fc.integer({ min: 1, max: 2 ** 20 }), (hash, n) => {
        expect(BigInt(reciprocalScale(hash, n))).toBe((BigInt(hash) * BigInt(n)) >> 32n);
      }),
    );
  });
});

test("H2: the Microsoft key is the published one", () => {
  const digest = createHash("sha256").update(MICROSOFT_RSS_KEY).digest("hex");
  const published = "6d5a56da255b0ec24167253d43a38fb0d0ca2bcbae7b30b477cb2da38030f20c6a42b73bbeac01fa";
  expect(digest).toBe(createHash("sha256").update(Buffer.from(published, "hex")).digest("hex"));
});

function address(text: string): number[] {
  if (text.includes(".")) return text.split(".").map(Number);
  const [left = "", right] = text.split("::");
  const groups = (part: string) => (part === "" ? [] : part.split(":").map((group) => parseInt(group, 16)));
  const [head, tail] = [groups(left), right === undefined ? [] : groups(right)];
  return [...head, ...new Array<number>(8 - head.length - tail.length).fill(0), ...tail].flatMap(port);
}

function port(number: number): number[] {
  return [number >> 8, number & 255];
}

function sipHashModel(key: Uint8Array, message: Uint8Array): bigint {
  const mask = (1n << 64n) - 1n;
  const rotl = (x: bigint, n: bigint) => ((x << n) | (x >> (64n - n))) & mask;
  const le = (bytes: Uint8Array) => bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
  const [k0, k1] = [le(key.slice(0, 8)), le(key.slice(8))];
  let [v0, v1, v2, v3] = [
    k0 ^ 0x736f6d6570736575n,
    k1 ^ 0x646f72616e646f6dn,
    k0 ^ 0x6c7967656e657261n,
    k1 ^ 0x7465646279746573n,
  ];
  const rounds = (n: number) => {
    for (let i = 0; i < n; i++) {
      v0 = (v0 + v1) & mask;
      v1 = rotl(v1, 13n) ^ v0;
      v0 = rotl(v0, 32n);
      v2 = (v2 + v3) & mask;
      v3 = rotl(v3, 16n) ^ v2;
      v0 = (v0 + v3) & mask;
      v3 = rotl(v3, 21n) ^ v0;
      v2 = (v2 + v1) & mask;
      v1 = rotl(v1, 17n) ^ v2;
      v2 = rotl(v2, 32n);
    }
  };
  const padded = new Uint8Array(8 * (Math.floor(message.length / 8) + 1));
  padded.set(message);
  padded[padded.length - 1] = message.length & 255;
  for (let at = 0; at < padded.length; at += 8) {
    const word = le(padded.slice(at, at + 8));
    v3 ^= word;
    rounds(2);
    v0 ^= word;
  }
  v2 ^= 0xffn;
  rounds(4);
  return v0 ^ v1 ^ v2 ^ v3;
}

/** lookup3's hashlittle, byte by byte, with the length and the golden number as the kernel has them. */
function jhashBytesModel(bytes: Uint8Array, seed: number): number {
  const add = (x: number, y: number) => (x + y) >>> 0;
  const sub = (x: number, y: number) => (x - y) >>> 0;
  const rot = (x: number, k: number) => ((x << k) | (x >>> (32 - k))) >>> 0;
  const s = new Array<number>(3).fill(add(add(0xdeadbeef, bytes.length), seed));
  if (bytes.length === 0) return s[2]!;
  const feed = (from: number) => {
    for (let i = 0; i < 12 && from + i < bytes.length; i++) {
      s[i >> 2] = add(s[i >> 2]!, (bytes[from + i]! << (8 * (i & 3))) >>> 0);
    }
  };
  let at = 0;
  for (; bytes.length - at > 12; at += 12) {
    feed(at);
    for (const [i, k] of [4, 6, 8, 16, 19, 4].entries()) {
      const [x, y, z] = [i % 3, (i + 2) % 3, (i + 1) % 3];
      s[x] = (sub(s[x]!, s[y]!) ^ rot(s[y]!, k)) >>> 0;
      s[y] = add(s[y]!, s[z]!);
    }
  }
  feed(at);
  for (const [i, k] of [14, 11, 25, 16, 4, 14, 24].entries()) {
    const [x, y] = [(i + 2) % 3, (i + 1) % 3];
    s[x] = sub((s[x]! ^ s[y]!) >>> 0, rot(s[y]!, k));
  }
  return s[2]!;
}
