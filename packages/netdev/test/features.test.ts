import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  ALL_TSO,
  bitOf,
  canChecksum,
  DeviceFeatures,
  ethtoolName,
  FEATURE_NAMES,
  featureOfEthtoolName,
  FeatureSet,
  FIX_RULES,
  fixFeatures,
  formatFeatures,
  GSO_ENCAP_ALL,
  GSO_MASK,
  gsoFeatures,
  intersectFeatures,
  LEGACY_GROUPS,
  NETIF_F_HW_CSUM,
  NETIF_F_TSO,
  parseFeature,
  type FeatureName,
} from "../src/index.ts";

const names = (...list: FeatureName[]): FeatureSet => FeatureSet.of(...list);
const anySet = fc.subarray([...FEATURE_NAMES]).map((list) => FeatureSet.of(...list));
const tunnels = anySet.map((set) => set.and(GSO_ENCAP_ALL));

describe("F1 a set of features", () => {
  test("F1 include/linux/netdev_features.h: bits of some features", () => {
    // Taken from the header; the segmentation features must follow the SKB_GSO_ bits from 16 on.
    expect([bitOf("SG"), bitOf("HW_CSUM"), bitOf("TSO"), bitOf("TSO6"), bitOf("GSO_UDP_TUNNEL_CSUM")]).toEqual([
      0, 3, 16, 20, 27,
    ]);
    expect([bitOf("GSO_PARTIAL"), bitOf("GSO_UDP_L4"), bitOf("GSO_FRAGLIST")]).toEqual([28, 33, 34]);
    expect(new Set(FEATURE_NAMES.map(bitOf)).size).toBe(FEATURE_NAMES.length);
  });

  test("F1 does what a Set of names does", () => {
    fc.assert(
      fc.property(anySet, anySet, (a, b) => {
        const [left, right] = [new Set(a.names()), new Set(b.names())];
        const sorted = (set: Iterable<FeatureName>): FeatureName[] =>
          [...set].sort((one, other) => bitOf(one) - bitOf(other));
        expect(a.with(b).names()).toEqual(sorted(new Set([...left, ...right])));
        expect(a.without(b).names()).toEqual(sorted([...left].filter((name) => !right.has(name))));
        expect(a.and(b).names()).toEqual(sorted([...left].filter((name) => right.has(name))));
        expect(a.hasAll(b)).toBe([...right].every((name) => left.has(name)));
        expect(a.hasAny(b)).toBe([...right].some((name) => left.has(name)));
        expect(a.xor(b).xor(b).equals(a)).toBe(true);
      }),
    );
  });

  test("F1 an operation that changes nothing answers the set itself", () => {
    const set = names("SG", "HW_CSUM", "RXCSUM");
    expect(set.with(names("SG"))).toBe(set);
    expect(set.without(names("TSO"))).toBe(set);
    expect(set.and(set)).toBe(set);
    expect(FeatureSet.NONE.isEmpty).toBe(true);
  });

  test("F1 a name that there is not is the caller's mistake", () => {
    expect(() => FeatureSet.of("NO_SUCH" as FeatureName)).toThrow(/feature must be a name of FEATURE_TABLE/);
  });

  test.each([
    ["TCPv4", 1 << 0, ["TSO"]],
    ["TCPv6 with CWR", (1 << 4) | (1 << 2), ["TSO_ECN", "TSO6"]],
    ["UDP tunnel with checksum", (1 << 0) | (1 << 11), ["TSO", "GSO_UDP_TUNNEL_CSUM"]],
    ["USO", 1 << 17, ["GSO_UDP_L4"]],
    ["fixed identification", (1 << 0) | (1 << 30), ["TSO", "TSO_MANGLEID"]],
    ["fixed inner identification", ((1 << 0) | (1 << 31)) >>> 0, ["TSO", "TSO_MANGLEID"]],
    ["fraglist", (1 << 4) | (1 << 18), ["TSO6", "GSO_FRAGLIST"]],
    ["AccECN", (1 << 0) | (1 << 19), ["TSO", "GSO_ACCECN"]],
  ])("F2 net_gso_ok: a super-packet of type %s needs", (_name, type, needed) => {
    expect(gsoFeatures(type).without(names("HW_VLAN_CTAG_TX")).names()).toEqual(needed);
    expect(GSO_MASK.hasAll(gsoFeatures(type))).toBe(true);
  });
});

