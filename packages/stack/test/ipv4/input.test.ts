import { expect, test } from "vitest";
import { openUdp } from "../../src/index.ts";
import { dropsOf, fixHeader, inject, ipv4Packet, sniff, udpDatagram } from "../support/packets.ts";
import { bytes, chain, pair, text, World } from "../support/world.ts";

function listening() {
  const { world, a, b } = pair();
  const socket = openUdp(b);
  socket.bind({ port: 5000 });
  return { world, a, b, socket, eth: b.interfaces.named("eth0"), drops: dropsOf(b) };
}

const good = (): Uint8Array => ipv4Packet({ payload: udpDatagram(1, 5000, bytes("hello")) });

test("H2 RFC 1122 §3.2.1: a good datagram reaches its socket, and padding of the link is cut off", () => {
  const { b, socket, eth } = listening();
  const padded = new Uint8Array(46);
  padded.set(good());
  inject(b, eth, padded);
  const datagram = socket.recv();
  expect(text(datagram!.data)).toBe("hello");
  expect(datagram).toMatchObject({ address: 0x0a000001, port: 1, destination: 0x0a000002, ttl: 64, tos: 0 });
  expect(b.mib.ip).toMatchObject({ InReceives: 1, InDelivers: 1 });
});

const BAD: [string, (packet: Uint8Array) => Uint8Array, string, Record<string, number>][] = [
  ["RFC 1122 §3.2.1.1 version 5", (p) => ((p[0] = 0x55), p), "IP_INHDR", { InHdrErrors: 1 }],
  ["IHL of 4 words", (p) => ((p[0] = 0x44), p), "IP_INHDR", { InHdrErrors: 1 }],
  ["RFC 1122 §3.2.1.2 wrong checksum", (p) => ((p[10]! ^= 1), p), "IP_CSUM", { InHdrErrors: 1 }],
  ["shorter than its header", (p) => p.subarray(0, 12), "HDR_TRUNC", { InHdrErrors: 1 }],
  ["shorter than its total length", (p) => p.subarray(0, 30), "PKT_TOO_SMALL", { InHdrErrors: 0 }],
  ["total length below the header's", (p) => withTotal(p, 19), "IP_INHDR", { InHdrErrors: 1 }],
];

function withTotal(packet: Uint8Array, total: number): Uint8Array {
  new DataView(packet.buffer).setUint16(2, total);
  fixHeader(packet);
  return packet;
}

test.each(BAD)("H3 a bad datagram is dropped and counted: %s", (_what, spoil, reason, counters) => {
  const { b, socket, eth, drops } = listening();
  inject(b, eth, spoil(good()));
  expect(drops).toEqual([reason]);
  expect(b.mib.ip).toMatchObject(counters);
  expect(socket.recv()).toBeUndefined();
});

test.each([
  ["a multicast source", { source: "224.0.0.5" }, "IP_INVALID_SOURCE"],
  ["the limited broadcast address as source", { source: "255.255.255.255" }, "IP_INVALID_SOURCE"],
  ["a source in 0/8", { source: "0.1.2.3" }, "IP_INVALID_SOURCE"],
  ["a destination in 0/8", { destination: "0.1.2.3" }, "IP_INVALID_DEST"],
  ["a loopback source", { source: "127.0.0.1" }, "IP_LOCALNET"],
  ["a loopback destination", { destination: "127.0.0.1" }, "IP_LOCALNET"],
  ["our own address as source", { source: "10.0.0.2" }, "IP_LOCAL_SOURCE"],
  ["our network's broadcast address as source", { source: "10.0.0.255" }, "IP_INVALID_SOURCE"],
  ["somebody else's address, at a host that does not forward", { destination: "10.0.0.77" }, "IP_FORWARDING_DISABLED"],
  ["a group that nobody joined", { destination: "239.1.1.1" }, "IP_INVALID_DEST"],
])("H4 RFC 1122 §3.2.1.3, RFC 1812 §5.3.7: %s is a martian", (_what, spec, reason) => {
  const { b, eth, drops } = listening();
  inject(b, eth, ipv4Packet({ ...spec, payload: udpDatagram(1, 5000, bytes("x")) }));
  expect(drops).toEqual([reason]);
});

