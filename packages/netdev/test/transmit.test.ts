import { bindChecksum } from "@seville/checksum";
import {
  CHECKSUM_NONE,
  CHECKSUM_PARTIAL,
  CHECKSUM_UNNECESSARY,
  GSO_BY_FRAGS,
  PacketPool,
  SKB_GSO_PARTIAL,
  SKB_GSO_TCP_FIXEDID,
  SKB_GSO_TCPV4,
  type Packet,
} from "@seville/packet";
import { afterEach, describe, expect, test } from "vitest";
import {
  csumHwOffloadHelp,
  DeviceFeatures,
  FeatureSet,
  GSO_ENCAP_ALL,
  GSO_MASK,
  headerLengthCheck,
  needsGso,
  parserCheck,
  pushVlanInside,
  skbFeatures,
  stripVlan,
  tunnelKindCheck,
  tunnelPortCheck,
  TUNNEL_PARSER,
  validateXmit,
  vxlanFeaturesCheck,
  type FeatureName,
  type TransmitDevice,
} from "../src/index.ts";
import { requestPacket, wireFrames, type Request } from "./support/requests.ts";
import { faultsOf } from "./support/verify-frame.ts";

const pool = new PacketPool({ small: 512, jumbo: 8, super: 8, debug: true });
const made: Packet[] = [];

afterEach(() => {
  for (const packet of made.splice(0)) packet.release();
  pool.assertDrained();
});

const ALL_FOR_TCP = FeatureSet.of(
  "SG",
  "HW_CSUM",
  "TSO",
  "TSO6",
  "TSO_ECN",
  "TSO_MANGLEID",
  "SCTP_CRC",
  "GSO_UDP_L4",
).with(GSO_ENCAP_ALL);

interface DeviceOptions extends Partial<Omit<TransmitDevice, "features" | "kernels">> {
  readonly features?: FeatureSet;
  readonly enc?: FeatureSet;
  readonly vlan?: FeatureSet;
  readonly mpls?: FeatureSet;
  readonly partial?: FeatureSet;
}

function deviceOf(options: DeviceOptions = {}): TransmitDevice {
  const {
    features = ALL_FOR_TCP,
    enc = features,
    vlan = features,
    mpls = features,
    partial = FeatureSet.NONE,
    ...rest
  } = options;
  return {
    gsoMaxSize: 65_536,
    gsoMaxSegs: 65_535,
    kernels: bindChecksum(pool.memory),
    ...rest,
    features: new DeviceFeatures({
      hwFeatures: features,
      features,
      hwEncFeatures: enc,
      vlanFeatures: vlan,
      mplsFeatures: mpls,
      gsoPartialFeatures: partial,
    }),
  };
}

function packetOf(request: Request): Packet {
  const packet = requestPacket(pool, request);
  made.push(packet);
  return packet;
}

/** What `validateXmit` hands to the driver. */
function validated(request: Request, device: TransmitDevice, change?: (packet: Packet) => void): Packet[] {
  const packet = requestPacket(pool, request);
  change?.(packet);
  const out: Packet[] = [];
  validateXmit(packet, device, {
    send: (one) => out.push(one),
    drop: (one, reason) => {
      drops.push(reason);
      one.release();
    },
  });
  made.push(...out);
  return out;
}

const drops: string[] = [];
afterEach(() => {
  drops.length = 0;
});

const names = (...list: FeatureName[]): FeatureSet => FeatureSet.of(...list);
const tcp: Request = { inner: 4, protocol: "tcp", payload: 300 };
const big: Request = { ...tcp, payload: 5000, mss: 1000 };

