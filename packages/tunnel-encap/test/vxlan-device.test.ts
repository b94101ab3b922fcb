import { runCompliance, type ComplianceOptions } from "@seville/core/compliance";
import { seconds } from "@seville/core";
import {
  arp,
  compose,
  dissect,
  ethernet,
  findField,
  icmpv6,
  ipv4,
  IPV6_ANY,
  nd,
  parseIpv4,
  parseIpv6,
  solicitedNode,
  multicastMac,
  udp,
  ZERO_MAC,
  type Packet,
} from "@seville/packet";
import { describe, expect, test } from "vitest";
import {
  formatFdb,
  vxlan,
  VxlanDevice,
  type VxlanDeviceConfig,
  type VxlanEvent,
  type VxlanMeta,
  type VxlanOutput,
} from "../src/index.ts";
import { contextOf, drainedPool, finishAndTake, hex, load, received, take } from "./support/packets.ts";
import { A4, frameOf, inner4, MAC_A, MAC_B, wrap } from "./support/samples.ts";

const pool = drainedPool();
const R1 = parseIpv4("192.0.2.11");
const R2 = parseIpv4("192.0.2.12");
const GROUP = parseIpv4("239.1.1.1");
const OWN = 0x02_00_00_00_00_99;

function device(config: Partial<VxlanDeviceConfig> = {}): VxlanDevice {
  return new VxlanDevice({ id: 42, local: A4, address: OWN, ...config }, contextOf(pool));
}

/** A datagram that brings `frame` from `remote`. */
function datagram(frame: Uint8Array, remote: number, id = 42, more = {}): Packet {
  const { outer } = wrap(pool, { kind: "vxlan", id, local: remote, remote: A4, ...more }, frame);
  return received(pool, outer);
}

function send(target: VxlanDevice, frame: Uint8Array, now = 0): VxlanOutput[] {
  target.handle(load(pool, frame, true), { from: "bridge" }, now);
  return drain(target);
}

function receive(target: VxlanDevice, packet: Packet, now = 0): VxlanOutput[] {
  target.handle(packet, { from: "underlay" }, now);
  return drain(target);
}

function drain(target: VxlanDevice): VxlanOutput[] {
  const outputs: VxlanOutput[] = [];
  for (let next = target.poll(); next !== undefined; next = target.poll()) outputs.push(next);
  return outputs;
}

function remotesOf(outputs: readonly VxlanOutput[]): number[] {
  return outputs.map((output) => {
    expect(output.to).toBe("underlay");
    const { packet } = output;
    const bytes = take(packet);
    return ipv4.destination(new DataView(bytes.buffer), 0);
  });
}

function events(target: VxlanDevice): VxlanEvent[] {
  const list: VxlanEvent[] = [];
  for (let next = target.pollEvent(); next !== undefined; next = target.pollEvent()) list.push(next);
  return list;
}

function framesOf(outputs: readonly VxlanOutput[]): Uint8Array<ArrayBuffer>[] {
  return outputs.map(({ packet, to }) => {
    expect(to).toBe("bridge");
    return take(packet);
  });
}

const TO_B = frameOf(inner4());
/** A frame from B to A, as it comes back. */
const FROM_B = compose([{ ethernet: { destination: MAC_A, source: MAC_B, etherType: 0x0800 } }, inner4()]);
const BROADCAST = compose([
  { ethernet: { destination: 0xffff_ffff_ffff, source: MAC_A } },
  { arp: { operation: arp.REQUEST, senderMac: MAC_A, senderIp: 1, targetMac: 0, targetIp: parseIpv4("10.1.0.2") } },
]);

