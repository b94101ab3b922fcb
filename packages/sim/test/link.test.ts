import { expect, test } from "vitest";
import { createSimulation } from "../src/index.ts";

test("L1 a frame of 1500 bytes takes 240 µs on 50 Mbit/s, then the delay", () => {
  const world = createSimulation();
  const link = world.link({ rate: 50_000_000, framing: "none", delay: 20_000_000 });
  const arrivals: number[] = [];
  link.b.attach({
    receiveFrame(frame, now) {
      arrivals.push(now);
      frame.release();
    },
  });
  for (let i = 0; i < 3; i++) link.a.send(world.pool.from(new Uint8Array(1500))!);
  world.run();
  expect(arrivals).toEqual([20_240_000, 20_480_000, 20_720_000]);
  expect(world.pool.stats.inUse).toBe(0);
});
