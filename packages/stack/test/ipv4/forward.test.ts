import { parseIpv4 } from "@seville/packet";
import { seconds } from "@seville/core";
import { describe, expect, test } from "vitest";
import { openUdp, startPing } from "../../src/index.ts";
import { dropsOf, icmpMessage, inject, ipv4Packet, sniff, udpDatagram } from "../support/packets.ts";
import { bytes, chain, codeOf, route, World } from "../support/world.ts";
import { wireIsClean } from "../support/wire.ts";

describe("H8 RFC 1812 §5: forwarding", () => {
  test("the TTL falls by one and the checksum stays right", () => {
    const { world, a, b } = chain();
    const socket = openUdp(b);
    socket.bind({ port: 5000 });
    openUdp(a).send(bytes("x"), { address: "10.0.2.1", port: 5000 }, { ttl: 9 });
    world.runMs(10);
    expect(socket.recv()?.ttl).toBe(8);
  });

  test("§5.3.1 a TTL of 1 ends at the router, which says so", () => {
    const { world, a, r } = chain();
    const socket = openUdp(a);
    socket.set("IP_RECVERR", 1);
    socket.send(bytes("payload"), { address: "10.0.2.1", port: 5000 }, { ttl: 1 });
    world.runMs(10);
    expect(socket.recvError()).toMatchObject({
      code: "EHOSTUNREACH",
      origin: "icmp",
      type: 11,
      offender: parseIpv4("10.0.1.254"),
      port: 5000,
      data: bytes("payload"),
    });
    expect(r.mib.ip.InHdrErrors).toBe(1);
    expect(r.drops.counts.get("IP_TTL")).toBe(1);
  });

  test("§5.2.7.1 what is too long and may be fragmented is fragmented by the router", () => {
    const { world, a, b, r } = chain({ right: { mtu: 600 } });
    const socket = openUdp(b);
    socket.bind({ port: 5000 });
    const sender = openUdp(a);
    sender.set("IP_MTU_DISCOVER", 0);
    const payload = Uint8Array.from({ length: 1400 }, (_, i) => i & 255);
    sender.send(payload, { address: "10.0.2.1", port: 5000 });
    world.runMs(20);
    expect(socket.recv()?.data).toEqual(payload);
    expect(r.mib.ip).toMatchObject({ FragOKs: 1, FragCreates: 3, ForwDatagrams: 1 });
    expect(b.mib.ip).toMatchObject({ ReasmReqds: 3, ReasmOKs: 1 });
  });

  test("RFC 1191 §6.3 the path MTU is learned from the router, used, and forgotten after mtu_expires", () => {
    const { world, a, b } = chain({ right: { mtu: 1000 } });
    const socket = openUdp(b);
    socket.bind({ port: 5000 });
    const sender = openUdp(a);
    sender.connect({ address: "10.0.2.1", port: 5000 });
    sender.set("IP_MTU_DISCOVER", 2);
    sender.send(new Uint8Array(1200));
    world.runMs(20);
    expect(socket.recv()).toBeUndefined();
    expect(codeOf(() => sender.send(new Uint8Array(1200)))).toBe("EMSGSIZE");
    expect(codeOf(() => sender.send(new Uint8Array(1200)))).toBe("EMSGSIZE");
    sender.send(new Uint8Array(972));
    world.runMs(20);
    expect(socket.recv()?.data).toHaveLength(972);
    // A socket that does not insist has its datagrams fragmented at the source.
    sender.set("IP_MTU_DISCOVER", 1);
    sender.send(new Uint8Array(1200));
    world.runMs(20);
    expect(socket.recv()?.data).toHaveLength(1200);
    expect(a.mib.ip.FragCreates).toBe(2);
    world.run(seconds(601));
    expect(a.ipv4.exceptions.mtu(parseIpv4("10.0.2.1"), a.now)).toBe(0);
  });

  test("an MTU below min_pmtu is not believed: the floor is locked and datagrams are fragmented", () => {
    const { world, a, b } = chain({ right: { mtu: 300 } });
    const socket = openUdp(b);
    socket.bind({ port: 5000 });
    const sender = openUdp(a);
    for (let i = 0; i < 3; i++) {
      sender.send(new Uint8Array(500), { address: "10.0.2.1", port: 5000 });
      world.runMs(20);
    }
    expect(a.ipv4.exceptions.get(parseIpv4("10.0.2.1"))).toMatchObject({ mtu: 552, mtuLocked: true });
    expect(socket.recv()?.data).toHaveLength(500);
  });

  test("§5.2.7.2 a redirect is sent, believed by the host, and not repeated without end", () => {
    const world = new World();
    const [a, b] = [world.host("a"), world.host("b")];
    const hub = world.router("hub");
    world.link([a, "eth0", "10.0.1.1/24"], [hub, "eth0", "10.0.1.254/24"]);
    world.veth([hub, "eth1", "10.0.2.254/24"], [b, "eth0", "10.0.2.1/24"]);
    route(a, "0.0.0.0/0", "10.0.1.254");
    route(b, "0.0.0.0/0", "10.0.2.254");
    // The hub's way to 10.9/16 leads back to the link of a.
    route(hub, "10.9.0.0/16", "10.0.1.77");
    const errors: Uint8Array[] = sniff(hub, hub.interfaces.named("eth0"));
    world.runMs(10);
    const eth0 = hub.interfaces.named("eth0");
    const send = (): void =>
      inject(
        hub,
        eth0,
        ipv4Packet({
          source: "10.0.1.1",
          destination: "10.9.0.1",
          payload: udpDatagram(1, 2, bytes("x"), { source: "10.0.1.1", destination: "10.9.0.1" }),
        }),
      );
    send();
    world.runMs(5);
    const redirect = errors.find((p) => p[9] === 1)!;
    expect([redirect[20], redirect[21], [...redirect.subarray(24, 28)].join(".")]).toEqual([5, 1, "10.0.1.77"]);
    expect(a.mib.icmp.InRedirects).toBe(1);
    for (let i = 0; i < 30; i++) {
      send();
      world.runMs(1000);
    }
    expect(hub.mib.icmp.OutRedirects).toBeLessThanOrEqual(9);
  });

  test("RFC 1122 §3.2.2.2 a redirect is believed from the gateway in use only, and changes the way", () => {
    const world = new World();
    const a = world.host("a");
    const r = world.router("r");
    world.link([a, "eth0", "10.0.1.1/24"], [r, "eth0", "10.0.1.254/24"]);
    route(a, "0.0.0.0/0", "10.0.1.254");
    const eth0 = a.interfaces.named("eth0");
    const redirect = (source: string, gateway: number[]): void => {
      const quoted = ipv4Packet({ source: "10.0.1.1", destination: "10.9.0.1", payload: new Uint8Array(8) });
      inject(
        a,
        eth0,
        ipv4Packet({
          source,
          destination: "10.0.1.1",
          protocol: 1,
          payload: icmpMessage(5, 1, Uint8Array.from([...gateway, ...quoted])),
        }),
      );
    };
    const learned = (): unknown => a.ipv4.exceptions.get(parseIpv4("10.9.0.1"))?.gateway;
    redirect("10.0.1.66", [10, 0, 1, 77]);
    expect(learned()).toBeUndefined();
    redirect("10.0.1.254", [10, 0, 9, 77]);
    expect(learned()).toBeUndefined();
    redirect("10.0.1.254", [10, 0, 1, 77]);
    expect(learned()).toBe(parseIpv4("10.0.1.77"));
    a.sysctls.set("net.ipv4.conf.all.accept_redirects", 0);
    a.sysctls.set("net.ipv4.conf.eth0.accept_redirects", 0);
    redirect("10.0.1.77", [10, 0, 1, 78]);
    expect(learned()).toBe(parseIpv4("10.0.1.77"));
  });

  test("RFC 1122 §3.3.6 a datagram in a frame for all is not forwarded", () => {
    const { r } = chain();
    const drops = dropsOf(r);
    inject(
      r,
      r.interfaces.named("eth0"),
      ipv4Packet({ source: "10.0.1.1", destination: "10.0.2.1" }),
      0xffff_ffff_ffff,
    );
    expect(drops).toEqual(["NOT_SPECIFIED"]);
  });
});

