import { parseFeature } from "@seville/netdev";
import { describe, expect, test } from "vitest";
import { ALL_OFFLOADS, declareTap, offloadsOf, wishOf } from "../../src/tap-nic/features.ts";
import { Bench, GRANT_5_10, GRANT_6_18 } from "./fake-hardware.ts";

const [CSUM, TSO4, TSO6, ECN, USO4, USO6, TUNNEL, TUNNEL_CSUM] = [1, 2, 4, 8, 0x20, 0x40, 0x80, 0x100] as const;

function set(bench: Bench, word: string, on: boolean): readonly string[] {
  return bench.device.features.set(parseFeature(word), on).names();
}

describe("behaviour 28: features stand for what this kernel can", () => {
  test("include/uapi/linux/if_tun.h: the bits, and all of them", () => {
    expect(ALL_OFFLOADS).toBe(CSUM | TSO4 | TSO6 | ECN | USO4 | USO6 | TUNNEL | TUNNEL_CSUM);
    expect(wishOf(ALL_OFFLOADS).tunnels).toBe(TUNNEL | TUNNEL_CSUM);
  });

  test("what is asked for, in order: without tunnels (before 6.17), without USO (before 6.2), CSUM and TSO, CSUM, nothing", () => {
    const all = wishOf(ALL_OFFLOADS).offloads;
    expect(all[0]).toBe(ALL_OFFLOADS);
    expect(all[1]).toBe(ALL_OFFLOADS & ~(TUNNEL | TUNNEL_CSUM));
    expect(all[2]).toBe(CSUM | TSO4 | TSO6 | ECN);
    expect(all.at(-1)).toBe(0);
  });

  test("6.18: TSO, USO and tunnels, on at the beginning", () => {
    expect(declareTap(GRANT_6_18).features.names()).toEqual(
      expect.arrayContaining([
        "HW_CSUM",
        "SG",
        "TSO",
        "TSO6",
        "TSO_ECN",
        "GSO_UDP_L4",
        "GSO_UDP_TUNNEL",
        "GSO_UDP_TUNNEL_CSUM",
      ]),
    );
    expect(declareTap(GRANT_6_18).features.names()).toEqual(expect.arrayContaining(["RXCSUM", "GRO_HW", "GSO_ROBUST"]));
  });

  test("5.10: no USO, no tunnels", () => {
    const names = declareTap(GRANT_5_10).features.names();
    expect(names).toEqual(expect.arrayContaining(["TSO", "TSO6"]));
    for (const absent of ["GSO_UDP_L4", "GSO_UDP_TUNNEL", "GSO_UDP_TUNNEL_CSUM"]) expect(names).not.toContain(absent);
  });

  test("a kernel that leaves nothing unfinished still takes what we do", () => {
    const { features } = declareTap({ headerBytes: 12, offloads: 0 });
    expect(features.has("TSO")).toBe(true);
    expect(features.has("RXCSUM")).toBe(false);
    expect(declareTap({ headerBytes: 12, offloads: CSUM }).features.has("GRO_HW")).toBe(false);
  });

  test("bare frames: nothing", () => {
    expect(declareTap(undefined).features.names()).toEqual(["HIGHDMA"]);
  });

  test("rx off: the kernel finishes all; rx-gro-hw off: it splits all; both on again: as before", () => {
    const bench = new Bench();
    expect(set(bench, "rx-gro-hw", false)).toEqual([]);
    expect(bench.offloads).toEqual([CSUM]);
    set(bench, "rx", false);
    expect(bench.offloads).toEqual([CSUM, 0]);
    expect(set(bench, "rx-gro-hw", true)).toEqual(["GRO_HW"]);
    set(bench, "rx", true);
    expect(bench.offloads).toEqual([CSUM, 0, ALL_OFFLOADS]);
    expect(bench.device.features.features.has("GRO_HW")).toBe(true);
  });

  test("what is only about sending is no concern of the kernel's", () => {
    const bench = new Bench();
    for (const word of ["tso", "tx", "gso", "tx-udp-segmentation", "gro"]) set(bench, word, false);
    expect(bench.offloads).toEqual([]);
  });

  test("a kernel that does not follow: everything stays as it was", () => {
    const bench = new Bench();
    bench.takesOffloads = false;
    const before = bench.device.features.features;
    expect(set(bench, "rx", false)).toEqual(["RXCSUM"]);
    expect(bench.device.features.features.equals(before)).toBe(true);
  });

  test("offloads that the kernel did not grant are not asked for", () => {
    expect(offloadsOf(declareTap(GRANT_5_10).features, GRANT_5_10)).toBe(GRANT_5_10.offloads);
  });
});
