import { createRandom } from "@seville/core";
import { nd, parseIpv4, parseIpv6, parseMac, type Ipv6Address } from "@seville/packet";
import { Simulator } from "@seville/sim";
import { describe, expect, test } from "vitest";
import { ignoresRequest, senderOfRequest } from "../src/neighbour/arp-policy.ts";
import type { Inet4Interface } from "../src/address/inet-select.ts";
import { neighConf } from "../src/host/sysctl-ipv4.ts";
import {
  IFA_F_DADFAILED,
  IFAPROT_KERNEL_RA,
  makeInterfaceAddress,
  RT_SCOPE_HOST,
  RT_SCOPE_LINK,
  RT_SCOPE_UNIVERSE,
} from "../src/interface/interface-address.ts";
import { PrefixList, type OnLinkPrefix } from "../src/ipv6/prefix-list.ts";
import { AddressLifetimes } from "../src/ipv6/slaac-lifetimes.ts";
import { NEIGH_UPDATE_ADMIN, NUD_STALE, nudStateName } from "../src/neighbour/nud-state.ts";
import { ProxyNeighbours } from "../src/neighbour/proxy.ts";
import { NeighbourTable } from "../src/neighbour/table.ts";
import { icmp6Frame, icmp6Of, LinkWorld, ndBody, PEER_MAC, type WorldOptions } from "./link-world.ts";

const QUIET = { "net.ipv6.conf.eth0.router_solicitations": 0, "net.ipv6.conf.eth0.dad_transmits": 0 };
const LL = "fe80::99";
type Advertisement = Extract<nd.NdMessage, { readonly type: "router-advertisement" }>;

function quiet(options: WorldOptions = {}): LinkWorld {
  const w = new LinkWorld({ ...options, sysctls: { ...QUIET, ...options.sysctls } });
  w.run(2000);
  w.take();
  return w;
}

function ra(fields: Partial<Advertisement> = {}, source = LL): Uint8Array {
  const message = {
    type: "router-advertisement",
    curHopLimit: 0,
    flags: 0,
    routerLifetime: 0,
    reachableTime: 0,
    retransTimer: 0,
    ...fields,
  } as const;
  return icmp6Frame({ source, destination: "ff02::1", body: ndBody(nd.write, nd.lengthOf, message) });
}

function routers(w: LinkWorld): string[] {
  return w.layers.nd
    .of(w.iface)!
    .routers.routes()
    .map((route) => `${route.prefix.toString()}/${route.prefixLength} ${route.router.toString()}`);
}

const pio = (prefix: string, valid: number): nd.NdOption => ({
  kind: "prefix-information",
  prefix: parseIpv6(prefix),
  prefixLength: 64,
  flags: 0xc0,
  validLifetime: valid,
  preferredLifetime: valid,
});
const rio = (prefix: string, prefixLength: number, lifetime = 600, preference = 0): nd.NdOption => ({
  kind: "route-information",
  prefix: parseIpv6(prefix),
  prefixLength,
  preference,
  lifetime,
});

