import fc from "fast-check";
import { isIPv4, isIPv6 } from "node:net";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, test } from "vitest";
import {
  BROADCAST_MAC,
  compareIp,
  commonPrefixLength,
  formatIp,
  formatIpv4,
  formatMac,
  interfaceId,
  Ipv4Prefix,
  Ipv6Address,
  Ipv6Prefix,
  IPV6_ALL_NODES,
  IPV6_ANY,
  IPV6_LOOPBACK,
  is6to4,
  isIpv4Mapped,
  isIpv6At,
  isLimitedBroadcast,
  isLinkLocal,
  isLinkLocalMulticast,
  isLocalMac,
  isLoopback,
  isMacOfGroup,
  isMulticast,
  isMulticastMac,
  isPrivate,
  isSiteLocal,
  isStationMac,
  isTeredo,
  isUniqueLocal,
  isUnspecified,
  linkLocalAddress,
  mapIpv4,
  multicastMac,
  parseInterfaceAddress,
  parseIp,
  parseIpv4,
  parseIpv4Prefix,
  parseIpv6,
  parseIpv6Prefix,
  parseMac,
  parsePrefix,
  readIpv6,
  readMac,
  SCOPE_GLOBAL,
  SCOPE_LINK_LOCAL,
  SCOPE_SITE_LOCAL,
  scopeOf,
  solicitedNode,
  tryParseIp,
  tryParseIpv4,
  tryParseIpv6,
  tryParseMac,
  withInterfaceId,
  writeIpv6,
  writeMac,
  type IpAddress,
} from "../src/index.ts";

const uint32 = fc.nat(0xffff_ffff);
const words = fc.tuple(uint32, uint32, uint32, uint32);
/** Words with many zeros, so that `::` has something to do. */
const sparse = fc.tuple(...[0, 1, 2, 3].map(() => fc.constantFrom(0, 0, 1, 0x10000, 0xffff, 0xabcd_0012)));
const mac = fc.nat({ max: BROADCAST_MAC });
const invalidAddress = expect.objectContaining({ code: "ERR_INVALID_ADDRESS" }) as Error;
const invalidPrefix = expect.objectContaining({ code: "ERR_INVALID_PREFIX" }) as Error;

describe("MAC addresses", () => {
  test("P12 are integers that print and parse back", () => {
    fc.assert(
      fc.property(mac, (address) => {
        const text = formatMac(address);
        expect(text).toMatch(/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/);
        expect(parseMac(text)).toBe(address);
        expect(parseMac(text.replaceAll(":", "-").toUpperCase())).toBe(address);
        const view = new DataView(new ArrayBuffer(8));
        writeMac(view, 1, address);
        expect(readMac(view, 1)).toBe(address);
        expect(view.getUint8(1)).toBe(Number.parseInt(text.slice(0, 2), 16));
      }),
    );
  });

  test.each([
    "",
    "02:00:00:00:00",
    "02:00:00:00:00:00:00",
    "02:00:00:00:00:0g",
    "2:0:0:0:0:0",
    "02:00:00-00:00:00",
    " 02:00:00:00:00:00",
  ])("P12 %j is none", (text) => {
    expect(tryParseMac(text)).toBeUndefined();
    expect(() => parseMac(text)).toThrow(invalidAddress);
  });

  test("P12 the first octet's low bits say group and local (IEEE 802 §8.2)", () => {
    expect(isMulticastMac(parseMac("01:00:5e:00:00:01"))).toBe(true);
    expect(isMulticastMac(BROADCAST_MAC)).toBe(true);
    expect(isMulticastMac(parseMac("02:00:00:00:00:01"))).toBe(false);
    expect(isLocalMac(parseMac("02:00:00:00:00:01"))).toBe(true);
    expect(isLocalMac(parseMac("00:1b:21:00:00:01"))).toBe(false);
    expect([0, BROADCAST_MAC, parseMac("02:00:00:00:00:01")].map(isStationMac)).toEqual([false, false, true]);
  });
});

