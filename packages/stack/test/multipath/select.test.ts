import { millis } from "@seville/core";
import { parseIp, parseIpv4, parseIpv6 } from "@seville/packet";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createDummy, createFlow4, openUdp, type Host, type HopSelection } from "../../src/index.ts";
import { upperBound } from "../../src/route/multipath.ts";
import { assign, codeOf, World } from "../support/world.ts";
import { fan, to, type Fan } from "./fan.ts";

/** `count` datagrams from a to 10.9.0.1, `gapMs` apart. */
function send(
  net: Fan,
  count: number,
  options: { gapMs?: number; family?: 4 | 6; from?: Host; bytes?: number } = {},
): void {
  const { gapMs = 0.2, family = 4, from = net.a, bytes = 400 } = options;
  const socket = openUdp(from, { family });
  socket.connect({ address: family === 4 ? "10.9.0.1" : "2001:db8:9::1", port: 7000 });
  for (let i = 0; i < count; i++) {
    socket.send(new Uint8Array(bytes));
    net.world.run(Math.round(gapMs * 1e6));
  }
  socket.close();
}

const sum = (counts: readonly number[]): number => counts.reduce((a, b) => a + b, 0);

describe("H93 hash: weights are shares of the 31-bit hash space (fib_rebalance)", () => {
  test("upper bounds are the kernel's DIV_ROUND_CLOSEST_ULL(w << 31, total) - 1", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 256 }), { minLength: 1, maxLength: 64 }), (weights) => {
        const total = BigInt(sum(weights));
        let weight = 0n;
        for (const each of weights) {
          weight += BigInt(each);
          expect(BigInt(upperBound(Number(weight), Number(total)))).toBe(((weight << 31n) + total / 2n) / total - 1n);
        }
        expect(upperBound(sum(weights), sum(weights))).toBe(0x7fff_ffff);
      }),
    );
  });

  test("a hash falls to the first hop whose bound it does not exceed; dead hops have none", () => {
    const { r } = fan(3, undefined, { weights: [1, 2, 1] });
    const ask = (hash31: number): string | undefined =>
      r.ipv4.fib.lookup({ ...createFlow4(), destination: parseIpv4("10.9.0.1"), hash: ((hash31 << 1) | 1) >>> 0 })?.dev
        ?.name;
    expect([0, 0x1fff_ffff, 0x2000_0000, 0x5fff_ffff, 0x6000_0000, 0x7fff_ffff].map(ask)).toEqual([
      "p0",
      "p0",
      "p1",
      "p1",
      "p2",
      "p2",
    ]);
    r.interfaces.setDown(r.interfaces.named("p1"));
    expect([0, 0x3fff_ffff, 0x4000_0000, 0x7fff_ffff].map(ask)).toEqual(["p0", "p0", "p2", "p2"]);
  });

  test("weights are from 1 to 256", () => {
    const { r } = fan(1);
    const add = (weight: number): string | undefined =>
      codeOf(() => r.ipv4.fib.add({ ...to("10.8.0.0/16"), hops: [{ gateway: parseIp("10.1.0.2"), weight }] }));
    expect([0, 257, 1.5].map(add)).toEqual(["EINVAL", "EINVAL", "EINVAL"]);
    expect(add(256)).toBeUndefined();
  });

  test("a flow keeps its way, and routers do not all choose alike unless fib_multipath_hash_seed says so", () => {
    const world = new World();
    const ways = (seed: number): string[] =>
      Array.from({ length: 16 }, (_, n) => {
        const r = world.router(`r${seed}-${n}`, { "net.ipv4.fib_multipath_hash_seed": seed });
        for (const i of [0, 1, 2, 3]) {
          r.interfaces.add(createDummy(), { name: `p${i}`, up: true });
          assign(r.interfaces.named(`p${i}`), [`10.1.${i}.1/24`]);
        }
        r.ipv4.fib.add({ ...to("10.9.0.0/16"), hops: [0, 1, 2, 3].map((i) => ({ gateway: parseIp(`10.1.${i}.2`) })) });
        const flow = { ...createFlow4(), destination: parseIpv4("10.9.0.1"), source: parseIpv4("10.0.0.1") };
        const first = r.ipv4.fib.lookup(flow)!.dev!.name;
        expect(r.ipv4.fib.lookup(flow)!.dev!.name).toBe(first);
        return first;
      });
    expect(new Set(ways(0)).size).toBeGreaterThan(1);
    expect(new Set(ways(4711)).size).toBe(1);
  });

  test("IPv6: by flow label (policy 0), and flows with other ports go together", () => {
    const net = fan(4);
    const labels = new Set<number>();
    for (let label = 1; label <= 64; label++) {
      const socket = openUdp(net.a, { family: 6 });
      socket.bind({ port: 20_000 + label });
      socket.send(new Uint8Array(400), { address: "2001:db8:9::1", port: 7000 });
      socket.close();
      net.world.runMs(1);
      labels.add(label);
    }
    // auto_flowlabels makes the label of the ports, so that 64 sockets are 64 labels.
    for (const count of net.taken()) expect(count).toBeGreaterThan(4);
    net.a.sysctls.set("net.ipv6.auto_flowlabels", 0);
    for (let port = 1; port <= 20; port++) {
      const socket = openUdp(net.a, { family: 6 });
      socket.send(new Uint8Array(400), { address: "2001:db8:9::1", port: 7000 + port });
      socket.close();
      net.world.runMs(1);
    }
    expect(net.taken().filter((count) => count > 0)).toEqual([20]);
  });
});

