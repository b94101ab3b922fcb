import fc from "fast-check";
import { createRandom } from "@seville/core";
import { icmpv6, nd, parseIpv6, type Ipv6Address } from "@seville/packet";
import { Simulator } from "@seville/sim";
import { describe, expect, test } from "vitest";
import { removeAddress6 } from "../src/interface/addresses6.ts";
import {
  IFA_F_DEPRECATED,
  IFA_F_TEMPORARY,
  IFAPROT_KERNEL_RA,
  type InterfaceAddress,
} from "../src/interface/interface-address.ts";
import { NUD_FAILED, nudStateName } from "../src/neighbour/nud-state.ts";
import { DefaultRouterList, preferenceBits, preferenceOf, type ToldRoute } from "../src/ipv6/default-router.ts";
import { RouterAdvertiser, type RouterAdvertisementOptions } from "../src/ipv6/router-advertisement.ts";
import { sha1Block } from "../src/ipv6/sha1-block.ts";
import { isReservedIdentifier, stableAddress } from "../src/ipv6/slaac-identifier.ts";
import { deadlineOf, prefixFault, remainingOf, updatedValidLifetime } from "../src/ipv6/slaac.ts";
import { temporaryLifetimes } from "../src/ipv6/slaac-temporary.ts";
import { icmp6Frame, icmp6Of, LinkWorld, ndBody, recorded, fromHex, type WorldOptions } from "./link-world.ts";

const QUIET = { "net.ipv6.conf.eth0.router_solicitations": 0, "net.ipv6.conf.eth0.dad_transmits": 0 };
const LL = "fe80::99";
type Advertisement = Extract<nd.NdMessage, { readonly type: "router-advertisement" }>;

function ra(fields: Partial<Advertisement> = {}): Uint8Array {
  const message = {
    type: "router-advertisement",
    curHopLimit: 0,
    flags: 0,
    routerLifetime: 0,
    reachableTime: 0,
    retransTimer: 0,
    ...fields,
  } as const;
  return icmp6Frame({ source: LL, destination: "ff02::1", body: ndBody(nd.write, nd.lengthOf, message) });
}

function pio(prefix: string, valid: number, preferred: number, flags = 0xc0, prefixLength = 64): nd.NdOption {
  return {
    kind: "prefix-information",
    prefix: parseIpv6(prefix),
    prefixLength,
    flags,
    validLifetime: valid,
    preferredLifetime: preferred,
  };
}

function quiet(options: WorldOptions = {}): LinkWorld {
  const w = new LinkWorld({ ...options, sysctls: { ...QUIET, ...options.sysctls } });
  w.run(2000);
  w.take();
  return w;
}

function madeOf(w: LinkWorld): InterfaceAddress<Ipv6Address>[] {
  return w.iface.v6.addresses.filter(({ proto }) => proto === IFAPROT_KERNEL_RA);
}

describe("N70 RFC 4862 §5.5.3 e: the two-hour rule, every row as the recorded kernel (slaac_lifetimes)", () => {
  const rows = recorded("slaac_lifetimes") as readonly {
    readonly first: number;
    readonly then: number;
    readonly valid: number;
    readonly preferred: number;
  }[];
  for (const { first, then, valid, preferred } of rows) {
    test(`N70 ${first} s to live, told ${then}: ${valid}`, () => {
      const w = quiet();
      w.receive(ra({ options: [pio("2001:db8:1::", first, Math.min(first, 50))] }));
      expect(madeOf(w)).toHaveLength(1);
      w.receive(ra({ options: [pio("2001:db8:1::", then, Math.min(then, 40))] }));
      const [address] = madeOf(w);
      expect(remainingOf(address!.validUntil, w.now)).toBe(valid);
      expect(remainingOf(address!.preferredUntil, w.now)).toBe(preferred);
    });
  }

  test("N70 ra_honor_pio_life takes whatever is told, even the end", () => {
    const w = quiet({ sysctls: { "net.ipv6.conf.eth0.ra_honor_pio_life": 1 } });
    w.receive(ra({ options: [pio("2001:db8:1::", 10_000, 50)] }));
    w.receive(ra({ options: [pio("2001:db8:1::", 100, 40)] }));
    expect(remainingOf(madeOf(w)[0]!.validUntil, w.now)).toBe(100);
    w.receive(ra({ options: [pio("2001:db8:1::", 0, 0)] }));
    w.run(1);
    expect(madeOf(w)).toEqual([]);
  });

  test("N70 property: never less than the offer, never less than the smaller of two hours and what is left", () => {
    fc.assert(
      fc.property(fc.nat(1e6), fc.nat(1e6), (left, offer) => {
        const valid = updatedValidLifetime(left, offer, false);
        // The three cases of the RFC, as written there.
        const written = offer > 7200 || offer > left ? offer : left <= 7200 ? left : 7200;
        expect(valid).toBe(written);
      }),
    );
  });
});

