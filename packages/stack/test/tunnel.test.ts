import { createRandom, millis } from "@seville/core";
import { parseIpv4, parseIpv6, type IpAddress } from "@seville/packet";
import type { Tunnel } from "@seville/tunnel-encap";
import { describe, expect, test } from "vitest";
import { openUdp, startPing, type Host, type NetInterface } from "../src/index.ts";
import { createTunnel } from "../src/tunnel/index.ts";
import { testWith } from "../../../tools/testing/needs.ts";
import { frames, unrecorded } from "./support/captures.ts";
import { dropsOf, ipv4Packet, sniff } from "./support/packets.ts";
import {
  addTunnel,
  ends,
  inner,
  innerFamilies,
  sharkFields,
  tunnelComplaints,
  tunnelPair,
  TUNNELS,
} from "./support/tunnels.ts";
import { assign, bytes, codeOf, pair, route, text, World } from "./support/world.ts";

const CASES = Object.entries(TUNNELS).flatMap(([name, { underlays, make }]) =>
  underlays.map((underlay) => [name, underlay, make] as const),
);

describe("U1 every tunnel carries both families over its underlays", () => {
  test.each(CASES)("%s over IPv%i: ping and UDP both ways", (_name, underlay, make) => {
    const { world, a, b, tunnelA, tunnelB } = tunnelPair(make, underlay);
    const [local, remote] = ends(underlay);
    for (const family of innerFamilies(make({ local, remote }))) {
      const there = startPing(a, inner(family, "b"), { count: 2, interval: millis(10) });
      const back = startPing(b, inner(family, "a"), { count: 2, interval: millis(10) });
      const server = openUdp(b, { family });
      server.bind({ port: 9001 });
      const client = openUdp(a, { family });
      client.connect({ address: inner(family, "b"), port: 9001 });
      client.send(bytes("a question of odd length"));
      world.runMs(50);
      const datagram = server.recv();
      expect(text(datagram!.data)).toBe("a question of odd length");
      server.send(bytes("an answer"), datagram);
      world.runMs(50);
      expect(text(client.recv()!.data)).toBe("an answer");
      expect(there.report()).toMatchObject({ transmitted: 2, received: 2 });
      expect(back.report()).toMatchObject({ transmitted: 2, received: 2 });
      for (const socket of [server, client]) socket.close();
    }
    for (const iface of [tunnelA, tunnelB]) {
      expect(iface.stats).toMatchObject({ rx_errors: 0, tx_errors: 0, rx_dropped: 0, tx_dropped: 0 });
    }
    expect(tunnelB.stats.rx_packets).toBe(tunnelA.stats.tx_packets);
    expect(tunnelB.stats.rx_bytes).toBe(tunnelA.stats.tx_bytes);
  });
});

/** s — a ═ b: s sends through the tunnel of a, which is a router. The tunnel's MTU is larger than the path allows. */
function routed(make: (ends: { local: IpAddress; remote: IpAddress }) => Tunnel, underlay: 4 | 6) {
  const world = new World();
  const s = world.host("s");
  const a = world.router("a");
  const b = world.host("b");
  world.link([s, "eth0", "172.16.0.1/24", "fd01::1/64"], [a, "eth1", "172.16.0.254/24", "fd01::fe/64"], { mtu: 9000 });
  world.link([a, "eth0", "10.0.0.1/24", "2001:db8::1/64"], [b, "eth0", "10.0.0.2/24", "2001:db8::2/64"]);
  const [addressA, addressB] = ends(underlay);
  const tunnelA = addTunnel(a, "tun0", make({ local: addressA, remote: addressB }), { mtu: 9000 });
  const tunnelB = addTunnel(b, "tun0", make({ local: addressB, remote: addressA }), { mtu: 9000 });
  assign(tunnelA, ["192.168.0.1/24", "fd00::1/64"]);
  assign(tunnelB, ["192.168.0.2/24", "fd00::2/64"]);
  for (const iface of [s.interfaces.named("eth0"), a.interfaces.named("eth1")])
    iface.host.interfaces.setMtu(iface, 9000);
  route(s, "0.0.0.0/0", "172.16.0.254");
  route(s, "::/0", "fd01::fe");
  route(b, "172.16.0.0/24", "192.168.0.1");
  route(b, "fd01::/64", "fd00::1");
  world.runMs(20);
  return { world, s, a, b, tunnelA };
}

