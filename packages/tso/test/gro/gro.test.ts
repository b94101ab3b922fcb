import { describe, expect, test } from "vitest";
import {
  CHECKSUM_COMPLETE,
  CHECKSUM_NONE,
  CHECKSUM_PARTIAL,
  CHECKSUM_UNNECESSARY,
  SKB_GSO_DODGY,
  SKB_GSO_TCP_ECN,
  SKB_GSO_TCPV4,
  tcp,
  type Packet,
} from "@seville/packet";
import { bindSums } from "@seville/checksum";
import { millis } from "@seville/core";
import { createGro, createLro, isLro, segment } from "@seville/tso";
import { frameOf, framesOf, offsetsOf, PLAIN, type Flow } from "../support/flow.ts";
import { hex, segmentFrames, wholeFrame } from "../support/collect.ts";
import { framesIn, groRun } from "../support/gro.ts";
import { makePool, payloadOf } from "../support/super.ts";

const UDP: Flow = { ...PLAIN, kind: "udp" };

describe("UDP", () => {
  test("S14 a train of 64 is full", () => {
    const pool = makePool();
    const run = groRun(pool, { udp: true });
    for (const frame of framesOf(UDP, payloadOf(100 * 70), 100)) run.give(frame);
    run.gro.flush();
    expect(run.out.map((one) => one.gsoSegs)).toEqual([64, 6]);
    run.release();
    pool.assertDrained();
  });

  test("S14 a shorter datagram ends the train, a longer one begins another", () => {
    const pool = makePool();
    const run = groRun(pool, { udp: true });
    let index = 0;
    for (const length of [100, 100, 50, 100, 120]) {
      run.give(frameOf(UDP, payloadOf(length), { index: index++, offset: 0, isFirst: true, isLast: true }));
    }
    run.gro.flush();
    expect(run.out.map((one) => one.totalLength - 42)).toEqual([250, 100, 120]);
    run.release();
    pool.assertDrained();
  });

  test("S14 without a checksum, or with bytes behind the datagram, nothing is merged", () => {
    const pool = makePool();
    const run = groRun(pool, { udp: true });
    for (const frame of framesOf(UDP, payloadOf(300), 100)) {
      const without = frame.slice();
      without.set([0, 0], 40);
      run.give(without);
    }
    for (const frame of framesOf(UDP, payloadOf(300), 100)) run.give(Uint8Array.from([...frame, 0, 0]));
    run.gro.flush();
    expect(run.gro.stats).toMatchObject({ supers: 0, normal: 6 });
    run.release();
    pool.assertDrained();
  });

  test("S14 what is not asked for is left alone; a port decides", () => {
    const pool = makePool();
    for (const [udp, supers] of [
      [false, 0],
      [(port: number): boolean => port === 5000, 1],
      [(port: number): boolean => port === 5001, 0],
    ] as const) {
      const run = groRun(pool, { udp });
      for (const frame of framesOf(UDP, payloadOf(300), 100)) run.give(frame);
      run.gro.flush();
      expect(run.gro.stats.supers).toBe(supers);
      run.release();
    }
    pool.assertDrained();
  });

  test("S14 datagrams to a tunnel's port are never merged as datagrams", () => {
    const pool = makePool();
    const run = groRun(pool, {
      udp: true,
      tunnels: [{ name: "vxlan", ports: [5000], headerBytes: 8, inner: { etherType: 0x6558 } }],
    });
    for (const frame of framesOf(UDP, payloadOf(300), 100)) run.give(frame);
    run.gro.flush();
    expect(run.gro.stats).toMatchObject({ supers: 0, normal: 3 });
    run.release();
    pool.assertDrained();
  });
});

