import { fold } from "@seville/checksum";
import { CHECKSUM_PARTIAL, compose, ETH_P_IP, ETH_P_IPV6, parseIpv6, type Packet } from "@seville/packet";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { TunnelEndpoint, type Tunnel } from "../src/index.ts";
import { contextOf, drainedPool, finishAndTake, hex, load, received } from "./support/packets.ts";
import { A4, A6, B4, B6, MAC_A, MAC_B } from "./support/samples.ts";

/*
 * Random tunnels around random packets: what is unwrapped is what was wrapped, the outer header says what an independent reading of its
 * bytes finds, and every checksum is right by a sum that goes byte by byte.
 */

const pool = drainedPool();
const v4 = { local: A4, remote: B4 };
const v6 = { local: A6, remote: B6 };
const bit = fc.boolean();
const bits = (width: number): fc.Arbitrary<number> => fc.integer({ min: 0, max: 2 ** width - 1 });
const ends = fc.constantFrom(v4, v6);

const common = {
  ttl: fc.oneof(fc.integer({ min: 1, max: 255 }), fc.constantFrom("inherit", "auto")),
  tos: fc.oneof(bits(8), fc.constant("inherit")),
  df: fc.constantFrom("set", "unset", "inherit", "copy"),
  flowlabel: fc.oneof(bits(20), fc.constantFrom("inherit", "auto")),
};

const gre = fc
  .record({
    ...common,
    kind: fc.constantFrom("gre", "gretap"),
    ends,
    key: fc.option(bits(32), { nil: undefined }),
    csum: bit,
    seq: bit,
  })
  .map(({ ends: both, key, csum, seq, ...rest }) => ({
    ...rest,
    ...both,
    ...(key === undefined ? {} : { ikey: key, okey: key }),
    icsum: csum,
    ocsum: csum,
    iseq: seq,
    oseq: seq,
  }));
const udp = {
  ...common,
  ends,
  id: bits(24),
  dstport: fc.integer({ min: 1, max: 65_535 }),
  udpcsum: bit,
  udp6zerocsumtx: bit,
};
const vxlan = fc
  .record({
    ...udp,
    gbp: fc.option(fc.record({ id: bits(16), dontLearn: bit, policyApplied: bit }), { nil: undefined }),
  })
  .map(({ ends: both, ...rest }) => ({ kind: "vxlan", ...rest, ...both, udp6zerocsumrx: true }));
const option = fc
  .record({ class: bits(16), type: bits(7), words: fc.integer({ min: 0, max: 4 }) })
  .map(({ class: namespace, type, words }) => ({
    class: namespace,
    type,
    critical: false,
    data: new Uint8Array(4 * words).fill(words),
  }));
const geneve = fc
  .record({ ...udp, options: fc.array(option, { maxLength: 4 }), innerProtoInherit: bit })
  .map(({ ends: both, ...rest }) => ({ kind: "geneve", ...rest, ...both, udp6zerocsumrx: true }));
const erspan = fc
  .record({ ...common, ends, erspanVer: fc.constantFrom(0, 1, 2), key: bits(10), hwid: bits(6), index: bits(20) })
  .map(({ ends: both, ...rest }) => ({ kind: "erspan", ...rest, ...both }));
const nvgre = fc.record({ ...common, ends, vsid: bits(24) }).map(({ ends: both, ...rest }) => ({
  kind: "nvgre",
  ...rest,
  ...both,
}));
const encap = fc.option(
  fc
    .record({ type: fc.constantFrom("fou", "gue"), dport: fc.integer({ min: 1, max: 65_535 }), csum: bit, direct: bit })
    .map(({ type, direct, ...rest }) => ({ type, ...rest, ...(type === "gue" && direct ? { direct } : {}) })),
  { nil: undefined },
);
const bare = fc.record({ ...common, kind: fc.constantFrom("ipip", "sit"), encap }).map((it) => ({ ...it, ...v4 }));
const ip6tnl = fc
  .record({ ...common, encaplimit: fc.oneof(bits(8), fc.constant("none")) })
  .map((it) => ({ kind: "ip6tnl", ...it, ...v6 }));

const tunnels = fc.oneof(gre, vxlan, geneve, erspan, nvgre, bare, ip6tnl) as unknown as fc.Arbitrary<Tunnel>;

interface Inside {
  readonly family: 4 | 6;
  readonly dscp: number;
  readonly ecn: number;
  readonly ttl: number;
  readonly df: boolean;
  readonly label: number;
  readonly payload: Uint8Array;
}

const insides: fc.Arbitrary<Inside> = fc.record({
  family: fc.constantFrom<4 | 6>(4, 6),
  dscp: bits(6),
  ecn: bits(2),
  ttl: fc.integer({ min: 1, max: 255 }),
  df: bit,
  label: bits(20),
  payload: fc.uint8Array({ maxLength: 300 }),
});

