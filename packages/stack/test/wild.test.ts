import { seconds } from "@seville/core";
import { parseIpv4, type Packet } from "@seville/packet";
import fc from "fast-check";
import { expect, test } from "vitest";
import { ARPHRD_ETHER } from "../src/interface/flags.ts";
import {
  addAddress4,
  createFlow4,
  openPing,
  openRaw,
  openUdp,
  sdifOf,
  setSdif,
  type NetDevice,
  type NetInterface,
} from "../src/index.ts";
import { icmpMessage, icmpv6Message, inject, ipv4Packet, ipv6Packet, udpDatagram } from "./support/packets.ts";
import { unrecorded } from "./support/captures.ts";
import { bytes, chain, World } from "./support/world.ts";

const ENDS = { source: "10.0.1.1", destination: "10.0.2.1" };
const ENDS6 = { source: "2001:db8:1::1", destination: "2001:db8:2::1" };
const quoted = ipv4Packet({ source: "10.0.1.254", destination: "10.0.1.1", payload: udpDatagram(5000, 9, bytes("x")) });

/** Good packets of every kind that the input paths tell apart: what is mutated. */
const SEEDS = [
  ipv4Packet({ ...ENDS, payload: udpDatagram(1, 5000, bytes("hello"), ENDS) }),
  ipv4Packet({ ...ENDS, ttl: 1 }),
  ipv4Packet({ ...ENDS, options: Uint8Array.from([7, 11, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0]) }),
  ipv4Packet({ ...ENDS, options: Uint8Array.from([68, 12, 5, 1, 0, 0, 0, 0, 0, 0, 0, 0]) }),
  ipv4Packet({ source: "10.0.1.1", destination: "10.0.1.254", options: Uint8Array.from([131, 7, 4, 10, 0, 2, 1, 0]) }),
  ipv4Packet({ source: "10.0.1.1", destination: "10.0.1.254", moreFragments: true, payload: new Uint8Array(64) }),
  ipv4Packet({ source: "10.0.1.1", destination: "10.0.1.254", fragmentOffset: 64, payload: new Uint8Array(20) }),
  ipv4Packet({
    source: "10.0.1.1",
    destination: "10.0.1.254",
    protocol: 1,
    payload: icmpMessage(8, 0, new Uint8Array(40)),
  }),
  ipv4Packet({
    source: "10.0.1.1",
    destination: "10.0.1.254",
    protocol: 1,
    payload: icmpMessage(3, 4, Uint8Array.from([0, 0, 2, 0, ...quoted])),
  }),
  ipv4Packet({
    source: "10.0.1.1",
    destination: "10.0.1.254",
    protocol: 1,
    payload: icmpMessage(5, 1, Uint8Array.from([10, 0, 1, 77, ...quoted])),
  }),
  ipv4Packet({
    source: "10.0.1.1",
    destination: "224.0.0.1",
    protocol: 2,
    payload: Uint8Array.from([0x11, 0, 0xee, 0xff, 0, 0, 0, 0]),
  }),
  ipv6Packet({ ...ENDS6, payload: udpDatagram(1, 5000, bytes("hello"), ENDS6) }),
  ipv6Packet({ ...ENDS6, hopLimit: 1 }),
  ipv6Packet({
    source: "2001:db8:1::1",
    destination: "2001:db8:1::fe",
    nextHeader: 0,
    payload: Uint8Array.from([17, 0, 5, 2, 0, 0, 1, 0, ...udpDatagram(1, 5000, bytes("x"))]),
  }),
  ipv6Packet({
    source: "2001:db8:1::1",
    destination: "2001:db8:1::fe",
    nextHeader: 60,
    payload: Uint8Array.from([43, 0, 1, 4, 0, 0, 0, 0, 17, 0, 0, 0, 0, 0, 0, 0, ...udpDatagram(1, 5000, bytes("x"))]),
  }),
  ipv6Packet({
    source: "2001:db8:1::1",
    destination: "2001:db8:1::fe",
    nextHeader: 44,
    payload: Uint8Array.from([17, 0, 0, 1, 0, 0, 0, 1, ...new Uint8Array(64)]),
  }),
  ipv6Packet({
    source: "2001:db8:1::1",
    destination: "2001:db8:1::fe",
    nextHeader: 44,
    payload: Uint8Array.from([17, 0, 0, 64, 0, 0, 0, 1, ...new Uint8Array(16)]),
  }),
  ipv6Packet({
    source: "2001:db8:1::1",
    destination: "2001:db8:1::fe",
    nextHeader: 58,
    payload: icmpv6Message(128, 0, new Uint8Array(20), "2001:db8:1::1", "2001:db8:1::fe"),
  }),
  ipv6Packet({
    source: "2001:db8:1::1",
    destination: "2001:db8:1::fe",
    nextHeader: 58,
    payload: icmpv6Message(2, 0, Uint8Array.from([0, 0, 5, 0, ...ipv6Packet({})]), "2001:db8:1::1", "2001:db8:1::fe"),
  }),
];

