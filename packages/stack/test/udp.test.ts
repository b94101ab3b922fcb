import { parseIp, parseIpv4, parseIpv6 } from "@seville/packet";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { openUdp, type UdpSocket } from "../src/index.ts";
import { dropsOf, inject, ipv4Packet, ipv6Packet, sniff, udpDatagram } from "./support/packets.ts";
import { bytes, chain, codeOf, pair, text, World } from "./support/world.ts";
import { wireIsClean } from "./support/wire.ts";

test("H40 datagrams go both ways, and connected sockets name their ends", () => {
  const { world, a, b } = pair();
  const server = openUdp(b);
  server.bind({ port: 5000 });
  const client = openUdp(a);
  client.connect({ address: "10.0.0.2", port: 5000 });
  expect(client.address()).toMatchObject({ address: parseIp("10.0.0.1") });
  expect(client.remoteAddress()).toEqual({ address: parseIp("10.0.0.2"), port: 5000 });
  client.send(bytes("ping"));
  world.runMs(10);
  const datagram = server.recv()!;
  expect(datagram.port).toBe(client.localPort);
  server.send(bytes("pong"), datagram);
  world.runMs(10);
  expect(text(client.recv()!.data)).toBe("pong");
  client.disconnect();
  expect(codeOf(() => client.remoteAddress())).toBe("ENOTCONN");
  expect(client.address().address).toBe(0);
});

describe("H41 which socket gets it (compute_score)", () => {
  const remote = { source: "10.0.0.1", destination: "10.0.0.2" };
  const give = (it: ReturnType<typeof pair>, from = 1): void =>
    inject(it.b, it.b.interfaces.named("eth0"), ipv4Packet({ payload: udpDatagram(from, 5000, bytes("x"), remote) }));

  test("connected before bound to the address before bound to any", () => {
    const it = pair();
    const any = openUdp(it.b);
    const bound = openUdp(it.b);
    const connected = openUdp(it.b);
    for (const socket of [any, bound, connected]) socket.set("SO_REUSEADDR", 1);
    any.bind({ port: 5000 });
    bound.bind({ address: "10.0.0.2", port: 5000 });
    connected.bind({ address: "10.0.0.2", port: 5000 });
    connected.connect({ address: "10.0.0.1", port: 77 });
    give(it, 77);
    expect([any.queued.packets, bound.queued.packets, connected.queued.packets]).toEqual([0, 0, 1]);
    give(it, 78);
    expect([any.queued.packets, bound.queued.packets, connected.queued.packets]).toEqual([0, 1, 1]);
    bound.close();
    give(it, 78);
    expect(any.queued.packets).toBe(1);
  });

  test("bound to the device before not bound; another device's gets nothing", () => {
    const it = pair();
    const world = it.world;
    world.veth([it.b, "eth1", "10.0.5.1/24"], [world.host("c"), "eth0"]);
    const [any, here, there] = [openUdp(it.b), openUdp(it.b), openUdp(it.b)];
    for (const socket of [any, here, there]) socket.set("SO_REUSEADDR", 1);
    here.bindToDevice("eth0");
    there.bindToDevice("eth1");
    for (const socket of [any, here, there]) socket.bind({ port: 5000 });
    give(it);
    expect([any.queued.packets, here.queued.packets, there.queued.packets]).toEqual([0, 1, 0]);
  });

  test("SO_REUSEPORT spreads flows and keeps each at its socket", () => {
    const it = pair();
    const group = Array.from({ length: 4 }, () => {
      const socket = openUdp(it.b);
      socket.set("SO_REUSEPORT", 1);
      socket.bind({ port: 5000 });
      return socket;
    });
    for (let port = 1; port <= 100; port++) give(it, port);
    const once = group.map((socket) => socket.queued.packets);
    expect(Math.min(...once)).toBeGreaterThan(10);
    for (let port = 1; port <= 100; port++) give(it, port);
    expect(group.map((socket) => socket.queued.packets)).toEqual(once.map((n) => 2 * n));
  });

  test("an IPv6 socket takes IPv4 too (RFC 3493 §3.7), unless IPV6_V6ONLY", () => {
    const it = pair();
    const dual = openUdp(it.b, { family: 6 });
    dual.bind({ port: 5000 });
    give(it);
    const datagram = dual.recv()!;
    expect(String(datagram.address)).toBe("::ffff:10.0.0.1");
    dual.send(bytes("back"), datagram);
    dual.close();
    const only = openUdp(it.b, { family: 6, v6only: true });
    only.bind({ port: 5000 });
    give(it);
    expect(only.queued.packets).toBe(0);
    expect(it.b.mib.udp.NoPorts).toBe(1);
    expect(codeOf(() => only.set("IPV6_V6ONLY", 0))).toBe("EINVAL");
  });
});