describe("N71 settings that decide what a host believes of a router (ip-sysctl)", () => {
  test("N71 accept_ra_min_hop_limit: a smaller hop limit is not taken", () => {
    const w = quiet({ sysctls: { "net.ipv6.conf.eth0.accept_ra_min_hop_limit": 32 } });
    w.receive(ra({ curHopLimit: 31 }));
    expect(w.iface.v6.conf.hop_limit).toBe(64);
    w.receive(ra({ curHopLimit: 32 }));
    expect(w.iface.v6.conf.hop_limit).toBe(32);
  });

  test("N71 accept_ra_min_lft: routers, prefixes and routes of shorter life are ignored; 0 still takes away", () => {
    const w = quiet({
      sysctls: { "net.ipv6.conf.eth0.accept_ra_min_lft": 180, "net.ipv6.conf.eth0.accept_ra_rt_info_max_plen": 64 },
    });
    w.receive(ra({ routerLifetime: 179, options: [pio("2001:db8:1::", 179), rio("2001:db8:2::", 48, 179)] }));
    expect(routers(w)).toEqual([]);
    expect(w.iface.v6.addresses).toHaveLength(1);
    w.receive(ra({ routerLifetime: 180, options: [pio("2001:db8:1::", 180), rio("2001:db8:2::", 48, 180)] }));
    expect(routers(w)).toEqual([`::/0 ${LL}`, `2001:db8:2::/48 ${LL}`]);
    expect(w.iface.v6.addresses).toHaveLength(2);
    w.receive(ra({ routerLifetime: 0, options: [rio("2001:db8:2::", 48, 0)] }));
    expect(routers(w)).toEqual([]);
  });

  test("N71 accept_ra_from_local 0: what carries an address of ours is not believed", () => {
    const w = quiet();
    const own = "fe80::ff:fe00:1";
    w.receive(ra({ routerLifetime: 1800 }, own));
    expect(routers(w)).toEqual([]);
    w.host.sysctls.setText("net.ipv6.conf.eth0.accept_ra_from_local", "1");
    w.receive(ra({ routerLifetime: 1800 }, own));
    expect(routers(w)).toEqual([`::/0 ${own}`]);
  });

  test("N71 accept_ra_defrtr 0 takes no default route, not even as a route of length 0; accept_ra_rtr_pref 0 no preference", () => {
    const w = quiet({
      sysctls: { "net.ipv6.conf.eth0.accept_ra_defrtr": 0, "net.ipv6.conf.eth0.accept_ra_rt_info_max_plen": 64 },
    });
    w.receive(ra({ routerLifetime: 1800, options: [rio("::", 0), rio("2001:db8:2::", 48)] }));
    expect(routers(w)).toEqual([`2001:db8:2::/48 ${LL}`]);
    const other = quiet({
      sysctls: { "net.ipv6.conf.eth0.accept_ra_rtr_pref": 0, "net.ipv6.conf.eth0.accept_ra_rt_info_max_plen": 64 },
    });
    other.receive(ra({ routerLifetime: 1800, flags: 0x08, options: [rio("2001:db8:2::", 48)] }));
    expect(routers(other)).toEqual([`::/0 ${LL}`]);
    expect(other.layers.nd.of(other.iface)!.routers.defaults()[0]?.preference).toBe(0);
  });

  test("N71 accept_ra_rt_info_min_plen and max_plen bound what routes are taken; by default none but default ones", () => {
    const w = quiet({
      sysctls: {
        "net.ipv6.conf.eth0.accept_ra_rt_info_min_plen": 40,
        "net.ipv6.conf.eth0.accept_ra_rt_info_max_plen": 56,
      },
    });
    w.receive(
      ra({
        options: [rio("2001:db8:2::", 32), rio("2001:db8:2::", 40), rio("2001:db8:2::", 56), rio("2001:db8:2::", 64)],
      }),
    );
    expect(routers(w)).toEqual([`2001:db8::/40 ${LL}`, `2001:db8:2::/56 ${LL}`]);
    const plain = quiet();
    plain.receive(ra({ options: [rio("2001:db8:2::", 48)] }));
    expect(routers(plain)).toEqual([]);
  });

  test("N71 accept_ra_mtu 0 leaves the MTU, M and O are remembered, and becoming a router forgets routers", () => {
    const w = quiet({ sysctls: { "net.ipv6.conf.eth0.accept_ra_mtu": 0 } });
    w.receive(ra({ routerLifetime: 1800, flags: 0xc0, options: [{ kind: "mtu", mtu: 1400 }] }));
    const on = w.layers.nd.of(w.iface)!;
    expect([w.iface.v6.mtu, on.managed, on.otherConfig]).toEqual([1500, true, true]);
    w.host.sysctls.setText("net.ipv6.conf.eth0.forwarding", "1");
    expect(routers(w)).toEqual([]);
  });

  test("N71 ndisc_tclass is the traffic class of what we send, force_tllao adds the option to every answer", () => {
    const w = quiet({ sysctls: { "net.ipv6.conf.eth0.ndisc_tclass": 0xc0, "net.ipv6.conf.eth0.force_tllao": 1 } });
    w.addV6("2001:db8::1/64");
    const body = ndBody(nd.write, nd.lengthOf, {
      type: "neighbor-solicitation",
      target: parseIpv6("2001:db8::1"),
      options: [{ kind: "source-link-layer", mac: parseMac(PEER_MAC) }],
    });
    w.receive(icmp6Frame({ source: "2001:db8::9", destination: "2001:db8::1", body }));
    const answer = w.take().find(({ bytes }) => icmp6Of(bytes)?.type === 136)!;
    expect([answer.bytes[14], answer.bytes[15]]).toEqual([0x6c, 0x00]);
    expect(icmp6Of(answer.bytes)?.body.slice(40)).toBe("0201020000000001");
  });
});

