import { bindChecksum } from "@seville/checksum";
import {
  CHECKSUM_NONE,
  CHECKSUM_PARTIAL,
  CHECKSUM_UNNECESSARY,
  GSO_BY_FRAGS,
  NO_HEADER,
  PacketPool,
  SKB_GSO_DODGY,
  SKB_GSO_GRE,
  SKB_GSO_PARTIAL,
  SKB_GSO_TCP_FIXEDID_INNER,
  SKB_GSO_TCPV4,
  SKB_GSO_TCPV6,
  SKB_GSO_UDP_L4,
  SKB_GSO_UDP_TUNNEL,
  type Packet,
} from "@seville/packet";
import fc from "fast-check";
import { afterEach, describe, expect, test } from "vitest";
import {
  countSegments,
  DeviceFeatures,
  FEATURE_NAMES,
  FeatureSet,
  gsoFeatures,
  gsoHeaderBytes,
  gsoOk,
  GSO_ENCAP_ALL,
  GSO_MASK,
  intersectFeatures,
  needsGso,
  passthruFeaturesCheck,
  skbFeatures,
  validateXmit,
  vlanFeaturesCheck,
  wireBytes,
  type FeatureName,
  type TransmitDevice,
} from "../src/index.ts";
import { requestPacket, wireFrames, type Request } from "./support/requests.ts";
import { faultsOf } from "./support/verify-frame.ts";

/*
 * Tables for functions of the kernel under their names there (net/core/dev.c, include/linux/netdevice.h, if_vlan.h, skbuff.h
 * of Linux 6.18): a line for each branch.
 */

const pool = new PacketPool({ small: 512, jumbo: 8, super: 8, debug: true });
const made: Packet[] = [];

afterEach(() => {
  for (const packet of made.splice(0)) packet.release();
  pool.assertDrained();
});

const names = (...list: FeatureName[]): FeatureSet => FeatureSet.of(...list);
const ALL = names("SG", "HW_CSUM", "TSO", "TSO6", "TSO_ECN", "SCTP_CRC", "GSO_UDP_L4", "GSO_SCTP").with(GSO_ENCAP_ALL);
const tcp4: Request = { inner: 4, protocol: "tcp", payload: 5000, mss: 1000 };
const tcp6: Request = { ...tcp4, inner: 6 };

type Settings = Partial<Omit<TransmitDevice, "features" | "kernels">> & {
  readonly features?: FeatureSet;
  readonly enc?: FeatureSet;
  readonly vlan?: FeatureSet;
  readonly mangleid?: FeatureSet;
  readonly on?: FeatureSet;
};

function deviceOf({
  features = ALL,
  enc = features,
  vlan = features,
  mangleid,
  on,
  ...rest
}: Settings): TransmitDevice {
  const device = new DeviceFeatures({
    hwFeatures: features,
    features,
    hwEncFeatures: enc,
    vlanFeatures: vlan,
    mplsFeatures: features,
    gsoPartialFeatures: FeatureSet.NONE,
    ...(mangleid === undefined ? {} : { mangleidFeatures: mangleid }),
  });
  if (on !== undefined) device.set(on, true);
  return { gsoMaxSize: 65_536, gsoMaxSegs: 65_535, kernels: bindChecksum(pool.memory), ...rest, features: device };
}

function packetOf(request: Request, change?: (packet: Packet) => void): Packet {
  const packet = requestPacket(pool, request);
  change?.(packet);
  made.push(packet);
  return packet;
}

