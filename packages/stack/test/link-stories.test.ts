import { createRandom, millis, seconds } from "@seville/core";
import { PacketPool, parseIpv4, parseIpv6, parseMac, type Ipv6Address } from "@seville/packet";
import { Simulator } from "@seville/sim";
import { describe, expect, test } from "vitest";
import { createVethPair } from "../src/device/veth.ts";
import { createHost } from "../src/host/create-host.ts";
import type { Host } from "../src/host/host.ts";
import { addAddress4 } from "../src/interface/addresses4.ts";
import { addAddress6 } from "../src/interface/addresses6.ts";
import {
  IFA_F_DADFAILED,
  IFA_F_DEPRECATED,
  IFA_F_TENTATIVE,
  type InterfaceAddress,
} from "../src/interface/interface-address.ts";
import type { LinkLayers } from "../src/neighbour/install.ts";
import type { NetInterface } from "../src/interface/net-interface.ts";
import { NTF_ROUTER, nudStateName } from "../src/neighbour/nud-state.ts";
import { openUdp } from "../src/socket/open.ts";

/** Two hosts on one wire, with everything on: what the kernel's defaults do. */
class Pair {
  readonly sim = new Simulator();
  readonly pool = new PacketPool({ small: 1024, jumbo: 16, super: 4, wasm: false });
  readonly a: Host;
  readonly b: Host;
  readonly ifA: NetInterface;
  readonly ifB: NetInterface;

  constructor(options: { readonly router?: boolean; readonly seed?: number; readonly sameMac?: boolean } = {}) {
    const random = createRandom(options.seed ?? 3);
    const make = (name: string, sysctls: Record<string, number>): Host =>
      createHost({ name, scheduler: this.sim, pool: this.pool, random, sysctls });
    this.a = make("a", options.router === true ? { "net.ipv6.conf.all.forwarding": 1, "net.ipv4.ip_forward": 1 } : {});
    this.b = make("b", {});
    const [left, right] = createVethPair();
    this.ifA = this.a.interfaces.add(left, { name: "eth0", mac: parseMac("02:00:00:00:0a:01") });
    const macB = options.sameMac === true ? "02:00:00:00:0a:01" : "02:00:00:00:0b:01";
    this.ifB = this.b.interfaces.add(right, { name: "eth0", mac: parseMac(macB) });
    this.a.interfaces.setUp(this.ifA);
    this.b.interfaces.setUp(this.ifB);
  }

  run(ms: number): void {
    this.sim.run({ until: this.sim.now + millis(ms) });
  }

  close(): void {
    this.a.interfaces.setDown(this.ifA);
    this.b.interfaces.setDown(this.ifB);
    this.run(10);
    expect(this.pool.stats.inUse).toBe(0);
  }
}

function linksOf(host: Host): LinkLayers {
  if (host.links === undefined) throw new Error(`${host.name} has no link layers`);
  return host.links;
}

function find(iface: NetInterface, text: string): InterfaceAddress<Ipv6Address> | undefined {
  return iface.v6.addresses.find(({ address }) => address === parseIpv6(text));
}

function passed(iface: NetInterface, text: string): boolean {
  const own = find(iface, text);
  return own !== undefined && (own.flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED)) === 0;
}

function defaultRouter(host: Host): string | undefined {
  const route = [...host.ipv6.fib.routes()].find(
    ({ prefixLength, protocol }) => prefixLength === 0 && protocol === "ra",
  );
  return route?.hops[0]?.gateway?.toString();
}

function advertise(pair: Pair, prefixes: readonly { prefix: string; valid?: number; preferred?: number }[]): void {
  linksOf(pair.a).nd.advertise(pair.ifA, {
    prefixes: prefixes.map(({ prefix, valid, preferred }) => ({
      prefix: parseIpv6(prefix),
      prefixLength: 64,
      ...(valid === undefined ? {} : { validLifetime: valid }),
      ...(preferred === undefined ? {} : { preferredLifetime: preferred }),
    })),
  });
}