/** Sends a datagram that makes an IP packet of `length` bytes, and says what came of it. */
function probe(world: World, s: Host, b: Host, family: 4 | 6, length: number) {
  const server = openUdp(b, { family });
  server.bind({ port: 9002 });
  const client = openUdp(s, { family });
  if (family === 4) client.set("IP_MTU_DISCOVER", 2);
  else client.set("IPV6_MTU_DISCOVER", 2);
  client.connect({ address: inner(family, "b"), port: 9002 });
  client.send(new Uint8Array(length - (family === 4 ? 28 : 48)));
  world.runMs(20);
  const arrived = server.recv()?.data.length;
  const error = codeOf(() => client.send(bytes("x")));
  world.runMs(20);
  for (const socket of [server, client]) socket.close();
  return { arrived: arrived !== undefined, error };
}

describe("U2 T10 the largest packet that fits passes, one byte more brings the ICMP to the inner source", () => {
  const gre = TUNNELS.gre!.make;
  const greKeyed = TUNNELS["gre key csum seq"]!.make;
  const edges: readonly (readonly [string, typeof gre, 4 | 6, number])[] = [
    ["gre", gre, 4, 1476],
    ["gre with key, checksum and sequence", greKeyed, 4, 1464],
    ["gre", gre, 6, 1448],
    ["ipip", TUNNELS.ipip!.make, 4, 1480],
    ["sit", TUNNELS.sit!.make, 4, 1480],
    ["ip6tnl", TUNNELS.ip6tnl!.make, 6, 1452],
    ["ipip in FOU", TUNNELS["ipip in FOU"]!.make, 4, 1472],
    ["vxlan df set", (it) => ({ kind: "vxlan", id: 1, df: "set", ...it }), 4, 1450],
    ["geneve df set", (it) => ({ kind: "geneve", id: 1, df: "set", ...it }), 4, 1450],
    ["gretap", TUNNELS.gretap!.make, 4, 1462],
  ];
  test.each(edges)("%s: %#", (_name, make, underlay, mtu) => {
    for (const family of innerFamilies(make({ local: ends(underlay)[0], remote: ends(underlay)[1] }))) {
      const { world, s, a, b, tunnelA } = routed(make, underlay);
      const drops = dropsOf(a);
      expect(probe(world, s, b, family, mtu)).toEqual({ arrived: true, error: undefined });
      expect(drops).toEqual([]);
      expect(probe(world, s, b, family, mtu + 1)).toEqual({ arrived: false, error: "EMSGSIZE" });
      expect(drops).toEqual(["PKT_TOO_BIG"]);
      expect(tunnelA.stats).toMatchObject({ tx_errors: 1 });
      const learned =
        family === 4
          ? s.ipv4.exceptions.mtu(parseIpv4("192.168.0.2"), s.now)
          : s.ipv6.exceptions.mtu(parseIpv6("fd00::2"), s.now);
      expect(learned).toBe(mtu);
    }
  });

  test("VXLAN without DF: what is too long goes in outer fragments, as the kernel's does", () => {
    const { world, s, b, a } = routed(TUNNELS.vxlan!.make, 4);
    expect(probe(world, s, b, 4, 1451)).toEqual({ arrived: true, error: undefined });
    expect(a.mib.ip.FragCreates).toBe(2);
    expect(b.mib.ip.ReasmOKs).toBe(1);
  });

  test("the default MTU is what the path leaves, and VXLAN's 1500 unless it is tied to an interface", () => {
    const { a } = pair();
    const mtu = (tunnel: Tunnel, dev?: string): number => createTunnel(a, tunnel, dev === undefined ? {} : { dev }).mtu;
    const [local, remote] = ends(4) as [number, number];
    const [local6, remote6] = ends(6);
    expect(mtu({ kind: "gre", local, remote })).toBe(1476);
    expect(mtu({ kind: "gretap", local, remote })).toBe(1462);
    expect(mtu({ kind: "ipip", local, remote })).toBe(1480);
    expect(mtu({ kind: "ip6tnl", local: local6, remote: remote6 } as Tunnel)).toBe(1452);
    expect(mtu({ kind: "geneve", id: 1, local, remote })).toBe(1450);
    expect(mtu({ kind: "vxlan", id: 1, local, remote })).toBe(1500);
    expect(mtu({ kind: "vxlan", id: 1, local, remote }, "eth0")).toBe(1450);
    expect(mtu({ kind: "vxlan", id: 1, local: local6, remote: remote6 }, "eth0")).toBe(1430);
  });

  test("a smaller MTU on the underlay's path is learned from its ICMP and passed on", () => {
    const { world, s, a, b } = routed(TUNNELS.gre!.make, 4);
    a.ipv4.exceptions.learnMtu(parseIpv4("10.0.0.2"), 1400, false, 600_000_000_000, a.now);
    expect(probe(world, s, b, 4, 1377)).toEqual({ arrived: false, error: "EMSGSIZE" });
    expect(s.ipv4.exceptions.mtu(parseIpv4("192.168.0.2"), s.now)).toBe(1376);
  });

  test("an ICMP about an outer packet lowers what the tunnel takes (ipgre_err)", () => {
    const { world, s, a, b } = routed(TUNNELS.gre!.make, 4);
    const outer = sniff(a, a.interfaces.named("eth0"));
    expect(probe(world, s, b, 4, 1000).arrived).toBe(true);
    const quoted = outer.find((packet) => packet[9] === 47)!.slice(0, 28);
    const message = new Uint8Array(8 + quoted.length);
    message.set([3, 4, 0, 0, 0, 0, 1300 >> 8, 1300 & 255]);
    message.set(quoted, 8);
    const sum = [...message].reduce((total, byte, i) => total + (i % 2 === 0 ? byte << 8 : byte), 0);
    const folded = ~((sum & 0xffff) + (sum >>> 16)) & 0xffff;
    message.set([folded >> 8, folded & 255], 2);
    const eth0 = a.interfaces.named("eth0");
    const packet = ipv4Packet({ protocol: 1, source: "10.0.0.2", destination: "10.0.0.1", payload: message });
    receive(eth0, packet);
    expect(a.ipv4.exceptions.mtu(parseIpv4("10.0.0.2"), a.now)).toBe(1300);
    expect(probe(world, s, b, 4, 1277)).toEqual({ arrived: false, error: "EMSGSIZE" });
  });
});

