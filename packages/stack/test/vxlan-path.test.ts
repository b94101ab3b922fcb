import { millis } from "@seville/core";
import { parseIpv4, parseIpv6, type IpAddress } from "@seville/packet";
import { describe, expect, test } from "vitest";
import { openUdp, startPing, type Host, type NetInterface } from "../src/index.ts";
import { createVxlan, type VxlanNetwork, type VxlanNetworkConfig } from "../src/tunnel/index.ts";
import { dropsOf, sniff } from "./support/packets.ts";
import { assign, bytes, codeOf, pair, route, World, type Pair } from "./support/world.ts";

const UNDERLAY = { 4: ["10.0.0.1", "10.0.0.2"], 6: ["2001:db8::1", "2001:db8::2"] } as const;
const parse = (text: string): IpAddress => (text.includes(":") ? parseIpv6(text) : parseIpv4(text));

interface Site {
  readonly host: Host;
  readonly vx: NetInterface;
  readonly device: VxlanNetwork;
}

/** A VXLAN with a list of ends between two hosts: 192.168.0.1 and .2, fd00::1 and ::2. */
function vxlanPair(
  config: Partial<VxlanNetworkConfig> = {},
  { underlay = 4, mtu = 1500 }: { readonly underlay?: 4 | 6; readonly mtu?: number } = {},
): Pair & { readonly sites: [Site, Site] } {
  const made = pair();
  const sites = [made.a, made.b].map((host, i): Site => {
    const [local, remote] = [UNDERLAY[underlay][i]!, UNDERLAY[underlay][1 - i]!];
    const device = createVxlan(host, { id: 7, local: parse(local), remotes: [{ ip: parse(remote) }], ...config });
    const vx = host.interfaces.add(device, { name: "vx0", up: true, mtu });
    assign(vx, [`192.168.0.${i + 1}/24`, `fd00::${i + 1}/64`]);
    return { host, vx, device };
  }) as [Site, Site];
  made.world.runMs(20);
  return { ...made, sites };
}

/** Sends a datagram with DF that makes an IP packet of `length` bytes; whether it arrives, and the error of the next one. */
function probe(world: World, from: Host, to: Host, address: string, length: number) {
  const family = address.includes(":") ? 6 : 4;
  const server = openUdp(to, { family });
  server.bind({ port: 9002 });
  const client = openUdp(from, { family });
  client.set(family === 4 ? "IP_MTU_DISCOVER" : "IPV6_MTU_DISCOVER", 2);
  client.connect({ address, port: 9002 });
  client.send(new Uint8Array(length - (family === 4 ? 28 : 48)));
  world.runMs(20);
  const arrived = server.recv() !== undefined;
  const error = codeOf(() => client.send(bytes("x")));
  world.runMs(20);
  for (const socket of [server, client]) socket.close();
  return { arrived, error };
}