describe("gso_features_check", () => {
  const rows: readonly (readonly [what: string, request: Request, settings: Settings, splits: boolean])[] = [
    ["as it is", tcp4, {}, true],
    ["gso_segs at gso_max_segs", tcp4, { gsoMaxSegs: 5 }, true],
    ["gso_segs above gso_max_segs", tcp4, { gsoMaxSegs: 4 }, false],
    ["IPv4 below gso_ipv4_max_size", tcp4, { gsoMaxSize: 100, gsoIpv4MaxSize: 6000 }, true],
    ["IPv4 above gso_ipv4_max_size", tcp4, { gsoMaxSize: 60_000, gsoIpv4MaxSize: 4000 }, false],
    ["IPv6 asks for gso_max_size", tcp6, { gsoMaxSize: 60_000, gsoIpv4MaxSize: 4000 }, true],
    ["IPv6 above gso_max_size", tcp6, { gsoMaxSize: 4000, gsoIpv4MaxSize: 60_000 }, false],
    [
      "the outer header decides",
      { ...tcp6, outer: 4, tunnel: "vxlan" },
      { gsoMaxSize: 60_000, gsoIpv4MaxSize: 4000 },
      false,
    ],
    ["no gso_ipv4_max_size: gso_max_size", tcp4, { gsoMaxSize: 4000 }, false],
    ["the limit itself is too long", tcp4, { gsoMaxSize: 54 + 5000 }, false],
    ["one byte below the limit", tcp4, { gsoMaxSize: 54 + 5000 + 1 }, true],
    [
      "IPV6_CSUM and an extension header",
      { ...tcp6, extension: true },
      { features: ALL.without(names("HW_CSUM")).with(names("IP_CSUM", "IPV6_CSUM")) },
      false,
    ],
    ["HW_CSUM and an extension header", { ...tcp6, extension: true }, {}, true],
  ];

  test.each(rows)("E1 %s", (_what, request, settings, splits) => {
    const features = skbFeatures(packetOf(request), deviceOf(settings));
    expect(features.hasAll(gsoFeatures(request.inner === 4 ? SKB_GSO_TCPV4 : SKB_GSO_TCPV6))).toBe(splits);
  });

  test("E1 without DF all of mangleid_features go, TSO_MANGLEID among them; the inner header speaks for a tunnel", () => {
    const device = deviceOf({ mangleid: names("GSO_UDP_TUNNEL", "TSO_ECN"), on: names("TSO_MANGLEID") });
    const mangling = names("GSO_UDP_TUNNEL", "TSO_ECN", "TSO_MANGLEID");
    expect(skbFeatures(packetOf(tcp4), device).hasAll(mangling)).toBe(true);
    expect(skbFeatures(packetOf({ ...tcp4, dontFragment: false }), device).hasAny(mangling)).toBe(false);
    // IPv6 has no identification to mangle.
    expect(skbFeatures(packetOf({ ...tcp6, dontFragment: false }), device).hasAll(mangling)).toBe(true);
    expect(skbFeatures(packetOf({ ...tcp4, dontFragment: false, tunnel: "vxlan" }), device).hasAny(mangling)).toBe(
      false,
    );
  });

  test("E1 a device whose IPv4 limit is its own in the NetDev too: without one it is gso_max_size", () => {
    const device = deviceOf({ gsoMaxSize: 4000 });
    expect(device.gsoIpv4MaxSize).toBeUndefined();
    expect(skbFeatures(packetOf(tcp6), device).hasAny(GSO_MASK)).toBe(false);
  });
});

describe("netif_skb_features: tags", () => {
  /** Puts one more tag into the bytes. */
  const tagInside = (packet: Packet): void => {
    const { u8, view } = pool.memory;
    const from = packet.data;
    const at = packet.push(4);
    u8.copyWithin(at, from, from + 12);
    view.setUint32(at + 12, 0x8100_0007);
    packet.macHeader = at;
  };
  const ipCsum = names("SG", "IP_CSUM", "IPV6_CSUM", "TSO", "HW_VLAN_CTAG_TX");

  test("E2 vlan_features_check: two tags leave the direct mask: IP_CSUM goes, it is not read as HW_CSUM's part", () => {
    const one = packetOf({ ...tcp4, mss: undefined, payload: 100, vlan: 3 });
    const two = packetOf({ ...tcp4, mss: undefined, payload: 100, vlan: 3 }, tagInside);
    expect(skbFeatures(one, deviceOf({ features: ipCsum })).has("IP_CSUM")).toBe(true);
    expect(skbFeatures(two, deviceOf({ features: ipCsum })).names()).not.toContain("IP_CSUM");
    const any = names("SG", "HW_CSUM", "TSO", "HW_VLAN_CTAG_TX");
    const left = skbFeatures(two, deviceOf({ features: any }));
    expect(left.names()).toEqual(["SG", "HW_CSUM", "HW_VLAN_CTAG_TX"]);
  });

  test("E2 passthru_features_check: a device that only passes on is not asked about two tags", () => {
    const two = packetOf({ ...tcp4, vlan: 3 }, tagInside);
    const plain = deviceOf({});
    expect(skbFeatures(two, plain).has("TSO")).toBe(false);
    expect(skbFeatures(two, { ...plain, featuresCheck: passthruFeaturesCheck }).has("TSO")).toBe(true);
  });

  test("E3 vlan_features_check as part of a driver's own check", () => {
    const two = packetOf({ ...tcp4, vlan: 3 }, tagInside);
    expect(vlanFeaturesCheck(two, ALL).names()).toEqual(["SG", "HW_CSUM"]);
    expect(vlanFeaturesCheck(packetOf({ ...tcp4, vlan: 3 }), ALL)).toBe(ALL);
  });

  test("E2 a tagged packet has what vlan_features leave; the tag itself can always be inserted by hardware that can", () => {
    const features = ALL.with(names("HW_VLAN_CTAG_TX"));
    const packet = packetOf({ ...tcp4, vlan: 3 });
    expect(skbFeatures(packet, deviceOf({ features, vlan: names("SG") })).names()).toEqual(["SG", "HW_VLAN_CTAG_TX"]);
  });
});

