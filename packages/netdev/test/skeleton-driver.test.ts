/**
 * The skeleton driver between two hosts over a simulated link; and for every flag that it shows, what happens if one gets it
 * wrong.
 */
import {
  CHECKSUM_COMPLETE,
  CHECKSUM_UNNECESSARY,
  SKB_GSO_PARTIAL,
  SKB_GSO_TCP_FIXEDID,
  type Packet,
} from "@seville/packet";
import { describe, expect, test } from "vitest";
import {
  checksumRequest,
  FeatureSet,
  GSO_PARTIAL,
  NetDev,
  NicHardware,
  PARSING_NIC,
  probeSkeleton,
  segmentationRequest,
  SkeletonDriver,
  TSO_NO_TUNNEL,
  TUNNEL_OFFLOAD,
  type DriverOps,
  type FeatureName,
  type NicProfile,
} from "../src/index.ts";
import { requestPacket, wireFrames, type Request } from "./support/requests.ts";
import { faultsOf } from "./support/verify-frame.ts";
import { World } from "./support/world.ts";

const tcp: Request = { inner: 4, protocol: "tcp", payload: 400 };
const big: Request = { ...tcp, payload: 5000, mss: 1000 };

/** Sends over a device of `profile` with a driver that `wrong` changes. */
function sendWith(
  profile: NicProfile,
  request: Request,
  wrong?: (driver: SkeletonDriver) => Partial<DriverOps>,
): Uint8Array[] {
  const world = new World();
  const hardware = new NicHardware({
    silicon: profile.silicon,
    scheduler: world.simulation.simulator,
    pool: world.pool,
    link: world.link.a,
  });
  const driver = new SkeletonDriver(hardware, profile);
  const ops: DriverOps =
    wrong === undefined ? driver : Object.assign(Object.create(driver) as DriverOps, bound(driver), wrong(driver));
  const device = new NetDev({ ...profile, name: "eth0" }, ops, {
    scheduler: world.simulation.simulator,
    pool: world.pool,
    receive: (packet) => packet.release(),
  });
  driver.bind(device);
  device.open(0);
  device.transmit(requestPacket(world.pool, request), 0);
  world.run();
  device.stop(world.now);
  const frames = [...world.wire];
  world.close();
  return frames;
}

/** The methods with their receiver: private fields do not go through `Object.create`. */
function bound(driver: SkeletonDriver): DriverOps {
  const { featuresCheck } = driver;
  return {
    open: (now) => driver.open(now),
    stop: () => driver.stop(),
    startXmit: (packet, queue, now) => driver.startXmit(packet, queue, now),
    poll: (queue, budget, now) => driver.poll(queue, budget, now),
    setFeatures: (features) => driver.setFeatures(features),
    ...(featuresCheck === undefined ? {} : { featuresCheck }),
  };
}

/** The profile of a driver that checks nothing. */
function unchecked(profile: NicProfile): NicProfile {
  return Object.fromEntries(
    Object.entries(profile).filter(([key]) => key !== "featuresCheck"),
  ) as unknown as NicProfile;
}

/** A profile with flags added that its silicon does not keep, and no check. */
function claiming(
  profile: NicProfile,
  where: "features" | "hwEncFeatures" | "vlanFeatures",
  ...flags: FeatureName[]
): NicProfile {
  const rest = unchecked(profile);
  const more = FeatureSet.of(...flags);
  return {
    ...rest,
    features: rest.features.with(where === "features" ? more : FeatureSet.NONE),
    [where]: rest[where].with(more),
  };
}

