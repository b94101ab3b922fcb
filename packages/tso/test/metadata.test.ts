import { describe, expect, test } from "vitest";
import { PACKET_OUTGOING, type Packet } from "@seville/packet";
import { segment } from "@seville/tso";
import { framesOf, offsetsOf, PLAIN, type Flow } from "./support/flow.ts";
import { hex, wholeFrame } from "./support/collect.ts";
import { groRun } from "./support/gro.ts";
import { makePool, payloadOf, superPacket } from "./support/super.ts";

const VXLAN: Flow = { ...PLAIN, tunnel: "vxlan-csum", vlans: [4] };

function segments(packet: Packet, options: Parameters<typeof segment>[2] = {}): Packet[] {
  const out: Packet[] = [];
  expect(segment(packet, (one) => void out.push(one), options).ok).toBe(true);
  return out;
}

describe("what a segment inherits (__copy_skb_header)", () => {
  test("S1 marks, priority, time, interface, tag, hash and control buffer; it is no super-packet itself", () => {
    const pool = makePool();
    const packet = superPacket(pool, VXLAN, payloadOf(2500), { size: 1000 });
    const inherited = {
      ifindex: 3,
      tstamp: 99,
      hash: 0x1234,
      mark: 5,
      priority: 6,
      queueMapping: 7,
      vlanTci: 8,
      pktType: PACKET_OUTGOING,
      protocol: 0x0800,
      // The control buffer is copied too: a forwarded packet's segments are forwarded ones.
      cb: 77,
    };
    Object.assign(packet, inherited);
    for (const one of segments(packet)) {
      expect(one).toMatchObject({ ...inherited, gsoSize: 0, gsoSegs: 0, gsoType: 0, fragList: undefined });
      one.release();
    }
    pool.assertDrained();
  });

  test("S6 the offsets of all headers", () => {
    const pool = makePool();
    const offsets = offsetsOf(VXLAN);
    for (const one of segments(superPacket(pool, VXLAN, payloadOf(2500), { size: 1000 }))) {
      expect({
        mac: one.macHeader - one.data,
        network: one.networkHeader - one.data,
        transport: one.transportHeader - one.data,
        innerMac: one.innerMacHeader - one.data,
        innerNetwork: one.innerNetworkHeader - one.data,
        innerTransport: one.innerTransportHeader - one.data,
      }).toEqual({
        mac: 0,
        network: offsets.network,
        transport: offsets.transport,
        innerMac: offsets.innerMac,
        innerNetwork: offsets.innerNetwork,
        innerTransport: offsets.innerTransport,
      });
      one.release();
    }
    pool.assertDrained();
  });

  test("S1 headroom: that of the super-packet, or what is asked for", () => {
    const pool = makePool();
    const given = segments(superPacket(pool, PLAIN, payloadOf(2500), { size: 1000 }));
    expect(given.map((one) => one.headroom)).toEqual([130, 130, 130]);
    const asked = segments(superPacket(pool, PLAIN, payloadOf(2500), { size: 1000 }), { headroom: 512 });
    expect(asked.map((one) => one.headroom)).toEqual([512, 512, 512]);
    for (const one of [...given, ...asked]) one.release();
    pool.assertDrained();
  });

  test("S1 segments that fit no small slot take larger ones", () => {
    const pool = makePool();
    const payload = payloadOf(20_000);
    const out = segments(superPacket(pool, PLAIN, payload, { size: 8948 }));
    expect(hex(out.map(wholeFrame))).toEqual(hex(framesOf(PLAIN, payload, 8948)));
    for (const one of out) one.release();
    pool.assertDrained();
  });

  test("S1 a super-packet that others read too is not changed", () => {
    const pool = makePool();
    const packet = superPacket(pool, VXLAN, payloadOf(2500), { size: 1000, pieces: [700] });
    const twin = packet.clone();
    const before = hex([wholeFrame(twin)]);
    for (const one of segments(packet)) one.release();
    expect(hex([wholeFrame(twin)])).toEqual(before);
    twin.release();
    pool.assertDrained();
  });
});

describe("what tells flows apart beside their bytes", () => {
  test.each([
    ["interface", { ifindex: 4 }],
    ["tag that the device took out", { vlanTci: 12 }],
    ["hash in the same bucket", { hash: 16 }],
  ])("S12 another %s", (_, change) => {
    const pool = makePool();
    const run = groRun(pool);
    const [first, second] = framesOf(PLAIN, payloadOf(200), 100) as [Uint8Array, Uint8Array];
    run.give(first, (packet) => Object.assign(packet, { ifindex: 3, vlanTci: 11, hash: 8 }));
    run.give(second, (packet) => Object.assign(packet, { ifindex: 3, vlanTci: 11, hash: 8, ...change }));
    expect(run.gro.held).toBe(2);
    run.gro.flush();
    run.release();
    pool.assertDrained();
  });
});
