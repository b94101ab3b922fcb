import { profileOf, type Nic } from "@seville/netdev";
import { parseIp, type Packet } from "@seville/packet";
import { Link } from "@seville/sim";
import { describe, expect, test } from "vitest";
import { openUdp, type Host, type NetInterface } from "../src/index.ts";
import { createOffloadNic, installSegmenter, setFeature } from "../src/offload/index.ts";
import { sendSuper, TCP_HEADER } from "./support/super-packet.ts";
import { assign, bytes, World } from "./support/world.ts";

/** Two hosts and a router between them; the router's NICs see whole flows in one poll, so GRO has something to merge. */
interface Forwarding {
  readonly world: World;
  readonly a: Host;
  readonly r: Host;
  readonly b: Host;
  readonly left: NetInterface;
  readonly right: NetInterface;
  /** Frames from the router to `b`. */
  readonly wire: Uint8Array[];
  /** What the router posts to its NIC on the right. */
  readonly posted: { readonly pieces: number; readonly isSplit: boolean; readonly bytes: number }[];
}

function forwarding(profile = "tunnel-offload"): Forwarding {
  const world = new World();
  const [a, r, b] = [world.host("a"), world.host("r"), world.host("b")];
  const links = ["ar", "rb"].map((name) => new Link({ scheduler: world.simulator, random: world.random, name }));
  const nics: Nic[] = [];
  const add = (host: Host, end: Link["a"], name: string, addresses: readonly string[]): NetInterface => {
    installSegmenter(host);
    const nic = createOffloadNic(host, end, { profile: profileOf(profile) });
    nic.setCoalesce({ usecs: 50, frames: 0 });
    nics.push(nic);
    const iface = host.interfaces.add(nic, { name, up: true });
    assign(iface, addresses);
    return iface;
  };
  const [ar, rb] = links as [Link, Link];
  add(a, ar.a, "eth0", ["10.0.1.1/24", "2001:db8:1::1/64"]);
  const left = add(r, ar.b, "left", ["10.0.1.2/24", "2001:db8:1::2/64"]);
  const right = add(r, rb.a, "right", ["10.0.2.2/24", "2001:db8:2::2/64"]);
  add(b, rb.b, "eth0", ["10.0.2.1/24", "2001:db8:2::1/64"]);
  r.sysctls.set("net.ipv4.ip_forward", 1);
  r.sysctls.set("net.ipv6.conf.all.forwarding", 1);
  for (const [host, via4, via6] of [
    [a, "10.0.1.2", "2001:db8:1::2"],
    [b, "10.0.2.2", "2001:db8:2::2"],
  ] as const) {
    host.ipv4.fib.add({ destination: parseIp("0.0.0.0"), prefixLength: 0, gateway: parseIp(via4) });
    host.ipv6.fib.add({ destination: parseIp("::"), prefixLength: 0, gateway: parseIp(via6) });
  }
  const wire: Uint8Array[] = [];
  rb.tap({
    frame(direction, point, frame) {
      if (direction === "aToB" && point === "sent") wire.push(frame.bytes().slice());
    },
  });
  const posted: Forwarding["posted"] = [];
  world.runMs(3000);
  // Neighbours on both sides are asked for beforehand.
  for (const to of ["10.0.2.1", "2001:db8:2::1"]) {
    openUdp(a, { family: to.includes(":") ? 6 : 4 }).send(bytes("hello"), { address: to, port: 9 });
  }
  world.runMs(100);
  wire.length = 0;
  nics[2]?.observe({
    posted: ({ packet, segmentation }) =>
      posted.push({
        pieces: packet.fragList?.length ?? 0,
        isSplit: segmentation !== undefined,
        bytes: packet.totalLength,
      }),
  });
  return { world, a, r, b, left, right, wire, posted };
}

/** Takes TCP on `host`; `whole`: as it comes. */
function sink(host: Host, whole: boolean): { pieces: number[]; bytes: number } {
  const got = { pieces: [] as number[], bytes: 0 };
  host.registerProtocol(6, {
    name: "sink",
    takesFragments: whole,
    receive(packet: Packet) {
      got.pieces.push(packet.fragList?.length ?? 0);
      got.bytes += packet.totalLength - TCP_HEADER;
      packet.release();
    },
  });
  return got;
}

const FAMILIES = ["10.0.2.1", "2001:db8:2::1"] as const;

