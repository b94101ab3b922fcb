import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MS, SEC, TestWorld, US } from "./world.ts";

describe("rate and delay", () => {
  test("L1 1500 bytes take 240 µs on 50 Mbit/s, then the delay", () => {
    const world = new TestWorld({ rate: 50_000_000, delay: 20 * MS });
    world.send(3, 1500);
    world.run();
    expect(world.arrivals).toEqual([20_240_000, 20_480_000, 20_720_000]);
    expect(world.inUse).toBe(0);
  });

  test("L2 with Ethernet framing the next frame waits for the gap, and the last bit of the FCS is what arrives", () => {
    const world = new TestWorld({ rate: 1_000_000_000, framing: "ethernet" });
    world.send(2, 1514);
    world.run();
    // 8 + 1514 + 4 bytes, then 12 bytes of gap, at 8 ns a byte.
    expect(world.arrivals).toEqual([12_208, 12_304 + 12_208]);
    expect(world.link.stats("aToB").busy).toBe(2 * 12_304);
  });

  test("L1 without a rate a frame arrives after the delay, whatever its size", () => {
    const world = new TestWorld({ delay: 5 * MS, mtu: 9000 });
    world.send(1, 9000);
    world.send(1, 60);
    world.run();
    expect(world.arrivals).toEqual([5 * MS, 5 * MS]);
    expect(world.order).toEqual([0, 1]);
  });

  test("L3 a line of 7 Gbit/s carries 7 Gbit/s", () => {
    const world = new TestWorld({ rate: 7_000_000_000, queue: { kind: "fifo", limitPackets: 5000 } });
    world.send(1400, 125);
    world.run();
    expect(world.arrivals.at(-1)).toBe((1400 * 1000) / 7);
    expect(world.link.stats("aToB").busy).toBe(200_000);
  });

  test("L4 the directions are independent, and each may have options of its own", () => {
    const world = new TestWorld({
      rate: 8_000_000,
      aToB: { delay: 1 * MS },
      bToA: { rate: 80_000_000, delay: 3 * MS },
    });
    world.send(2);
    world.sendBack(2);
    world.run();
    expect(world.arrivals).toEqual([2 * MS, 3 * MS]);
    expect(world.atA.map(({ at }) => at)).toEqual([3 * MS + 100 * US, 3 * MS + 200 * US]);
  });

  test("L5 a frame sent while the line is busy follows at once, one sent later finds it free", () => {
    const world = new TestWorld({ rate: 8_000_000 });
    world.send();
    world.at(0.5 * MS, () => world.send());
    world.at(5 * MS, () => world.send());
    world.run();
    expect(world.arrivals).toEqual([1 * MS, 2 * MS, 6 * MS]);
  });

  test("agrees with a naive model of queue, line and delay", () => {
    const sends = fc.array(fc.record({ gap: fc.nat(300_000), bytes: fc.integer({ min: 60, max: 1514 }) }), {
      maxLength: 80,
    });
    fc.assert(
      fc.property(
        sends,
        fc.integer({ min: 1_000_000, max: 10_000_000_000 }),
        fc.nat(10 * MS),
        fc.integer({ min: 1, max: 10 }),
        fc.constantFrom("ethernet" as const, "none" as const),
        (frames, rate, delay, limit, framing) => {
          const world = new TestWorld({ rate, delay, framing, queue: { kind: "fifo", limitPackets: limit } });
          let time = 0;
          const schedule = frames.map(({ gap, bytes }) => ({ at: (time += gap), bytes }));
          for (const { at, bytes } of schedule) world.at(at, () => world.send(1, bytes));
          world.run();
          expect(world.arrivals).toEqual(naiveLink(schedule, { rate, delay, limit, framing }));
          expect(world.inUse).toBe(0);
        },
      ),
      { numRuns: 300 },
    );
  });
});

/**
 * Arrival times of the frames that a drop-tail queue of `limit` does not refuse. Times are exact fractions, as numerators
 * over `rate`; arrivals are rounded up.
 */
function naiveLink(
  sends: readonly { at: number; bytes: number }[],
  { rate, delay, limit, framing }: { rate: number; delay: number; limit: number; framing: "ethernet" | "none" },
): number[] {
  const per = BigInt(rate);
  const arrivals: number[] = [];
  const starts: bigint[] = [];
  let free = 0n;
  for (const { at, bytes } of sends) {
    const now = BigInt(at) * per;
    // The line takes a frame at a whole nanosecond: at the first at which it is free.
    const waiting = starts.filter((start) => ceil(start, per) > BigInt(at)).length;
    if (waiting >= limit && ceil(free, per) > BigInt(at)) continue;
    const start = ceil(free, per) < BigInt(at) ? now : free;
    const line = framing === "none" ? bytes : 8 + Math.max(60, bytes) + 4;
    const gap = framing === "none" ? 0 : 12;
    const end = start + BigInt(line * 8) * 1_000_000_000n;
    starts.push(start);
    free = end + BigInt(gap * 8) * 1_000_000_000n;
    arrivals.push(Number(ceil(end, per)) + delay);
  }
  return arrivals;
}

