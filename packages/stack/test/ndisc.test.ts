import fc from "fast-check";
import { icmpv6, nd, parseIpv6, parseMac, type Ipv6Address } from "@seville/packet";
import { describe, expect, test } from "vitest";
import { NEIGH_UPDATE_ADMIN, NUD_REACHABLE, NUD_STALE, nudStateName } from "../src/neighbour/nud-state.ts";
import { isSolicitedNode, validateNd } from "../src/ipv6/ndisc-validate.ts";
import { RedirectLimiter } from "../src/ipv6/ndisc-redirect.ts";
import { fromHex, icmp6Frame, icmp6Of, LinkWorld, ndBody, OTHER_MAC, PEER_MAC, recorded } from "./link-world.ts";

const QUIET = { "net.ipv6.conf.eth0.router_solicitations": 0, "net.ipv6.conf.eth0.dad_transmits": 0 };
const LL = "fe80::99";

function world(sysctls: Record<string, number | string> = {}, addresses: string[] = ["2001:db8::1/64"]): LinkWorld {
  const made = new LinkWorld({ sysctls: { ...QUIET, ...sysctls } });
  for (const text of addresses) made.addV6(text);
  made.run(3000);
  made.take();
  return made;
}

function body(message: nd.NdMessage): Uint8Array {
  return ndBody(nd.write, nd.lengthOf, message);
}

function neighbourOf(w: LinkWorld, key: string): { state: string | null; lladdr: number } {
  const entry = w.layers.nd.of(w.iface)?.neighbours.device.entries.get(parseIpv6(key));
  return { state: entry === undefined ? null : nudStateName(entry.nudState), lladdr: entry?.lladdr ?? 0 };
}

const sllao = { kind: "source-link-layer", mac: parseMac(PEER_MAC) } as const;

interface NsRow {
  readonly case: string;
  readonly frame: string;
  readonly answers: readonly { readonly frame: string }[];
  readonly learned: { readonly state: string | null };
}

describe("N30 answers to solicitations, every case as the recorded kernel (ns_answers, RFC 4861 §7.1.1, §7.2.3, §7.2.4)", () => {
  const rows = recorded("ns_answers") as readonly NsRow[];
  test("N30 the recording is there", () => {
    expect(rows.length).toBeGreaterThan(15);
  });
  for (const row of rows) {
    test(`N30 ${row.case}: ${row.answers.length} answer(s), sender ${row.learned.state ?? "unknown"}`, () => {
      const w = world();
      w.receive(row.frame);
      const sent = w.take().map(({ bytes }) => icmp6Of(bytes)!);
      const answers = sent.filter(({ type }) => type === icmpv6.NEIGHBOR_ADVERTISEMENT);
      expect(answers).toEqual(row.answers.map(({ frame }) => icmp6Of(fromHex(frame))));
      const source = icmp6Of(fromHex(row.frame))!.source;
      expect(neighbourOf(w, source).state).toBe(row.learned.state);
      w.down();
      expect(w.inUse).toBe(0);
    });
  }

  test("N30 each violated rule has its drop reason", () => {
    const reasons: [string, string][] = [
      ["hop limit 254", "IPV6_NDISC_HOP_LIMIT"],
      ["code 1", "IPV6_NDISC_BAD_CODE"],
      ["option of length 0", "IPV6_NDISC_BAD_OPTIONS"],
      ["option longer than the packet", "IPV6_NDISC_BAD_OPTIONS"],
      ["DAD with SLLAO", "IPV6_NDISC_BAD_OPTIONS"],
      ["DAD to unicast", "IP_INVALID_DEST"],
      ["SLLAO of 16 bytes", "IPV6_NDISC_BAD_OPTIONS"],
      ["too short", "PKT_TOO_SMALL"],
    ];
    for (const [name, reason] of reasons) {
      const w = world();
      w.receive(rows.find((row) => row.case === name)!.frame);
      expect([name, ...w.drops]).toEqual([name, reason]);
      expect(w.host.mib.icmp6.InErrors).toBe(1);
    }
  });
});

