import fc from "fast-check";
import { parseIp, parseIpv4, parseIpv6, parseIpv6Prefix, scopeOf, type IpAddress } from "@seville/packet";
import { describe, expect, test } from "vitest";
import { orderDestinations, type DestinationFacts } from "../src/address/destination-ordering.ts";
import { confirmInetAddress, selectInetAddress, type Inet4Interface } from "../src/address/inet-select.ts";
import { asIpv6, defaultPolicy, PolicyTable } from "../src/address/policy-table.ts";
import {
  commonPrefixLength,
  compareSources,
  selectSource,
  type SourceCandidate,
} from "../src/address/source-selection.ts";
import {
  IFA_F_SECONDARY,
  makeInterfaceAddress,
  RT_SCOPE_HOST,
  RT_SCOPE_LINK,
  RT_SCOPE_UNIVERSE,
} from "../src/interface/interface-address.ts";
import { LinkWorld } from "./link-world.ts";

const POLICY = new PolicyTable();

/** `2001:db8::1`, with words behind it: deprecated, temporary, home, if2 (another interface), via (advertised by the next hop). */
function candidate(text: string): SourceCandidate<IpAddress> {
  const [address = "", ...words] = text.split(" ");
  const [ip = "", length] = address.split("/");
  const parsed = parseIp(ip);
  return {
    address: parsed,
    prefixLength: Number(length ?? (typeof parsed === "number" ? 24 : 64)),
    ifindex: words.includes("if2") ? 2 : 1,
    deprecated: words.includes("deprecated"),
    optimistic: words.includes("optimistic"),
    temporary: words.includes("temporary"),
    home: words.includes("home"),
    fromNextHop: words.includes("via"),
  };
}

describe("N20 RFC 6724 §10.1: default source address selection, every example", () => {
  const rows: [destination: string, candidates: string[], result: string, rule: string][] = [
    ["2001:db8:1::1", ["2001:db8:3::1", "fe80::1"], "2001:db8:3::1", "2 prefer appropriate scope"],
    ["ff05::1", ["2001:db8:3::1", "fe80::1"], "2001:db8:3::1", "2 prefer appropriate scope"],
    ["2001:db8:1::1", ["2001:db8:1::1 deprecated", "2001:db8:2::1"], "2001:db8:1::1", "1 prefer same address"],
    ["fe80::1", ["fe80::2 deprecated", "2001:db8:1::1"], "fe80::2", "2 prefer appropriate scope"],
    ["2001:db8:1::1", ["2001:db8:1::2", "2001:db8:3::2"], "2001:db8:1::2", "8 longest matching prefix"],
    ["2001:db8:1::1", ["2001:db8:1::2 if2", "2001:db8:3::2"], "2001:db8:3::2", "5 prefer outgoing interface"],
    ["2001:db8:1::1", ["2001:db8:1::2", "2001:db8:3::2 home"], "2001:db8:3::2", "4 prefer home address"],
    [
      "2002:c633:6401::1",
      ["2002:c633:6401::d5e3:7953:13eb:22e8 temporary", "2001:db8:1::2"],
      "2002:c633:6401::d5e3:7953:13eb:22e8",
      "6 prefer matching label",
    ],
    [
      "2001:db8:1::d5e3:0:0:1",
      ["2001:db8:1::2", "2001:db8:1::d5e3:7953:13eb:22e8 temporary"],
      "2001:db8:1::d5e3:7953:13eb:22e8",
      "7 prefer temporary address",
    ],
    ["2001:db8:1::1", ["2001:db8:1::2 deprecated", "2001:db8:2::2"], "2001:db8:2::2", "3 avoid deprecated addresses"],
    ["2001:db8:1::1", ["2001:db8:1::2", "2001:db8:2::2 via"], "2001:db8:2::2", "5.5 prefix advertised by the next hop"],
    [
      "fe80::1",
      ["fe80::2 if2", "2001:db8:1::1"],
      "2001:db8:1::1",
      "§4 link-local destinations: outgoing interface only",
    ],
    ["ff02::1", ["fe80::2 if2", "fe80::3"], "fe80::3", "§4 multicast destinations: outgoing interface only"],
    [
      "2001:db8:1::1",
      ["2001:db8:1::2 optimistic", "2001:db8:2::2"],
      "2001:db8:2::2",
      "RFC 4429 §3.2: optimistic as deprecated",
    ],
  ];
  for (const [destination, candidates, result, rule] of rows) {
    test(`N20 to ${destination} of ${candidates.join(", ")}: ${result} (rule ${rule})`, () => {
      for (const order of [candidates, [...candidates].reverse()]) {
        const chosen = selectSource(parseIpv6(destination), 1, order.map(candidate), POLICY);
        expect(chosen?.address).toBe(parseIp(result));
      }
    });
  }

  test("N20 RFC 5014: a user may prefer public and care-of addresses", () => {
    const candidates = ["2001:db8:1::2", "2001:db8:1::d5e3:7953:13eb:22e8 temporary"].map(candidate);
    const to = parseIpv6("2001:db8:1::d5e3:0:0:1");
    expect(selectSource(to, 1, candidates, POLICY, { preferPublic: true })?.address).toBe(parseIpv6("2001:db8:1::2"));
    const home = ["2001:db8:1::2", "2001:db8:3::2 home"].map(candidate);
    expect(selectSource(to, 1, home, POLICY, { preferCareOf: true })?.address).toBe(parseIpv6("2001:db8:1::2"));
  });

  test("N20 §2.2: a source matches no further than its own prefix reaches", () => {
    const candidates = ["2001:db8:1::2/32", "2001:db8:2::2/48"].map(candidate);
    expect(selectSource(parseIpv6("2001:db8:1::1"), 1, candidates, POLICY)?.address).toBe(parseIpv6("2001:db8:2::2"));
  });

  test("N20 no candidate, no source", () => {
    expect(selectSource(parseIpv6("2001:db8::1"), 1, [], POLICY)).toBeUndefined();
  });
});

