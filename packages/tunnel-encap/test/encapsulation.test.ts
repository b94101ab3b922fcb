import {
  CHECKSUM_COMPLETE,
  CHECKSUM_NONE,
  CHECKSUM_PARTIAL,
  CHECKSUM_UNNECESSARY,
  compose,
  dissect,
  ENCAP_TYPE_ETHER,
  ENCAP_TYPE_IPPROTO,
  ETH_P_IP,
  ETH_P_TEB,
  findField,
  ipv4,
  ipv6,
  parseIpv4,
  SKB_GSO_GRE,
  SKB_GSO_GRE_CSUM,
  SKB_GSO_IPXIP4,
  SKB_GSO_IPXIP6,
  SKB_GSO_TCPV4,
  SKB_GSO_TUNNEL_REMCSUM,
  SKB_GSO_UDP_TUNNEL,
  SKB_GSO_UDP_TUNNEL_CSUM,
  udp,
  type Packet,
} from "@seville/packet";
import { fold, sum } from "@seville/checksum";
import { describe, expect, test } from "vitest";
import {
  DYNAMIC_PORTS,
  gre,
  LINUX_PORTS,
  policyOf,
  portOfHash,
  RecursionGuard,
  TunnelEndpoint,
  type Tunnel,
} from "../src/index.ts";
import { contextOf, drainedPool, finishAndTake, hex, load, received, take } from "./support/packets.ts";
import { A4, A6, B4, B6, frameOf, inner4, inner6, wrap } from "./support/samples.ts";

const pool = drainedPool();
const v4 = { local: A4, remote: B4 };
const v6 = { local: A6, remote: B6 };

function endpointOf(tunnel: Tunnel): TunnelEndpoint {
  return new TunnelEndpoint(tunnel, contextOf(pool));
}

/** Why the tunnel drops the outer packet; `undefined`: it does not. */
function refusal(endpoint: TunnelEndpoint, outer: Uint8Array): string | undefined {
  const packet = received(pool, outer);
  const reason = endpoint.decapsulate(packet);
  packet.release();
  return reason;
}

/** A UDP packet or frame whose checksum is left to a device. */
function partialUdp(bytes: Uint8Array, isEthernet: boolean): Packet {
  const packet = load(pool, bytes, isEthernet, 300);
  const network = isEthernet ? 14 : 0;
  const isV4 = bytes[network]! >>> 4 === 4;
  const at = packet.data + network + (isV4 ? 20 : 40);
  const { view } = pool.memory;
  const addresses = pool.memory.u8.subarray(packet.data + network + (isV4 ? 12 : 8), at);
  view.setUint16(at + 6, fold(sum(addresses, 17 + udp.length(view, at))));
  packet.ipSummed = CHECKSUM_PARTIAL;
  packet.csumStart = at;
  packet.csumOffset = 6;
  return packet;
}