describe("H9 RFC 1122 §3.2.2, RFC 1812 §4.3.2.7: what no ICMP error answers", () => {
  const quiet: [string, Parameters<typeof ipv4Packet>[0], number?][] = [
    ["an ICMP error", { protocol: 1, payload: icmpMessage(3, 3, new Uint8Array(32)), ttl: 1 }],
    ["an unknown ICMP type", { protocol: 1, payload: icmpMessage(99, 0, new Uint8Array(4)), ttl: 1 }],
    ["a later fragment", { fragmentOffset: 64, ttl: 1 }],
    ["a datagram from nowhere", { source: "0.0.0.0", ttl: 1 }],
  ];
  test.each(quiet)("%s whose TTL ends", (_what, spec) => {
    const { world, r } = chain();
    const sent = sniff(r, r.interfaces.named("eth0"));
    inject(r, r.interfaces.named("eth0"), ipv4Packet({ source: "10.0.1.1", destination: "10.0.2.1", ...spec }));
    world.runMs(10);
    expect(sent).toEqual([]);
  });

  test("but an echo request is answered with an error", () => {
    const { world, r } = chain();
    const sent = sniff(r, r.interfaces.named("eth0"));
    inject(
      r,
      r.interfaces.named("eth0"),
      ipv4Packet({
        source: "10.0.1.1",
        destination: "10.0.2.1",
        ttl: 1,
        protocol: 1,
        payload: icmpMessage(8, 0, new Uint8Array(4)),
      }),
    );
    world.runMs(10);
    expect(sent.map((p) => p[20])).toEqual([11]);
  });

  test("a datagram to a broadcast address whose port is closed", () => {
    const { world, r } = chain();
    const eth0 = r.interfaces.named("eth0");
    const sent = sniff(r, eth0);
    for (const destination of ["10.0.1.255", "255.255.255.255", "224.0.0.1"]) {
      inject(
        r,
        eth0,
        ipv4Packet({
          source: "10.0.1.1",
          destination,
          payload: udpDatagram(1, 9, bytes("x"), { source: "10.0.1.1", destination }),
        }),
        0xffff_ffff_ffff,
      );
    }
    world.runMs(10);
    expect(sent).toEqual([]);
    expect(r.mib.udp.IgnoredMulti).toBe(3);
  });

  test("icmp_msgs_per_sec limits errors over all destinations together", () => {
    const { world, r } = chain({
      router: { "net.ipv4.icmp_msgs_per_sec": 10, "net.ipv4.icmp_msgs_burst": 5, "net.ipv4.icmp_ratelimit": 0 },
    });
    world.run(seconds(2));
    for (let i = 0; i < 50; i++)
      inject(r, r.interfaces.named("eth0"), ipv4Packet({ source: "10.0.1.1", destination: "10.0.2.1", ttl: 1 }));
    world.runMs(10);
    expect(r.mib.icmp.OutTimeExcds).toBeGreaterThanOrEqual(3);
    expect(r.mib.icmp.OutTimeExcds).toBeLessThanOrEqual(15);
    expect(r.mib.icmp.OutRateLimitGlobal).toBe(50 - r.mib.icmp.OutTimeExcds);
  });
});

