import { bindChecksum, isUnnecessary, postPull, validate } from "@seville/checksum";
import {
  CHECKSUM_COMPLETE,
  CHECKSUM_NONE,
  CHECKSUM_UNNECESSARY,
  compose,
  parseIpv4,
  type Packet,
} from "@seville/packet";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  FeatureSet,
  HW_CSUM_PROFILE,
  INNER_ONLY_RX,
  IP_CSUM,
  NONE,
  OUTER_ONLY_RX,
  PARSING_NIC,
  PROFILES,
  TUNNEL_OFFLOAD,
  type NicProfile,
  type Nic,
} from "../src/index.ts";
import { MAC_A, MAC_B, wireFrames, type Request } from "./support/requests.ts";
import { faultsOf, onesSum } from "./support/verify-frame.ts";
import { World, type NicSettings } from "./support/world.ts";

interface Received {
  readonly ipSummed: number;
  readonly level: number;
  readonly bytes: Uint8Array;
  readonly vlanTci: number;
  readonly hash: number;
  readonly dataMod4: number;
  readonly csum: number;
}

function note(packet: Packet): Received {
  const { ipSummed, csumLevel, vlanTci, hash, data, csum } = packet;
  return { ipSummed, level: csumLevel, bytes: packet.bytes().slice(), vlanTci, hash, dataMod4: data % 4, csum };
}

function keep(got: Received[]): (packet: Packet) => void {
  return (packet) => {
    got.push(note(packet));
    packet.release();
  };
}

/** What `profile` reports of a frame that arrives. GRO is off. */
function receive(profile: NicProfile, frame: Uint8Array, settings: NicSettings = {}, on: string[] = []): Received[] {
  const world = new World();
  const got: Received[] = [];
  const nic = world.nic("b", {
    profile,
    receive: (packet) => {
      got.push(note(packet));
      packet.release();
    },
    ...settings,
  });
  nic.setFeature("gro", false);
  for (const word of on) nic.setFeature(word, true);
  world.link.a.send(world.pool.from(frame)!);
  world.run();
  world.close();
  return got;
}

const tcp: Request = { inner: 4, protocol: "tcp", payload: 300 };
const vxlan: Request = { ...tcp, tunnel: "vxlan" };
const vxlanCsum: Request = { ...vxlan, outerCsum: true };

/** The frame with a bit flipped in its last byte, or in the byte at `at`. */
function broken(frame: Uint8Array, at = frame.length - 1): Uint8Array {
  const copy = frame.slice();
  copy[at]! ^= 0x10;
  return copy;
}

/** The outer UDP checksum is wrong, all else right. */
function outerBroken(frame: Uint8Array): Uint8Array {
  return broken(frame, 14 + 20 + 6);
}

const only = (request: Request): Uint8Array => wireFrames(request)[0]!;
const good = (level: number): { ipSummed: number; level: number } => ({ ipSummed: CHECKSUM_UNNECESSARY, level });
const nothing = { ipSummed: CHECKSUM_NONE, level: 0 };