describe("T6 source ports", () => {
  const tunnel: Tunnel = { kind: "vxlan", id: 1, ...v4 };
  const portOf = (inside: Uint8Array, from = tunnel): number =>
    udp.sourcePort(new DataView(wrap(pool, from, inside).outer.buffer), 20);

  test("T6 one flow has one port, in both directions of the hash's order; flows spread", () => {
    const ports = Array.from({ length: 200 }, (_, i) => portOf(frameOf(inner4({ sourcePort: 1000 + i }))));
    expect(new Set(ports).size).toBeGreaterThan(150);
    for (const port of ports) {
      expect(port).toBeGreaterThanOrEqual(LINUX_PORTS.min);
      expect(port).toBeLessThan(LINUX_PORTS.max);
    }
    const same = [0, 1, 2].map((i) => portOf(frameOf(inner4({ sourcePort: 5, payload: `packet ${i}` }))));
    expect(new Set(same).size).toBe(1);
    expect(portOf(frameOf(inner6({ sourcePort: 5 })))).not.toBe(portOf(frameOf(inner6({ sourcePort: 6 }))));
  });

  test("T6 the low half of the hash is folded into the high half, then scaled (udp_flow_src_port)", () => {
    for (const hash of [1, 0xffff, 0x1_0000, 0xdead_beef, 0xffff_ffff]) {
      const mixed = BigInt.asUintN(32, BigInt(hash) ^ (BigInt(hash) << 16n));
      const expected = Number((mixed * BigInt(60_999 - 32_768)) >> 32n) + 32_768;
      expect(portOfHash(hash, LINUX_PORTS)).toBe(expected);
    }
  });

  test("T6 fragments of a datagram go with it: no ports in their hash", () => {
    const of = (offset: number, payload: string): Uint8Array<ArrayBuffer> =>
      frameOf(
        compose([
          { ipv4: { source: 1, destination: 2, protocol: 17, fragmentOffset: offset, moreFragments: offset === 0 } },
          payload,
        ]),
      );
    expect(portOf(of(0, "12345678"))).toBe(portOf(of(8, "abcdefgh")));
  });

  test("T6 frames that are not IP hash by their addresses (jhash of both MACs)", () => {
    const of = (source: number): Uint8Array<ArrayBuffer> =>
      compose([{ ethernet: { destination: 0x02_00_00_00_00_01, source, etherType: 0x88b5 } }, "local"]);
    expect(portOf(of(2))).toBe(portOf(of(2)));
    expect(new Set([2, 3, 4, 5].map((mac) => portOf(of(mac)))).size).toBeGreaterThan(1);
  });

  test("T6 the range can be said, and RFC 7348 §5 recommends the dynamic ports", () => {
    expect(policyOf(tunnel, "rfc").sourcePorts).toEqual(DYNAMIC_PORTS);
    expect(portOf(frameOf(inner4()), { ...tunnel, srcport: { min: 7, max: 8 } })).toBe(7);
    expect(() => policyOf({ ...tunnel, srcport: { min: 8, max: 8 } })).toThrow(
      expect.objectContaining({ argument: "sourcePorts" }),
    );
  });

  test("T6 the outer flow label follows the flow, is fixed, or inherited", () => {
    const label = (flowlabel: "auto" | "inherit" | number, port: number): number => {
      const { outer } = wrap(
        pool,
        { kind: "ip6tnl", ...v6, flowlabel },
        inner6({ sourcePort: port, flowLabel: 0x777 }),
      );
      return ipv6.flowLabel(new DataView(outer.buffer), 0);
    };
    expect(label("auto", 1)).toBe(label("auto", 1));
    expect(label("auto", 1)).not.toBe(label("auto", 2));
    expect([label(0x12345, 1), label("inherit", 1)]).toEqual([0x12345, 0x777]);
  });
});

describe("T7 outer UDP checksums", () => {
  const checksumOf = (tunnel: Tunnel): number => {
    const { outer } = wrap(pool, tunnel, frameOf(inner4()));
    return new DataView(outer.buffer).getUint16(outer[0]! >>> 4 === 4 ? 26 : 46);
  };

  test("T7 over IPv4 as the kernel's defaults have it, over IPv6 on; each can be turned round", () => {
    expect(checksumOf({ kind: "geneve", id: 1, ...v4 })).toBe(0);
    expect(checksumOf({ kind: "vxlan", id: 1, ...v4, udpcsum: false })).toBe(0);
    expect(checksumOf({ kind: "vxlan", id: 1, ...v4, udpcsum: true })).not.toBe(0);
    expect(checksumOf({ kind: "vxlan", id: 1, ...v6 })).not.toBe(0);
    expect(checksumOf({ kind: "vxlan", id: 1, ...v6, udp6zerocsumtx: true })).toBe(0);
    expect(policyOf({ kind: "vxlan", id: 1, ...v4 }, "rfc").udpChecksum).toBe(false);
    expect(policyOf({ kind: "vxlan", id: 1, ...v4 }, "linux").udpChecksum).toBe(true);
  });

  test("T7 0 over IPv6 is taken only where it was allowed (RFC 6935, RFC 6936)", () => {
    const sender: Tunnel = { kind: "vxlan", id: 1, ...v6, udp6zerocsumtx: true };
    const { outer } = wrap(pool, sender, frameOf(inner4()));
    expect(refusal(endpointOf(sender), outer)).toBe("UDP_CSUM");
    expect(refusal(endpointOf({ ...sender, udp6zerocsumrx: true }), outer)).toBeUndefined();
  });

  test("T7 a wrong one is dropped and counted", () => {
    const tunnel: Tunnel = { kind: "vxlan", id: 1, ...v4, udpcsum: true };
    const { outer } = wrap(pool, tunnel, frameOf(inner4()));
    outer[outer.length - 1]! ^= 1;
    const receiver = endpointOf(tunnel);
    expect(refusal(receiver, outer)).toBe("UDP_CSUM");
    expect(receiver.stats).toMatchObject({ rxErrors: 1, rxCrcErrors: 1 });
  });
});

