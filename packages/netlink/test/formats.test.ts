import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Ipv6Address, parseIp } from "@seville/packet";
import {
  addressMessage,
  decode,
  encode,
  LINK_STATS_FIELDS,
  linkMessage,
  messagesIn,
  neighbourMessage,
  NetlinkWriter,
  nexthopMessage,
  routeMessage,
  ruleMessage,
  statsMessage,
  statsRequest,
  type LinkStats64,
  type MessageFormat,
  type NetlinkMessage,
  type Reading,
} from "@seville/netlink";

const formats = {
  link: linkMessage,
  address: addressMessage,
  route: routeMessage,
  rule: ruleMessage,
  neighbour: neighbourMessage,
  nexthop: nexthopMessage,
  stats: statsMessage,
  statsRequest,
} as const;

function throughTheWire(
  format: MessageFormat<object, object>,
  values: { header?: object; attributes?: object },
): unknown {
  const out = new NetlinkWriter();
  out.message(16, 0, 1, 0, () => {
    encode(out, format, values);
  });
  const reading: Reading = { strict: true, problem: undefined };
  const decoded = decode(format, [...messagesIn(out.bytes())][0] as NetlinkMessage, reading);
  expect(reading.problem).toBeUndefined();
  return decoded;
}

const stats = Object.fromEntries(LINK_STATS_FIELDS.map((name, i) => [name, 2 ** 40 + i])) as unknown as LinkStats64;

describe("N4: what a format writes it reads, strictly", () => {
  test.each([
    ["link of a VRF", "link", { ifname: "red", mtu: 65_575, linkinfo: { kind: "vrf", data: { table: 10 } } }],
    [
      "link that is a port of a VRF",
      "link",
      { ifname: "eth0", master: 7, linkinfo: { slaveKind: "vrf", slaveData: { table: 10 } } },
    ],
    [
      "link of a VXLAN",
      "link",
      {
        linkinfo: {
          kind: "vxlan",
          data: { id: 42, group: 0xef00_0001, port: 4789, portRange: { low: 1, high: 2 }, learning: 1, gbp: true },
        },
      },
    ],
    [
      "link of a GRE over IPv6",
      "link",
      {
        linkinfo: {
          kind: "ip6gre",
          data: { local: parseIp("2001:db8::1"), ikey: 7, iflags: 0x2000, collectMetadata: true },
        },
      },
    ],
    [
      "link of a VLAN",
      "link",
      { linkinfo: { kind: "vlan", data: { id: 5, protocol: 0x8100, flags: { flags: 1, mask: 1 } } } },
    ],
    ["link of a kind not known", "link", { linkinfo: { kind: "dummy", data: Uint8Array.of(4, 0, 1, 0) } }],
    ["link with counters", "link", { stats64: stats }],
    ["link with other names", "link", { propList: { altIfnames: ["one", "two"] } }],
    [
      "address",
      "address",
      { address: parseIp("192.0.2.1"), label: "eth0:1", cacheinfo: { preferred: 1, valid: 2, created: 3, updated: 4 } },
    ],
    [
      "route over two next hops",
      "route",
      {
        multipath: [
          { flags: 0, hops: 0, ifindex: 3, gateway: parseIp("192.0.2.1") },
          { flags: 4, hops: 9, ifindex: 4, via: parseIp("2001:db8::1") },
        ],
        metrics: { mtu: 1400, congctl: "bbr", initcwnd: 20 },
      },
    ],
    ["IPv4 route via IPv6", "route", { dst: parseIp("10.0.0.0"), via: parseIp("fe80::1"), oif: 3 }],
    [
      "rule",
      "rule",
      {
        priority: 1000,
        l3mdev: 1,
        uidRange: { start: 0, end: 99 },
        sportRange: { start: 53, end: 60 },
        tunId: 2 ** 40,
      },
    ],
    [
      "neighbour",
      "neighbour",
      { dst: parseIp("fe80::1"), lladdr: Uint8Array.of(2, 0, 0, 0, 0, 1), probes: 3, port: 4789 },
    ],
    [
      "resilient group of next hops",
      "nexthop",
      {
        id: 9,
        group: [
          { id: 1, weight: 0 },
          { id: 2, weight: 254 },
        ],
        groupType: 1,
        resGroup: { buckets: 32, idleTimer: 100 },
        fdb: true,
      },
    ],
    [
      "statistics",
      "stats",
      { link64: stats, offloadXstats: { cpuHit: stats, hardwareInfo: { l3Stats: { request: 1, used: 0 } } } },
    ],
    ["request with filters", "statsRequest", { filters: { offloadXstats: 7 } }],
  ] as const)("%s", (_, name, attributes) => {
    expect(throughTheWire(formats[name] as MessageFormat<object, object>, { attributes })).toMatchObject({
      attributes,
    });
  });
});

describe("N14: bytes from anywhere", () => {
  /** A well-formed message of each kind, to be damaged. */
  const templates = Object.entries(formats).map(([name, format]) => {
    const out = new NetlinkWriter();
    out.message(16, 0, 1, 0, () => {
      const gateway = Ipv6Address.of(0x2001_0db8, 0, 0, 1);
      const multipath = [{ flags: 0, hops: 0, ifindex: 3, gateway }];
      const values = {
        linkinfo: { kind: "vrf", data: { table: 1 } },
        multipath,
        via: gateway,
        dst: gateway,
        link64: stats,
      };
      const known = Object.fromEntries(Object.entries(values).filter(([key]) => key in format.attributes));
      encode(out, format as MessageFormat<object, object>, { attributes: known });
    });
    return [name, out.bytes()] as const;
  });

  test.each(templates)("%s: damaged anywhere, it is read to some end without an exception", (name, template) => {
    const format = formats[name as keyof typeof formats] as MessageFormat<object, object>;
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(template.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 }),
        fc.boolean(),
        (damage, strict) => {
          const bytes = template.slice();
          for (const [at, value] of damage) bytes[at] = value;
          const reading: Reading = { strict, problem: undefined };
          for (const message of messagesIn(bytes)) {
            decode(format, message, reading);
            const { offset = 0 } = reading.problem ?? {};
            expect(offset).toBeLessThanOrEqual(bytes.length);
          }
        },
      ),
      { numRuns: 300 },
    );
  });
});
