import { fold, observeChecksum } from "@seville/checksum";
import { millis } from "@seville/core";
import { profileOf } from "@seville/netdev";
import { CHECKSUM_COMPLETE, type Packet } from "@seville/packet";
import { Link } from "@seville/sim";
import { describe, expect, test } from "vitest";
import { openUdp, startPing, type Host, type NetInterface } from "../src/index.ts";
import { createOffloadNic } from "../src/offload/index.ts";
import { dropsOf, naiveSum, sniff } from "./support/packets.ts";
import { addTunnel, ends, inner, innerFamilies, tunnelPair, TUNNELS, type TunnelCase } from "./support/tunnels.ts";
import { assign, World } from "./support/world.ts";

const CASES = Object.entries(TUNNELS).flatMap(([name, { underlays, make }]) =>
  underlays.map((underlay) => [name, underlay, make] as const),
);

/** Two hosts with NICs that sum what they receive, and a tunnel between them. */
function summingPair(make: TunnelCase, underlay: 4 | 6) {
  const world = new World();
  const link = new Link({ scheduler: world.simulator, random: world.random, name: "wire" });
  const [a, b] = [world.host("a"), world.host("b")] as const;
  const [tunnelA, tunnelB] = ([a, b] as const).map((host, i) => {
    const nic = createOffloadNic(host, i === 0 ? link.a : link.b, { profile: profileOf("hw-csum") });
    const eth0 = host.interfaces.add(nic, { name: "eth0", up: true });
    assign(eth0, [`10.0.0.${i + 1}/24`, `2001:db8::${i + 1}/64`]);
    const [local, remote] = [ends(underlay)[i]!, ends(underlay)[1 - i]!];
    const iface = addTunnel(host, "tun0", make({ local, remote }));
    assign(iface, [`192.168.0.${i + 1}/24`, `fd00::${i + 1}/64`]);
    return iface;
  }) as [NetInterface, NetInterface];
  world.runMs(10);
  return { world, a, b, tunnelA, tunnelB };
}

/** One's complement has two zeros. */
const plain = (sum: number): number => (sum === 0xffff ? 0 : sum);

/** What packets that come in on `iface` from now on say of their sum, held to one that is made byte by byte. */
function watchSums(host: Host, iface: NetInterface): { complete: number; other: number; wrong: number } {
  const seen = { complete: 0, other: 0, wrong: 0 };
  host.taps.add((packet, _iface, direction) => {
    if (direction === "out") return;
    if (packet.ipSummed !== CHECKSUM_COMPLETE) seen.other++;
    else if (plain(fold(packet.csum)) === plain(naiveSum(packet.bytes()))) seen.complete++;
    else seen.wrong++;
  }, iface);
  return seen;
}

describe("U12 the sum that a device made of a whole packet is right at every header (CHECKSUM_COMPLETE, skb_postpull_rcsum; C12)", () => {
  test.each(CASES)("%s over IPv%i: it comes out of the tunnel", (_name, underlay, make) => {
    const { world, a, b, tunnelB } = summingPair(make, underlay);
    const outside = watchSums(b, b.interfaces.named("eth0"));
    const inside = watchSums(b, tunnelB);
    const [local, remote] = ends(underlay);
    const families = innerFamilies(make({ local, remote }));
    for (const family of families) {
      const ping = startPing(a, inner(family, "b"), { count: 2, interval: millis(10), size: 57 });
      world.runMs(50);
      expect(ping.report()).toMatchObject({ transmitted: 2, received: 2 });
    }
    expect(outside).toMatchObject({ other: 0, wrong: 0 });
    expect(inside).toMatchObject({ other: 0, wrong: 0 });
    expect(inside.complete).toBeGreaterThanOrEqual(2 * families.length);
    expect(tunnelB.stats).toMatchObject({ rx_errors: 0, rx_dropped: 0 });
  });

  test("so nobody reads the payload again, whatever it is wrapped in", () => {
    const { world, a, b } = summingPair(TUNNELS.vxlan!.make, 4);
    let read = 0;
    b.taps.add((_packet, _iface, direction) => {
      if (direction === "in") read = 0;
    }, b.interfaces.named("eth0"));
    observeChecksum(b.memory, { read: (bytes) => (read += bytes) });
    const server = openUdp(b);
    server.bind({ port: 9001 });
    const reads: number[] = [];
    server.onReadable = () => {
      while (server.recv() !== undefined) reads.push(read);
    };
    openUdp(a).send(new Uint8Array(1200).fill(7), { address: inner(4, "b"), port: 9001 });
    world.runMs(50);
    observeChecksum(b.memory, undefined);
    // Ethernet, IPv4, UDP, VXLAN, Ethernet and IPv4 once more: headers that were taken off, or checked.
    expect(reads).toHaveLength(1);
    expect(reads[0]).toBeLessThan(200);
  });
});

