import type { DropReason } from "@seville/core";
import { PacketPool } from "@seville/packet";
import { Simulator, Wire, type LinkEnd } from "@seville/sim";
import { describe, expect, test } from "vitest";
import { bridge, type HostPort, type PortListener, type WorldClock } from "../src/index.ts";
import { PortCounters } from "../src/port/counters.ts";
import { frame } from "./frames.ts";

/** A port of which the test is the real world. */
function fakePort() {
  const sent: Uint8Array[] = [];
  let listener: PortListener | undefined;
  const port: HostPort = {
    name: "fake",
    listen: (given) => void (listener = given),
    sendFrame: (memory, offset, length) => void sent.push(Uint8Array.from(memory.subarray(offset, offset + length))),
    stats: () => new PortCounters().snapshot(),
    close: () => Promise.resolve(),
  };
  const arrive = (bytes: Uint8Array, arrivedAt: number) => listener?.receiveFrame(bytes, 0, bytes.length, arrivedAt);
  return { port, sent, arrive, fail: (error: Error) => listener?.portFailed(error) };
}

function setUp(options: { refusal?: DropReason; pool?: PacketPool } = {}) {
  const { pool = new PacketPool({ small: 8, jumbo: 2, super: 2 }), refusal } = options;
  const simulator = new Simulator();
  const wire = new Wire({ scheduler: simulator });
  const times: number[] = [];
  const failures: Error[] = [];
  const clock: WorldClock = {
    inject(input, arrivedAt) {
      if (refusal !== undefined) return refusal;
      times.push(arrivedAt);
      input(0);
      return undefined;
    },
  };
  const fake = fakePort();
  const made = bridge({ port: fake.port, end: wire.a, pool, clock, onFailure: (error) => void failures.push(error) });
  return { simulator, pool, wire, times, failures, made, ...fake };
}

function receiver(end: LinkEnd): Uint8Array[] {
  const frames: Uint8Array[] = [];
  end.attach({
    receiveFrame(packet) {
      frames.push(Uint8Array.from(packet.bytes()));
      packet.release();
    },
  });
  return frames;
}

describe("behaviour 6: a port joined to a link", () => {
  test("what the host sends goes onto the link, whole, with the time of its arrival", () => {
    const { simulator, wire, arrive, times, pool, made } = setUp();
    const received = receiver(wire.b);
    for (const length of [14, 60, 1514]) arrive(frame(length, length), length * 10);
    simulator.run();
    expect(received).toEqual([frame(14, 14), frame(60, 60), frame(1514, 1514)]);
    expect(times).toEqual([140, 600, 15_140]);
    expect(made.stats()).toMatchObject({ rxFrames: 3, rxBytes: 1588 });
    expect(pool.stats.inUse).toBe(0);
  });

  test("what comes over the link goes out, and its memory is given back", () => {
    const { simulator, wire, sent, pool, made } = setUp();
    wire.b.send(pool.from(frame(60, 1))!);
    wire.b.send(pool.from(frame(1514, 2))!);
    simulator.run();
    expect(sent).toEqual([frame(60, 1), frame(1514, 2)]);
    expect(made.stats()).toMatchObject({ txFrames: 2, txBytes: 1574 });
    expect(pool.stats.inUse).toBe(0);
  });

  test("behaviour 15: outside the run, frames are dropped as END_OF_RUN", () => {
    const { simulator, wire, arrive, made } = setUp({ refusal: "END_OF_RUN" });
    const received = receiver(wire.b);
    arrive(frame(60), 0);
    simulator.run();
    expect(received).toEqual([]);
    expect(made.stats().rxDrops).toEqual({ END_OF_RUN: 1 });
  });

  test("behaviour 14: an empty pool: NOMEM", () => {
    const pool = new PacketPool({ small: 1, jumbo: 0, super: 0 });
    const { arrive, made } = setUp({ pool });
    const held = pool.alloc(10)!;
    arrive(frame(60), 0);
    expect(made.stats()).toMatchObject({ rxFrames: 0, rxDrops: { NOMEM: 1 } });
    held.release();
  });

  test("a port that breaks is told", () => {
    const { fail, failures } = setUp();
    const error = new Error("gone");
    fail(error);
    expect(failures).toEqual([error]);
  });
});
