import { parseIpv6 } from "@seville/packet";
import { seconds } from "@seville/core";
import { describe, expect, test } from "vitest";
import { openUdp, startPing } from "../src/index.ts";
import { dropsOf, icmpv6Message, inject, ipv6Packet, sniff, udpDatagram } from "./support/packets.ts";
import { bytes, chain, codeOf, pair, route, World } from "./support/world.ts";
import { wireIsClean } from "./support/wire.ts";

const V6 = { source: "2001:db8::1", destination: "2001:db8::2" };
const udp = (data = "x"): Uint8Array => udpDatagram(1, 5000, bytes(data), V6);
/** An options header with these options, padded with zeros that must make sense as Pad1. */
function optionsHeader(next: number, options: number[]): number[] {
  const length = Math.ceil((2 + options.length) / 8) * 8;
  const out = [next, length / 8 - 1, ...options];
  const rest = length - out.length;
  if (rest === 1) out.push(0);
  if (rest > 1) out.push(1, rest - 2, ...new Array<number>(rest - 2).fill(0));
  return out;
}

function listening() {
  const it = pair();
  const socket = openUdp(it.b, { family: 6 });
  socket.bind({ port: 5000 });
  const eth = it.b.interfaces.named("eth0");
  return { ...it, socket, eth, drops: dropsOf(it.b), sent: sniff(it.b, eth) };
}

test.each([
  ["a multicast source (RFC 4291 §2.7)", { source: "ff02::1" }, "IP_INVALID_SOURCE"],
  ["the loopback address as source (RFC 4291 §2.5.3)", { source: "::1" }, "IP_INVALID_SOURCE"],
  ["the loopback address as destination", { destination: "::1" }, "IP_INVALID_DEST"],
  ["an IPv4-mapped source", { source: "::ffff:10.0.0.1" }, "IP_INVALID_SOURCE"],
  ["a destination of interface scope (RFC 4291 §2.7)", { destination: "ff01::1" }, "IP_INVALID_DEST"],
  ["a destination of the reserved scope 0", { destination: "ff00::1" }, "IP_INVALID_DEST"],
  ["a group that nobody joined", { destination: "ff0e::77" }, "IP_INVALID_DEST"],
  ["somebody else's address, at a host", { destination: "2001:db8::77" }, "IP_FORWARDING_DISABLED"],
])("H30 %s is dropped without an answer", (_what, spec, reason) => {
  const { b, eth, drops, sent, world } = listening();
  inject(b, eth, ipv6Packet({ ...V6, ...spec, payload: udp() }));
  world.runMs(10);
  expect(drops).toEqual([reason]);
  expect(sent).toEqual([]);
});

test("H31 RFC 8200 §3: version, length, truncation, padding of the link", () => {
  const { b, eth, drops, socket } = listening();
  const good = ipv6Packet({ payload: udp("hello") });
  inject(b, eth, good.subarray(0, 39));
  inject(b, eth, good.subarray(0, 50));
  inject(b, eth, Uint8Array.from([...good, 0, 0, 0]));
  expect(drops).toEqual(["HDR_TRUNC", "PKT_TOO_SMALL"]);
  expect(socket.recv()?.data).toHaveLength(5);
  expect(b.mib.ip6).toMatchObject({ InHdrErrors: 1, InTruncatedPkts: 1, InDelivers: 1 });
});

