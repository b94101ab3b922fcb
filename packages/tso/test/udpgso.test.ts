// The table of the kernel's tools/testing/selftests/net/udpgso.c, under its descriptions (S11): what a socket with UDP_SEGMENT
// sends, and in which datagrams. What the socket itself refuses is in the same table of the stack (udp-segment.test.ts).
import { describe, expect, test } from "vitest";
import { offsetsOf, PLAIN, type Flow } from "./support/flow.ts";
import { segmentFrames } from "./support/collect.ts";
import { makePool, payloadOf, superPacket } from "./support/super.ts";

interface Case {
  readonly name: string;
  /** Bytes sent, size of a segment, and the datagrams; `undefined`: it fails. */
  readonly send: (mss: number, most: number) => number;
  readonly size: (mss: number) => number;
  readonly count: number | undefined;
  readonly last: (mss: number, most: number) => number;
}

const MAX_SEGMENTS = 128;
const MTU = 1500;
const CASES: readonly Case[] = [
  { name: "send max mtu with gso: one", send: (mss) => mss, size: (mss) => mss, count: 1, last: (mss) => mss },
  { name: "send MSS + 1B with gso: two", send: (mss) => mss + 1, size: (mss) => mss, count: 2, last: () => 1 },
  { name: "send exactly 2 MSS", send: (mss) => 2 * mss, size: (mss) => mss, count: 2, last: (mss) => mss },
  { name: "send 2 MSS + 1B", send: (mss) => 2 * mss + 1, size: (mss) => mss, count: 3, last: () => 1 },
  {
    name: "send MAX segments",
    send: (mss, most) => Math.floor(most / mss) * mss,
    size: (mss) => mss,
    count: -1,
    last: (mss) => mss,
  },
  { name: "send MAX bytes", send: (_, most) => most, size: (mss) => mss, count: -1, last: (mss, most) => most % mss },
  { name: "send single 1B segment, gso 1", send: () => 1, size: () => 1, count: 1, last: () => 1 },
  { name: "send 2 1B segments", send: () => 2, size: () => 1, count: 2, last: () => 1 },
  { name: "send 2B + 2B + 1B segments", send: () => 5, size: () => 2, count: 3, last: () => 1 },
  { name: "send max number of min sized segments", send: () => MAX_SEGMENTS, size: () => 1, count: 128, last: () => 1 },
  {
    name: "send max number + 1 of min sized segments: fail",
    send: () => 129,
    size: () => 1,
    count: undefined,
    last: () => 0,
  },
];

describe.each([4, 6] as const)("IPv%s", (family) => {
  const flow: Flow = { ...PLAIN, family, kind: "udp" };
  const headers = offsetsOf(flow).payload - 14;
  const mss = MTU - headers;
  const most = 65_535 - headers;

  test.each(CASES)("S11 $name", ({ send, size, count, last }) => {
    const pool = makePool();
    const bytes = send(mss, most);
    const packet = superPacket(pool, flow, payloadOf(bytes), { size: size(mss) });
    const { outcome, frames } = segmentFrames(packet);
    if (count === undefined) {
      expect(outcome).toEqual({ ok: false, reason: "too-many" });
    } else {
      const expected = count === -1 ? Math.ceil(bytes / size(mss)) : count;
      expect(outcome).toEqual({ ok: true, segments: expected });
      const lengths = frames.map((frame) => frame.length - 14 - headers);
      expect(lengths).toEqual([...Array.from({ length: expected - 1 }, () => size(mss)), last(mss, most)]);
    }
    pool.assertDrained();
  });
});