describe("N90 a router and a host on a wire", () => {
  test("N90 what is configured by hand stands where a router tells the same (addrconf_prefix_route ignores EEXIST)", () => {
    const pair = new Pair({ router: true });
    addAddress6(pair.ifA, { address: parseIpv6("2001:db8:1::1"), prefixLength: 64 });
    addAddress6(pair.ifB, { address: parseIpv6("2001:db8:1::b"), prefixLength: 64 });
    // The gateway that the router's advertisement will name, at the metric of told routes.
    const { fib } = pair.b.ipv6;
    fib.add({ destination: parseIpv6("::"), prefixLength: 0, gateway: parseIpv6("fe80::ff:fe00:a01"), dev: pair.ifB });
    const routes = (): string[] =>
      [...fib.routes()]
        .filter(({ type, prefixLength }) => type === "unicast" && prefixLength !== 10 && prefixLength !== 128)
        .map(({ destination, prefixLength, protocol }) => `${String(destination)}/${prefixLength} ${protocol}`);
    const byHand = routes();
    advertise(pair, [{ prefix: "2001:db8:1::", valid: 60, preferred: 60 }]);
    pair.run(8000);
    expect(passed(pair.ifB, "2001:db8:1::ff:fe00:b01")).toBe(true);
    linksOf(pair.a).nd.advertise(pair.ifA, undefined);
    pair.run(120_000);
    expect(routes()).toEqual(byHand);
    pair.close();
  });

  test("N90 the host asks, is told, configures itself and reaches the router from its new address", () => {
    const pair = new Pair({ router: true });
    addAddress6(pair.ifA, { address: parseIpv6("2001:db8:1::1"), prefixLength: 64 });
    advertise(pair, [{ prefix: "2001:db8:1::" }]);
    pair.run(8000);
    expect(pair.b.mib.icmp6.OutRouterSolicits).toBeGreaterThanOrEqual(1);
    expect(passed(pair.ifB, "2001:db8:1::ff:fe00:b01")).toBe(true);
    expect(defaultRouter(pair.b)).toBe("fe80::ff:fe00:a01");

    const server = openUdp(pair.a, { family: 6 });
    server.bind({ address: "2001:db8:1::1", port: 5000 });
    const client = openUdp(pair.b, { family: 6 });
    client.send(new TextEncoder().encode("hello"), { address: "2001:db8:1::1", port: 5000 });
    pair.run(100);
    const received = server.recv();
    expect(new TextDecoder().decode(received?.data)).toBe("hello");
    expect(String(received?.address)).toBe("2001:db8:1::ff:fe00:b01");
    server.close();
    client.close();
    pair.close();
  });

  test("N90 RFC 4861 §6.2.5: when the router goes the host forgets its default route at once, its address lives on", () => {
    const pair = new Pair({ router: true });
    advertise(pair, [{ prefix: "2001:db8:1::" }]);
    pair.run(8000);
    expect(defaultRouter(pair.b)).toBe("fe80::ff:fe00:a01");
    linksOf(pair.a).nd.advertise(pair.ifA, undefined);
    pair.run(10);
    expect(defaultRouter(pair.b)).toBeUndefined();
    expect(passed(pair.ifB, "2001:db8:1::ff:fe00:b01")).toBe(true);
    pair.close();
  });

  test("N90 a router that falls silent is forgotten when its lifetime ends", () => {
    const pair = new Pair({ router: true });
    linksOf(pair.a).nd.advertise(pair.ifA, { maxInterval: 4, defaultLifetime: 12 });
    pair.run(20_000);
    expect(defaultRouter(pair.b)).toBe("fe80::ff:fe00:a01");
    // The wire stays; only the router's word does not come any more.
    linksOf(pair.a).nd.of(pair.ifA)!.advertiser = undefined;
    const frozen = linksOf(pair.a).nd.of(pair.ifA)!;
    frozen.iface.adminFlags &= ~1;
    pair.run(12_100);
    expect(defaultRouter(pair.b)).toBeUndefined();
    frozen.iface.adminFlags |= 1;
    pair.close();
  });

  test("N90 renumbering: the old prefix is deprecated, new connections use the new one", () => {
    const pair = new Pair({ router: true });
    advertise(pair, [{ prefix: "2001:db8:1::" }]);
    pair.run(8000);
    advertise(pair, [{ prefix: "2001:db8:1::", valid: 7200, preferred: 0 }, { prefix: "2001:db8:2::" }]);
    pair.run(20_000);
    const old = find(pair.ifB, "2001:db8:1::ff:fe00:b01")!;
    expect(old.flags & IFA_F_DEPRECATED).not.toBe(0);
    expect(pair.b.ipv6.selectSource(parseIpv6("2001:db8:9::1"), pair.ifB, 0)).toBe(
      parseIpv6("2001:db8:2::ff:fe00:b01"),
    );
    pair.close();
  });

  test("N90 the router knows the host as a host, the host the router as a router", () => {
    const pair = new Pair({ router: true });
    advertise(pair, [{ prefix: "2001:db8:1::" }]);
    pair.run(8000);
    const router = linksOf(pair.b).nd.of(pair.ifB)!.neighbours.device.entries.get(parseIpv6("fe80::ff:fe00:a01"))!;
    expect(router.flags & NTF_ROUTER).not.toBe(0);
    const host = linksOf(pair.a).nd.of(pair.ifA)!.neighbours.device.entries.get(parseIpv6("fe80::ff:fe00:b01"))!;
    expect(host.flags & NTF_ROUTER).toBe(0);
    pair.close();
  });

  test("N90 rule 5.5 of RFC 6724: with two prefixes the one that the next hop advertised is used", () => {
    const pair = new Pair({ router: true });
    addAddress6(pair.ifB, { address: parseIpv6("2001:db8:8::1"), prefixLength: 64 });
    advertise(pair, [{ prefix: "2001:db8:1::" }]);
    pair.run(8000);
    // Longest match alone would take the address of 2001:db8:8::/48.
    expect(pair.b.ipv6.selectSource(parseIpv6("2001:db8:9::1"), pair.ifB, 0)).toBe(
      parseIpv6("2001:db8:1::ff:fe00:b01"),
    );
    pair.close();
  });
});