test("H42 RFC 768: a wrong checksum is dropped, none at all is taken over IPv4 and refused over IPv6 (RFC 8200 §8.1)", () => {
  const { b } = pair();
  const eth0 = b.interfaces.named("eth0");
  const socket = openUdp(b, { family: 6 });
  socket.bind({ port: 5000 });
  const drops = dropsOf(b);
  const v6 = { source: "2001:db8::1", destination: "2001:db8::2" };
  const wrong = udpDatagram(1, 5000, bytes("x"));
  wrong[7]! ^= 1;
  inject(b, eth0, ipv4Packet({ payload: wrong }));
  const none = udpDatagram(1, 5000, bytes("x"));
  none.fill(0, 6, 8);
  inject(b, eth0, ipv4Packet({ payload: none }));
  expect(socket.queued.packets).toBe(1);
  inject(b, eth0, ipv6Packet({ payload: none }));
  expect(drops).toEqual(["UDP_CSUM", "UDP_CSUM"]);
  socket.set("UDP_NO_CHECK6_RX", 1);
  inject(b, eth0, ipv6Packet({ payload: none }));
  inject(b, eth0, ipv6Packet({ payload: udpDatagram(1, 5000, bytes("x"), v6) }));
  expect(socket.queued.packets).toBe(3);
  expect(b.mib.udp).toMatchObject({ InCsumErrors: 1, InErrors: 1 });
  expect(b.mib.udp6).toMatchObject({ InCsumErrors: 1, InErrors: 1, InDatagrams: 2 });
});

test("H42 RFC 768: a length that is too short or too long is dropped; what is behind it is cut off", () => {
  const { b } = pair();
  const eth0 = b.interfaces.named("eth0");
  const socket = openUdp(b);
  socket.bind({ port: 5000 });
  const drops = dropsOf(b);
  for (const length of [7, 100]) {
    const datagram = udpDatagram(1, 5000, bytes("hello"));
    new DataView(datagram.buffer).setUint16(4, length);
    inject(b, eth0, ipv4Packet({ payload: datagram }));
  }
  inject(b, eth0, ipv4Packet({ payload: new Uint8Array(4) }));
  expect(drops).toEqual(["PKT_TOO_SMALL", "PKT_TOO_SMALL", "PKT_TOO_SMALL"]);
  inject(b, eth0, ipv4Packet({ payload: Uint8Array.from([...udpDatagram(1, 5000, bytes("hello")), 1, 2, 3]) }));
  expect(text(socket.recv()!.data)).toBe("hello");
});