describe("C9 C10 D4 what is reported of a received frame", () => {
  const table: readonly (readonly [what: string, profile: NicProfile, frame: Uint8Array, expected: object])[] = [
    ["a NIC without offloads: nothing (C9)", NONE, only(tcp), nothing],
    ["a good TCP checksum: level 0", IP_CSUM, only(tcp), good(0)],
    ["a bad one: nothing, and it is delivered (C28)", IP_CSUM, broken(only(tcp)), nothing],
    ["VXLAN without outer checksum, outer and inner looked at: both count (C10)", TUNNEL_OFFLOAD, only(vxlan), good(1)],
    ["VXLAN with outer checksum: both verified", TUNNEL_OFFLOAD, only(vxlanCsum), good(1)],
    ["outer bad, inner good: nothing", TUNNEL_OFFLOAD, outerBroken(only(vxlanCsum)), nothing],
    [
      "GRE without C: the inner one is the first that counts (C10)",
      PARSING_NIC,
      only({ ...tcp, tunnel: "gre" }),
      good(0),
    ],
    ["GRE with C: GRE and TCP", PARSING_NIC, only({ ...tcp, tunnel: "gretap", outerCsum: true }), good(1)],
    ["inner-only: no outer checksum to vouch for: both", INNER_ONLY_RX, only(vxlan), good(1)],
    [
      "inner-only: an outer checksum that it did not look at: nothing may be said",
      INNER_ONLY_RX,
      only(vxlanCsum),
      nothing,
    ],
    ["inner-only: not a tunnel: nothing", INNER_ONLY_RX, only(tcp), nothing],
    ["outer-only: the outer one", OUTER_ONLY_RX, only(vxlanCsum), good(0)],
    ["outer-only: an inner that is bad is the stack's to find", OUTER_ONLY_RX, goodOuterBadInner(), good(0)],
    ["SCTP with a good CRC", TUNNEL_OFFLOAD, only({ inner: 4, protocol: "sctp", payload: 60 }), good(0)],
    ["C12: no sum is reported for SCTP", HW_CSUM_PROFILE, only({ inner: 4, protocol: "sctp", payload: 60 }), nothing],
    ["UDP over IPv4 without a checksum", TUNNEL_OFFLOAD, zeroChecksum(), nothing],
    ["ARP", TUNNEL_OFFLOAD, arp(), nothing],
  ];

  test.each(table)("%s", (_what, profile, frame, expected) => {
    const [got] = receive(profile, frame);
    expect(got).toMatchObject(expected);
    expect(got!.bytes).toEqual(frame);
  });

  test("RXCSUM off: nothing, whatever the hardware could", () => {
    for (const profile of PROFILES) {
      const world = new World();
      const got: Received[] = [];
      const nic = world.nic("b", { profile, receive: keep(got) });
      nic.setFeature("rx", false);
      // GRO verifies in software what the hardware did not.
      nic.setFeature("gro", false);
      world.link.a.send(world.pool.from(only(vxlan))!);
      world.run();
      expect(got).toMatchObject([nothing]);
      world.close();
    }
  });

  test("every claim of every profile holds: what counts as verified verifies (property)", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...PROFILES),
        fc.constantFrom<Request["tunnel"]>("none", "vxlan", "geneve", "gre", "gretap", "ipip"),
        fc.boolean(),
        fc.constantFrom<4 | 6>(4, 6),
        fc.constantFrom<Request["protocol"]>("tcp", "udp", "sctp"),
        fc.option(fc.nat(200), { nil: undefined }),
        (profile, tunnel, outerCsum, inner, protocol, damage) => {
          const request: Request = {
            inner,
            protocol,
            payload: 80,
            outerCsum,
            ...(tunnel === undefined ? {} : { tunnel }),
          };
          const frame = only(request);
          // Payload only: damage to headers makes other packets, which have tests of their own.
          const sent = damage === undefined ? frame : broken(frame, frame.length - 1 - (damage % 60));
          const [got] = receive(profile, sent);
          const faults = faultsOf(sent);
          if (got!.ipSummed === CHECKSUM_UNNECESSARY) {
            const levels = faults.length === 0 ? 4 : depthOf(faults[0]!);
            expect(got!.level + 1).toBeLessThanOrEqual(levels);
          }
        },
      ),
      { numRuns: 250 },
    );
  });
});

/** How many checksums from the outside are good, if the first fault is this one. */
function depthOf(fault: string): number {
  return (
    fault
      .split(":")[0]!
      .split("/")
      .filter((part) => ["udp", "gre", "tcp", "sctp"].includes(part)).length - 1
  );
}

/** The inner payload is damaged, and the outer checksum made right for it. */
function goodOuterBadInner(): Uint8Array {
  const frame = broken(only(vxlanCsum));
  const udp = 14 + 20;
  frame.fill(0, udp + 6, udp + 8);
  const length = frame.length - udp;
  const pseudo = [...frame.subarray(26, 34), 0, 17, length >> 8, length & 0xff];
  new DataView(frame.buffer).setUint16(udp + 6, ~onesSum([...pseudo, ...frame.subarray(udp)]) & 0xffff);
  return frame;
}

