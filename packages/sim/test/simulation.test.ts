import { createRandom, millis, parseRate } from "@seville/core";
import { PacketPool } from "@seville/packet";
import { expect, test } from "vitest";
import { createSimulation } from "../src/index.ts";

const small = { small: 8, jumbo: 0, super: 0 };

test("W1 a simulation owns a clock, a pool, the root of all dice and its links", () => {
  const world = createSimulation({ seed: "flood", pool: small });
  const link = world.link({ name: "wan", delay: 10 });
  expect(world.links).toEqual([link]);
  expect(world.pool.stats.capacity).toBe(8);
  expect(world.random("x").uint32()).toBe(createRandom("flood").fork("x").uint32());
  expect(world.simulator.random("x").uint32()).toBe(world.random("x").uint32());
  world.simulator.scheduleCall(5, () => link.a.send(world.pool.from(new Uint8Array(60))!));
  let at = -1;
  link.b.attach({
    receiveFrame(frame, now) {
      at = now;
      frame.release();
    },
  });
  expect(world.run({ until: 100 })).toEqual({ end: "idle", now: 100, events: 2 });
  expect(at).toBe(15);
});

test("W2 close ends the world and empties it", () => {
  const pool = new PacketPool(small);
  const world = createSimulation({ pool });
  const link = world.link({ delay: 1000 });
  link.a.send(pool.from(new Uint8Array(60))!);
  world.run({ until: 500 });
  expect(world.close()).toBe(500);
  expect(pool.stats.inUse).toBe(0);
  expect(link.stats("aToB").dropped).toEqual({ END_OF_RUN: 1 });
  expect(world.run().end).toBe("stopped");
});

test("W3 links without a name are told apart, so that their dice differ", () => {
  const world = createSimulation({ pool: small });
  expect([world.link({}).name, world.link({}).name]).toEqual(["link0", "link1"]);
});

test("the README's example does what it says", () => {
  const world = createSimulation({ seed: 7 });
  const wan = world.link({
    rate: parseRate("10mbit", "rate"),
    delay: millis(20),
    loss: 0.01,
    queue: { kind: "fq_codel" },
  });
  wan.b.attach({ receiveFrame: (frame) => frame.release() });
  world.simulator.scheduleCall(millis(500), () => wan.set({ delay: millis(80) }));
  for (let i = 0; i < 1000; i++) {
    world.simulator.scheduleCall(millis(i), () => wan.a.send(world.pool.from(new Uint8Array(1000))!));
  }
  world.run();
  world.close();
  expect(wan.stats("aToB")).toMatchObject({
    framesDelivered: 992,
    dropped: { LINK_LOSS: 8 },
    busy: 819_200_000,
  });
  expect(world.pool.stats.inUse).toBe(0);
});