function ipPacket({ family, dscp, ecn, ttl, df, label, payload }: Inside): Uint8Array<ArrayBuffer> {
  const ports = { sourcePort: 1234, destinationPort: 9 };
  return family === 4
    ? compose([
        { ipv4: { source: 0x0a010001, destination: 0x0a010002, dscp, ecn, ttl, dontFragment: df } },
        { udp: ports },
        payload,
      ])
    : compose([
        {
          ipv6: {
            source: parseIpv6("fd00::1"),
            destination: parseIpv6("fd00::2"),
            dscp,
            ecn,
            hopLimit: ttl,
            flowLabel: label,
          },
        },
        { udp: ports },
        payload,
      ]);
}

/** What goes into `tunnel`: a frame, or the packet; of the family that it carries. */
function inputFor(endpoint: TunnelEndpoint, inside: Inside): Uint8Array<ArrayBuffer> {
  const { kind } = endpoint.tunnel;
  const family = kind === "ipip" ? 4 : kind === "sit" ? 6 : inside.family;
  const packet = ipPacket({ ...inside, family });
  if (!endpoint.isEthernet) return packet;
  return compose([
    { ethernet: { destination: MAC_B, source: MAC_A, etherType: family === 4 ? ETH_P_IP : ETH_P_IPV6 } },
    packet,
  ]);
}

function naiveSum(bytes: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < bytes.length; i += 2) sum += (bytes[i] as number) * 256 + (bytes[i + 1] ?? 0);
  return fold(sum % 0xffff_ffff);
}

/** The outer header by its bytes alone. */
function readOuter(bytes: Uint8Array) {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  if (bytes[0]! >>> 4 === 4) {
    expect(naiveSum(bytes.subarray(0, 20))).toBe(0xffff);
    expect(view.getUint16(2)).toBe(bytes.length);
    return { tos: bytes[1]!, ttl: bytes[8]!, df: (bytes[6]! & 0x40) !== 0, protocol: bytes[9]!, at: 20, label: 0 };
  }
  expect(view.getUint16(4)).toBe(bytes.length - 40);
  const word = view.getUint32(0);
  const hasLimit = bytes[6] === 60;
  return {
    tos: (word >>> 20) & 0xff,
    ttl: bytes[7]!,
    df: false,
    protocol: hasLimit ? bytes[40]! : bytes[6]!,
    at: hasLimit ? 48 : 40,
    label: word & 0xf_ffff,
  };
}

function checkUdp(bytes: Uint8Array, at: number, endpoint: TunnelEndpoint): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  expect(view.getUint16(at + 4)).toBe(bytes.length - at);
  expect(view.getUint16(at + 2)).toBe(endpoint.policy.destinationPort);
  const { min, max } = endpoint.policy.sourcePorts;
  expect(view.getUint16(at)).toBeGreaterThanOrEqual(min);
  expect(view.getUint16(at)).toBeLessThan(max);
  const stored = view.getUint16(at + 6);
  expect(stored !== 0).toBe(endpoint.policy.udpChecksum);
  if (stored === 0) return;
  const addresses = bytes[0]! >>> 4 === 4 ? bytes.subarray(12, 20) : bytes.subarray(8, 40);
  const pseudo = Uint8Array.from([...addresses, 0, 17, (bytes.length - at) >> 8, (bytes.length - at) & 255]);
  expect(fold(naiveSum(pseudo) + naiveSum(bytes.subarray(at)))).toBe(0xffff);
}

/** The outer fields that RFC 6040, RFC 2003 and the options of `ip link` ask for. */
function expected({ policy, tunnel }: TunnelEndpoint, inside: Inside, isV6: boolean) {
  const inner = (inside.dscp << 2) | inside.ecn;
  const base = policy.tos === "inherit" ? inner : policy.tos;
  const linux = inside.ecn === 3 ? 2 : inside.ecn;
  const ecn = policy.ecn === "tos" ? base & 3 : linux;
  return {
    tos: (base & 0xfc) | ecn,
    ttl: policy.ttl === "inherit" ? inside.ttl : policy.ttl === "auto" ? 33 : policy.ttl,
    df:
      policy.df === "set" ||
      (policy.df !== "unset" && !isV6 && inside.df) ||
      // Of inner IPv6 VXLAN and Geneve make DF, IP tunnels nothing.
      (policy.df === "inherit" && isV6 && (tunnel.kind === "vxlan" || tunnel.kind === "geneve")),
  };
}