describe("U22 super-packets stay whole where nobody must read beyond their headers", () => {
  test.each(FAMILIES)("forwarded to a device that splits them, the payload is not moved: %s", (to) => {
    const { world, a, r, b, wire, posted } = forwarding();
    const got = sink(b, true);
    sendSuper(a, to, 14_000, 1400);
    world.runMs(20);
    const header = (to.includes(":") ? 40 : 20) + 14 + TCP_HEADER;
    // GRO joined ten frames; they leave the router as one descriptor, still in the slots in which they came.
    expect(posted).toEqual([{ pieces: 9, isSplit: true, bytes: 14_000 + header }]);
    expect(wire.map(({ length }) => length)).toEqual(Array.from({ length: 10 }, () => 1400 + header));
    expect(got.bytes).toBe(14_000);
    expect(r.drops.counts.size).toBe(0);
  });

  test.each(FAMILIES)("forwarded to a device that does not, software splits them: %s", (to) => {
    const { world, a, b, wire, posted, right } = forwarding();
    setFeature(right, "tso", false);
    const got = sink(b, false);
    sendSuper(a, to, 14_000, 1400);
    world.runMs(20);
    expect(posted).toHaveLength(10);
    expect(wire).toHaveLength(10);
    expect(got.bytes).toBe(14_000);
  });

  test("octets are counted with all pieces", () => {
    const { world, a, r, b, left, right } = forwarding();
    sink(b, true);
    const before = [left.stats.rx_bytes, right.stats.tx_bytes, r.mib.ipExt.InOctets, r.mib.ipExt.OutOctets];
    sendSuper(a, "10.0.2.1", 14_000, 1400);
    world.runMs(20);
    const after = [left.stats.rx_bytes, right.stats.tx_bytes, r.mib.ipExt.InOctets, r.mib.ipExt.OutOctets];
    const [rx, tx, inOctets, outOctets] = after.map((value, i) => value - (before[i] as number));
    expect([rx, tx]).toEqual([14_054, 14_054]);
    expect([inOctets, outOctets]).toEqual([14_040, 14_040]);
  });

  test("delivered to a protocol that reads pieces as it came; to any other in one piece", () => {
    for (const whole of [true, false]) {
      const { world, a, b } = forwarding();
      const got = sink(b, whole);
      sendSuper(a, "10.0.2.1", 14_000, 1400);
      world.runMs(20);
      expect(got).toEqual({ pieces: [whole ? 9 : 0], bytes: 14_000 });
    }
  });

  test("a tap reads packets in one piece, so while one listens they are brought together", () => {
    const { world, a, b } = forwarding();
    const seen: number[] = [];
    b.taps.add((packet, _iface, direction) => {
      if (direction === "in") seen.push(packet.length);
    });
    sink(b, true);
    sendSuper(a, "10.0.2.1", 14_000, 1400);
    world.runMs(20);
    expect(seen).toContain(14_054);
  });
});

describe("U23 S15 LRO and forwarding", () => {
  test("whoever forwards has it off (dev_disable_lro), from the beginning and from the moment that it begins", () => {
    const { r, left } = forwarding();
    const device = left.device as unknown as Nic;
    expect(device.device.features.features.has("LRO")).toBe(false);
    r.sysctls.set("net.ipv4.ip_forward", 0);
    r.sysctls.set("net.ipv6.conf.all.forwarding", 0);
    expect(setFeature(left, "lro", true).refused).toEqual([]);
    expect(device.device.features.features.has("LRO")).toBe(true);
    r.sysctls.set("net.ipv4.conf.all.forwarding", 1);
    expect(device.device.features.features.has("LRO")).toBe(false);
    expect(device.device.features.wantedFeatures.has("LRO")).toBe(false);
    r.sysctls.set("net.ipv4.ip_forward", 0);
    setFeature(left, "lro", true);
    r.sysctls.set("net.ipv6.conf.all.forwarding", 1);
    expect(device.device.features.features.has("LRO")).toBe(false);
  });

  test.each(FAMILIES)("switched on again all the same, what it merges is not forwarded (skb_warn_if_lro): %s", (to) => {
    const { world, a, r, b, left, wire } = forwarding();
    const got = sink(b, true);
    setFeature(left, "lro", true);
    sendSuper(a, to, 14_000, 1400);
    world.runMs(20);
    expect(wire).toEqual([]);
    expect(got.bytes).toBe(0);
    expect([...r.drops.counts]).toEqual([["NOT_SPECIFIED", 1]]);
  });

  test("delivered to the host itself it is as good as any", () => {
    const { world, a, r, left } = forwarding();
    const got = sink(r, true);
    setFeature(left, "lro", true);
    sendSuper(a, "10.0.1.2", 14_000, 1400);
    world.runMs(20);
    // Nobody can split it, so it comes in one piece even to who reads pieces.
    expect(got).toEqual({ pieces: [0], bytes: 14_000 });
  });

  test("GRO_HW's packets are forwarded like GRO's", () => {
    const { world, a, b, left, posted } = forwarding();
    const got = sink(b, true);
    setFeature(left, "rx-gro-hw", true);
    sendSuper(a, "10.0.2.1", 14_000, 1400);
    world.runMs(20);
    expect(posted).toMatchObject([{ pieces: 9, isSplit: true }]);
    expect(got.bytes).toBe(14_000);
  });
});
