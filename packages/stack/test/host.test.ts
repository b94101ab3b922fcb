import { millis, seconds } from "@seville/core";
import { parseIp, type Packet } from "@seville/packet";
import { describe, expect, test } from "vitest";
import {
  createVethPair,
  formatNetstat,
  formatSnmp,
  formatSnmp6,
  NF_INET_FORWARD,
  NF_INET_LOCAL_IN,
  NF_INET_LOCAL_OUT,
  NF_INET_POST_ROUTING,
  NF_INET_PRE_ROUTING,
  openUdp,
  receiveFlow,
  startFlow,
  startPing,
  startUdpEcho,
  type HookPoint,
  type NetDevice,
  type NetInterface,
  type StackEvent,
} from "../src/index.ts";
import { Histogram } from "../src/app/histogram.ts";
import { inject, ipv4Packet, udpDatagram } from "./support/packets.ts";
import { assign, bytes, chain, codeOf, pair, World } from "./support/world.ts";
import { wireIsClean } from "./support/wire.ts";

describe("H70 netfilter hooks", () => {
  const NAMES = ["PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"];

  test.each([
    [4, "10.0.2.1"],
    [6, "2001:db8:2::1"],
  ] as const)("IPv%i: a packet passes the five points in order, with its devices", (family, address) => {
    const { world, a, r, b } = chain();
    world.run(seconds(3));
    const seen: string[] = [];
    for (const host of [a, r, b]) {
      for (const point of [
        NF_INET_PRE_ROUTING,
        NF_INET_LOCAL_IN,
        NF_INET_FORWARD,
        NF_INET_LOCAL_OUT,
        NF_INET_POST_ROUTING,
      ] as HookPoint[]) {
        host.hooks.register(family, point, (packet, state) => {
          const at = packet.networkHeader + (family === 4 ? 9 : 6);
          if (host.memory.u8[at] === 17)
            seen.push(`${host.name} ${NAMES[point]!} ${state.in?.name ?? "-"} ${state.out?.name ?? "-"}`);
          return "accept";
        });
      }
    }
    const socket = openUdp(b, { family });
    socket.bind({ port: 5000 });
    openUdp(a, { family }).send(bytes("x"), { address, port: 5000 });
    world.run(seconds(1));
    expect(seen).toEqual([
      "a OUTPUT - eth0",
      "a POSTROUTING - eth0",
      "r PREROUTING eth0 -",
      "r FORWARD eth0 eth1",
      "r POSTROUTING - eth1",
      "b PREROUTING eth0 -",
      "b INPUT eth0 -",
    ]);
    expect(socket.queued.packets).toBe(1);
  });

  test("priorities order them; drop ends the way; a hook can be taken out", () => {
    const { b } = pair();
    const eth0 = b.interfaces.named("eth0");
    const order: number[] = [];
    b.hooks.register(4, NF_INET_LOCAL_IN, () => (order.push(2), "accept"), 10);
    b.hooks.register(4, NF_INET_LOCAL_IN, () => (order.push(1), "accept"), -10);
    const remove = b.hooks.register(4, NF_INET_LOCAL_IN, () => (order.push(3), "drop"), 20);
    const socket = openUdp(b);
    socket.bind({ port: 5000 });
    const give = (): void => inject(b, eth0, ipv4Packet({ payload: udpDatagram(1, 5000, bytes("x")) }));
    give();
    expect(order).toEqual([1, 2, 3]);
    expect(b.drops.counts.get("NETFILTER_DROP")).toBe(1);
    remove();
    give();
    expect(socket.queued.packets).toBe(1);
  });

  test("a stolen packet goes on later, once", () => {
    const { world, b } = pair();
    const held: (() => void)[] = [];
    b.hooks.register(4, NF_INET_PRE_ROUTING, (packet, state) => {
      held.push(() => state.resume(packet));
      return "stolen";
    });
    const socket = openUdp(b);
    socket.bind({ port: 5000 });
    inject(b, b.interfaces.named("eth0"), ipv4Packet({ payload: udpDatagram(1, 5000, bytes("x")) }));
    world.runMs(5);
    expect(socket.queued.packets).toBe(0);
    held[0]!();
    expect(socket.queued.packets).toBe(1);
    expect(codeOf(() => held[0]!())).toBe("ERR_RESUMED_TWICE");
  });
});