interface RaRow {
  readonly case: string;
  readonly body: string;
  readonly hops: number;
  readonly source: string;
  readonly hopLimit: number;
  readonly mtu: number;
  readonly reachable: number;
  readonly retrans: number;
  readonly routes: readonly {
    readonly dst: string;
    readonly gateway?: string;
    readonly metric: number;
    readonly pref: string;
    readonly expires?: number;
  }[];
  readonly neighbour: { readonly state: string | null; readonly router?: boolean };
}

test("N71 RFC 4861 §6.3.4, RFC 4191: what is taken from which advertisement, in the order of the recording (ra_acceptance)", () => {
  const kernel = recorded("ra_acceptance") as {
    readonly rows: readonly RaRow[];
    readonly addresses: readonly string[];
  };
  const w = quiet({ sysctls: { "net.ipv6.conf.eth0.accept_ra_rt_info_max_plen": 64 } });
  expect(kernel.rows.length).toBeGreaterThan(20);
  for (const row of kernel.rows) {
    w.receive(icmp6Frame({ source: row.source, destination: "ff02::1", body: fromHex(row.body), hops: row.hops }));
    w.run(500);
    const { conf, neigh } = w.iface.v6;
    const routes = [...w.host.ipv6.fib.routes()]
      .filter(({ protocol }) => protocol === "ra")
      .map((route) => ({
        dst: route.prefixLength === 0 ? "default" : `${String(route.destination)}/${route.prefixLength}`,
        gateway: route.hops[0]?.gateway?.toString(),
        metric: route.priority,
        pref: ["low", "medium", "high"][route.preference + 1],
      }));
    const theirs = row.routes.map(({ dst, gateway, metric, pref }) => ({ dst, gateway, metric, pref }));
    const order = (list: typeof routes): string[] => list.map((each) => JSON.stringify(each)).sort();
    expect([row.case, ...order(routes)]).toEqual([row.case, ...order(theirs)]);
    expect([row.case, conf.hop_limit, conf.mtu, neigh.base_reachable_time_ms, neigh.retrans_time_ms]).toEqual([
      row.case,
      row.hopLimit,
      row.mtu,
      row.reachable,
      row.retrans,
    ]);
    const entry = w.layers.nd.of(w.iface)?.neighbours.device.entries.get(parseIpv6(row.source));
    expect([row.case, entry === undefined ? null : nudStateName(entry.nudState)]).toEqual([
      row.case,
      row.neighbour.state,
    ]);
    if (row.neighbour.router !== undefined) expect(entry?.isRouter).toBe(row.neighbour.router);
  }
  expect(
    madeOf(w)
      .map(({ address }) => address.toString())
      .sort(),
  ).toEqual(kernel.addresses);
});