describe.each([4, 6] as const)("H94 per-packet policies over IPv%s", (family) => {
  test("hash sends all datagrams of a flow one way", () => {
    const net = fan(4);
    send(net, 40, { family });
    expect(net.taken().sort((x, y) => x - y)).toEqual([0, 0, 0, 40]);
  });

  test("round-robin goes in turn: nobody is more than one ahead", () => {
    const net = fan(4, { policy: "round-robin" });
    send(net, 41, { family });
    expect(net.taken().sort((x, y) => x - y)).toEqual([10, 10, 10, 11]);
  });

  test("round-robin by weight: 1, 2 and 3 of every six, not in clumps", () => {
    const net = fan(3, { policy: "round-robin" }, { weights: [1, 2, 3] });
    send(net, 60, { family });
    expect(net.taken()).toEqual([10, 20, 30]);
  });

  test("random: each packet for itself, by weight", () => {
    const net = fan(2, { policy: "random" }, { weights: [1, 3] });
    send(net, 400, { family });
    const [light = 0, heavy = 0] = net.taken();
    expect(light + heavy).toBe(400);
    // 100 expected, standard deviation 8.7.
    expect(light).toBeGreaterThan(65);
    expect(light).toBeLessThan(135);
  });

  test("better-of-two leaves out a path whose queue does not drain", () => {
    const net = fan(4, { policy: "better-of-two" });
    net.links[2]!.set({ rate: 10_000 });
    send(net, 200, { family, gapMs: 0.5 });
    const counts = net.taken();
    expect(sum(counts)).toBeGreaterThan(195);
    expect(counts[2]).toBeLessThan(6);
    for (const i of [0, 1, 3]) expect(counts[i]).toBeGreaterThan(20);
  });

  test("flowlet: a burst keeps its way, a pause longer than the gap sets the flow free", () => {
    const net = fan(4, { policy: "flowlet", gap: millis(2) });
    send(net, 30, { family, gapMs: 1 });
    expect(net.taken().sort((x, y) => x - y)).toEqual([0, 0, 0, 30]);
    send(net, 64, { family, gapMs: 3 });
    for (const count of net.taken()) expect(count).toBeGreaterThan(4);
  });

  test("a hop whose interface is down gets nothing more, and its share again when it is back", () => {
    const net = fan(4, { policy: "round-robin" });
    net.r.interfaces.setDown(net.r.interfaces.named("p1"));
    send(net, 30, { family });
    expect(net.taken()).toEqual([10, 0, 10, 10]);
  });

  test("carrier: a hop without it is skipped if ignore_routes_with_linkdown says so, and only then", () => {
    const net = fan(2, { policy: "round-robin" });
    net.links[0]!.setUp(false);
    net.world.runMs(1);
    send(net, 10, { family });
    expect(net.taken()).toEqual([0, 5]);
    net.r.sysctls.set(`net.ipv${family}.conf.all.ignore_routes_with_linkdown`, 1);
    send(net, 10, { family });
    expect(net.taken()).toEqual([0, 10]);
    net.links[0]!.setUp(true);
    net.world.runMs(50);
    send(net, 40, { family });
    expect(net.taken()[1]).toBe(20);
  });
});