describe("N21 RFC 6724 §10.2: default destination address selection, every example", () => {
  type Row = [rows: [destination: string, source: string | undefined][], order: string[], rule: string];
  const rows: Row[] = [
    [
      [
        ["2001:db8:1::1", "2001:db8:1::2"],
        ["198.51.100.121", "169.254.13.78"],
      ],
      ["2001:db8:1::1", "198.51.100.121"],
      "2 prefer matching scope",
    ],
    [
      [
        ["2001:db8:1::1", "fe80::1"],
        ["198.51.100.121", "198.51.100.117"],
      ],
      ["198.51.100.121", "2001:db8:1::1"],
      "2 prefer matching scope",
    ],
    [
      [
        ["2001:db8:1::1", "2001:db8:1::2"],
        ["10.1.2.3", "10.1.2.4"],
      ],
      ["2001:db8:1::1", "10.1.2.3"],
      "6 prefer higher precedence",
    ],
    [
      [
        ["2001:db8:1::1", "2001:db8:1::2"],
        ["fe80::1", "fe80::2"],
      ],
      ["fe80::1", "2001:db8:1::1"],
      "8 prefer smaller scope",
    ],
    [
      [
        ["2001:db8:1::1", "2001:db8:3::1 home"],
        ["fe80::1", "fe80::2"],
      ],
      ["2001:db8:1::1", "fe80::1"],
      "4 prefer home address",
    ],
    [
      [
        ["2001:db8:1::1", "2001:db8:1::2"],
        ["fe80::1", "fe80::2 deprecated"],
      ],
      ["2001:db8:1::1", "fe80::1"],
      "3 avoid deprecated addresses",
    ],
    [
      [
        ["2001:db8:1::1", "2001:db8:1::2"],
        ["2001:db8:3ffe::1", "2001:db8:3f44::2"],
      ],
      ["2001:db8:1::1", "2001:db8:3ffe::1"],
      "9 longest matching prefix",
    ],
    [
      [
        ["2002:c633:6401::1", "2002:c633:6401::2"],
        ["2001:db8:1::1", "fe80::2"],
      ],
      ["2002:c633:6401::1", "2001:db8:1::1"],
      "2 prefer matching scope",
    ],
    [
      [
        ["2002:c633:6401::1", "2002:c633:6401::2"],
        ["2001:db8:1::1", "2001:db8:1::2"],
      ],
      ["2001:db8:1::1", "2002:c633:6401::1"],
      "6 prefer higher precedence",
    ],
    [
      [
        ["2002:c633:6401::1", "2002:c633:6401::2"],
        ["2001:db8:1::1", "2002:c633:6401::2"],
      ],
      ["2002:c633:6401::1", "2001:db8:1::1"],
      "5 prefer matching label",
    ],
    [
      [
        ["2001:db8:1::1", undefined],
        ["198.51.100.121", "198.51.100.117"],
      ],
      ["198.51.100.121", "2001:db8:1::1"],
      "1 avoid unusable destinations",
    ],
  ];
  for (const [given, order, rule] of rows) {
    test(`N21 ${order.join(" before ")} (rule ${rule})`, () => {
      const facts = given.map(([destination, source]): DestinationFacts => ({
        destination: parseIp(destination),
        source: source === undefined ? undefined : candidate(source),
        encapsulated: false,
      }));
      for (const input of [facts, [...facts].reverse()]) {
        expect(orderDestinations(input, POLICY)).toEqual(order.map((text) => parseIp(text)));
      }
    });
  }

  test("N21 §10.3: a policy that prefers IPv4 (precedence of ::ffff:0:0/96 over ::/0)", () => {
    const table = new PolicyTable();
    table.set({ prefix: parseIpv6Prefix("::ffff:0:0/96"), precedence: 100, label: 4 });
    const facts = [
      { destination: parseIp("2001:db8:1::1"), source: candidate("2001:db8:1::2"), encapsulated: false },
      { destination: parseIp("10.1.2.3"), source: candidate("10.1.2.4"), encapsulated: false },
    ];
    expect(orderDestinations(facts, POLICY)[0]).toBe(parseIp("2001:db8:1::1"));
    expect(orderDestinations(facts, table)[0]).toBe(parseIp("10.1.2.3"));
  });

  test("N21 rules 7 and 10: native transport first, and otherwise the order stays", () => {
    const source = candidate("2001:db8:1::9");
    const a = { destination: parseIp("2001:db8:1::1"), source, encapsulated: true };
    const b = { destination: parseIp("2001:db8:1::2"), source, encapsulated: false };
    expect(orderDestinations([a, b], POLICY)).toEqual([b.destination, a.destination]);
    expect(orderDestinations([{ ...a, encapsulated: false }, b], POLICY)).toEqual([a.destination, b.destination]);
  });
});