describe("N91 the same address twice (RFC 4862 §5.4)", () => {
  test("N91 who comes second fails and stays silent; who was first keeps the address", () => {
    const pair = new Pair();
    pair.run(4000);
    addAddress6(pair.ifA, { address: parseIpv6("2001:db8::1"), prefixLength: 64 });
    pair.run(4000);
    addAddress6(pair.ifB, { address: parseIpv6("2001:db8::1"), prefixLength: 64 });
    pair.run(4000);
    expect(passed(pair.ifA, "2001:db8::1")).toBe(true);
    expect(find(pair.ifB, "2001:db8::1")!.flags & IFA_F_DADFAILED).not.toBe(0);
    expect(
      [...pair.b.ipv6.fib.routes()].some(
        ({ type, destination }) => type === "local" && destination === parseIpv6("2001:db8::1"),
      ),
    ).toBe(false);
    pair.close();
  });

  test("N91 §5.4.3: both at the same time: whose probe comes first gets it, the other hears the probe and fails", () => {
    for (let seed = 1; seed <= 8; seed++) {
      const pair = new Pair({ seed });
      pair.run(4000);
      for (const iface of [pair.ifA, pair.ifB])
        addAddress6(iface, { address: parseIpv6("2001:db8::1"), prefixLength: 64 });
      const probes: string[] = [];
      for (const [host, iface] of [
        [pair.a, pair.ifA],
        [pair.b, pair.ifB],
      ] as const) {
        host.taps.add((packet, _iface, direction) => {
          const bytes = packet.bytes();
          if (direction === "out" && bytes[20] === 58 && bytes[54] === 135) probes.push(host.name);
        }, iface);
      }
      pair.run(5000);
      const winner = probes[0];
      expect([passed(pair.ifA, "2001:db8::1"), passed(pair.ifB, "2001:db8::1")]).toEqual([
        winner === "a",
        winner === "b",
      ]);
      pair.close();
    }
  });

  test("N91 RFC 7527: the same MAC address on both ends is a real conflict, nonces tell it from a loop", () => {
    const pair = new Pair({ sameMac: true });
    pair.run(6000);
    const own = "fe80::ff:fe00:a01";
    expect(passed(pair.ifA, own) && passed(pair.ifB, own)).toBe(false);
    pair.close();
  });
});