describe("T9 TTL, TOS, DF and identification", () => {
  const fieldsOf = (tunnel: Tunnel, inside: Uint8Array, hopLimit?: number): [number, number, boolean] => {
    const view = new DataView(wrap(pool, tunnel, inside, { hopLimit }).outer.buffer);
    return [ipv4.ttl(view, 0), ipv4.tos(view, 0), ipv4.dontFragment(view, 0)];
  };
  const inside = inner4({ ttl: 9, dscp: 46, ecn: 1, dontFragment: true });

  test("T9 TTL and TOS are fixed or inherited; ECN is copied either way", () => {
    const tunnel: Tunnel = { kind: "ipip", ...v4 };
    expect(fieldsOf({ ...tunnel, ttl: 33, tos: 0x20 }, inside)).toEqual([33, 0x21, true]);
    expect(fieldsOf({ ...tunnel, tos: "inherit" }, inside)).toEqual([9, (46 << 2) | 1, true]);
    expect(fieldsOf({ ...tunnel, ttl: "auto" }, inside, 17)[0]).toBe(17);
    expect(fieldsOf({ kind: "sit", ...v4 }, inner6({ ttl: 5, dscp: 4 }))).toEqual([5, 0, true]);
  });

  test("T9 DF is set, cleared, or inherited: from inner IPv6 by VXLAN, not by IP tunnels", () => {
    const vx: Tunnel = { kind: "vxlan", id: 1, ...v4 };
    const free = inner4({ dontFragment: false });
    const df = (tunnel: Tunnel, bytes: Uint8Array): boolean => fieldsOf(tunnel, bytes)[2];
    expect(df({ ...vx, df: "unset" }, frameOf(inside))).toBe(false);
    expect(df({ ...vx, df: "set" }, frameOf(free))).toBe(true);
    expect([inside, free, inner6()].map((one) => df({ ...vx, df: "inherit" }, frameOf(one)))).toEqual([
      true,
      false,
      true,
    ]);
    expect([inside, free].map((one) => df({ kind: "ipip", ...v4, df: "inherit" }, one))).toEqual([true, false]);
    expect(df({ kind: "sit", ...v4, df: "inherit" }, inner6())).toBe(false);
  });

  test("T9 identifications differ from packet to packet; a super-packet takes one for each segment", () => {
    const endpoint = endpointOf({ kind: "ipip", ...v4, df: "unset" });
    const ids: number[] = [];
    for (const segs of [0, 3, 0]) {
      const packet = load(pool, inner4(), false);
      if (segs > 0)
        Object.assign(packet, {
          gsoSize: 8,
          gsoSegs: segs,
          ipSummed: CHECKSUM_PARTIAL,
          csumStart: packet.data + 20,
          csumOffset: 6,
        });
      expect(endpoint.encapsulate(packet)).toBe("ok");
      ids.push(ipv4.identification(pool.memory.view, packet.data));
      packet.release();
    }
    expect([(ids[1]! - ids[0]!) & 0xffff, (ids[2]! - ids[1]!) & 0xffff]).toEqual([1, 3]);
  });

  test("T9 what no header can say is refused", () => {
    for (const bad of [{ ttl: 0 }, { ttl: 256 }, { tos: -1 }, { flowlabel: 1 << 20 }] as const) {
      expect(() => policyOf({ kind: "ipip", ...v4, ...bad })).toThrow(
        expect.objectContaining({ argument: Object.keys(bad)[0] }),
      );
    }
    expect(() => policyOf({ kind: "ipip", local: A4, remote: B6 })).toThrow(
      expect.objectContaining({ argument: "remote" }),
    );
    expect(() => policyOf({ kind: "ipip", ...v6 })).toThrow(expect.objectContaining({ argument: "local" }));
    expect(() => policyOf({ kind: "vxlan", id: 1 << 24, ...v4 })).toThrow(expect.objectContaining({ argument: "id" }));
  });
});

