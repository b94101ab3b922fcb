import { readMac, type MacAddress, type Packet } from "@seville/packet";
import { describe, expect, test } from "vitest";
import {
  EmbeddedSwitch,
  FeatureSet,
  GSO_LEGACY_MAX_SIZE,
  NONE,
  PARSING_NIC,
  profileOf,
  PROFILES,
  TUNNEL_OFFLOAD,
  TSO_NO_TUNNEL,
  withoutChecks,
  type NicInterface,
} from "../src/index.ts";
import { MAC_A, MAC_B, requestPacket, wireFrames, type Request } from "./support/requests.ts";
import { faultsOf } from "./support/verify-frame.ts";
import { World } from "./support/world.ts";

const tcp: Request = { inner: 4, protocol: "tcp", payload: 200 };
const big: Request = { ...tcp, payload: 5000, mss: 1000 };

/** What a NIC needs of an interface of a stack. */
function interfaceOf(
  accepts: (mac: MacAddress) => boolean,
): NicInterface & { readonly got: Packet[]; readonly carrier: boolean[] } {
  const got: Packet[] = [];
  const carrier: boolean[] = [];
  return {
    got,
    carrier,
    receive: (packet) => got.push(packet),
    filterAccepts: accepts,
    host: { interfaces: { setCarrier: (_iface: never, up: boolean) => carrier.push(up) } },
  };
}

describe("K1 a NIC as a device of a stack", () => {
  test("it asks the stack for nothing: super-packets and unfinished checksums are its own business", () => {
    for (const profile of PROFILES) {
      const world = new World();
      const nic = world.nic("a", { profile });
      // HW_CSUM always. GSO too, unless the device cannot take packets in pieces (and then nothing larger than a frame).
      expect(nic.features & 1, profile.name).toBe(1);
      expect((nic.features & 2) !== 0, profile.name).toBe(nic.device.features.features.has("GSO"));
    }
  });

  test("switching SG off takes GSO off, and the stack makes no super-packets any more", () => {
    const world = new World();
    const nic = world.nic("a");
    expect(nic.features).toBe(3);
    nic.setFeature("sg", false);
    expect(nic.features).toBe(1);
    nic.setFeature("sg", true);
    expect(nic.features).toBe(3);
  });

  test("an interface gets what its filter passes; the rest is the hardware's to drop", () => {
    const world = new World();
    const nic = world.nic("b");
    const iface = interfaceOf((mac) => mac === MAC_B);
    nic.attach(iface);
    const mine = wireFrames(tcp)[0]!;
    const theirs = mine.slice();
    theirs[5] = 9;
    for (const frame of [mine, theirs]) world.link.a.send(world.pool.from(frame)!);
    world.run();
    expect(iface.got.map((packet) => readMac(world.pool.memory.view, packet.data))).toEqual([MAC_B]);
    expect(nic.hardware.counters.driver.rx_filtered).toBe(1);
    expect(world.drops).toEqual(["OTHERHOST"]);
    for (const packet of iface.got) packet.release();
  });

  test("the carrier is told to the interface", () => {
    const world = new World();
    const nic = world.nic("b");
    const iface = interfaceOf(() => true);
    nic.attach(iface);
    world.link.setUp(false);
    world.run();
    expect(nic.carrier).toBe(false);
    world.link.setUp(true);
    world.run();
    expect(iface.carrier).toEqual([false, true]);
  });

  test("without an interface what comes in is let go; closed, nothing comes in at all", () => {
    const world = new World();
    const nic = world.nic("b");
    world.link.a.send(world.pool.from(wireFrames(tcp)[0]!)!);
    world.run();
    expect(nic.device.rxQueueStats.total.packets).toBe(1);
    nic.stop(world.now);
    world.link.a.send(world.pool.from(wireFrames(tcp)[0]!)!);
    world.run();
    expect(nic.device.rxQueueStats.total.packets).toBe(1);
    expect(world.drops).toEqual(["DEV_READY"]);
  });

  test("what is sent through a device that is down is dropped, and counted there", () => {
    const world = new World();
    const nic = world.nic("a");
    nic.stop(world.now);
    world.send(nic, requestPacket(world.pool, tcp), requestPacket(world.pool, big));
    expect(world.wire).toEqual([]);
    expect(nic.device.txDropped).toBe(2);
  });
});