describe("IPv4 addresses", () => {
  test("P13 are uint32 that print and parse back", () => {
    fc.assert(
      fc.property(uint32, (address) => {
        expect(isIPv4(formatIpv4(address))).toBe(true);
        expect(parseIpv4(formatIpv4(address))).toBe(address);
      }),
    );
    expect(parseIpv4("255.255.255.255")).toBe(0xffff_ffff);
    expect(parseIpv4("10.0.0.1")).toBe(0x0a00_0001);
  });

  test("P13 are accepted as node:net accepts them", () => {
    const part = fc.oneof(fc.nat(300).map(String), fc.constantFrom("", "00", "01", "0x1", "1e1", " 1", "-1", "+1"));
    const text = fc.array(part, { minLength: 2, maxLength: 5 }).map((parts) => parts.join("."));
    fc.assert(
      fc.property(text, (t) => {
        expect(tryParseIpv4(t) !== undefined).toBe(isIPv4(t));
      }),
      { numRuns: 5000 },
    );
  });

  test.each([
    "",
    "1.2.3",
    "1.2.3.4.5",
    "1.2.3.4.",
    ".1.2.3.4",
    "01.2.3.4",
    "1.2.3.04",
    "256.1.1.1",
    "1..2.3",
    "1.2.3.4 ",
    "0x7f.1",
  ])("P13 %j is none", (text) => {
    expect(tryParseIpv4(text)).toBeUndefined();
    expect(() => parseIpv4(text)).toThrow(invalidAddress);
  });
});