/** Lets an IP packet come in on `iface`. */
function receive(iface: NetInterface, packet: Uint8Array): void {
  const frame = new Uint8Array(14 + packet.length);
  const view = new DataView(frame.buffer);
  view.setUint16(0, Math.floor(iface.mac / 2 ** 32));
  view.setUint32(2, iface.mac % 2 ** 32);
  frame.set([2, 0, 0, 0, 0, 0x99], 6);
  view.setUint16(12, (packet[0] as number) >>> 4 === 6 ? 0x86dd : 0x0800);
  frame.set(packet, 14);
  iface.receive(iface.host.pool.from(frame)!, iface.host.now);
}

describe("U3 a tunnel that leads into itself ends (T15)", () => {
  test("its remote end routed through it: collisions, and nothing leaves", () => {
    const { world, a, tunnelA } = tunnelPair(TUNNELS.gre!.make, 4);
    a.ipv4.fib.add({ destination: parseIpv4("10.0.0.2"), prefixLength: 32, dev: tunnelA });
    const out = sniff(a, a.interfaces.named("eth0"));
    const drops = dropsOf(a);
    startPing(a, "192.168.0.2", { count: 1 });
    world.runMs(10);
    expect(drops).toEqual(["RECURSION_LIMIT"]);
    expect(tunnelA.stats).toMatchObject({ collisions: 1, tx_errors: 1, tx_packets: 0, tx_bytes: 0 });
    expect(out).toEqual([]);
  });

  test("two tunnels routed through each other end at the limit of nested devices", () => {
    const { a, world } = pair();
    const [local] = ends(4) as [number, number];
    const one = addTunnel(a, "one", { kind: "ipip", local, remote: parseIpv4("172.16.1.1") });
    const two = addTunnel(a, "two", { kind: "ipip", local, remote: parseIpv4("172.16.2.1") });
    a.ipv4.fib.add({ destination: parseIpv4("172.16.1.0"), prefixLength: 24, dev: two });
    a.ipv4.fib.add({ destination: parseIpv4("172.16.2.0"), prefixLength: 24, dev: one });
    const drops = dropsOf(a);
    const socket = openUdp(a);
    socket.send(bytes("around"), { address: "172.16.1.9", port: 9 });
    world.runMs(10);
    expect(drops).toEqual(["RECURSION_LIMIT"]);
  });
});