test("H8 a next hop that does not answer: the source hears of it (RFC 1812 §5.2.7.1), as ping prints it", () => {
  const { world, a } = chain();
  const ping = startPing(a, "10.0.2.99", { count: 1 });
  world.run(seconds(15));
  expect(ping.report()).toMatchObject({ transmitted: 1, received: 0, errors: 1, loss: 1 });
  expect(ping.report().text).toContain("From 10.0.1.254 icmp_seq=1 Destination Host Unreachable");
  expect(ping.report().text).toContain("1 packets transmitted, 0 received, +1 errors, 100% packet loss");
});

test("H8 our own datagram to a neighbour that is not there: EHOSTUNREACH comes back to the socket", () => {
  const { world, a } = chain();
  const socket = openUdp(a);
  socket.set("IP_RECVERR", 1);
  socket.send(bytes("x"), { address: "10.0.1.99", port: 9 });
  world.run(seconds(5));
  expect(codeOf(() => socket.recv())).toBe("EHOSTUNREACH");
  expect(a.drops.counts.get("NEIGH_FAILED")).toBe(1);
});

test("H7 RFC 791 page 18: a loose source route is followed from station to station", () => {
  const { world, r, b } = chain();
  const socket = openUdp(b);
  socket.bind({ port: 5000 });
  const options = Uint8Array.from([131, 7, 4, 10, 0, 2, 1, 0]);
  const payload = udpDatagram(1, 5000, bytes("x"), { source: "10.0.1.1", destination: "10.0.2.1" });
  inject(
    r,
    r.interfaces.named("eth0"),
    ipv4Packet({ source: "10.0.1.1", destination: "10.0.1.254", options, payload }),
  );
  world.runMs(10);
  expect(socket.recv()).toBeDefined();
  r.sysctls.set("net.ipv4.conf.all.accept_source_route", 0);
  const drops = dropsOf(r);
  inject(
    r,
    r.interfaces.named("eth0"),
    ipv4Packet({ source: "10.0.1.1", destination: "10.0.1.254", options, payload }),
  );
  expect(drops).toEqual(["IP_INHDR"]);
});

