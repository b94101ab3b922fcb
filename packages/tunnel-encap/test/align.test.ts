import { compose, DEFAULT_HEADROOM, ETHERNET_HEADROOM, ipv4, type Packet } from "@seville/packet";
import { describe, expect, test } from "vitest";
import {
  alignmentOf,
  innerAlignment,
  networkAlignment,
  NET_IP_ALIGN,
  newRealignCosts,
  realign,
  TunnelEndpoint,
  WordReader,
  type AlignmentTrap,
  type Tunnel,
} from "../src/index.ts";
import { contextOf, drainedPool, hex, load, received } from "./support/packets.ts";
import { A4, A6, B4, B6, frameOf, inner4, inner6, innerFor, wrap } from "./support/samples.ts";

const pool = drainedPool();
const v4 = { local: A4, remote: B4 };
const v6 = { local: A6, remote: B6 };

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

const VXLAN: Tunnel = { kind: "vxlan", id: 1, ...v4 };

describe("T12 align 55: a machine that traps", () => {
  test("T12 each misaligned word is counted by protocol, with who read it; the value is right", () => {
    const traps: AlignmentTrap[] = [];
    const reader = new WordReader("strict-align", (trap) => traps.push(trap));
    const { packet } = decapsulated(VXLAN);
    reader.readHeaders(packet);
    expect(Object.fromEntries(reader.traps)).toEqual({ ipv4: 2, udp: 1 });
    expect(reader.totalTraps).toBe(3);
    expect(traps.map(({ offset }) => offset - packet.networkHeader)).toEqual([12, 16, 20]);
    expect(traps[0]!.stack).toContain("readHeaders");
    const { view } = pool.memory;
    expect(reader.read32(view, packet.networkHeader + 12, "ipv4")).toBe(ipv4.source(view, packet.networkHeader));
    packet.release();
  });

  test("T12 IPv6 and TCP headers have more words", () => {
    const reader = new WordReader("strict-align");
    const { packet } = decapsulated(VXLAN, frameOf(inner6()));
    reader.readHeaders(packet);
    expect(Object.fromEntries(reader.traps)).toEqual({ ipv6: 9, udp: 1 });
    packet.release();
    const segment = compose([
      { ipv4: { source: 1, destination: 2 } },
      { tcp: { sourcePort: 1, destinationPort: 2, sequence: 1, flags: 2, window: 1 } },
    ]);
    const { packet: tcp } = decapsulated(VXLAN, frameOf(segment));
    reader.readHeaders(tcp);
    expect(reader.traps.get("tcp")).toBe(4);
    tcp.release();
  });

  test("T12 x86 does not mind, nor does a strict machine where all is aligned", () => {
    const x86 = new WordReader("x86");
    const { packet } = decapsulated(VXLAN);
    x86.readHeaders(packet);
    expect(x86.totalTraps).toBe(0);
    packet.release();
    const strict = new WordReader("strict-align");
    const { packet: aligned } = decapsulated({ kind: "gre", ...v4 });
    strict.readHeaders(aligned);
    expect(strict.totalTraps).toBe(0);
    aligned.release();
  });

  test("T12 headers that are cut short are not read beyond their end", () => {
    const reader = new WordReader("strict-align");
    const packet = load(pool, inner4().slice(0, 19), false, 130);
    packet.networkHeader = packet.data;
    reader.readHeaders(packet);
    expect(reader.totalTraps).toBe(0);
    packet.release();
  });
});

describe("T12 align 56: what to do about it, and what that costs", () => {
  test("T12 leave: nothing is copied, and a strict machine traps", () => {
    const costs = newRealignCosts();
    const { packet } = decapsulated(VXLAN);
    const reader = new WordReader("strict-align");
    reader.readHeaders(packet, realign(packet, "leave", costs));
    expect(costs.leave).toEqual({ packets: 1, misaligned: 1, bytesCopied: 0, failed: 0 });
    expect(reader.totalTraps).toBe(3);
    packet.release();
  });

  test("T12 shift-headers: every byte moves by two, and nothing traps", () => {
    const costs = newRealignCosts();
    const { packet } = decapsulated(VXLAN);
    const bytes = hex(packet.bytes());
    const csumStart = packet.csumStart - packet.data;
    const reader = new WordReader("strict-align");
    reader.readHeaders(packet, realign(packet, "shift-headers", costs));
    expect(reader.totalTraps).toBe(0);
    expect(hex(packet.bytes())).toBe(bytes);
    expect([packet.networkHeader - packet.data, packet.csumStart - packet.data]).toEqual([14, csumStart]);
    expect(costs["shift-headers"]).toEqual({ packets: 1, misaligned: 1, bytesCopied: packet.length, failed: 0 });
    packet.release();
  });

  test("T12 fix-gre: the headers alone are copied (commit 78565208d73c), the packet stays where it was", () => {
    const costs = newRealignCosts();
    const { packet } = decapsulated(VXLAN, frameOf(inner4({ payload: new Uint8Array(1000) })));
    const reader = new WordReader("strict-align");
    const { data } = packet;
    const at = realign(packet, "fix-gre", costs);
    reader.readHeaders(packet, at, at + 256);
    expect(reader.totalTraps).toBe(0);
    expect(packet.data).toBe(data);
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