describe("U4 VXLAN in VXLAN, GRE in VXLAN: tunnels over tunnels", () => {
  test.each(["vxlan", "geneve", "gre", "ipip"])("%s over VXLAN", (name) => {
    const { world, a, b, tunnelA } = tunnelPair(TUNNELS.vxlan!.make, 4, { mtu: 1450 });
    const local = parseIpv4("192.168.0.1");
    const remote = parseIpv4("192.168.0.2");
    const make = (from: number, to: number): Tunnel => {
      const tunnel = TUNNELS[name]!.make({ local: from, remote: to });
      return tunnel.kind === "vxlan" ? { ...tunnel, id: 4242 } : tunnel;
    };
    const deepA = addTunnel(a, "deep", make(local, remote));
    const deepB = addTunnel(b, "deep", make(remote, local));
    for (const [iface, address] of [
      [deepA, "192.168.9.1/24"],
      [deepB, "192.168.9.2/24"],
    ] as const) {
      if (iface.mtu > 1400) iface.host.interfaces.setMtu(iface, 1400);
      assign(iface, [address]);
    }
    const ping = startPing(a, "192.168.9.2", { count: 3, interval: millis(10), size: 1000 });
    world.runMs(100);
    expect(ping.report()).toMatchObject({ transmitted: 3, received: 3 });
    expect(deepB.stats.rx_packets).toBeGreaterThanOrEqual(3);
    expect(tunnelA.stats.tx_packets).toBeGreaterThanOrEqual(deepA.stats.tx_packets);
  });
});