describe("flows", () => {
  test.each([
    ["port", { sourcePort: 9 }],
    ["VLAN", { vlans: [9] }],
  ] as const)("S12 another %s is another flow", (_, change) => {
    const pool = makePool();
    const run = groRun(pool);
    const base: Flow = { ...PLAIN, vlans: [8] };
    run.give(frameOf(base, payloadOf(100)));
    run.give(frameOf({ ...base, ...change }, payloadOf(100), { index: 1, offset: 100, isFirst: true, isLast: true }));
    expect(run.gro.held).toBe(2);
    run.gro.flush();
    expect(run.out.every((one) => one.gsoSize === 0)).toBe(true);
    run.release();
    pool.assertDrained();
  });

  test.each([
    ["the VXLAN network identifier", "vxlan", 16 + 4],
    ["a Geneve option", "geneve", 16 + 6],
    ["the GRE key", "gre-key-csum", 10],
  ] as const)("S12 %s belongs to the flow", (_, tunnel, offset) => {
    const pool = makePool();
    const flow: Flow = { ...PLAIN, tunnel };
    const run = groRun(pool);
    framesOf(flow, payloadOf(200), 100).forEach((frame, i) => {
      if (i === 1) frame[offsetsOf(flow).transport + offset]! ^= 1;
      // A device that verified everything: the changed byte spoils the GRE checksum otherwise.
      run.give(frame, (packet) => {
        packet.ipSummed = CHECKSUM_UNNECESSARY;
        packet.csumLevel = 3;
      });
    });
    expect(run.gro.held).toBe(2);
    run.gro.flush();
    run.release();
    pool.assertDrained();
  });

  test("S12 GRE with a sequence number is left alone", () => {
    const pool = makePool();
    const run = groRun(pool);
    const frame = frameOf({ ...PLAIN, tunnel: "gre" }, payloadOf(100));
    frame[34] = 0x10;
    run.give(frame);
    expect(run.gro.held).toBe(0);
    run.release();
    pool.assertDrained();
  });

  test("S12 a second tunnel is not walked through", () => {
    const pool = makePool();
    const run = groRun(pool);
    const inner = frameOf({ ...PLAIN, tunnel: "ip" }, payloadOf(100));
    // The packet without its Ethernet header, in another IPv4 header.
    const outer = frameOf({ ...PLAIN, tunnel: "ip", kind: "udp" }, inner.subarray(14)).slice();
    outer.copyWithin(34, 62);
    const frame = outer.subarray(0, 34 + inner.length - 14);
    new DataView(frame.buffer).setUint16(16, frame.length - 14);
    run.give(frame);
    expect(run.gro.held).toBe(0);
    run.release();
    pool.assertDrained();
  });
});