describe("U11 a VXLAN with several ends looks at the path to each (skb_tunnel_check_pmtu; T10)", () => {
  test.each([
    ["IPv4 with DF", 4, 1450],
    ["IPv6", 6, 1430],
  ] as const)("over %s: the largest packet passes, one byte more is told to its source", (_name, underlay, room) => {
    for (const address of ["192.168.0.2", "fd00::2"]) {
      const { world, a, b, sites } = vxlanPair({ df: "set" }, { underlay });
      const { vx } = sites[0];
      // Each knows where the other is.
      startPing(a, address, { count: 1 });
      world.runMs(20);
      const drops = dropsOf(a);
      expect(probe(world, a, b, address, room)).toEqual({ arrived: true, error: undefined });
      expect(vx.stats.tx_errors).toBe(0);
      expect(probe(world, a, b, address, room + 1)).toEqual({ arrived: false, error: "EMSGSIZE" });
      expect(drops).toEqual(["PKT_TOO_BIG"]);
      expect(vx.stats).toMatchObject({ tx_errors: 1, tx_dropped: 0 });
      const learned = address.includes(":")
        ? a.ipv6.exceptions.mtu(parseIpv6(address), a.now)
        : a.ipv4.exceptions.mtu(parseIpv4(address), a.now);
      expect(learned).toBe(room);
    }
  });

  test("over IPv4 without DF it goes in outer fragments, and what fits is remembered all the same", () => {
    const { world, a, b } = vxlanPair();
    expect(probe(world, a, b, "192.168.0.2", 1451)).toEqual({ arrived: true, error: undefined });
    expect(a.mib.ip.FragCreates).toBe(2);
    expect(b.mib.ip.ReasmOKs).toBe(1);
    expect(a.ipv4.exceptions.mtu(parseIpv4("192.168.0.2"), a.now)).toBe(1450);
  });

  test("what the underlay's path was found to carry counts, not its interface alone", () => {
    const { world, a, b } = vxlanPair({ df: "set" });
    startPing(a, "192.168.0.2", { count: 1 });
    world.runMs(20);
    a.ipv4.exceptions.learnMtu(parseIpv4("10.0.0.2"), 1400, false, 600, a.now);
    expect(probe(world, a, b, "192.168.0.2", 1350)).toEqual({ arrived: true, error: undefined });
    expect(probe(world, a, b, "192.168.0.2", 1351)).toEqual({ arrived: false, error: "EMSGSIZE" });
  });

  test("of the ends that a frame goes to, only those get it whose path carries it", () => {
    const world = new World();
    const r = world.router("r");
    const hosts = [1, 2, 3].map((i) => {
      const host = world.host(`h${i}`);
      world.link([host, "eth0", `10.0.${i}.1/24`], [r, `eth${i}`, `10.0.${i}.254/24`]);
      route(host, "0.0.0.0/0", `10.0.${i}.254`);
      return host;
    });
    const addresses = [1, 2, 3].map((i) => parseIpv4(`10.0.${i}.1`));
    const devices = hosts.map((host, i) => {
      const remotes = addresses.filter((_, j) => j !== i).map((ip) => ({ ip }));
      const vx = host.interfaces.add(createVxlan(host, { id: 7, local: addresses[i]!, remotes, df: "set" }), {
        name: "vx0",
        up: true,
      });
      assign(vx, [`192.168.0.${i + 1}/24`]);
      return vx;
    });
    world.runMs(20);
    const [one, two, three] = hosts as [Host, Host, Host];
    one.ipv4.exceptions.learnMtu(addresses[1]!, 1400, false, 600, one.now);
    const servers = [two, three].map((host) => {
      const server = openUdp(host);
      server.bind({ port: 9002 });
      return server;
    });
    const drops = dropsOf(one);
    const client = openUdp(one);
    client.set("SO_BROADCAST", 1);
    client.set("IP_MTU_DISCOVER", 2);
    client.send(new Uint8Array(1372), { address: "192.168.0.255", port: 9002 });
    world.runMs(20);
    expect(servers.map((server) => server.recv()?.data.length)).toEqual([undefined, 1372]);
    expect(drops).toEqual(["PKT_TOO_BIG"]);
    expect(devices[0]!.stats.tx_errors).toBe(1);
  });

  test("an inner source behind a router gets the ICMP, with the right MTU", () => {
    const { world, a, b, sites } = vxlanPair({ df: "set" }, { mtu: 9000 });
    const s = world.host("s");
    world.link([s, "eth0", "172.16.0.1/24", "fd01::1/64"], [a, "eth1", "172.16.0.254/24", "fd01::fe/64"], {
      mtu: 9000,
    });
    for (const iface of [s.interfaces.named("eth0"), a.interfaces.named("eth1")]) {
      iface.host.interfaces.setMtu(iface, 9000);
    }
    route(s, "0.0.0.0/0", "172.16.0.254");
    route(s, "::/0", "fd01::fe");
    route(b, "172.16.0.0/24", "192.168.0.1");
    route(b, "fd01::/64", "fd00::1");
    a.sysctls.set("net.ipv4.ip_forward", 1);
    a.sysctls.set("net.ipv6.conf.all.forwarding", 1);
    world.runMs(20);
    for (const address of ["192.168.0.2", "fd00::2"]) {
      startPing(s, address, { count: 1 });
      world.runMs(20);
      expect(probe(world, s, b, address, 1450)).toEqual({ arrived: true, error: undefined });
      expect(probe(world, s, b, address, 1451)).toEqual({ arrived: false, error: "EMSGSIZE" });
    }
    expect(s.ipv4.exceptions.mtu(parseIpv4("192.168.0.2"), s.now)).toBe(1450);
    expect(s.ipv6.exceptions.mtu(parseIpv6("fd00::2"), s.now)).toBe(1450);
    expect(sites[0].vx.stats.tx_errors).toBe(2);
  });

  test("no way to an end: carrier errors; an end that is behind the VXLAN itself: collisions (T15)", () => {
    const { world, a, sites } = vxlanPair({ remotes: [{ ip: parseIpv4("203.0.113.9") }] });
    const { vx } = sites[0];
    const drops = dropsOf(a);
    openUdp(a).send(bytes("x"), { address: "192.168.0.2", port: 1 });
    world.runMs(20);
    expect(new Set(drops)).toEqual(new Set(["IP_OUTNOROUTES"]));
    expect(vx.stats.tx_carrier_errors).toBeGreaterThan(0);
    expect(vx.stats.tx_errors).toBe(vx.stats.tx_carrier_errors);
    a.ipv4.fib.add({ destination: parseIpv4("203.0.113.0"), prefixLength: 24, dev: vx });
    world.runMs(1500);
    expect(new Set(drops)).toEqual(new Set(["IP_OUTNOROUTES", "RECURSION_LIMIT"]));
    expect(vx.stats.collisions).toBeGreaterThan(0);
  });

  test("the outer TTL is the route's, as of the other tunnels", () => {
    const { world, a } = vxlanPair();
    const outer = sniff(a, a.interfaces.named("eth0"));
    a.ipv4.fib.add({
      destination: parseIpv4("10.0.0.2"),
      prefixLength: 32,
      dev: a.interfaces.named("eth0"),
      metrics: { hoplimit: 33 },
    });
    startPing(a, "192.168.0.2", { count: 1 });
    world.runMs(20);
    expect(new Set(outer.filter((packet) => packet[9] === 17).map((packet) => packet[8]))).toEqual(new Set([33]));
  });
});