function zeroChecksum(): Uint8Array {
  const frame = only({ inner: 4, protocol: "udp", payload: 40 });
  frame[40] = 0;
  frame[41] = 0;
  return frame;
}

function arp(): Uint8Array {
  const frame = new Uint8Array(60);
  frame.set(only(tcp).subarray(0, 12));
  frame.set([8, 6], 12);
  return frame;
}

describe("C12 hardware that sums", () => {
  test.each([tcp, vxlan, vxlanCsum, { ...tcp, tunnel: "ipip" }, { ...tcp, inner: 6, tunnel: "gre" }] as Request[])(
    "COMPLETE verifies at every depth, through every pull: $tunnel",
    (request) => {
      const world = new World();
      const verdicts: string[] = [];
      world
        .nic("b", {
          profile: HW_CSUM_PROFILE,
          receive: (packet) => {
            const kernels = bindChecksum(world.pool.memory);
            expect(packet.ipSummed).toBe(CHECKSUM_COMPLETE);
            // Down to the innermost transport header, as decapsulation does.
            const bytes = packet.bytes();
            const transport = bytes.length - 300 - 20;
            const version = request.inner;
            packet.pull(transport);
            postPull(kernels, packet, transport);
            const { u8 } = world.pool.memory;
            const network = packet.data - (version === 4 ? 20 : 40);
            let pseudo = 6 + packet.length;
            const from = network + (version === 4 ? 12 : 8);
            for (let at = from; at < packet.data; at += 2) pseudo += (u8[at]! << 8) | u8[at + 1]!;
            verdicts.push(validate(kernels, packet, pseudo));
            packet.release();
          },
        })
        .setFeature("gro", false);
      world.link.a.send(world.pool.from(only(request))!);
      world.run();
      expect(verdicts).toEqual(["complete"]);
    },
  );

  test("C28 -E: a wrong checksum is delivered, and the sum does not verify it", () => {
    const [got] = receive(HW_CSUM_PROFILE, broken(only(tcp)));
    expect(got!.ipSummed).toBe(CHECKSUM_COMPLETE);
  });
});

describe("D5 a driver that says more than its hardware knows", () => {
  /** inner-only hardware with a driver that takes "the inner one is good" for UNNECESSARY. */
  test("inner-only hardware: UNNECESSARY for the inner one lets a bad outer one pass", () => {
    const frame = outerBroken(only(vxlanCsum));
    const [right] = receive(INNER_ONLY_RX, frame);
    expect(right).toMatchObject(nothing);
    // What such a driver's packet looks like to the stack: the outermost checksum counts as verified.
    const world = new World();
    const packet = world.pool.from(frame)!;
    packet.ipSummed = CHECKSUM_UNNECESSARY;
    packet.csumLevel = 0;
    expect(isUnnecessary(packet)).toBe(true);
    expect(faultsOf(frame)).toEqual(["/ip/udp: checksum"]);
    packet.release();
  });
});

describe("D6 alignment (align 54, NET_IP_ALIGN)", () => {
  test.each([
    [2, 0],
    [2, 1],
    [2, 3],
    [0, 1],
    [0, 2],
  ] as const)("a device with pad %i puts a frame that came at %i where it belongs", (rxPad, offset) => {
    const world = new World();
    const got: Received[] = [];
    const nic = world.nic("b", { rxPad, receive: keep(got) });
    nic.setFeature("gro", false);
    world.link.a.send(world.pool.from(only(tcp), 128 + offset)!);
    world.run();
    expect(got.map(({ dataMod4 }) => dataMod4)).toEqual([rxPad]);
    expect(got[0]!.bytes).toEqual(only(tcp));
    expect(nic.hardware.counters.driver.rx_realigned).toBe(1);
  });

  test("a frame that lies right is not copied", () => {
    const world = new World();
    const nic = world.nic("b", { rxPad: 2, receive: (packet) => packet.release() });
    world.link.a.send(world.pool.from(only(tcp), 130)!);
    world.run();
    expect(nic.hardware.counters.driver.rx_realigned).toBe(0);
  });
});