describe("E1 gso_features_check", () => {
  test("more segments or bytes than the device takes: no segmentation by it", () => {
    const packet = packetOf(big);
    expect(skbFeatures(packet, deviceOf()).has("TSO")).toBe(true);
    expect(skbFeatures(packet, deviceOf({ gsoMaxSegs: 4 })).hasAny(GSO_MASK)).toBe(false);
    expect(skbFeatures(packet, deviceOf({ gsoMaxSegs: 5 })).has("TSO")).toBe(true);
    expect(skbFeatures(packet, deviceOf({ gsoMaxSize: packet.length })).hasAny(GSO_MASK)).toBe(false);
    expect(skbFeatures(packet, deviceOf({ gsoMaxSize: packet.length + 1 })).has("TSO")).toBe(true);
  });

  test("a super-packet without a type (LRO's) is not for the device (S15)", () => {
    const packet = packetOf(big);
    packet.gsoType = 0;
    expect(skbFeatures(packet, deviceOf()).hasAny(GSO_MASK)).toBe(false);
  });

  test("what it does partially is left only for a packet that is prepared (S7)", () => {
    const device = deviceOf({ features: ALL_FOR_TCP.with(names("GSO_PARTIAL")), partial: GSO_ENCAP_ALL });
    const packet = packetOf({ ...big, tunnel: "vxlan" });
    expect(skbFeatures(packet, device).hasAny(GSO_ENCAP_ALL)).toBe(false);
    packet.gsoType |= SKB_GSO_PARTIAL;
    expect(skbFeatures(packet, device).hasAll(GSO_ENCAP_ALL)).toBe(true);
  });

  test("no liberties with the identification of what may be fragmented (RFC 6864 §4.1)", () => {
    expect(skbFeatures(packetOf({ ...big, dontFragment: true }), deviceOf()).has("TSO_MANGLEID")).toBe(true);
    expect(skbFeatures(packetOf({ ...big, dontFragment: false }), deviceOf()).has("TSO_MANGLEID")).toBe(false);
    expect(skbFeatures(packetOf({ ...big, inner: 6 }), deviceOf()).has("TSO_MANGLEID")).toBe(true);
  });

  test("IPV6_CSUM does not go past extension headers, and TSO6 with it (C20)", () => {
    const device = deviceOf({ features: names("SG", "IP_CSUM", "IPV6_CSUM", "TSO", "TSO6", "GSO_UDP_L4") });
    const plain: Request = { ...big, inner: 6 };
    expect(skbFeatures(packetOf(plain), device).hasAll(names("IPV6_CSUM", "TSO6"))).toBe(true);
    const extended = skbFeatures(packetOf({ ...plain, extension: true }), device);
    expect(extended.hasAny(names("IPV6_CSUM", "TSO6", "GSO_UDP_L4", "TSO"))).toBe(false);
    expect(skbFeatures(packetOf({ ...plain, extension: true }), deviceOf()).has("TSO6")).toBe(true);
  });
});

describe("E2 C22 netif_skb_features: masks", () => {
  test("encapsulated packets: hw_enc_features", () => {
    const device = deviceOf({ enc: names("SG", "HW_CSUM") });
    expect(skbFeatures(packetOf({ ...big, tunnel: "vxlan" }), device).hasAny(GSO_MASK)).toBe(false);
    expect(skbFeatures(packetOf({ ...big, tunnel: "vxlan" }), device).has("HW_CSUM")).toBe(true);
    expect(skbFeatures(packetOf({ ...tcp, tunnel: "vxlan" }), deviceOf({ enc: names("SG") })).has("HW_CSUM")).toBe(
      false,
    );
    expect(skbFeatures(packetOf(tcp), deviceOf({ enc: names("SG") })).has("HW_CSUM")).toBe(true);
  });

  test("tagged packets, in the bytes or beside them: vlan_features; HW_CSUM there serves IP_CSUM here", () => {
    const device = deviceOf({
      features: names("SG", "IP_CSUM", "TSO", "HW_VLAN_CTAG_TX"),
      vlan: names("SG", "HW_CSUM"),
    });
    const beside = packetOf({ ...big, vlan: 3 });
    expect(skbFeatures(beside, device).names()).toEqual(["SG", "IP_CSUM", "HW_VLAN_CTAG_TX"]);
    pushVlanInside(beside);
    expect(skbFeatures(beside, device).names()).toEqual(["SG", "IP_CSUM", "HW_VLAN_CTAG_TX"]);
  });

  test("two tags: only what needs no look at the headers (vlan_features_check)", () => {
    const device = deviceOf({ features: ALL_FOR_TCP.with(names("HW_VLAN_CTAG_TX")) });
    const packet = packetOf({ ...big, vlan: 3 });
    pushVlanInside(packet);
    packet.vlanTci = 4;
    expect(skbFeatures(packet, device).names()).toEqual(["SG", "HW_CSUM", "HW_VLAN_CTAG_TX"]);
  });

  test("behind an MPLS label: mpls_features", () => {
    const packet = packetOf(tcp);
    pool.memory.view.setUint16(packet.data + 12, 0x8847);
    expect(skbFeatures(packet, deviceOf({ mpls: names("SG") })).hasAny(names("HW_CSUM", "TSO"))).toBe(false);
    expect(skbFeatures(packet, deviceOf()).has("HW_CSUM")).toBe(true);
    // Only a device that sums anything can sum there.
    const families = names("SG", "IP_CSUM", "IPV6_CSUM");
    expect(skbFeatures(packet, deviceOf({ features: families })).hasAny(families.without(names("SG")))).toBe(false);
  });

  test("no checksum for the protocol, no segmentation (harmonize_features)", () => {
    const device = deviceOf({ features: names("SG", "IP_CSUM", "TSO", "TSO6", "IPV6_CSUM") });
    const packet = packetOf(big);
    pool.memory.view.setUint16(packet.data + 12, 0x0806);
    expect(skbFeatures(packet, device).hasAny(GSO_MASK)).toBe(false);
    packet.ipSummed = CHECKSUM_NONE;
    expect(skbFeatures(packet, device).has("TSO")).toBe(true);
  });

  test("the driver's word is the last before the protocol's; it cannot add", () => {
    const device = deviceOf({ features: names("SG", "HW_CSUM"), featuresCheck: () => ALL_FOR_TCP });
    expect(skbFeatures(packetOf(big), device).names()).toEqual(["SG", "HW_CSUM"]);
    const strict = deviceOf({ featuresCheck: (_packet, features) => features.without(names("TSO")) });
    expect(skbFeatures(packetOf(big), strict).has("TSO")).toBe(false);
  });

  test("the ordinary packet costs no new set", () => {
    const device = deviceOf();
    expect(skbFeatures(packetOf(tcp), device)).toBe(device.features.features);
  });
});

