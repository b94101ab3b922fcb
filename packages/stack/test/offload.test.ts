import { millis } from "@seville/core";
import { FeatureSet, profileOf, PROFILES } from "@seville/netdev";
import { parseIpv4 } from "@seville/packet";
import { Link } from "@seville/sim";
import { describe, expect, test } from "vitest";
import { testWith } from "../../../tools/testing/needs.ts";
import { createDummy, openUdp, startPing, type Host, type NetInterface } from "../src/index.ts";
import { createOffloadNic, installSegmenter, setFeature } from "../src/offload/index.ts";
import { sendSuper, TCP_HEADER } from "./support/super-packet.ts";
import { addTunnel, ends, tunnelComplaints, TUNNELS } from "./support/tunnels.ts";
import { assign, bytes, codeOf, pair, World } from "./support/world.ts";

const wire: Uint8Array[] = [];

interface NicPair {
  readonly world: World;
  readonly a: Host;
  readonly b: Host;
  readonly eth: NetInterface;
  readonly peer: NetInterface;
}

/** Two hosts with NICs of `profile`, whose frames are kept as they are on the wire. */
function nicPair(profile: string): NicPair {
  const world = new World();
  const link = new Link({ scheduler: world.simulator, random: world.random, name: "wire" });
  const [a, b] = [world.host("a"), world.host("b")];
  const [eth, peer] = ([a, b] as const).map((host, i) => {
    installSegmenter(host);
    const nic = createOffloadNic(host, i === 0 ? link.a : link.b, { profile: profileOf(profile) });
    const iface = host.interfaces.add(nic, { name: "eth0", up: true });
    assign(iface, [`10.0.0.${i + 1}/24`, `2001:db8::${i + 1}/64`]);
    return iface;
  }) as [NetInterface, NetInterface];
  link.tap({
    frame(_direction, point, frame) {
      if (point === "sent") wire.push(frame.bytes().slice());
    },
  });
  world.runMs(10);
  return { world, a, b, eth, peer };
}

/** Takes TCP on `host`: how long each packet's payload was, and all of it. */
function tcpSink(host: Host): { sizes: number[]; data: number[] } {
  const got = { sizes: [] as number[], data: [] as number[] };
  host.registerProtocol(6, {
    name: "sink",
    receive(packet) {
      got.sizes.push(packet.length - TCP_HEADER);
      got.data.push(...packet.bytes().subarray(TCP_HEADER));
      packet.release();
    },
  });
  return got;
}

const expected = (length: number): number[] => Array.from({ length }, (_, i) => (i * 7) & 0xff);

describe("U20 a NIC of every profile carries ping, UDP and TCP super-packets", () => {
  test.each(PROFILES.map(({ name }) => name))("%s", (profile) => {
    const { world, a, b } = nicPair(profile);
    const got = tcpSink(b);
    const pings = ["10.0.0.2", "2001:db8::2"].map((to) => startPing(a, to, { count: 2, interval: millis(10) }));
    const server = openUdp(b, { family: 6 });
    server.bind({ port: 9001 });
    openUdp(a).send(bytes("four"), { address: "10.0.0.2", port: 9001 });
    openUdp(a, { family: 6 }).send(bytes("six"), { address: "2001:db8::2", port: 9001 });
    world.runMs(50);
    for (const ping of pings) expect(ping.report().received).toBe(2);
    expect([server.recv(), server.recv()].map((it) => it?.data.length).sort()).toEqual([3, 4]);
    for (const to of ["10.0.0.2", "2001:db8::2"]) {
      got.data.length = 0;
      sendSuper(a, to, 14_000, 1400);
      world.runMs(20);
      expect(got.data).toEqual(expected(14_000));
    }
    expect(b.drops.counts.size).toBe(0);
  });
});