describe("U5 to whom a packet belongs", () => {
  test("a VNI that nobody has is dropped; another's tunnel on the same port gets its own", () => {
    const { world, a, b } = tunnelPair(TUNNELS.vxlan!.make, 4);
    const [local, remote] = ends(4);
    const other = addTunnel(a, "other", { kind: "vxlan", id: 99, local, remote });
    assign(other, ["192.168.7.1/24"]);
    const drops = dropsOf(b);
    openUdp(a).send(bytes("x"), { address: "192.168.7.2", port: 1 });
    world.runMs(10);
    expect(new Set(drops)).toEqual(new Set(["VXLAN_VNI_NOT_FOUND"]));
    const mine = addTunnel(b, "other", { kind: "vxlan", id: 99, local: remote, remote: local });
    assign(mine, ["192.168.7.2/24"]);
    const ping = startPing(a, "192.168.7.2", { count: 1 });
    world.runMs(1500);
    expect(ping.report().received).toBe(1);
    expect(mine.stats.rx_packets).toBeGreaterThan(0);
  });

  test("GRE of a key that nobody has is answered with port unreachable (gre_rcv)", () => {
    const { world, a, b } = pair();
    const [local, remote] = ends(4);
    const one = addTunnel(a, "g1", { kind: "gre", local, remote, ikey: 1, okey: 1 });
    addTunnel(b, "g2", { kind: "gre", local: remote, remote: local, ikey: 2, okey: 2 });
    assign(one, ["192.168.0.1/24"]);
    const drops = dropsOf(b);
    const errors = sniff(b, b.interfaces.named("eth0"));
    openUdp(a).send(bytes("x"), { address: "192.168.0.2", port: 1 });
    world.runMs(10);
    expect(drops).toEqual(["NO_SOCKET"]);
    expect(errors.map((packet) => [packet[9], packet[20], packet[21]])).toEqual([[1, 3, 3]]);
  });

  test("a port that a socket has: EADDRINUSE, and the tunnel stays down", () => {
    const { a } = pair();
    const [local, remote] = ends(4);
    openUdp(a).bind({ port: 4789 });
    const iface = a.interfaces.add(createTunnel(a, { kind: "vxlan", id: 1, local, remote }), { name: "vx" });
    expect(codeOf(() => a.interfaces.setUp(iface))).toBe("EADDRINUSE");
    expect(iface.isUp).toBe(false);
  });

  test("two of the same: EEXIST (vxlan_vni_in_use, ip_tunnel_newlink)", () => {
    const { a } = pair();
    const [local, remote] = ends(4);
    const elsewhere = parseIpv4("10.0.0.9");
    addTunnel(a, "v1", { kind: "vxlan", id: 1, local, remote });
    addTunnel(a, "g1", { kind: "gre", local, remote, ikey: 1, okey: 1 });
    expect(codeOf(() => addTunnel(a, "v2", { kind: "vxlan", id: 1, local, remote: elsewhere }))).toBe("EEXIST");
    expect(codeOf(() => addTunnel(a, "g2", { kind: "gre", local, remote, ikey: 1, okey: 7 }))).toBe("EEXIST");
    const others: readonly Tunnel[] = [
      { kind: "vxlan", id: 1, local, remote, dstport: 8472 },
      { kind: "gre", local, remote, ikey: 2 },
      { kind: "gretap", local, remote, ikey: 1 },
      { kind: "gre", local, remote: elsewhere, ikey: 1 },
    ];
    for (const [i, tunnel] of others.entries()) {
      expect(codeOf(() => addTunnel(a, `t${i}`, tunnel))).toBe(undefined);
    }
  });

  test("the port is free again when the last tunnel on it goes down", () => {
    const { a } = pair();
    const [local, remote] = ends(4);
    const one = addTunnel(a, "one", { kind: "vxlan", id: 1, local, remote });
    const two = addTunnel(a, "two", { kind: "vxlan", id: 2, local, remote });
    a.interfaces.setDown(one);
    expect(codeOf(() => openUdp(a).bind({ port: 4789 }))).toBe("EADDRINUSE");
    a.interfaces.setDown(two);
    expect(codeOf(() => openUdp(a).bind({ port: 4789 }))).toBeUndefined();
  });

  test("a tunnel without a remote end is refused, and a dev that is not there", () => {
    const { a } = pair();
    const [local, remote] = ends(4);
    expect(codeOf(() => createTunnel(a, { kind: "gre", local }))).toBe("ERR_UNSUPPORTED");
    expect(codeOf(() => createTunnel(a, { kind: "gre", local, remote }, { dev: "eth7" }))).toBe("ENODEV");
    expect(codeOf(() => createTunnel(a, { kind: "ipip", local: ends(6)[0], remote }))).toBe("ERR_INVALID_ARGUMENT");
  });
});