describe("E3 parts of a features_check", () => {
  const all = ALL_FOR_TCP;
  const kept = (left: FeatureSet): boolean => left === all;

  test.each([
    ["VXLAN", { ...tcp, tunnel: "vxlan" }, true],
    ["Geneve without options has VXLAN's layout", { ...tcp, tunnel: "geneve" }, true],
    ["GRE is none of its business", { ...tcp, tunnel: "gre" }, true],
    ["no tunnel", tcp, true],
  ] as const)("vxlan_features_check: %s", (_name, request, keeps) => {
    expect(kept(vxlanFeaturesCheck(packetOf(request), all))).toBe(keeps);
  });

  test("vxlan_features_check: other headers behind UDP, or an inner protocol that it cannot sum", () => {
    const packet = packetOf({ ...tcp, tunnel: "vxlan" });
    packet.innerMacHeader += 4;
    expect(vxlanFeaturesCheck(packet, all).hasAny(names("HW_CSUM", "TSO"))).toBe(false);
    packet.innerMacHeader -= 4;
    expect(vxlanFeaturesCheck(packet, names("SG", "IPV6_CSUM")).has("IPV6_CSUM")).toBe(false);
  });

  test("ports, kinds, lengths, and what a parser finds", () => {
    const vxlan = packetOf({ ...tcp, tunnel: "vxlan" });
    expect(kept(tunnelPortCheck(vxlan, all, [4789]))).toBe(true);
    expect(kept(tunnelPortCheck(vxlan, all, [8472]))).toBe(false);
    expect(kept(tunnelPortCheck(packetOf({ ...tcp, tunnel: "gre" }), all, []))).toBe(true);
    const kinds = { udp: true, gre: false, ipip: false };
    expect(kept(tunnelKindCheck(vxlan, all, kinds))).toBe(true);
    expect(kept(tunnelKindCheck(packetOf({ ...tcp, tunnel: "gretap" }), all, kinds))).toBe(false);
    expect(kept(tunnelKindCheck(packetOf({ ...tcp, tunnel: "ipip" }), all, kinds))).toBe(false);
    expect(kept(tunnelKindCheck(packetOf(tcp), all, kinds))).toBe(true);
    const headers = 14 + 20 + 16 + 14 + 20 + 20;
    expect(kept(headerLengthCheck(vxlan, all, headers))).toBe(true);
    expect(kept(headerLengthCheck(vxlan, all, headers - 1))).toBe(false);
    expect(kept(parserCheck(vxlan, all, TUNNEL_PARSER))).toBe(true);
    vxlan.csumOffset = 6;
    expect(kept(parserCheck(vxlan, all, TUNNEL_PARSER))).toBe(false);
    vxlan.ipSummed = CHECKSUM_NONE;
    expect(kept(parserCheck(vxlan, all, TUNNEL_PARSER))).toBe(true);
  });
});