test("H4 RFC 1122 §3.2.1.3: broadcasts of all kinds are for us", () => {
  const { b, socket, eth } = listening();
  for (const destination of ["255.255.255.255", "10.0.0.255"]) {
    inject(
      b,
      eth,
      ipv4Packet({ destination, payload: udpDatagram(1, 5000, bytes("x"), { source: "10.0.0.1", destination }) }),
      0xffff_ffff_ffff,
    );
    expect(socket.recv()?.data).toEqual(bytes("x"));
  }
  expect(b.mib.ipExt.InBcastPkts).toBe(2);
});

test("a frame for another station is not ours, whatever its IP header says", () => {
  const { b, eth, drops } = listening();
  inject(b, eth, good(), 0x0200_0000_0055);
  expect(drops).toEqual(["OTHERHOST"]);
  expect(b.mib.ip.InReceives).toBe(0);
});

test.each([
  [0, "10.9.9.9", undefined],
  [1, "10.9.9.9", "IP_RPFILTER"],
  [1, "10.0.2.7", "IP_RPFILTER"],
  [2, "10.0.2.7", undefined],
  [2, "10.9.9.9", "IP_RPFILTER"],
])("H5 RFC 3704: rp_filter=%i takes a packet from %s on eth0 as %s", (filter, source, reason) => {
  const world = new World();
  const r = world.router("r", { "net.ipv4.conf.all.rp_filter": filter });
  world.veth([r, "eth0", "10.0.1.254/24"], [world.host("x"), "eth0"]);
  world.veth([r, "eth1", "10.0.2.254/24"], [world.host("y"), "eth0"]);
  const drops = dropsOf(r);
  const eth0 = r.interfaces.named("eth0");
  const socket = openUdp(r);
  socket.bind({ port: 5000 });
  inject(
    r,
    eth0,
    ipv4Packet({
      source,
      destination: "10.0.1.254",
      payload: udpDatagram(1, 5000, bytes("x"), { source, destination: "10.0.1.254" }),
    }),
  );
  expect(drops).toEqual(reason === undefined ? [] : [reason]);
  expect(socket.recv() !== undefined).toBe(reason === undefined);
});

test("H6 RFC 1122 §3.2.2.1: an unknown protocol is answered", () => {
  const { world, b, a } = pair();
  const sent = sniff(b, b.interfaces.named("eth0"));
  inject(b, b.interfaces.named("eth0"), ipv4Packet({ protocol: 253 }));
  world.runMs(10);
  expect(sent.map((p) => [p[9], p[20], p[21]])).toEqual([[1, 3, 2]]);
  expect(b.mib.ip.InUnknownProtos).toBe(1);
  expect(a.mib.icmp.InDestUnreachs).toBe(1);
});

test.each([
  ["an option that ends behind the header", [7, 40, 4, 0], 20],
  ["record route with a pointer before its data", [7, 7, 3, 0, 0, 0, 0, 0], 22],
])("H7 RFC 1122 §3.2.1.8: %s is answered with a parameter problem", (_what, options, pointer) => {
  const { world, b } = pair();
  const eth = b.interfaces.named("eth0");
  const sent = sniff(b, eth);
  inject(b, eth, ipv4Packet({ options: Uint8Array.from(options), payload: udpDatagram(1, 5000, bytes("x")) }));
  world.runMs(10);
  expect(sent.map((p) => [p[20], p[21], p[24]])).toEqual([[12, 0, pointer]]);
});

test("H7 RFC 791: record route collects the stations on the way there and back", () => {
  const { world, a, r, b } = chain();
  const option = new Uint8Array(40);
  option.set([7, 39, 4]);
  const echo = Uint8Array.from([8, 0, 0xf7, 0xfe, 0, 0, 0, 1]);
  const seen: Uint8Array[] = [];
  a.taps.add(
    (packet, _iface, direction) => direction === "in" && seen.push(packet.bytes().slice(14)),
    a.interfaces.named("eth0"),
  );
  inject(
    r,
    r.interfaces.named("eth0"),
    ipv4Packet({ source: "10.0.1.1", destination: "10.0.2.1", protocol: 1, options: option, payload: echo }),
  );
  world.runMs(50);
  const reply = seen.find((p) => p[9] === 1)!;
  const recorded = Array.from({ length: (reply[22]! - 4) / 4 }, (_, i) =>
    [...reply.subarray(23 + 4 * i, 27 + 4 * i)].join("."),
  );
  expect(recorded).toEqual(["10.0.2.254", "10.0.2.1", "10.0.1.254"]);
  expect(b.mib.icmp.InEchos).toBe(1);
});