describe("H32 RFC 8200 §4.2: options nobody knows", () => {
  const cases: [string, number, number, string, number[] | undefined][] = [
    ["00: skipped", 0, 0x1e, "2001:db8::2", undefined],
    ["01: dropped", 0, 0x5e, "2001:db8::2", []],
    ["10: dropped and answered", 0, 0x9e, "2001:db8::2", [4, 2, 42]],
    ["11: dropped and answered", 0, 0xde, "2001:db8::2", [4, 2, 42]],
    ["10 in destination options", 60, 0x9e, "2001:db8::2", [4, 2, 42]],
    ["10 to a group: answered", 0, 0x9e, "ff02::1", [4, 2, 42]],
    ["11 to a group: not answered", 0, 0xde, "ff02::1", []],
  ];
  test.each(cases)("%s", (_what, header, type, destination, answer) => {
    const { b, eth, socket, sent, world } = listening();
    const datagram = udpDatagram(1, 5000, bytes("x"), { source: V6.source, destination });
    const payload = Uint8Array.from([...optionsHeader(17, [type, 0]), ...datagram]);
    inject(b, eth, ipv6Packet({ destination, nextHeader: header, payload }));
    world.runMs(10);
    expect(sent.map((p) => [p[40], p[41], new DataView(p.buffer).getUint32(44)])).toEqual(
      answer === undefined || answer.length === 0 ? [] : [answer],
    );
    expect(socket.queued.packets).toBe(answer === undefined ? 1 : 0);
  });

  test("limits: more than 8 options, or 8 bytes of padding in a row (RFC 8504 §5.3)", () => {
    const { b, eth, socket, drops } = listening();
    const many = (n: number): number[] => Array.from({ length: n }, () => [0x1e, 1, 0]).flat();
    inject(b, eth, ipv6Packet({ nextHeader: 60, payload: Uint8Array.from([...optionsHeader(17, many(8)), ...udp()]) }));
    expect(socket.queued.packets).toBe(1);
    inject(b, eth, ipv6Packet({ nextHeader: 60, payload: Uint8Array.from([...optionsHeader(17, many(9)), ...udp()]) }));
    inject(
      b,
      eth,
      ipv6Packet({
        nextHeader: 60,
        payload: Uint8Array.from([17, 1, 1, 12, ...new Array<number>(12).fill(0), ...udp()]),
      }),
    );
    inject(b, eth, ipv6Packet({ nextHeader: 60, payload: Uint8Array.from([17, 0, 1, 4, 0, 0, 7, 0, ...udp()]) }));
    expect(drops).toEqual(["IPV6_BAD_EXTHDR", "IPV6_BAD_EXTHDR", "IPV6_BAD_EXTHDR"]);
  });
});

test("H33 RFC 8200 §4.1: a hop-by-hop header anywhere but first is an unknown next header", () => {
  const { b, eth, sent, world } = listening();
  inject(
    b,
    eth,
    ipv6Packet({
      nextHeader: 60,
      payload: Uint8Array.from([...optionsHeader(0, []), ...optionsHeader(17, []), ...udp()]),
    }),
  );
  world.runMs(10);
  expect(sent.map((p) => [p[40], p[41], new DataView(p.buffer).getUint32(44)])).toEqual([[4, 1, 40]]);
});

test("H33 RFC 8200 §4: an unknown next header is answered with a pointer to it; no-next-header is silent", () => {
  const { b, eth, sent, world } = listening();
  inject(b, eth, ipv6Packet({ nextHeader: 253 }));
  inject(b, eth, ipv6Packet({ nextHeader: 59 }));
  world.runMs(10);
  expect(sent.map((p) => [p[40], p[41], new DataView(p.buffer).getUint32(44)])).toEqual([[4, 1, 6]]);
  expect(b.mib.ip6).toMatchObject({ InUnknownProtos: 1 });
});

test("H34 RFC 8200 §4.4, RFC 5095: a routing header with nothing left is passed over, any other is refused", () => {
  const { b, eth, socket, sent, world } = listening();
  inject(b, eth, ipv6Packet({ nextHeader: 43, payload: Uint8Array.from([17, 0, 0, 0, 0, 0, 0, 0, ...udp()]) }));
  expect(socket.queued.packets).toBe(1);
  inject(
    b,
    eth,
    ipv6Packet({
      nextHeader: 43,
      payload: Uint8Array.from([17, 2, 0, 1, 0, 0, 0, 0, ...new Array<number>(16).fill(9), ...udp()]),
    }),
  );
  world.runMs(10);
  expect(sent.map((p) => [p[40], p[41], new DataView(p.buffer).getUint32(44)])).toEqual([[4, 0, 42]]);
});

