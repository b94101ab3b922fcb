import { StrictDataView } from "@seville/core";
import { DEFAULT_HEADROOM, ETHERNET_HEADROOM, ipv4, PacketPool, type Packet } from "@seville/packet";
import { afterEach, describe, expect, test } from "vitest";
import {
  alignmentOf,
  innerAlignment,
  networkAlignment,
  NET_IP_ALIGN,
  newRealignCosts,
  realign,
  headersHash,
  innerHash,
  TunnelEndpoint,
  type Tunnel,
} from "../src/index.ts";
import { contextOf, hex, received } from "./support/packets.ts";
import { A4, A6, B4, B6, frameOf, inner4, inner6, innerFor, wrap } from "./support/samples.ts";

const pool = new PacketPool({ small: 64, jumbo: 2, super: 2, strictAlign: true });
afterEach(() => {
  pool.assertDrained();
});

/** Offsets, relative to `from`, of the misaligned words that `work` touches. */
function trapsOf(from: number, work: () => void): number[] {
  const { view } = pool.memory;
  if (!(view instanceof StrictDataView)) throw new Error("the view is a plain one");
  const found: number[] = [];
  view.watch = { misaligned: (offset) => found.push(offset - from) };
  try {
    work();
  } finally {
    view.watch = undefined;
  }
  return found;
}

/** The flow hash of the headers at `at`, as the dissector reads them. */
function dissect(packet: Packet, at: number, length = packet.tail - packet.networkHeader): number {
  return headersHash(pool.memory.view, at, at + length, packet.protocol, 7);
}
const v4 = { local: A4, remote: B4 };
const v6 = { local: A6, remote: B6 };
const VXLAN: Tunnel = { kind: "vxlan", id: 1, ...v4 };

/** A packet that has come out of the tunnel, with the outer network header at a multiple of 16. */
function decapsulated(tunnel: Tunnel, inside = innerFor(tunnel)): { packet: Packet; endpoint: TunnelEndpoint } {
  const endpoint = new TunnelEndpoint(tunnel, contextOf(pool));
  const packet = received(pool, wrap(pool, tunnel, inside).outer);
  expect(endpoint.decapsulate(packet)).toBeUndefined();
  return { packet, endpoint };
}

describe("T12 align 54: where the inner network header comes to lie", () => {
  test("T12 a pad of 2 aligns the network header behind an Ethernet header (NET_IP_ALIGN)", () => {
    expect([networkAlignment(NET_IP_ALIGN), networkAlignment(0)]).toEqual([0, 2]);
    const packet = pool.from(frameOf(inner4()), ETHERNET_HEADROOM)!;
    expect(alignmentOf(packet.data + 14)).toBe(0);
    packet.release();
    expect(DEFAULT_HEADROOM % 4).toBe(0);
  });

  test.each([
    [{ kind: "vxlan", id: 1, ...v4 }, 2],
    [{ kind: "vxlan", id: 1, ...v6 }, 2],
    [{ kind: "geneve", id: 1, ...v4 }, 2],
    [{ kind: "gretap", ...v4 }, 2],
    [{ kind: "gretap", ...v4, okey: 1, ikey: 1 }, 2],
    [{ kind: "nvgre", ...v4, vsid: 1 }, 2],
    [{ kind: "gre", ...v4 }, 0],
    [{ kind: "gre", ...v4, okey: 1, ikey: 1, ocsum: true, icsum: true }, 0],
    [{ kind: "ipip", ...v4 }, 0],
    [{ kind: "ip6tnl", ...v6 }, 0],
    [{ kind: "vxlan", id: 1, ...v4, gpe: true }, 0],
    [{ kind: "ipip", ...v4, encap: { type: "gue", dport: 5 } }, 0],
  ] as const)("T12 %o leaves %i, as computed and as found", (tunnel, alignment) => {
    const { packet, endpoint } = decapsulated(tunnel);
    expect(endpoint.info.alignment).toBe(alignment);
    expect(alignmentOf(packet.networkHeader)).toBe(alignment);
    expect(innerAlignment(endpoint.overhead.mtu)).toBe(alignment);
    packet.release();
  });
});