describe("U21 super-packets through tunnels", () => {
  const cases = PROFILES.flatMap(({ name }) =>
    ["vxlan", "vxlan without outer checksum", "geneve", "gre", "gretap key csum", "ipip", "sit"].map(
      (tunnel) => [name, tunnel] as const,
    ),
  );
  test.each(cases)("%s under %s", (profile, name) => {
    const { world, a, b } = nicPair(profile);
    const got = tcpSink(b);
    const [local, remote] = ends(4);
    const { make } = TUNNELS[name]!;
    const tunnelA = addTunnel(a, "tun0", make({ local, remote }), { mtu: 1400 });
    const tunnelB = addTunnel(b, "tun0", make({ local: remote, remote: local }), { mtu: 1400 });
    const [to, own, other] =
      name === "sit" ? ["fd00::2", "fd00::1/64", "fd00::2/64"] : ["192.168.0.2", "192.168.0.1/24", "192.168.0.2/24"];
    assign(tunnelA, [own]);
    assign(tunnelB, [other]);
    world.runMs(10);
    sendSuper(a, to, 10_000, 1300);
    world.runMs(30);
    expect(got.data).toEqual(expected(10_000));
    // Neighbour discovery of the tunnels reaches groups that nobody is in; nothing else is lost.
    for (const host of [a, b]) {
      expect([...host.drops.counts.keys()].filter((reason) => reason !== "IP_INVALID_DEST")).toEqual([]);
    }
  });
});

test("U22 host.segmenter splits for a device without GSO, and for a tunnel in a tunnel (T14)", () => {
  const { world, a, b } = pair();
  const got = tcpSink(b);
  const [local, remote] = ends(4);
  const addresses = ["192.168.0", "192.168.9"];
  for (const [host, from, to, last] of [
    [a, local, remote, 1],
    [b, remote, local, 2],
  ] as const) {
    installSegmenter(host);
    assign(addTunnel(host, "outer", { kind: "vxlan", id: 1, local: from, remote: to }), [`${addresses[0]}.${last}/24`]);
    const inner = { local: parseIpv4(`${addresses[0]}.${last}`), remote: parseIpv4(`${addresses[0]}.${3 - last}`) };
    assign(addTunnel(host, "inner", { kind: "vxlan", id: 2, ...inner }, { mtu: 1400 }), [`${addresses[1]}.${last}/24`]);
  }
  world.runMs(10);
  sendSuper(a, "192.168.9.2", 9000, 1300);
  world.runMs(30);
  expect(got.data).toEqual(expected(9000));
  expect(got.sizes).toEqual([1300, 1300, 1300, 1300, 1300, 1300, 1200]);
});

test("U22 without a segmenter a super-packet for a plain device is dropped and counted", () => {
  const { world, a } = pair();
  // The neighbour must be known: what waits for it is dropped for another reason.
  startPing(a, "10.0.0.2", { count: 1 });
  world.runMs(10);
  sendSuper(a, "10.0.0.2", 9000, 1300);
  world.runMs(10);
  expect([...a.drops.counts]).toEqual([["PKT_TOO_BIG", 1]]);
  expect(a.interfaces.named("eth0").stats.tx_dropped).toBe(1);
});

describe("U25 a super-packet of which not one segment fits is split first, and each segment fragmented (ip_finish_output_gso)", () => {
  test.each([
    ["IPv4 without DF", "10.0.0.2", 1280],
    ["IPv6 of the host itself", "2001:db8::2", 1280],
  ])("%s", (_, to, mtu) => {
    const { world, a, b, eth, peer } = nicPair("tunnel-offload");
    setFeature(peer, "gro", false);
    const got = tcpSink(b);
    startPing(a, to, { count: 1 });
    world.runMs(10);
    eth.mtu = mtu;
    const before = wire.length;
    sendSuper(a, to, 4000, 1400, false);
    world.runMs(20);
    // What arrives is three segments, not one datagram.
    expect(got.sizes).toEqual([1400, 1400, 1200]);
    expect(got.data).toEqual(expected(4000));
    const frames = wire.slice(before);
    for (const frame of frames) expect(frame.length - 14).toBeLessThanOrEqual(mtu);
    // Two fragments of each that is too long; the last segment fits as it is (RFC 8021: no atomic fragment).
    expect(frames).toHaveLength(5);
    const created = to.includes(":") ? a.mib.ip6.FragCreates : a.mib.ip.FragCreates;
    // ip_do_fragment counts the last segment of IPv4 as well.
    expect(created).toBe(to.includes(":") ? 4 : 5);
  });

  test("with DF it is refused, and one ICMP error says so; without a segmenter it is dropped", () => {
    const { world, a, b, eth } = nicPair("tunnel-offload");
    const got = tcpSink(b);
    startPing(a, "10.0.0.2", { count: 1 });
    world.runMs(10);
    eth.mtu = 1280;
    sendSuper(a, "10.0.0.2", 4000, 1400);
    world.runMs(20);
    expect([got.sizes, a.drops.counts.get("PKT_TOO_BIG"), a.mib.ip.FragFails]).toEqual([[], 3, 3]);
    a.segmenter = undefined;
    sendSuper(a, "10.0.0.2", 4000, 1400, false);
    expect(a.drops.counts.get("PKT_TOO_BIG")).toBe(4);
  });
});

