import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  CHECKSUM_PARTIAL,
  CHECKSUM_UNNECESSARY,
  SKB_GSO_DODGY,
  SKB_GSO_GRE,
  SKB_GSO_TCPV4,
  SKB_GSO_UDP,
  SKB_GSO_UDP_L4,
  type Packet,
} from "@seville/packet";
import {
  fixTunFeatures,
  TUN_F_CSUM,
  TUN_F_TSO4,
  TUN_F_TSO6,
  TUN_F_TSO_ECN,
  TUN_F_UDP_TUNNEL_GSO,
  TUN_F_UDP_TUNNEL_GSO_CSUM,
  TUN_F_USO4,
  TUN_F_USO6,
  tunFeatureFallbacks,
  virtioNetHdr,
} from "@seville/tso";
import { frameOf, framesOf, offsetsOf, PLAIN, type Flow } from "../support/flow.ts";
import { hex, segmentFrames } from "../support/collect.ts";
import { makePool, payloadOf, superPacket } from "../support/super.ts";

type Header = virtioNetHdr.Header;
const view = new DataView(new ArrayBuffer(64));

describe("the bytes", () => {
  test("S16 the 10, 12, 20 and 24 byte forms", () => {
    const header: Header = {
      flags: 1,
      gsoType: 0x81,
      hdrLen: 0x0102,
      gsoSize: 0x0304,
      csumStart: 0x0506,
      csumOffset: 0x0708,
      numBuffers: 0x090a,
      hashValue: 0x0b0c0d0e,
      hashReport: 0x0f10,
      outerThOffset: 0x1112,
      innerNhOffset: 0x1314,
    };
    const all = "018102010403060508070a090e0d0c0b100f000012111413";
    for (const size of virtioNetHdr.SIZES) {
      new Uint8Array(view.buffer).fill(0xee);
      expect(virtioNetHdr.encode(view, 3, header, size)).toBe(size);
      expect(Buffer.from(view.buffer, 3, size).toString("hex")).toBe(all.slice(0, size * 2));
      expect(view.getUint8(3 + size)).toBe(0xee);
      expect(virtioNetHdr.decode(view, 3, 3 + size, size)).toMatchObject({ gsoSize: 0x0304, csumOffset: 0x0708 });
      expect(virtioNetHdr.decode(view, 3, 2 + size, size)).toBeUndefined();
    }
  });

  test("S16 a legacy device of the other byte order", () => {
    virtioNetHdr.encode(view, 0, { ...virtioNetHdr.empty(), gsoSize: 0x0102 }, 10, false);
    expect([view.getUint8(4), view.getUint8(5)]).toEqual([1, 2]);
    expect(virtioNetHdr.decode(view, 0, 10, 10, false)?.gsoSize).toBe(0x0102);
  });

  test("S16 decode is the inverse of encode", () => {
    const u16 = fc.integer({ min: 0, max: 0xffff });
    const u8 = fc.integer({ min: 0, max: 255 });
    fc.assert(
      fc.property(
        u8,
        u8,
        u16,
        u16,
        u16,
        u16,
        u16,
        u16,
        u16,
        (flags, gsoType, hdrLen, gsoSize, csumStart, csumOffset, numBuffers, outerThOffset, innerNhOffset) => {
          const hashValue = hdrLen * 65_537;
          const header: Header = {
            flags,
            gsoType,
            hdrLen,
            gsoSize,
            csumStart,
            csumOffset,
            numBuffers,
            hashValue,
            hashReport: flags,
            outerThOffset,
            innerNhOffset,
          };
          virtioNetHdr.encode(view, 0, header, 24);
          expect(virtioNetHdr.decode(view, 0, 24, 24)).toEqual(header);
        },
      ),
    );
  });

  test("a size that there is not is the caller's mistake", () => {
    expect(() => virtioNetHdr.decode(view, 0, 64, 11 as never)).toThrow(expect.objectContaining({ argument: "size" }));
  });
});

/** The header of a TCP super-packet as a guest sends it, and its frame. */
const TCP4: Partial<Header> = { flags: 1, gsoType: 1, gsoSize: 1000, csumStart: 34, csumOffset: 16 };
const TCP6: Partial<Header> = { flags: 1, gsoType: 4, gsoSize: 1000, csumStart: 54, csumOffset: 16 };
const USO: Partial<Header> = { flags: 1, gsoType: 5, gsoSize: 1000, csumStart: 34, csumOffset: 6 };
const UFO: Partial<Header> = { flags: 1, gsoType: 3, gsoSize: 1000, csumStart: 34, csumOffset: 6 };
const V6: Flow = { ...PLAIN, family: 6 };
const UDP: Flow = { ...PLAIN, kind: "udp" };
const TUNNEL: Flow = { ...PLAIN, tunnel: "vxlan-csum" };
const AT = offsetsOf(TUNNEL);
const TNL: Partial<Header> = {
  flags: 1,
  gsoType: 0x21,
  gsoSize: 1000,
  csumStart: AT.innerTransport,
  csumOffset: 16,
  outerThOffset: AT.transport,
  innerNhOffset: AT.innerNetwork,
};
const GRANTED = { tunnel: true, tunnelCsum: true };