describe("F3 netdev_fix_features", () => {
  const csum6 = names("IPV6_CSUM");
  const table: readonly (readonly [what: string, asked: FeatureSet, left: FeatureSet, message: string])[] = [
    [
      "HW_CSUM excludes the others",
      names("HW_CSUM", "IP_CSUM", "IPV6_CSUM"),
      names("HW_CSUM"),
      "mixed HW and IP checksum settings.",
    ],
    [
      "TSO needs SG (C27)",
      names("HW_CSUM").with(ALL_TSO),
      names("HW_CSUM"),
      "Dropping TSO features since no SG feature.",
    ],
    [
      "TSO needs a checksum (C27)",
      names("SG", "TSO", "TSO_ECN"),
      names("SG"),
      "Dropping TSO features since no CSUM feature.",
    ],
    [
      "TSO is not served by IPv6's checksum",
      names("SG", "TSO", "TSO6").with(csum6),
      names("SG", "TSO6").with(csum6),
      "Dropping TSO features since no CSUM feature.",
    ],
    [
      "TSO6 needs a checksum for IPv6",
      names("SG", "IP_CSUM", "TSO", "TSO6"),
      names("SG", "IP_CSUM", "TSO"),
      "Dropping TSO6 features since no CSUM feature.",
    ],
    ["MANGLEID needs TSO", names("SG", "HW_CSUM", "TSO6", "TSO_MANGLEID"), names("SG", "HW_CSUM", "TSO6"), ""],
    ["ECN needs some TSO", names("SG", "HW_CSUM", "TSO_ECN"), names("SG", "HW_CSUM"), ""],
    ["GSO needs SG", names("GSO"), FeatureSet.NONE, "Dropping NETIF_F_GSO since no SG feature."],
    ["GRO_HW needs RXCSUM", names("GRO_HW"), FeatureSet.NONE, "Dropping NETIF_F_GRO_HW since no RXCSUM feature."],
    ["RXFCS excludes LRO", names("RXFCS", "LRO"), names("RXFCS"), "Dropping LRO feature since RX-FCS is requested."],
    [
      "RXFCS excludes GRO_HW",
      names("RXFCS", "GRO_HW", "RXCSUM"),
      names("RXFCS", "RXCSUM"),
      "Dropping HW-GRO feature since RX-FCS is requested.",
    ],
    [
      "GRO_HW excludes LRO",
      names("GRO_HW", "LRO", "RXCSUM"),
      names("GRO_HW", "RXCSUM"),
      "Dropping LRO feature since HW-GRO is requested.",
    ],
    [
      "TLS needs a checksum for both families",
      names("HW_TLS_TX", "IP_CSUM"),
      names("IP_CSUM"),
      "Dropping TLS TX HW offload feature since no CSUM feature.",
    ],
    [
      "TLS on receipt needs RXCSUM",
      names("HW_TLS_RX"),
      FeatureSet.NONE,
      "Dropping TLS RX HW offload feature since no RXCSUM feature.",
    ],
    [
      "USO needs a checksum for both families",
      names("SG", "GSO_UDP_L4").with(csum6),
      names("SG").with(csum6),
      "Dropping USO feature since no CSUM feature.",
    ],
  ];

  test.each(table)("F3 %s", (_what, asked, left, message) => {
    const messages: string[] = [];
    expect(fixFeatures(asked, FeatureSet.NONE, (fix) => messages.push(fix.message)).names()).toEqual(left.names());
    expect(messages).toContain(message);
  });

  test("F3 what the device does only with software's help needs GSO_PARTIAL (S7)", () => {
    const partial = names("GSO_UDP_TUNNEL_CSUM", "GSO_GRE");
    const asked = names("SG", "HW_CSUM", "TSO").with(partial);
    const messages: string[] = [];
    expect(fixFeatures(asked, partial, (fix) => messages.push(fix.message)).names()).toEqual(["SG", "HW_CSUM", "TSO"]);
    expect(messages).toEqual(["Dropping partially supported GSO features since no GSO partial."]);
    expect(fixFeatures(asked.with(names("GSO_PARTIAL")), partial).hasAll(partial)).toBe(true);
  });

  test("F3 what is left needs no fixing, whatever was asked; every rule's message is told when it applies", () => {
    const told = new Set<string>();
    fc.assert(
      fc.property(anySet, tunnels, (asked, partial) => {
        const left = fixFeatures(asked, partial, (fix) => {
          expect(fix.dropped.isEmpty).toBe(false);
          told.add(fix.message);
        });
        expect(asked.hasAll(left)).toBe(true);
        expect(fixFeatures(left, partial).equals(left)).toBe(true);
      }),
      { numRuns: 3000 },
    );
    expect(told).toEqual(new Set(FIX_RULES.map(({ message }) => message)));
  });
});