describe("H95 the choice is made when a packet leaves, once", () => {
  test("a lookup takes nobody's turn", () => {
    const net = fan(4, { policy: "round-robin" });
    for (let i = 0; i < 7; i++) net.r.ipv4.fib.lookup({ ...createFlow4(), destination: parseIpv4("10.9.0.1") });
    net.r.sysctls.set("net.ipv4.conf.eth0.rp_filter", 1);
    send(net, 40);
    expect(net.taken()).toEqual([10, 10, 10, 10]);
  });

  test("a connected socket keeps its route and still sprays", () => {
    const net = fan(4, { policy: "round-robin" });
    send(net, 40, { from: net.r });
    expect(net.taken()).toEqual([10, 10, 10, 10]);
  });

  test("a socket bound to a device is not sprayed away from it", () => {
    const net = fan(4, { policy: "round-robin" });
    const socket = openUdp(net.r);
    socket.bindToDevice("p2");
    for (let i = 0; i < 12; i++) socket.send(new Uint8Array(400), { address: "10.9.0.1", port: 7000 });
    socket.close();
    expect(net.taken()).toEqual([0, 0, 12, 0]);
  });

  test("the fragments of a datagram that is cut here go together", () => {
    const net = fan(4, { policy: "round-robin" });
    send(net, 4, { from: net.r, bytes: 4000 });
    expect(net.taken()).toEqual([3, 3, 3, 3]);
  });

  test("same seed, same choices; another host has other dice", () => {
    const choices = (policy: HopSelection["policy"]): string => {
      const net = fan(4, { policy });
      send(net, 60);
      return net.taken().join();
    };
    for (const policy of ["random", "better-of-two", "flowlet"] as const) expect(choices(policy)).toBe(choices(policy));
  });

  test("IPv6 routes that are joined one by one spray as the first one says", () => {
    const net = fan(1);
    const d = ["x0", "x1", "x2"].map((name, i) => {
      const iface = net.r.interfaces.add(createDummy(), { name, up: true });
      assign(iface, [`2001:db8:2:${i}::1/64`]);
      return iface;
    });
    for (let i = 0; i < 3; i++) {
      net.r.ipv6.fib.add(
        { ...to("2001:db8:77::/64"), gateway: parseIpv6(`2001:db8:2:${i}::2`), selection: { policy: "round-robin" } },
        i === 0 ? "add" : "append",
      );
    }
    const before = d.map((iface) => iface.stats.tx_packets);
    const socket = openUdp(net.r, { family: 6 });
    for (let i = 0; i < 9; i++) socket.send(new Uint8Array(10), { address: "2001:db8:77::1", port: 9 });
    socket.close();
    expect(d.map((iface, i) => iface.stats.tx_packets - before[i]!)).toEqual([3, 3, 3]);
    const joined = [...net.r.ipv6.fib.routes()].find(
      ({ prefixLength, hops }) => prefixLength === 64 && hops.length === 3,
    );
    expect(joined?.hops.every((hop) => hop.spray?.selection.policy === "round-robin")).toBe(true);
  });
});

describe("H96 routes of several hops", () => {
  test("IPv4 by gateways that have only IPv6 addresses (RFC 5549)", () => {
    const net = fan(2);
    net.r.ipv4.fib.add({
      ...to("10.9.0.1/32"),
      hops: [{ gateway: parseIp("2001:db8:1:0::2") }, { gateway: parseIp("2001:db8:1:1::2") }],
      selection: { policy: "round-robin" },
    });
    send(net, 10);
    expect(net.taken()).toEqual([5, 5]);
  });

  test("a selection that makes no sense is refused", () => {
    const { r } = fan(2);
    const add = (selection: unknown): string | undefined =>
      codeOf(() =>
        r.ipv4.fib.add({
          ...to("10.7.0.0/16"),
          hops: [{ gateway: parseIp("10.1.0.2") }, { gateway: parseIp("10.1.1.2") }],
          selection: selection as HopSelection,
        }),
      );
    for (const bad of [
      { policy: "dice" },
      { policy: "flowlet", gap: 0 },
      { policy: "flowlet", flowlets: 0 },
      { policy: "flowlet", flowlets: 2_000_000 },
      { policy: "better-of-two", samples: 0 },
      { policy: "better-of-two", memory: -1 },
    ])
      expect(add(bad)).toBe("ERR_INVALID_ARGUMENT");
    expect(add({ policy: "better-of-two", samples: 3, memory: 2 })).toBeUndefined();
  });
});