describe("N22 the policy table (RFC 6724 §2.1)", () => {
  test("N22 precedence and label of an address of each row", () => {
    const rows = ["::1", "2001:db8::1", "192.0.2.1", "2002::1", "2001::1", "fd00::1", "::2", "fec0::1", "3ffe::1"];
    const values = rows.map((text) => [POLICY.precedence(parseIp(text)), POLICY.label(parseIp(text))]);
    expect(values).toEqual([
      [50, 0],
      [40, 1],
      [35, 4],
      [30, 2],
      [5, 5],
      [3, 13],
      [1, 3],
      [1, 11],
      [1, 12],
    ]);
  });

  test("N22 rows can be removed; what no row matches has the lowest precedence", () => {
    const table = new PolicyTable(defaultPolicy());
    expect(table.remove(parseIpv6Prefix("::/0"))).toBe(true);
    expect(table.remove(parseIpv6Prefix("::/0"))).toBe(false);
    expect(table.precedence(parseIp("2001:db8::1"))).toBe(1);
    expect(() => table.set({ prefix: parseIpv6Prefix("::/0"), precedence: 0.5, label: 1 })).toThrow(/precedence/);
  });
});

describe("N23 properties against a naive oracle", () => {
  const POOL = [
    "2001:db8:1::1",
    "2001:db8:2::1",
    "fe80::5",
    "fd00::1",
    "2002:c000:201::1",
    "fec0::1",
    "::ffff:10.0.0.1",
    "2001:db8:1:8000::7",
  ];
  const anyCandidate = fc
    .record({
      address: fc.constantFrom(...POOL),
      words: fc.subarray(["deprecated", "temporary", "home", "if2", "via", "optimistic"]),
    })
    .map(({ address, words }) => candidate([address, ...words].join(" ")));
  const destination = fc
    .constantFrom("2001:db8:1::1", "2001:db8:9::9", "2002:c000:202::2", "fd00::9", "fec0::9")
    .map(parseIpv6);

  /** The rules as a list of scores, most important first: a bigger list wins. Scope as RFC 6724 words it. */
  function scores(c: SourceCandidate<IpAddress>, to: IpAddress): number[] {
    const [own, wanted] = [scopeOf(c.address), scopeOf(to)];
    const bits = (a: IpAddress): string =>
      [asIpv6(a).w0, asIpv6(a).w1, asIpv6(a).w2, asIpv6(a).w3].map((w) => w.toString(2).padStart(32, "0")).join("");
    let same = 0;
    while (same < Math.min(128, c.prefixLength) && bits(c.address)[same] === bits(to)[same]) same++;
    return [
      c.address === to ? 1 : 0,
      own >= wanted ? 100 - own : own - 100,
      c.deprecated || c.optimistic ? 0 : 1,
      c.home ? 1 : 0,
      c.ifindex === 1 ? 1 : 0,
      c.fromNextHop ? 1 : 0,
      POLICY.label(c.address) === POLICY.label(to) ? 1 : 0,
      c.temporary ? 1 : 0,
      same,
    ];
  }

  test("N23 the chosen source has the greatest list of scores", () => {
    fc.assert(
      fc.property(fc.array(anyCandidate, { minLength: 1, maxLength: 6 }), destination, (candidates, to) => {
        const chosen = selectSource(to, 1, candidates, POLICY)!;
        for (const other of candidates) {
          const [a, b] = [scores(chosen, to), scores(other, to)];
          const at = a.findIndex((value, i) => value !== b[i]);
          expect(at < 0 || a[at]! > b[at]!).toBe(true);
        }
      }),
      { numRuns: 1000 },
    );
  });

  test("N23 comparing is antisymmetric", () => {
    fc.assert(
      fc.property(anyCandidate, anyCandidate, destination, (a, b, to) => {
        expect(Math.sign(compareSources(a, b, to, 1, POLICY))).toBe(
          -Math.sign(compareSources(b, a, to, 1, POLICY)) + 0,
        );
      }),
      { numRuns: 500 },
    );
  });

  test("N23 commonPrefixLength counts equal bits", () => {
    expect(commonPrefixLength(parseIpv6("::"), parseIpv6("::"))).toBe(128);
    expect(commonPrefixLength(parseIpv6("8000::"), parseIpv6("::"))).toBe(0);
    expect(commonPrefixLength(parseIpv6("2001:db8::1"), parseIpv6("2001:db8::2"))).toBe(126);
    expect(commonPrefixLength(parseIpv4("10.0.0.1"), parseIpv4("10.0.1.1"))).toBe(119);
  });
});

