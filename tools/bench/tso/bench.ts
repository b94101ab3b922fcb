import { PacketPool, type Packet } from "../../../packages/packet/src/index.ts";
import { segment, segmentInto } from "../../../packages/tso/src/index.ts";
import type { BenchCase, BenchDefinition, TimedSide } from "../lib/types.ts";
import { HEADER_BYTES, makeSuper, MSS, PAYLOAD_BYTES, SEGMENTS } from "./frames.ts";
import { copyWithin, naive, type Targets } from "./peers.ts";

/** 64 KiB to 45 frames, with all fields and both checksums of each. */
export const bench: BenchDefinition = {
  title: "TSO: one super-packet of Ethernet, IPv4, TCP with timestamps, and 65160 bytes into 45 frames",
  cases() {
    const pool = new PacketPool({ small: 256, jumbo: 0, super: 4 });
    const packet = makeSuper(pool);
    const targets = makeTargets(pool, packet);
    assertSame(pool, packet, targets);
    const common = { size: PAYLOAD_BYTES, unit: "ns", better: "lower" } as const;
    const cases: BenchCase[] = [
      {
        case: "into frames",
        ...common,
        ours: intoFrames(packet, targets),
        peers: [
          { name: "copyWithin", run: repeat(() => copyWithin(targets)) },
          { name: "naive", run: repeat(() => naive(targets)) },
        ],
      },
      {
        case: "into packets",
        ...common,
        ours: intoPackets(packet),
        peers: [
          { name: "copyWithin", run: repeat(() => withPackets(pool, packet, targets, copyWithin)) },
          { name: "naive", run: repeat(() => withPackets(pool, packet, targets, naive)) },
        ],
      },
    ];
    // Optimised code comes in steps, the last of them after more calls than the runner's warm-up makes.
    for (const { ours, peers } of cases) for (const side of [ours, ...peers]) if ("run" in side) side.run(WARM_UP);
    return cases;
  },
};

const WARM_UP = 15_000;

/** One call: reads the headers, plans, and writes 45 complete frames into a ring of buffers. */
function intoFrames(packet: Packet, { at }: Targets): TimedSide {
  return {
    name: "seville",
    run(count) {
      let total = 0;
      for (let i = 0; i < count; i++) {
        const outcome = segmentInto(packet, at, 2048);
        if (outcome.ok) total += outcome.segments;
      }
      return total;
    },
  };
}

/** The whole of it: 45 packets allocated, described, handed over and given back. */
function intoPackets(packet: Packet): TimedSide {
  const release = (one: Packet): void => one.release();
  return {
    name: "seville",
    run(count) {
      let total = 0;
      for (let i = 0; i < count; i++) {
        const outcome = segment(packet.clone(), release);
        if (outcome.ok) total += outcome.segments;
      }
      return total;
    },
  };
}

/** The same for a peer: the packets come from the pool and go back to it. */
function withPackets(pool: PacketPool, packet: Packet, targets: Targets, split: (targets: Targets) => number): number {
  const packets: Packet[] = [];
  const at: number[] = [];
  for (let i = 0; i < SEGMENTS; i++) {
    const one = pool.alloc(HEADER_BYTES + MSS, packet.headroom)!;
    one.put(HEADER_BYTES + MSS);
    packets.push(one);
    at.push(one.data);
  }
  const result = split({ ...targets, at });
  for (const one of packets) one.release();
  return result;
}

function repeat(once: () => number): (count: number) => number {
  return (count) => {
    let total = 0;
    for (let i = 0; i < count; i++) total += once();
    return total;
  };
}

/** Slots of the same pool for the peers: they work on the same memory, and allocate nothing. */
function makeTargets(pool: PacketPool, packet: Packet): Targets {
  const at: number[] = [];
  for (let i = 0; i < SEGMENTS; i++) at.push(pool.alloc(HEADER_BYTES + MSS, packet.headroom)!.data);
  return { u8: pool.memory.u8, view: pool.memory.view, source: packet.data, at };
}

/** Ours makes the same frames as the naive split. */
function assertSame(pool: PacketPool, packet: Packet, targets: Targets): void {
  naive(targets);
  let index = 0;
  segment(packet.clone(), (one) => {
    const expected = pool.memory.u8.subarray(targets.at[index], targets.at[index]! + HEADER_BYTES + MSS);
    if (Buffer.compare(one.bytes(), expected) !== 0) throw new Error(`frame ${index} differs from the naive one`);
    index++;
    one.release();
  });
  if (index !== SEGMENTS) throw new Error(`${index} frames`);
}