describe("N72 RFC 7217: stable addresses as the recorded kernel makes them (stable_privacy)", () => {
  const kernel = recorded("stable_privacy") as { readonly secret: string; readonly addresses: readonly string[] };
  test("N72 the same secret gives the kernel's addresses, link-local and from prefixes", () => {
    const w = new LinkWorld({ up: false, sysctls: QUIET });
    w.layers.nd.of(w.iface)!.autoconf.stableSecret = parseIpv6(kernel.secret);
    w.up();
    w.run(1000);
    for (let i = 1; i <= 4; i++) w.receive(ra({ options: [pio(`2001:db8:${i}::`, 3000, 2000)] }));
    expect(w.iface.v6.addresses.map(({ address }) => address.toString()).sort()).toEqual(kernel.addresses);
  });

  test("N72 §5: another prefix, secret, device or counter gives another identifier", () => {
    const base = [parseIpv6("2001:db8::"), parseIpv6(kernel.secret), 0, 0] as const;
    const of = (...given: readonly [Ipv6Address, Ipv6Address, number, number]): string =>
      stableAddress(...given)
        .toString()
        .slice(-19);
    const seen = new Set([
      of(...base),
      of(parseIpv6("2001:db8:1::"), base[1], 0, 0),
      of(base[0], parseIpv6("::1"), 0, 0),
      of(base[0], base[1], 0x0200_0000_0001, 0),
      of(base[0], base[1], 0, 1),
    ]);
    expect(seen.size).toBe(5);
  });

  test("N72 §6: after a collision the counter gives the next address, idgen_retries times", () => {
    const w = new LinkWorld({ up: false, sysctls: { "net.ipv6.conf.eth0.router_solicitations": 0 } });
    const on = w.layers.nd.of(w.iface)!;
    on.autoconf.stableSecret = parseIpv6(kernel.secret);
    w.up();
    const seen: string[] = [];
    for (let i = 0; i < 6; i++) {
      const own = w.iface.v6.addresses[0];
      if (own === undefined) break;
      seen.push(own.address.toString());
      on.dad.conflict(own, undefined);
      w.run(1001);
    }
    expect(new Set(seen).size).toBe(4);
    expect(seen[0]).toBe(kernel.addresses.at(-1));
    expect(seen[1]).toBe(stableAddress(parseIpv6("fe80::"), parseIpv6(kernel.secret), 0, 1).toString());
  });

  test("N72 RFC 5453: reserved identifiers are not used", () => {
    for (const text of ["fe80::", "2001:db8::fdff:ffff:ffff:ff80", "2001:db8::200:5eff:fe00:0"])
      expect(isReservedIdentifier(parseIpv6(text))).toBe(true);
    expect(isReservedIdentifier(parseIpv6("fe80::1"))).toBe(false);
  });

  test("N72 the compression function: SHA-1 of the empty message is one padded block (FIPS 180-4)", () => {
    const block = new DataView(new ArrayBuffer(64));
    block.setUint8(0, 0x80);
    const hex = sha1Block(block)
      .map((word) => word.toString(16).padStart(8, "0"))
      .join("");
    expect(hex).toBe("da39a3ee5e6b4b0d3255bfef95601890afd80709");
  });
});