describe("T11 headroom", () => {
  test("T11 with enough of it no byte of the packet moves", () => {
    const packet = load(pool, frameOf(inner4()), true, 128);
    const { head, tail } = packet;
    expect(endpointOf({ kind: "vxlan", id: 1, ...v4 }).encapsulate(packet)).toBe("ok");
    expect([packet.head, packet.tail]).toEqual([head, tail]);
    packet.release();
  });

  test("T11 with too little, or shared with another, it gets a slot of its own; the other is left alone", () => {
    for (const headroom of [0, 128]) {
      const packet = load(pool, frameOf(inner4()), true, headroom);
      const twin = packet.clone();
      const before = hex(twin.bytes());
      const endpoint = endpointOf({ kind: "vxlan", id: 1, ...v4 });
      expect(endpoint.encapsulate(packet)).toBe("ok");
      expect(packet.head).not.toBe(twin.head);
      expect(packet.headroom).toBeGreaterThanOrEqual(16);
      expect(hex(twin.bytes())).toBe(before);
      twin.release();
      packet.release();
    }
  });

  test("T11 an empty pool is said, not thrown", () => {
    const packet = load(pool, frameOf(inner4()), true, 0);
    const held: Packet[] = [];
    for (let one = pool.alloc(10); one !== undefined; one = pool.alloc(10)) held.push(one);
    const endpoint = endpointOf({ kind: "vxlan", id: 1, ...v4 });
    expect(endpoint.encapsulate(packet)).toBe("NOMEM");
    expect(endpoint.stats).toMatchObject({ txErrors: 1, txDropped: 1 });
    for (const one of held) one.release();
    packet.release();
  });

  test("T11 a packet in fragments is wrapped as a whole", () => {
    const packet = load(pool, frameOf(inner4({ payload: "first " })), true);
    const more = pool.from(new TextEncoder().encode("and second"))!;
    packet.fragList = [more];
    const endpoint = endpointOf({ kind: "vxlan", id: 1, ...v4, udpcsum: true });
    const length = packet.totalLength;
    expect(endpoint.encapsulate(packet)).toBe("ok");
    const bytes = finishAndTake(packet, endpoint.context);
    expect(bytes.length).toBe(length + 36);
    expect(findField(dissect(frameOf(bytes)), "udp.checksum.status")?.value).toBe(1);
  });

  test("T11 an IP header that lies in a fragment is read all the same; a cut one is not sent, nor what has no protocol", () => {
    const inside = inner4({ ttl: 9 });
    const packet = load(pool, inside.slice(0, 10), false);
    packet.fragList = [pool.from(inside.slice(10))!];
    const endpoint = endpointOf({ kind: "ipip", ...v4 });
    expect(endpoint.encapsulate(packet)).toBe("ok");
    expect(ipv4.ttl(pool.memory.view, packet.data)).toBe(9);
    packet.release();
    for (const [bytes, protocol, reason] of [
      [inside.slice(0, 19), ETH_P_IP, "PKT_TOO_SMALL"],
      [inside, 0, "UNHANDLED_PROTO"],
    ] as const) {
      const bad = load(pool, bytes, false);
      bad.protocol = protocol;
      expect(endpoint.encapsulate(bad)).toBe(reason);
      bad.release();
    }
    const noFrame = load(pool, frameOf(inside).slice(0, 13), true);
    expect(endpointOf({ kind: "vxlan", id: 1, ...v4 }).encapsulate(noFrame)).toBe("PKT_TOO_SMALL");
    noFrame.release();
  });

  test("T11 what is longer than an IP packet can be is not sent", () => {
    const packet = load(pool, frameOf(inner4({ payload: new Uint8Array(65_480) })), true, 200);
    expect(endpointOf({ kind: "vxlan", id: 1, ...v4 }).encapsulate(packet)).toBe("PKT_TOO_BIG");
    packet.release();
  });
});