interface Rule {
  readonly name: string;
  readonly header: Partial<Header>;
  readonly flow?: Flow;
  readonly payload?: number;
  readonly options?: virtioNetHdr.ToMetaOptions;
  /** What the kernel's EINVAL is called here; `super` or `plain`: accepted. */
  readonly expected: virtioNetHdr.Fault | "super" | "plain";
}

const RULES: readonly Rule[] = [
  { name: "no offload", header: {}, expected: "plain" },
  { name: "a checksum only", header: { flags: 1, csumStart: 34, csumOffset: 16 }, expected: "plain" },
  { name: "TCPV4", header: TCP4, expected: "super" },
  { name: "TCPV4 with ECN", header: { ...TCP4, gsoType: 0x81 }, expected: "super" },
  { name: "TCPV6", header: TCP6, flow: V6, expected: "super" },
  { name: "UDP_L4", header: USO, flow: UDP, expected: "super" },
  { name: "UDP (UFO)", header: UFO, flow: UDP, expected: "super" },
  { name: "a lying hdr_len", header: { ...TCP4, hdrLen: 3 }, expected: "super" },
  { name: "an unknown type", header: { ...TCP4, gsoType: 2 }, expected: "gso-type" },
  { name: "UDP_L4 with ECN", header: { ...USO, gsoType: 0x85 }, flow: UDP, expected: "gso-type" },
  { name: "gso_size 0", header: { ...TCP4, gsoSize: 0 }, expected: "gso-size" },
  { name: "gso_size GSO_BY_FRAGS", header: { ...TCP4, gsoSize: 0xffff }, expected: "gso-size" },
  { name: "csum_start behind the frame", header: { ...TCP4, csumStart: 60_000 }, expected: "csum-range" },
  {
    name: "csum_start + csum_offset + 2 one past the end",
    header: { flags: 1, csumStart: 3053, csumOffset: 0 },
    expected: "csum-range",
  },
  {
    name: "csum_start + csum_offset + 2 at the end",
    header: { flags: 1, csumStart: 3052, csumOffset: 0 },
    expected: "plain",
  },
  { name: "csum_start within the network header", header: { ...TCP4, csumStart: 16 }, expected: "csum-range" },
  { name: "csum_start within an IPv6 header", header: { ...TCP6, csumStart: 38 }, flow: V6, expected: "csum-range" },
  { name: "TCP with the offset of UDP", header: { ...TCP4, csumOffset: 6 }, expected: "csum-offset" },
  { name: "UDP_L4 with the offset of TCP", header: { ...USO, csumOffset: 16 }, flow: UDP, expected: "csum-offset" },
  { name: "UDP_L4 without NEEDS_CSUM", header: { ...USO, flags: 0 }, flow: UDP, expected: "needs-csum" },
  { name: "UDP_L4 with 128 segments", header: { ...USO, gsoSize: 10 }, flow: UDP, payload: 1280, expected: "super" },
  {
    name: "UDP_L4 with 128 segments and 1 byte",
    header: { ...USO, gsoSize: 10 },
    flow: UDP,
    payload: 1281,
    expected: "too-many",
  },
  { name: "TCPV4 without NEEDS_CSUM is looked for", header: { ...TCP4, flags: 0 }, expected: "super" },
  { name: "TCPV4 without NEEDS_CSUM on IPv6", header: { ...TCP4, flags: 0 }, flow: V6, expected: "protocol" },
  { name: "TCPV6 without NEEDS_CSUM on IPv4", header: { ...TCP6, flags: 0 }, expected: "protocol" },
  { name: "TCPV4 without NEEDS_CSUM on UDP", header: { ...TCP4, flags: 0 }, flow: UDP, expected: "protocol" },
  {
    name: "UFO without NEEDS_CSUM on IPv6",
    header: { ...UFO, flags: 0 },
    flow: { ...V6, kind: "udp" },
    expected: "super",
  },
  { name: "too small is not GSO", header: TCP4, payload: 1000, expected: "plain" },
  { name: "one byte more is", header: TCP4, payload: 1001, expected: "super" },
  { name: "a tunnel", header: TNL, flow: TUNNEL, options: GRANTED, expected: "super" },
  { name: "a tunnel with checksum", header: { ...TNL, flags: 9 }, flow: TUNNEL, options: GRANTED, expected: "super" },
  { name: "a tunnel that was not negotiated", header: TNL, flow: TUNNEL, expected: "tunnel" },
  {
    name: "a tunnel's checksum that was not negotiated",
    header: { ...TNL, flags: 9 },
    flow: TUNNEL,
    options: { tunnel: true },
    expected: "tunnel",
  },
  {
    name: "both tunnel families",
    header: { ...TNL, gsoType: 0x61 },
    flow: TUNNEL,
    options: GRANTED,
    expected: "gso-type",
  },
  {
    name: "a tunnel without GSO",
    header: { ...TNL, gsoType: 0x20 },
    flow: TUNNEL,
    options: GRANTED,
    expected: "gso-type",
  },
  { name: "UFO in a tunnel", header: { ...TNL, gsoType: 0x23 }, flow: TUNNEL, options: GRANTED, expected: "gso-type" },
  {
    name: "a tunnel without NEEDS_CSUM",
    header: { ...TNL, flags: 0 },
    flow: TUNNEL,
    options: GRANTED,
    expected: "needs-csum",
  },
  {
    name: "outer_th_offset within the outer IP header",
    header: { ...TNL, outerThOffset: 33 },
    flow: TUNNEL,
    options: GRANTED,
    expected: "tunnel",
  },
  {
    name: "outer_th_offset too early for IPv6",
    header: { ...TNL, gsoType: 0x41 },
    flow: TUNNEL,
    options: GRANTED,
    expected: "tunnel",
  },
  {
    name: "inner_nh_offset within the outer UDP header",
    header: { ...TNL, innerNhOffset: AT.transport + 7 },
    flow: TUNNEL,
    options: GRANTED,
    expected: "tunnel",
  },
  {
    name: "csum_start within the inner IP header",
    header: { ...TNL, csumStart: AT.innerNetwork + 19 },
    flow: TUNNEL,
    options: GRANTED,
    expected: "tunnel",
  },
  { name: "DATA_VALID from a user is not believed", header: { flags: 2 }, expected: "plain" },
  { name: "DATA_VALID for a driver", header: { flags: 2 }, options: { driver: true }, expected: "plain" },
  {
    name: "DATA_VALID with a tunnel",
    header: { ...TNL, flags: 3 },
    flow: TUNNEL,
    options: { ...GRANTED, driver: true },
    expected: "needs-csum",
  },
  {
    name: "DATA_VALID for two levels, not negotiated",
    header: { flags: 10 },
    options: { driver: true },
    expected: "tunnel",
  },
];

