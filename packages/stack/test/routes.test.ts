import { parseInterfaceAddress, parseIp, parseIpv4, type IpAddress } from "@seville/packet";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  addAddress4,
  createDummy,
  createFlow4,
  createFlow6,
  openUdp,
  removeAddress4,
  type Host,
  type NewRoute,
} from "../src/index.ts";
import { removeAddress6 } from "../src/interface/addresses6.ts";
import { routeOutput4 } from "../src/ipv4/route-output.ts";
import { assign, chain, codeOf, pair, World } from "./support/world.ts";

/** `ip route show table N`, in short. */
function show(host: Host, family: 4 | 6, table = 254): string[] {
  const fib = family === 4 ? host.ipv4.fib : host.ipv6.fib;
  return [...fib.table(table).routes()].map((r) => {
    const hops = r.hops.map(
      (h) =>
        `${h.gateway === undefined ? "" : `via ${typeof h.gateway === "number" ? dotted(h.gateway) : String(h.gateway)} `}dev ${h.dev?.name ?? "-"}`,
    );
    const to = typeof r.destination === "number" ? dotted(r.destination) : String(r.destination);
    return `${r.type} ${to}/${r.prefixLength} ${hops.join(", ")} metric ${r.priority}`;
  });
}

const dotted = (n: number): string => [24, 16, 8, 0].map((s) => (n >>> s) & 255).join(".");

function host() {
  const world = new World();
  const a = world.host("a");
  a.interfaces.add(createDummy(), { name: "d0", up: true });
  a.interfaces.add(createDummy(), { name: "d1", up: true });
  assign(a.interfaces.named("d0"), ["10.0.0.1/24", "2001:db8::1/64"]);
  assign(a.interfaces.named("d1"), ["10.0.1.1/24", "2001:db8:1::1/64"]);
  return { world, a, d0: a.interfaces.named("d0"), d1: a.interfaces.named("d1") };
}

const to = (text: string): { destination: IpAddress; prefixLength: number } => {
  const { address, prefixLength } = parseInterfaceAddress(text);
  return { destination: address, prefixLength };
};

describe("H60 addresses bring their routes (fib_add_ifaddr)", () => {
  test("local, broadcast and connected routes come with an address and go with it", () => {
    const { a, d0 } = host();
    expect(show(a, 4)).toContain("unicast 10.0.0.0/24 dev d0 metric 0");
    expect(show(a, 4, 255)).toEqual(
      expect.arrayContaining([
        "local 10.0.0.1/32 dev d0 metric 0",
        "broadcast 10.0.0.255/32 dev d0 metric 0",
        "local 127.0.0.0/8 dev lo metric 0",
      ]),
    );
    expect(show(a, 6)).toContain("unicast 2001:db8::/64 dev d0 metric 256");
    expect(show(a, 6, 255)).toContain("local 2001:db8::1/128 dev d0 metric 0");
    removeAddress4(d0, parseIpv4("10.0.0.1"));
    removeAddress6(d0, parseIp("2001:db8::1") as never);
    expect(show(a, 4).filter((r) => r.includes("d0"))).toEqual([]);
    expect(show(a, 4, 255).filter((r) => r.includes("d0"))).toEqual([]);
    expect(show(a, 6).filter((r) => r.includes("2001:db8::/64"))).toEqual([]);
    expect(codeOf(() => removeAddress4(d0, 1))).toBe("EADDRNOTAVAIL");
  });

  test("a second address of the subnet is secondary; it goes with the primary, or is promoted", () => {
    for (const promote of [0, 1]) {
      const { a, d0 } = host();
      a.sysctls.set("net.ipv4.conf.d0.promote_secondaries", promote);
      addAddress4(d0, { address: parseIpv4("10.0.0.2"), prefixLength: 24 });
      expect(codeOf(() => addAddress4(d0, { address: parseIpv4("10.0.0.2"), prefixLength: 24 }))).toBe("EEXIST");
      expect(show(a, 4).filter((r) => r.includes("10.0.0.0/24"))).toHaveLength(1);
      removeAddress4(d0, parseIpv4("10.0.0.1"));
      expect(d0.v4.addresses.map((x) => x.address)).toEqual(promote === 1 ? [parseIpv4("10.0.0.2")] : []);
      expect(show(a, 4).filter((r) => r.includes("10.0.0.0/24"))).toHaveLength(promote);
    }
  });

  test("a /31 and a /32 have no broadcast (RFC 3021)", () => {
    const { a, d0 } = host();
    assign(d0, ["10.5.0.0/31", "10.6.0.1/32"]);
    expect(show(a, 4, 255).filter((r) => r.startsWith("broadcast 10.5") || r.startsWith("broadcast 10.6"))).toEqual([]);
    expect(show(a, 4).filter((r) => r.includes("10.6"))).toEqual([]);
  });
});

