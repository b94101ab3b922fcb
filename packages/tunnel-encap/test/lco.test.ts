import fc from "fast-check";
import { checksumHelp } from "@seville/checksum";
import {
  CHECKSUM_NONE,
  CHECKSUM_PARTIAL,
  dissect,
  ETH_P_IP,
  fieldValues,
  ipv4,
  ipv6,
  type Packet,
} from "@seville/packet";
import { describe, expect, test } from "vitest";
import { TUNNEL_DISSECTORS, TunnelEndpoint, type Tunnel } from "../src/index.ts";
import { contextOf, drainedPool, load, take } from "./support/packets.ts";
import { A4, A6, B4, B6, frameOf, inner4, inner6 } from "./support/samples.ts";

/*
 * LCO = full sum: an outer checksum that was made from headers alone is the one that a slow sum over all bytes gives, at every
 * level of a nest, whatever finishes the innermost one and when.
 */

const pool = drainedPool();
const twinPool = drainedPool(false);

const v4 = { local: A4, remote: B4 };
const v6 = { local: A6, remote: B6 };
const LEVELS: readonly Tunnel[] = [
  { kind: "vxlan", id: 1, ...v4, udpcsum: true },
  { kind: "vxlan", id: 2, ...v6 },
  {
    kind: "geneve",
    id: 3,
    ...v4,
    udpcsum: true,
    options: [{ class: 1, type: 1, critical: false, data: new Uint8Array(4) }],
  },
  { kind: "geneve", id: 4, ...v6 },
  { kind: "gretap", ...v4, ocsum: true, icsum: true },
  { kind: "gretap", ...v6, ocsum: true, icsum: true, okey: 4, ikey: 4, oseq: true, iseq: true },
  { kind: "gretap", ...v4 },
];

/** The one's complement sum by the book: byte pairs, carries brought round at the end (RFC 1071 §1). */
function naiveSum(bytes: Uint8Array, from: number, end: number, seed: number): number {
  let total = seed;
  for (let at = from; at < end; at += 2) total += (bytes[at]! << 8) | (at + 1 < end ? bytes[at + 1]! : 0);
  while (total > 0xffff) total = (total % 0x1_0000) + Math.floor(total / 0x1_0000);
  return total;
}

/** The naive sum over a pseudo-header and the UDP datagram at `at`: 0xffff if its checksum is right. */
function udpSum(bytes: Uint8Array, network: number, at: number): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = view.getUint16(at + 4);
  const isV4 = bytes[network]! >>> 4 === 4;
  const addresses = isV4
    ? naiveSum(bytes, network + 12, network + 20, 0)
    : naiveSum(bytes, network + 8, network + 40, 0);
  return naiveSum(bytes, at, at + length, addresses + 17 + length);
}

/** Puts the packet behind an Ethernet header, as a bridge between two levels would. */
function asFrame(packet: Packet): void {
  const at = packet.push(14);
  packet.pool.memory.u8.set(frameOf(Uint8Array.of(packet.protocol === ETH_P_IP ? 0x45 : 0x60)).subarray(0, 14), at);
}

interface Nest {
  readonly levels: readonly Tunnel[];
  readonly payload: Uint8Array;
  readonly isIpv6: boolean;
  readonly isPartial: boolean;
  readonly useWasm: boolean;
}

const nests: fc.Arbitrary<Nest> = fc.record({
  levels: fc.array(fc.constantFrom(...LEVELS), { minLength: 1, maxLength: 4 }),
  payload: fc.uint8Array({ minLength: 0, maxLength: 900 }),
  isIpv6: fc.boolean(),
  isPartial: fc.boolean(),
  useWasm: fc.boolean(),
});

/** Wraps a UDP packet in all `levels`; its own checksum is right, or left PARTIAL. */
function build({ levels, payload, isIpv6, isPartial, useWasm }: Nest): Packet {
  const target = useWasm ? pool : twinPool;
  const frame = frameOf(isIpv6 ? inner6({ payload }) : inner4({ payload }));
  const packet = load(target, frame, true, 700);
  if (isPartial) {
    const udpAt = packet.data + 14 + (isIpv6 ? 40 : 20);
    const pseudo = naiveSum(target.memory.u8, packet.data + 14 + (isIpv6 ? 8 : 12), udpAt, 17 + 8 + payload.length);
    target.memory.view.setUint16(udpAt + 6, pseudo);
    packet.ipSummed = CHECKSUM_PARTIAL;
    packet.csumStart = udpAt;
    packet.csumOffset = 6;
  }
  levels.forEach((tunnel, i) => {
    const endpoint = new TunnelEndpoint(tunnel, contextOf(target));
    if (endpoint.encapsulate(packet) !== "ok") throw new Error("not wrapped");
    if (i < levels.length - 1) asFrame(packet);
  });
  return packet;
}

