import { bindChecksum, crc32c } from "../../../packages/checksum/src/index.ts";
import { makePayload, SIZES } from "../lib/payload.ts";
import { requireNative } from "../lib/peers.ts";
import type { BenchCase, BenchContext, BenchDefinition, TimedSide } from "../lib/types.ts";

/** CRC32c, in the packet pool and outside of it, beside the native add-ons and the packages in JavaScript and WebAssembly. */
export const bench: BenchDefinition = {
  title: "CRC32c of one buffer",
  peers: ["fast-crc32c", "@node-rs/crc32", "@aws-crypto/crc32c", "crc-32", "hash-wasm", "polycrc"],
  async cases(context) {
    const peers = await loadPeers(context);
    const payload = makePayload();
    const { memory, offset } = payload;
    const kernels = bindChecksum(memory);
    if (kernels.kind !== "simd") throw new Error("the SIMD kernel is not in use here");

    const cases: BenchCase[] = [];
    for (const size of SIZES) {
      const common = { size, unit: "ns", better: "lower" } as const;
      const pool: TimedSide = {
        name: "seville",
        run(count) {
          let total = 0;
          for (let i = 0; i < count; i++) total += kernels.crc32c(offset, size);
          return total;
        },
      };
      const outside = payload.foreign(size);
      const copying: TimedSide = {
        name: "seville",
        run(count) {
          let total = 0;
          for (let i = 0; i < count; i++) total += crc32c(outside);
          return total;
        },
      };
      const others = (bytes: Buffer): TimedSide[] => peers.map(([name, peer]) => ({ name, run: peer(bytes) }));
      cases.push({ case: "crc32c pool", ...common, ours: pool, peers: others(payload.inPool(size)) });
      cases.push({ case: "crc32c foreign", ...common, ours: copying, peers: others(outside) });
    }
    for (const one of cases) assertEqual(one);
    return cases;
  },
};

type Peer = readonly [name: string, peer: (bytes: Buffer) => (count: number) => number];

async function loadPeers({ load }: BenchContext): Promise<Peer[]> {
  const fast = await load<{ calculate(data: Buffer): number }>("fast-crc32c");
  requireNative("fast-crc32c (sse4_crc32)", /sse4_crc32.*\.node$/);
  const nodeRs = await load<{ crc32c(data: Buffer): number }>("@node-rs/crc32");
  requireNative("@node-rs/crc32", /@node-rs.*crc32.*\.node$/);
  const aws = await load<{ crc32c(data: Uint8Array): number }>("@aws-crypto/crc32c");
  const { buf } = await load<{ buf: (data: Buffer) => number }>("crc-32/crc32c.js");
  const hashWasm = await load<{ createCRC32(polynomial: number): Promise<HashWasm> }>("hash-wasm");
  const { crc } = await load<{
    crc: (width: number, poly: number, xorIn: number, xorOut: number, reflect: boolean) => (data: Buffer) => number;
  }>("polycrc");
  const polycrc = crc(32, 0x1edc6f41, 0xffffffff, 0xffffffff, true);
  const hasher = await hashWasm.createCRC32(0x82f63b78);
  return [
    [
      "fast-crc32c",
      (bytes) => (count) => {
        let total = 0;
        for (let i = 0; i < count; i++) total += fast.calculate(bytes);
        return total;
      },
    ],
    [
      "@node-rs/crc32",
      (bytes) => (count) => {
        let total = 0;
        for (let i = 0; i < count; i++) total += nodeRs.crc32c(bytes);
        return total;
      },
    ],
    [
      "@aws-crypto/crc32c",
      (bytes) => (count) => {
        let total = 0;
        for (let i = 0; i < count; i++) total += aws.crc32c(bytes);
        return total;
      },
    ],
    [
      "crc-32",
      (bytes) => (count) => {
        let total = 0;
        for (let i = 0; i < count; i++) total += buf(bytes) >>> 0;
        return total;
      },
    ],
    [
      "hash-wasm",
      (bytes) => (count) => {
        let total = 0;
        for (let i = 0; i < count; i++) total += Number.parseInt(hasher.init().update(bytes).digest(), 16);
        return total;
      },
    ],
    [
      "polycrc",
      (bytes) => (count) => {
        let total = 0;
        for (let i = 0; i < count; i++) total += polycrc(bytes) >>> 0;
        return total;
      },
    ],
  ];
}

interface HashWasm {
  init(): HashWasm;
  update(data: Buffer): HashWasm;
  digest(): string;
}

function assertEqual({ case: name, size, ours, peers }: BenchCase): void {
  const expected = (ours as TimedSide).run(1);
  for (const peer of peers) {
    const got = (peer as TimedSide).run(1);
    if (got !== expected) throw new Error(`${name} ${size}: ${peer.name} gives ${got}, ours ${expected}`);
  }
}