describe("H61 links and routes", () => {
  test("an interface that goes down takes its routes; its own addresses still answer (IPv4)", () => {
    const { a, d0 } = host();
    a.ipv4.fib.add({ ...to("10.9.0.0/16"), gateway: parseIp("10.0.0.9") });
    a.interfaces.setDown(d0);
    expect(show(a, 4)).toEqual(["unicast 10.0.1.0/24 dev d1 metric 0"]);
    expect(show(a, 4, 255)).toContain("local 10.0.0.1/32 dev d0 metric 0");
    a.interfaces.setUp(d0);
    expect(show(a, 4)).toContain("unicast 10.0.0.0/24 dev d0 metric 0");
    expect(show(a, 4).some((r) => r.includes("10.9"))).toBe(false);
  });

  test("without carrier routes stay, unless ignore_routes_with_linkdown", () => {
    const { world, a, link } = pair();
    const flow = { ...createFlow4(), destination: parseIpv4("10.0.0.2") };
    link.setUp(false);
    world.runMs(1);
    expect(a.ipv4.fib.lookup(flow)?.dev?.name).toBe("eth0");
    expect(a.ipv4.fib.lookup(flow)!.flags & 16).toBe(16);
    a.sysctls.set("net.ipv4.conf.eth0.ignore_routes_with_linkdown", 1);
    expect(a.ipv4.fib.lookup(flow)).toBeUndefined();
    link.setUp(true);
    world.runMs(1);
    expect(a.ipv4.fib.lookup(flow)?.dev?.name).toBe("eth0");
  });

  test("a removed interface leaves nothing behind", () => {
    const { a, d0 } = host();
    a.interfaces.remove(d0);
    for (const family of [4, 6] as const)
      for (const table of [254, 255]) expect(show(a, family, table).filter((r) => r.includes("d0"))).toEqual([]);
    expect(a.ipv4.localAddresses.has(parseIpv4("10.0.0.1"))).toBe(false);
    expect(codeOf(() => a.sysctls.get("net.ipv4.conf.d0.rp_filter"))).toBe("ENOENT");
  });
});