/** Inner EtherTypes, and for ICMPv6 the type, of the frames on the underlay; but reports of groups, which routers want. */
function innerKinds(outer: readonly Uint8Array[]): string[] {
  return outer
    .filter((packet) => packet[9] === 17)
    .map((packet) => packet.subarray(20 + 8 + 8))
    .filter((frame) => frame[12] !== 0x86 || frame[20] === 58)
    .map((frame) => {
      const type = ((frame[12] as number) << 8) | (frame[13] as number);
      return type === 0x86dd ? `icmpv6 ${frame[54] ?? 0}` : type === 0x0806 ? "arp" : "ipv4";
    });
}

describe("U13 ARP and ND suppression between two hosts (arp_reduce, neigh_reduce; V5)", () => {
  const known = (sites: readonly [Site, Site]): void => {
    for (const [i, { device }] of sites.entries()) {
      const other = sites[1 - i] as Site;
      device.engine.setNeighbour(parseIpv4(`192.168.0.${2 - i}`), other.vx.mac);
      device.engine.setNeighbour(parseIpv6(`fd00::${2 - i}`), other.vx.mac);
    }
  };

  test.each(["192.168.0.2", "fd00::2"])(
    "ping %s: both find each other, and no question crosses the underlay",
    (address) => {
      const { world, a, b, sites } = vxlanPair({ proxy: true });
      known(sites);
      const crossed = [sniff(a, a.interfaces.named("eth0")), sniff(b, b.interfaces.named("eth0"))];
      const ping = startPing(a, address, { count: 3, interval: millis(10) });
      world.runMs(100);
      expect(ping.report()).toMatchObject({ transmitted: 3, received: 3 });
      const kinds = crossed.map(innerKinds);
      expect(kinds).toEqual(
        address.includes(":")
          ? [Array(3).fill("icmpv6 128"), Array(3).fill("icmpv6 129")]
          : [Array(3).fill("ipv4"), Array(3).fill("ipv4")],
      );
      expect(sites[0].vx.stats).toMatchObject({ tx_errors: 0, tx_dropped: 0, rx_errors: 0, rx_dropped: 0 });
    },
  );

  test("what is not known goes nowhere with `proxy`, and on with `neighSuppress`", () => {
    for (const [config, received] of [
      [{ proxy: true }, 0],
      [{ neighSuppress: true }, 1],
    ] as const) {
      const { world, a, sites } = vxlanPair(config);
      known(sites);
      assign(sites[1].vx, ["192.168.0.99/24"]);
      const outer = sniff(a, a.interfaces.named("eth0"));
      const ping = startPing(a, "192.168.0.99", { count: 1 });
      world.runMs(500);
      expect(ping.report().received).toBe(received);
      expect(innerKinds(outer).filter((kind) => kind === "arp")).toHaveLength(received);
    }
  });

  test("a neighbour that is forgotten is asked for again, and answers itself", () => {
    const { world, a, sites } = vxlanPair({ neighSuppress: true });
    known(sites);
    sites[0].device.engine.setNeighbour(parseIpv4("192.168.0.2"), undefined);
    const outer = sniff(a, a.interfaces.named("eth0"));
    const ping = startPing(a, "192.168.0.2", { count: 1 });
    world.runMs(50);
    expect(ping.report().received).toBe(1);
    expect(innerKinds(outer)).toEqual(["arp", "ipv4"]);
  });
});