describe("N31 RFC 4861 §7.1.2, §8.1: advertisements and redirects that are not believed", () => {
  const target = parseIpv6("2001:db8::2");
  const rows: [name: string, message: nd.NdMessage, source: string, destination: string, reason: string][] = [
    [
      "NA solicited to a group",
      { type: "neighbor-advertisement", target, flags: 0x40 },
      LL,
      "ff02::1",
      "IP_INVALID_DEST",
    ],
    [
      "NA for a group",
      { type: "neighbor-advertisement", target: parseIpv6("ff02::1"), flags: 0 },
      LL,
      "ff02::1",
      "NOT_SPECIFIED",
    ],
    [
      "RA from a global address",
      { type: "router-advertisement", curHopLimit: 1, flags: 0, routerLifetime: 1, reachableTime: 0, retransTimer: 0 },
      "2001:db8::9",
      "ff02::1",
      "IP_INVALID_SOURCE",
    ],
    [
      "RS from :: with SLLAO",
      { type: "router-solicitation", options: [sllao] },
      "::",
      "ff02::2",
      "IPV6_NDISC_BAD_OPTIONS",
    ],
    [
      "redirect from a global address",
      { type: "redirect", target: parseIpv6(LL), destination: target },
      "2001:db8::9",
      "2001:db8::1",
      "IP_INVALID_SOURCE",
    ],
    [
      "redirect for a group",
      { type: "redirect", target: parseIpv6(LL), destination: parseIpv6("ff0e::1") },
      LL,
      "2001:db8::1",
      "IP_INVALID_DEST",
    ],
    [
      "redirect to a global router",
      { type: "redirect", target: parseIpv6("2001:db8::9"), destination: target },
      LL,
      "2001:db8::1",
      "IP_INVALID_DEST",
    ],
  ];
  for (const [name, message, source, destination, reason] of rows) {
    test(`N31 ${name}: ${reason}`, () => {
      const w = world();
      w.receive(icmp6Frame({ source, destination, body: body(message) }));
      expect(w.drops).toEqual([reason]);
      expect(w.inUse).toBe(0);
    });
  }

  test("N31 solicited-node groups are ff02::1:ff00:0/104", () => {
    expect(isSolicitedNode(parseIpv6("ff02::1:ff12:3456"))).toBe(true);
    for (const text of ["ff02::1", "ff02::2:ff12:3456", "ff05::1:ff12:3456", "ff02::1:fe12:3456"]) {
      expect(isSolicitedNode(parseIpv6(text))).toBe(false);
    }
  });
});

describe("N32 routers, hosts and strangers", () => {
  test("N32 RFC 4861 §7.2.5: a router that says it is a host is no default router any more", () => {
    const w = world();
    const ra = {
      type: "router-advertisement",
      curHopLimit: 64,
      flags: 0,
      routerLifetime: 1800,
      reachableTime: 0,
      retransTimer: 0,
      options: [sllao],
    } as const;
    w.receive(icmp6Frame({ source: LL, destination: "ff02::1", body: body(ra) }));
    const on = w.layers.nd.of(w.iface)!;
    expect(on.routers.defaults()).toHaveLength(1);
    expect(on.neighbours.device.entries.get(parseIpv6(LL))?.isRouter).toBe(true);
    w.receive(
      icmp6Frame({
        source: LL,
        destination: "ff02::1",
        body: body({
          type: "neighbor-advertisement",
          target: parseIpv6(LL),
          flags: nd.NEIGHBOR_OVERRIDE,
          options: [{ kind: "target-link-layer", mac: parseMac(PEER_MAC) }],
        }),
      }),
    );
    expect(on.routers.defaults()).toEqual([]);
    expect([...w.host.ipv6.fib.routes()].some(({ prefixLength }) => prefixLength === 0)).toBe(false);
  });

  test("N32 RFC 9131 accept_untracked_na: a router learns a stranger, STALE; a host does not", () => {
    const na = icmp6Frame({
      source: "2001:db8::7",
      destination: "ff02::1",
      body: body({
        type: "neighbor-advertisement",
        target: parseIpv6("2001:db8::7"),
        flags: nd.NEIGHBOR_SOLICITED & 0,
        options: [{ kind: "target-link-layer", mac: parseMac(PEER_MAC) }],
      }),
    });
    for (const [policy, forwarding, state] of [
      [0, 1, null],
      [1, 0, null],
      [1, 1, "STALE"],
      [2, 1, "STALE"],
    ] as const) {
      const w = world({
        "net.ipv6.conf.eth0.accept_untracked_na": policy,
        "net.ipv6.conf.eth0.forwarding": forwarding,
      });
      w.receive(na);
      expect(neighbourOf(w, "2001:db8::7").state).toBe(state);
    }
    const w = world({ "net.ipv6.conf.eth0.accept_untracked_na": 2, "net.ipv6.conf.eth0.forwarding": 1 }, [
      "2001:db8:5::1/64",
    ]);
    w.receive(na);
    expect(neighbourOf(w, "2001:db8::7").state).toBeNull();
  });

  test("N32 drop_unsolicited_na", () => {
    const w = world({ "net.ipv6.conf.all.drop_unsolicited_na": 1 });
    const { table } = w.layers.nd;
    const entry = table.create(w.layers.nd.of(w.iface)!.neighbours.device, parseIpv6("2001:db8::7"))!;
    table.update(entry, parseMac(PEER_MAC), NUD_REACHABLE, NEIGH_UPDATE_ADMIN);
    w.receive(
      icmp6Frame({
        source: "2001:db8::7",
        destination: "ff02::1",
        body: body({
          type: "neighbor-advertisement",
          target: parseIpv6("2001:db8::7"),
          flags: nd.NEIGHBOR_OVERRIDE,
          options: [{ kind: "target-link-layer", mac: parseMac(OTHER_MAC) }],
        }),
      }),
    );
    expect(entry.lladdr).toBe(parseMac(PEER_MAC));
  });

  test("N32 RFC 4861 §7.2.8: a proxy answers for an address behind another link after a random delay, without override", () => {
    const w = world({ "net.ipv6.conf.eth0.forwarding": 1, "net.ipv6.conf.eth0.proxy_ndp": 1 });
    const other = w.host.interfaces.add(
      { ...w.iface.device, transmit: (p) => p.release(), attach: () => undefined },
      { name: "eth1", mac: 0x0200_0000_0002, up: true },
    );
    w.host.ipv6.fib.add({ destination: parseIpv6("2001:db8:0:0:1::"), prefixLength: 80, dev: other });
    const target = parseIpv6("2001:db8:0:0:1::5");
    const ask = (): void =>
      w.receive(
        icmp6Frame({
          source: "2001:db8::7",
          destination: "ff02::1:ff00:5",
          body: body({ type: "neighbor-solicitation", target, options: [sllao] }),
        }),
      );
    w.take();
    ask();
    w.run(1000);
    expect(w.take()).toEqual([]);
    w.layers.nd.proxies.add(target);
    ask();
    expect(w.take()).toEqual([]);
    w.run(1000);
    const [answer] = w.take().map(({ bytes }) => icmp6Of(bytes)!);
    expect(answer?.type).toBe(136);
    expect(answer?.body.slice(0, 2)).toBe("40");
    expect(answer?.destination).toBe("2001:db8::7");
  });
});