describe("F4 the features of a device", () => {
  const hwFeatures = names("SG", "HW_CSUM", "TSO", "TSO6", "LRO", "RXCSUM");
  const declaration = {
    hwFeatures,
    features: hwFeatures.without(names("LRO")).with(names("HIGHDMA")),
    hwEncFeatures: FeatureSet.NONE,
    vlanFeatures: FeatureSet.NONE,
    mplsFeatures: FeatureSet.NONE,
    gsoPartialFeatures: FeatureSet.NONE,
  };

  test("F4 register_netdevice adds software features, and MANGLEID beside TSO", () => {
    const device = new DeviceFeatures(declaration);
    expect(device.features.hasAll(names("GSO", "GRO", "HIGHDMA"))).toBe(true);
    expect(device.hwFeatures.hasAll(names("GSO", "GRO", "GRO_FRAGLIST", "TSO_MANGLEID"))).toBe(true);
    expect(device.features.has("GRO_FRAGLIST")).toBe(false);
    expect(device.hwEncFeatures.names()).toEqual(["SG", "GSO_PARTIAL"]);
  });

  test("F4 dropping the checksum drops TSO, and it comes back with it (C27)", () => {
    const changes: string[] = [];
    const device = new DeviceFeatures(declaration, {
      setFeatures: (features) => {
        changes.push(String(features));
      },
    });
    expect(device.set(NETIF_F_HW_CSUM, false).isEmpty).toBe(true);
    expect(device.features.hasAny(ALL_TSO)).toBe(false);
    expect(device.wantedFeatures.has("TSO")).toBe(true);
    device.set(NETIF_F_HW_CSUM, true);
    expect(device.features.hasAll(names("TSO", "TSO6", "HW_CSUM"))).toBe(true);
    expect(changes).toHaveLength(2);
  });

  test("F4 what is fixed does not change, and that is answered", () => {
    const device = new DeviceFeatures(declaration);
    expect(device.set(names("HIGHDMA", "TSO"), false).names()).toEqual(["HIGHDMA"]);
    expect(device.set(names("GSO_GRE"), true).names()).toEqual(["GSO_GRE"]);
    expect(device.features.has("HIGHDMA")).toBe(true);
  });

  test("F4 what a rule takes away is answered as not done", () => {
    const device = new DeviceFeatures(declaration);
    device.set(names("SG"), false);
    expect(device.set(NETIF_F_TSO, true).names()).toEqual(["TSO"]);
    expect(device.features.has("GSO")).toBe(false);
  });

  test("F4 a driver has its own dependencies", () => {
    const device = new DeviceFeatures(declaration, {
      fixFeatures: (features) => (features.has("RXCSUM") ? features : features.without(names("TSO"))),
    });
    device.set(names("RXCSUM"), false);
    expect(device.features.has("TSO")).toBe(false);
    device.set(names("RXCSUM"), true);
    expect(device.features.has("TSO")).toBe(true);
  });

  test("F4 register_netdevice: MANGLEID and NOCACHE_COPY can be switched, but begin off whatever the driver says", () => {
    const eager = { ...declaration, features: declaration.features.with(names("TSO_MANGLEID", "NOCACHE_COPY")) };
    const device = new DeviceFeatures(eager);
    expect(device.hwFeatures.hasAll(names("TSO_MANGLEID", "NOCACHE_COPY"))).toBe(true);
    expect(device.features.hasAny(names("TSO_MANGLEID", "NOCACHE_COPY"))).toBe(false);
    expect(device.set(names("TSO_MANGLEID", "NOCACHE_COPY"), true).isEmpty).toBe(true);
    expect(new DeviceFeatures({ ...declaration, loopback: true }).hwFeatures.has("NOCACHE_COPY")).toBe(false);
  });

  test("F4 register_netdevice: TSO_MANGLEID takes liberties with identifications, beside what the driver names", () => {
    expect(new DeviceFeatures(declaration).mangleidFeatures.names()).toEqual(["TSO_MANGLEID"]);
    const more = new DeviceFeatures({ ...declaration, mangleidFeatures: names("TSO", "GSO_GRE") });
    expect(more.mangleidFeatures.names()).toEqual(["TSO", "TSO_MANGLEID", "GSO_GRE"]);
  });

  test("F4 __netdev_update_features: what a driver's hardware did not follow stays as it was, and stays wanted", () => {
    let works = false;
    const device = new DeviceFeatures(declaration, { setFeatures: () => (works ? undefined : "failed") });
    expect(device.set(NETIF_F_HW_CSUM, false).names()).toEqual(["HW_CSUM"]);
    expect(device.features.hasAll(names("HW_CSUM", "TSO"))).toBe(true);
    expect(device.wantedFeatures.has("HW_CSUM")).toBe(false);
    works = true;
    device.update();
    expect(device.features.hasAny(names("HW_CSUM", "TSO"))).toBe(false);
  });

  test("F4 netdev_sync_lower_features: LRO goes off under a device that has it off, and only LRO (S15)", () => {
    const device = new DeviceFeatures(declaration);
    device.set(names("LRO"), true);
    expect(device.features.has("LRO")).toBe(true);
    device.disableFromAbove(names("LRO", "TSO"));
    expect(device.features.has("LRO")).toBe(false);
    expect(device.features.has("TSO")).toBe(true);
  });

  test("F4 netdev_sync_upper_features: it cannot be switched on meanwhile, and does not come back by itself", () => {
    const device = new DeviceFeatures(declaration);
    device.set(names("LRO"), true);
    device.disableFromAbove(names("LRO"));
    expect(device.set(names("LRO"), true).names()).toEqual(["LRO"]);
    // It is wanted again now, as `ethtool -k` would say: off [requested on].
    expect(device.wantedFeatures.has("LRO")).toBe(true);
    device.disableFromAbove(FeatureSet.NONE);
    expect(device.features.has("LRO")).toBe(true);
    const other = new DeviceFeatures(declaration);
    other.set(names("LRO"), true);
    other.disableFromAbove(names("LRO"));
    other.disableFromAbove(FeatureSet.NONE);
    expect(other.features.has("LRO")).toBe(false);
  });

  test("F4 the rules come before the upper device: GRO_HW takes LRO's place with a message, and keeps it (S15)", () => {
    const messages: string[] = [];
    const device = new DeviceFeatures(
      { ...declaration, hwFeatures: hwFeatures.with(names("GRO_HW")) },
      { onFix: ({ message }) => messages.push(message) },
    );
    device.disableFromAbove(names("LRO"));
    device.set(names("LRO", "GRO_HW"), true);
    expect(messages).toContain("Dropping LRO feature since HW-GRO is requested.");
    expect(device.features.has("GRO_HW")).toBe(true);
  });

  test("F4 dev_disable_lro: off for good; a device where it is fixed says that it is not", () => {
    const device = new DeviceFeatures(declaration);
    device.set(names("LRO"), true);
    expect(device.disableLro()).toBe(true);
    expect(device.wantedFeatures.has("LRO")).toBe(false);
    const stubborn = new DeviceFeatures({
      ...declaration,
      hwFeatures: hwFeatures.without(names("LRO")),
      features: declaration.features.with(names("LRO")),
    });
    expect(stubborn.disableLro()).toBe(false);
  });
});