describe("H62 adding routes: what the kernel refuses", () => {
  const rows: [string, NewRoute, string | undefined][] = [
    ["by a gateway on a link", { ...to("10.9.0.0/16"), gateway: parseIp("10.0.0.9") }, undefined],
    ["by a gateway that no link has", { ...to("10.9.0.0/16"), gateway: parseIp("10.8.0.9") }, "ENETUNREACH"],
    ["by our own broadcast address", { ...to("10.9.0.0/16"), gateway: parseIp("10.0.0.255") }, "EINVAL"],
    ["with host bits", { ...to("10.9.0.1/16"), gateway: parseIp("10.0.0.9") }, "EINVAL"],
    ["without a next hop", { ...to("10.9.0.0/16") }, "ENODEV"],
    [
      "with a source that is not ours",
      { ...to("10.9.0.0/16"), gateway: parseIp("10.0.0.9"), prefsrc: parseIp("10.7.7.7") },
      "EINVAL",
    ],
    [
      "unreachable with a gateway",
      { ...to("10.9.0.0/16"), type: "unreachable", gateway: parseIp("10.0.0.9") },
      "EINVAL",
    ],
    [
      "IPv6 by a gateway that no link has",
      { ...to("2001:db8:9::/48"), gateway: parseIp("2001:db8:8::9") },
      "EHOSTUNREACH",
    ],
    [
      "IPv6 by a link-local gateway without its device",
      { ...to("2001:db8:9::/48"), gateway: parseIp("fe80::9") },
      "EINVAL",
    ],
    ["IPv6 by our own address", { ...to("2001:db8:9::/48"), gateway: parseIp("2001:db8::1") }, "EINVAL"],
    [
      "IPv6 by a link-local gateway with its zone",
      { ...to("2001:db8:9::/48"), gateway: parseIp("fe80::9%d0") },
      undefined,
    ],
    ["IPv4 by an IPv6 gateway (RFC 8950)", { ...to("10.9.0.0/16"), gateway: parseIp("2001:db8::9") }, undefined],
  ];
  test.each(rows)("%s", (_what, route, code) => {
    const { a } = host();
    const fib = typeof route.destination === "number" ? a.ipv4.fib : a.ipv6.fib;
    expect(codeOf(() => fib.add(route))).toBe(code);
  });

  test("onlink overrides the check", () => {
    const { a, d0 } = host();
    a.ipv4.fib.add({ ...to("10.9.0.0/16"), gateway: parseIp("10.8.0.9"), dev: d0, onlink: true });
    expect(show(a, 4)).toContain("unicast 10.9.0.0/16 via 10.8.0.9 dev d0 metric 0");
  });

  test("add, replace, append, prepend, change, remove", () => {
    const { a } = host();
    const { fib } = a.ipv4;
    const via = (n: number): NewRoute => ({ ...to("10.9.0.0/16"), gateway: parseIp(`10.0.0.${n}`) });
    const gateways = (): string[] =>
      show(a, 4)
        .filter((r) => r.includes("10.9.0.0"))
        .map((r) => r.split(" ")[3]!);
    expect(codeOf(() => fib.add(via(1 + 1), "change"))).toBe("ENOENT");
    fib.add(via(2));
    expect(codeOf(() => fib.add(via(3)))).toBe("EEXIST");
    fib.add(via(3), "append");
    fib.add(via(4), "prepend");
    expect(gateways()).toEqual(["10.0.0.4", "10.0.0.2", "10.0.0.3"]);
    fib.add(via(5), "replace");
    expect(gateways()).toEqual(["10.0.0.5", "10.0.0.2", "10.0.0.3"]);
    fib.add({ ...via(6), priority: 10 });
    fib.remove({ ...to("10.9.0.0/16"), gateway: parseIp("10.0.0.2") });
    expect(gateways()).toEqual(["10.0.0.5", "10.0.0.3", "10.0.0.6"]);
    expect(codeOf(() => fib.remove({ ...to("10.99.0.0/16") }))).toBe("ESRCH");
  });

  test("IPv6 routes with gateways of one metric become one route with several hops; the same hop twice is refused", () => {
    const { a } = host();
    const via = (n: number): NewRoute => ({ ...to("2001:db8:9::/48"), gateway: parseIp(`2001:db8::${n}`) });
    a.ipv6.fib.add(via(8));
    a.ipv6.fib.add(via(9), "append");
    expect(codeOf(() => a.ipv6.fib.add(via(9), "append"))).toBe("EEXIST");
    expect(show(a, 6)).toContain("unicast 2001:db8:9::/48 via 2001:db8::8 dev d0, via 2001:db8::9 dev d0 metric 1024");
  });
});

test("H63 property: lookups find the longest prefix and the smallest metric, as a linear search does", () => {
  const entry = fc.record({
    address: fc.nat(0xffff_ffff),
    length: fc.integer({ min: 1, max: 32 }),
    priority: fc.integer({ min: 0, max: 3 }),
    throws: fc.boolean(),
  });
  fc.assert(
    fc.property(
      fc.array(entry, { maxLength: 25 }),
      fc.array(fc.nat(0xffff_ffff), { minLength: 1, maxLength: 20 }),
      (entries, queries) => {
        const { a, d1 } = host();
        const kept = entries.filter(({ address, length, priority, throws }) => {
          const destination = (address & (-1 << (32 - length))) >>> 0;
          const route: NewRoute = {
            destination,
            prefixLength: length,
            priority,
            ...(throws ? { type: "throw" } : { dev: d1 }),
          };
          return codeOf(() => a.ipv4.fib.add(route)) === undefined;
        });
        for (const query of [...queries, ...entries.map((e) => e.address)]) {
          const matching = kept
            .filter(({ address, length }) => ((address ^ query) & (-1 << (32 - length))) === 0)
            .sort((x, y) => y.length - x.length || x.priority - y.priority);
          const found = a.ipv4.fib.lookup({ ...createFlow4(), destination: query });
          const best = matching[0];
          const own =
            found !== undefined &&
            (found.route.table === 255 || found.dev?.name !== "d1" || found.route.protocol === "kernel");
          if (own) continue;
          if (best === undefined || best.throws) expect(found).toBeUndefined();
          else expect([found?.route.prefixLength, found?.route.priority]).toEqual([best.length, best.priority]);
        }
      },
    ),
    { numRuns: 60 },
  );
});

