import { ipv4, parseIp, parseIpv4 } from "@seville/packet";
import { describe, expect, test } from "vitest";
import { openPing, openRaw, openUdp } from "../src/index.ts";
import { icmpMessage, icmpv6Message, inject, ipv4Packet, ipv6Packet, sniff, udpDatagram } from "./support/packets.ts";
import { bytes, chain, codeOf, pair } from "./support/world.ts";
import { wireIsClean } from "./support/wire.ts";

describe("H50 raw sockets: raw(7)", () => {
  test("IPv4: every datagram of the protocol, with its IP header, besides whoever else gets it", () => {
    const { world, a, b } = pair();
    const raw = openRaw(b, { protocol: 17 });
    const udp = openUdp(b);
    udp.bind({ port: 5000 });
    openUdp(a).send(bytes("hello"), { address: "10.0.0.2", port: 5000 });
    world.runMs(10);
    const seen = raw.recv()!;
    expect(seen.data).toHaveLength(20 + 8 + 5);
    expect([seen.data[0], seen.data[9], seen.address]).toEqual([0x45, 17, parseIp("10.0.0.1")]);
    expect(udp.queued.packets).toBe(1);
  });

  test("a protocol that a raw socket takes is not unknown: no ICMP error", () => {
    const { world, b } = pair();
    const raw = openRaw(b, { protocol: 253 });
    const sent = sniff(b, b.interfaces.named("eth0"));
    inject(b, b.interfaces.named("eth0"), ipv4Packet({ protocol: 253 }));
    world.runMs(10);
    expect(raw.recv()).toBeDefined();
    expect(sent).toEqual([]);
    raw.close();
    inject(b, b.interfaces.named("eth0"), ipv4Packet({ protocol: 253 }));
    world.runMs(10);
    expect(sent).toHaveLength(1);
  });

  test("bind, connect and device narrow what it gets; ICMP_FILTER by type", () => {
    const { b } = pair();
    const eth0 = b.interfaces.named("eth0");
    const echo = (source: string, type = 8): void =>
      inject(b, eth0, ipv4Packet({ source, protocol: 1, payload: icmpMessage(type, 0, new Uint8Array(4)) }));
    const [all, connected, filtered, lo] = [1, 1, 1, 1].map((protocol) => openRaw(b, { protocol }));
    connected!.connect({ address: "10.0.0.1" });
    filtered!.filteredTypes.add(8);
    lo!.bindToDevice("lo");
    echo("10.0.0.1");
    echo("10.0.0.9");
    echo("10.0.0.1", 0);
    const count = (socket: typeof all): number => {
      let n = 0;
      while (socket!.recv() !== undefined) n++;
      return n;
    };
    expect([all, connected, filtered, lo].map(count)).toEqual([3, 2, 1, 0]);
  });

  test("IP_HDRINCL: the caller's header goes out, with length, checksum and, if 0, identification and source filled in", () => {
    const { world, a } = pair();
    const sent = sniff(a, a.interfaces.named("eth0"));
    const raw = openRaw(a, { protocol: 255 });
    const packet = ipv4Packet({
      source: "0.0.0.0",
      destination: "10.0.0.2",
      ttl: 3,
      identification: 0,
      payload: udpDatagram(1, 9, bytes("x")),
    });
    packet.fill(0xff, 10, 12);
    raw.send(packet, { address: "10.0.0.2" });
    world.runMs(10);
    const out = sent.find((p) => p[9] === 17)!;
    const view = new DataView(out.buffer);
    expect(ipv4.isChecksumValid(view, 0)).toBe(true);
    expect([ipv4.source(view, 0), ipv4.ttl(view, 0), ipv4.identification(view, 0) !== 0]).toEqual([
      parseIp("10.0.0.1"),
      3,
      true,
    ]);
    expect(codeOf(() => raw.send(new Uint8Array(10), { address: "10.0.0.2" }))).toBe("EINVAL");
    expect(codeOf(() => raw.send(new Uint8Array(1501), { address: "10.0.0.2" }))).toBe("EMSGSIZE");
  });

  test("RFC 3542 §3.1: the kernel fills in and checks IPV6_CHECKSUM; a wrong one never arrives", () => {
    const { world, a, b } = pair();
    const receiver = openRaw(b, { family: 6, protocol: 200 });
    receiver.checksumOffset = 2;
    const sender = openRaw(a, { family: 6, protocol: 200 });
    sender.checksumOffset = 2;
    sender.send(Uint8Array.of(1, 2, 0, 0, 5, 6), { address: "2001:db8::2" });
    world.runMs(10);
    expect(receiver.recv()?.data).toHaveLength(6);
    inject(b, b.interfaces.named("eth0"), ipv6Packet({ nextHeader: 200, payload: Uint8Array.of(1, 2, 3, 4, 5, 6) }));
    expect(receiver.recv()).toBeUndefined();
    expect(receiver.drops).toBe(1);
    expect(codeOf(() => sender.send(Uint8Array.of(1), { address: "2001:db8::2" }))).toBe("EINVAL");
  });

  test("a full queue drops; long datagrams are fragmented", () => {
    const { world, a, b } = pair();
    const receiver = openRaw(b, { protocol: 200 });
    receiver.set("SO_RCVBUF", 4000);
    const sender = openRaw(a, { protocol: 200 });
    sender.send(new Uint8Array(3000), { address: "10.0.0.2" });
    world.runMs(10);
    expect(receiver.recv()?.data).toHaveLength(3020);
    for (let i = 0; i < 10; i++) sender.send(new Uint8Array(10), { address: "10.0.0.2" });
    world.runMs(10);
    expect(receiver.drops).toBeGreaterThan(3);
    sender.set("IP_MTU_DISCOVER", 2);
    expect(codeOf(() => sender.send(new Uint8Array(1481), { address: "10.0.0.2" }))).toBe("EMSGSIZE");
    expect(codeOf(() => sender.send(new Uint8Array(1)))).toBe("EDESTADDRREQ");
  });

  test("errors come with IP_RECVERR", () => {
    const { world, a } = pair();
    const raw = openRaw(a, { protocol: 253 });
    raw.set("IP_RECVERR", 1);
    raw.send(bytes("payload!"), { address: "10.0.0.2" });
    world.runMs(10);
    expect(raw.recvError()).toMatchObject({ code: "ENOPROTOOPT", type: 3, errorCode: 2, data: bytes("payload!") });
    expect(codeOf(() => raw.recv())).toBe("ENOPROTOOPT");
  });
});