describe("N33 redirects (RFC 4861 §8)", () => {
  function routed(sysctls: Record<string, number> = {}): LinkWorld {
    const w = world(sysctls);
    w.host.ipv6.fib.add({ destination: parseIpv6("::"), prefixLength: 0, dev: w.iface, gateway: parseIpv6(LL) });
    return w;
  }
  const far = parseIpv6("2001:db8:f::1");
  function redirect(target: string, from = LL): Uint8Array {
    return icmp6Frame({
      source: from,
      destination: "2001:db8::1",
      body: body({
        type: "redirect",
        target: parseIpv6(target),
        destination: far,
        options: [{ kind: "target-link-layer", mac: parseMac(OTHER_MAC) }],
      }),
    });
  }
  function wayTo(w: LinkWorld, destination: Ipv6Address): string | undefined {
    const route = [...w.host.ipv6.fib.routes()].find((r) => r.destination === destination && r.prefixLength === 128);
    return route === undefined ? undefined : String(route.hops[0]?.gateway ?? "on link");
  }

  test("N33 §8.3: a better router is taken, and its address learned as that of a router", () => {
    const w = routed();
    w.receive(redirect("fe80::77"));
    expect(wayTo(w, far)).toBe("fe80::77");
    expect(neighbourOf(w, "fe80::77")).toEqual({ state: "STALE", lladdr: parseMac(OTHER_MAC) });
    expect(w.layers.nd.of(w.iface)!.neighbours.device.entries.get(parseIpv6("fe80::77"))?.isRouter).toBe(true);
    w.receive(redirect("2001:db8:f::1"));
  });

  test("N33 §8.3: target = destination says that it is on the link", () => {
    const w = routed();
    w.receive(redirect(far.toString()));
    expect(wayTo(w, far)).toBe("on link");
    expect(neighbourOf(w, far.toString()).state).toBe("STALE");
  });

  test("N33 §8.1: only the first hop of the moment may redirect; nobody a router, or with accept_redirects 0", () => {
    const w = routed();
    w.receive(redirect("fe80::77", "fe80::98"));
    expect(wayTo(w, far)).toBeUndefined();
    for (const setting of ["forwarding", "accept_redirects"]) {
      const other = routed({ [`net.ipv6.conf.eth0.${setting}`]: setting === "forwarding" ? 1 : 0 });
      other.receive(redirect("fe80::77"));
      expect(wayTo(other, far)).toBeUndefined();
    }
  });

  test("N33 §8.2: a router sends one, with target address and the quoted packet, no longer than 1280 bytes, once a second", () => {
    const w = world({ "net.ipv6.conf.eth0.forwarding": 1 });
    const { table } = w.layers.nd;
    const on = w.layers.nd.of(w.iface)!;
    const better = parseIpv6("fe80::77");
    table.update(table.create(on.neighbours.device, better)!, parseMac(OTHER_MAC), NUD_STALE, NEIGH_UPDATE_ADMIN);
    table.update(
      table.create(on.neighbours.device, parseIpv6("2001:db8::7"))!,
      parseMac(PEER_MAC),
      NUD_REACHABLE,
      NEIGH_UPDATE_ADMIN,
    );
    const frame = icmp6Frame({
      source: "2001:db8::7",
      destination: far.toString(),
      body: new Uint8Array(1400),
      to: PEER_MAC,
    });
    const packet = w.pool.from(frame.subarray(14))!;
    packet.networkHeader = packet.data;
    w.take();
    expect(w.layers.nd.redirect(w.iface, packet, better)).toBe(true);
    expect(w.layers.nd.redirect(w.iface, packet, better)).toBe(false);
    w.run(1000);
    expect(w.layers.nd.redirect(w.iface, packet, better)).toBe(true);
    // Neither for a group, nor to a router without link-local address, nor to a source of another link.
    expect(w.layers.nd.redirect(w.iface, packet, parseIpv6("2001:db8::77"))).toBe(false);
    packet.release();
    const [first] = w.take();
    const sent = icmp6Of(first!.bytes)!;
    expect(first!.bytes.length - 14).toBeLessThanOrEqual(1280);
    expect([sent.type, sent.source, sent.destination, sent.hops]).toEqual([137, "fe80::ff:fe00:1", "2001:db8::7", 255]);
    expect(sent.body.slice(8, 72)).toBe("fe800000000000000000000000000077" + "20010db8000f00000000000000000001");
    expect(sent.body.slice(72, 88)).toBe("0201020000000077");
    expect(w.inUse).toBe(0);
  });

  test("N33 the limiter forgets hosts that were not redirected for long", () => {
    const limiter = new RedirectLimiter();
    for (let i = 0; i < 3000; i++) expect(limiter.allow(parseIpv6(`2001:db8::${i.toString(16)}`), i * 1e9)).toBe(true);
  });
});