describe("N42 a failed address has another chance", () => {
  test("N42 keep_addr_on_down: what failed is tested anew when the interface comes up", () => {
    const w = new LinkWorld({
      sysctls: { "net.ipv6.conf.eth0.router_solicitations": 0, "net.ipv6.conf.eth0.keep_addr_on_down": 1 },
    });
    w.run(3000);
    w.addV6("2001:db8::1/64", false);
    const own = w.iface.v6.addresses.find(({ address }) => address === parseIpv6("2001:db8::1"))!;
    w.layers.nd.of(w.iface)!.dad.conflict(own, undefined);
    expect(own.flags & IFA_F_DADFAILED).not.toBe(0);
    w.down();
    w.up();
    expect(own.flags & IFA_F_DADFAILED).toBe(0);
    w.run(4000);
    expect(w.host.ipv6.selectSource(parseIpv6("2001:db8::9"), w.iface, 0)).toBe(own.address);
  });

  test("N42 addresses of routers' prefixes that fail are taken away", () => {
    const w = new LinkWorld({ sysctls: { "net.ipv6.conf.eth0.router_solicitations": 0 } });
    w.run(3000);
    w.receive(ra({ options: [pio("2001:db8:1::", 3000)] }));
    const own = w.iface.v6.addresses.find(({ proto }) => proto === IFAPROT_KERNEL_RA)!;
    w.layers.nd.of(w.iface)!.dad.conflict(own, undefined);
    expect(w.iface.v6.addresses).not.toContain(own);
  });
});

describe("N9 proxies that answer for others", () => {
  test("N9 no more than proxy_qlen answers wait, each its own random time, and none after the interface went down", () => {
    const sim = new Simulator();
    const proxies = new ProxyNeighbours<number>(sim, createRandom(1));
    const conf = { ...neighConf(4), proxy_qlen: 4 };
    const times: number[] = [];
    const asked = Array.from({ length: 10 }, () => proxies.later(2, conf, () => times.push(sim.now)));
    // The kernel compares with "more than", so one above the setting waits.
    expect(asked.filter(Boolean)).toHaveLength(5);
    sim.run();
    expect(times).toHaveLength(5);
    expect(Math.max(...times)).toBeLessThan(800e6);
    expect(new Set(times).size).toBe(5);
    proxies.later(2, conf, () => times.push(-1));
    proxies.interfaceDown(2);
    sim.run();
    expect(times).toHaveLength(5);
  });

  test("N9 entries are for one interface or for all, and are listed", () => {
    const proxies = new ProxyNeighbours<number>(new Simulator(), createRandom(1));
    proxies.add(7, 2);
    proxies.add(7, 3);
    proxies.add(8);
    expect([proxies.has(7, 2), proxies.has(7, 4), proxies.has(8, 4)]).toEqual([true, false, true]);
    expect([...proxies.entries()]).toEqual([
      [7, 2],
      [7, 3],
      [8, 0],
    ]);
    proxies.interfaceDown(2);
    expect([...proxies.entries()]).toEqual([
      [7, 3],
      [8, 0],
    ]);
    expect(proxies.remove(9)).toBe(false);
    expect(proxies.remove(8)).toBe(true);
  });
});