describe("V1 learning and ageing", () => {
  test("V1 what comes in tells where its sender is", () => {
    const vx = device({ remotes: [{ ip: R1 }, { ip: R2 }] });
    expect(remotesOf(send(vx, TO_B))).toEqual([R1, R2]);
    expect(framesOf(receive(vx, datagram(FROM_B, R2))).map(hex)).toEqual([hex(FROM_B)]);
    expect(events(vx)).toEqual([{ type: "learned", mac: MAC_B, remote: R2 }]);
    expect(remotesOf(send(vx, TO_B))).toEqual([R2]);
  });

  test("V1 a station that moves is followed, and told of", () => {
    const vx = device();
    framesOf(receive(vx, datagram(FROM_B, R1)));
    framesOf(receive(vx, datagram(FROM_B, R2), 5));
    expect(events(vx).map((event) => event.type)).toEqual(["learned", "moved"]);
    expect(vx.fdb.entries()[0]).toMatchObject({ updated: 5, used: 5, remotes: [{ ip: R2 }] });
  });

  test("V1 an entry ages only if it is not used: sending counts as use", () => {
    const vx = device({ ageing: seconds(10) });
    framesOf(receive(vx, datagram(FROM_B, R1), seconds(1)));
    expect(vx.nextTimeout()).toBe(seconds(11));
    remotesOf(send(vx, TO_B, seconds(8)));
    vx.handleTimeout(seconds(11));
    expect(vx.fdb.size).toBe(1);
    expect(vx.nextTimeout()).toBe(seconds(18));
    vx.handleTimeout(seconds(18));
    expect(vx.fdb.size).toBe(0);
    expect(vx.nextTimeout()).toBe(Infinity);
    expect(events(vx).at(-1)).toEqual({ type: "aged", mac: MAC_B });
  });

  test("V1 an ageing time of 0 is for ever", () => {
    const vx = device({ ageing: 0 });
    framesOf(receive(vx, datagram(FROM_B, R1)));
    vx.handleTimeout(seconds(1e6));
    expect(vx.fdb.size).toBe(1);
  });

  test("V1 nolearning, and the don't-learn bit of group policy", () => {
    const off = device({ learning: false });
    framesOf(receive(off, datagram(FROM_B, R1)));
    expect(off.fdb.size).toBe(0);
    const vx = device({ gbp: true });
    framesOf(receive(vx, datagram(FROM_B, R1, 42, { gbp: { id: 7, dontLearn: true } })));
    expect(vx.fdb.size).toBe(0);
    framesOf(receive(vx, datagram(FROM_B, R1, 42, { gbp: { id: 7 } })));
    expect(vx.fdb.size).toBe(1);
  });
});

describe("V2 configured entries", () => {
  test("V2 do not age and do not move: a frame that says otherwise is dropped", () => {
    const vx = device();
    const reasons: string[] = [];
    vx.onDrop = (_, reason) => reasons.push(reason);
    vx.fdb.add(MAC_B, { ip: R1 }, 0);
    expect(receive(vx, datagram(FROM_B, R2))).toEqual([]);
    expect(reasons).toEqual(["VXLAN_ENTRY_EXISTS"]);
    expect(framesOf(receive(vx, datagram(FROM_B, R1)))).toHaveLength(1);
    vx.handleTimeout(seconds(1e6));
    expect(vx.fdb.size).toBe(1);
    expect(vx.stats).toMatchObject({ rxPackets: 1, rxDropped: 1 });
  });

  test("V2 a remote may have a VNI and a port of its own", () => {
    const vx = device();
    vx.fdb.add(MAC_B, { ip: R1, vni: 77, port: 8472 }, 0, "static");
    const [output] = send(vx, TO_B);
    const bytes = finishAndTake(output!.packet, vx.endpoint.context);
    const view = new DataView(bytes.buffer);
    expect(udp.destinationPort(view, 20)).toBe(8472);
    expect(vxlan.vni(view, 28)).toBe(77);
  });

  test("V2 add, append, replace and delete as `bridge fdb` has them", () => {
    const vx = device();
    vx.fdb.add(MAC_B, { ip: R1 }, 0);
    expect(() => vx.fdb.add(MAC_B, { ip: R2 }, 0)).toThrow(expect.objectContaining({ code: "EEXIST" }));
    expect(() => vx.fdb.append(MAC_B, { ip: R2 }, 0)).toThrow(expect.objectContaining({ argument: "mac" }));
    vx.fdb.append(ZERO_MAC, { ip: R1 }, 0);
    vx.fdb.append(ZERO_MAC, { ip: R2, vni: 3 }, 0);
    expect(() => vx.fdb.append(ZERO_MAC, { ip: R1 }, 0)).toThrow(expect.objectContaining({ code: "EEXIST" }));
    vx.fdb.replace(MAC_B, { ip: R2, port: 4790 }, 1, "static");
    expect(formatFdb(vx.fdb.entries(), "vxlan0")).toBe(
      [
        "02:00:00:00:00:0b dev vxlan0 dst 192.0.2.12 port 4790 self static",
        "00:00:00:00:00:00 dev vxlan0 dst 192.0.2.11 self permanent",
        "00:00:00:00:00:00 dev vxlan0 dst 192.0.2.12 vni 3 self permanent",
      ].join("\n"),
    );
    vx.fdb.delete(ZERO_MAC, { ip: R1 });
    expect(remotesOf(send(vx, BROADCAST))).toEqual([R2]);
    vx.fdb.delete(ZERO_MAC);
    expect(() => vx.fdb.delete(ZERO_MAC)).toThrow(expect.objectContaining({ code: "ENOENT" }));
    expect(() => vx.fdb.delete(MAC_B, { ip: R1 })).toThrow(expect.objectContaining({ code: "ENOENT" }));
    expect(() => vx.fdb.add(0x0100_5e00_0001, { ip: R1 }, 0)).toThrow(expect.objectContaining({ argument: "mac" }));
  });

  test("V2 flush forgets what was learned", () => {
    const vx = device();
    framesOf(receive(vx, datagram(FROM_B, R1)));
    vx.fdb.add(MAC_A, { ip: R1 }, 0);
    vx.fdb.flush();
    expect(vx.fdb.entries().map(({ mac }) => mac)).toEqual([MAC_A]);
  });
});