describe("K1 the skeleton driver as it stands", () => {
  test("two devices over a link: every frame arrives, checked, tagged, hashed, counted", () => {
    const world = new World({ rate: 1e9, delay: 1000 });
    const received: Packet[] = [];
    const a = world.nic("a", { maxQueues: 2, rate: 1e9 });
    const b = world.nic("b", { maxQueues: 2, receive: (packet) => received.push(packet) });
    b.setFeature("rxvlan", true);
    const requests: Request[] = [
      big,
      { ...big, inner: 6, vlan: 9 },
      { ...big, tunnel: "vxlan", outerCsum: true },
      { ...tcp, protocol: "udp", payload: 3000, mss: 1000 },
      { inner: 4, protocol: "sctp", payload: 40 },
    ];
    for (const request of requests) world.send(a, requestPacket(world.pool, request));
    expect(world.wire).toEqual(requests.flatMap((request) => wireFrames(request)));
    expect(b.device.rxQueueStats.total.packets).toBe(world.wire.length);
    expect(b.device.rxQueueStats.total.csum_unnecessary).toBe(world.wire.length);
    for (const packet of received) {
      expect(packet.hash).not.toBe(0);
      packet.release();
    }
    expect(received.map(({ vlanTci }) => vlanTci).filter((tci) => tci === 9).length).toBeGreaterThan(0);
    expect(a.device.txQueueStats.total.stop).toBe(a.device.txQueueStats.total.wake);
  });

  test("probe makes a device that is down: it drops until it is opened, and holds nothing when closed", () => {
    const world = new World();
    const hardware = new NicHardware({
      silicon: TUNNEL_OFFLOAD.silicon,
      scheduler: world.simulation.simulator,
      pool: world.pool,
      link: world.link.a,
      rate: 1e6,
    });
    const drops: string[] = [];
    const device = probeSkeleton(hardware, TUNNEL_OFFLOAD, "eth7", {
      scheduler: world.simulation.simulator,
      pool: world.pool,
      receive: (packet) => packet.release(),
      onDrop: (_packet, reason) => drops.push(reason),
    });
    device.transmit(requestPacket(world.pool, tcp), 0);
    expect(drops).toEqual(["DEV_READY"]);
    device.open(0);
    for (let i = 0; i < 20; i++) device.transmit(requestPacket(world.pool, big), 0);
    world.link.b.send(world.pool.from(wireFrames(tcp)[0]!)!);
    device.stop(0);
    world.run();
    expect(world.pool.stats.inUse).toBe(0);
  });

  test("what it asks of the hardware is what the packet says", () => {
    const world = new World();
    const one = requestPacket(world.pool, { ...tcp, tunnel: "vxlan" });
    expect(checksumRequest(one)).toEqual({ kind: "internet", start: 14 + 20 + 16 + 14 + 20, offset: 16 });
    expect(segmentationRequest(one)).toBeUndefined();
    const sctp = requestPacket(world.pool, { inner: 6, protocol: "sctp", payload: 20 });
    expect(checksumRequest(sctp)).toEqual({ kind: "crc32c", start: 54, offset: 8 });
    const many = requestPacket(world.pool, { ...big, tunnel: "gre", outerCsum: true });
    many.gsoType |= SKB_GSO_TCP_FIXEDID | SKB_GSO_PARTIAL;
    expect(checksumRequest(many)).toBeUndefined();
    expect(segmentationRequest(many)).toEqual({
      mss: 1000,
      protocol: "tcp",
      network: 14 + 20 + 8,
      transport: 14 + 20 + 8 + 20,
      tunnel: { network: 14, transport: 34, kind: "gre", checksum: true },
      copyOuter: true,
      fixedId: true,
      fixedInnerId: false,
    });
    for (const packet of [one, sctp, many]) packet.release();
  });
});