test("H42 SO_NO_CHECK and UDP_NO_CHECK6_TX send no checksum; a computed 0 is sent as 0xffff", () => {
  const { world, a, b } = pair();
  const sent = sniff(a, a.interfaces.named("eth0"));
  const v4 = openUdp(a);
  v4.set("SO_NO_CHECK", 1);
  v4.send(bytes("x"), { address: "10.0.0.2", port: 9 });
  const v6 = openUdp(a, { family: 6 });
  v6.set("UDP_NO_CHECK6_TX", 1);
  v6.send(bytes("x"), { address: "2001:db8::2", port: 9 });
  world.runMs(10);
  expect(
    sent.filter((p) => p[9] === 17 || p[6] === 17).map((p) => (p[0]! >>> 4 === 4 ? [p[26], p[27]] : [p[46], p[47]])),
  ).toEqual([
    [0, 0],
    [0, 0],
  ]);
  expect(b.mib.udp6.InCsumErrors).toBe(1);
  // Every payload of two bytes: one of them sums to zero.
  const plain = openUdp(a);
  plain.bind({ port: 4000 });
  sent.length = 0;
  for (let word = 0; word < 65_536; word += 1) {
    if (!mayBeZero(word)) continue;
    plain.send(Uint8Array.of(word >>> 8, word & 255), { address: "10.0.0.2", port: 9 });
  }
  world.runMs(10);
  const sums = sent.filter((p) => p[9] === 17).map((p) => (p[26]! << 8) | p[27]!);
  expect(sums).toContain(0xffff);
  expect(sums).not.toContain(0);
});

/** Words near the one that makes the sum of port 4000 to 9 from 10.0.0.1 to 10.0.0.2 zero. */
function mayBeZero(word: number): boolean {
  const rest = 0x0a00 + 0x0001 + 0x0a00 + 0x0002 + 17 + 10 + 4000 + 9 + 10;
  return Math.abs(0xffff - rest - word) < 3;
}

test("H43 a receive queue that is full drops, and counts it (SO_RCVBUF, RcvbufErrors, SOCKET_RCVBUFF)", () => {
  const { world, a, b } = pair();
  const socket = openUdp(b);
  socket.bind({ port: 5000 });
  socket.set("SO_RCVBUF", 5000);
  expect(socket.get("SO_RCVBUF")).toBe(10_000);
  const sender = openUdp(a);
  for (let i = 0; i < 10; i++) sender.send(new Uint8Array(1000), { address: "10.0.0.2", port: 5000 });
  world.runMs(10);
  const { packets } = socket.queued;
  expect(packets).toBeGreaterThan(2);
  expect(packets).toBeLessThan(8);
  expect(b.mib.udp).toMatchObject({ InDatagrams: packets, RcvbufErrors: 10 - packets, InErrors: 10 - packets });
  expect([socket.drops, b.drops.counts.get("SOCKET_RCVBUFF")]).toEqual([10 - packets, 10 - packets]);
});

test("H44 the caller reads in onReadable, in order", () => {
  const { world, a, b } = pair();
  const socket = openUdp(b);
  socket.bind({ port: 5000 });
  const seen: string[] = [];
  socket.onReadable = () => {
    for (let d = socket.recv(); d !== undefined; d = socket.recv()) seen.push(text(d.data));
  };
  const sender = openUdp(a);
  for (const word of ["one", "two", "three"]) sender.send(bytes(word), { address: "10.0.0.2", port: 5000 });
  world.runMs(10);
  expect(seen).toEqual(["one", "two", "three"]);
});