describe("T1-T16 a random tunnel around a random packet", () => {
  test("T9 T11 T13 what is unwrapped is what was wrapped, and the outer header is right by its bytes", () => {
    fc.assert(
      fc.property(tunnels, insides, fc.integer({ min: 0, max: 200 }), bit, (tunnel, inside, headroom, isPartial) => {
        const context = contextOf(pool);
        const [near, far] = [0, 1].map(() => new TunnelEndpoint(tunnel, context)) as [TunnelEndpoint, TunnelEndpoint];
        const input = inputFor(near, inside);
        const packet = load(pool, input, near.isEthernet, headroom);
        if (isPartial) makePartial(packet, near.isEthernet);
        const before = packet.length;
        const result = near.encapsulate(packet, { hopLimit: 33 });
        // A limit of 0 lets nothing be wrapped (RFC 2473 §4.1.1 concerns the packet's own; that of the tunnel is written as it is).
        expect(result).toBe("ok");
        expect(packet.length - before).toBeLessThanOrEqual(near.overhead.headroom);
        const bytes = finishAndTake(packet, context);
        const outer = readOuter(bytes);
        const isV6 = inside.family === 6 ? tunnel.kind !== "ipip" : tunnel.kind === "sit";
        const wanted = expected(near, inside, isV6);
        expect({ tos: outer.tos, ttl: outer.ttl }).toEqual({ tos: wanted.tos, ttl: wanted.ttl });
        if (near.policy.isIpv4) expect(outer.df).toBe(wanted.df);
        if (typeof near.policy.flowlabel === "number" && !near.policy.isIpv4)
          expect(outer.label).toBe(near.policy.flowlabel);
        if (near.policy.destinationPort !== 0) {
          expect(outer.protocol).toBe(17);
          checkUdp(bytes, outer.at, near);
        }
        const back = received(pool, bytes);
        // A fixed TOS can say CE of a packet that is not capable of it.
        if ((outer.tos & 3) === 3 && inside.ecn === 0) {
          expect(far.decapsulate(back)).toBe("IP_TUNNEL_ECN");
          back.release();
          return;
        }
        expect(far.decapsulate(back)).toBeUndefined();
        expect(hex(back.bytes())).toBe(hex(afterEcn(input, near, inside)));
        expect(far.info).toMatchObject({
          ttl: outer.ttl,
          tos: outer.tos,
          isEthernet: near.isEthernet,
          isUnwrapped: true,
        });
        back.release();
      }),
      { numRuns: 400 },
    );
  });

  test("T13 a packet that is cut anywhere is dropped with a reason, or is a shorter packet of the same tunnel", () => {
    fc.assert(
      fc.property(tunnels, insides, fc.nat(), (tunnel, inside, cutAt) => {
        const context = contextOf(pool);
        const [near, far] = [0, 1].map(() => new TunnelEndpoint(tunnel, context)) as [TunnelEndpoint, TunnelEndpoint];
        const packet = load(pool, inputFor(near, inside), near.isEthernet);
        expect(near.encapsulate(packet, { hopLimit: 33 })).toBe("ok");
        const whole = finishAndTake(packet, context);
        const { at } = readOuter(whole);
        const length = at + (cutAt % (whole.length - at));
        const back = received(pool, whole.slice(0, length));
        const reason = far.decapsulate(back);
        const { rxPackets, rxErrors, rxDropped } = far.stats;
        expect([rxPackets, rxErrors + rxDropped]).toEqual(reason === undefined ? [1, 0] : [0, 1]);
        expect(back.length).toBeLessThanOrEqual(length);
        back.release();
      }),
      { numRuns: 300 },
    );
  });
});

/** Leaves the UDP checksum of the packet inside to whoever sends it, as a socket does. */
function makePartial(packet: Packet, isEthernet: boolean): void {
  const { view } = pool.memory;
  const ip = packet.data + (isEthernet ? 14 : 0);
  const isV4 = view.getUint8(ip) >>> 4 === 4;
  const start = ip + (isV4 ? 20 : 40);
  const length = packet.tail - start;
  const addresses = Uint8Array.from(pool.memory.u8.subarray(isV4 ? ip + 12 : ip + 8, isV4 ? ip + 20 : ip + 40));
  const pseudo = Uint8Array.from([...addresses, 0, 17, length >> 8, length & 255]);
  view.setUint16(start + 6, naiveSum(pseudo));
  packet.ipSummed = CHECKSUM_PARTIAL;
  packet.csumStart = start;
  packet.csumOffset = 6;
}

/** Inner CE travels as ECT(0) outside and stays CE; an outer mark that differs otherwise may change the inner one (RFC 6040 §4.2). */
function afterEcn(input: Uint8Array, { policy, isEthernet }: TunnelEndpoint, { ecn }: Inside): Uint8Array {
  if (policy.ecn !== "tos" || policy.tos === "inherit") return input;
  const outer = policy.tos & 3;
  // Figure 4: CE outside marks what is capable, ECT(1) outside turns ECT(0) into it.
  const becomes = outer === 3 && ecn !== 0 ? 3 : outer === 1 && ecn === 2 ? 1 : ecn;
  if (becomes === ecn) return input;
  const copy = input.slice();
  const at = isEthernet ? 14 : 0;
  if (copy[at]! >>> 4 === 6) {
    copy[at + 1] = (copy[at + 1]! & 0xcf) | (becomes << 4);
    return copy;
  }
  copy[at + 1] = (copy[at + 1]! & 0xfc) | becomes;
  const view = new DataView(copy.buffer);
  view.setUint16(at + 10, 0);
  view.setUint16(at + 10, 0xffff - naiveSum(copy.subarray(at, at + 20)));
  return copy;
}