describe("U6 errors of the underlay", () => {
  test("no route to the other end: carrier errors, and the inner source is told (dst_link_failure)", () => {
    const { world, a } = pair();
    const [local] = ends(4);
    const iface = addTunnel(a, "g", { kind: "gre", local, remote: parseIpv4("203.0.113.1") });
    assign(iface, ["192.168.0.1/24"]);
    const ping = startPing(a, "192.168.0.2", { count: 1 });
    world.runMs(20);
    expect(iface.stats).toMatchObject({ tx_carrier_errors: 1, tx_errors: 1, tx_packets: 0 });
    expect(ping.report().errors).toBe(1);
  });

  test("an unreachable end is passed on once for each error, within 30 s (err_count)", () => {
    const { world, a, b, tunnelA } = tunnelPair(TUNNELS.gre!.make, 4);
    // Nobody there takes GRE: protocol unreachable comes back.
    b.interfaces.setDown(b.interfaces.named("tun0"));
    const socket = openUdp(a);
    socket.connect({ address: "192.168.0.2", port: 9 });
    socket.set("IP_RECVERR", 1);
    socket.send(bytes("lost"));
    world.runMs(20);
    expect(codeOf(() => socket.send(bytes("told")))).toBeUndefined();
    world.runMs(20);
    expect(codeOf(() => socket.send(bytes("so")))).toBe("EHOSTUNREACH");
    expect(tunnelA.stats.tx_errors).toBe(0);
  });
});

describe("U7 what a tunnel does to the fields of its headers", () => {
  test("TTL: GRE inherits, VXLAN takes the route's; TOS is the configured one; ECN is copied (RFC 6040 §4.1)", () => {
    const { world, a } = tunnelPair((it) => ({ kind: "gre", tos: 0x40, ...it }), 4);
    const out = sniff(a, a.interfaces.named("eth0"));
    startPing(a, "192.168.0.2", { count: 1, ttl: 17, tos: 0x02 });
    world.runMs(20);
    expect(out[0]![8]).toBe(17);
    expect(out[0]![1]).toBe(0x42);
  });

  test("congestion experienced on the way comes to the inner packet (RFC 6040 §4.2; T8)", () => {
    const { world, a, b } = tunnelPair(TUNNELS.vxlan!.make, 4);
    b.hooks.register(4, 0, (packet) => {
      const { view } = b.memory;
      const at = packet.data;
      if (view.getUint8(at + 9) !== 17 || view.getUint16(at + 22) !== 4789) return "accept";
      // A router marks it; the header checksum follows.
      view.setUint8(at + 1, view.getUint8(at + 1) | 3);
      view.setUint16(at + 10, 0);
      let sum = 0;
      for (let i = 0; i < 20; i += 2) sum += view.getUint16(at + i);
      view.setUint16(at + 10, ~((sum & 0xffff) + (sum >>> 16)) & 0xffff);
      return "accept";
    });
    const seen = sniff(b, b.interfaces.named("tun0"));
    const heard: number[] = [];
    b.taps.add((packet, _iface, direction) => {
      const at = packet.data + 14;
      if (direction === "in" && b.memory.view.getUint8(at + 9) === 1) heard.push(b.memory.view.getUint8(at + 1));
    }, b.interfaces.named("tun0"));
    startPing(a, "192.168.0.2", { count: 1, tos: 0x02 });
    startPing(a, "192.168.0.2", { count: 1, tos: 0x00 });
    world.runMs(20);
    expect(heard).toEqual([0x03]);
    expect(seen).toHaveLength(1);
    expect(b.interfaces.named("tun0").stats).toMatchObject({ rx_errors: 1, rx_frame_errors: 1 });
  });
});