describe("H71 settings", () => {
  test("names, defaults and limits are the kernel's", () => {
    const { a } = pair();
    expect(a.sysctls.get("net.ipv4.ip_default_ttl")).toBe(64);
    expect(a.sysctls.text("net.ipv4.ip_local_port_range")).toBe("32768\t60999");
    a.sysctls.setText("net.ipv4.ip_local_port_range", "40000 50000");
    expect(a.sysctls.get("net.ipv4.ip_local_port_range")).toEqual([40000, 50000]);
    expect(codeOf(() => a.sysctls.set("net.ipv4.ip_default_ttl", 0))).toBe("EINVAL");
    expect(codeOf(() => a.sysctls.setText("net.ipv4.ip_forward", "yes"))).toBe("EINVAL");
    expect(codeOf(() => a.sysctls.setText("net.ipv4.ip_forward", "1 2"))).toBe("EINVAL");
    expect(codeOf(() => a.sysctls.setText("net.ipv4.nonsense", "1"))).toBe("ENOENT");
    expect(a.sysctls.names()).toContain("net.ipv6.conf.eth0.hop_limit");
  });

  test("ip_forward writes every interface; default is inherited by new ones; a rename takes them along", () => {
    const { world, a } = pair();
    a.sysctls.set("net.ipv4.ip_forward", 1);
    expect(a.sysctls.get("net.ipv4.conf.eth0.forwarding")).toBe(1);
    expect(a.sysctls.get("net.ipv4.conf.all.forwarding")).toBe(1);
    a.sysctls.set("net.ipv4.conf.default.rp_filter", 2);
    world.veth([a, "eth1"], [world.host("c"), "eth0"]);
    expect(a.sysctls.get("net.ipv4.conf.eth1.rp_filter")).toBe(2);
    expect(a.sysctls.get("net.ipv4.conf.eth0.rp_filter")).toBe(0);
    a.interfaces.rename(a.interfaces.named("eth1"), "wan");
    expect(a.sysctls.get("net.ipv4.conf.wan.rp_filter")).toBe(2);
    expect(codeOf(() => a.sysctls.get("net.ipv4.conf.eth1.rp_filter"))).toBe("ENOENT");
  });

  test("a setting of an interface that is still to come waits for it", () => {
    const world = new World();
    const a = world.host("a", { "net.ipv4.conf.eth0.rp_filter": 1 });
    world.link([a, "eth0", "10.0.0.1/24"], [world.host("b"), "eth0"]);
    expect(a.sysctls.get("net.ipv4.conf.eth0.rp_filter")).toBe(1);
  });
});