describe("N73 addresses come and go", () => {
  test("N73 RFC 4862 §5.3: a link-local address with the EUI-64 of the interface; addr_gen_mode 1 makes none", () => {
    expect(quiet().iface.v6.addresses.map(({ address }) => address.toString())).toEqual(["fe80::ff:fe00:1"]);
    expect(quiet({ up: false, sysctls: { "net.ipv6.conf.eth0.addr_gen_mode": 1 } }).iface.v6.addresses).toEqual([]);
    const w = new LinkWorld({ up: false, sysctls: { ...QUIET, "net.ipv6.conf.eth0.addr_gen_mode": 1 } });
    w.up();
    w.run(1000);
    expect(w.iface.v6.addresses).toEqual([]);
  });

  test("N73 RFC 4862 §5.5.4: deprecated when the preferred lifetime ends, gone when the valid one does, and back with news", () => {
    const w = quiet();
    w.receive(ra({ options: [pio("2001:db8:1::", 9000, 100)] }));
    w.run(99_000);
    expect(madeOf(w)[0]!.flags & IFA_F_DEPRECATED).toBe(0);
    w.run(2000);
    expect(madeOf(w)[0]!.flags & IFA_F_DEPRECATED).not.toBe(0);
    w.receive(ra({ options: [pio("2001:db8:1::", 9000, 100)] }));
    expect(madeOf(w)[0]!.flags & IFA_F_DEPRECATED).toBe(0);
    w.run(8_999_000);
    expect(madeOf(w)).toHaveLength(1);
    w.run(2000);
    expect(madeOf(w)).toEqual([]);
    expect([...w.host.ipv6.fib.routes()].filter(({ protocol }) => protocol === "ra")).toEqual([]);
  });

  test("N73 max_addresses limits, autoconf 0 and accept_ra_pinfo 0 refuse, a router believes with accept_ra 2 only", () => {
    const many = Array.from({ length: 30 }, (_, i) => pio(`2001:db8:${(i + 1).toString(16)}::`, 3000, 2000));
    const w = quiet();
    w.receive(ra({ options: many }));
    expect(w.iface.v6.addresses).toHaveLength(16);
    const believes = (sysctls: Record<string, number>): boolean => {
      const other = quiet({ sysctls });
      other.receive(ra({ routerLifetime: 1800, options: [pio("2001:db8:1::", 3000, 2000)] }));
      return madeOf(other).length > 0;
    };
    expect(believes({ "net.ipv6.conf.eth0.autoconf": 0 })).toBe(false);
    expect(believes({ "net.ipv6.conf.eth0.accept_ra_pinfo": 0 })).toBe(false);
    expect(believes({ "net.ipv6.conf.eth0.accept_ra": 0 })).toBe(false);
    expect(believes({ "net.ipv6.conf.eth0.forwarding": 1 })).toBe(false);
    expect(believes({ "net.ipv6.conf.eth0.forwarding": 1, "net.ipv6.conf.eth0.accept_ra": 2 })).toBe(true);
  });

  test("N73 RFC 8981: a temporary address beside the public one, regenerated before it is deprecated, never after its parent", () => {
    const w = quiet({
      sysctls: {
        "net.ipv6.conf.eth0.use_tempaddr": 2,
        "net.ipv6.conf.eth0.temp_prefered_lft": 1000,
        "net.ipv6.conf.eth0.temp_valid_lft": 3000,
        "net.ipv6.conf.eth0.max_desync_factor": 0,
      },
    });
    w.receive(ra({ options: [pio("2001:db8:1::", 500_000, 400_000)] }));
    const temporaries = (): InterfaceAddress<Ipv6Address>[] =>
      w.iface.v6.addresses.filter(({ flags, proto }) => (flags & IFA_F_TEMPORARY) !== 0 && proto === IFAPROT_KERNEL_RA);
    expect(temporaries()).toHaveLength(1);
    const [first] = temporaries();
    expect(first!.address).not.toBe(parseIpv6("2001:db8:1::ff:fe00:1"));
    w.run(999_000);
    expect(temporaries()).toHaveLength(2);
    expect(first!.flags & IFA_F_DEPRECATED).toBe(0);
    w.run(2000);
    expect(first!.flags & IFA_F_DEPRECATED).not.toBe(0);
    w.run(2_000_000);
    expect(temporaries()).not.toContain(first);
    expect(w.host.ipv6.selectSource(parseIpv6("2001:db8:9::1"), w.iface, 0)).toBe(
      temporaries().find(({ flags }) => (flags & IFA_F_DEPRECATED) === 0)?.address,
    );
    w.down();
    expect(w.inUse).toBe(0);
  });

  test("N73 RFC 8981 §3.4: a temporary address follows its public one: to a longer life, within its own limits, and to its end", () => {
    const w = quiet({
      sysctls: {
        "net.ipv6.conf.eth0.use_tempaddr": 1,
        "net.ipv6.conf.eth0.temp_prefered_lft": 5000,
        "net.ipv6.conf.eth0.temp_valid_lft": 9000,
        "net.ipv6.conf.eth0.max_desync_factor": 0,
        "net.ipv6.conf.eth0.ra_honor_pio_life": 1,
      },
    });
    const temporaries = (): InterfaceAddress<Ipv6Address>[] =>
      w.iface.v6.addresses.filter(({ flags, proto }) => (flags & IFA_F_TEMPORARY) !== 0 && proto === IFAPROT_KERNEL_RA);
    w.receive(ra({ options: [pio("2001:db8:1::", 1000, 800)] }));
    const [first] = temporaries();
    const left = (): number[] => [first!.preferredUntil, first!.validUntil].map((until) => remainingOf(until, w.now));
    expect(left()).toEqual([800, 1000]);
    w.run(100_000);
    w.receive(ra({ options: [pio("2001:db8:1::", 2000, 1500)] }));
    expect(left()).toEqual([1500, 2000]);
    w.receive(ra({ options: [pio("2001:db8:1::", 50_000, 40_000)] }));
    expect(left()).toEqual([4900, 8900]);
    // The successor comes when the new preference ends, not when the first one would have.
    w.run(1_000_000);
    expect(temporaries()).toHaveLength(1);
    w.run(3_899_500);
    expect(temporaries()).toHaveLength(2);
    w.receive(ra({ options: [pio("2001:db8:1::", 0, 0)] }));
    w.run(1);
    expect(temporaries()).toEqual([]);
    expect(madeOf(w)).toEqual([]);
  });

  test("N73 a public address that is deleted by hand takes its temporary ones along", () => {
    const w = quiet({ sysctls: { "net.ipv6.conf.eth0.use_tempaddr": 2 } });
    w.receive(ra({ options: [pio("2001:db8:1::", 500_000, 400_000)] }));
    expect(madeOf(w)).toHaveLength(2);
    removeAddress6(w.iface, parseIpv6("2001:db8:1::ff:fe00:1"));
    expect(madeOf(w)).toEqual([]);
  });

  test("N73 RFC 8981 §3.4 (5): none is made that would be deprecated before its successor could be", () => {
    const conf = quiet().iface.v6.conf;
    const parent = { preferredUntil: 2e9, validUntil: 1e12 };
    expect(temporaryLifetimes(conf, 0, 0, parent, 0, 1000)).toBeUndefined();
    expect(temporaryLifetimes(conf, 0, 0, { ...parent, preferredUntil: 1e12 }, 0, 1000)?.preferredUntil).toBe(1e12);
  });

  test("N73 prefixes that are not believed, and lifetimes that our clock cannot hold", () => {
    const good = {
      prefix: parseIpv6("2001:db8::"),
      prefixLength: 64,
      flags: 0xc0,
      validLifetime: 10,
      preferredLifetime: 5,
    };
    expect(prefixFault(good)).toBeUndefined();
    for (const bad of [
      { prefix: parseIpv6("fe80::") },
      { prefix: parseIpv6("ff02::") },
      { prefixLength: 129 },
      { preferredLifetime: 11 },
    ]) {
      expect(prefixFault({ ...good, ...bad })).toBeTypeOf("string");
    }
    expect(deadlineOf(4_294_967_294, 0)).toBe(Infinity);
    expect(deadlineOf(2_592_000, 5)).toBe(2_592_000e9 + 5);
  });
});