describe("limits", () => {
  test("S12 a bucket holds 8 flows; the oldest goes", () => {
    const pool = makePool();
    const run = groRun(pool);
    for (let i = 0; i < 10; i++) run.give(frameOf({ ...PLAIN, sourcePort: 100 + i }, payloadOf(50)));
    expect(run.gro.held).toBe(8);
    expect(framesIn(run.out).map((frame) => frame[35])).toEqual([100, 101]);
    // Another hash, another bucket.
    run.give(frameOf({ ...PLAIN, sourcePort: 200 }, payloadOf(50)), (packet) => (packet.hash = 3));
    expect(run.gro.held).toBe(9);
    run.gro.flush();
    run.release();
    pool.assertDrained();
  });

  test("S12 the end of a poll flushes; with a timeout only what is old, and the rest when it is over", () => {
    const pool = makePool();
    const run = groRun(pool, { flushTimeout: millis(20) });
    const [first, second] = framesOf(PLAIN, payloadOf(200), 100);
    run.give(first!, undefined, millis(5));
    run.gro.endOfPoll(millis(5));
    expect([run.gro.held, run.gro.nextTimeout()]).toEqual([1, millis(25)]);
    run.give(second!, undefined, millis(6));
    run.gro.handleTimeout(millis(24));
    expect(run.gro.held).toBe(1);
    run.gro.handleTimeout(millis(25));
    expect(run.out.map((one) => one.gsoSegs)).toEqual([2]);
    expect(run.gro.nextTimeout()).toBe(Infinity);
    run.give(first!, undefined, millis(30));
    run.gro.endOfPoll(millis(31));
    expect(run.gro.held).toBe(0);
    run.release();
    pool.assertDrained();
  });

  test("S12 maxSize bounds the merged packet", () => {
    const pool = makePool();
    const run = groRun(pool, { maxSize: 1000 });
    for (const frame of framesOf(PLAIN, payloadOf(2000), 400)) run.give(frame);
    run.gro.flush();
    expect(run.out.map((one) => one.totalLength)).toEqual([854, 854, 454]);
    run.release();
    pool.assertDrained();
  });

  test("options that make no sense are refused", () => {
    const sink = (): void => undefined;
    expect(() => createGro({ sink, maxSize: 70_000 })).toThrow(expect.objectContaining({ argument: "maxSize" }));
    expect(() => createGro({ sink, flushTimeout: NaN })).toThrow(expect.objectContaining({ argument: "flushTimeout" }));
    const shape = { name: "a", ports: [1], headerBytes: 0, inner: { protocol: 4 } };
    expect(() => createGro({ sink, tunnels: [shape, shape] })).toThrow(
      expect.objectContaining({ argument: "tunnels" }),
    );
  });

  test("Ethernet padding: a frame that was padded goes on as it is, after what is held of its flow", () => {
    const pool = makePool();
    const run = groRun(pool);
    const [first, second] = framesOf(PLAIN, payloadOf(101), 100);
    run.give(first!);
    run.give(Uint8Array.from([...second!, ...new Uint8Array(5)]));
    expect(run.out.map((one) => one.length)).toEqual([154, 60]);
    run.release();
    pool.assertDrained();
  });
});

describe("checksums", () => {
  const flow: Flow = { ...PLAIN, tunnel: "vxlan-csum" };

  test("S12 COMPLETE: the device's sum verifies both levels", () => {
    const pool = makePool();
    const run = groRun(pool);
    for (const frame of framesOf(flow, payloadOf(300), 100)) {
      run.give(frame, (packet) => {
        packet.ipSummed = CHECKSUM_COMPLETE;
        packet.csum = bindSums(pool.memory).sum(packet.data, packet.length);
      });
    }
    run.gro.flush();
    expect(run.out.map((one) => [one.gsoSegs, one.ipSummed])).toEqual([[3, CHECKSUM_PARTIAL]]);
    run.release();
    pool.assertDrained();
  });

  test("S12 a packet verified here says so if it goes on alone", () => {
    const pool = makePool();
    const run = groRun(pool);
    run.give(frameOf(flow, payloadOf(100)));
    run.gro.flush();
    expect([run.out[0]!.ipSummed, run.out[0]!.csumLevel]).toEqual([CHECKSUM_UNNECESSARY, 1]);
    run.release();
    run.give(frameOf({ ...flow, flags: 0x10 }, payloadOf(100)).map((byte, i) => (i === 130 ? byte ^ 1 : byte)));
    expect(run.out.map((one) => one.ipSummed)).toEqual([CHECKSUM_NONE]);
    run.release();
    pool.assertDrained();
  });

  test("S12 UNNECESSARY counts: one level verified by the device is not enough for two", () => {
    const pool = makePool();
    for (const [level, held] of [
      [0, 0],
      [1, 1],
    ] as const) {
      const run = groRun(pool);
      const plain: Flow = { ...flow, tunnel: "vxlan" };
      const frame = frameOf(plain, payloadOf(100));
      // The outer checksum is 0, which counts as one; the inner one is wrong.
      frame[offsetsOf(plain).innerTransport + 16]! ^= 1;
      run.give(frame, (packet) => {
        packet.ipSummed = CHECKSUM_UNNECESSARY;
        packet.csumLevel = level;
      });
      expect(run.gro.held).toBe(held);
      run.gro.flush();
      run.release();
    }
    pool.assertDrained();
  });

  test("S12 a wrong IPv4 header checksum is left alone", () => {
    const pool = makePool();
    const run = groRun(pool);
    const frame = frameOf(PLAIN, payloadOf(100));
    frame[24]! ^= 1;
    run.give(frame);
    expect(run.gro.held).toBe(0);
    run.release();
    pool.assertDrained();
  });
});