describe("IPv6 addresses", () => {
  test("P14 RFC 5952: print as the URL standard prints, and parse back", () => {
    fc.assert(
      fc.property(fc.oneof(words, sparse), ([a, b, c, d]) => {
        const address = Ipv6Address.of(a, b, c, d);
        const text = address.toString();
        expect(isIPv6(text)).toBe(true);
        expect(parseIpv6(text)).toBe(address);
        // The URL standard writes mapped addresses in hexadecimal, against RFC 5952 §5.
        if (!isIpv4Mapped(address)) expect(text).toBe(new URL(`http://[${text}]`).hostname.slice(1, -1));
      }),
      { numRuns: 3000 },
    );
  });

  test("P14 RFC 4291 §2.2: are accepted as node:net accepts them, with the same value as the URL standard", () => {
    const group = fc.oneof(
      fc.nat(0xffff).map((n) => n.toString(16)),
      fc.constantFrom("", "", "0", "00ab", "fffff", "g", "1.2.3.4"),
    );
    const text = fc.array(group, { minLength: 1, maxLength: 10 }).map((groups) => groups.join(":"));
    fc.assert(
      fc.property(text, (t) => {
        const address = tryParseIpv6(t);
        expect(address !== undefined).toBe(isIPv6(t));
        if (address === undefined) return;
        expect(new URL(`http://[${t}]`).hostname).toBe(new URL(`http://[${address.toString()}]`).hostname);
      }),
      { numRuns: 10_000 },
    );
  });

  test.each([
    ["2001:0DB8:0000:0000:0008:0800:200C:417A", "2001:db8::8:800:200c:417a"],
    ["ff01:0:0:0:0:0:0:101", "ff01::101"],
    ["0:0:0:0:0:0:0:1", "::1"],
    ["0:0:0:0:0:0:0:0", "::"],
    ["::ffff:129.144.52.38", "::ffff:129.144.52.38"],
    ["::ffff:8190:3426", "::ffff:129.144.52.38"],
    ["2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"],
    ["2001:0:0:1:0:0:0:1", "2001:0:0:1::1"],
    ["2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
    ["1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"],
    ["fe80::1%eth0", "fe80::1%eth0"],
    ["64:ff9b::192.0.2.33", "64:ff9b::c000:221"],
  ])("P14 RFC 5952 §4: %s prints as %s", (text, printed) => {
    expect(parseIpv6(text).toString()).toBe(printed);
    expect(JSON.stringify({ a: parseIpv6(text) })).toBe(JSON.stringify({ a: printed }));
  });

  test.each([
    "",
    ":",
    ":::",
    "1",
    "1:2:3:4:5:6:7",
    "1:2:3:4:5:6:7:8:9",
    "1::2::3",
    "12345::",
    "::1%",
    "::1% x",
    "::1%a%b",
    "1.2.3.4::",
    "::1.2.3",
    "1:2:3:4::5:6:7:8",
    "[::1]",
    "::g",
  ])("P14 %j is none", (text) => {
    expect(tryParseIpv6(text)).toBeUndefined();
    expect(() => parseIpv6(text)).toThrow(invalidAddress);
  });

  test("P15 one object stands for each address, so that === compares and a Map takes it as key", () => {
    const map = new Map([[parseIpv6("2001:db8::1"), "a"]]);
    expect(map.get(Ipv6Address.of(0x2001_0db8, 0, 0, 1))).toBe("a");
    expect(parseIpv6("::")).toBe(IPV6_ANY);
    expect(parseIpv6("0::1")).toBe(IPV6_LOOPBACK);
    expect(Ipv6Address.of(-1, 0, 0, 0)).toBe(parseIpv6("ffff:ffff::"));
    // More addresses than the fast way remembers.
    const all = Array.from({ length: 10_000 }, (_, i) => Ipv6Address.of(1, 2, 3, i));
    for (const [i, address] of all.entries()) expect(Ipv6Address.of(1, 2, 3, i)).toBe(address);
  });

  test("P15 the table holds an address weakly: when nobody has it, it goes", async () => {
    setFlagsFromString("--expose-gc");
    const gc = runInNewContext("gc") as () => void;
    const passer = new WeakRef(Ipv6Address.of(0x2001_0db8, 1, 2, 0xdead_beef));
    // A weak reference that was made or read keeps its target to the end of the job.
    await new Promise((resolve) => setImmediate(resolve));
    for (let i = 0; i < 40_000; i++) Ipv6Address.of(0x2001_0db8, 7, 7, i);
    await new Promise((resolve) => setImmediate(resolve));
    gc();
    expect(passer.deref()).toBeUndefined();
    expect(Ipv6Address.of(0x2001_0db8, 1, 2, 0xdead_beef)).toBe(parseIpv6("2001:db8:0:1:0:2:dead:beef"));
  });

  test("P15 is immutable", () => {
    expect(Object.isFrozen(IPV6_LOOPBACK)).toBe(true);
    expect(() => Object.assign(IPV6_LOOPBACK, { w3: 2 })).toThrow(TypeError);
  });

  test("P16 RFC 4007 §11: a zone makes another address, and never goes on the wire", () => {
    const bare = parseIpv6("fe80::1");
    const zoned = parseIpv6("fe80::1%eth0.100");
    expect(zoned).not.toBe(bare);
    expect(zoned.zone).toBe("eth0.100");
    expect(bare.withZone("eth0.100")).toBe(zoned);
    expect(zoned.withZone("")).toBe(bare);
    expect(zoned.withZone("eth0.100")).toBe(zoned);
    expect(() => bare.withZone("a b")).toThrow(expect.objectContaining({ argument: "zone" }));
    const view = new DataView(new ArrayBuffer(20));
    writeIpv6(view, 3, zoned);
    expect(readIpv6(view, 3)).toBe(bare);
    expect(isIpv6At(view, 3, zoned)).toBe(true);
    expect(isIpv6At(view, 3, IPV6_ANY)).toBe(false);
  });
});

describe("prefixes", () => {
  test("P17 contain exactly the addresses that share their first bits", () => {
    fc.assert(
      fc.property(uint32, uint32, fc.nat(32), (a, b, length) => {
        const prefix = Ipv4Prefix.of(a, length);
        expect(prefix.contains(b)).toBe(commonPrefixLength(a, b) >= length);
        expect(prefix.contains(prefix.broadcast)).toBe(true);
        expect(parseIpv4Prefix(prefix.toString()).equals(prefix)).toBe(true);
      }),
    );
    fc.assert(
      fc.property(sparse, sparse, fc.nat(128), (a, b, length) => {
        const [one, other] = [a, b].map(([w0, w1, w2, w3]) => Ipv6Address.of(w0!, w1!, w2!, w3!));
        const prefix = Ipv6Prefix.of(one!, length);
        expect(prefix.contains(other!)).toBe(commonPrefixLength(one!, other!) >= length);
        expect(parseIpv6Prefix(prefix.toString()).equals(prefix)).toBe(true);
      }),
    );
  });

  test("P17 common prefix length is that of the bits written out", () => {
    const bits = (ws: readonly number[]): string[] => ws.flatMap((w) => w.toString(2).padStart(32, "0").split(""));
    fc.assert(
      fc.property(sparse, sparse, (a, b) => {
        const first = bits(a).findIndex((bit, i) => bit !== bits(b)[i]);
        const [one, other] = [a, b].map(([w0, w1, w2, w3]) => Ipv6Address.of(w0!, w1!, w2!, w3!));
        expect(commonPrefixLength(one!, other!)).toBe(first < 0 ? 128 : first);
      }),
    );
    expect(commonPrefixLength(1, IPV6_LOOPBACK)).toBe(0);
  });

  test("P17 are written network/length, and host bits must be zero", () => {
    expect(parsePrefix("10.0.0.0/8").toString()).toBe("10.0.0.0/8");
    expect(parsePrefix("2001:db8::/32")).toMatchObject({ length: 32 });
    expect(parsePrefix("10.1.2.3").toString()).toBe("10.1.2.3/32");
    expect(parsePrefix("::/0").contains(IPV6_LOOPBACK)).toBe(true);
    expect(parsePrefix("0.0.0.0/0").contains(IPV6_LOOPBACK)).toBe(false);
    expect(JSON.stringify([parsePrefix("10.0.0.0/8"), parsePrefix("2001:db8::/32")])).toBe(
      '["10.0.0.0/8","2001:db8::/32"]',
    );
    expect(parseInterfaceAddress("10.0.0.1/24")).toEqual({ address: 0x0a00_0001, prefixLength: 24 });
    expect(() => parsePrefix("10.0.0.1/24")).toThrow(/its prefix is 10\.0\.0\.0\/24/);
    expect(() => parseIpv4Prefix("::/0")).toThrow(invalidPrefix);
    expect(() => parseIpv6Prefix("0.0.0.0/0")).toThrow(invalidPrefix);
  });

  test.each([
    "",
    "/8",
    "10.0.0.0/",
    "10.0.0.0/33",
    "::/129",
    "10.0.0.0/08",
    "10.0.0.0/8/8",
    "10.0.0/8",
    "::/-1",
    "::/1e1",
  ])("P17 %j is none", (text) => {
    expect(() => parsePrefix(text)).toThrow(invalidPrefix);
  });

  test("P17 a length that is none is the caller's mistake", () => {
    for (const length of [-1, 33, 1.5, NaN])
      expect(() => Ipv4Prefix.of(0, length)).toThrow(expect.objectContaining({ argument: "length" }));
    expect(() => Ipv6Prefix.of(IPV6_ANY, 129)).toThrow(expect.objectContaining({ argument: "length" }));
  });
});

describe("kinds of addresses", () => {
  const table: readonly (readonly [(address: IpAddress) => boolean, readonly string[], readonly string[]])[] = [
    [isUnspecified, ["0.0.0.0", "::"], ["0.0.0.1", "::1"]],
    [isLoopback, ["127.0.0.1", "127.255.255.255", "::1"], ["128.0.0.1", "::2", "1::1"]],
    [isMulticast, ["224.0.0.1", "239.255.255.255", "ff02::1", "ffff::"], ["223.255.255.255", "240.0.0.0", "fe80::1"]],
    [isLinkLocal, ["169.254.0.1", "fe80::1", "febf::1"], ["169.255.0.1", "fec0::1", "fe7f::1", "ff02::1"]],
    [isLinkLocalMulticast, ["224.0.0.251", "ff02::fb", "ff01::1"], ["224.0.1.1", "ff05::2", "fe80::1"]],
    [isSiteLocal, ["fec0::1", "feff::1"], ["fe80::1", "ff05::1"]],
    [isUniqueLocal, ["fc00::1", "fdff::1"], ["fe00::1", "fbff::1", "10.0.0.1"]],
    [
      isPrivate,
      ["10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.9.9"],
      ["172.32.0.1", "11.0.0.1", "192.169.0.1", "fd00::1"],
    ],
    [isIpv4Mapped, ["::ffff:1.2.3.4"], ["::1.2.3.4", "::fffe:1.2.3.4", "1.2.3.4"]],
    [is6to4, ["2002:c000:204::1"], ["2001::1"]],
    [isTeredo, ["2001::1"], ["2001:1::1", "2002::1"]],
    [isLimitedBroadcast, ["255.255.255.255"], ["255.255.255.254", "::ffff:255.255.255.255"]],
  ];
  for (const [is, yes, no] of table) {
    test(`P18 ${is.name}`, () => {
      expect(yes.filter((text) => !is(parseIp(text)))).toEqual([]);
      expect(no.filter((text) => is(parseIp(text)))).toEqual([]);
    });
  }

  test("P18 RFC 6724 §3.1, §3.2: the scope", () => {
    const scopes = (...texts: string[]): number[] => texts.map((text) => scopeOf(parseIp(text)));
    expect(scopes("127.0.0.1", "169.254.1.1", "::1", "fe80::1%eth0", "ff02::1")).toEqual(
      Array(5).fill(SCOPE_LINK_LOCAL),
    );
    expect(scopes("10.0.0.1", "8.8.8.8", "fd00::1", "2001:db8::1", "ff0e::1")).toEqual(Array(5).fill(SCOPE_GLOBAL));
    expect(scopes("fec0::1", "ff05::1")).toEqual([SCOPE_SITE_LOCAL, SCOPE_SITE_LOCAL]);
  });

  test("P19 RFC 4291 §2.7.1: solicited-node multicast", () => {
    expect(solicitedNode(parseIpv6("4037::01:800:200e:8c6c")).toString()).toBe("ff02::1:ff0e:8c6c");
  });

  test("P19 RFC 1112 §6.4, RFC 2464 §7: the MAC address of a group", () => {
    expect(formatMac(multicastMac(parseIpv4("224.0.0.251")))).toBe("01:00:5e:00:00:fb");
    expect(formatMac(multicastMac(parseIpv4("239.129.2.3")))).toBe("01:00:5e:01:02:03");
    expect(formatMac(multicastMac(parseIpv6("ff02::1:ff0e:8c6c")))).toBe("33:33:ff:0e:8c:6c");
    expect(isMacOfGroup(parseMac("33:33:00:00:00:01"), IPV6_ALL_NODES)).toBe(true);
    expect(isMacOfGroup(parseMac("33:33:00:00:00:01"), IPV6_LOOPBACK)).toBe(false);
  });

  test("P19 RFC 2464 §4: the interface identifier of a MAC address", () => {
    const mac = parseMac("34:56:78:9a:bc:de");
    expect(interfaceId(mac)).toEqual({ high: 0x3656_78ff, low: 0xfe9a_bcde });
    expect(linkLocalAddress(mac, "eth0").toString()).toBe("fe80::3656:78ff:fe9a:bcde%eth0");
    expect(withInterfaceId(parseIpv6("2001:db8:1:2::"), mac).toString()).toBe("2001:db8:1:2:3656:78ff:fe9a:bcde");
  });

  test("P20 either kind: parse, print, map and sort", () => {
    const texts = ["10.0.0.2", "9.255.0.1", "fe80::1%b", "::1", "fe80::1", "fe80::1%a"];
    const sorted = texts.map(parseIp).sort(compareIp).map(formatIp);
    expect(sorted).toEqual(["9.255.0.1", "10.0.0.2", "::1", "fe80::1", "fe80::1%a", "fe80::1%b"]);
    expect(mapIpv4(parseIpv4("1.2.3.4")).toString()).toBe("::ffff:1.2.3.4");
    expect(tryParseIp("nonsense")).toBeUndefined();
    expect(() => parseIp("nonsense")).toThrow(invalidAddress);
  });
});