describe("H72 interfaces", () => {
  test("names, indices, MTU and MAC are checked as the kernel does", () => {
    const { a, b } = pair();
    expect([...a.interfaces].map((i) => [i.ifindex, i.name])).toEqual([
      [1, "lo"],
      [2, "eth0"],
    ]);
    const eth0 = a.interfaces.named("eth0");
    expect(codeOf(() => a.interfaces.setMtu(eth0, 67))).toBe("EINVAL");
    expect(codeOf(() => a.interfaces.setMtu(eth0, 1501))).toBe("EINVAL");
    expect(codeOf(() => a.interfaces.setMac(eth0, 0x0100_0000_0000))).toBe("EADDRNOTAVAIL");
    expect(codeOf(() => a.interfaces.rename(eth0, "a name"))).toBe("ERR_INVALID_ARGUMENT");
    expect(codeOf(() => a.interfaces.rename(eth0, "lo"))).toBe("EEXIST");
    expect(codeOf(() => a.interfaces.named("eth9"))).toBe("ENODEV");
    expect(eth0.mac).not.toBe(b.interfaces.named("eth0").mac);
  });

  test("a link that goes down takes RUNNING and LOWER_UP away", () => {
    const { world, a, link } = pair();
    const eth0 = a.interfaces.named("eth0");
    expect(eth0.flags & 0x1_0040).toBe(0x1_0040);
    link.setUp(false);
    world.runMs(1);
    expect(eth0.flags & 0x1_0040).toBe(0);
    expect(eth0.isUp).toBe(true);
  });

  test("statistics count packets and bytes; an interface that is down drops", () => {
    const { world, a, b } = pair();
    openUdp(a).send(new Uint8Array(100), { address: "10.0.0.2", port: 9 });
    world.runMs(10);
    const eth0 = a.interfaces.named("eth0");
    expect(eth0.stats.tx_packets).toBeGreaterThanOrEqual(2);
    const { rx_packets } = b.interfaces.named("eth0").stats;
    expect(rx_packets).toBeGreaterThanOrEqual(2);
    b.interfaces.setDown(b.interfaces.named("eth0"));
    inject(b, b.interfaces.named("eth0"), ipv4Packet({}));
    expect(b.interfaces.named("eth0").dropCounts.get("DEV_READY")).toBe(1);
    expect(b.interfaces.named("eth0").stats).toMatchObject({ rx_packets, rx_dropped: 1 });
  });

  test("frames: runts, VLANs of others and protocols that nobody speaks are dropped and counted", () => {
    const { b } = pair();
    const eth0 = b.interfaces.named("eth0");
    const drops: string[] = [];
    b.drops.listen((_packet, reason) => drops.push(reason));
    const frame = (...more: number[]): void => {
      const data = new Uint8Array(14 + more.length - 2);
      new DataView(data.buffer).setUint16(0, Math.floor(eth0.mac / 2 ** 32));
      new DataView(data.buffer).setUint32(2, eth0.mac % 2 ** 32);
      data.set(more, 12);
      eth0.receive(b.pool.from(data)!, b.now);
    };
    frame(0x88, 0xb5, 1, 2, 3);
    frame(0x81, 0x00, 0, 5, 8, 0, ...ipv4Packet({}));
    eth0.receive(b.pool.from(new Uint8Array(10))!, b.now);
    expect(drops).toEqual(["UNHANDLED_PROTO", "OTHERHOST", "HDR_TRUNC"]);
    expect(eth0.stats).toMatchObject({ rx_length_errors: 1, rx_errors: 1 });
  });

  test("events come in order, and tell all", () => {
    const { world, a } = pair();
    const events: string[] = [];
    const stop = a.notifier.listen((event: StackEvent) =>
      events.push("iface" in event ? `${event.type} ${event.iface.name}` : event.type),
    );
    world.veth([a, "eth1", "10.5.0.1/24"], [world.host("c"), "eth0"]);
    const eth1 = a.interfaces.named("eth1");
    a.interfaces.setMtu(eth1, 1400);
    a.interfaces.remove(eth1);
    stop();
    a.interfaces.setDown(a.interfaces.named("eth0"));
    const wanted = [
      "interface-added eth1",
      "interface-up eth1",
      "carrier eth1",
      "address-added eth1",
      "mtu eth1",
      "interface-going-down eth1",
      "interface-down eth1",
      "interface-removed eth1",
    ];
    expect(events.filter((e) => wanted.includes(e))).toEqual(expect.arrayContaining(wanted));
    expect(events.at(-1)).not.toContain("eth0");
  });

  test("veth: super-packets and unfinished checksums pass; what the other end's MTU does not take is dropped", () => {
    const world = new World();
    const [a, b] = [world.host("a"), world.host("b")];
    const [va, vb] = world.veth([a, "v0", "10.0.0.1/24"], [b, "v0", "10.0.0.2/24"]);
    const socket = openUdp(b);
    socket.bind({ port: 5000 });
    openUdp(a).send(bytes("x"), { address: "10.0.0.2", port: 5000 });
    world.runMs(10);
    expect(socket.queued.packets).toBe(1);
    b.interfaces.setMtu(vb, 1000);
    openUdp(a).send(new Uint8Array(1200), { address: "10.0.0.2", port: 5000 });
    world.runMs(10);
    expect(va.dropCounts.get("PKT_TOO_BIG")).toBe(1);
    b.interfaces.setDown(vb);
    expect(va.carrier).toBe(false);
    expect(createVethPair()).toHaveLength(2);
  });
});

