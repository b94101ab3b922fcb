import { describe, expect, test } from "vitest";
import {
  NO_HEADER,
  PacketPool,
  SKB_GSO_GRE,
  SKB_GSO_GRE_CSUM,
  SKB_GSO_IPXIP4,
  SKB_GSO_TCP_FIXEDID,
  SKB_GSO_TCP_FIXEDID_INNER,
  SKB_GSO_TCPV4,
  SKB_GSO_TCPV6,
  SKB_GSO_UDP_L4,
  SKB_GSO_UDP_TUNNEL,
  type Packet,
} from "@seville/packet";
import { handleOffloads, segment, segmentInto, segmentThen, type SegmentRefusal } from "@seville/tso";
import { frameOf, framesOf, offsetsOf, PLAIN, WHOLE, type Flow } from "./support/flow.ts";
import { hex, segmentFrames, wholeFrame } from "./support/collect.ts";
import { SHAPES } from "./support/gro.ts";
import { makePool, payloadOf, superPacket } from "./support/super.ts";

type Change = (packet: Packet, view: DataView) => void;
const VXLAN: Flow = { ...PLAIN, tunnel: "vxlan" };

const LIES: readonly (readonly [string, Flow, Change, SegmentRefusal])[] = [
  ["gsoSize is 0", PLAIN, (p) => (p.gsoSize = 0), "not-gso"],
  ["gsoType is 0: LRO", PLAIN, (p) => (p.gsoType = 0), "lro"],
  ["gsoSize is not a number of bytes", PLAIN, (p) => (p.gsoSize = -5), "malformed"],
  ["gsoSize is a fraction", PLAIN, (p) => (p.gsoSize = 0.5), "malformed"],
  ["two protocols at once", PLAIN, (p) => (p.gsoType |= SKB_GSO_UDP_L4), "type"],
  ["a bit that names no protocol", PLAIN, (p) => (p.gsoType = 1 << 5), "type"],
  ["IPv6 in the type, IPv4 in the frame", PLAIN, (p) => (p.gsoType = SKB_GSO_TCPV6), "malformed"],
  ["no network header", PLAIN, (p) => (p.networkHeader = NO_HEADER), "malformed"],
  ["no transport header", PLAIN, (p) => (p.transportHeader = NO_HEADER), "malformed"],
  ["a network header before the frame", PLAIN, (p) => (p.networkHeader = p.data - 1), "malformed"],
  ["a transport header within the network header", PLAIN, (p) => (p.transportHeader -= 4), "malformed"],
  ["a transport header behind the frame", PLAIN, (p) => (p.transportHeader = p.csumStart = p.tail + 9), "malformed"],
  ["PARTIAL for something else", PLAIN, (p) => (p.csumStart += 2), "checksum-start"],
  ["a TCP data offset of 4 words", PLAIN, (p, v) => v.setUint8(p.transportHeader + 12, 0x40), "malformed"],
  ["an IHL that does not lead to TCP", PLAIN, (p, v) => v.setUint8(p.networkHeader, 0x46), "malformed"],
  ["an IP protocol that is not TCP", PLAIN, (p, v) => v.setUint8(p.networkHeader + 9, 17), "malformed"],
  ["a fragment", PLAIN, (p, v) => v.setUint16(p.networkHeader + 6, 0x2000), "malformed"],
  ["GSO_BY_FRAGS but no SCTP", PLAIN, (p) => (p.gsoSize = 0xffff), "type"],
  ["payload of one segment", PLAIN, (p) => p.trim(1054), "too-small"],
  ["a tunnel without inner headers", PLAIN, (p) => (p.gsoType |= SKB_GSO_UDP_TUNNEL), "malformed"],
  ["inner headers before the outer ones", VXLAN, (p) => (p.innerNetworkHeader = p.networkHeader), "malformed"],
  [
    "an outer transport header behind the inner one",
    VXLAN,
    (p) => (p.transportHeader = p.innerTransportHeader),
    "malformed",
  ],
  ["an odd distance between the levels", VXLAN, oddTunnel, "malformed"],
  ["UDP around GRE with a checksum", VXLAN, (p) => (p.gsoType |= SKB_GSO_GRE_CSUM), "too-deep"],
  ["GRE around IP in IP", { ...PLAIN, tunnel: "gre" }, (p) => (p.gsoType |= SKB_GSO_IPXIP4), "too-deep"],
  [
    "GRE with a sequence number",
    { ...PLAIN, tunnel: "gre" },
    (p, v) => v.setUint16(p.transportHeader, 0x1000),
    "sequence",
  ],
  [
    "GRE_CSUM without the C bit",
    { ...PLAIN, tunnel: "gre" },
    (p) => (p.gsoType = SKB_GSO_TCPV4 | SKB_GSO_GRE_CSUM),
    "malformed",
  ],
];