test("H64 multipath: flows spread by weight, and a flow keeps its way", () => {
  const { a, d0, d1 } = host();
  a.sysctls.set("net.ipv4.fib_multipath_hash_policy", 1);
  a.ipv4.fib.add({
    ...to("10.9.0.0/16"),
    hops: [
      { dev: d0, gateway: parseIp("10.0.0.9"), weight: 1 },
      { dev: d1, gateway: parseIp("10.0.1.9"), weight: 3 },
    ],
  });
  const taken = new Map<string, number>();
  for (let port = 1; port <= 2000; port++) {
    const flow = {
      ...createFlow4(),
      destination: parseIpv4("10.9.1.1"),
      source: parseIpv4("10.0.0.1"),
      protocol: 17,
      sourcePort: port,
      destinationPort: 9,
    };
    const name = a.ipv4.fib.lookup(flow)!.dev!.name;
    expect(a.ipv4.fib.lookup(flow)!.dev!.name).toBe(name);
    taken.set(name, (taken.get(name) ?? 0) + 1);
  }
  expect(taken.get("d1")! / 2000).toBeGreaterThan(0.7);
  expect(taken.get("d1")! / 2000).toBeLessThan(0.8);
  a.interfaces.setDown(d1);
  expect(a.ipv4.fib.lookup({ ...createFlow4(), destination: parseIpv4("10.9.1.1") })?.dev?.name).toBe("d0");
});

test("H65 the source comes from prefsrc, or the subnet of the gateway, or the interface", () => {
  const { a, d0 } = host();
  assign(d0, ["10.3.0.1/24", "10.0.0.7/24"]);
  const source = (destination: string): number => {
    const flow = { ...createFlow4(), destination: parseIpv4(destination) };
    const hop = routeOutput4(a, flow);
    expect(typeof hop).toBe("object");
    return flow.source;
  };
  a.ipv4.fib.add({ ...to("10.9.0.0/16"), gateway: parseIp("10.3.0.9") });
  a.ipv4.fib.add({ ...to("10.8.0.0/16"), gateway: parseIp("10.0.0.9"), prefsrc: parseIp("10.0.0.7") });
  expect(source("10.9.0.1")).toBe(parseIpv4("10.3.0.1"));
  expect(source("10.8.0.1")).toBe(parseIpv4("10.0.0.7"));
  expect(source("10.0.0.55")).toBe(parseIpv4("10.0.0.1"));
  expect(source("10.0.0.1")).toBe(parseIpv4("10.0.0.1"));
  // The preferred address goes: so does the route.
  removeAddress4(d0, parseIpv4("10.0.0.7"));
  expect(show(a, 4).some((r) => r.includes("10.8.0.0"))).toBe(false);
});

test("H66 an expired route is no route; a removed one is noticed by who kept it", () => {
  const { world, a, d0 } = host();
  const before = a.ipv6.fib.generation;
  a.ipv6.fib.add({ ...to("2001:db8:9::/48"), gateway: parseIp("2001:db8::9"), dev: d0, expires: a.now + 1e9 });
  const flow = { ...createFlow6(), destination: parseIp("2001:db8:9::1") as never };
  expect(a.ipv6.fib.lookup(flow)).toBeDefined();
  expect(a.ipv6.fib.generation).not.toBe(before);
  world.runMs(1001);
  expect(a.ipv6.fib.lookup(flow)).toBeUndefined();
});

test("H67 routes by two routers are both used, flow by flow, across the wire", () => {
  const { world, a, b } = chain();
  const socket = openUdp(b);
  socket.bind({ port: 5000 });
  const sender = openUdp(a);
  for (let i = 0; i < 5; i++) sender.send(Uint8Array.of(i), { address: "10.0.2.1", port: 5000 });
  world.runMs(10);
  expect(socket.queued.packets).toBe(5);
});