describe("T13 the order of decapsulation", () => {
  const tunnel: Tunnel = { kind: "vxlan", id: 1, ...v4, udpcsum: true };
  const { outer } = wrap(pool, tunnel, frameOf(inner4()));

  test.each([
    ["UNNECESSARY/1 leaves one for the inner checksum", CHECKSUM_UNNECESSARY, 1, CHECKSUM_UNNECESSARY, 0],
    ["UNNECESSARY/0 is used up, but the rest is known by it (C14)", CHECKSUM_UNNECESSARY, 0, CHECKSUM_COMPLETE, 0],
    ["NONE is verified here, and the rest is known by it", CHECKSUM_NONE, 0, CHECKSUM_COMPLETE, 0],
  ] as const)("T13 %s", (_name, summed, level, after, afterLevel) => {
    const packet = received(pool, outer);
    packet.ipSummed = summed;
    packet.csumLevel = level;
    expect(endpointOf(tunnel).decapsulate(packet)).toBeUndefined();
    expect([packet.ipSummed, packet.csumLevel]).toEqual([after, afterLevel]);
    if (after === CHECKSUM_COMPLETE) expect(fold(packet.csum)).toBe(fold(sum(packet.bytes())));
    packet.release();
  });

  test("T13 COMPLETE stays right through UDP, VXLAN and GRE", () => {
    for (const one of [
      tunnel,
      { kind: "gretap", ...v4, okey: 1, ikey: 1 } as const,
      { kind: "geneve", id: 1, ...v4 } as const,
    ]) {
      const packet = received(pool, wrap(pool, one, frameOf(inner4())).outer);
      packet.ipSummed = CHECKSUM_COMPLETE;
      packet.csum = sum(packet.bytes());
      expect(endpointOf(one).decapsulate(packet)).toBeUndefined();
      expect(packet.ipSummed).toBe(CHECKSUM_COMPLETE);
      expect(fold(packet.csum)).toBe(fold(sum(packet.bytes())));
      packet.release();
    }
  });

  test("T13 without an outer checksum nothing is known of the inner one", () => {
    const plain: Tunnel = { ...tunnel, udpcsum: false };
    const packet = received(pool, wrap(pool, plain, frameOf(inner4())).outer);
    expect(endpointOf(plain).decapsulate(packet)).toBeUndefined();
    expect(packet.ipSummed).toBe(CHECKSUM_NONE);
    packet.release();
  });

  test("T13 hash, mark, VLAN and queue of the outer packet are forgotten (skb_scrub_packet)", () => {
    const packet = received(pool, outer);
    Object.assign(packet, { hash: 7, mark: 8, vlanTci: 9, queueMapping: 10, pktType: 3, encapsulation: true });
    expect(endpointOf(tunnel).decapsulate(packet)).toBeUndefined();
    expect(packet).toMatchObject({ hash: 0, mark: 0, vlanTci: -1, queueMapping: 0, pktType: 0, encapsulation: false });
    expect(packet.protocol).toBe(ETH_P_IP);
    expect([packet.macHeader, packet.networkHeader]).toEqual([packet.data, packet.data + 14]);
    packet.release();
  });

  test("T13 a header that lies in a fragment is read all the same", () => {
    const head = received(pool, outer.slice(0, 30));
    head.fragList = [pool.from(outer.slice(30))!];
    expect(endpointOf(tunnel).decapsulate(head)).toBeUndefined();
    expect(hex(take(head))).toBe(hex(frameOf(inner4())));
  });
});

