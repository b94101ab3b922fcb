import {
  CHECKSUM_COMPLETE,
  CHECKSUM_NONE,
  CHECKSUM_PARTIAL,
  NO_HEADER,
  PACKET_HOST,
  PACKET_OUTGOING,
  type Packet,
} from "@seville/packet";
import { afterEach, describe, expect, test } from "vitest";
import { createSimulation, Link, type LinkTap } from "../src/index.ts";
import { udpFrame } from "./frames.ts";
import { MS, numberOf, TestWorld } from "./world.ts";

let world = new TestWorld();
const open = (...args: ConstructorParameters<typeof TestWorld>): TestWorld => (world = new TestWorld(...args));

afterEach(() => {
  world.link.close();
  expect(world.inUse).toBe(0);
});

describe("what a link carries", () => {
  test("L8 frames up to the MTU plus the Ethernet header; longer ones are dropped: LINK_MTU", () => {
    open({ mtu: 1400 });
    world.send(1, 1414);
    world.send(1, 1415);
    world.run();
    expect(world.order).toEqual([0]);
    expect(world.lost).toEqual([{ frame: 1, at: 0, reason: "LINK_MTU" }]);
    expect(world.link.a.mtu).toBe(1400);
  });

  test.each([
    [1518, [0x8100]],
    [1522, [0x88a8, 0x8100]],
  ])(
    "L8 IEEE 802.1Q: a frame of %d bytes with its tags %j fits an MTU of 1500, one byte more does not",
    (bytes, tags) => {
      open();
      for (const length of [bytes, bytes + 1]) {
        const frame = new Uint8Array(length);
        const view = new DataView(frame.buffer);
        for (const [i, tag] of tags.entries()) view.setUint16(12 + 4 * i, tag);
        world.link.a.send(world.simulation.pool.from(frame)!);
      }
      world.run();
      expect(world.atB.map((arrival) => arrival.bytes)).toEqual([bytes]);
    },
  );

  test("L8 the MTU may change, and differ by direction", () => {
    open({ aToB: { mtu: 9000 }, bToA: { mtu: 1280 } });
    expect([world.link.a.mtu, world.link.b.mtu]).toEqual([9000, 1280]);
    world.send(1, 9014);
    world.link.set({ mtu: 576 }, "aToB");
    world.send(1, 600);
    world.run();
    expect(world.order).toEqual([0]);
  });

  test("L9 less than an Ethernet header is no frame: PKT_TOO_SMALL", () => {
    open();
    world.send(1, 13);
    world.send(1, 14);
    world.run();
    expect(world.lost.map(({ reason }) => reason)).toEqual(["PKT_TOO_SMALL"]);
    expect(world.atB).toHaveLength(1);
  });

  test.each<[string, (frame: Packet) => void]>([
    ["checksum", (frame) => (frame.ipSummed = CHECKSUM_PARTIAL)],
    ["segmented", (frame) => (frame.gsoSize = 1448)],
    ["VLAN tag", (frame) => (frame.vlanTci = 5)],
    ["linear", (frame) => (frame.fragList = [])],
  ])("L10 an unfinished frame (%s) is a bug of its sender: an error, and the frame is released", (what, spoil) => {
    open();
    const frame = world.frame();
    spoil(frame);
    expect(() => world.link.a.send(frame)).toThrow(
      expect.objectContaining({ code: "ERR_UNFINISHED_FRAME", argument: "frame" }),
    );
    const again = world.frame();
    spoil(again);
    expect(() => world.link.a.send(again)).toThrow(what);
    expect(world.link.stats("aToB").framesIn).toBe(0);
  });

  test("L11 bytes are all that arrives: what the sender noted about them does not", () => {
    open();
    let got: Partial<Packet> = {};
    world.link.b.attach({
      receiveFrame(frame) {
        got = Object.assign({}, frame);
        frame.release();
      },
    });
    const frame = world.simulation.pool.from(udpFrame())!;
    Object.assign(frame, {
      networkHeader: frame.data + 14,
      transportHeader: frame.data + 34,
      protocol: 0x800,
      pktType: PACKET_OUTGOING,
      ifindex: 3,
      hash: 77,
      mark: 5,
      priority: 6,
      queueMapping: 1,
      ipSummed: CHECKSUM_COMPLETE,
      csum: 9,
      gsoSegs: 2,
      cb: 12,
    });
    world.link.a.send(frame);
    world.run();
    expect(got).toMatchObject({
      networkHeader: NO_HEADER,
      transportHeader: NO_HEADER,
      protocol: 0,
      pktType: PACKET_HOST,
      ifindex: 0,
      hash: 0,
      mark: 0,
      priority: 0,
      queueMapping: 0,
      ipSummed: CHECKSUM_NONE,
      csum: 0,
      gsoSegs: 0,
      cb: 0,
    });
    expect(got.macHeader).toBe(got.data);
  });

  test("a frame for an end where nothing is attached is dropped: DEV_READY", () => {
    open();
    const simulation = createSimulation({ pool: { small: 8, jumbo: 0, super: 0 } });
    const link = simulation.link({});
    link.a.send(simulation.pool.alloc(60)!);
    const frame = simulation.pool.from(new Uint8Array(60))!;
    link.a.send(frame);
    simulation.run();
    expect(link.stats("aToB").dropped).toEqual({ PKT_TOO_SMALL: 1, DEV_READY: 1 });
    expect(simulation.pool.stats.inUse).toBe(0);
  });
});