describe("H51 ping sockets", () => {
  test.each([
    [4, "10.0.0.2"],
    [6, "2001:db8::2"],
  ] as const)(
    "IPv%i: an echo goes out under the socket's identifier and its answer comes back to it alone",
    (family, address) => {
      const { world, a } = pair();
      const [one, two] = [openPing(a, family), openPing(a, family)];
      one.sendEcho(7, bytes("data"), { address });
      two.sendEcho(8, bytes("other"), { address });
      world.runMs(10);
      expect(one.localPort).not.toBe(two.localPort);
      expect(one.recv()).toMatchObject({
        sequence: 7,
        identifier: one.localPort,
        data: bytes("data"),
        ttl: 64,
        address: parseIp(address),
      });
      expect(two.recv()).toMatchObject({ sequence: 8 });
      expect(one.recv()).toBeUndefined();
    },
  );

  test("an identifier is taken once; a reply to a stranger's identifier is dropped", () => {
    const { b } = pair();
    const ping = openPing(b);
    ping.bind({ port: 77 });
    expect(codeOf(() => openPing(b).bind({ port: 77 }))).toBe("EADDRINUSE");
    const eth0 = b.interfaces.named("eth0");
    inject(b, eth0, ipv4Packet({ protocol: 1, payload: icmpMessage(0, 0, Uint8Array.of(0, 78, 0, 1)) }));
    expect(ping.recv()).toBeUndefined();
    inject(b, eth0, ipv4Packet({ protocol: 1, payload: icmpMessage(0, 0, Uint8Array.of(0, 77, 0, 1)) }));
    expect(ping.recv()?.sequence).toBe(1);
    ping.close();
    openPing(b).bind({ port: 77 });
  });
});