describe("K2 flag by flag: a wrong one shows on the wire", () => {
  interface Flag {
    readonly flag: FeatureName;
    readonly where: "features" | "hwEncFeatures" | "vlanFeatures";
    readonly silicon: NicProfile;
    readonly request: Request;
  }
  const noCsum: NicProfile = {
    ...TSO_NO_TUNNEL,
    silicon: { ...TSO_NO_TUNNEL.silicon, tx: { ...TSO_NO_TUNNEL.silicon.tx, checksum: "none" } },
  };
  const noVlan: NicProfile = {
    ...TSO_NO_TUNNEL,
    silicon: { ...TSO_NO_TUNNEL.silicon, tx: { ...TSO_NO_TUNNEL.silicon.tx, vlanInsertion: false } },
  };
  const bare: NicProfile = {
    ...PARSING_NIC,
    features: FeatureSet.of("SG", "IP_CSUM"),
    hwEncFeatures: FeatureSet.of("SG"),
  };
  const flags: readonly Flag[] = [
    { flag: "HW_CSUM", where: "features", silicon: noCsum, request: tcp },
    {
      flag: "IPV6_CSUM",
      where: "features",
      silicon: { ...bare, silicon: { ...bare.silicon, tx: { ...bare.silicon.tx, ipv6: false } } },
      request: { ...tcp, inner: 6 },
    },
    {
      flag: "SCTP_CRC",
      where: "features",
      silicon: TSO_NO_TUNNEL,
      request: { inner: 4, protocol: "sctp", payload: 40 },
    },
    { flag: "HW_VLAN_CTAG_TX", where: "features", silicon: noVlan, request: { ...tcp, vlan: 7 } },
    {
      flag: "GSO_UDP_L4",
      where: "features",
      silicon: {
        ...TSO_NO_TUNNEL,
        silicon: { ...TSO_NO_TUNNEL.silicon, tx: { ...TSO_NO_TUNNEL.silicon.tx, segmentation: "none" } },
      },
      request: { ...tcp, protocol: "udp", payload: 1200, mss: 500 },
    },
    {
      flag: "TSO",
      where: "hwEncFeatures",
      silicon: claiming(TSO_NO_TUNNEL, "features", "GSO_UDP_TUNNEL"),
      request: { ...big, tunnel: "vxlan" },
    },
    {
      flag: "GSO_UDP_TUNNEL_CSUM",
      where: "features",
      silicon: claiming(PARSING_NIC, "hwEncFeatures", "GSO_UDP_TUNNEL_CSUM"),
      request: { ...big, tunnel: "vxlan", outerCsum: true },
    },
    {
      flag: "GSO_GRE_CSUM",
      where: "features",
      silicon: claiming(PARSING_NIC, "hwEncFeatures", "GSO_GRE_CSUM"),
      request: { ...big, tunnel: "gretap", outerCsum: true },
    },
  ];

  test.each(flags)("NETIF_F_$flag in $where", ({ flag, where, silicon, request }) => {
    const right = wireFrames(request);
    const more = where === "hwEncFeatures" && flag === "TSO" ? (["TSO", "GSO_UDP_TUNNEL"] as const) : [flag];
    const frames = sendWith(claiming(silicon, where, ...more), request);
    expect(frames).not.toEqual(right);
    if (flag !== "HW_VLAN_CTAG_TX" && frames.length > 0) {
      expect(frames.flatMap((frame) => faultsOf(frame)).length).toBeGreaterThan(0);
    }
    // Without the flag software does it, and the same silicon is right.
    const own: NicProfile = {
      ...silicon,
      features: silicon.features.without(FeatureSet.of(flag)),
      hwEncFeatures: FeatureSet.of("SG"),
    };
    expect(sendWith(own, request)).toEqual(right);
  });

  test("gso_partial_features left out: outer lengths are those of the super-packet", () => {
    const request: Request = { ...big, tunnel: "vxlan", outerCsum: true };
    const forgetful: NicProfile = { ...GSO_PARTIAL, gsoPartialFeatures: FeatureSet.NONE };
    expect(sendWith(forgetful, request).flatMap((frame) => faultsOf(frame))).not.toEqual([]);
    expect(sendWith(GSO_PARTIAL, request)).toEqual(wireFrames(request));
  });

  test("features_check left out (C22): a checksum where the parser does not look", () => {
    const request: Request = { ...tcp, inner: 6, extension: true };
    const careless: NicProfile = {
      ...unchecked(PARSING_NIC),
      features: PARSING_NIC.features.without(FeatureSet.of("IP_CSUM", "IPV6_CSUM")).with(FeatureSet.of("HW_CSUM")),
    };
    expect(sendWith(careless, request).flatMap((frame) => faultsOf(frame))).toEqual(["/ip6/tcp: checksum"]);
    expect(sendWith(PARSING_NIC, request)).toEqual(wireFrames(request));
  });
});

describe("K3 what else a driver can forget", () => {
  test("to refill: it receives a ring full of frames, and then no more", () => {
    const world = new World();
    const nic = world.nic("b", { rxRing: 8, receive: (packet) => packet.release() });
    nic.setFeature("gro", false);
    const { hardware } = nic;
    hardware.refill = () => 0;
    for (let i = 0; i < 20; i++) {
      world.link.a.send(world.pool.from(wireFrames(tcp)[0]!)!);
      world.run();
    }
    expect(nic.device.rxQueueStats.total).toMatchObject({ packets: 8, hw_drop_overruns: 12 });
  });

  test("to stop the queue in time: the stack is told busy, keeps the packet, and nothing is lost", () => {
    const world = new World();
    const nic = world.nic("a", { txRing: 2, rate: 1e8, bql: { minLimit: 100_000 } });
    const txFree = nic.hardware.txFree.bind(nic.hardware);
    let lie = true;
    nic.hardware.txFree = (queue) => (lie ? 5 : txFree(queue));
    for (let i = 0; i < 6; i++) nic.transmit(requestPacket(world.pool, tcp), 0);
    expect(nic.device.txQueueStats.total.busy).toBeGreaterThan(0);
    lie = false;
    world.run();
    expect(world.wire).toHaveLength(6);
  });

  test("that a bad checksum is delivered, unmarked (C28 -E)", () => {
    const world = new World();
    const marks: number[] = [];
    const nic = world.nic("b", {
      receive: (packet) => {
        marks.push(packet.ipSummed);
        packet.release();
      },
    });
    const bad = wireFrames(tcp)[0]!;
    bad[bad.length - 1]! ^= 1;
    world.link.a.send(world.pool.from(bad)!);
    world.link.a.send(world.pool.from(wireFrames(tcp)[0]!)!);
    world.run();
    expect(marks[0]).not.toBe(CHECKSUM_UNNECESSARY);
    expect(marks[0]).not.toBe(CHECKSUM_COMPLETE);
    expect(nic.device.rxQueueStats.total.csum_bad).toBe(1);
  });
});
