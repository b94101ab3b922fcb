// S15: what GRO merges, segmentation takes apart into the same frames, and the other way round.
import fc from "fast-check";
import { expect, test } from "vitest";
import { framesOf, offsetsOf, PLAIN, type Flow } from "../support/flow.ts";
import { flows } from "../support/arbitrary.ts";
import { hex, segmentFrames, wholeFrame } from "../support/collect.ts";
import { groRun } from "../support/gro.ts";
import { makePool, payloadOf, superPacket } from "../support/super.ts";

/** A flow that GRO merges: no CWR but in the first frame, no flags that end a train, IPv6 not in FOU for IPv4. */
function mergeable(flow: Flow): Flow {
  const flags = flow.kind === "tcp" ? [0x10, 0x18, 0x90, 0x11][flow.flags & 3]! : 0x10;
  const tunnel = flow.tunnel === "fou-csum" && flow.family === 6 ? "gre" : flow.tunnel;
  return { ...flow, flags, tunnel, accEcn: false };
}

test("S15 GSO after GRO is the identity on frames: any protocol, options, size, tunnel", () => {
  let merged = 0;
  fc.assert(
    fc.property(
      flows(),
      fc.integer({ min: 8, max: 900 }),
      fc.integer({ min: 1, max: 30 }),
      fc.integer(),
      (any, size, count, seed) => {
        const flow = mergeable(any);
        const pool = makePool();
        const payload = payloadOf(size * count - (Math.abs(seed) % size), seed);
        const frames = framesOf(flow, payload, size);
        const run = groRun(pool, { udp: true });
        for (const frame of frames) run.give(frame);
        run.gro.flush();
        merged += run.gro.stats.supers;
        if (count > 1) expect(run.gro.stats.supers).toBe(1);
        const again: Uint8Array[] = [];
        for (const packet of run.out.splice(0)) {
          if (packet.gsoSize === 0) {
            again.push(wholeFrame(packet));
            packet.release();
          } else again.push(...segmentFrames(packet).frames);
        }
        expect(hex(again)).toEqual(hex(frames));
        pool.assertDrained();
      },
    ),
    { numRuns: 250 },
  );
  expect(merged).toBeGreaterThan(100);
});

test("S15 GRO after GSO is the identity on super-packets: bytes and metadata", () => {
  fc.assert(
    fc.property(
      flows(),
      fc.integer({ min: 8, max: 900 }),
      fc.integer({ min: 2, max: 30 }),
      fc.integer(),
      (any, size, count, seed) => {
        const flow = mergeable(any);
        const pool = makePool();
        const payload = payloadOf(size * count - (Math.abs(seed) % size), seed);
        const original = superPacket(pool, flow, payload, { size });
        const expected = headersAndMeta(original, flow);
        const run = groRun(pool, { udp: true });
        for (const frame of segmentFrames(original).frames) run.give(frame);
        run.gro.flush();
        expect(run.out).toHaveLength(1);
        const [whole] = run.out;
        expect(headersAndMeta(whole!, flow)).toEqual(expected);
        run.release();
        pool.assertDrained();
      },
    ),
    { numRuns: 250 },
  );
});

/** All bytes but the outer checksum of a super-packet, which has no meaning, and the metadata relative to the frame. */
function headersAndMeta(packet: Parameters<typeof wholeFrame>[0], flow: Flow): unknown {
  const bytes = wholeFrame(packet);
  const offsets = offsetsOf(flow);
  if (flow.tunnel.endsWith("csum")) {
    const field = offsets.transport + (flow.tunnel.startsWith("gre") ? 4 : 6);
    bytes.fill(0, field, field + 2);
  }
  const { data, gsoSize, gsoSegs, gsoType, ipSummed, csumOffset, encapsulation } = packet;
  return {
    bytes: Buffer.from(bytes).toString("hex"),
    gsoSize,
    gsoSegs,
    gsoType: gsoType >>> 0,
    ipSummed,
    csumStart: packet.csumStart - data,
    csumOffset,
    encapsulation,
    network: packet.networkHeader - data,
    transport: packet.transportHeader - data,
    innerNetwork: encapsulation ? packet.innerNetworkHeader - data : 0,
    innerTransport: encapsulation ? packet.innerTransportHeader - data : 0,
    protocol: packet.protocol,
  };
}

test("S15 a burst of VXLAN over IPv6 with checksums comes out as one super-packet without a copy", () => {
  const pool = makePool();
  const flow: Flow = { ...PLAIN, tunnel: "vxlan-csum", outerFamily: 6 };
  const frames = framesOf(flow, payloadOf(14_000), 1000);
  const run = groRun(pool);
  for (const frame of frames) run.give(frame);
  expect(pool.stats.inUse).toBe(14);
  run.gro.endOfPoll(0);
  expect(run.out.map((one) => one.fragList?.length)).toEqual([13]);
  expect(run.gro.stats).toEqual({ received: 14, merged: 13, supers: 1, normal: 0 });
  run.release();
  pool.assertDrained();
});