describe("H52 RFC 1122 §4.1.3.3: errors reach the socket that sent", () => {
  test("a connected socket fails once with ECONNREFUSED; an unconnected one learns it from the error queue", () => {
    const { world, a } = pair();
    const connected = openUdp(a);
    connected.connect({ address: "10.0.0.2", port: 9 });
    connected.send(bytes("x"));
    const queued = openUdp(a, { family: 6 });
    queued.set("IPV6_RECVERR", 1);
    queued.send(bytes("hello"), { address: "2001:db8::2", port: 10 });
    world.runMs(10);
    expect(codeOf(() => connected.recv())).toBe("ECONNREFUSED");
    expect(connected.recv()).toBeUndefined();
    expect(queued.recvError()).toMatchObject({
      code: "ECONNREFUSED",
      origin: "icmp6",
      type: 1,
      errorCode: 4,
      port: 10,
      data: bytes("hello"),
      offender: parseIp("2001:db8::2"),
    });
    expect(queued.takeError()).toBe("ECONNREFUSED");
    expect(queued.takeError()).toBeUndefined();
  });

  test("an error that quotes a flow of nobody, or too little, is counted and nothing else", () => {
    const { a } = pair();
    const eth0 = a.interfaces.named("eth0");
    const quoted = ipv4Packet({
      source: "10.0.0.1",
      destination: "10.0.0.2",
      payload: udpDatagram(4444, 9, bytes("x")),
    });
    const error = (data: Uint8Array): void => {
      const payload = icmpMessage(3, 3, Uint8Array.from([0, 0, 0, 0, ...data]));
      inject(a, eth0, ipv4Packet({ source: "10.0.0.2", destination: "10.0.0.1", protocol: 1, payload }));
    };
    error(quoted);
    error(quoted.subarray(0, 26));
    error(quoted.subarray(0, 12));
    expect(a.mib.icmp).toMatchObject({ InMsgs: 3, InDestUnreachs: 3, InErrors: 3 });
    const v6 = icmpv6Message(1, 4, new Uint8Array(20), "2001:db8::2", "2001:db8::1");
    inject(a, eth0, ipv6Packet({ source: "2001:db8::2", destination: "2001:db8::1", nextHeader: 58, payload: v6 }));
    expect(a.mib.icmp6.InErrors).toBe(1);
  });

  test("ip_no_pmtu_disc: 1 and 3 let no UDP error shrink the path", () => {
    for (const [mode, learned] of [
      [0, 900],
      [1, 0],
      [3, 0],
    ] as const) {
      const { a } = pair();
      a.sysctls.set("net.ipv4.ip_no_pmtu_disc", mode);
      const socket = openUdp(a);
      socket.connect({ address: "10.0.0.2", port: 9 });
      const quoted = ipv4Packet({
        source: "10.0.0.1",
        destination: "10.0.0.2",
        payload: udpDatagram(socket.localPort, 9, bytes("x")),
      });
      const payload = icmpMessage(3, 4, Uint8Array.from([0, 0, 900 >> 8, 900 & 255, ...quoted]));
      inject(
        a,
        a.interfaces.named("eth0"),
        ipv4Packet({ source: "10.0.0.2", destination: "10.0.0.1", protocol: 1, payload }),
      );
      expect(a.ipv4.exceptions.mtu(parseIpv4("10.0.0.2"), a.now)).toBe(learned);
    }
  });
});

test("H53 options: ENOPROTOOPT, -1 for the default, devices that are not there", () => {
  const { a } = pair();
  const socket = openUdp(a);
  expect(codeOf(() => socket.set("SO_NONSENSE" as "SO_MARK", 1))).toBe("ENOPROTOOPT");
  expect(codeOf(() => socket.get("SO_NONSENSE" as "SO_MARK"))).toBe("ENOPROTOOPT");
  socket.set("IP_TTL", 9);
  socket.set("IP_TTL", -1);
  expect(socket.get("IP_TTL")).toBe(0);
  expect(codeOf(() => socket.set("IP_MULTICAST_IF", 99))).toBe("ENODEV");
  expect(codeOf(() => socket.bindToDevice("eth9"))).toBe("ENODEV");
  socket.set("SO_RCVBUF", 1e9);
  expect(socket.get("SO_RCVBUF")).toBe(2 * 212_992);
  socket.set("SO_RCVBUF", 1);
  expect(socket.get("SO_RCVBUF")).toBe(2304);
});

test("H54 defaultBoundDevice: a task's sockets are bound to its device, those made before are not", () => {
  const { a } = chain();
  const before = openUdp(a);
  a.defaultBoundDevice = a.interfaces.named("eth0").ifindex;
  const inside = openUdp(a);
  a.defaultBoundDevice = 0;
  expect([before.boundDevice, inside.boundDevice]).toEqual([0, a.interfaces.named("eth0").ifindex]);
});

wireIsClean();