describe("D7 VLAN on receipt", () => {
  const tagged = only({ ...tcp, vlan: 5 });

  test("left in the frame without HW_VLAN_CTAG_RX", () => {
    const [got] = receive(TUNNEL_OFFLOAD, tagged);
    expect(got).toMatchObject({ vlanTci: -1, bytes: tagged });
  });

  test("taken out with it, and the checksum still counts", () => {
    const [got] = receive(TUNNEL_OFFLOAD, tagged, {}, ["rxvlan"]);
    expect(got).toMatchObject({ vlanTci: 5, bytes: only(tcp), ipSummed: CHECKSUM_UNNECESSARY });
  });

  test("hardware without the unit leaves it, whatever is asked", () => {
    const [got] = receive(IP_CSUM, tagged, {}, ["rxvlan"]);
    expect(got).toMatchObject({ vlanTci: -1, bytes: tagged });
  });

  test("the sum of COMPLETE is over what is left", () => {
    const [got] = receive(HW_CSUM_PROFILE, tagged, {}, ["rxvlan"]);
    const [plain] = receive(HW_CSUM_PROFILE, only(tcp));
    expect(got!.csum).toBe(plain!.csum);
  });

  test("the filter passes listed VLANs, untagged and priority-tagged frames", () => {
    const world = new World();
    const got: number[] = [];
    const nic = world.nic("b", {
      receive: (packet) => {
        got.push(packet.bytes()[15]! | ((packet.bytes()[14]! & 15) << 8));
        packet.release();
      },
    });
    nic.setFeature("gro", false);
    nic.setFeature("rx-vlan-filter", true);
    nic.setVlanFilter(new Set([5]));
    for (const vlan of [5, 6, 0]) world.link.a.send(world.pool.from(only({ ...tcp, vlan }))!);
    world.run();
    expect(got).toEqual([5, 0]);
    expect(nic.hardware.counters.driver.rx_vlan_filtered).toBe(1);
    nic.setFeature("rx-vlan-filter", false);
    world.link.a.send(world.pool.from(only({ ...tcp, vlan: 6 }))!);
    world.run();
    expect(got).toEqual([5, 0, 6]);
  });
});

describe("D8 what does not pass the MAC or the filters", () => {
  test("runts, giants and other hosts' frames are counted and released", () => {
    const world = new World({ mtu: 3000 });
    const nic = world.nic("b", { receive: (packet) => packet.release() });
    Object.defineProperty(nic.hardware, "mtu", { value: 1500 });
    nic.hardware.macFilter = (mac) => mac === MAC_B;
    const other = only(tcp);
    other.set([2, 0, 0, 0, 0, 9]);
    const giant = compose([
      { ethernet: { destination: MAC_B, source: MAC_A } },
      { ipv4: { source: parseIpv4("192.0.2.1"), destination: parseIpv4("192.0.2.2"), protocol: 17 } },
      new Uint8Array(2000),
    ]);
    for (const frame of [other, giant, only(tcp)]) world.link.a.send(world.pool.from(frame)!);
    world.run();
    expect(world.drops).toEqual(["OTHERHOST", "PKT_TOO_BIG"]);
    expect(nic.hardware.counters.mac.FrameTooLongErrors).toBe(1);
    expect(nic.device.rxQueueStats.total.packets).toBe(1);
  });

  test("random bytes never throw, and are delivered or dropped", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 14, maxLength: 300 }), fc.constantFrom(...PROFILES), (bytes, profile) => {
        const prefix = only(vxlanCsum).subarray(0, 12 + (bytes[0]! % 60));
        const frame = Uint8Array.from([...prefix, ...bytes]);
        expect(receive(profile, frame)).toHaveLength(1);
      }),
      { numRuns: 200 },
    );
  });
});