describe("F5 intersections and protocols", () => {
  test("F5 netdev_intersect_features: any checksum serves IPv4's and IPv6's", () => {
    const anything = names("HW_CSUM", "SG");
    const families = names("IP_CSUM", "IPV6_CSUM", "SG");
    expect(intersectFeatures(anything, families).names()).toEqual(["SG", "IP_CSUM", "IPV6_CSUM"]);
    expect(intersectFeatures(families, anything).names()).toEqual(["SG", "IP_CSUM", "IPV6_CSUM"]);
    expect(intersectFeatures(anything, anything).names()).toEqual(["SG", "HW_CSUM"]);
    expect(intersectFeatures(names("IP_CSUM"), names("IPV6_CSUM")).isEmpty).toBe(true);
  });

  test.each([
    ["HW_CSUM", 0x0800, true],
    ["HW_CSUM", 0x86dd, true],
    ["HW_CSUM", 0x8847, true],
    ["HW_CSUM", 0x8906, false],
    ["IP_CSUM", 0x0800, true],
    ["IP_CSUM", 0x86dd, false],
    ["IPV6_CSUM", 0x86dd, true],
    ["IPV6_CSUM", 0x0800, false],
    ["FCOE_CRC", 0x8906, true],
  ] as const)("C20 can_checksum_protocol: %s of EtherType %s", (feature, type, can) => {
    expect(canChecksum(names(feature), type)).toBe(can);
  });
});