describe("N9 arp_ignore and arp_announce, value by value (net/ipv4/arp.c)", () => {
  function iface(...rows: [text: string, scope?: number][]): Inet4Interface {
    const addresses = rows.map(([text, scope = RT_SCOPE_UNIVERSE]) => {
      const [ip = "", length] = text.split("/");
      return makeInterfaceAddress<number>({ address: parseIpv4(ip), prefixLength: Number(length) }, scope, "eth0", 0);
    });
    return { addresses, routeLocalnet: false };
  }
  const lan = iface(["10.0.0.1/24"], ["10.0.1.1/24"]);
  const wan = iface(["192.0.2.1/24"]);
  const lo = iface(["127.0.0.1/8", RT_SCOPE_HOST], ["198.51.100.1/32", RT_SCOPE_HOST]);
  const all = [lan, wan, lo];

  const ignore: [policy: number, sender: string, target: string, ignored: boolean][] = [
    [0, "10.0.0.9", "192.0.2.1", false],
    [0, "10.0.0.9", "198.51.100.1", false],
    [1, "10.0.0.9", "10.0.0.1", false],
    [1, "10.0.0.9", "10.0.1.1", false],
    [1, "10.0.0.9", "192.0.2.1", true],
    [2, "10.0.0.9", "10.0.0.1", false],
    [2, "10.0.0.9", "10.0.1.1", true],
    [2, "172.16.0.9", "10.0.0.1", true],
    [3, "10.0.0.9", "192.0.2.1", false],
    [3, "10.0.0.9", "198.51.100.1", true],
    [4, "10.0.0.9", "198.51.100.1", false],
    [8, "10.0.0.9", "10.0.0.1", true],
  ];
  for (const [policy, sender, target, ignored] of ignore) {
    test(`N9 arp_ignore ${policy}: ${sender} asks eth0 for ${target}: ${ignored ? "silence" : "an answer"}`, () => {
      expect(ignoresRequest(policy, lan, all, parseIpv4(sender), parseIpv4(target))).toBe(ignored);
    });
  }

  const announce: [policy: number, source: string, target: string, sender: string][] = [
    [0, "192.0.2.1", "10.0.0.9", "192.0.2.1"],
    [0, "203.0.113.5", "10.0.0.9", "10.0.0.1"],
    [0, "0.0.0.0", "10.0.1.9", "10.0.1.1"],
    [1, "192.0.2.1", "10.0.0.9", "10.0.0.1"],
    [1, "10.0.1.1", "10.0.1.9", "10.0.1.1"],
    [1, "10.0.1.1", "10.0.0.9", "10.0.0.1"],
    [2, "10.0.1.1", "10.0.0.9", "10.0.0.1"],
    [2, "10.0.1.1", "172.16.0.9", "10.0.0.1"],
  ];
  const own = new Set(["10.0.0.1", "10.0.1.1", "192.0.2.1", "198.51.100.1"].map(parseIpv4));
  for (const [policy, source, target, sender] of announce) {
    test(`N9 arp_announce ${policy}: a packet from ${source} makes us ask for ${target} as ${sender}`, () => {
      const said = senderOfRequest(policy, lan, all, parseIpv4(target), parseIpv4(source), (ip) => own.has(ip));
      expect(said).toBe(parseIpv4(sender));
    });
  }
});

describe("N73 prefixes and lifetimes by themselves", () => {
  test("N73 the prefix list tells of what comes, changes and goes, and who advertised it", () => {
    const sim = new Simulator();
    const log: string[] = [];
    const list = new PrefixList(sim, (prefix: OnLinkPrefix, there) => {
      log.push(`${there ? "+" : "-"}${prefix.prefix.toString()}/${prefix.prefixLength}`);
    });
    const [p, a, b] = ["2001:db8:1::", "fe80::a", "fe80::b"].map(parseIpv6) as [Ipv6Address, Ipv6Address, Ipv6Address];
    list.set(p, 64, 10e9, a);
    list.set(p, 64, 20e9, b);
    expect(list.prefixes()).toEqual([{ prefix: p, prefixLength: 64, expires: 20e9, advertisedBy: [a, b] }]);
    sim.run({ until: 15e9 });
    expect(list.prefixes()).toHaveLength(1);
    sim.run({ until: 21e9 });
    expect(log).toEqual(["+2001:db8:1::/64", "+2001:db8:1::/64", "-2001:db8:1::/64"]);
    list.set(p, 64, 0, a);
    expect(log).toHaveLength(3);
    list.set(p, 64, Infinity, a);
    expect(sim.pending).toBe(0);
    list.clear();
    expect(list.prefixes()).toEqual([]);
  });

  test("N73 an address is deprecated once and expires once, in this order, whatever changes in between", () => {
    const sim = new Simulator();
    const log: string[] = [];
    const lives = new AddressLifetimes(
      sim,
      () => log.push(`deprecated ${sim.now / 1e9}`),
      () => log.push(`gone ${sim.now / 1e9}`),
    );
    const own = makeInterfaceAddress<Ipv6Address>(
      { address: parseIpv6("2001:db8::1"), prefixLength: 64, preferredUntil: 10e9, validUntil: 30e9 },
      RT_SCOPE_LINK,
      "",
      0,
    );
    lives.watch(own);
    sim.run({ until: 15e9 });
    own.preferredUntil = 20e9;
    lives.watch(own);
    lives.watch(own);
    sim.run();
    expect(log).toEqual(["deprecated 10", "deprecated 20", "gone 30"]);
    lives.watch(own);
    lives.forget(own);
    sim.run();
    expect(log).toHaveLength(3);
  });
});

