import { describe, expect, test } from "vitest";
import { bindChecksum, checksumHelp, sctpChecksum, verifySctp } from "@seville/checksum";
import {
  CHECKSUM_NONE,
  CHECKSUM_PARTIAL,
  GSO_BY_FRAGS,
  ipv4,
  ipv6,
  SKB_GSO_FRAGLIST,
  SKB_GSO_PARTIAL,
  SKB_GSO_SCTP,
  SKB_GSO_TUNNEL_REMCSUM,
  SKB_GSO_UDP,
  udp,
  type Packet,
  type PacketPool,
} from "@seville/packet";
import { segment } from "@seville/tso";
import { frameOf, framesOf, naiveChecksum, offsetsOf, PLAIN, type Flow } from "./support/flow.ts";
import { hex, segmentFrames, wholeFrame } from "./support/collect.ts";
import { groRun } from "./support/gro.ts";
import { makePool, payloadOf, superPacket } from "./support/super.ts";

function collect(packet: Packet, options: Parameters<typeof segment>[2] = {}): Packet[] {
  const out: Packet[] = [];
  const outcome = segment(packet, (one) => void out.push(one), options);
  if (!outcome.ok) throw new Error(outcome.reason);
  return out;
}

function releaseAll(packets: readonly Packet[]): void {
  for (const one of packets) one.release();
}

describe("checksums left to the device", () => {
  test.each([
    ["plain", {}, { csum: true }],
    ["VXLAN", { tunnel: "vxlan" }, { encCsum: true }],
    ["VXLAN with outer checksum", { tunnel: "vxlan-csum", family: 6 }, { encCsum: true }],
    ["GRE with checksum", { tunnel: "gre-csum", kind: "udp" }, { encCsum: true }],
  ] as const)("S4 S5 %s: PARTIAL segments that the device finishes into the same frames", (_, change, options) => {
    const flow: Flow = { ...PLAIN, ...change };
    const pool = makePool();
    const payload = payloadOf(5000);
    const out = collect(superPacket(pool, flow, payload, { size: 1200 }), options);
    const kernels = bindChecksum(pool.memory);
    for (const one of out) {
      expect(one.ipSummed).toBe(CHECKSUM_PARTIAL);
      expect(one.encapsulation).toBe(flow.tunnel !== "none");
      expect(checksumHelp(kernels, one)).toBe(true);
    }
    expect(hex(out.map(wholeFrame))).toEqual(hex(framesOf(flow, payload, 1200)));
    releaseAll(out);
    pool.assertDrained();
  });

  test("S6 remote checksum offload: the inner field keeps the pseudo-header's sum, the outer checksum covers it", () => {
    const flow: Flow = { ...PLAIN, tunnel: "vxlan-csum" };
    const pool = makePool();
    const packet = superPacket(pool, flow, payloadOf(3000), { size: 1000 });
    packet.gsoType |= SKB_GSO_TUNNEL_REMCSUM;
    const offsets = offsetsOf(flow);
    for (const frame of segmentFrames(packet).frames) {
      const outer = frame.subarray(offsets.transport);
      const length = outer.length;
      const pseudo = [...frame.subarray(offsets.network + 12, offsets.network + 20), 0, 17, length >> 8, length & 255];
      expect(naiveChecksum(pseudo, outer)).toBe(0);
      // What the receiver does (remcsum_adjust): sum from the inner header on, which includes the pseudo-header's sum.
      const inner = frame.slice(offsets.innerTransport);
      const sum = naiveChecksum(inner);
      const stored = (inner[16]! << 8) | inner[17]!;
      inner.set([sum >> 8, sum & 255], 16);
      const tcpPseudo = [...frame.subarray(offsets.innerNetwork + 12, offsets.innerNetwork + 20), 0, 6];
      expect(naiveChecksum([...tcpPseudo, inner.length >> 8, inner.length & 255], inner)).toBe(0);
      expect(stored).not.toBe(0);
    }
    pool.assertDrained();
  });
});