describe("super-packets that come in", () => {
  test("S12 those of a device that merges itself are merged on; of somebody untrusted they are not", () => {
    const pool = makePool();
    for (const [type, expected] of [
      [SKB_GSO_TCPV4, [6]],
      [SKB_GSO_TCPV4 | SKB_GSO_DODGY, [3, 3]],
    ] as const) {
      const run = groRun(pool);
      for (const [index, offset] of [
        [0, 0],
        [3, 300],
      ] as const) {
        const part = { index, offset, isFirst: true, isLast: true };
        run.give(frameOf(PLAIN, payloadOf(300), part), (packet) => {
          packet.gsoSize = 100;
          packet.gsoSegs = 3;
          packet.gsoType = type;
        });
      }
      run.gro.flush();
      expect(run.out.map((one) => one.gsoSegs)).toEqual(expected);
      run.release();
    }
    pool.assertDrained();
  });

  test.each([
    ["plain", PLAIN],
    ["in VXLAN", { ...PLAIN, tunnel: "vxlan-csum" }],
    ["over IPv6", { ...PLAIN, family: 6 }],
  ] as [string, Flow][])(
    "S12 an untrusted one does not overtake what is held of its flow, %s; other flows wait on",
    (_name, flow) => {
      const pool = makePool();
      const run = groRun(pool);
      const other: Flow = { ...flow, sourcePort: (flow.sourcePort ?? 0) + 1 };
      const give = (of: Flow, index: number, offset: number, length: number, gsoSize: number): void => {
        run.give(frameOf(of, payloadOf(length), { index, offset, isFirst: true, isLast: false }), (packet) => {
          packet.mark = index;
          if (gsoSize === 0) return;
          Object.assign(packet, { gsoSize, gsoSegs: 0, gsoType: SKB_GSO_TCPV4 | SKB_GSO_DODGY });
        });
      };
      give(other, 9, 0, 100, 0);
      give(flow, 1, 0, 100, 0);
      expect(run.gro.held).toBe(2);
      give(flow, 2, 100, 300, 100);
      expect(run.out.map(({ mark }) => mark)).toEqual([1, 2]);
      give(flow, 3, 400, 100, 0);
      give(flow, 4, 500, 100, 0);
      give(flow, 5, 600, 300, 100);
      run.gro.flush();
      expect(run.out.map(({ mark }) => mark)).toEqual([1, 2, 3, 5, 9]);
      expect(run.out.map(({ totalLength }) => totalLength - run.out[0]!.totalLength)).toEqual([0, 200, 100, 200, 0]);
      run.release();
      pool.assertDrained();
    },
  );

  test("S15 a train that begins with CWR is an ECN one", () => {
    const pool = makePool();
    const run = groRun(pool);
    const frames = framesOf({ ...PLAIN, flags: tcp.ACK | tcp.CWR }, payloadOf(300), 100);
    for (const frame of frames) run.give(frame);
    run.gro.flush();
    const [whole] = run.out.splice(0);
    expect(whole!.gsoType & SKB_GSO_TCP_ECN).toBe(SKB_GSO_TCP_ECN);
    expect(hex(segmentFrames(whole!).frames)).toEqual(hex(frames));
    pool.assertDrained();
  });

  test("raw frames, without an Ethernet header", () => {
    const pool = makePool();
    const run = groRun(pool, { link: "raw" });
    const frames = framesOf(PLAIN, payloadOf(300), 100).map((frame) => frame.subarray(14));
    for (const frame of frames) run.give(frame);
    run.gro.flush();
    expect(run.out).toHaveLength(1);
    expect(hex(segmentFrames(run.out.splice(0)[0]!).frames)).toEqual(hex(frames));
    pool.assertDrained();
  });
});