function oddTunnel(packet: Packet): void {
  packet.transportHeader++;
}

describe("refusals", () => {
  test.each(LIES)("S1 S6 %s", (_, flow, lie, reason) => {
    const pool = makePool();
    const packet = superPacket(pool, flow, payloadOf(3000), { size: 1000 });
    lie(packet, pool.memory.view);
    const before = hex([wholeFrame(packet)]);
    const inUse = pool.stats.inUse;
    expect(segment(packet, () => expect.unreachable())).toEqual({ ok: false, reason });
    expect(hex([wholeFrame(packet)])).toEqual(before);
    expect(pool.stats.inUse).toBe(inUse);
    packet.release();
    pool.assertDrained();
  });

  test("S1 a pool that has too few slots: nothing is taken, the packet stays the caller's", () => {
    for (const small of [0, 1, 29]) {
      const pool = new PacketPool({ small, jumbo: 0, super: 1, debug: true });
      const packet = superPacket(pool, PLAIN, payloadOf(30_000), { size: 1000 });
      expect(segment(packet, () => expect.unreachable())).toEqual({ ok: false, reason: "nomem" });
      expect(pool.stats.inUse).toBe(1);
      packet.release();
      pool.assertDrained();
    }
  });

  test("S1 headers of more than 1024 bytes", () => {
    const pool = makePool();
    const flow: Flow = { ...PLAIN, family: 6 };
    const packet = superPacket(pool, flow, payloadOf(3000), { size: 1000, partial: false });
    // Destination options of 1032 bytes, which swallow the beginning of what was TCP.
    const { view } = pool.memory;
    view.setUint8(packet.networkHeader + 6, 60);
    view.setUint8(packet.networkHeader + 40, 6);
    view.setUint8(packet.networkHeader + 41, 128);
    packet.transportHeader = packet.networkHeader + 40 + 1032;
    view.setUint8(packet.transportHeader + 12, 0x50);
    expect(segment(packet, () => expect.unreachable())).toEqual({ ok: false, reason: "headers-too-long" });
    packet.release();
    pool.assertDrained();
  });

  test("a sink that throws gets no more, and nothing is lost", () => {
    const pool = makePool();
    const packet = superPacket(pool, PLAIN, payloadOf(5000), { size: 1000 });
    let seen = 0;
    const sink = (one: Packet): void => {
      one.release();
      if (++seen === 2) throw new Error("enough");
    };
    expect(() => segment(packet, sink)).toThrow("enough");
    expect(seen).toBe(2);
    pool.assertDrained();
  });

  test("a sink may segment another super-packet", () => {
    const pool = makePool();
    const frames: Uint8Array[] = [];
    const payload = payloadOf(3000);
    segment(superPacket(pool, PLAIN, payload, { size: 1000 }), (one) => {
      one.release();
      frames.push(...segmentFrames(superPacket(pool, VXLAN, payload, { size: 700 })).frames);
    });
    const expected = hex(framesOf(VXLAN, payload, 700));
    expect(hex(frames)).toEqual([...expected, ...expected, ...expected]);
    pool.assertDrained();
  });
});