describe("E4 C27 validate_xmit_skb: features, VLAN, GSO, checksum", () => {
  test("a tag that the device does not insert is pushed before the packet is split: every segment has it", () => {
    const out = validated({ ...big, vlan: 9 }, deviceOf({ features: names("SG") }));
    expect(out.map((packet) => packet.bytes().slice())).toEqual(wireFrames({ ...big, vlan: 9 }));
    expect(out.every(({ vlanTci, ipSummed }) => vlanTci === -1 && ipSummed === CHECKSUM_NONE)).toBe(true);
  });

  test("a tag that it inserts stays beside every segment", () => {
    const out = validated({ ...big, vlan: 9 }, deviceOf({ features: names("SG", "HW_VLAN_CTAG_TX") }));
    expect(out.map(({ vlanTci }) => vlanTci)).toEqual([9, 9, 9, 9, 9]);
    expect(out.map((packet) => packet.bytes().slice())).toEqual(wireFrames(big));
  });

  test("features are judged before the tag is pushed: vlan_features decide about the split", () => {
    const features = names("SG", "HW_CSUM", "TSO");
    expect(validated({ ...big, vlan: 9 }, deviceOf({ features }))).toHaveLength(1);
    expect(validated({ ...big, vlan: 9 }, deviceOf({ features, vlan: names("SG", "HW_CSUM") }))).toHaveLength(5);
  });

  test("segments get their checksum with the split if the device does none, and stay PARTIAL if it does", () => {
    const software = validated(big, deviceOf({ features: names("SG") }));
    expect(software.every((packet) => faultsOf(packet.bytes()).length === 0)).toBe(true);
    const device = validated(big, deviceOf({ features: names("SG", "HW_CSUM") }));
    expect(device.every(({ ipSummed, gsoSize }) => ipSummed === CHECKSUM_PARTIAL && gsoSize === 0)).toBe(true);
  });

  test("a super-packet that the device splits goes to it as it is", () => {
    const [packet] = validated(big, deviceOf());
    expect(packet).toMatchObject({ gsoSize: 1000, gsoSegs: 5, ipSummed: CHECKSUM_PARTIAL });
  });

  test("GSO_PARTIAL: one packet of whole segments with the headers of one, and the remainder (S7)", () => {
    const device = deviceOf({
      features: ALL_FOR_TCP.with(names("GSO_PARTIAL")),
      partial: GSO_ENCAP_ALL,
    });
    const request: Request = { ...big, payload: 4500, tunnel: "vxlan", outerCsum: true };
    const [whole, rest, ...more] = validated(request, device);
    expect(more).toEqual([]);
    expect([whole!.gsoSize, whole!.gsoSegs, whole!.length - rest!.length]).toEqual([1000, 4, 3500]);
    expect((whole!.gsoType & SKB_GSO_PARTIAL) !== 0).toBe(true);
    expect(pool.memory.view.getUint16(whole!.networkHeader + 2)).toBe(20 + 16 + 14 + 20 + 20 + 1000);
    expect(rest!.gsoSize).toBe(0);
  });

  test("needs_gso: a checksum that nobody asked for, and a type that the device has not", () => {
    const packet = packetOf(big);
    expect(needsGso(packet, ALL_FOR_TCP)).toBe(false);
    packet.gsoType = SKB_GSO_TCPV4 | SKB_GSO_TCP_FIXEDID;
    expect(needsGso(packet, ALL_FOR_TCP.without(names("TSO_MANGLEID")))).toBe(true);
    packet.gsoType = SKB_GSO_TCPV4;
    packet.ipSummed = CHECKSUM_UNNECESSARY;
    expect(needsGso(packet, ALL_FOR_TCP)).toBe(false);
    packet.ipSummed = CHECKSUM_NONE;
    expect(needsGso(packet, ALL_FOR_TCP)).toBe(true);
    expect(needsGso(packetOf(tcp), FeatureSet.NONE)).toBe(false);
  });

  test("a packet in pieces is brought together for a device without SG", () => {
    const inPieces = (packet: Packet): void => {
      const tail = pool.from(packet.bytes().slice(200))!;
      packet.trim(200);
      packet.fragList = [tail];
    };
    const [joined] = validated(tcp, deviceOf({ features: names("HW_CSUM") }), inPieces);
    expect(joined!.fragList).toBeUndefined();
    expect(joined!.length).toBe(354);
    const [kept] = validated(tcp, deviceOf(), inPieces);
    expect(kept!.fragList).toHaveLength(1);
  });

  test("what cannot be sent is dropped with its reason, and nothing is kept", () => {
    validated(big, deviceOf({ features: names("SG") }), (packet) => (packet.gsoType = 0));
    validated(big, deviceOf({ features: names("SG") }), (packet) => (packet.gsoSize = GSO_BY_FRAGS));
    validated(tcp, deviceOf({ features: names("SG") }), (packet) => (packet.csumStart = packet.tail));
    validated({ ...tcp, protocol: "udp", payload: 8000, mss: 50 }, deviceOf({ features: names("SG") }));
    expect(drops).toEqual(["NOT_SPECIFIED", "NOT_SPECIFIED", "NOT_SPECIFIED", "PKT_TOO_BIG"]);
  });

  test("no memory: dropped with NOMEM", () => {
    const hoard: Packet[] = [];
    const packet = requestPacket(pool, { ...big, vlan: 1 });
    const twin = packet.clone();
    for (let one = pool.alloc(10); one !== undefined; one = pool.alloc(10)) hoard.push(one);
    const reasons: string[] = [];
    validateXmit(packet, deviceOf({ features: names("SG") }), {
      send: () => expect.unreachable(),
      drop: (one, reason) => {
        reasons.push(reason);
        one.release();
      },
    });
    expect(reasons).toEqual(["NOMEM"]);
    for (const one of [...hoard, twin]) one.release();
  });
});