/** A frame around the IP packet `bytes`, with `padding` behind it, of which the device says that it adds up to `sum` (or what is right). */
function frameFor(iface: NetInterface, bytes: Uint8Array, padding: number, sum?: number): Packet {
  const frame = new Uint8Array(14 + bytes.length + padding).fill(0xa5);
  const view = new DataView(frame.buffer);
  view.setUint16(0, Math.floor(iface.mac / 2 ** 32));
  view.setUint32(2, iface.mac % 2 ** 32);
  view.setUint16(12, (bytes[0] as number) >>> 4 === 6 ? 0x86dd : 0x0800);
  frame.set(bytes, 14);
  const packet = iface.host.pool.from(frame)!;
  packet.ipSummed = CHECKSUM_COMPLETE;
  packet.csum = sum ?? naiveSum(frame);
  return packet;
}

describe("U12 padding, and devices that sum wrong", () => {
  const sent = (underlay: 4 | 6) => {
    const pair = tunnelPair(TUNNELS.vxlan!.make, underlay);
    const { world, a, b } = pair;
    const outer = sniff(a, a.interfaces.named("eth0"));
    const server = openUdp(b);
    server.bind({ port: 9001 });
    const ping = startPing(a, inner(4, "b"), { count: 1 });
    world.runMs(20);
    expect(ping.report().received).toBe(1);
    outer.length = 0;
    openUdp(a).send(new TextEncoder().encode("odd"), { address: inner(4, "b"), port: 9001 });
    world.runMs(20);
    expect(new TextDecoder().decode(server.recv()?.data)).toBe("odd");
    return { ...pair, server, packet: outer.at(-1)!, eth0: b.interfaces.named("eth0") };
  };

  test.each([
    [4, 0],
    [4, 1],
    [4, 17],
    [6, 1],
    [6, 6],
  ] as const)(
    "over IPv%i: %i bytes of padding that are not zero are left out of the sum (pskb_trim_rcsum)",
    (underlay, padding) => {
      const { b, tunnelB, server, packet, eth0 } = sent(underlay);
      const sums = watchSums(b, tunnelB);
      eth0.receive(frameFor(eth0, packet, padding), b.now);
      expect(sums).toEqual({ complete: 1, other: 0, wrong: 0 });
      expect(server.recv()?.data).toEqual(new TextEncoder().encode("odd"));
    },
  );

  test("a sum that is wrong is not believed: the packet is verified here, and arrives (netdev_rx_csum_fault; C13)", () => {
    const { b, server, packet, eth0 } = sent(4);
    eth0.receive(frameFor(eth0, packet, 0, 0x1234), b.now);
    expect(server.recv()?.data).toEqual(new TextEncoder().encode("odd"));
    expect(b.mib.udp.InCsumErrors).toBe(0);
  });

  test("a packet that is wrong is found out although the device sums right: as any socket's, in UDP's counters", () => {
    const { b, tunnelB, server, packet, eth0 } = sent(4);
    const drops = dropsOf(b);
    const broken = packet.slice();
    broken[broken.length - 1]! ^= 1;
    eth0.receive(frameFor(eth0, broken, 0), b.now);
    expect(server.recv()).toBeUndefined();
    expect(drops).toEqual(["UDP_CSUM"]);
    expect(b.mib.udp).toMatchObject({ InCsumErrors: 1, InErrors: 1 });
    expect(tunnelB.stats).toMatchObject({ rx_errors: 0, rx_dropped: 0 });
  });
});
