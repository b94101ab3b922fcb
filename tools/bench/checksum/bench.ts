import { bindChecksum, fold, sum } from "../../../packages/checksum/src/index.ts";
import { makePayload, SIZES } from "../lib/payload.ts";
import type { BenchCase, BenchDefinition, TimedSide } from "../lib/types.ts";
import { LOOPS } from "./loops.ts";

/** The one's-complement sum, in the packet pool and outside of it, beside the loops that people write. */
export const bench: BenchDefinition = {
  title: "Internet checksum (RFC 1071) of one buffer",
  cases() {
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
          for (let i = 0; i < count; i++) total += kernels.sum(offset, size);
          return total;
        },
      };
      const outside = payload.foreign(size);
      const copying: TimedSide = {
        name: "seville",
        run(count) {
          let total = 0;
          for (let i = 0; i < count; i++) total += sum(outside);
          return total;
        },
      };
      const loops = (bytes: Buffer): TimedSide[] => LOOPS.map(([name, loop]) => ({ name, run: loop(bytes) }));
      cases.push({ case: "sum pool", ...common, ours: pool, peers: loops(payload.inPool(size)) });
      cases.push({ case: "sum foreign", ...common, ours: copying, peers: loops(outside) });
    }
    for (const one of cases) assertEqualSums(one);
    return cases;
  },
};

function assertEqualSums({ case: name, size, ours, peers }: BenchCase): void {
  const expected = fold((ours as TimedSide).run(1));
  for (const peer of peers) {
    const got = (peer as TimedSide).run(1);
    if (got !== expected) throw new Error(`${name} ${size}: ${peer.name} gives ${got}, ours ${expected}`);
  }
}