describe("many pieces", () => {
  test.each([300, 700])("S1 a payload in %d pieces of odd length", (count) => {
    const pool = makePool({ small: 1200 });
    const payload = payloadOf(count * 9 + 40);
    const packet = superPacket(pool, PLAIN, payload, { size: 61, pieces: Array.from({ length: count }, () => 9) });
    expect(hex(segmentFrames(packet).frames)).toEqual(hex(framesOf(PLAIN, payload, 61)));
    pool.assertDrained();
  });
});

describe("segmentInto", () => {
  test("S1 writes the frames where it is told and keeps the packet", () => {
    const pool = makePool();
    const payload = payloadOf(2500);
    const packet = superPacket(pool, PLAIN, payload, { size: 1000 });
    const slots = [0, 1, 2, 3].map(() => pool.alloc(2000)!);
    const targets = slots.map((one) => one.data);
    expect(segmentInto(packet, targets, 2000)).toEqual({ ok: true, segments: 3, length: 1054, lastLength: 554 });
    const frames = framesOf(PLAIN, payload, 1000);
    const written = frames.map((frame, i) => pool.memory.u8.slice(targets[i], targets[i]! + frame.length));
    expect(hex(written)).toEqual(hex(frames));
    expect(segmentInto(packet, targets.slice(0, 2), 2000)).toEqual({ ok: false, reason: "nomem" });
    expect(segmentInto(packet, targets, 1053)).toEqual({ ok: false, reason: "nomem" });
    packet.gsoSize = 0;
    expect(segmentInto(packet, targets, 2000)).toEqual({ ok: false, reason: "not-gso" });
    for (const one of [packet, ...slots]) one.release();
    pool.assertDrained();
  });
});

