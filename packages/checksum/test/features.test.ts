import { describe, expect, test } from "vitest";
import { FEATURE_RULES, fixFeatures, TRANSMIT_STAGES, type NetdevFeature } from "@seville/checksum";

/** What is left of the wanted features, in their order. */
function left(...wanted: NetdevFeature[]): NetdevFeature[] {
  return [...fixFeatures(new Set(wanted)).features];
}

describe("C20 C27 features that depend on each other", () => {
  test.each<[string, NetdevFeature[], NetdevFeature[]]>([
    ["HW_CSUM excludes IP_CSUM and IPV6_CSUM", ["HW_CSUM", "IP_CSUM", "IPV6_CSUM"], ["HW_CSUM"]],
    ["IP_CSUM and IPV6_CSUM go together", ["IP_CSUM", "IPV6_CSUM"], ["IP_CSUM", "IPV6_CSUM"]],
    ["TSO needs SG", ["HW_CSUM", "TSO", "TSO6"], ["HW_CSUM"]],
    ["TSO needs a checksum: dropping it drops TSO", ["SG", "TSO", "TSO6", "TSO_ECN"], ["SG"]],
    ["TSO with IP_CSUM, TSO6 without IPV6_CSUM", ["SG", "IP_CSUM", "TSO", "TSO6"], ["SG", "IP_CSUM", "TSO"]],
    ["TSO6 with IPV6_CSUM, TSO without IP_CSUM", ["SG", "IPV6_CSUM", "TSO", "TSO6"], ["SG", "IPV6_CSUM", "TSO6"]],
    ["both with HW_CSUM", ["SG", "HW_CSUM", "TSO", "TSO6"], ["SG", "HW_CSUM", "TSO", "TSO6"]],
    ["MANGLEID needs TSO", ["SG", "HW_CSUM", "TSO6", "TSO_MANGLEID"], ["SG", "HW_CSUM", "TSO6"]],
    ["TSO_ECN alone is nothing", ["SG", "HW_CSUM", "TSO_ECN"], ["SG", "HW_CSUM"]],
    ["TSO_ECN beside TSO6 alone stays", ["SG", "HW_CSUM", "TSO6", "TSO_ECN"], ["SG", "HW_CSUM", "TSO6", "TSO_ECN"]],
    ["GSO needs SG", ["GSO"], []],
    ["GSO_UDP_L4 needs both families", ["SG", "IP_CSUM", "GSO_UDP_L4"], ["SG", "IP_CSUM"]],
    ["GSO_UDP_L4 with both", ["IP_CSUM", "IPV6_CSUM", "GSO_UDP_L4"], ["IP_CSUM", "IPV6_CSUM", "GSO_UDP_L4"]],
    ["GRO_HW needs RXCSUM", ["GRO_HW"], []],
    ["a kept FCS excludes LRO and GRO_HW", ["RXCSUM", "RXFCS", "LRO", "GRO_HW"], ["RXCSUM", "RXFCS"]],
    ["GRO_HW is preferred to LRO", ["RXCSUM", "LRO", "GRO_HW"], ["RXCSUM", "GRO_HW"]],
    ["HW_TLS_TX needs a checksum", ["HW_TLS_TX"], []],
    ["HW_TLS_RX needs RXCSUM", ["HW_TLS_RX"], []],
    [
      "TLS with what it needs",
      ["HW_CSUM", "RXCSUM", "HW_TLS_TX", "HW_TLS_RX"],
      ["HW_CSUM", "RXCSUM", "HW_TLS_TX", "HW_TLS_RX"],
    ],
    ["SCTP_CRC and FCOE_CRC stand alone", ["SCTP_CRC", "FCOE_CRC"], ["SCTP_CRC", "FCOE_CRC"]],
  ])("C27 %s", (_, wanted, expected) => {
    expect(left(...wanted)).toEqual(expected);
  });

  test("C27 what was dropped is told with its reason, and the wanted set is not touched", () => {
    const wanted = new Set<NetdevFeature>(["SG", "TSO"]);
    const { dropped } = fixFeatures(wanted);
    expect(dropped).toEqual([{ feature: "TSO", because: "segments of IPv4 need a checksum offload" }]);
    expect([...wanted]).toEqual(["SG", "TSO"]);
  });

  test("C27 the result is stable: fixing again drops nothing, for every subset of the checksum and TSO features", () => {
    const names: NetdevFeature[] = ["SG", "HW_CSUM", "IP_CSUM", "IPV6_CSUM", "TSO", "TSO6", "TSO_ECN", "TSO_MANGLEID"];
    for (let bits = 0; bits < 1 << names.length; bits++) {
      const { features } = fixFeatures(new Set(names.filter((_, i) => (bits >> i) & 1)));
      expect(fixFeatures(features).dropped).toEqual([]);
    }
  });

  test("C27 every rule has a reason", () => {
    expect(FEATURE_RULES.every(({ because, drop }) => because.length > 10 && drop.length > 0)).toBe(true);
  });

  test("C27 sending: features, VLAN, GSO, checksum, in this order", () => {
    expect(TRANSMIT_STAGES).toEqual(["features", "vlan", "gso", "checksum"]);
  });
});