describe("T14 what segmentation is told", () => {
  function superPacket(isEthernet: boolean): Packet {
    const bytes = inner4({ payload: new Uint8Array(3000) });
    const packet = partialUdp(isEthernet ? frameOf(bytes) : bytes, isEthernet);
    packet.gsoSize = 1000;
    packet.gsoSegs = 3;
    packet.gsoType = SKB_GSO_TCPV4;
    return packet;
  }

  test.each([
    [{ kind: "vxlan", id: 1, ...v4, udpcsum: false }, SKB_GSO_UDP_TUNNEL, ENCAP_TYPE_ETHER, ETH_P_TEB],
    [{ kind: "vxlan", id: 1, ...v4, udpcsum: true }, SKB_GSO_UDP_TUNNEL_CSUM, ENCAP_TYPE_ETHER, ETH_P_TEB],
    [
      { kind: "vxlan", id: 1, ...v4, udpcsum: true, remcsumtx: true },
      SKB_GSO_UDP_TUNNEL_CSUM | SKB_GSO_TUNNEL_REMCSUM,
      ENCAP_TYPE_ETHER,
      ETH_P_TEB,
    ],
    [{ kind: "geneve", id: 1, ...v6 }, SKB_GSO_UDP_TUNNEL_CSUM, ENCAP_TYPE_ETHER, ETH_P_TEB],
    [{ kind: "gre", ...v4 }, SKB_GSO_GRE, ENCAP_TYPE_ETHER, ETH_P_IP],
    [{ kind: "gretap", ...v4, ocsum: true }, SKB_GSO_GRE_CSUM, ENCAP_TYPE_ETHER, ETH_P_TEB],
    [{ kind: "ipip", ...v4 }, SKB_GSO_IPXIP4, ENCAP_TYPE_IPPROTO, 4],
    [{ kind: "ip6tnl", ...v6 }, SKB_GSO_IPXIP6, ENCAP_TYPE_IPPROTO, 4],
    [
      { kind: "ipip", ...v4, encap: { type: "fou", dport: 5 } },
      SKB_GSO_IPXIP4 | SKB_GSO_UDP_TUNNEL,
      ENCAP_TYPE_IPPROTO,
      4,
    ],
    [
      { kind: "gre", ...v4, encap: { type: "gue", dport: 5, csum: true } },
      SKB_GSO_GRE | SKB_GSO_UDP_TUNNEL_CSUM,
      ENCAP_TYPE_ETHER,
      ETH_P_IP,
    ],
  ] as const)("T14 %o", (tunnel, gsoType, innerProtocolType, innerProtocol) => {
    const endpoint = endpointOf(tunnel);
    const packet = superPacket(endpoint.isEthernet);
    const fromEnd = packet.tail - packet.csumStart;
    expect(endpoint.encapsulate(packet)).toBe("ok");
    expect(packet).toMatchObject({
      gsoSize: 1000,
      gsoType: SKB_GSO_TCPV4 | gsoType,
      encapsulation: true,
      ipSummed: CHECKSUM_PARTIAL,
    });
    expect([packet.innerProtocolType, packet.innerProtocol]).toEqual([innerProtocolType, innerProtocol]);
    const { view } = pool.memory;
    expect(packet.tail - packet.innerTransportHeader).toBe(fromEnd);
    expect(ipv4.source(view, packet.innerNetworkHeader)).toBe(parseIpv4("10.1.0.1"));
    if (endpoint.isEthernet) expect(packet.innerNetworkHeader - packet.innerMacHeader).toBe(14);
    expect(packet.csumStart).toBe(packet.innerTransportHeader);
    packet.release();
  });

  test("T14 only two levels can be described: a third is segmented first, and the packet is as it was", () => {
    const packet = superPacket(true);
    const first = endpointOf({ kind: "vxlan", id: 1, ...v4 });
    expect(first.encapsulate(packet)).toBe("ok");
    const before = [packet.data, packet.gsoType, packet.innerNetworkHeader];
    const second = endpointOf({ kind: "gre", ...v4 });
    expect(second.encapsulate(packet)).toBe("segment");
    expect([packet.data, packet.gsoType, packet.innerNetworkHeader]).toEqual(before);
    expect(second.stats).toMatchObject({ txPackets: 0, txErrors: 0 });
    packet.release();
  });

  test("T14 a packet that is no super-packet keeps its innermost headers when it is wrapped twice", () => {
    const packet = partialUdp(inner4(), false);
    const transport = packet.tail - packet.csumStart;
    expect(endpointOf({ kind: "ipip", ...v4 }).encapsulate(packet)).toBe("ok");
    expect(endpointOf({ kind: "gre", ...v4, ocsum: true }).encapsulate(packet)).toBe("ok");
    expect(packet.tail - packet.innerTransportHeader).toBe(transport);
    packet.release();
  });

  test("T14 decapsulation takes the tunnel's bits off a super-packet", () => {
    const tunnel: Tunnel = { kind: "gretap", ...v4 };
    const packet = superPacket(true);
    const endpoint = endpointOf(tunnel);
    expect(endpoint.encapsulate(packet)).toBe("ok");
    packet.pull(20);
    packet.networkHeader = packet.data - 20;
    expect(endpoint.decapsulate(packet)).toBeUndefined();
    expect(packet).toMatchObject({
      gsoType: SKB_GSO_TCPV4,
      encapsulation: false,
      gsoSize: 1000,
      ipSummed: CHECKSUM_PARTIAL,
    });
    packet.release();
  });
});