describe("what the kernel accepts and rejects", () => {
  test.each(RULES)("S17 $name: $expected", ({ header, flow = PLAIN, payload = 3000, options, expected }) => {
    const pool = makePool();
    const packet = pool.from(frameOf(flow, payloadOf(payload)), 130)!;
    const before = Buffer.from(packet.bytes()).toString("hex");
    const fault = virtioNetHdr.toMeta(packet, { ...virtioNetHdr.empty(), ...header }, options);
    if (expected === "super" || expected === "plain") {
      expect(fault).toBeUndefined();
      expect(packet.gsoSize).toBe(expected === "super" ? header.gsoSize : 0);
      if (expected === "super") expect([packet.gsoType & SKB_GSO_DODGY, packet.gsoSegs]).toEqual([SKB_GSO_DODGY, 0]);
      expect(packet.ipSummed === CHECKSUM_PARTIAL).toBe(((header.flags ?? 0) & 1) !== 0);
      expect(packet.ipSummed === CHECKSUM_UNNECESSARY).toBe(options?.driver === true);
    } else {
      expect(fault).toBe(expected);
      expect([packet.gsoSize, packet.ipSummed]).toEqual([0, 0]);
    }
    expect(Buffer.from(packet.bytes()).toString("hex")).toBe(before);
    packet.release();
    pool.assertDrained();
  });

  test.each([1, 2, 500, 999])(
    "S17 a tail of %d bytes is accepted (6.6.44 rejected it, 89add40066f9 corrected that)",
    (tail) => {
      const pool = makePool();
      const payload = payloadOf(2000 + tail);
      const packet = superPacket(pool, PLAIN, payload, { size: 1000 });
      const bytes = packet.bytes().slice();
      packet.release();
      const given = pool.from(bytes, 130)!;
      expect(virtioNetHdr.toMeta(given, { ...virtioNetHdr.empty(), ...TCP4 })).toBeUndefined();
      expect(hex(segmentFrames(given).frames)).toEqual(hex(framesOf(PLAIN, payload, 1000)));
      pool.assertDrained();
    },
  );
});