describe("N24 IPv4 source selection (inet_select_addr)", () => {
  function iface(...rows: [text: string, scope?: number, flags?: number][]): Inet4Interface {
    const addresses = rows.map(([text, scope = RT_SCOPE_UNIVERSE, flags = 0]) => {
      const [ip = "", length] = text.split("/");
      return makeInterfaceAddress<number>(
        { address: parseIpv4(ip), prefixLength: Number(length), flags },
        scope,
        "eth0",
        0,
      );
    });
    return { addresses, routeLocalnet: false };
  }
  const ip = parseIpv4;

  test("N24 the primary address of the destination's subnet, else the first primary", () => {
    const via = iface(["10.0.0.1/24"], ["10.0.1.1/24"], ["10.0.1.2/24", RT_SCOPE_UNIVERSE, IFA_F_SECONDARY]);
    expect(selectInetAddress(via, ip("10.0.1.9"), RT_SCOPE_UNIVERSE)).toBe(ip("10.0.1.1"));
    expect(selectInetAddress(via, ip("192.0.2.9"), RT_SCOPE_UNIVERSE)).toBe(ip("10.0.0.1"));
    expect(selectInetAddress(via, 0, RT_SCOPE_UNIVERSE)).toBe(ip("10.0.0.1"));
  });

  test("N24 an address of narrower scope than asked is no source; another interface helps out, but not with link scope", () => {
    const via = iface(["169.254.1.1/16", RT_SCOPE_LINK]);
    const link = iface(["169.254.2.1/16", RT_SCOPE_LINK]);
    const other = iface(["192.0.2.1/24"]);
    expect(selectInetAddress(via, ip("198.51.100.1"), RT_SCOPE_UNIVERSE)).toBe(0);
    expect(selectInetAddress(via, ip("198.51.100.1"), RT_SCOPE_UNIVERSE, [via, link, other])).toBe(ip("192.0.2.1"));
    expect(selectInetAddress(via, ip("198.51.100.1"), RT_SCOPE_LINK)).toBe(ip("169.254.1.1"));
    expect(selectInetAddress(undefined, 0, RT_SCOPE_UNIVERSE, [link])).toBe(0);
    expect(selectInetAddress(undefined, 0, RT_SCOPE_LINK, [link])).toBe(0);
  });

  test("N24 inet_confirm_addr: the address must be there, in a subnet with the destination", () => {
    const on = iface(["10.0.0.1/24"], ["10.0.1.1/24"]);
    expect(confirmInetAddress(on, 0, ip("10.0.1.1"), RT_SCOPE_HOST)).toBe(ip("10.0.1.1"));
    expect(confirmInetAddress(on, ip("10.0.1.7"), ip("10.0.1.1"), RT_SCOPE_HOST)).toBe(ip("10.0.1.1"));
    expect(confirmInetAddress(on, ip("10.0.0.7"), ip("10.0.1.1"), RT_SCOPE_HOST)).toBe(0);
    expect(confirmInetAddress(on, 0, ip("10.0.2.1"), RT_SCOPE_HOST)).toBe(0);
  });
});