function ceil(numerator: bigint, denominator: bigint): bigint {
  return (numerator + denominator - 1n) / denominator;
}

describe("changes while it runs", () => {
  test("L6 a rate step: the frame on the line keeps its rate, the next has the new one", () => {
    const world = new TestWorld({ rate: 8_000_000 });
    world.send(3);
    world.at(0.5 * MS, () => world.set({ rate: 80_000_000 }));
    world.run();
    expect(world.arrivals).toEqual([1 * MS, 1.1 * MS, 1.2 * MS]);
  });

  test("L6 from no rate to a rate and back", () => {
    const world = new TestWorld();
    world.set({ rate: 8_000_000 });
    world.send(2);
    world.run();
    world.set({ rate: Infinity });
    world.send(1);
    world.run();
    expect(world.arrivals).toEqual([1 * MS, 2 * MS, 2 * MS]);
  });

  test("L7 a delay that becomes shorter reorders nothing", () => {
    const world = new TestWorld({ delay: 100 * MS });
    world.send();
    world.at(10 * MS, () => {
      world.set({ delay: 5 * MS });
      world.send();
    });
    world.at(150 * MS, () => world.send());
    world.run();
    expect(world.arrivals).toEqual([100 * MS, 100 * MS, 155 * MS]);
    expect(world.order).toEqual([0, 1, 2]);
    expect(world.link.stats("aToB").reordered).toBe(0);
  });

  test("L7 unless jitter with reordering is on", () => {
    const world = new TestWorld({ delay: 100 * MS, jitter: { deviation: 1, reorder: true } });
    world.send();
    world.at(10 * MS, () => {
      world.set({ delay: 5 * MS });
      world.send();
    });
    world.run();
    expect(world.order).toEqual([1, 0]);
    expect(world.link.stats("aToB").reordered).toBe(1);
  });

  test("L7 a delay that becomes longer holds for what is sent from then on", () => {
    const world = new TestWorld({ delay: 10 * MS });
    world.send();
    world.set({ delay: 20 * MS });
    world.send();
    world.run();
    expect(world.arrivals).toEqual([10 * MS, 20 * MS]);
  });

  test.each([
    ["rate", { rate: 0 }],
    ["rate", { rate: 1.5 }],
    ["delay", { delay: -1 }],
    ["delay", { delay: 0.5 }],
    ["mtu", { mtu: 67 }],
    ["framing", { framing: "atm" as "none" }],
    ["loss", { loss: 1.1 }],
    ["loss.model", { loss: { model: "bad" } as never }],
    ["loss.p13 + loss.p14", { loss: { model: "state", p13: 0.7, p14: 0.7 } as const }],
    ["duplicate", { duplicate: NaN }],
    ["corrupt.correlation", { corrupt: { probability: 0.1, correlation: 2 } }],
    ["reorder.gap", { reorder: { probability: 0.1, gap: 0 } }],
    ["jitter.deviation", { jitter: -5 }],
    ["jitter.distribution", { jitter: { deviation: 5, distribution: "cauchy" as "normal" } }],
    ["queue.kind", { queue: { kind: "none" } as never }],
  ])("L19 a bad %s is an error that names it, and nothing changes", (argument, options) => {
    const world = new TestWorld({ rate: 8_000_000, delay: 1 * MS });
    expect(() => world.set({ rate: 1000, delay: 1, mtu: 100, ...options })).toThrow(
      expect.objectContaining({ code: "ERR_INVALID_ARGUMENT", argument }),
    );
    world.send();
    world.run();
    expect(world.arrivals).toEqual([2 * MS]);
    expect(() => new TestWorld(options)).toThrow(expect.objectContaining({ argument }));
  });
});

test("L20 a frame costs one event on a line that is free, and two on one that is busy", () => {
  const idle = new TestWorld({ rate: 8_000_000, delay: 1 * MS });
  idle.stream(100, 5 * MS);
  // 100 more are the test's own.
  expect(idle.simulation.simulator.events).toBe(200);
  const busy = new TestWorld({ rate: 8_000_000, delay: 1 * MS });
  busy.send(100);
  busy.run();
  expect(busy.simulation.simulator.events).toBeLessThanOrEqual(200);
});

test("utilisation: the transmitter is busy for as long as its frames take", () => {
  const world = new TestWorld({ rate: 8_000_000 });
  world.send(10);
  world.run(1 * SEC);
  expect(world.link.stats("aToB").busy / world.now).toBe(0.01);
  expect(world.link.stats("bToA").busy).toBe(0);
});