test("U23 GRO brings segments up as one packet; switched off they come one by one", () => {
  const { world, a, b, peer } = nicPair("tunnel-offload");
  const got = tcpSink(b);
  startPing(a, "10.0.0.2", { count: 1 });
  world.runMs(10);
  sendSuper(a, "10.0.0.2", 14_000, 1400);
  world.runMs(10);
  expect(got.sizes.length).toBeLessThan(10);
  got.sizes.length = 0;
  expect(setFeature(peer, "gro", false)).toEqual({ refused: [], messages: [] });
  sendSuper(a, "10.0.0.2", 14_000, 1400);
  world.runMs(10);
  expect(got.sizes).toEqual(Array.from({ length: 10 }, () => 1400));
});

describe("U24 features are switched as by ethtool -K", () => {
  test("what depends on a feature goes with it, and the kernel's words say why (netdev_fix_features)", () => {
    const { eth } = nicPair("tunnel-offload");
    const { refused, messages } = setFeature(eth, "sg", false);
    expect(refused).toEqual([]);
    expect(messages).toContain("Dropping TSO features since no SG feature.");
    expect(setFeature(eth, "tso", true).refused).toContain("TSO");
    expect(setFeature(eth, "NETIF_F_SG", true).refused).toEqual([]);
  });

  test("the kernel's name, ethtool's name, a name that nobody knows, a device that has none", () => {
    const { eth, a } = nicPair("hw-csum");
    expect(setFeature(eth, "NETIF_F_HW_CSUM", false).refused).toEqual([]);
    expect(setFeature(eth, "tx-checksum-ip-generic", true).refused).toEqual([]);
    expect(setFeature(eth, "tx-udp_tnl-segmentation", true).refused).toEqual(["GSO_UDP_TUNNEL"]);
    expect(codeOf(() => setFeature(eth, "warp-drive", true))).toBe("ERR_UNKNOWN_FEATURE");
    expect(codeOf(() => setFeature(a.loopback, "tso", true))).toBe("EOPNOTSUPP");
  });

  test("a device of another package, with features of its own", () => {
    const { a } = nicPair("none");
    const asked: [string, boolean][] = [];
    const device = {
      ...createDummy(),
      fixes: [
        { level: "debug", message: "Dropping NETIF_F_GRO_HW since no RXCSUM feature.", dropped: FeatureSet.NONE },
      ],
      setFeature(word: string, on: boolean): FeatureSet {
        asked.push([word, on]);
        return FeatureSet.of("GRO_HW");
      },
    };
    const iface = a.interfaces.add(device, { name: "tap0" });
    const messages = ["Dropping NETIF_F_GRO_HW since no RXCSUM feature."];
    expect(setFeature(iface, "rx-gro-hw", true)).toEqual({ refused: ["GRO_HW"], messages });
    expect(asked).toEqual([["rx-gro-hw", true]]);
  });

  test("with checksums off the frames are the same, made by the CPU", () => {
    const { world, a, b, eth } = nicPair("hw-csum");
    setFeature(eth, "tx", false);
    const got = tcpSink(b);
    sendSuper(a, "10.0.0.2", 4200, 1400);
    world.runMs(20);
    expect(got.data).toEqual(expected(4200));
  });
});

testWith(["tshark"], "the wire: tshark finds no wrong checksum behind any NIC", () => {
  expect(wire.length).toBeGreaterThan(1000);
  expect(tunnelComplaints(wire)).toEqual([]);
});