describe("N92 two hosts and IPv4", () => {
  test("N92 one ARP exchange, then packets without questions; the answerer knows the asker, and probes before it trusts", () => {
    const pair = new Pair();
    addAddress4(pair.ifA, { address: parseIpv4("10.0.0.1"), prefixLength: 24 });
    addAddress4(pair.ifB, { address: parseIpv4("10.0.0.2"), prefixLength: 24 });
    pair.run(4000);
    let asked = 0;
    pair.a.taps.add((packet) => {
      if (packet.protocol === 0x0806) asked++;
    }, pair.ifA);
    const server = openUdp(pair.b, { family: 4 });
    server.bind({ address: "10.0.0.2", port: 5000 });
    const client = openUdp(pair.a, { family: 4 });
    for (let i = 0; i < 5; i++) {
      client.send(Uint8Array.of(i), { address: "10.0.0.2", port: 5000 });
      pair.run(10);
    }
    const got: (number | undefined)[] = [];
    for (let each = server.recv(); each !== undefined; each = server.recv()) got.push(each.data[0]);
    expect(got).toEqual([0, 1, 2, 3, 4]);
    expect(asked).toBe(2);
    const ofA = linksOf(pair.a).arp.of(pair.ifA)!.device.entries.get(parseIpv4("10.0.0.2"))!;
    const ofB = linksOf(pair.b).arp.of(pair.ifB)!.device.entries.get(parseIpv4("10.0.0.1"))!;
    expect([nudStateName(ofA.nudState), nudStateName(ofB.nudState)]).toEqual(["REACHABLE", "STALE"]);
    client.close();
    server.close();
    pair.close();
  });

  test("N92 RFC 1122 §2.3.2.2: nobody there: the sender hears EHOSTUNREACH", () => {
    const pair = new Pair();
    addAddress4(pair.ifA, { address: parseIpv4("10.0.0.1"), prefixLength: 24 });
    pair.run(4000);
    const client = openUdp(pair.a, { family: 4 });
    client.connect({ address: "10.0.0.9", port: 5000 });
    client.send(Uint8Array.of(1));
    pair.run(3500);
    expect(pair.a.drops.counts.get("NEIGH_FAILED")).toBe(1);
    client.close();
    pair.close();
  });

  test("N92 a host that moved to another card is found again by unicast probes that fail and a broadcast that does not", () => {
    const pair = new Pair();
    addAddress4(pair.ifA, { address: parseIpv4("10.0.0.1"), prefixLength: 24 });
    addAddress4(pair.ifB, { address: parseIpv4("10.0.0.2"), prefixLength: 24 });
    pair.run(4000);
    const client = openUdp(pair.a, { family: 4 });
    const say = (): void => {
      client.send(Uint8Array.of(1), { address: "10.0.0.2", port: 5000 });
    };
    say();
    pair.run(60_000);
    const entry = (): string =>
      nudStateName(linksOf(pair.a).arp.of(pair.ifA)!.device.entries.get(parseIpv4("10.0.0.2"))!.nudState);
    expect(entry()).toBe("STALE");
    pair.b.interfaces.setMac(pair.ifB, parseMac("02:00:00:00:0b:02"));
    say();
    expect(entry()).toBe("DELAY");
    const probes: number[] = [];
    const stop = pair.a.taps.add((packet) => {
      if (packet.protocol === 0x0806) probes.push(Math.round(pair.sim.now / 1e9));
    }, pair.ifA);
    const start = Math.round(pair.sim.now / 1e9);
    pair.run(9000);
    expect(entry()).toBe("FAILED");
    expect(probes.map((at) => at - start)).toEqual([5, 6, 7]);
    stop();
    say();
    pair.run(10);
    const found = linksOf(pair.a).arp.of(pair.ifA)!.device.entries.get(parseIpv4("10.0.0.2"))!;
    expect([nudStateName(found.nudState), found.lladdr]).toEqual(["REACHABLE", parseMac("02:00:00:00:0b:02")]);
    client.close();
    pair.close();
  });
});

test("N93 the same seed gives the same story, another seed another", () => {
  const story = (seed: number): string => {
    const pair = new Pair({ router: true, seed });
    const log: string[] = [];
    for (const [host, iface] of [
      [pair.a, pair.ifA],
      [pair.b, pair.ifB],
    ] as const) {
      host.taps.add((packet, _iface, direction) => {
        if (direction === "out") log.push(`${host.name} ${pair.sim.now} ${packet.length}`);
      }, iface);
    }
    advertise(pair, [{ prefix: "2001:db8:1::" }]);
    pair.sim.run({ until: seconds(2000) });
    pair.close();
    return log.join("\n");
  };
  expect(story(5)).toBe(story(5));
  expect(story(5)).not.toBe(story(6));
});