describe("netdev_intersect_features", () => {
  test.each([
    [["HW_CSUM"], ["IP_CSUM"], ["IP_CSUM"]],
    [["IPV6_CSUM"], ["HW_CSUM"], ["IPV6_CSUM"]],
    [["HW_CSUM", "TSO"], ["HW_CSUM", "SG"], ["HW_CSUM"]],
    [["IP_CSUM", "SG"], ["IPV6_CSUM", "SG"], ["SG"]],
    [["HW_CSUM"], ["SG"], []],
  ] as readonly (readonly FeatureName[][])[])("F5 %j with %j: %j", (one, other, left) => {
    expect(intersectFeatures(names(...one), names(...other)).names()).toEqual(left);
    expect(intersectFeatures(names(...other), names(...one)).names()).toEqual(left);
  });
});

describe("net_gso_ok, skb_gso_ok, netif_needs_gso", () => {
  const rows: readonly (readonly [what: string, type: number, features: FeatureSet, ok: boolean])[] = [
    ["TCPv4 with TSO", SKB_GSO_TCPV4, names("TSO"), true],
    ["TCPv4 with TSO6", SKB_GSO_TCPV4, names("TSO6"), false],
    ["both bits of a tunnel", SKB_GSO_TCPV4 | SKB_GSO_UDP_TUNNEL, names("TSO"), false],
    ["both features for them", SKB_GSO_TCPV4 | SKB_GSO_UDP_TUNNEL, names("TSO", "GSO_UDP_TUNNEL"), true],
    ["DODGY without GSO_ROBUST", SKB_GSO_TCPV4 | SKB_GSO_DODGY, names("TSO"), false],
    ["DODGY with GSO_ROBUST", SKB_GSO_TCPV4 | SKB_GSO_DODGY, names("TSO", "GSO_ROBUST"), true],
    ["a fixed inner identification without MANGLEID", SKB_GSO_TCPV4 | SKB_GSO_TCP_FIXEDID_INNER, names("TSO"), false],
    [
      "a prepared packet without GSO_PARTIAL",
      SKB_GSO_TCPV4 | SKB_GSO_GRE | SKB_GSO_PARTIAL,
      names("TSO", "GSO_GRE"),
      false,
    ],
    ["a train of datagrams", SKB_GSO_UDP_L4, names("GSO_UDP_L4"), true],
  ];

  test.each(rows)("F2 %s", (_what, type, features, ok) => {
    const packet = packetOf(tcp4, (one) => (one.gsoType = type));
    expect(gsoOk(packet, features)).toBe(ok);
    expect(needsGso(packet, features)).toBe(!ok);
  });

  test.each([
    ["PARTIAL", CHECKSUM_PARTIAL, false],
    ["UNNECESSARY", CHECKSUM_UNNECESSARY, false],
    ["NONE", CHECKSUM_NONE, true],
  ] as const)("E4 a checksum that is %s: segmentation in software %s", (_name, ipSummed, needed) => {
    const packet = packetOf(tcp4, (one) => (one.ipSummed = ipSummed));
    expect(needsGso(packet, ALL)).toBe(needed);
  });
});