describe("tunnels over tunnels", () => {
  /** Pushes the headers of a VXLAN or GRE tunnel around a packet that is complete or a super-packet. */
  function encapsulate(packet: Packet, flow: Flow): void {
    const { view, u8 } = packet.pool.memory;
    const offsets = offsetsOf(flow);
    const front = frameOf(flow, new Uint8Array(0), WHOLE).subarray(0, offsets.innerMac);
    const at = packet.push(front.length);
    u8.set(front, at);
    packet.macHeader = at;
    packet.networkHeader = at + 14;
    packet.transportHeader = at + 34;
    const length = packet.totalLength - 34;
    view.setUint16(packet.networkHeader + 2, length + 20);
    if (flow.tunnel !== "gretap") view.setUint16(packet.transportHeader + 4, length);
    packet.protocol = 0x0800;
  }

  test("S6 T14 one tunnel is described; a second one is refused, and segmentThen goes level by level", () => {
    const pool = makePool();
    const payload = payloadOf(3000);
    const packet = superPacket(pool, PLAIN, payload, { size: 1000 });
    expect(handleOffloads(packet, SKB_GSO_UDP_TUNNEL)).toBeUndefined();
    encapsulate(packet, VXLAN);
    expect(handleOffloads(packet, SKB_GSO_UDP_TUNNEL)).toBe("too-deep");
    const frames: Uint8Array[] = [];
    const outcome = segmentThen(packet, (one) => {
      expect([one.gsoSize, one.encapsulation]).toEqual([0, false]);
      expect(handleOffloads(one, SKB_GSO_UDP_TUNNEL)).toBeUndefined();
      encapsulate(one, VXLAN);
      frames.push(wholeFrame(one));
      one.release();
    });
    expect(outcome).toEqual({ ok: true, segments: 3 });
    const plain = framesOf(PLAIN, payload, 1000);
    frames.forEach((frame, i) => expect(hex([frame.subarray(100)])).toEqual(hex([plain[i]!])));
    pool.assertDrained();
  });

  test("S6 T14 offsets that skip a level are found out: in GRE always, in UDP by the tunnels' shapes", () => {
    const pool = makePool();
    for (const [kind, bit, options] of [
      ["gretap", SKB_GSO_GRE, {}],
      ["vxlan", SKB_GSO_UDP_TUNNEL, { tunnels: SHAPES }],
      ["geneve", SKB_GSO_UDP_TUNNEL, { tunnels: SHAPES }],
    ] as const) {
      const flow: Flow = { ...PLAIN, tunnel: kind };
      const packet = superPacket(pool, PLAIN, payloadOf(3000), { size: 1000 });
      const inner = [packet.networkHeader, packet.transportHeader] as const;
      handleOffloads(packet, bit);
      encapsulate(packet, flow);
      // Once more, as somebody does who does not ask handleOffloads.
      encapsulate(packet, flow);
      [packet.innerNetworkHeader, packet.innerTransportHeader] = inner;
      expect(segment(packet, () => expect.unreachable(), options)).toEqual({ ok: false, reason: "too-deep" });
      packet.release();
    }
    const known = superPacket(pool, { ...PLAIN, tunnel: "fou-csum" }, payloadOf(3000), { size: 1000 });
    expect(segmentFrames(known, { tunnels: SHAPES }).outcome.ok).toBe(true);
    for (const tunnel of ["vxlan-csum", "geneve", "gretap", "gre-key-csum"] as const) {
      const packet = superPacket(pool, { ...PLAIN, tunnel, family: 6 }, payloadOf(3000), { size: 1000 });
      expect(segmentFrames(packet, { tunnels: SHAPES }).outcome.ok).toBe(true);
    }
    pool.assertDrained();
  });

  test("S6 what needs no segmentation is handed on as it is", () => {
    const pool = makePool();
    const packet = superPacket(pool, PLAIN, payloadOf(3000), { size: 1000 });
    let given: Packet | undefined;
    expect(segmentThen(packet, (one) => (given = one))).toEqual({ ok: true, segments: 1 });
    expect(given).toBe(packet);
    packet.release();
    pool.assertDrained();
  });

  test("S2 FIXEDID of what becomes the inner header becomes FIXEDID_INNER", () => {
    const pool = makePool();
    const packet = superPacket(pool, { ...PLAIN, fixedId: true }, payloadOf(3000), { size: 1000 });
    handleOffloads(packet, SKB_GSO_UDP_TUNNEL);
    expect(packet.gsoType).toBe((SKB_GSO_TCPV4 | SKB_GSO_TCP_FIXEDID_INNER | SKB_GSO_UDP_TUNNEL) >>> 0);
    expect(packet.gsoType & SKB_GSO_TCP_FIXEDID).toBe(0);
    packet.gsoType = 0;
    expect(handleOffloads(packet, SKB_GSO_UDP_TUNNEL)).toBe("lro");
    packet.release();
    pool.assertDrained();
  });
});

describe("mangled identifications", () => {
  function ids(flow: Flow, mangleId: "increment" | "fixed"): number[] {
    const pool = makePool();
    const { frames } = segmentFrames(superPacket(pool, flow, payloadOf(3000), { size: 1000 }), { mangleId });
    pool.assertDrained();
    const { network, innerNetwork } = offsetsOf(flow);
    return frames.flatMap((frame) =>
      [network, innerNetwork].filter((at) => at >= 0).map((at) => (frame[at + 4]! << 8) | frame[at + 5]!),
    );
  }

  test("S2 a device that mangles does as it likes, whatever FIXEDID says", () => {
    expect(ids({ ...PLAIN, fixedId: true }, "increment")).toEqual([7, 8, 9]);
    expect(ids(PLAIN, "fixed")).toEqual([7, 7, 7]);
    expect(ids(VXLAN, "fixed")).toEqual([99, 7, 99, 7, 99, 7]);
  });

  test("S2 but increments that of an outer header without DF", () => {
    expect(ids({ ...PLAIN, df: false }, "fixed")).toEqual([7, 8, 9]);
    // An inner header without DF may be fixed.
    expect(ids({ ...VXLAN, df: false }, "fixed")).toEqual([99, 7, 99, 7, 99, 7]);
  });
});