test("H13 RFC 1122 §3.2.2.6, §3.2.2.8: echo and timestamp are answered; broadcasts only if asked for", () => {
  const { world, b, r } = chain();
  const eth0 = b.interfaces.named("eth0");
  const sent = sniff(b, eth0);
  const stamp = new Uint8Array(16);
  inject(
    b,
    eth0,
    ipv4Packet({ source: "10.0.2.254", destination: "10.0.2.1", protocol: 1, payload: icmpMessage(13, 0, stamp) }),
  );
  inject(
    b,
    eth0,
    ipv4Packet({
      source: "10.0.2.254",
      destination: "10.0.2.255",
      protocol: 1,
      payload: icmpMessage(8, 0, new Uint8Array(4)),
    }),
    0xffff_ffff_ffff,
  );
  world.runMs(10);
  expect(sent.map((p) => p[20])).toEqual([14]);
  b.sysctls.set("net.ipv4.icmp_echo_ignore_broadcasts", 0);
  inject(
    b,
    eth0,
    ipv4Packet({
      source: "10.0.2.254",
      destination: "10.0.2.255",
      protocol: 1,
      payload: icmpMessage(8, 0, new Uint8Array(4)),
    }),
    0xffff_ffff_ffff,
  );
  world.runMs(10);
  expect(sent.map((p) => p[20])).toEqual([14, 0]);
  b.sysctls.set("net.ipv4.icmp_echo_ignore_all", 1);
  inject(
    b,
    eth0,
    ipv4Packet({
      source: "10.0.2.254",
      destination: "10.0.2.1",
      protocol: 1,
      payload: icmpMessage(8, 0, new Uint8Array(4)),
    }),
  );
  const bad = icmpMessage(8, 0, new Uint8Array(4));
  bad[7] = 1;
  inject(b, eth0, ipv4Packet({ source: "10.0.2.254", destination: "10.0.2.1", protocol: 1, payload: bad }));
  world.runMs(10);
  expect(sent).toHaveLength(2);
  expect(b.mib.icmp).toMatchObject({
    InEchos: 2,
    InTimestamps: 1,
    InCsumErrors: 1,
    OutEchoReps: 1,
    OutTimestampReps: 1,
  });
  expect(r.mib.icmp.InMsgs).toBe(2);
});

wireIsClean();