describe("D9 GRO in the receive path (S12, S15)", () => {
  const stream: Request = { ...tcp, payload: 8000, mss: 1000 };

  test("frames of a flow in one poll become one super-packet, which segmentation splits into the same frames", () => {
    const world = new World();
    const received: Packet[] = [];
    const nic = world.nic("b", {
      receive: (packet) => {
        if (received.length === 0) received.push(packet);
        else packet.release();
      },
    });
    nic.setCoalesce({ usecs: 100, frames: 0 });
    const frames = wireFrames(stream);
    for (const frame of frames) world.link.a.send(world.pool.from(frame)!);
    world.run();
    expect(received.map(({ gsoSize, gsoSegs }) => [gsoSize, gsoSegs])).toEqual([[1000, 8]]);
    expect(nic.device.rxQueueStats.total).toMatchObject({ packets: 8, gro_wire_packets: 8, gro_packets: 1 });
    const forwarder = world.nic("a", { profile: NONE });
    world.send(forwarder, received[0]!);
    expect(world.wire.slice(frames.length)).toEqual(frames);
  });

  test("off: every frame for itself", () => {
    expect(receive(TUNNEL_OFFLOAD, only(tcp))).toHaveLength(1);
  });

  test("held packets go on when GRO is switched off or the device goes down", () => {
    const world = new World();
    let count = 0;
    const nic = world.nic("b", {
      gro: { flushTimeout: 1_000_000 },
      receive: (packet) => {
        count++;
        packet.release();
      },
    });
    const [first] = wireFrames(stream);
    world.link.a.send(world.pool.from(first!)!);
    world.simulation.run({ until: 100_000 });
    nic.setFeature("gro", false);
    expect(count).toBe(1);
  });

  test("a flush timeout lets go of what is held when it is over", () => {
    const world = new World();
    const times: number[] = [];
    world.nic("b", {
      gro: { flushTimeout: 50_000 },
      receive: (packet, now) => {
        times.push(now);
        packet.release();
      },
    });
    const [first] = wireFrames(stream);
    world.link.a.send(world.pool.from(first!)!);
    world.run();
    expect(times).toEqual([50_000]);
  });

  test("LRO and GRO_HW begin off everywhere: they change what comes in (S15)", () => {
    for (const { features } of PROFILES) expect(features.hasAny(FeatureSet.of("LRO", "GRO_HW"))).toBe(false);
    expect(TUNNEL_OFFLOAD.hwFeatures.hasAll(FeatureSet.of("LRO", "GRO_HW"))).toBe(true);
  });
});

