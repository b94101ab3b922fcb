import { ETHERNET_HEADROOM, GSO_BY_FRAGS, SKB_GSO_SCTP, type Packet } from "@seville/packet";
import { observeChecksum } from "@seville/checksum";
import { afterEach, describe, expect, test } from "vitest";
import { observeSegmentation, segment, segmentInto } from "../src/index.ts";
import { frameOf, PLAIN } from "./support/flow.ts";
import { makePool, payloadOf, superPacket } from "./support/super.ts";

/** Bytes of the headers of a plain frame. */
const HEADERS = frameOf(PLAIN, new Uint8Array(0)).length;

describe.each([true, false])("B1 what segmentation copies is told (WebAssembly %s)", (wasm) => {
  const pool = makePool({ wasm });
  const composeSuper = (payload: number, size: number): Packet =>
    superPacket(pool, PLAIN, payloadOf(payload), { size });

  afterEach(() => {
    observeSegmentation(pool.memory, undefined);
    observeChecksum(pool.memory, undefined);
    pool.assertDrained();
  });

  function copiedBy(work: () => void): number {
    let copied = 0;
    observeSegmentation(pool.memory, (bytes) => (copied += bytes));
    work();
    return copied;
  }

  function split(packet: Packet): number {
    let frames = 0;
    const outcome = segment(packet, (one) => {
      frames++;
      one.release();
    });
    expect(outcome.ok).toBe(true);
    return frames;
  }

  test("B1 TCP: the payload once, the headers for every segment", () => {
    const packet = composeSuper(16_000, 1200);
    expect(copiedBy(() => expect(split(packet)).toBe(14))).toBe(16_000 + 14 * HEADERS);
  });

  test("B1 into a ring of buffers: the same", () => {
    const packet = composeSuper(5000, 1000);
    const buffers = Array.from({ length: 5 }, () => pool.alloc(2000) as Packet);
    const work = (): void => {
      const targets = buffers.map(({ data }) => data);
      expect(segmentInto(packet, targets, 1500)).toMatchObject({ ok: true, segments: 5 });
    };
    expect(copiedBy(work)).toBe(5000 + 5 * HEADERS);
    for (const one of [packet, ...buffers]) one.release();
  });

  test("B1 SCTP: each packet's chunks, behind the headers", () => {
    const packet = composeSuper(0, 1);
    const { view } = pool.memory;
    // The TCP header's place is the common header's: 12 bytes of the 20.
    packet.trim(14 + 20 + 12);
    view.setUint16(packet.networkHeader + 2, 32);
    view.setUint8(packet.networkHeader + 9, 132);
    packet.gsoSize = GSO_BY_FRAGS;
    packet.gsoType = SKB_GSO_SCTP;
    packet.csumOffset = 8;
    packet.csumNotInet = true;
    packet.fragList = [300, 200].map((length) => pool.from(new Uint8Array(length), ETHERNET_HEADROOM) as Packet);
    expect(copiedBy(() => expect(split(packet)).toBe(2))).toBe(500 + 2 * 46);
  });

  test("B1 a packet that is refused copies nothing", () => {
    const packet = composeSuper(900, 1200);
    expect(copiedBy(() => expect(segment(packet, () => expect.unreachable()).ok).toBe(false))).toBe(0);
    packet.release();
  });

  test("B1 the payload is summed on the way, which is not told a second time by the checksum kernels", () => {
    const packet = composeSuper(16_000, 1200);
    let read = 0;
    observeChecksum(pool.memory, { read: (bytes) => (read += bytes) });
    expect(copiedBy(() => split(packet))).toBe(16_000 + 14 * HEADERS);
    // Templates of headers, and nothing of the payload.
    expect(read).toBeLessThan(500);
  });

  test("B1 without an observer nothing is told", () => {
    const packet = composeSuper(16_000, 1200);
    let copied = 0;
    observeSegmentation(pool.memory, (bytes) => (copied += bytes));
    observeSegmentation(pool.memory, undefined);
    split(packet);
    expect(copied).toBe(0);
  });
});