test("H76 property: whatever comes from the wire, nothing throws, every packet is accounted for, and the host goes on", () => {
  const change = fc.record({ at: fc.nat(120), value: fc.nat(255) });
  const mutant = fc.record({
    seed: fc.nat(SEEDS.length - 1),
    changes: fc.array(change, { maxLength: 6 }),
    length: fc.option(fc.nat(140), { nil: undefined }),
    sum: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(mutant, { minLength: 20, maxLength: 80 }), (mutants) => {
      unrecorded(() => {
        const { world, r } = chain();
        const eth0 = r.interfaces.named("eth0");
        for (const family of [4, 6] as const) {
          openUdp(r, { family }).bind({ port: 5000 + family });
          openRaw(r, { family, protocol: family === 4 ? 1 : 58 });
          openPing(r, family).bind({ port: 7 });
        }
        for (const { seed, changes, length, sum } of mutants) {
          let packet = SEEDS[seed]!.slice();
          for (const { at, value } of changes) if (at < packet.length) packet[at] = value;
          if (length !== undefined) packet = packet.slice(0, length);
          if (packet.length === 0) continue;
          // Half of them get past the header checksum.
          if (sum && packet[0]! >>> 4 === 4 && packet.length >= 20) mendHeader(packet);
          inject(r, eth0, packet);
        }
        world.run(seconds(70));
        const socket = openUdp(r);
        socket.bind({ port: 6000 });
        inject(
          r,
          eth0,
          ipv4Packet({
            source: "10.0.1.1",
            destination: "10.0.1.254",
            payload: udpDatagram(1, 6000, bytes("still here"), { source: "10.0.1.1", destination: "10.0.1.254" }),
          }),
        );
        expect(socket.queued.packets).toBe(1);
        expect([r.ipv4.reassembly.memory, r.ipv6.reassembly.memory]).toEqual([0, 0]);
      });
    }),
    { numRuns: 40 },
  );
});

function mendHeader(packet: Uint8Array): void {
  const view = new DataView(packet.buffer);
  const length = Math.min((view.getUint8(0) & 15) * 4, packet.length & ~1);
  view.setUint16(10, 0);
  let sum = 0;
  for (let at = 0; at < length; at += 2) sum += view.getUint16(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  view.setUint16(10, ~sum);
}

test("H77 a layer-3 master takes its slave's packets, and sockets match dif or sdif (net/l3mdev)", () => {
  const world = new World();
  const host = world.host("h");
  const peer = world.host("p");
  world.veth([host, "eth0"], [peer, "eth0", "10.0.0.1/24"]);
  const taken: number[] = [];
  const vrf: NetDevice = {
    kind: "vrf",
    type: ARPHRD_ETHER,
    flags: 0x80,
    features: 0,
    hardHeaderLength: 14,
    neededHeadroom: 0,
    mtu: 65_575,
    minMtu: 1280,
    maxMtu: 65_575,
    carrier: true,
    attach: () => undefined,
    transmit: (packet: Packet) => packet.release(),
    l3mdev: {
      tableId: 10,
      receive(packet: Packet, slave: NetInterface) {
        taken.push(slave.ifindex);
        setSdif(packet, slave.ifindex);
        packet.ifindex = red.ifindex;
        return true;
      },
      output: () => true,
    },
  };
  const red = host.interfaces.add(vrf, { name: "red", up: true });
  const eth0 = host.interfaces.named("eth0");
  host.interfaces.setMaster(eth0, red);
  addAddress4(eth0, { address: parseIpv4("10.0.0.2"), prefixLength: 24 });
  expect([...host.ipv4.fib.table(10).routes()].map((r) => r.type).sort()).toEqual(["broadcast", "local", "unicast"]);
  expect([...host.ipv4.fib.table(254).routes()]).toEqual([]);
  // The default lookup knows no VRF: the vrf package brings its own. Here a lookup in table 10 stands for it.
  const { fib } = host.ipv4;
  const plain = fib.lookup.bind(fib);
  fib.lookup = (flow) =>
    flow.l3mdev === red.ifindex ? fib.table(10).lookup({ ...flow, oif: 0 })?.hops[0] : plain(flow);
  const [unbound, toRed, toSlave, other] = [0, red.ifindex, eth0.ifindex, 1].map((ifindex) => {
    const socket = openUdp(host);
    socket.set("SO_BINDTOIFINDEX", ifindex);
    socket.set("SO_REUSEADDR", 1);
    socket.bind({ port: 5000 });
    return socket;
  });
  const give = (): void => inject(host, eth0, ipv4Packet({ payload: udpDatagram(1, 5000, bytes("x")) }));
  give();
  expect(taken).toEqual([eth0.ifindex]);
  expect([unbound, toRed, toSlave, other].map((socket) => socket!.queued.packets)).toEqual([0, 0, 1, 0]);
  const packet = toSlave!.recvPacket()!;
  expect([packet.ifindex, sdifOf(packet), toSlave!.meta(packet).ifindex]).toEqual([
    red.ifindex,
    eth0.ifindex,
    eth0.ifindex,
  ]);
  packet.release();
  toSlave!.close();
  give();
  expect(toRed!.queued.packets).toBe(1);
  toRed!.close();
  give();
  expect(unbound!.queued.packets).toBe(0);
  host.sysctls.set("net.ipv4.udp_l3mdev_accept", 1);
  give();
  expect(unbound!.queued.packets).toBe(1);
  expect(createFlow4().l3mdev).toBe(0);
});