describe("H45 multicast", () => {
  test("RFC 1112 §4, §7: join, receive, leave; copies loop back; the TTL is 1", () => {
    const { world, a, b } = pair();
    const [receiver, own, sender] = [openUdp(b), openUdp(a), openUdp(a)];
    receiver.bind({ port: 5000 });
    own.bind({ port: 5000 });
    const target = { group: "239.1.2.3", interface: "eth0" };
    sender.set("IP_MULTICAST_IF", a.interfaces.named("eth0").ifindex);
    const send = (): void => {
      sender.send(bytes("x"), { address: "239.1.2.3", port: 5000 });
      world.runMs(10);
    };
    send();
    expect([receiver.queued.packets, own.queued.packets]).toEqual([0, 0]);
    receiver.join(target);
    own.join(target);
    send();
    expect(receiver.recv()?.ttl).toBe(1);
    expect(own.queued.packets).toBe(1);
    sender.set("IP_MULTICAST_LOOP", 0);
    send();
    expect([receiver.queued.packets, own.queued.packets]).toEqual([1, 1]);
    receiver.leave(target);
    send();
    expect(receiver.queued.packets).toBe(1);
    expect(codeOf(() => receiver.leave(target))).toBe("EADDRNOTAVAIL");
  });

  test("RFC 3376 §2: source filters", () => {
    const { b } = pair();
    const eth0 = b.interfaces.named("eth0");
    const socket = openUdp(b);
    socket.bind({ port: 5000 });
    socket.join({ group: "239.1.2.3", interface: "eth0", source: "10.0.0.1" });
    const give = (source: string): void => {
      const ends = { source, destination: "239.1.2.3" };
      inject(b, eth0, ipv4Packet({ ...ends, payload: udpDatagram(1, 5000, bytes("x"), ends) }), 0x0100_5e01_0203);
    };
    give("10.0.0.1");
    give("10.0.0.9");
    expect(socket.queued.packets).toBe(1);
    expect(eth0.v4.groups.state(parseIpv4("239.1.2.3"))).toMatchObject({
      filterMode: "include",
      sources: [parseIpv4("10.0.0.1")],
    });
    socket.setSourceFilter({ group: "239.1.2.3", interface: "eth0" }, "exclude", [parseIpv4("10.0.0.1")]);
    give("10.0.0.1");
    give("10.0.0.9");
    expect(socket.queued.packets).toBe(2);
  });

  test("IPv6: ff02 on an interface; every socket of the port gets a copy, and the pool is fine", () => {
    const { world, a, b } = pair();
    const sockets = Array.from({ length: 3 }, () => {
      const socket = openUdp(b, { family: 6 });
      socket.set("SO_REUSEADDR", 1);
      socket.bind({ port: 5353 });
      socket.join({ group: "ff02::fb", interface: "eth0" });
      return socket;
    });
    openUdp(a, { family: 6 }).send(bytes("hello"), { address: "ff02::fb%eth0", port: 5353 });
    world.runMs(10);
    for (const socket of sockets) {
      const datagram = socket.recv()!;
      expect(text(datagram.data)).toBe("hello");
      expect(String(datagram.destination)).toBe("ff02::fb%eth0");
    }
  });

  test("igmp_max_memberships", () => {
    const { b } = pair();
    const socket = openUdp(b);
    for (let i = 1; i <= 20; i++) socket.join({ group: `239.0.0.${i}`, interface: "eth0" });
    expect(codeOf(() => socket.join({ group: "239.0.0.99", interface: "eth0" }))).toBe("ENOBUFS");
  });
});

test("H46 IP_PKTINFO: source and interface of one datagram, and what a datagram tells", () => {
  const { world, a, b } = chain();
  const socket = openUdp(b);
  socket.bind({ port: 5000 });
  const sender = openUdp(a);
  sender.set("IP_TOS", 0x10);
  sender.send(bytes("x"), { address: "10.0.2.1", port: 5000 }, { source: parseIp("10.0.1.1"), tos: 0x28, ttl: 33 });
  world.runMs(10);
  expect(socket.recv()).toMatchObject({
    tos: 0x28,
    ttl: 32,
    ifindex: b.interfaces.named("eth0").ifindex,
    destination: parseIp("10.0.2.1"),
  });
  expect(
    codeOf(() => sender.send(bytes("x"), { address: "10.0.2.1", port: 5000 }, { source: parseIp("10.9.9.9") })),
  ).toBe("EINVAL");
});

test("H47 ephemeral ports come from ip_local_port_range, are never taken twice, and follow the seed", () => {
  const ports = (): number[] => {
    const world = new World();
    const host = world.host("a", {
      "net.ipv4.ip_local_port_range": "40000 40009",
      "net.ipv4.ip_local_reserved_ports": "40003",
    });
    const taken: number[] = [];
    for (let i = 0; i < 9; i++) {
      const socket = openUdp(host);
      socket.bind();
      taken.push(socket.localPort);
    }
    expect(codeOf(() => openUdp(host).bind())).toBe("EADDRINUSE");
    return taken;
  };
  const first = ports();
  expect([...first].sort()).toEqual([40000, 40001, 40002, 40004, 40005, 40006, 40007, 40008, 40009]);
  expect(ports()).toEqual(first);
});