describe("N74 RFC 4861 §6.3.7 and RFC 7559: soliciting routers, as the recorded kernel (router_solicitations)", () => {
  const kernel = recorded("router_solicitations") as readonly { readonly ms: number; readonly frame: string }[];
  const settings = {
    "net.ipv6.conf.eth0.router_solicitations": 5,
    "net.ipv6.conf.eth0.router_solicitation_interval": 1,
    "net.ipv6.conf.eth0.router_solicitation_max_interval": 4,
  };
  const gapsOf = (times: number[]): number[] => times.slice(1).map((ms, i) => ms - times[i]!);
  const bounds = [
    [0.9, 1.1],
    [1.71, 2.31],
    [3.24, 4.86],
    [3.6, 4.4],
  ];

  test("N74 the number, content and backoff of the solicitations", () => {
    for (let seed = 1; seed <= 10; seed++) {
      const w = new LinkWorld({ seed, sysctls: settings });
      w.run(30_000);
      const ours = w.take(({ bytes }) => icmp6Of(bytes)?.type === icmpv6.ROUTER_SOLICITATION);
      const theirs = kernel.filter(({ frame }) => icmp6Of(fromHex(frame))?.type === icmpv6.ROUTER_SOLICITATION);
      expect(ours.map(({ bytes }) => icmp6Of(bytes))).toEqual(theirs.map(({ frame }) => icmp6Of(fromHex(frame))));
      for (const [gaps, slack] of [
        [gapsOf(ours.map(({ ms }) => ms)), 1],
        [gapsOf(theirs.map(({ ms }) => ms)), 150],
      ] as const) {
        for (const [i, gap] of gaps.entries()) {
          expect(gap).toBeGreaterThanOrEqual(bounds[i]![0]! * 1000 - slack);
          expect(gap).toBeLessThanOrEqual(bounds[i]![1]! * 1000 + slack);
        }
      }
    }
  });

  test("N74 an advertisement ends it; without a limit it goes on, ever more slowly, up to the longest interval", () => {
    const w = new LinkWorld({ sysctls: settings });
    w.run(3000);
    w.receive(ra({ routerLifetime: 1800 }));
    w.take();
    w.run(60_000);
    expect(w.take(({ bytes }) => icmp6Of(bytes)?.type === 133)).toEqual([]);
    const forever = new LinkWorld();
    forever.run(24 * 3_600_000);
    const times = forever.take(({ bytes }) => icmp6Of(bytes)?.type === 133).map(({ ms }) => ms);
    const gaps = gapsOf(times);
    expect(gaps.length).toBeGreaterThan(25);
    expect(Math.max(...gaps)).toBeLessThanOrEqual(3_960_001);
    expect(gaps[0]).toBeLessThan(4401);
  });

  test("N74 router_solicitations 0, a router and accept_ra 0 ask nobody", () => {
    for (const sysctls of [
      { "net.ipv6.conf.eth0.router_solicitations": 0 },
      { "net.ipv6.conf.eth0.forwarding": 1 },
      { "net.ipv6.conf.eth0.accept_ra": 0 },
    ]) {
      const w = new LinkWorld({ up: false, sysctls });
      w.up();
      w.run(20_000);
      expect(w.take(({ bytes }) => icmp6Of(bytes)?.type === 133)).toEqual([]);
    }
  });
});