describe("qdisc_pkt_len_segs_init", () => {
  const rows: readonly (readonly [what: string, request: Request, headers: number])[] = [
    ["TCP over IPv4", tcp4, 54],
    ["TCP over IPv6", tcp6, 74],
    ["datagrams", { ...tcp4, protocol: "udp" }, 42],
    ["in VXLAN", { ...tcp4, tunnel: "vxlan" }, 50 + 54],
    ["in GRE", { ...tcp4, tunnel: "gre" }, 24 + 54],
  ];

  test.each(rows)("W1 %s: the headers count for every segment", (_what, request, headers) => {
    const packet = packetOf(request);
    expect(gsoHeaderBytes(packet)).toBe(headers);
    expect(wireBytes(packet)).toBe(packet.length + 4 * headers);
  });

  test("W1 an ordinary packet, and one that does not say where its headers are, has its own length", () => {
    expect(wireBytes(packetOf({ ...tcp4, mss: undefined, payload: 100 }))).toBe(154);
    const lost = packetOf(tcp4, (one) => (one.transportHeader = NO_HEADER));
    expect(wireBytes(lost)).toBe(lost.length);
    expect(gsoHeaderBytes(lost)).toBe(-1);
  });

  test("S1 the segments of a DODGY packet are counted, those of others believed", () => {
    const honest = packetOf(tcp4, (one) => (one.gsoSegs = 99));
    countSegments(honest);
    expect(honest.gsoSegs).toBe(99);
    const doubtful = packetOf(tcp4, (one) => {
      one.gsoType |= SKB_GSO_DODGY;
      one.gsoSegs = 0;
    });
    countSegments(doubtful);
    expect(doubtful.gsoSegs).toBe(5);
  });

  test("S1 without payload, or by fragments, nothing is counted", () => {
    const empty = packetOf(tcp4, (one) => {
      one.gsoType |= SKB_GSO_DODGY;
      one.gsoSegs = 0;
      one.trim(54);
    });
    countSegments(empty);
    expect(empty.gsoSegs).toBe(0);
    const byFragments = packetOf(tcp4, (one) => {
      one.gsoType |= SKB_GSO_DODGY;
      one.gsoSize = GSO_BY_FRAGS;
      one.gsoSegs = 7;
    });
    countSegments(byFragments);
    expect(byFragments.gsoSegs).toBe(7);
  });
});

describe("validate_xmit_skb of what is doubtful (tcp_gso_segment, __udp_gso_segment)", () => {
  function sent(request: Request, settings: Settings, change: (packet: Packet) => void): Packet[] {
    const packet = requestPacket(pool, request);
    change(packet);
    const out: Packet[] = [];
    validateXmit(packet, deviceOf(settings), {
      send: (one) => out.push(one),
      drop: (one) => {
        one.release();
      },
    });
    made.push(...out);
    return out;
  }
  const doubt = (packet: Packet): void => {
    packet.gsoType |= SKB_GSO_DODGY;
    packet.gsoSegs = 0;
  };

  test.each([
    ["TCP", tcp4, 5],
    ["datagrams", { ...tcp4, protocol: "udp" }, 5],
    ["TCP in VXLAN", { ...tcp6, tunnel: "vxlan" }, 5],
  ] as const)("S1 %s goes to a device that can split it as it is, counted", (_what, request, segments) => {
    const out = sent(request, {}, doubt);
    expect(out).toHaveLength(1);
    expect(out[0]).toMatchObject({ gsoSize: 1000, gsoSegs: segments, ipSummed: CHECKSUM_PARTIAL });
  });

  test("S1 a device that cannot: software splits it, and every frame is right", () => {
    const out = sent(tcp4, { features: names("SG") }, doubt);
    expect(out).toHaveLength(5);
    expect(out.flatMap((packet) => faultsOf(packet.bytes()))).toEqual([]);
  });

  test("S1 a checksum that is not PARTIAL: software splits it too", () => {
    const out = sent(tcp4, {}, (packet) => {
      doubt(packet);
      packet.ipSummed = CHECKSUM_NONE;
    });
    expect(out).toHaveLength(5);
  });

  test("S1 one segment of it is not GSO: it is refused, not handed to the device", () => {
    const out = sent({ ...tcp4, payload: 1001, mss: 1000 }, {}, (packet) => {
      doubt(packet);
      packet.gsoSize = 1001;
    });
    expect(out).toEqual([]);
  });
});

