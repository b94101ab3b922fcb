import type { Packet } from "../../../packages/packet/src/index.ts";
import { createSimulation, type DirectionOptions, type LinkEnd } from "../../../packages/sim/src/index.ts";
import type { BenchCase } from "../lib/types.ts";
import { millionsPerCpuSecond } from "./bench.ts";

const HOPS = 9;
const FRAMES_UNDER_WAY = 64;

/**
 * Packet-hops: frames of 1500 bytes go along a chain of nine links of 1 Gbit/s and 1 ms, handed from each to the next, with
 * `FRAMES_UNDER_WAY` under way. No stack above the links: this is what the simulator itself costs.
 */
export function linkCases(): readonly BenchCase[] {
  const plain: DirectionOptions = { rate: 1_000_000_000, delay: 1_000_000 };
  const faults = { jitter: 1000, loss: 1e-9, duplicate: 1e-9, corrupt: 1e-9, reorder: 1e-9 };
  const unit = { size: 1500, unit: "M packet-hops/CPU s", better: "higher" } as const;
  const beside = (options: DirectionOptions): Pick<BenchCase, "ours" | "peers"> => ({
    ours: { name: "link", value: chain(options) },
    peers: [{ name: "plain link", value: chain(plain) }],
  });
  return [
    // ns-3 3.37 (Debian) for such a chain, with its IP stack on top: only the order of magnitude compares.
    { case: "chain", ...unit, ours: { name: "link", value: chain(plain) }, peers: [], reference: 0.116 },
    { case: "chain, all faults on", ...unit, ...beside({ ...plain, ...faults }) },
    { case: "chain, fq_codel", ...unit, ...beside({ ...plain, queue: { kind: "fq_codel" } }) },
  ];
}

function chain(options: DirectionOptions): () => number {
  const world = createSimulation({ pool: { small: 512, jumbo: 0, super: 0 } });
  const links = Array.from({ length: HOPS }, () => world.link(options));
  for (const [i, link] of links.entries()) {
    const next = links[(i + 1) % HOPS] as { readonly a: LinkEnd };
    link.b.attach({ receiveFrame: (frame: Packet) => next.a.send(frame) });
  }
  for (let i = 0; i < FRAMES_UNDER_WAY; i++) links[0]?.a.send(world.pool.from(new Uint8Array(1514)) as Packet);
  const hops = (): number => links.reduce((sum, link) => sum + link.stats("aToB").framesDelivered, 0);
  world.run({ maxEvents: 300_000 });
  return () => {
    const before = hops();
    const events = millionsPerCpuSecond(150_000, () => void world.run({ maxEvents: 150_000 }));
    return (events * (hops() - before)) / 150_000;
  };
}