describe("F6 ethtool's names", () => {
  test("F6 there and back", () => {
    for (const name of FEATURE_NAMES) {
      expect(featureOfEthtoolName(ethtoolName(name))).toBe(name);
      expect(parseFeature(ethtoolName(name)).names()).toEqual([name]);
      expect(parseFeature(`NETIF_F_${name}`).names()).toEqual([name]);
    }
  });

  test.each([
    ["tx-checksum-ip-generic", "HW_CSUM"],
    ["tx-udp_tnl-csum-segmentation", "GSO_UDP_TUNNEL_CSUM"],
    ["tx-gso-partial", "GSO_PARTIAL"],
    ["rx-gro-hw", "GRO_HW"],
  ] as const)("F6 %s is NETIF_F_%s", (ethtool, name) => {
    expect(ethtoolName(name)).toBe(ethtool);
  });

  test("F6 groups", () => {
    expect(parseFeature("tso").hasAll(ALL_TSO)).toBe(true);
    expect(parseFeature("tx").names()).toEqual(["IP_CSUM", "HW_CSUM", "IPV6_CSUM", "FCOE_CRC", "SCTP_CRC"]);
    expect(parseFeature("generic-receive-offload").names()).toEqual(["GRO"]);
    expect(LEGACY_GROUPS.map(({ short }) => short)).toContain("lro");
    expect(() => parseFeature("warp")).toThrow(/no device feature "warp"/);
  });

  test("F6 ethtool -k: fixed, and asked for in vain", () => {
    const text = formatFeatures("eth0", {
      features: names("SG", "GSO", "HIGHDMA"),
      wantedFeatures: names("SG", "TSO"),
      hwFeatures: names("SG", "TSO", "GSO", "RXCSUM"),
    });
    expect(text).toContain("Features for eth0:\n");
    expect(text).toContain("rx-checksumming: off\n");
    expect(text).toContain("\ttx-tcp-segmentation: off [requested on]\n");
    expect(text).toContain("generic-segmentation-offload: on [requested off]\n");
    expect(text).toContain("highdma: on [fixed]\n");
    expect(text).toContain("large-receive-offload: off [fixed]\n");
  });
});