describe("up, down and partitions", () => {
  test("L12 down: what waits and what is in flight is lost, and both ends see it", () => {
    open({ rate: 8_000_000, delay: 5 * MS });
    const carrier: string[] = [];
    for (const [name, end] of [
      ["a", world.link.a],
      ["b", world.link.b],
    ] as const) {
      end.attach({
        receiveFrame: (frame) => frame.release(),
        carrierChanged: (up, now) => void carrier.push(`${name} ${up ? "up" : "down"} ${now / MS} ${end.carrier}`),
      });
    }
    world.send(5);
    world.at(2.5 * MS, () => world.link.setUp(false));
    world.at(2.5 * MS, () => world.link.setUp(false));
    world.at(3 * MS, () => world.send());
    world.at(10 * MS, () => world.link.setUp(true));
    world.at(10 * MS, () => world.send());
    world.run();
    expect(world.link.stats("aToB").dropped).toEqual({ LINK_DOWN: 6 });
    expect(world.link.stats("aToB").framesDelivered).toBe(1);
    expect(carrier).toEqual(["b down 2.5 false", "a down 2.5 false", "b up 10 true", "a up 10 true"]);
  });

  test("L12 a link may begin without its carrier", () => {
    open({ up: false });
    expect([world.link.up, world.link.a.carrier]).toEqual([false, false]);
    world.send();
    world.link.setUp(true);
    world.send();
    world.run();
    expect(world.order).toEqual([1]);
    expect(world.lost.map(({ reason }) => reason)).toEqual(["LINK_DOWN"]);
  });

  test("L13 a partition swallows what is put on the line, and nobody's carrier tells", () => {
    open({ delay: 10 * MS });
    world.send();
    world.sendBack();
    world.at(5 * MS, () => {
      world.link.partition();
      world.send();
      world.sendBack();
    });
    world.at(20 * MS, () => {
      world.link.heal();
      world.send();
      world.sendBack();
    });
    world.run();
    expect(world.arrivals).toEqual([10 * MS, 30 * MS]);
    expect(world.atA.map(({ at }) => at)).toEqual([10 * MS, 30 * MS]);
    expect(world.lost.map(({ at, reason }) => [at, reason])).toEqual([
      [5 * MS, "LINK_PARTITION"],
      [5 * MS, "LINK_PARTITION"],
    ]);
    expect(world.link.up).toBe(true);
  });

  test("L13 one way only", () => {
    open();
    world.link.partition("bToA");
    world.send();
    world.sendBack();
    world.run();
    expect([world.atB.length, world.atA.length]).toEqual([1, 0]);
    world.link.heal("bToA");
    world.sendBack();
    world.run();
    expect(world.atA).toHaveLength(1);
  });

  test("L14 close releases everything, counted as END_OF_RUN, for good", () => {
    open({ rate: 8_000_000, delay: 5 * MS });
    world.send(10);
    world.run(3.5 * MS);
    expect(world.link.occupancy("aToB")).toEqual({ queuedFrames: 6, queuedBytes: 6000, inFlight: 4 });
    world.link.close();
    world.link.close();
    expect(world.inUse).toBe(0);
    expect(world.link.stats("aToB").dropped).toEqual({ END_OF_RUN: 10 });
    world.link.setUp(true);
    expect([world.link.up, world.link.a.carrier]).toEqual([false, false]);
    world.send();
    expect(world.link.stats("aToB").dropped).toEqual({ END_OF_RUN: 11 });
    expect(world.simulation.simulator.pending).toBe(0);
  });
});