describe("H35 RFC 4443 §2.4 (e): what no ICMPv6 error answers", () => {
  test.each([
    [
      "an ICMPv6 error",
      ipv6Packet({
        source: "2001:db8:1::1",
        destination: "2001:db8:2::1",
        hopLimit: 1,
        nextHeader: 58,
        payload: icmpv6Message(1, 0, new Uint8Array(44)),
      }),
    ],
    ["a packet from ::", ipv6Packet({ source: "::", destination: "2001:db8:2::1", hopLimit: 1 })],
    [
      "a later fragment of ICMPv6",
      ipv6Packet({
        source: "2001:db8:1::1",
        destination: "2001:db8:2::1",
        hopLimit: 1,
        nextHeader: 44,
        payload: Uint8Array.from([58, 0, 0, 8, 0, 0, 0, 1, 1, 2, 3, 4]),
      }),
    ],
  ])("%s whose hop limit ends", (_what, packet) => {
    const { world, r } = chain();
    const eth0 = r.interfaces.named("eth0");
    const sent = sniff(r, eth0);
    inject(r, eth0, packet);
    world.runMs(10);
    expect(sent).toEqual([]);
  });
});

test("H36 RFC 8201 §4: the path MTU is learned; less than 1280 is not believed (RFC 8200 §5)", () => {
  const { world, a, b } = chain({ right: { mtu: 1280 } });
  const socket = openUdp(b, { family: 6 });
  socket.bind({ port: 5000 });
  const sender = openUdp(a, { family: 6 });
  sender.connect({ address: "2001:db8:2::1", port: 5000 });
  sender.send(new Uint8Array(1400));
  world.runMs(20);
  expect(socket.recv()).toBeUndefined();
  expect(codeOf(() => sender.recv())).toBe("EMSGSIZE");
  sender.send(new Uint8Array(1400));
  world.runMs(20);
  expect(socket.recv()?.data).toHaveLength(1400);
  expect([a.mib.ip6.FragCreates, b.mib.ip6.ReasmOKs]).toEqual([2, 1]);
  const destination = parseIpv6("2001:db8:2::1");
  expect(a.ipv6.exceptions.mtu(destination, a.now)).toBe(1280);
  const eth0 = a.interfaces.named("eth0");
  const quoted = ipv6Packet({
    source: "2001:db8:1::1",
    destination: "2001:db8:2::1",
    payload: udpDatagram(sender.localPort, 5000, bytes("x")),
  });
  const tooSmall = icmpv6Message(2, 0, Uint8Array.from([0, 0, 4, 0, ...quoted]), "2001:db8:1::fe", "2001:db8:1::1");
  inject(
    a,
    eth0,
    ipv6Packet({ source: "2001:db8:1::fe", destination: "2001:db8:1::1", nextHeader: 58, payload: tooSmall }),
  );
  expect(a.ipv6.exceptions.mtu(destination, a.now)).toBe(1280);
  world.run(seconds(601));
  expect(a.ipv6.exceptions.mtu(destination, a.now)).toBe(0);
});

test("H37 RFC 4007 §9: a link-local source does not leave its link, and is told", () => {
  const { world, r, a, b } = chain();
  const eth0 = r.interfaces.named("eth0");
  const sent = sniff(r, eth0);
  world.run(seconds(3));
  const own = a.interfaces.named("eth0").v6.addresses.find((x) => String(x.address).startsWith("fe80"))!;
  inject(r, eth0, ipv6Packet({ source: String(own.address), destination: "2001:db8:2::1" }));
  world.runMs(10);
  expect(sent.filter((p) => p[6] === 58 && p[40] === 1).map((p) => [p[40], p[41]])).toEqual([[1, 2]]);
  expect(b.mib.udp6.NoPorts).toBe(0);
});