test("H73 a tunnel that routes into itself ends (XMIT_RECURSION_LIMIT)", () => {
  const world = new World();
  const a = world.host("a");
  let passes = 0;
  const tunnel: NetDevice & { iface?: NetInterface } = {
    kind: "loop",
    type: 0xfffe,
    flags: 0x80,
    features: 0,
    hardHeaderLength: 0,
    neededHeadroom: 0,
    mtu: 1500,
    minMtu: 68,
    maxMtu: 9000,
    carrier: true,
    attach(iface) {
      this.iface = iface;
    },
    transmit(packet: Packet, now) {
      passes++;
      this.iface!.sendTo(packet, 0, now);
    },
  };
  const iface = a.interfaces.add(tunnel, { name: "tun0", up: true });
  assign(iface, ["10.8.0.1/24"]);
  openUdp(a).send(bytes("x"), { address: "10.8.0.2", port: 9 });
  expect(passes).toBe(8);
  expect(iface.dropCounts.get("RECURSION_LIMIT")).toBe(1);
});

test("H74 counters are printed as /proc/net prints them", () => {
  const { world, a } = pair();
  startPing(a, "10.0.0.2", { count: 1 });
  startPing(a, "2001:db8::2", { count: 1 });
  world.run(seconds(2));
  const snmp = formatSnmp(a).split("\n");
  expect(snmp[0]).toMatch(/^Ip: Forwarding DefaultTTL InReceives InHdrErrors /);
  expect(snmp[1]).toMatch(/^Ip: 2 64 \d+ 0 /);
  expect(formatSnmp(a)).toContain("IcmpMsg: OutType8 InType0\nIcmpMsg: 1 1\n");
  expect(formatSnmp6(a)).toMatch(/^Icmp6InEchoReplies +\t1$/m);
  expect(formatNetstat(a)).toMatch(/^IpExt: InNoRoutes /);
});

test("H75 drop listeners see the packet while its bytes are there, and stop when told to", () => {
  const { b } = pair();
  const eth0 = b.interfaces.named("eth0");
  const seen: [string, string | undefined, number][] = [];
  const stop = b.drops.listen((packet, reason, iface) => seen.push([reason, iface?.name, packet.length]));
  inject(b, eth0, ipv4Packet({ source: "224.0.0.1" }));
  stop();
  inject(b, eth0, ipv4Packet({ source: "224.0.0.1" }));
  expect(seen).toEqual([["IP_INVALID_SOURCE", "eth0", 28]]);
  expect(b.drops.counts.get("IP_INVALID_SOURCE")).toBe(2);
  expect(eth0.dropCounts.get("IP_INVALID_SOURCE")).toBe(2);
});