describe("taps", () => {
  test("L15 see each frame when its first bit leaves, when its last arrives, and where it ends", () => {
    open({
      rate: 8_000_000,
      delay: 5 * MS,
      queue: { kind: "fifo", limitPackets: 1 },
      loss: { model: "script", frames: [1] },
    });
    const seen: string[] = [];
    const end = world.link.tap({
      frame: (direction, point, frame, now, reason) =>
        void seen.push(
          `${numberOf(frame)} ${direction} ${point} ${now / MS}${reason === undefined ? "" : ` ${reason}`}`,
        ),
    });
    world.send(3);
    world.at(20 * MS, () => world.sendBack());
    world.run();
    expect(seen).toEqual([
      "0 aToB sent 0",
      "2 aToB dropped 0 QDISC_OVERLIMIT",
      "1 aToB sent 1",
      "1 aToB dropped 1 LINK_LOSS",
      "0 aToB delivered 6",
      "3 bToA sent 20",
      "3 bToA delivered 26",
    ]);
    end();
    end();
    world.send();
    world.run();
    expect(seen).toHaveLength(7);
  });

  test("L15 the last tap's going leaves the others", () => {
    open();
    let first = 0;
    let second = 0;
    const count = (call: () => void): LinkTap => ({ frame: call });
    const end = world.link.tap(count(() => first++));
    world.link.tap(count(() => second++));
    end();
    world.send();
    world.run();
    expect([first, second]).toEqual([0, 2]);
  });
});

test("a frame sent from within a delivery goes out at that time", () => {
  open({ delay: 1 * MS });
  world.link.b.attach({ receiveFrame: (frame) => world.link.b.send(frame) });
  world.send(2);
  world.run();
  expect(world.atA.map(({ frame, at }) => [frame, at])).toEqual([
    [0, 2 * MS],
    [1, 2 * MS],
  ]);
});

test("a link may be closed from within a delivery", () => {
  open({ delay: 1 * MS });
  let got = 0;
  world.link.b.attach({
    receiveFrame(frame) {
      got++;
      frame.release();
      world.link.close();
    },
  });
  world.send(3);
  world.run();
  expect(got).toBe(1);
  expect(world.link.stats("aToB").dropped).toEqual({ END_OF_RUN: 2 });
});

test("ends and links have names", () => {
  const simulation = createSimulation({ pool: { small: 1, jumbo: 0, super: 0 } });
  const link = new Link({
    scheduler: simulation.simulator,
    random: simulation.random("x"),
    name: "wan",
    ends: ["r1:eth0", "r2:eth3"],
  });
  expect([link.name, link.a.name, link.b.name]).toEqual(["wan", "r1:eth0", "r2:eth3"]);
  expect(simulation.link({}).b.name).toBe("link0:b");
});