test("H48 a closed socket: EBADF, its port is free, its packets are given back", () => {
  const { world, a, b } = pair();
  const socket = openUdp(b);
  socket.bind({ port: 5000 });
  openUdp(a).send(bytes("x"), { address: "10.0.0.2", port: 5000 });
  world.runMs(10);
  socket.close();
  socket.close();
  expect(codeOf(() => socket.send(bytes("x"), { address: "10.0.0.1", port: 1 }))).toBe("EBADF");
  openUdp(b).bind({ port: 5000 });
});

test("H49 local traffic goes through lo, whatever address it names", () => {
  const { world, b } = pair();
  const socket = openUdp(b, { family: 6 });
  socket.bind({ port: 5000 });
  const wire = sniff(b, b.interfaces.named("eth0"));
  for (const address of ["127.0.0.1", "127.3.2.1", "10.0.0.2", "::1", "2001:db8::2"]) {
    openUdp(b, { family: address.includes(":") ? 6 : 4 }).send(bytes("x"), { address, port: 5000 });
  }
  world.runMs(10);
  const from = [];
  for (let d = socket.recv(); d !== undefined; d = socket.recv()) from.push(String(d.address));
  expect(from).toEqual(["::ffff:127.0.0.1", "::ffff:127.0.0.1", "::ffff:10.0.0.2", "::1", "2001:db8::2"]);
  expect(wire).toEqual([]);
  expect(b.interfaces.named("lo").stats).toMatchObject({ tx_packets: 5, rx_packets: 5 });
});

test("H4A property: the table finds the socket that a slow scorer finds", () => {
  const addresses = ["0.0.0.0", "10.0.0.2", "::", "2001:db8::2"] as const;
  const spec = fc.record({
    bind: fc.constantFrom(...addresses),
    v6only: fc.boolean(),
    peer: fc.option(fc.constantFrom(1, 2), { nil: undefined }),
    device: fc.boolean(),
  });
  fc.assert(
    fc.property(
      fc.array(spec, { minLength: 1, maxLength: 6 }),
      fc.constantFrom(4, 6),
      fc.constantFrom(1, 2, 3),
      (specs, family, port) => {
        const { b } = pair();
        const sockets: UdpSocket[] = [];
        for (const { bind, v6only, peer, device } of specs) {
          const v6 = bind.includes(":");
          const socket = openUdp(b, { family: v6 ? 6 : 4, v6only });
          socket.set("SO_REUSEADDR", 1);
          if (device) socket.bindToDevice("eth0");
          socket.bind({ address: bind, port: 5000 });
          if (peer !== undefined) socket.connect({ address: v6 ? "2001:db8::1" : "10.0.0.1", port: peer });
          sockets.push(socket);
        }
        const v4 = family === 4;
        const found = b.udp.lookup({
          localAddress: v4 ? parseIpv4("10.0.0.2") : parseIpv6("2001:db8::2"),
          remoteAddress: v4 ? parseIpv4("10.0.0.1") : parseIpv6("2001:db8::1"),
          localPort: 5000,
          remotePort: port,
          dif: b.interfaces.named("eth0").ifindex,
          sdif: 0,
          acceptL3mdev: false,
        });
        const points = specs.map(({ bind, v6only, peer, device }) => {
          const isV6 = bind.includes(":");
          const reaches = v4 ? !isV6 || (bind === "::" && !v6only && peer === undefined) : isV6;
          if (!reaches || (peer !== undefined && peer !== port)) return -1;
          // Connecting chose a source address: the socket is then bound to it.
          const bound = (bind !== "0.0.0.0" && bind !== "::") || peer !== undefined;
          return (bound ? 4 : 0) + (peer === undefined ? 0 : 8) + (device ? 4 : 0) + (v4 && !isV6 ? 2 : 1);
        });
        const best = Math.max(...points);
        const expected = best < 0 ? [undefined] : sockets.filter((_, i) => points[i] === best);
        expect(expected).toContain(found);
      },
    ),
    { numRuns: 60 },
  );
});

wireIsClean();