test("H37 RFC 4007: link-local addresses need and keep their zone", () => {
  const { world, a, b } = pair();
  world.run(seconds(3));
  const to = b.interfaces.named("eth0").v6.addresses.find((x) => String(x.address).startsWith("fe80"))!.address;
  const server = openUdp(b, { family: 6 });
  server.bind({ port: 5000 });
  const client = openUdp(a, { family: 6 });
  expect(codeOf(() => client.connect({ address: to, port: 5000 }))).toBe("EINVAL");
  client.connect({ address: to.withZone("eth0"), port: 5000 });
  client.send(bytes("x"));
  world.runMs(10);
  const datagram = server.recv()!;
  expect(String(datagram.address)).toMatch(/^fe80::.*%eth0$/);
  expect(codeOf(() => client.send(bytes("x"), { address: "fe80::1%eth9", port: 1 }))).toBe("ENODEV");
});

test("H38 disable_ipv6 takes the addresses away and the packets with it", () => {
  const { b, eth, drops } = listening();
  b.sysctls.set("net.ipv6.conf.eth0.disable_ipv6", 1);
  expect(eth.v6.addresses).toEqual([]);
  inject(b, eth, ipv6Packet({ payload: udp() }));
  expect(drops).toContain("IPV6DISABLED");
  expect(b.mib.ip6.InDiscards).toBe(1);
});

test("H39 RFC 4443 §4.2: echo settings; anycast answers from a unicast address", () => {
  const { world, r, a } = chain();
  world.run(seconds(3));
  const ping = startPing(a, "2001:db8:1::", { count: 1 });
  world.run(seconds(3));
  expect(ping.report().text).toContain("64 bytes from 2001:db8:1::fe");
  r.sysctls.set("net.ipv6.icmp.echo_ignore_anycast", 1);
  const again = startPing(a, "2001:db8:1::", { count: 1 });
  world.run(seconds(15));
  expect(again.report()).toMatchObject({ received: 0 });
  r.sysctls.set("net.ipv6.icmp.echo_ignore_all", 1);
  const all = startPing(a, "2001:db8:1::fe", { count: 1 });
  world.run(seconds(15));
  expect(all.report()).toMatchObject({ received: 0 });
});

test("H3A RFC 8200 §7, RFC 6437: traffic class, hop limit and a flow label that a flow keeps", () => {
  const { world, a, b } = pair();
  const server = openUdp(b, { family: 6 });
  server.bind({ port: 5000 });
  const client = openUdp(a, { family: 6 });
  client.set("IPV6_TCLASS", 0xb8);
  client.set("IPV6_UNICAST_HOPS", 7);
  for (let i = 0; i < 2; i++) client.send(bytes("x"), { address: "2001:db8::2", port: 5000 });
  world.runMs(10);
  const [one, two] = [server.recv()!, server.recv()!];
  expect([one.tos, one.ttl]).toEqual([0xb8, 7]);
  expect(one.flowLabel).toBeGreaterThan(0);
  expect(two.flowLabel).toBe(one.flowLabel);
});

test("H3B an address is moved, its host goes down and up: keep_addr_on_down keeps static global addresses only", () => {
  for (const keep of [0, 1]) {
    const world = new World();
    const a = world.host("a", { "net.ipv6.conf.all.keep_addr_on_down": keep });
    world.link([a, "eth0", "2001:db8::1/64"], [world.host("b"), "eth0"]);
    world.run(seconds(3));
    const eth0 = a.interfaces.named("eth0");
    route(a, "2001:db8:9::/48", "2001:db8::9");
    a.interfaces.setDown(eth0);
    expect(eth0.v6.addresses.map((x) => String(x.address))).toEqual(keep === 1 ? ["2001:db8::1"] : []);
    a.interfaces.setUp(eth0);
    world.run(seconds(3));
    expect([...a.ipv6.fib.routes()].some((x) => x.prefixLength === 64 && String(x.destination) === "2001:db8::")).toBe(
      keep === 1,
    );
    expect([...a.ipv6.fib.routes()].some((x) => x.prefixLength === 48)).toBe(false);
  }
});

wireIsClean();
