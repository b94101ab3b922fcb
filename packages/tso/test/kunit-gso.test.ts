// The cases of the kernel's KUnit suite net_core_gso (net/core/gso_test.c), under their names (S10). There the headers are
// nine bytes of no protocol; here they are IPv4 and TCP, and the pages of a packet are members of fragList.
import { describe, expect, test } from "vitest";
import { GSO_BY_FRAGS, SKB_GSO_PARTIAL, SKB_GSO_SCTP } from "@seville/packet";
import { segment } from "@seville/tso";
import { PLAIN, offsetsOf } from "./support/flow.ts";
import { wholeFrame } from "./support/collect.ts";
import { makePool, payloadOf, superPacket } from "./support/super.ts";

const SIZE = 1000;
const HEADERS = offsetsOf(PLAIN).payload;

interface Case {
  readonly name: string;
  readonly linear: number;
  readonly pieces: readonly number[];
  readonly expected: readonly number[];
  readonly partial?: boolean;
}

const CASES: readonly Case[] = [
  { name: "linear", linear: 2001, pieces: [], expected: [1000, 1000, 1] },
  { name: "frags", linear: 1000, pieces: [1000, 1], expected: [1000, 1000, 1] },
  { name: "frags_pure", linear: 0, pieces: [1000, 1000, 2], expected: [1000, 1000, 2] },
  { name: "gso_partial", linear: 1000, pieces: [1000, 3], expected: [2000, 3], partial: true },
  { name: "frag_list", linear: 1000, pieces: [1000, 1000], expected: [1000, 1000, 1000] },
  { name: "frag_list_pure", linear: 0, pieces: [1000, 1000], expected: [1000, 1000] },
  { name: "frag_list_non_uniform", linear: 1000, pieces: [1000, 1, 1000, 2], expected: [1000, 1000, 1000, 3] },
];

describe("net_core_gso", () => {
  test.each(CASES)("S10 $name", ({ linear, pieces, expected, partial }) => {
    const pool = makePool();
    const total = linear + pieces.reduce((sum, one) => sum + one, 0);
    const payload = payloadOf(total);
    const packet = superPacket(pool, PLAIN, payload, { size: SIZE, pieces });
    const headers = Buffer.from(wholeFrame(packet).subarray(0, 14));
    const lengths: number[] = [];
    const contents: Uint8Array[] = [];
    const outcome = segment(
      packet,
      (one) => {
        expect(one.macHeader).toBe(one.data);
        expect(one.networkHeader).toBe(one.data + 14);
        expect(Buffer.from(one.bytes().subarray(0, 14))).toEqual(headers);
        lengths.push(one.length - HEADERS);
        contents.push(wholeFrame(one).subarray(HEADERS));
        if (partial === true) {
          const isSuper = one.length - HEADERS > SIZE;
          expect(one.gsoSize).toBe(isSuper ? SIZE : 0);
          expect(one.gsoSegs).toBe(isSuper ? 2 : 0);
          expect((one.gsoType & SKB_GSO_PARTIAL) !== 0).toBe(isSuper);
        }
        one.release();
      },
      partial === true ? { csum: true, gsoPartial: true } : { csum: true },
    );
    expect(outcome).toEqual({ ok: true, segments: expected.length });
    expect(lengths).toEqual(expected);
    expect(Buffer.concat(contents)).toEqual(Buffer.from(payload));
    pool.assertDrained();
  });

  test("S10 no_gso: one segment is no super-packet: TCP is refused, and is still the caller's", () => {
    const pool = makePool();
    const packet = superPacket(pool, PLAIN, payloadOf(SIZE), { size: SIZE });
    expect(segment(packet, () => expect.unreachable())).toEqual({ ok: false, reason: "too-small" });
    expect(packet.length).toBe(HEADERS + SIZE);
    packet.release();
    pool.assertDrained();
  });

  test("S10 gso_by_frags: segments as long as the members of the list", () => {
    const pool = makePool();
    const packet = superPacket(pool, { ...PLAIN, kind: "udp" }, payloadOf(1004), {
      size: GSO_BY_FRAGS,
      pieces: [100, 200, 300, 400],
      partial: false,
    });
    // SCTP instead of UDP: a common header of 12 bytes.
    const { view } = pool.memory;
    view.setUint8(packet.networkHeader + 9, 132);
    packet.gsoType = SKB_GSO_SCTP;
    const lengths: number[] = [];
    const outcome = segment(packet, (one) => {
      lengths.push(one.length - 14 - 20 - 12);
      one.release();
    });
    expect(outcome).toEqual({ ok: true, segments: 4 });
    expect(lengths).toEqual([100, 200, 300, 400]);
    pool.assertDrained();
  });
});