describe("GSO_PARTIAL", () => {
  test("S7 headers before the inner transport header hold the values for one segment, so a device only replicates them", () => {
    const flow: Flow = { ...PLAIN, tunnel: "vxlan-csum", flags: 0x18 };
    const pool = makePool();
    const payload = payloadOf(4 * 1000 + 10);
    const expected = framesOf(flow, payload, 1000);
    const out = collect(superPacket(pool, flow, payload, { size: 1000 }), { encCsum: true, gsoPartial: true });
    expect(out.map((one) => [one.gsoSize, one.gsoSegs, one.length - offsetsOf(flow).payload])).toEqual([
      [1000, 4, 4000],
      [0, 0, 10],
    ]);
    const [whole, rest] = out as [Packet, Packet];
    expect(whole.gsoType & SKB_GSO_PARTIAL).toBe(SKB_GSO_PARTIAL);
    const front = offsetsOf(flow).innerTransport;
    expect(hex([whole.bytes().subarray(0, front)])).toEqual(hex([expected[0]!.subarray(0, front)]));
    expect(hex([rest.bytes().subarray(0, front)])).toEqual(hex([expected[4]!.subarray(0, front)]));
    // The remainder is a segment like any other.
    expect(checksumHelp(bindChecksum(pool.memory), rest)).toBe(true);
    expect(hex([rest.bytes()])).toEqual(hex([expected[4]!]));
    releaseAll(out);
    pool.assertDrained();
  });

  test("S7 a super-packet of whole segments only stays one, FIN and PSH with it", () => {
    const pool = makePool();
    const flow: Flow = { ...PLAIN, flags: 0x19 };
    const out = collect(superPacket(pool, flow, payloadOf(3000), { size: 1000 }), { csum: true, gsoPartial: true });
    expect(out.map((one) => [one.gsoSegs, one.length - 54])).toEqual([[3, 3000]]);
    expect(out[0]!.bytes()[47]).toBe(0x19);
    releaseAll(out);
    pool.assertDrained();
  });
});

/** Puts fragments together again, as an obvious reassembler does. */
function reassemble(frames: readonly Uint8Array[], family: 4 | 6, network: number): Uint8Array {
  const parts: [number, Uint8Array][] = frames.map((frame) => {
    const view = new DataView(frame.buffer, frame.byteOffset);
    if (family === 4) return [ipv4.fragmentOffset(view, network), frame.subarray(network + 20)];
    return [ipv6.fragmentOffset(view, network + 40), frame.subarray(network + 48)];
  });
  parts.sort((a, b) => a[0] - b[0]);
  let end = 0;
  for (const [offset, bytes] of parts) {
    expect(offset).toBe(end);
    end += bytes.length;
  }
  return Buffer.concat(parts.map(([, bytes]) => bytes));
}