describe("properties that hold whatever is sent, by whatever device", () => {
  const requests: fc.Arbitrary<Request> = fc
    .record({
      inner: fc.constantFrom<4 | 6>(4, 6),
      outer: fc.constantFrom<4 | 6>(4, 6),
      protocol: fc.constantFrom<"tcp" | "udp">("tcp", "udp"),
      tunnel: fc.constantFrom<NonNullable<Request["tunnel"]>>("none", "vxlan", "geneve", "gre", "gretap", "ipip"),
      outerCsum: fc.boolean(),
      mss: fc.integer({ min: 100, max: 1200 }),
      segments: fc.integer({ min: 1, max: 40 }),
      last: fc.integer({ min: 1, max: 100 }),
      dontFragment: fc.boolean(),
    })
    .map(({ segments, last, ...rest }) => ({ ...rest, payload: (segments - 1) * rest.mss + last }));
  const featureSets = fc
    .subarray([...FEATURE_NAMES])
    .map((list) => FeatureSet.of(...list).with(names("SG")))
    .filter((set) => !set.has("GSO_PARTIAL"));

  test("W1 what a discipline weighs is what all frames together are on the wire", () => {
    fc.assert(
      fc.property(requests, (request) => {
        const packet = requestPacket(pool, request);
        const onWire = wireFrames(request).reduce((sum, frame) => sum + frame.length, 0);
        expect(wireBytes(packet)).toBe(onWire);
        packet.release();
      }),
      { numRuns: 150 },
    );
  });

  test("S1 counted, a packet of doubtful origin stands for as many frames as it makes", () => {
    fc.assert(
      fc.property(requests, (request) => {
        const packet = requestPacket(pool, request);
        packet.gsoType |= SKB_GSO_DODGY;
        packet.gsoSegs = 12_345;
        countSegments(packet);
        if (packet.gsoSize > 0) expect(packet.gsoSegs).toBe(wireFrames(request).length);
        packet.release();
      }),
      { numRuns: 150 },
    );
  });

  test("E2 netif_skb_features adds nothing to what the device has, and nothing that a mask has not", () => {
    fc.assert(
      fc.property(requests, featureSets, featureSets, (request, features, mask) => {
        const packet = requestPacket(pool, request);
        const device = deviceOf({ features, enc: mask });
        const left = skbFeatures(packet, device);
        expect(device.features.features.hasAll(left)).toBe(true);
        if (packet.encapsulation) expect(device.features.hwEncFeatures.hasAll(left)).toBe(true);
        packet.release();
      }),
      { numRuns: 200 },
    );
  });

  test("E4 validate_xmit_skb hands over nothing that the features for it do not cover, and loses nothing", () => {
    fc.assert(
      fc.property(requests, featureSets, (request, features) => {
        const device = deviceOf({ features });
        const out: Packet[] = [];
        validateXmit(requestPacket(pool, request), device, {
          send: (one) => out.push(one),
          drop: (_one, reason) => expect.unreachable(reason),
        });
        let frames = 0;
        for (const packet of out) {
          const left = skbFeatures(packet, device);
          if (packet.gsoSize > 0) expect(gsoOk(packet, left)).toBe(true);
          else if (packet.ipSummed === CHECKSUM_PARTIAL) {
            expect(left.hasAny(names("HW_CSUM", "IP_CSUM", "IPV6_CSUM"))).toBe(true);
          } else expect(faultsOf(packet.bytes())).toEqual([]);
          frames += packet.gsoSize > 0 ? packet.gsoSegs : 1;
          packet.release();
        }
        expect(frames).toBe(wireFrames(request).length);
      }),
      { numRuns: 200 },
    );
  });
});