describe("E5 C21 skb_csum_hwoffload_help: who sums", () => {
  const device = deviceOf();
  const families = names("IP_CSUM", "IPV6_CSUM");
  const cases: readonly (readonly [what: string, request: Request, features: FeatureSet, byDevice: boolean])[] = [
    ["HW_CSUM, anything", { ...tcp, inner: 6, extension: true }, names("HW_CSUM"), true],
    ["IP_CSUM, TCP over IPv4", tcp, families, true],
    ["IP_CSUM, UDP over IPv4", { ...tcp, protocol: "udp" }, families, true],
    ["IPV6_CSUM, TCP over plain IPv6", { ...tcp, inner: 6 }, families, true],
    ["IPV6_CSUM, behind an extension header", { ...tcp, inner: 6, extension: true }, families, false],
    ["no feature", tcp, FeatureSet.NONE, false],
    ["SCTP with HW_CSUM only (C18)", { inner: 4, protocol: "sctp", payload: 40 }, names("HW_CSUM"), false],
    ["SCTP with SCTP_CRC (C18)", { inner: 4, protocol: "sctp", payload: 40 }, names("SCTP_CRC"), true],
  ];

  test.each(cases)("%s", (_what, request, features, byDevice) => {
    const packet = packetOf(request);
    expect(csumHwOffloadHelp(packet, device, features)).toBe(true);
    expect(packet.ipSummed).toBe(byDevice ? CHECKSUM_PARTIAL : CHECKSUM_NONE);
    if (!byDevice) expect(faultsOf(packet.bytes())).toEqual([]);
  });

  test("whose family is not among the device's is sorted out before, by harmonize_features", () => {
    // By itself the function believes that features are those of the packet, as the kernel's does.
    const packet = packetOf({ ...tcp, inner: 6 });
    csumHwOffloadHelp(packet, device, names("IP_CSUM"));
    expect(packet.ipSummed).toBe(CHECKSUM_PARTIAL);
    const [sent] = validated({ ...tcp, inner: 6 }, deviceOf({ features: names("SG", "IP_CSUM") }));
    expect(sent!.ipSummed).toBe(CHECKSUM_NONE);
    expect(faultsOf(sent!.bytes())).toEqual([]);
  });

  test("an offset that is neither TCP's nor UDP's is not for IP_CSUM", () => {
    const packet = packetOf(tcp);
    packet.csumOffset = 2;
    csumHwOffloadHelp(packet, device, families);
    expect(packet.ipSummed).toBe(CHECKSUM_NONE);
  });
});

describe("E6 VLAN tags in and out of the bytes", () => {
  test("pushed and stripped again, the frame is as it was; what it shares is left alone", () => {
    const packet = packetOf({ ...tcp, vlan: 0x123 });
    const before = packet.bytes().slice();
    const twin = packet.clone();
    made.push(twin);
    expect(pushVlanInside(packet)).toBe(true);
    expect(twin.bytes()).toEqual(before);
    expect(packet.bytes().slice(12, 16)).toEqual(Uint8Array.of(0x81, 0, 1, 0x23));
    expect(packet.vlanTci).toBe(-1);
    expect(stripVlan(packet)).toBe(true);
    expect(packet.vlanTci).toBe(0x123);
    expect(packet.bytes()).toEqual(before);
    expect(stripVlan(packet)).toBe(false);
  });
});