describe("UFO", () => {
  test.each([4, 6] as const)(
    "S8 IPv%s: fragments of 8-byte multiples with one identification and a full checksum",
    (family) => {
      const flow: Flow = { ...PLAIN, kind: "udp", family, df: false };
      const pool = makePool();
      const payload = payloadOf(4001);
      const packet = superPacket(pool, flow, payload, { size: 1480, pieces: [501, 1000] });
      packet.gsoType = SKB_GSO_UDP;
      const { outcome, frames } = segmentFrames(packet, { fragmentId: () => 0xabcd_0123 });
      expect(outcome).toEqual({ ok: true, segments: 3 });
      const offsets = offsetsOf(flow);
      const datagram = reassemble(frames, family, offsets.network);
      expect(hex([datagram])).toEqual(hex([frameOf(flow, payload).subarray(offsets.transport)]));
      frames.forEach((frame, i) => {
        const view = new DataView(frame.buffer);
        const last = i === frames.length - 1;
        if (family === 4) {
          expect(ipv4.identification(view, 14)).toBe(flow.id);
          expect(ipv4.moreFragments(view, 14)).toBe(!last);
          expect(ipv4.isChecksumValid(view, 14)).toBe(true);
          expect(ipv4.totalLength(view, 14)).toBe(frame.length - 14);
        } else {
          expect(view.getUint8(20)).toBe(44);
          expect(ipv6.moreFragments(view, 54)).toBe(!last);
          expect(ipv6.fragmentIdentification(view, 54)).toBe(0xabcd_0123);
          expect(ipv6.payloadLength(view, 14)).toBe(frame.length - 54);
        }
      });
      pool.assertDrained();
    },
  );

  test("S8 IPv6 fragments need an identification", () => {
    const pool = makePool();
    const packet = superPacket(pool, { ...PLAIN, kind: "udp", family: 6 }, payloadOf(4000), { size: 1480 });
    packet.gsoType = SKB_GSO_UDP;
    expect(segmentFrames(packet).outcome).toEqual({ ok: false, reason: "fragment-id" });
    pool.assertDrained();
  });

  test("S8 in VXLAN with a checksum: each outer checksum covers its fragment", () => {
    const flow: Flow = { ...PLAIN, kind: "udp", tunnel: "vxlan-csum", df: false };
    const pool = makePool();
    const packet = superPacket(pool, flow, payloadOf(3000), { size: 1000 });
    packet.gsoType = (packet.gsoType & ~(1 << 17)) | SKB_GSO_UDP;
    const offsets = offsetsOf(flow);
    const { frames } = segmentFrames(packet);
    expect(frames).toHaveLength(4);
    frames.forEach((frame, i) => {
      const view = new DataView(frame.buffer);
      expect(udp.length(view, offsets.transport)).toBe(frame.length - offsets.transport);
      const outer = frame.subarray(offsets.transport);
      const pseudo = [...frame.subarray(26, 34), 0, 17, outer.length >> 8, outer.length & 255];
      expect(naiveChecksum(pseudo, outer)).toBe(0);
      expect(ipv4.identification(view, 14)).toBe((flow.outerId + i) & 0xffff);
    });
    pool.assertDrained();
  });
});

describe("SCTP", () => {
  function sctpPacket(pool: PacketPool, flow: Flow): Packet {
    const udpFlow: Flow = { ...flow, kind: "udp" };
    const packet = superPacket(pool, udpFlow, payloadOf(4 + 600), {
      size: GSO_BY_FRAGS,
      pieces: [100, 200, 300],
      partial: false,
    });
    const network = flow.tunnel === "none" ? packet.networkHeader : packet.innerNetworkHeader;
    pool.memory.view.setUint8(network + 9, 132);
    packet.gsoType = (packet.gsoType & ~(1 << 17)) | SKB_GSO_SCTP;
    return packet;
  }

  test("S9 the CRC32c of each segment is its own", () => {
    const pool = makePool();
    const out = collect(sctpPacket(pool, PLAIN));
    expect(out.map((one) => one.length - 46)).toEqual([100, 200, 300]);
    for (const one of out) {
      expect(one.ipSummed).toBe(CHECKSUM_NONE);
      expect(verifySctp(bindChecksum(pool.memory), one.data + 34, one.length - 34)).toBe(true);
      expect(ipv4.isChecksumValid(pool.memory.view, one.networkHeader)).toBe(true);
    }
    releaseAll(out);
    pool.assertDrained();
  });

  test("S9 a device with SCTP_CRC gets it PARTIAL, but not under an outer checksum", () => {
    const pool = makePool();
    const plain = collect(sctpPacket(pool, PLAIN), { sctpCrc: true });
    expect(plain.every((one) => one.ipSummed === CHECKSUM_PARTIAL && one.csumNotInet)).toBe(true);
    releaseAll(plain);
    const flow: Flow = { ...PLAIN, tunnel: "vxlan-csum" };
    const inTunnel = collect(sctpPacket(pool, flow), { sctpCrc: true });
    const kernels = bindChecksum(pool.memory);
    for (const one of inTunnel) {
      expect(one.ipSummed).toBe(CHECKSUM_NONE);
      const at = one.data + offsetsOf({ ...flow, kind: "udp" }).innerTransport;
      expect(pool.memory.view.getUint32(at + 8, true)).toBe(sctpChecksum(kernels, at, one.tail - at));
      const outer = one.bytes().subarray(34);
      const pseudo = [...one.bytes().subarray(26, 34), 0, 17, outer.length >> 8, outer.length & 255];
      expect(naiveChecksum(pseudo, outer)).toBe(0);
    }
    releaseAll(inTunnel);
    pool.assertDrained();
  });
});

