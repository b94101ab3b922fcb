// What the kernel's tools/testing/selftests/net/lib/csum.c asks of a NIC (C28), asked of segments and of GRO: good packets,
// bad ones, and datagrams whose checksum comes out as 0.
import { describe, expect, test } from "vitest";
import { naiveChecksum, frameOf, offsetsOf, PLAIN, type Flow } from "./support/flow.ts";
import { segmentFrames } from "./support/collect.ts";
import { groRun } from "./support/gro.ts";
import { makePool, payloadOf, superPacket } from "./support/super.ts";

const KINDS = [
  ["ipv4 tcp", 4, "tcp"],
  ["ipv6 tcp", 6, "tcp"],
  ["ipv4 udp", 4, "udp"],
  ["ipv6 udp", 6, "udp"],
] as const;

/** The sum over pseudo-header and transport header: 0 if the checksum is right. */
function verify(frame: Uint8Array, flow: Flow): number {
  const { network, transport } = offsetsOf(flow);
  const rest = frame.subarray(transport);
  const [from, to] = flow.family === 4 ? [network + 12, network + 20] : [network + 8, network + 40];
  const protocol = flow.kind === "tcp" ? 6 : 17;
  return naiveChecksum([...frame.subarray(from, to), 0, protocol, rest.length >> 8, rest.length & 255], rest);
}

/** A payload of `length` bytes whose first word makes the checksum of the first datagram come out as 0. */
function zeroing(flow: Flow, length: number): Uint8Array {
  const payload = payloadOf(length);
  payload.set([0, 0]);
  const frame = frameOf(flow, payload);
  const { transport } = offsetsOf(flow);
  // What is missing to all ones, into the word that was 0.
  const sum = (frame[transport + 6]! << 8) | frame[transport + 7]!;
  payload.set([sum >> 8, sum & 255]);
  return payload;
}

describe.each(KINDS)("%s", (_, family, kind) => {
  const flow: Flow = { ...PLAIN, family, kind };

  test("C28 csum_good: every segment verifies", () => {
    const pool = makePool();
    for (let length = 1001; length < 1040; length++) {
      const { frames } = segmentFrames(superPacket(pool, flow, payloadOf(length, length), { size: 500 }));
      expect(frames.map((frame) => verify(frame, flow))).toEqual([0, 0, 0]);
    }
    pool.assertDrained();
  });

  test("C28 csum_bad (-E): a wrong pseudo-header sum stays wrong in every segment: an error is never repaired", () => {
    const pool = makePool();
    const packet = superPacket(pool, flow, payloadOf(1500), { size: 500 });
    pool.memory.u8[packet.csumStart + packet.csumOffset]! ^= 0x40;
    const { frames } = segmentFrames(packet);
    expect(frames.map((frame) => verify(frame, flow) === 0)).toEqual([false, false, false]);
    pool.assertDrained();
  });

  test("C28 csum_bad on receive: delivered, not merged, not marked as good", () => {
    const pool = makePool();
    const run = groRun(pool, { udp: true });
    const frame = frameOf(flow, payloadOf(500));
    frame[frame.length - 1]! ^= 1;
    run.give(frame);
    expect(run.out.map((one) => one.ipSummed)).toEqual([0]);
    run.release();
    pool.assertDrained();
  });
});

describe.each([4, 6] as const)("IPv%s UDP that sums to zero", (family) => {
  const flow: Flow = { ...PLAIN, family, kind: "udp" };

  test("C28 csum_zero_sum (-Z): 0xffff goes on the wire, of a first, middle and last segment", () => {
    const pool = makePool();
    const part = zeroing(flow, 500);
    const payload = new Uint8Array([...part, ...part, ...part]);
    const { frames } = segmentFrames(superPacket(pool, flow, payload, { size: 500 }));
    const field = offsetsOf(flow).transport + 6;
    expect(frames.map((frame) => [frame[field], frame[field + 1]])).toEqual([
      [255, 255],
      [255, 255],
      [255, 255],
    ]);
    expect(frames.map((frame) => verify(frame, flow))).toEqual([0, 0, 0]);
    pool.assertDrained();
  });

  test("C28 csum_zero_sum of an outer checksum: found by trying outer source ports", () => {
    const pool = makePool();
    const tunnel: Flow = { ...PLAIN, tunnel: "vxlan-csum", outerFamily: family };
    const { transport, network } = offsetsOf(tunnel);
    const model = frameOf(tunnel, payloadOf(1000).subarray(0, 500));
    // The port that takes the checksum to 0: what the checksum lacks is added to it.
    const checksum = (model[transport + 6]! << 8) | model[transport + 7]!;
    const port = (50_000 + checksum) % 0xffff;
    const packet = superPacket(pool, tunnel, payloadOf(1000), { size: 500 });
    pool.memory.view.setUint16(packet.data + transport, port);
    const { frames } = segmentFrames(packet);
    const [first] = frames as [Uint8Array];
    expect([first[transport + 6], first[transport + 7]]).toEqual([255, 255]);
    const outer = first.subarray(transport);
    const [from, to] = family === 4 ? [network + 12, network + 20] : [network + 8, network + 40];
    const pseudo = [...first.subarray(from, to), 0, 17, outer.length >> 8, outer.length & 255];
    expect(naiveChecksum(pseudo, outer)).toBe(0);
    pool.assertDrained();
  });

  test("C28 csum_zero (-z) on receive: no checksum, no merging", () => {
    const pool = makePool();
    const run = groRun(pool, { udp: true });
    const frame = frameOf(flow, payloadOf(500));
    frame.set([0, 0], offsetsOf(flow).transport + 6);
    run.give(frame);
    expect(run.gro.held).toBe(0);
    run.release();
    pool.assertDrained();
  });
});