describe("D11 merging by the device (S12, S15)", () => {
  const stream: Request = { ...tcp, payload: 8000, mss: 1000 };

  /** What comes up of `stream`, whose frames `change` may touch; the NIC has `feature` on, and software's GRO off. */
  function merged(
    feature: string,
    change?: (frame: Uint8Array, index: number) => void,
  ): { got: Packet[]; world: World; nic: Nic } {
    const world = new World();
    const got: Packet[] = [];
    const nic = world.nic("b", { profile: TUNNEL_OFFLOAD, receive: (packet) => got.push(packet) });
    nic.setFeature("gro", false);
    expect(nic.setFeature(feature, true).isEmpty).toBe(true);
    nic.setCoalesce({ usecs: 100, frames: 0 });
    for (const [i, frame] of wireFrames(stream).entries()) {
      change?.(frame, i);
      world.link.a.send(world.pool.from(frame)!);
    }
    world.run();
    return { got, world, nic };
  }

  /** Another TTL in the third frame, its header checksum right: software's GRO would not merge it. */
  function otherTtl(frame: Uint8Array, index: number): void {
    if (index !== 2) return;
    frame[22] = 17;
    frame.set([0, 0], 24);
    const checksum = ~onesSum(frame.subarray(14, 34)) & 0xffff;
    frame.set([checksum >> 8, checksum & 0xff], 24);
  }

  test("GRO_HW makes what GRO makes, and counts it: segmentation gives the same frames again", () => {
    const { got, world, nic } = merged("rx-gro-hw");
    expect(got.map(({ gsoSize, gsoSegs, gsoType }) => [gsoSize, gsoSegs, gsoType > 0])).toEqual([[1000, 8, true]]);
    expect(nic.device.rxQueueStats.total).toMatchObject({
      packets: 8,
      hw_gro_packets: 1,
      hw_gro_bytes: 54 + 8000,
      hw_gro_wire_packets: 8,
      hw_gro_wire_bytes: 8 * 1054,
      gro_packets: 0,
    });
    const forwarder = world.nic("a", { profile: NONE });
    world.send(forwarder, got[0]!);
    expect(world.wire.slice(8)).toEqual(wireFrames(stream));
    // And back again: the link has the merging NIC at its other end.
    expect(got.slice(1).map(({ gsoSegs }) => gsoSegs)).toEqual([8]);
    got[1]!.release();
  });

  test("GRO_HW does not merge what could not be taken apart again", () => {
    const { got } = merged("rx-gro-hw", otherTtl);
    expect(got.length).toBeGreaterThan(1);
    for (const packet of got) packet.release();
  });

  test("LRO forgets a TTL that differs, and marks what it made: gsoSize without gsoType; it does not count as GRO_HW", () => {
    const { got, nic } = merged("lro", otherTtl);
    expect(got.map(({ gsoSize, gsoSegs, gsoType }) => [gsoSize, gsoSegs, gsoType])).toEqual([[1000, 8, 0]]);
    expect(nic.device.rxQueueStats.total).toMatchObject({ packets: 8, hw_gro_packets: 0, gro_packets: 0 });
    got[0]!.release();
  });

  test("what LRO made is not sent: neither device nor software can split it", () => {
    const { got, world } = merged("lro");
    const forwarder = world.nic("a", { profile: TUNNEL_OFFLOAD });
    world.send(forwarder, got[0]!);
    expect(world.wire).toHaveLength(8);
    expect(world.drops).toEqual(["NOT_SPECIFIED"]);
  });

  test("software's GRO takes what GRO_HW hands over as it is, and leaves LRO's alone", () => {
    for (const [feature, type] of [
      ["rx-gro-hw", true],
      ["lro", false],
    ] as const) {
      const world = new World();
      const got: Packet[] = [];
      const nic = world.nic("b", { profile: TUNNEL_OFFLOAD, receive: (packet) => got.push(packet) });
      nic.setFeature(feature, true);
      nic.setCoalesce({ usecs: 100, frames: 0 });
      for (const frame of wireFrames(stream)) world.link.a.send(world.pool.from(frame)!);
      world.run();
      expect(got.map(({ gsoSegs, gsoType }) => [gsoSegs, gsoType > 0])).toEqual([[8, type]]);
      for (const packet of got) packet.release();
    }
  });

  test("held frames go up when it is switched off, and nothing is held when the device goes down", () => {
    const { got, nic, world } = merged("lro");
    nic.setFeature("lro", false);
    for (const frame of wireFrames(stream)) world.link.a.send(world.pool.from(frame)!);
    world.run();
    expect(got).toHaveLength(1 + 8);
    for (const packet of got) packet.release();
  });

  test("GRO_HW needs RXCSUM, and takes LRO's place", () => {
    const { got, nic } = merged("lro");
    expect(nic.setFeature("rx-gro-hw", true).isEmpty).toBe(true);
    expect(nic.device.features.features.has("LRO")).toBe(false);
    nic.setFeature("rx", false);
    expect(nic.device.features.features.has("GRO_HW")).toBe(false);
    expect(nic.device.features.features.has("LRO")).toBe(true);
    got[0]!.release();
  });
});