describe("U8 6to4: the inner address names the router (RFC 3056)", () => {
  test("two sites reach each other without knowing of each other", () => {
    const { world, a, b } = pair();
    assign(a.interfaces.named("eth0"), ["8.0.0.1/24"]);
    assign(b.interfaces.named("eth0"), ["8.0.0.2/24"]);
    const one = addTunnel(a, "six", { kind: "6to4", local: parseIpv4("8.0.0.1") });
    const two = addTunnel(b, "six", { kind: "6to4", local: parseIpv4("8.0.0.2") });
    assign(one, ["2002:800:1::1/16"]);
    assign(two, ["2002:800:2::1/16"]);
    const ping = startPing(a, "2002:800:2::1", { count: 2, interval: millis(10) });
    world.runMs(50);
    expect(ping.report()).toMatchObject({ transmitted: 2, received: 2 });
  });

  test("a private address is nobody's router (RFC 3964 §5.1)", () => {
    const { world, a } = pair();
    const one = addTunnel(a, "six", { kind: "6to4", local: parseIpv4("10.0.0.1") });
    assign(one, ["2002:a00:1::1/16"]);
    const drops = dropsOf(a);
    openUdp(a, { family: 6 }).send(bytes("private"), { address: "2002:a00:2::1", port: 9 });
    world.runMs(20);
    expect(drops).toEqual(["IP_INVALID_DEST"]);
    expect(one.stats).toMatchObject({ tx_errors: 1, tx_packets: 0 });
  });
});

describe("U10 mutated tunnel packets never throw and leak nothing", () => {
  test.each(CASES.filter(([, underlay]) => underlay === 4))("%s", (_name, underlay, make) => {
    const { world, a, b, tunnelB } = tunnelPair(make, underlay);
    const eth0 = a.interfaces.named("eth0");
    const seen = sniff(a, eth0);
    const family = innerFamilies(make({ local: ends(4)[0], remote: ends(4)[1] }))[0] as 4 | 6;
    startPing(a, inner(family, "b"), { count: 2, interval: millis(10) });
    world.runMs(50);
    const samples = seen.filter((packet) => packet[9] !== 1 && packet[9] !== 58);
    expect(samples.length).toBeGreaterThan(0);
    const random = createRandom(7);
    const drops = dropsOf(b);
    const before = tunnelB.stats.rx_packets;
    unrecorded(() => {
      for (let i = 0; i < 600; i++) {
        const packet = (samples[i % samples.length] as Uint8Array).slice();
        // The outer IP header stays, so that the packet gets as far as the tunnel.
        for (let k = random.below(4); k >= 0; k--) packet[20 + random.below(packet.length - 20)] = random.below(256);
        const cut = i % 3 === 0 ? 20 + random.below(packet.length - 20) : packet.length;
        receive(b.interfaces.named("eth0"), shortened(packet, cut));
        if (i % 50 === 0) world.runMs(1);
      }
      world.runMs(50);
    });
    // What is wrong before a tunnel is known is counted by no device (statistics.ts), and has its reason all the same.
    expect(tunnelB.stats.rx_packets - before + drops.length).toBeGreaterThan(300);
  });
});

/** An IPv4 packet of the first `length` bytes, with a header that says so. */
function shortened(packet: Uint8Array, length: number): Uint8Array {
  const cut = packet.slice(0, length);
  const view = new DataView(cut.buffer);
  view.setUint16(2, length);
  view.setUint16(10, 0);
  let sum = 0;
  for (let at = 0; at < 20; at += 2) sum += view.getUint16(at);
  sum = (sum & 0xffff) + (sum >>> 16);
  view.setUint16(10, ~((sum & 0xffff) + (sum >>> 16)) & 0xffff);
  return cut;
}

testWith(["tshark"], "the wire: tshark decodes every tunnel and finds no wrong checksum at any level", () => {
  expect(frames.length).toBeGreaterThan(200);
  expect(tunnelComplaints(frames)).toEqual([]);
  const protocols = new Set(sharkFields(frames, ["frame.protocols"]).flatMap((line) => line.split(":")));
  for (const name of ["vxlan", "geneve", "gre", "erspan"]) expect([...protocols]).toContain(name);
});