describe("N75 the default router list (RFC 4861 §6.3.6, RFC 4191 §3.2)", () => {
  function list(): { list: DefaultRouterList; table: ToldRoute[]; bad: Set<Ipv6Address>; sim: Simulator } {
    const sim = new Simulator();
    const table: ToldRoute[] = [];
    const bad = new Set<Ipv6Address>();
    const made = new DefaultRouterList(sim, {
      append: (route) => table.push(route),
      remove: (route) => {
        const at = table.indexOf(route);
        if (at >= 0) table.splice(at, 1);
      },
      reachable: (router) => !bad.has(router),
    });
    return { list: made, table, bad, sim };
  }
  const told = (router: string, preference: -1 | 0 | 1, seconds = 1800): ToldRoute => ({
    prefix: parseIpv6("::"),
    prefixLength: 0,
    router: parseIpv6(router),
    preference,
    metric: 1024,
    expires: seconds * 1e9,
  });
  const names = (routes: readonly ToldRoute[]): string[] => routes.map(({ router }) => router.toString());

  test("N75 higher preference first; the table stands in the same order", () => {
    const { list: l, table } = list();
    l.set(told("fe80::1", -1));
    l.set(told("fe80::2", 1));
    l.set(told("fe80::3", 0));
    expect(names(l.defaults())).toEqual(["fe80::2", "fe80::3", "fe80::1"]);
    expect(names(table)).toEqual(["fe80::2", "fe80::3", "fe80::1"]);
    l.set(told("fe80::1", 1));
    expect(names(table).slice(0, 2).sort()).toEqual(["fe80::1", "fe80::2"]);
  });

  test("N75 a reachable router of low preference comes before an unreachable one of high; when all fail each has its turn", () => {
    const { list: l, table, bad } = list();
    l.set(told("fe80::1", 1));
    l.set(told("fe80::2", -1));
    bad.add(parseIpv6("fe80::1"));
    l.reachabilityChanged(parseIpv6("fe80::1"));
    expect(names(table)).toEqual(["fe80::2", "fe80::1"]);
    bad.delete(parseIpv6("fe80::1"));
    l.reachabilityChanged(parseIpv6("fe80::1"));
    expect(names(table)).toEqual(["fe80::1", "fe80::2"]);
  });

  test("N75 RFC 4861 §6.3.6: of routers that all fail, the one that failed longest ago is tried next", () => {
    const { list: l, table, bad } = list();
    for (const router of ["fe80::1", "fe80::2", "fe80::3"]) l.set(told(router, 0));
    const tried: (string | undefined)[] = [];
    for (let i = 0; i < 7; i++) {
      const first = parseIpv6(names(table)[0]!);
      tried.push(first.toString());
      bad.add(first);
      l.reachabilityChanged(first);
    }
    const round = ["fe80::1", "fe80::2", "fe80::3"];
    expect(tried).toEqual([...round, ...round, "fe80::1"]);
    expect(names(l.defaults())).toEqual(names(table));
  });

  test("N75 a lifetime ends by itself, or at once with 0", () => {
    const { list: l, table, sim } = list();
    l.set(told("fe80::1", 0, 10));
    l.set(told("fe80::2", 0, 20));
    sim.run({ until: 11e9 });
    expect(names(table)).toEqual(["fe80::2"]);
    l.set({ ...told("fe80::2", 0), expires: sim.now });
    expect(table).toEqual([]);
    expect(sim.pending).toBe(0);
  });

  test("N75 on a host: a router that does not answer any more gives way to the other", () => {
    const w = quiet();
    const source = (text: string, flags: number): Uint8Array =>
      icmp6Frame({
        source: text,
        destination: "ff02::1",
        body: ndBody(nd.write, nd.lengthOf, {
          type: "router-advertisement",
          curHopLimit: 64,
          flags,
          routerLifetime: 1800,
          reachableTime: 0,
          retransTimer: 0,
          options: [{ kind: "source-link-layer", mac: 0x0200_0000_0099 }],
        }),
      });
    w.receive(source("fe80::a", 0x08));
    w.receive(source("fe80::b", 0x00));
    const first = (): string | undefined =>
      [...w.host.ipv6.fib.routes()].find(({ prefixLength }) => prefixLength === 0)?.hops[0]?.gateway?.toString();
    expect(first()).toBe("fe80::a");
    // Two routes, not one with two hops: a host does not spread over its routers.
    expect(
      [...w.host.ipv6.fib.routes()].filter(({ prefixLength }) => prefixLength === 0).map(({ hops }) => hops.length),
    ).toEqual([1, 1]);
    w.sendV6("fe80::a", "fe80::ff:fe00:1");
    w.run(9000);
    expect(w.layers.nd.of(w.iface)?.neighbours.device.entries.get(parseIpv6("fe80::a"))?.nudState).toBe(NUD_FAILED);
    expect(first()).toBe("fe80::b");
    w.down();
    expect([...w.host.ipv6.fib.routes()].filter(({ protocol }) => protocol === "ra")).toEqual([]);
  });

  test("N75 the two bits of a preference (RFC 4191 §2.1)", () => {
    expect([0, 1, 2, 3].map(preferenceOf)).toEqual([0, 1, undefined, -1]);
    expect(([-1, 0, 1] as const).map(preferenceBits)).toEqual([3, 0, 1]);
  });
});