describe("C23-C25 in tunnels: LCO = full sum", () => {
  test("every checksum of a random nest of up to 4 levels is right by a naive sum", () => {
    fc.assert(
      fc.property(nests, (nest) => {
        const packet = build(nest);
        expect(checksumHelp(contextOf(packet.pool).kernels, packet)).toBe(true);
        const frame = frameOf(take(packet));
        const tree = dissect(frame, { dissectors: TUNNEL_DISSECTORS, maxDepth: 64 });
        const status = [
          ...fieldValues(tree, "udp.checksum.status"),
          ...fieldValues(tree, "gre.checksum.status"),
          ...fieldValues(tree, "ip.checksum.status"),
        ];
        expect(status.filter((value) => value !== 1)).toEqual([]);
        expect(status.length).toBeGreaterThan(0);
        // The outermost UDP checksum by the book, for the dissector sums with the package under test.
        const network = 14;
        const isV4 = frame[network]! >>> 4 === 4;
        const protocol = isV4 ? frame[network + 9] : frame[network + 6];
        if (protocol === 17) expect(udpSum(frame, network, network + (isV4 ? 20 : 40))).toBe(0xffff);
      }),
      { numRuns: 300 },
    );
  });

  test("the payload is not read: it may change after all outer checksums are made", () => {
    const level: Tunnel = LEVELS[0]!;
    const levels = [level, level, LEVELS[1]!, LEVELS[4]!];
    const packet = build({ levels, payload: new Uint8Array(600), isIpv6: false, isPartial: true, useWasm: true });
    packet.pool.memory.u8.fill(0xa5, packet.tail - 500, packet.tail);
    expect(packet.ipSummed).toBe(CHECKSUM_PARTIAL);
    checksumHelp(contextOf(pool).kernels, packet);
    const tree = dissect(frameOf(take(packet)), { dissectors: TUNNEL_DISSECTORS, maxDepth: 64 });
    expect(fieldValues(tree, "udp.checksum.status")).toEqual([1, 1, 1, 1]);
    expect(fieldValues(tree, "gre.checksum.status")).toEqual([1]);
  });

  test("C25 without anything PARTIAL inside, the outer UDP checksum is the PARTIAL one and nothing is marked encapsulated", () => {
    const nest = { levels: [LEVELS[0]!], payload: new Uint8Array(9), isIpv6: true, isPartial: false, useWasm: true };
    const packet = build(nest);
    expect([packet.ipSummed, packet.encapsulation]).toEqual([CHECKSUM_PARTIAL, false]);
    expect(packet.csumStart).toBe(packet.transportHeader);
    expect(packet.csumOffset).toBe(6);
    packet.release();
  });

  test("C18 an SCTP CRC inside a tunnel with a checksum is finished in software first", () => {
    const inside = inner4({ payload: new Uint8Array(40) });
    inside[9] = 132;
    ipv4.updateChecksum(new DataView(inside.buffer), 0);
    const packet = load(pool, frameOf(inside), true);
    packet.ipSummed = CHECKSUM_PARTIAL;
    packet.csumNotInet = true;
    packet.csumStart = packet.data + 34;
    packet.csumOffset = 8;
    expect(new TunnelEndpoint(LEVELS[0]!, contextOf(pool)).encapsulate(packet)).toBe("ok");
    expect(packet.csumNotInet).toBe(false);
    expect(packet.csumStart).toBe(packet.transportHeader);
    packet.release();
  });

  test("C24 a super-packet's outer field holds the pseudo-header's sum, for segmentation to complete", () => {
    const packet = load(pool, frameOf(inner6({ payload: new Uint8Array(1200) })), true);
    packet.ipSummed = CHECKSUM_PARTIAL;
    packet.csumStart = packet.data + 54;
    packet.csumOffset = 6;
    packet.gsoSize = 500;
    packet.gsoSegs = 3;
    expect(new TunnelEndpoint(LEVELS[1]!, contextOf(pool)).encapsulate(packet)).toBe("ok");
    const { view } = pool.memory;
    const length = packet.tail - packet.transportHeader;
    const pseudo = naiveSum(pool.memory.u8, packet.networkHeader + 8, packet.networkHeader + 40, 17 + length);
    expect(view.getUint16(packet.transportHeader + 6)).toBe(pseudo);
    expect(ipv6.payloadLength(view, packet.networkHeader)).toBe(length);
    packet.release();
  });
});

test("C24 a tunnel without a checksum leaves the inner one as it was", () => {
  const tunnel: Tunnel = { kind: "vxlan", id: 1, ...v4, udpcsum: false };
  for (const summed of [CHECKSUM_NONE, CHECKSUM_PARTIAL] as const) {
    const packet = load(pool, frameOf(inner4()), true);
    packet.ipSummed = summed;
    packet.csumStart = packet.data + 34;
    packet.csumOffset = 6;
    const start = packet.csumStart;
    expect(new TunnelEndpoint(tunnel, contextOf(pool)).encapsulate(packet)).toBe("ok");
    expect([packet.ipSummed, packet.encapsulation]).toEqual([summed, summed === CHECKSUM_PARTIAL]);
    if (summed === CHECKSUM_PARTIAL) expect(packet.csumStart).toBe(start);
    expect(pool.memory.view.getUint16(packet.transportHeader + 6)).toBe(0);
    packet.release();
  }
});