describe("FRAGLIST", () => {
  test.each([
    ["TCP", {}],
    ["IPv6 UDP", { kind: "udp", family: 6 }],
    ["UDP", { kind: "udp" }],
  ] as const)("S9 %s: chained and taken apart again, nothing has changed and nothing was copied", (_, change) => {
    const flow: Flow = { ...PLAIN, ...change };
    const pool = makePool();
    const frames = framesOf(flow, payloadOf(4500), 1000);
    const run = groRun(pool, { fragList: true });
    for (const frame of frames) run.give(frame);
    run.gro.flush();
    const [chain] = run.out.splice(0);
    expect(chain!.gsoType & SKB_GSO_FRAGLIST).toBe(SKB_GSO_FRAGLIST);
    const before = pool.stats.highWater;
    expect(hex(segmentFrames(chain!).frames)).toEqual(hex(frames));
    expect(pool.stats.highWater).toBe(before);
    pool.assertDrained();
  });

  test("S9 addresses and ports that were translated on the first are brought to all", () => {
    const flow: Flow = { ...PLAIN, kind: "udp" };
    const pool = makePool();
    const run = groRun(pool, { fragList: true });
    for (const frame of framesOf(flow, payloadOf(3000), 1000)) run.give(frame);
    run.gro.flush();
    const chain = run.out.splice(0)[0]!;
    // NAT: another source address and port, the checksum patched in the first datagram only.
    const { view } = pool.memory;
    const before = [view.getUint32(chain.data + 26), view.getUint16(chain.data + 34)] as const;
    view.setUint32(chain.data + 26, 0xc6336407);
    view.setUint16(chain.data + 34, 1234);
    const first = wholeFrame(chain).subarray(34, 34 + 8 + 1000);
    first.set([0, 0], 6);
    first.set([(1008 >> 8) & 255, 1008 & 255], 4);
    const addresses = [...chain.bytes().subarray(26, 34)];
    const checksum = naiveChecksum([...addresses, 0, 17, 1008 >> 8, 1008 & 255], first);
    view.setUint16(chain.data + 40, checksum);
    expect(before[0]).not.toBe(0xc6336407);
    for (const frame of segmentFrames(chain).frames) {
      const datagram = frame.subarray(34);
      const pseudo = [...frame.subarray(26, 34), 0, 17, datagram.length >> 8, datagram.length & 255];
      expect(naiveChecksum(pseudo, datagram)).toBe(0);
      expect([...frame.subarray(26, 30)]).toEqual([198, 51, 100, 7]);
      expect(naiveChecksum(frame.subarray(14, 34))).toBe(0);
    }
    pool.assertDrained();
  });

  test("S9 a chain whose first member was pulled long is split by size instead", () => {
    const flow: Flow = { ...PLAIN, kind: "udp" };
    const pool = makePool();
    const run = groRun(pool, { fragList: true });
    const frames = framesOf(flow, payloadOf(3000), 1000);
    for (const frame of frames) run.give(frame);
    run.gro.flush();
    const chain = run.out.splice(0)[0]!;
    expect(chain.linearize()).toBe(true);
    expect(hex(segmentFrames(chain).frames)).toEqual(hex(frames));
    pool.assertDrained();
  });
});