describe("N76 RFC 4861 §6.2: advertising", () => {
  function advertiser(
    options: RouterAdvertisementOptions = {},
    seed = 1,
  ): { sim: Simulator; ra: RouterAdvertiser; sent: { at: number; message: Advertisement }[] } {
    const sim = new Simulator();
    const sent: { at: number; message: Advertisement }[] = [];
    const made = new RouterAdvertiser(sim, createRandom(seed), options, (message) =>
      sent.push({ at: sim.now / 1e9, message }),
    );
    return { sim, ra: made, sent };
  }

  test("N76 §6.2.4: three soon, at most 16 s apart, then between the minimal and the maximal interval", () => {
    for (let seed = 1; seed < 20; seed++) {
      const { sim, ra: router, sent } = advertiser({}, seed);
      router.start();
      sim.run({ until: 6000e9 });
      const gaps = sent.slice(1).map(({ at }, i) => at - sent[i]!.at);
      expect(gaps.slice(0, 2).every((gap) => gap <= 16)).toBe(true);
      expect(gaps.slice(2).every((gap) => gap >= 198 && gap <= 600)).toBe(true);
      expect(new Set(gaps.slice(2)).size).toBe(gaps.length - 2);
    }
  });

  test("N76 §6.2.6: an answer within half a second, and not within three seconds of the last multicast", () => {
    const { sim, ra: router, sent } = advertiser();
    router.start();
    sim.run({ until: 100e9 });
    const before = sent.length;
    router.solicited();
    router.solicited();
    sim.run({ until: 100.6e9 });
    expect(sent.length).toBe(before + 1);
    router.solicited();
    sim.run({ until: 103e9 });
    expect(sent.length).toBe(before + 1);
    sim.run({ until: 104.2e9 });
    expect(sent.length).toBe(before + 2);
    const [x, y] = sent.slice(-2);
    expect(y!.at - x!.at).toBeGreaterThanOrEqual(3);
  });

  test("N76 RFC 4191 §2.2: who is no default router has no preference", () => {
    const { sim, ra: router, sent } = advertiser({ defaultLifetime: 0, preference: 1 });
    router.start();
    sim.run({ until: 1 });
    expect([sent[0]!.message.flags, sent[0]!.message.routerLifetime]).toEqual([0, 0]);
  });

  test("N76 §6.2.5: the last one says lifetime 0, once", () => {
    const { sim, ra: router, sent } = advertiser({ defaultLifetime: 1800 });
    router.stop();
    router.start();
    router.start();
    sim.run({ until: 1e9 });
    router.stop();
    router.stop();
    sim.run({ until: 5000e9 });
    expect(sent.map(({ message }) => message.routerLifetime)).toEqual([1800, 0]);
  });

  test("N76 §6.2.1: options outside their ranges are errors that name them", () => {
    const bad: [RouterAdvertisementOptions, string][] = [
      [{ maxInterval: 3 }, "maxInterval"],
      [{ maxInterval: 1801 }, "maxInterval"],
      [{ minInterval: 2 }, "minInterval"],
      [{ maxInterval: 10, minInterval: 8 }, "minInterval"],
      [{ defaultLifetime: 100 }, "defaultLifetime"],
      [{ defaultLifetime: 9001 }, "defaultLifetime"],
      [{ reachableTime: 3_600_001 }, "reachableTime"],
      [
        { prefixes: [{ prefix: parseIpv6("2001:db8::"), prefixLength: 64, validLifetime: 5, preferredLifetime: 6 }] },
        "preferredLifetime",
      ],
    ];
    for (const [options, argument] of bad)
      expect(() => advertiser(options)).toThrow(expect.objectContaining({ argument }) as Error);
    expect(() => advertiser({ maxInterval: 4 })).not.toThrow();
  });

  test("N76 every option, read back as a host reads it (RFC 4191, RFC 8106, RFC 8781)", () => {
    const {
      sim,
      ra: router,
      sent,
    } = advertiser({
      managed: true,
      otherConfig: true,
      linkMtu: 1400,
      preference: 1,
      prefixes: [{ prefix: parseIpv6("2001:db8:1::"), prefixLength: 64, autonomous: false }],
      routes: [{ prefix: parseIpv6("2001:db8:2::"), prefixLength: 48, preference: -1 }],
      dnsServers: [parseIpv6("2001:db8::53")],
      pref64: { prefix: parseIpv6("64:ff9b::"), prefixLength: 96, lifetime: 601 },
    });
    router.start();
    sim.run({ until: 1 });
    expect(sent[0]!.message.flags).toBe(0x80 | 0x40 | 0x08);
    expect(sent[0]!.message.options).toEqual([
      { kind: "mtu", mtu: 1400 },
      {
        kind: "prefix-information",
        prefix: parseIpv6("2001:db8:1::"),
        prefixLength: 64,
        flags: 0x80,
        validLifetime: 2_592_000,
        preferredLifetime: 604_800,
      },
      { kind: "route-information", prefix: parseIpv6("2001:db8:2::"), prefixLength: 48, preference: 3, lifetime: 1800 },
      { kind: "rdnss", lifetime: 1800, servers: [parseIpv6("2001:db8::53")] },
      { kind: "pref64", prefix: parseIpv6("64:ff9b::"), prefixLength: 96, lifetime: 608 },
    ]);
  });

  test("N76 on a host: a router advertises when its link-local address is tested, answers solicitations, says goodbye", () => {
    const w = new LinkWorld({ sysctls: { "net.ipv6.conf.eth0.forwarding": 1 } });
    w.layers.nd.advertise(w.iface, { prefixes: [{ prefix: parseIpv6("2001:db8:1::"), prefixLength: 64 }] });
    expect(w.take(({ bytes }) => icmp6Of(bytes)?.type === 134)).toEqual([]);
    w.run(60_000);
    const frames = (): string[] =>
      w
        .take(({ bytes }) => icmp6Of(bytes)?.type === 134)
        .map(({ bytes }) => {
          const f = icmp6Of(bytes)!;
          return `${f.source} ${f.destination} ${f.hops} lifetime ${parseInt(f.body.slice(4, 8), 16)} ${f.body.slice(24, 40)}`;
        });
    expect(frames()).toEqual(Array<string>(3).fill("fe80::ff:fe00:1 ff02::1 255 lifetime 1800 0101020000000001"));
    w.receive(
      icmp6Frame({
        source: "fe80::99",
        destination: "ff02::2",
        body: ndBody(nd.write, nd.lengthOf, {
          type: "router-solicitation",
          options: [{ kind: "source-link-layer", mac: 0x0200_0000_0099 }],
        }),
      }),
    );
    w.run(600);
    expect(frames()).toHaveLength(1);
    const asker = w.layers.nd.of(w.iface)?.neighbours.device.entries.get(parseIpv6("fe80::99"));
    expect([nudStateName(asker?.nudState ?? 0), asker?.isRouter]).toEqual(["STALE", false]);
    w.down();
    expect(frames()).toEqual(["fe80::ff:fe00:1 ff02::1 255 lifetime 0 0101020000000001"]);
  });
});