describe("N25 on a host", () => {
  test("N25 link-local destinations get the link-local source, global ones the global, temporary only if use_tempaddr 2", () => {
    const world = new LinkWorld({ sysctls: { "net.ipv6.conf.eth0.router_solicitations": 0 } });
    world.addV6("2001:db8::1/64");
    world.run(3000);
    const { selectSource: select } = world.host.ipv6;
    expect(select(parseIpv6("fe80::9"), world.iface, 0)).toBe(parseIpv6("fe80::ff:fe00:1"));
    expect(select(parseIpv6("2001:db8:7::1"), world.iface, 0)).toBe(parseIpv6("2001:db8::1"));
    expect(select(parseIpv6("ff02::1"), world.iface, 0)).toBe(parseIpv6("fe80::ff:fe00:1"));
  });

  test("N25 a tentative address is no source", () => {
    const world = new LinkWorld({ sysctls: { "net.ipv6.conf.eth0.router_solicitations": 0 } });
    world.addV6("2001:db8::1/64", false);
    expect(world.host.ipv6.selectSource(parseIpv6("2001:db8:7::1"), world.iface, 0)).toBeUndefined();
    world.run(3000);
    expect(world.host.ipv6.selectSource(parseIpv6("2001:db8:7::1"), world.iface, 0)).toBe(parseIpv6("2001:db8::1"));
  });
});