describe("there and back", () => {
  test.each([
    ["TCP", PLAIN],
    ["TCP over IPv6 with options", { ...V6, tcpOptions: [1, 1, 1, 1] }],
    ["TCP with CWR", { ...PLAIN, flags: 0x90 }],
    ["UDP", UDP],
    ["two VLAN tags", { ...PLAIN, vlans: [1, 2] }],
    ["a tunnel", { ...PLAIN, tunnel: "geneve" }],
    ["a tunnel with checksum over IPv6", { ...TUNNEL, family: 6, outerFamily: 6 }],
    ["datagrams in a tunnel", { ...UDP, tunnel: "vxlan-csum" }],
  ] as readonly (readonly [string, Flow])[])("S16 %s: fromMeta, bytes, toMeta, and the same segments", (_, flow) => {
    const pool = makePool();
    const payload = payloadOf(2500);
    const packet = superPacket(pool, flow, payload, { size: 1000 });
    const header = virtioNetHdr.fromMeta(packet, GRANTED)!;
    expect(header.hdrLen).toBe(offsetsOf(flow).payload);
    virtioNetHdr.encode(view, 0, header, 24);
    const received = pool.from(packet.bytes().slice(), 130)!;
    packet.release();
    expect(virtioNetHdr.toMeta(received, virtioNetHdr.decode(view, 0, 24, 24)!, GRANTED)).toBeUndefined();
    expect(hex(segmentFrames(received).frames)).toEqual(hex(framesOf(flow, payload, 1000)));
    pool.assertDrained();
  });

  test("S16 what the header cannot say is refused: UFO, GRE, a tunnel that was not negotiated, a CRC32c that is open", () => {
    const pool = makePool();
    const packet = superPacket(pool, { ...PLAIN, tunnel: "vxlan" }, payloadOf(3000), { size: 1000 });
    expect(virtioNetHdr.fromMeta(packet)).toBeUndefined();
    for (const type of [SKB_GSO_UDP, SKB_GSO_TCPV4 | SKB_GSO_GRE, SKB_GSO_TCPV4 | SKB_GSO_UDP_L4, 0]) {
      packet.gsoType = type;
      expect(virtioNetHdr.fromMeta(packet, GRANTED)).toBeUndefined();
    }
    packet.gsoSize = 0;
    packet.csumNotInet = true;
    expect(virtioNetHdr.fromMeta(packet)).toBeUndefined();
    packet.release();
    pool.assertDrained();
  });

  test("S16 plain frames: NEEDS_CSUM, DATA_VALID, or nothing; a tag that is still to be put in moves the offsets", () => {
    const pool = makePool();
    const packet: Packet = superPacket(pool, PLAIN, payloadOf(100), { size: 1000 });
    packet.gsoSize = 0;
    expect(virtioNetHdr.fromMeta(packet, { vlanBytes: 4 })).toMatchObject({ flags: 1, csumStart: 38, csumOffset: 16 });
    packet.ipSummed = CHECKSUM_UNNECESSARY;
    packet.csumLevel = 1;
    expect(virtioNetHdr.fromMeta(packet)?.flags).toBe(2);
    expect(virtioNetHdr.fromMeta(packet, { tunnelCsum: true })?.flags).toBe(10);
    expect(virtioNetHdr.fromMeta(packet, { dataValid: false })).toEqual(virtioNetHdr.empty());
    packet.release();
    pool.assertDrained();
  });
});

describe("TUNSETOFFLOAD", () => {
  const all =
    TUN_F_CSUM |
    TUN_F_TSO4 |
    TUN_F_TSO6 |
    TUN_F_TSO_ECN |
    TUN_F_USO4 |
    TUN_F_USO6 |
    TUN_F_UDP_TUNNEL_GSO |
    TUN_F_UDP_TUNNEL_GSO_CSUM;

  test.each([
    ["nothing works without CSUM", TUN_F_TSO4, 0],
    ["ECN needs TSO", TUN_F_CSUM | TUN_F_TSO_ECN, TUN_F_CSUM],
    ["USO for both families or none", TUN_F_CSUM | TUN_F_USO4, TUN_F_CSUM],
    [
      "a tunnel's checksum needs the tunnel",
      TUN_F_CSUM | TUN_F_TSO4 | TUN_F_UDP_TUNNEL_GSO_CSUM,
      TUN_F_CSUM | TUN_F_TSO4,
    ],
    ["all of it", all, all],
  ])("S18 %s", (_, wanted, expected) => {
    expect(fixTunFeatures(wanted)).toBe(expected);
  });

  test("S18 the newest bits are given up first, down to nothing", () => {
    const uso = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN | TUN_F_USO4 | TUN_F_USO6;
    const tso = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6;
    expect(tunFeatureFallbacks(all)).toEqual([all, uso, tso | TUN_F_TSO_ECN, tso, TUN_F_CSUM, 0]);
    expect(tunFeatureFallbacks(0)).toEqual([0]);
  });
});