describe("H80 traffic", () => {
  test("ping: loss, duplicates and times as ping(8) prints them", () => {
    const { world, a } = pair({ delay: millis(5), duplicate: 1 });
    const ping = startPing(a, "10.0.0.2", { count: 2, size: 100, interval: millis(200) });
    world.run(seconds(5));
    const { text, duplicates } = ping.report();
    expect(duplicates).toBeGreaterThan(0);
    const lines = text.split("\n");
    expect(lines[0]).toBe("PING 10.0.0.2 (10.0.0.2) 100(128) bytes of data.");
    expect(text).toContain("108 bytes from 10.0.0.2: icmp_seq=2 ttl=64 time=10.0 ms");
    expect(text).toContain("(DUP!)");
    expect(text).toMatch(
      /--- 10\.0\.0\.2 ping statistics ---\n2 packets transmitted, 2 received, \+\d+ duplicates, 0% packet loss, time \d+ms\nrtt min\/avg\/max\/mdev = 10\.000\//,
    );
  });

  test("ping: no route is told at once; a silent network is waited for and counted as loss", () => {
    const world = new World();
    const a = world.host("a");
    const ping = startPing(a, "10.9.9.9", { count: 2 });
    world.run(seconds(20));
    expect(ping.report()).toMatchObject({ transmitted: 2, received: 0, loss: 1 });
    expect(ping.report().text).toContain("ping: sendmsg: Network is unreachable");
    const { world: other, a: c } = pair({ loss: 1 });
    let done = false;
    const silent = startPing(c, "10.0.0.2", { count: 2, onDone: () => (done = true) });
    other.run(seconds(30));
    expect([done, silent.report().loss, silent.report().errors]).toEqual([true, 1, 2]);
  });

  test("a flow of 8 Mbit/s through a link with loss, duplicates and jitter is measured as it is", () => {
    const { world, a, b } = pair({ delay: millis(10), loss: 0.1 });
    // The neighbours know each other before it begins.
    startPing(a, "10.0.0.2", { count: 5 });
    world.run(seconds(8));
    const receiver = receiveFlow(b, { port: 9000 });
    const sender = startFlow(a, { to: "10.0.0.2", port: 9000, rate: 8_000_000, size: 1000, duration: seconds(2) });
    world.run(seconds(3));
    const report = receiver.report();
    expect(sender.sent).toBe(2000);
    expect(sender.done).toBe(true);
    expect(report.received + report.lost).toBeGreaterThan(1990);
    expect(report.lost / 2000).toBeGreaterThan(0.05);
    expect(report.lost / 2000).toBeLessThan(0.15);
    expect(report.delay.percentile(50)).toBe(millis(10));
    expect(report.jitter).toBeLessThan(1000);
    expect(report.throughput / 8_000_000).toBeGreaterThan(0.85);
    receiver.close();
  });

  test("poisson arrivals have the mean that was asked for, and follow the seed", () => {
    const run = (): number[] => {
      const { world, a, b } = pair();
      const receiver = receiveFlow(b, { port: 9000 });
      startFlow(a, {
        to: "2001:db8::2",
        port: 9000,
        packetsPerSecond: 1000,
        size: 16,
        arrivals: "poisson",
        duration: seconds(2),
      });
      world.run(seconds(3));
      const { received, duplicates, reordered, lastAt } = receiver.report();
      return [received, duplicates, reordered, lastAt];
    };
    const first = run();
    expect(first[0]).toBeGreaterThan(1850);
    expect(first[0]).toBeLessThan(2150);
    expect(run()).toEqual(first);
  });

  test("reordering and duplicates are told apart; a forged number far ahead is ignored", () => {
    const { world, a, b } = pair();
    const receiver = receiveFlow(b, { port: 9000 });
    const socket = openUdp(a);
    for (const sequence of [0, 2, 1, 2, 3, 4_000_000_000]) {
      const payload = new Uint8Array(16);
      new DataView(payload.buffer).setUint32(0, sequence);
      socket.send(payload, { address: "10.0.0.2", port: 9000 });
    }
    socket.send(bytes("short"), { address: "10.0.0.2", port: 9000 });
    world.runMs(10);
    expect(receiver.report()).toMatchObject({ received: 4, lost: 0, reordered: 1, duplicates: 1, bytes: 64 });
  });

  test("RFC 862: the echo server answers from the address that was asked, in both families", () => {
    const { world, a, b } = pair();
    const echo = startUdpEcho(b);
    for (const [family, address] of [
      [4, "10.0.0.2"],
      [6, "2001:db8::2"],
    ] as const) {
      const socket = openUdp(a, { family });
      socket.connect({ address, port: 7 });
      socket.send(bytes("hello"));
      world.run(seconds(1));
      expect(socket.recv()).toMatchObject({ address: parseIp(address), data: bytes("hello") });
    }
    expect([echo.echoed, echo.failed]).toEqual([2, 0]);
    echo.close();
  });

  test("what a flow cannot be is refused", () => {
    const { a } = pair();
    expect(codeOf(() => startFlow(a, { to: "10.0.0.2", port: 1, rate: 0 }))).toBe("ERR_INVALID_ARGUMENT");
    expect(codeOf(() => startFlow(a, { to: "10.0.0.2", port: 1, rate: 1e6, size: 15 }))).toBe("ERR_INVALID_ARGUMENT");
  });

  test("the histogram is right to 1/32", () => {
    const histogram = new Histogram();
    for (let i = 1; i <= 100_000; i++) histogram.record(i * 1000);
    for (const percent of [1, 50, 90, 99, 100]) {
      const exact = percent * 1_000_000;
      expect(Math.abs(histogram.percentile(percent) - exact) / exact).toBeLessThan(1 / 32);
    }
    expect([histogram.min, histogram.max, histogram.count]).toEqual([1000, 100_000_000, 100_000]);
    expect(histogram.buckets().reduce((sum, { count }) => sum + count, 0)).toBe(100_000);
  });
});

wireIsClean();