describe("V3 whom nobody knows", () => {
  test("V3 ingress replication: a copy for each remote, and every copy is right", () => {
    const vx = device({ remotes: [{ ip: R1 }, { ip: R2 }, { ip: parseIpv4("192.0.2.13") }] });
    const outputs = send(vx, BROADCAST);
    expect(outputs).toHaveLength(3);
    const frames = outputs.map(({ packet }) => finishAndTake(packet, vx.endpoint.context));
    for (const bytes of frames) {
      const tree = dissect(frameOf(bytes));
      expect(findField(tree, "udp.checksum.status")?.value).toBe(1);
      expect(hex(bytes.subarray(36))).toBe(hex(BROADCAST));
    }
    expect(new Set(frames.map((bytes) => ipv4.destination(new DataView(bytes.buffer), 0))).size).toBe(3);
  });

  test("V3 to a multicast group with TTL 1, unless the tunnel says a TTL", () => {
    const [output] = send(device({ remotes: [{ ip: GROUP }] }), BROADCAST);
    const bytes = take(output!.packet);
    expect(ipv4.destination(new DataView(bytes.buffer), 0)).toBe(GROUP);
    expect(ipv4.ttl(new DataView(bytes.buffer), 0)).toBe(1);
    const [far] = send(device({ remotes: [{ ip: GROUP }], ttl: 9 }), BROADCAST);
    expect(ipv4.ttl(new DataView(take(far!.packet).buffer), 0)).toBe(9);
  });

  test("V3 without a remote the frame goes nowhere, which l2miss tells", () => {
    const vx = device({ l2miss: true });
    const reasons: string[] = [];
    vx.onDrop = (_, reason) => reasons.push(reason);
    expect(send(vx, TO_B)).toEqual([]);
    expect(send(vx, BROADCAST)).toEqual([]);
    expect(reasons).toEqual(["VXLAN_NO_REMOTE", "VXLAN_NO_REMOTE"]);
    expect(events(vx)).toEqual([{ type: "l2miss", mac: MAC_B }]);
    expect(vx.stats.txDropped).toBe(2);
  });
});

describe("V4 what is not taken in", () => {
  test.each([
    ["another VNI", () => datagram(FROM_B, R1, 43), "VXLAN_VNI_NOT_FOUND"],
    ["a group's address as source", () => datagram(withSource(0x0100_0000_0001), R1), "MAC_INVALID_SOURCE"],
    ["no source", () => datagram(withSource(0), R1), "MAC_INVALID_SOURCE"],
    ["our own address as source", () => datagram(withSource(OWN), R1), "LOCAL_MAC"],
  ] as const)("V4 %s", (_name, make, reason) => {
    const vx = device();
    const reasons: string[] = [];
    vx.onDrop = (_, why) => reasons.push(why);
    expect(receive(vx, make())).toEqual([]);
    expect(reasons).toEqual([reason]);
    expect(vx.fdb.size).toBe(0);
    expect(vx.stats).toMatchObject({ rxPackets: 0, rxDropped: 1 });
  });

  test("V4 beyond maxaddr nothing is learned, but frames pass", () => {
    const vx = device({ maxaddr: 1 });
    expect(framesOf(receive(vx, datagram(FROM_B, R1)))).toHaveLength(1);
    expect(framesOf(receive(vx, datagram(withSource(0x02_00_00_00_00_77), R1)))).toHaveLength(1);
    expect(vx.fdb.size).toBe(1);
    expect(() => vx.fdb.add(MAC_A, { ip: R1 }, 0)).toThrow(expect.objectContaining({ code: "ENOSPC" }));
  });
});

function withSource(source: number): Uint8Array<ArrayBuffer> {
  return compose([{ ethernet: { destination: MAC_A, source, etherType: 0x0800 } }, inner4()]);
}