describe("N2 who is asked, in which order", () => {
  test("N2 app_solicit: a daemon is asked before everyone is; after unicast probes in PROBE, mcast_resolicit asks everyone", () => {
    const sim = new Simulator();
    const log: string[] = [];
    const at = (): number => Math.round(sim.now / 1e9);
    const table = new NeighbourTable<number>({
      scheduler: sim,
      random: createRandom(1),
      defaults: neighConf(4),
      operations: {
        solicit: (_neighbour, unicast) => log.push(`${at()} ${unicast ? "unicast" : "everyone"}`),
        askApplication: () => log.push(`${at()} daemon`),
        transmit: (_neighbour, packet) => {
          packet.release();
        },
        unreachable: (_neighbour, packet) => {
          packet.release();
        },
        drop: (packet) => {
          packet.release();
        },
      },
    });
    const conf = { ...neighConf(4), app_solicit: 2, mcast_resolicit: 1, ucast_solicit: 2, mcast_solicit: 1 };
    const device = table.attach(2, "eth0", conf);
    const neighbour = table.create(device, 1)!;
    table.use(neighbour);
    sim.run({ until: 20e9 });
    expect(log).toEqual(["0 daemon", "1 daemon", "2 everyone"]);
    expect(nudStateName(neighbour.nudState)).toBe("FAILED");
    log.length = 0;
    table.update(neighbour, 7, NUD_STALE, NEIGH_UPDATE_ADMIN);
    table.use(neighbour);
    sim.run({ until: 60e9 });
    expect(log).toEqual(["25 unicast", "26 unicast", "27 daemon", "28 daemon", "29 everyone"]);
    expect(nudStateName(neighbour.nudState)).toBe("FAILED");
    table.detach(device);
    expect(neighbour.dead).toBe(true);
    expect(table.collectable).toBe(0);
  });
});

describe("N32 anycast", () => {
  test("N32 RFC 4861 §7.2.7: a router answers for its subnet-router anycast address later and without override", () => {
    const w = quiet({ sysctls: { "net.ipv6.conf.eth0.forwarding": 1 } });
    w.addV6("2001:db8:7::1/64");
    w.take();
    const target = parseIpv6("2001:db8:7::");
    const sllao = { kind: "source-link-layer", mac: parseMac(PEER_MAC) } as const;
    const body = ndBody(nd.write, nd.lengthOf, { type: "neighbor-solicitation", target, options: [sllao] });
    w.receive(icmp6Frame({ source: "2001:db8:7::9", destination: "ff02::1:ff00:0", body }));
    expect(w.take()).toEqual([]);
    w.run(1000);
    const [answer] = w.take().map(({ bytes }) => icmp6Of(bytes)!);
    // Router and solicited, not override.
    expect([answer?.type, answer?.body.slice(0, 2)]).toEqual([136, "c0"]);
    // Its source is an address of the interface, never the anycast one.
    expect(answer?.source).toBe("2001:db8:7::1");
  });
});

describe("N25 which interfaces lend their addresses", () => {
  function two(): { w: LinkWorld; other: LinkWorld["iface"] } {
    const w = quiet();
    w.addV6("2001:db8:1::1/64");
    const device = {
      ...w.iface.device,
      transmit: (packet: { release(): void }) => packet.release(),
      attach: () => undefined,
    };
    const other = w.host.interfaces.add(device, { name: "eth1", mac: 0x0200_0000_0002 });
    return { w, other };
  }

  test("N25 an interface without a global address borrows one, unless use_oif_addrs_only", () => {
    const { w, other } = two();
    const to = parseIpv6("2001:db8:9::1");
    expect(w.host.ipv6.selectSource(to, other, 0)).toBe(parseIpv6("2001:db8:1::1"));
    w.host.sysctls.setText("net.ipv6.conf.eth1.use_oif_addrs_only", "1");
    expect(w.host.ipv6.selectSource(to, other, 0)).toBeUndefined();
  });

  test("N25 an address of another VRF is none to borrow", () => {
    const { w, other } = two();
    const vrf = w.host.interfaces.add(
      { ...other.device, hardHeaderLength: 0, l3mdev: { tableId: 10, receive: () => true, output: () => true } },
      { name: "red" },
    );
    w.host.interfaces.setMaster(other, vrf);
    expect(w.host.ipv6.selectSource(parseIpv6("2001:db8:9::1"), other, 0)).toBeUndefined();
  });
});
