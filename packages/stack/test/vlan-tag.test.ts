import { CHECKSUM_COMPLETE, compose, parseIpv4, parseIpv6 } from "@seville/packet";
import { expect, test } from "vitest";
import { openRaw, openUdp } from "../src/index.ts";
import { bytes, chain, pair } from "./support/world.ts";

type Pair = ReturnType<typeof pair>;

/** A datagram to port 5000 of `b`, with `layers` behind the Ethernet header. */
function frame(it: Pair, ...tag: Parameters<typeof compose>[0]): Uint8Array {
  const [eth, peer] = [it.a.interfaces.named("eth0"), it.b.interfaces.named("eth0")];
  return compose([
    { ethernet: { source: eth.mac, destination: peer.mac } },
    ...tag,
    { ipv4: { source: parseIpv4("10.0.0.1"), destination: parseIpv4("10.0.0.2") } },
    { udp: { sourcePort: 9, destinationPort: 5000 } },
    bytes("x"),
  ]);
}

test.each([
  ["in the frame, of a VLAN that nobody is in", 7, false, 0],
  ["taken out by the NIC (NETIF_F_HW_VLAN_CTAG_RX), of such a VLAN", 7, true, 0],
  ["in the frame, only a priority (IEEE 802.1Q §9.6)", 0, false, 1],
  ["taken out by the NIC, only a priority", 0, true, 1],
])("D7 a tag %s", (_what, id, stripped, received) => {
  const it = pair();
  const socket = openUdp(it.b);
  socket.bind({ port: 5000 });
  const packet = it.world.pool.from(stripped ? frame(it) : frame(it, { vlan: { id, priority: 5 } }))!;
  if (stripped) packet.vlanTci = 0xa000 | id;
  it.b.interfaces.named("eth0").receive(packet, it.b.now);
  expect(socket.queued.packets).toBe(received);
});

test("D7 a frame with a priority tag is forwarded without it", () => {
  const { world, a, r, b } = chain();
  const socket = openUdp(b);
  socket.bind({ port: 5000 });
  const from = a.interfaces.named("eth0");
  const into = r.interfaces.named("eth0");
  const packet = world.pool.from(
    compose([
      { ethernet: { source: from.mac, destination: into.mac } },
      { vlan: { id: 0, priority: 6 } },
      { ipv4: { source: parseIpv4("10.0.1.1"), destination: parseIpv4("10.0.2.1") } },
      { udp: { sourcePort: 9, destinationPort: 5000 } },
      bytes("x"),
    ]),
  )!;
  into.receive(packet, r.now);
  world.runMs(100);
  expect(socket.queued.packets).toBe(1);
});

test("C12 a raw socket verifies ICMPv6 whose device only summed it (COMPLETE)", () => {
  const it = pair();
  const [eth, peer] = [it.a.interfaces.named("eth0"), it.b.interfaces.named("eth0")];
  const raw = openRaw(it.b, { family: 6, protocol: 58 });
  const good = compose([
    { ethernet: { source: eth.mac, destination: peer.mac } },
    { ipv6: { source: parseIpv6("2001:db8::1"), destination: parseIpv6("2001:db8::2") } },
    { icmpv6: { type: 200 } },
    bytes("data"),
  ]);
  for (const damage of [0, 1]) {
    const packet = it.world.pool.from(good)!;
    packet.bytes()[good.length - 1]! ^= damage;
    packet.ipSummed = CHECKSUM_COMPLETE;
    peer.receive(packet, it.b.now);
  }
  expect(raw.recv()?.data.length).toBe(12);
  expect(raw.recv()).toBeUndefined();
});