describe("N34 hostile bytes", () => {
  const messages: nd.NdMessage[] = [
    { type: "router-solicitation", options: [sllao] },
    {
      type: "router-advertisement",
      curHopLimit: 64,
      flags: 0,
      routerLifetime: 1800,
      reachableTime: 1,
      retransTimer: 1,
      options: [
        sllao,
        { kind: "mtu", mtu: 1400 },
        {
          kind: "prefix-information",
          prefix: parseIpv6("2001:db8:5::"),
          prefixLength: 64,
          flags: 0xc0,
          validLifetime: 5000,
          preferredLifetime: 4000,
        },
        {
          kind: "route-information",
          prefix: parseIpv6("2001:db8:6::"),
          prefixLength: 48,
          preference: 1,
          lifetime: 600,
        },
      ],
    },
    {
      type: "neighbor-solicitation",
      target: parseIpv6("2001:db8::1"),
      options: [sllao, { kind: "nonce", nonce: Uint8Array.of(1, 2, 3, 4, 5, 6) }],
    },
    {
      type: "neighbor-advertisement",
      target: parseIpv6("2001:db8::2"),
      flags: 0x60,
      options: [{ kind: "target-link-layer", mac: 7 }],
    },
    {
      type: "redirect",
      target: parseIpv6(LL),
      destination: parseIpv6("2001:db8:f::1"),
      options: [{ kind: "redirected-header", data: new Uint8Array(48) }],
    },
  ];
  test("N34 mutated messages never throw, leak nothing and leave the host answering", () => {
    const w = world({ "net.ipv6.conf.eth0.accept_ra_rt_info_max_plen": 128 });
    fc.assert(
      fc.property(
        fc.constantFrom(...messages),
        fc.array(fc.tuple(fc.nat(120), fc.nat(255)), { maxLength: 6 }),
        fc.nat(140),
        fc.constantFrom(LL, "::", "2001:db8::9", "ff02::1"),
        fc.constantFrom("ff02::1", "2001:db8::1", "ff02::1:ff00:1", "ff02::2"),
        (message, edits, length, source, destination) => {
          const bytes = body(message).slice(0, Math.max(4, length));
          for (const [at, value] of edits) if (at < bytes.length && at !== 2 && at !== 3) bytes[at] = value;
          w.receive(icmp6Frame({ source, destination, body: bytes }));
          w.run(1);
        },
      ),
      { numRuns: 1500 },
    );
    w.take();
    w.run(5000);
    w.down();
    expect(w.inUse).toBe(0);
  });

  test("N34 validateNd answers for every cut of every message", () => {
    for (const message of messages) {
      const frame = icmp6Frame({ source: LL, destination: "2001:db8::1", body: body(message) });
      const view = new DataView(frame.buffer);
      for (let end = 54; end <= frame.length; end++) {
        const result = validateNd(view, 14, 54, end);
        if (end < frame.length - 8) continue;
        expect(typeof result === "string" || result.type >= 133).toBe(true);
      }
      expect(typeof validateNd(view, 14, 54, frame.length)).toBe("object");
    }
  });
});