test("T15 a tunnel that is routed through itself ends at the limit, and the guard is free again", () => {
  const endpoint = endpointOf({ kind: "ipip", ...v4 });
  const guard = new RecursionGuard();
  let wrapped = 0;
  let stopped = 0;
  const packet = load(pool, inner4(), false, 400);
  const transmit = (): void => {
    const entered = guard.enter(() => {
      expect(endpoint.encapsulate(packet)).toBe("ok");
      wrapped++;
      transmit();
    });
    if (!entered) stopped++;
  };
  transmit();
  expect([wrapped, stopped, guard.depth]).toEqual([guard.limit, 1, 0]);
  expect(() =>
    guard.enter(() => {
      throw new Error("a device failed");
    }),
  ).toThrow("a device failed");
  expect(guard.depth).toBe(0);
  packet.release();
});

describe("T16 padding behind the inner packet", () => {
  const padded = Uint8Array.of(...frameOf(inner4({ payload: "x" })), ...new Array<number>(17).fill(0xee));

  test("T16 UDP's length and checksum count it, and it comes out again", () => {
    const tunnel: Tunnel = { kind: "vxlan", id: 1, ...v4, udpcsum: true };
    const { outer } = wrap(pool, tunnel, padded);
    expect(udp.length(new DataView(outer.buffer), 20)).toBe(16 + padded.length);
    expect(findField(dissect(frameOf(outer)), "udp.checksum.status")?.value).toBe(1);
    const packet = received(pool, outer);
    expect(endpointOf(tunnel).decapsulate(packet)).toBeUndefined();
    expect(hex(take(packet))).toBe(hex(padded));
  });

  test("T16 what lies behind the UDP length is not the tunnel's: it is cut, whatever it holds", () => {
    const tunnel: Tunnel = { kind: "vxlan", id: 1, ...v4, udpcsum: true };
    const { outer } = wrap(pool, tunnel, padded);
    for (const complete of [false, true]) {
      const packet = received(pool, Uint8Array.of(...outer, 1, 2, 3));
      if (complete) {
        packet.ipSummed = CHECKSUM_COMPLETE;
        packet.csum = sum(packet.bytes());
      }
      expect(endpointOf(tunnel).decapsulate(packet)).toBeUndefined();
      expect(hex(take(packet))).toBe(hex(padded));
    }
  });

  test("T16 a UDP length beyond the packet, or below its header, is dropped", () => {
    const tunnel: Tunnel = { kind: "vxlan", id: 1, ...v4, udpcsum: false };
    const { outer } = wrap(pool, tunnel, frameOf(inner4()));
    for (const length of [7, outer.length]) {
      const bad = outer.slice();
      new DataView(bad.buffer).setUint16(24, length);
      expect(refusal(endpointOf(tunnel), bad)).toBe("PKT_TOO_SMALL");
    }
  });

  test("T16 a GRE checksum covers it too", () => {
    const tunnel: Tunnel = { kind: "gretap", ...v4, icsum: true, ocsum: true };
    const { outer } = wrap(pool, tunnel, padded);
    expect(gre.checksum(new DataView(outer.buffer), 20)).not.toBe(0);
    expect(refusal(endpointOf(tunnel), outer)).toBeUndefined();
  });
});