describe("T12 align 55: a memory that knows where words lie", () => {
  test("T12 the dissector's words of an IPv4 header behind VXLAN are misaligned, each of them; the hash is right", () => {
    const { packet } = decapsulated(VXLAN);
    const at = packet.networkHeader;
    let hash = 0;
    expect(trapsOf(at, () => (hash = dissect(packet, at)))).toEqual([12, 16]);
    expect(hash).toBe(innerHash(packet, true, 0, 7));
    packet.release();
  });

  test("T12 IPv6 has eight words of addresses and one with the flow label", () => {
    const { packet } = decapsulated(VXLAN, frameOf(inner6()));
    const at = packet.networkHeader;
    expect(trapsOf(at, () => dissect(packet, at))).toEqual([8, 24, 12, 28, 16, 32, 20, 36, 0]);
    packet.release();
  });

  test("T12 nothing traps where all is aligned, nor where headers are cut short", () => {
    const { packet } = decapsulated({ kind: "gre", ...v4 });
    expect(trapsOf(0, () => dissect(packet, packet.networkHeader))).toEqual([]);
    packet.release();
    const { packet: short } = decapsulated(VXLAN);
    expect(trapsOf(0, () => expect(dissect(short, short.networkHeader, 19)).toBe(0))).toEqual([]);
    short.release();
  });

  test.each([
    ["vxlan", VXLAN],
    ["geneve", { kind: "geneve", id: 1, ...v4 }],
    ["gretap with key and checksum", { kind: "gretap", ...v4, okey: 1, ikey: 1, ocsum: true, icsum: true }],
    ["vxlan over IPv6", { kind: "vxlan", id: 1, ...v6 }],
    ["erspan", { kind: "erspan", ...v4, erspanVer: 1 }],
    ["ipip", { kind: "ipip", ...v4 }],
  ] as const)(
    "T12 decapsulation of %s itself touches no misaligned word, the inner ECN field included",
    (_, tunnel) => {
      const inner = innerFor(tunnel);
      const endpoint = new TunnelEndpoint(tunnel, contextOf(pool));
      const packet = received(pool, wrap(pool, tunnel, inner).outer);
      expect(trapsOf(0, () => expect(endpoint.decapsulate(packet)).toBeUndefined())).toEqual([]);
      packet.release();
    },
  );
});

describe("T12 align 56: what to do about it, and what that costs", () => {
  test("T12 leave: nothing is copied, and the dissector traps", () => {
    const costs = newRealignCosts();
    const { packet } = decapsulated(VXLAN);
    const at = realign(packet, "leave", costs);
    expect(trapsOf(at, () => dissect(packet, at))).toHaveLength(2);
    expect(costs.leave).toEqual({ packets: 1, misaligned: 1, bytesCopied: 0, failed: 0 });
    packet.release();
  });

  test("T12 shift-headers: every byte moves by two, and nothing traps", () => {
    const costs = newRealignCosts();
    const { packet } = decapsulated(VXLAN);
    const bytes = hex(packet.bytes());
    const csumStart = packet.csumStart - packet.data;
    expect(trapsOf(0, () => dissect(packet, realign(packet, "shift-headers", costs)))).toEqual([]);
    expect(trapsOf(0, () => ipv4.source(pool.memory.view, packet.networkHeader))).toEqual([]);
    expect(hex(packet.bytes())).toBe(bytes);
    expect([packet.networkHeader - packet.data, packet.csumStart - packet.data]).toEqual([14, csumStart]);
    expect(costs["shift-headers"]).toEqual({ packets: 1, misaligned: 1, bytesCopied: packet.length, failed: 0 });
    packet.release();
  });

  test("T12 fix-gre: the headers alone are copied (commit 78565208d73c), the packet stays where it was", () => {
    const costs = newRealignCosts();
    const { packet } = decapsulated(VXLAN, frameOf(inner4({ payload: new Uint8Array(1000) })));
    const { data } = packet;
    const expected = dissect(packet, packet.networkHeader);
    const at = realign(packet, "fix-gre", costs);
    expect(trapsOf(0, () => expect(dissect(packet, at, 80)).toBe(expected))).toEqual([]);
    expect(packet.data).toBe(data);
    // Whoever reads the packet itself is no better off.
    expect(trapsOf(data + 14, () => ipv4.source(pool.memory.view, packet.networkHeader))).toEqual([12]);
    expect(ipv4.source(pool.memory.view, at)).toBe(ipv4.source(pool.memory.view, packet.networkHeader));
    expect(costs["fix-gre"]).toEqual({ packets: 1, misaligned: 1, bytesCopied: 80, failed: 0 });
    packet.release();
  });

  test("T12 what is aligned costs nothing under any policy", () => {
    const costs = newRealignCosts();
    for (const policy of ["leave", "shift-headers", "fix-gre"] as const) {
      const { packet } = decapsulated({ kind: "gre", ...v4 });
      expect(realign(packet, policy, costs)).toBe(packet.networkHeader);
      expect(costs[policy]).toEqual({ packets: 1, misaligned: 0, bytesCopied: 0, failed: 0 });
      packet.release();
    }
  });

  test("T12 a shared packet is not moved under the other's feet; without memory it stays", () => {
    const costs = newRealignCosts();
    const { packet } = decapsulated(VXLAN);
    const twin = packet.clone();
    const before = hex(twin.bytes());
    const held: Packet[] = [];
    for (let one = pool.alloc(10); one !== undefined; one = pool.alloc(10)) held.push(one);
    expect(alignmentOf(realign(packet, "shift-headers", costs))).toBe(2);
    expect(costs["shift-headers"].failed).toBe(1);
    for (const one of held) one.release();
    expect(alignmentOf(realign(packet, "shift-headers", costs))).toBe(0);
    expect([hex(twin.bytes()), hex(packet.bytes())]).toEqual([before, before]);
    twin.release();
    packet.release();
  });
});