describe("V5 ARP and ND suppression", () => {
  const asked4 = parseIpv4("10.1.0.2");
  const asked6 = parseIpv6("fd00::2");

  test("V5 a known neighbour's ARP is answered here", () => {
    const vx = device({ proxy: true, remotes: [{ ip: R1 }] });
    vx.setNeighbour(asked4, MAC_B);
    const [answer] = framesOf(send(vx, BROADCAST));
    const view = new DataView(answer!.buffer);
    expect(ethernet.parse(view, 0, answer!.length)).toEqual({ destination: MAC_A, source: MAC_B, etherType: 0x0806 });
    expect(arp.parse(view, 14, answer!.length)).toMatchObject({
      operation: arp.REPLY,
      senderMac: MAC_B,
      senderIp: asked4,
      targetMac: MAC_A,
    });
  });

  test("V5 an unknown one goes nowhere with proxy, on with neighSuppress, and l3miss tells", () => {
    const vx = device({ proxy: true, l3miss: true, remotes: [{ ip: R1 }] });
    expect(send(vx, BROADCAST)).toEqual([]);
    expect(events(vx)).toEqual([{ type: "l3miss", ip: asked4 }]);
    expect(remotesOf(send(device({ neighSuppress: true, remotes: [{ ip: R1 }] }), BROADCAST))).toEqual([R1]);
  });

  test("V5 a neighbour that is forgotten is not answered for", () => {
    const vx = device({ proxy: true });
    vx.setNeighbour(asked4, MAC_B);
    vx.setNeighbour(asked4, undefined);
    expect(send(vx, BROADCAST)).toEqual([]);
  });

  test.each([
    ["solicited", parseIpv6("fd00::1"), nd.NEIGHBOR_SOLICITED | nd.NEIGHBOR_OVERRIDE, MAC_A],
    ["duplicate address detection", IPV6_ANY, nd.NEIGHBOR_OVERRIDE, 0x3333_0000_0001],
  ])("V5 a neighbour solicitation is answered (RFC 4861 §7.2.4): %s", (_name, source, flags, destination) => {
    const vx = device({ proxy: true });
    vx.setNeighbour(asked6, MAC_B);
    const group = solicitedNode(asked6);
    const solicitation = compose([
      { ethernet: { destination: multicastMac(group), source: MAC_A } },
      { ipv6: { source, destination: group, hopLimit: 255 } },
      { nd: { type: "neighbor-solicitation", target: asked6, options: [] } },
    ]);
    const [answer] = framesOf(send(vx, solicitation));
    const view = new DataView(answer!.buffer);
    expect(ethernet.destination(view, 0)).toBe(destination);
    expect(icmpv6.type(view, 54)).toBe(icmpv6.NEIGHBOR_ADVERTISEMENT);
    expect(nd.parse(view, 54, answer!.length)).toMatchObject({ target: asked6, flags });
    expect(findField(dissect(answer!), "icmpv6.checksum.status")?.value).toBe(1);
  });

  test("V5 other frames pass: an ARP reply, a gratuitous request, a solicitation with a hop limit below 255", () => {
    const vx = device({ proxy: true, remotes: [{ ip: R1 }] });
    vx.setNeighbour(asked4, MAC_B);
    vx.setNeighbour(asked6, MAC_B);
    const arpOf = (operation: number, senderIp: number): Uint8Array<ArrayBuffer> =>
      compose([
        { ethernet: { destination: 0xffff_ffff_ffff, source: MAC_A } },
        { arp: { operation, senderMac: MAC_A, senderIp, targetMac: 0, targetIp: asked4 } },
      ]);
    const far = compose([
      { ethernet: { destination: MAC_B, source: MAC_A } },
      { ipv6: { source: asked6, destination: asked6, hopLimit: 64 } },
      { nd: { type: "neighbor-solicitation", target: asked6, options: [] } },
    ]);
    for (const frame of [arpOf(arp.REPLY, 1), arpOf(arp.REQUEST, asked4), far]) {
      expect(remotesOf(send(vx, frame))).toEqual([R1]);
    }
  });
});

describe("V6 the contract of engines", () => {
  const options: ComplianceOptions<Packet, VxlanMeta, VxlanOutput, VxlanEvent, VxlanDevice> = {
    make: () => device({ ageing: seconds(20), remotes: [{ ip: R1 }, { ip: R2 }] }),
    drive(driver) {
      driver.handle(load(pool, TO_B, true), { from: "bridge" });
      driver.handle(datagram(FROM_B, R2), { from: "underlay" });
      driver.handle(load(pool, TO_B, true), { from: "bridge" });
      driver.advance(seconds(60));
    },
    describeOutput: ({ to, packet }) => `${to} ${hex(take(packet))}`,
    describeEvent: (event) => JSON.stringify(event),
    fromBytes: (bytes) => ({
      input: received(pool, frameBytesAsIp(bytes)),
      meta: { from: "underlay" as const },
    }),
    samples: [wrap(pool, { kind: "vxlan", id: 42, local: R1, remote: A4 }, FROM_B).outer],
  };

  for (const { promise, run } of runCompliance(options)) test(`V6 ${promise}`, run);
});

/** Any bytes behind a good IP header. */
function frameBytesAsIp(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return compose([{ ipv4: { source: R1, destination: A4, protocol: 17 } }, bytes.slice(0, 1500)]);
}