describe("E1 limits of super-packets as a driver declares them", () => {
  test("what is not declared is the kernel's default; IPv4 has that of all", () => {
    const world = new World();
    const { device } = world.nic("a");
    expect([device.gsoMaxSize, device.gsoIpv4MaxSize, device.gsoMaxSegs]).toEqual([
      GSO_LEGACY_MAX_SIZE,
      GSO_LEGACY_MAX_SIZE,
      65_535,
    ]);
  });

  const limits: readonly (readonly [what: string, limit: object, request: Request])[] = [
    ["gsoMaxSize", { gsoMaxSize: 4000 }, big],
    ["gsoMaxSegs", { gsoMaxSegs: 4 }, big],
    ["gsoMaxSize, IPv6", { gsoMaxSize: 4000 }, { ...big, inner: 6 }],
  ];
  test.each(limits)("%s: what is beyond it software splits, and the wire does not tell", (_what, limit, request) => {
    const world = new World();
    const nic = world.nic("a", { profile: { ...TUNNEL_OFFLOAD, ...limit } });
    world.send(nic, requestPacket(world.pool, request));
    expect(world.wire).toEqual(wireFrames(request));
    expect(nic.device.txQueueStats.total.hw_gso_packets).toBe(0);
  });
});

describe("D2 withoutChecks: the same NIC under a driver that believes its flags", () => {
  test("a profile without a check is itself", () => {
    expect(withoutChecks(NONE)).toBe(NONE);
    expect(withoutChecks(PARSING_NIC)).not.toBe(PARSING_NIC);
    expect(withoutChecks(PARSING_NIC)).toMatchObject({ name: "parsing-nic", silicon: PARSING_NIC.silicon });
  });

  test("it takes nothing away from any packet, tagged twice or not", () => {
    const world = new World();
    const packet = requestPacket(world.pool, { ...tcp, tunnel: "vxlan", tunnelPort: 8472 });
    const everything = FeatureSet.of("SG", "IP_CSUM", "TSO");
    expect(PARSING_NIC.featuresCheck?.(packet, everything).has("IP_CSUM")).toBe(false);
    expect(withoutChecks(PARSING_NIC).featuresCheck?.(packet, everything)).toBe(everything);
    packet.release();
  });

  const unknownPort: Request = { ...tcp, tunnel: "vxlan", tunnelPort: 8472 };
  test.each([PARSING_NIC, TSO_NO_TUNNEL])("$name: what its own check saves, a careless driver may lose", (profile) => {
    const send = (careless: boolean): Uint8Array[] => {
      const world = new World();
      world.send(
        world.nic("a", { profile: careless ? withoutChecks(profile) : profile }),
        requestPacket(world.pool, unknownPort),
      );
      return world.wire;
    };
    expect(send(false)).toEqual(wireFrames(unknownPort));
    const faults = send(true).flatMap((frame) => faultsOf(frame));
    // The one parses; the other sums where it is told to, and checks only what it splits.
    expect(faults.length > 0).toBe(profile === PARSING_NIC);
  });
});

describe("M3 functions that are added to a switch", () => {
  test("a port more has statistics of its own, and is one to whom frames go", () => {
    const world = new World();
    const device = new EmbeddedSwitch({ uplink: world.link.a, ports: 1 }, () => world.now);
    const [own] = device.ports;
    const added = device.addPort();
    expect([device.ports.length, added.index, device.mode]).toEqual([2, 1, "veb"]);
    own!.mac = MAC_A;
    added.mac = MAC_B;
    const got: number[] = [];
    added.attach({
      receiveFrame(frame) {
        got.push(frame.length);
        frame.release();
      },
    });
    own!.send(world.pool.from(wireFrames(tcp)[0]!)!);
    world.run();
    expect(got).toEqual([254]);
    expect([own!.stats.local, added.stats.tx_unicast, device.uplinkStats.tx_unicast]).toEqual([1, 1, 0]);
    expect([...device.statistics()].map(([name]) => name)).toContain("port-1.tx_unicast");
  });

  test("no ports at all are no switch", () => {
    const world = new World();
    for (const ports of [0, -1, 1.5]) {
      expect(() => new EmbeddedSwitch({ uplink: world.link.a, ports }, () => 0)).toThrow(/ports must be 1 or more/);
    }
  });
});

test("a profile that there is not is told with those that there are", () => {
  expect(() => profileOf("warp")).toThrow(/profile must be none, ip-csum, hw-csum/);
  for (const profile of PROFILES) expect(profileOf(profile.name)).toBe(profile);
});