describe("LRO", () => {
  function lro(frames: readonly Uint8Array[], pool = makePool()): { out: Packet[]; pool: ReturnType<typeof makePool> } {
    const out: Packet[] = [];
    const engine = createLro({ sink: (packet) => void out.push(packet) });
    for (const frame of frames) engine.receive(pool.from(frame, 130)!);
    engine.flush();
    expect(engine.held).toBe(0);
    return { out, pool };
  }

  test("S15 it is lossy: TTL and timestamps differ, the last one's win; it says so, and is not split again", () => {
    const ts = (value: number): number[] => [1, 1, 8, 10, 0, 0, 0, value, 0, 0, 0, 0];
    const frames = [1, 2, 3].map((value, i) =>
      frameOf({ ...PLAIN, tcpOptions: ts(value), ttl: 60 + i }, payloadOf(100), {
        index: 0,
        offset: i * 100,
        isFirst: true,
        isLast: true,
      }),
    );
    const { out, pool } = lro(frames);
    expect(out).toHaveLength(1);
    const [whole] = out as [Packet];
    expect([isLro(whole), whole.gsoSize, whole.gsoSegs, whole.ipSummed]).toEqual([true, 100, 3, CHECKSUM_UNNECESSARY]);
    const bytes = wholeFrame(whole);
    expect([bytes.length, bytes[22], bytes[34 + 20 + 7]]).toEqual([14 + 20 + 32 + 300, 60, 3]);
    expect(segment(whole, () => expect.unreachable())).toEqual({ ok: false, reason: "lro" });
    whole.release();
    pool.assertDrained();
  });

  test("S15 PSH, a gap, an older acknowledgment, flags and strange options end a train", () => {
    const at = (offset: number, change: Partial<Flow> = {}): Uint8Array =>
      frameOf({ ...PLAIN, ...change }, payloadOf(100), { index: 0, offset, isFirst: true, isLast: true });
    const { out, pool } = lro([
      at(0),
      at(100, { flags: 0x18 }),
      at(200),
      at(400),
      at(500, { flags: 0x11 }),
      at(600, { tcpOptions: [1, 1, 1, 1] }),
    ]);
    expect(out.map((one) => one.totalLength - 54)).toEqual([200, 100, 100, 100, 104]);
    for (const one of out) one.release();
    pool.assertDrained();
  });

  test("S15 IPv6 too; UDP and tunnels are left alone", () => {
    const v6 = lro(framesOf({ ...PLAIN, family: 6 }, payloadOf(300), 100));
    expect(v6.out).toHaveLength(1);
    const udp = lro(framesOf(UDP, payloadOf(300), 100), v6.pool);
    const tunnel = lro(framesOf({ ...PLAIN, tunnel: "ip" }, payloadOf(300), 100), v6.pool);
    expect([udp.out.length, tunnel.out.length]).toEqual([3, 3]);
    for (const one of [...v6.out, ...udp.out, ...tunnel.out]) one.release();
    v6.pool.assertDrained();
  });
});

test("a packet whose first segment others read too is copied before its headers change", () => {
  const pool = makePool();
  const run = groRun(pool);
  const frames = framesOf(PLAIN, payloadOf(200), 100);
  const twins: Packet[] = [];
  for (const frame of frames) run.give(frame, (packet) => void twins.push(packet.clone()));
  run.gro.flush();
  expect(hex(framesIn(twins))).toEqual(hex(frames));
  expect(hex(segmentFrames(run.out.splice(0)[0]!).frames)).toEqual(hex(frames));
  for (const twin of twins) twin.release();
  pool.assertDrained();
});
