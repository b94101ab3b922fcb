import { CHECKSUM_PARTIAL, NO_HEADER, PacketPool, type Packet } from "@seville/packet";
import { describe, expect, test } from "vitest";
import { Simulator, Wire, type WireOptions } from "../src/index.ts";

function setUp(options: Partial<WireOptions> = {}) {
  const simulator = new Simulator();
  const pool = new PacketPool({ small: 16, jumbo: 4, super: 2 });
  const wire = new Wire({ scheduler: simulator, ...options });
  const log: string[] = [];
  const got: Packet[] = [];
  for (const end of [wire.a, wire.b]) {
    end.attach({
      receiveFrame(frame, now) {
        log.push(`${end.name} got ${frame.length} at ${now}`);
        got.push(frame);
      },
      carrierChanged: (up, now) => void log.push(`${end.name} ${up ? "up" : "down"} at ${now}`),
    });
  }
  const frame = (bytes = 100): Packet => pool.from(new Uint8Array(bytes))!;
  const releaseAll = (): void => {
    for (const each of got.splice(0)) each.release();
  };
  return { simulator, pool, wire, log, got, frame, releaseAll };
}

describe("an ideal wire", () => {
  test("V1 a frame arrives at the time at which it was sent, in order, in an event of its own", () => {
    const { simulator, wire, log, frame, pool, releaseAll } = setUp();
    simulator.scheduleCall(5, () => {
      wire.a.send(frame(60));
      wire.a.send(frame(61));
      wire.b.send(frame(62));
      log.push("sent");
    });
    simulator.run();
    expect(log).toEqual(["sent", "veth1 got 60 at 5", "veth1 got 61 at 5", "veth0 got 62 at 5"]);
    expect(simulator.events).toBe(3);
    releaseAll();
    expect(pool.stats.inUse).toBe(0);
  });

  test("V2 super-packets, unfinished checksums and VLAN tags beside the bytes go through as they are", () => {
    const { simulator, wire, got, frame, releaseAll } = setUp();
    const big = frame(60_000);
    Object.assign(big, { gsoSize: 1448, gsoSegs: 42, gsoType: 1, ipSummed: CHECKSUM_PARTIAL, vlanTci: 7 });
    big.csumStart = big.data + 34;
    big.csumOffset = 16;
    big.networkHeader = big.data + 14;
    big.transportHeader = big.data + 34;
    wire.a.send(big);
    simulator.run();
    expect(got[0]).toMatchObject({
      gsoSize: 1448,
      gsoSegs: 42,
      gsoType: 1,
      ipSummed: CHECKSUM_PARTIAL,
      vlanTci: 7,
      csumStart: got[0]!.data + 34,
      csumOffset: 16,
      transportHeader: got[0]!.data + 34,
    });
    releaseAll();
  });

  test("V3 what belongs to the sending host stays there, as skb_scrub_packet() has it", () => {
    const { simulator, wire, got, frame, releaseAll } = setUp();
    const sent = frame();
    Object.assign(sent, { mark: 1, priority: 2, ifindex: 3, queueMapping: 4, protocol: 5, networkHeader: sent.data });
    sent.hash = 99;
    wire.b.send(sent);
    simulator.run();
    expect(got[0]).toMatchObject({ mark: 0, priority: 0, ifindex: 0, queueMapping: 0, protocol: 0, hash: 99 });
    expect(got[0]!.networkHeader).toBe(NO_HEADER);
    releaseAll();
  });

  test("V4 a frame longer than the MTU, a header and a tag is dropped, unless it is a super-packet", () => {
    const { simulator, wire, got, frame, pool, releaseAll } = setUp({ mtu: 1000, ends: ["x", "y"] });
    expect([wire.a.mtu, wire.a.name, wire.b.name]).toEqual([1000, "x", "y"]);
    wire.a.send(frame(1018));
    wire.a.send(frame(1019));
    wire.a.send(frame(13));
    simulator.run();
    expect(got).toHaveLength(1);
    expect(wire.stats("aToB")).toEqual({
      framesIn: 3,
      framesDelivered: 1,
      framesDropped: 2,
      dropped: { LINK_MTU: 1, PKT_TOO_SMALL: 1 },
    });
    releaseAll();
    expect(pool.stats.inUse).toBe(0);
  });

  test("V5 down takes both carriers and what is under way", () => {
    const { simulator, wire, log, frame, pool, releaseAll } = setUp();
    wire.a.send(frame());
    wire.setUp(false);
    wire.setUp(false);
    expect([wire.up, wire.a.carrier]).toEqual([false, false]);
    wire.a.send(frame());
    simulator.run();
    wire.setUp(true);
    wire.a.send(frame());
    simulator.run();
    expect(log).toEqual(["veth1 down at 0", "veth0 down at 0", "veth1 up at 0", "veth0 up at 0", "veth1 got 100 at 0"]);
    expect(wire.stats("aToB").dropped).toEqual({ LINK_DOWN: 2 });
    releaseAll();
    expect(pool.stats.inUse).toBe(0);
  });

  test("V5 close is for good", () => {
    const { simulator, wire, frame, pool } = setUp();
    wire.a.send(frame());
    wire.close();
    wire.setUp(true);
    wire.b.send(frame());
    simulator.run();
    expect(wire.up).toBe(false);
    expect([wire.stats("aToB").dropped, wire.stats("bToA").dropped]).toEqual([{ END_OF_RUN: 1 }, { END_OF_RUN: 1 }]);
    expect(pool.stats.inUse).toBe(0);
  });

  test("V6 two ends that answer each other take turns: time stands still, the event budget ends it", () => {
    const { simulator, wire, frame } = setUp();
    wire.a.attach({ receiveFrame: (each) => wire.a.send(each) });
    wire.b.attach({ receiveFrame: (each) => wire.b.send(each) });
    wire.a.send(frame());
    expect(simulator.run({ maxEvents: 1000 })).toEqual({ end: "budget", now: 0, events: 1000 });
    wire.close();
  });

  test("V7 taps look on", () => {
    const { simulator, wire, frame, releaseAll } = setUp();
    const seen: string[] = [];
    const end = wire.tap({
      frame: (way, point, _f, now, reason) => void seen.push(`${way} ${point} ${now} ${reason ?? ""}`),
    });
    wire.a.send(frame());
    wire.a.send(frame(3));
    simulator.run();
    end();
    end();
    wire.a.send(frame());
    simulator.run();
    expect(seen).toEqual(["aToB sent 0 ", "aToB dropped 0 PKT_TOO_SMALL", "aToB delivered 0 "]);
    releaseAll();
  });

  test("a frame for an end where nothing is attached is dropped: DEV_READY", () => {
    const simulator = new Simulator();
    const pool = new PacketPool({ small: 1, jumbo: 0, super: 0 });
    const wire = new Wire({ scheduler: simulator });
    wire.a.send(pool.from(new Uint8Array(60))!);
    simulator.run();
    expect(wire.stats("aToB").dropped).toEqual({ DEV_READY: 1 });
    expect(pool.stats.inUse).toBe(0);
  });
});
