import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { DirectionOptions, LinkDirection, LinkOptions } from "../src/index.ts";
import { MS, numberOf, TestWorld } from "./world.ts";

const chance = fc.constantFrom(0, 0.01, 0.2, 0.7, 1);
const delay = fc.oneof(fc.constant(0), fc.nat(1000), fc.nat(5 * MS));
const correlated = fc.record({ probability: chance, correlation: chance });

const loss: fc.Arbitrary<NonNullable<DirectionOptions["loss"]>> = fc.oneof(
  chance,
  fc.record({ model: fc.constant("random" as const), probability: chance, correlation: chance }),
  fc.record({
    model: fc.constant("gilbert-elliott" as const),
    p: chance,
    r: chance,
    lossInBad: chance,
    lossInGood: chance,
  }),
  fc.record({
    model: fc.constant("state" as const),
    p13: fc.constantFrom(0.1, 0.5),
    p32: fc.constantFrom(0, 0.2),
    p31: fc.constant(0.5),
  }),
  fc.record({ model: fc.constant("script" as const), frames: fc.array(fc.nat(40)) }),
);

const queue: fc.Arbitrary<NonNullable<DirectionOptions["queue"]>> = fc.oneof(
  fc.record({ kind: fc.constant("fifo" as const), limitPackets: fc.integer({ min: 1, max: 20 }) }),
  fc.record({ kind: fc.constant("codel" as const), target: fc.constantFrom(1, MS), interval: fc.constant(10 * MS) }),
  fc.record({ kind: fc.constant("fq_codel" as const), limitPackets: fc.integer({ min: 1, max: 20 }) }),
  fc.constant({ kind: "red" as const, limitBytes: 30_000, min: 2000, max: 6000, burst: 2 }),
  fc.constant({ kind: "tbf" as const, rate: 2_000_000, burst: 1500, limitBytes: 20_000 }),
);

const direction: fc.Arbitrary<DirectionOptions> = fc.record(
  {
    rate: fc.constantFrom(1_000_000, 9_999_991, 10_000_000_000, Infinity),
    framing: fc.constantFrom("ethernet" as const, "none" as const),
    mtu: fc.constantFrom(500, 1500),
    queue,
    delay,
    jitter: fc.record({
      deviation: delay,
      distribution: fc.constantFrom("uniform" as const, "normal" as const, "pareto" as const),
      correlation: chance,
      reorder: fc.boolean(),
    }),
    loss,
    duplicate: correlated,
    corrupt: fc.record({ probability: chance, detect: fc.constantFrom("fcs" as const, "after-fcs" as const) }),
    reorder: fc.record({ probability: chance, gap: fc.integer({ min: 1, max: 4 }) }),
    policer: fc.constant({ rate: 1_000_000, burst: 3000 }),
  },
  { requiredKeys: [] },
);

type Step =
  | { readonly do: "send" | "sendBack"; readonly count: number; readonly bytes: number }
  | { readonly do: "set"; readonly options: DirectionOptions }
  | { readonly do: "up"; readonly up: boolean }
  | { readonly do: "partition" | "heal" };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constantFrom("send" as const, "sendBack" as const),
      count: fc.integer({ min: 1, max: 12 }),
      bytes: fc.integer({ min: 10, max: 1600 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("set" as const), options: direction }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("up" as const), up: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom("partition" as const, "heal" as const) }) },
);

const scenario = fc.array(fc.record({ at: fc.nat(30 * MS), step }), { maxLength: 25 });

/** Plays steps at their times. The trace has all that happened. */
function play(world: TestWorld, steps: readonly { at: number; step: Step }[]): string[] {
  const trace: string[] = [];
  world.link.tap({
    frame: (way, point, frame, now, reason) =>
      void trace.push(
        `${now} ${way} ${point} ${numberOf(frame)} ${frame.length} ${reason ?? ""} ${checksum(frame.bytes())}`,
      ),
  });
  for (const { at, step: next } of steps) world.at(at, () => apply(world, next));
  return trace;
}

function apply(world: TestWorld, next: Step): void {
  if (next.do === "send") world.send(next.count, next.bytes);
  else if (next.do === "sendBack") world.sendBack(next.count, next.bytes);
  else if (next.do === "set") world.set(next.options);
  else if (next.do === "up") world.link.setUp(next.up);
  else if (next.do === "partition") world.link.partition();
  else world.link.heal();
}

function checksum(bytes: Uint8Array): number {
  return bytes.reduce((sum, byte, at) => (sum * 31 + byte * (at + 1)) >>> 0, 7);
}

/** L16, for one direction at this moment. */
function expectConservation(world: TestWorld, way: LinkDirection): void {
  const stats = world.link.stats(way);
  const { queuedFrames, inFlight } = world.link.occupancy(way);
  expect(stats.framesIn + stats.duplicated).toBe(stats.framesDelivered + stats.framesDropped + queuedFrames + inFlight);
  const byReason = Object.values(stats.dropped).reduce((sum, count) => sum + count, 0);
  expect(byReason).toBe(stats.framesDropped);
  expect(stats.framesSent).toBeLessThanOrEqual(stats.framesIn);
  expect(stats.rxCrcErrors).toBe(stats.dropped.LINK_FCS ?? 0);
}

const link = fc.record({ aToB: direction, bToA: direction }) as fc.Arbitrary<Pick<LinkOptions, "aToB" | "bToA">>;

describe("whatever the link does", () => {
  test("L16 no frame is lost track of, at any time, and the pool is as full as before", () => {
    fc.assert(
      fc.property(link, scenario, fc.nat(60 * MS), (options, steps, stopAt) => {
        const world = new TestWorld(options);
        play(world, steps);
        for (let time = 0; time <= stopAt; time += 7 * MS) {
          world.run(Math.max(time, world.now));
          expectConservation(world, "aToB");
          expectConservation(world, "bToA");
        }
        const delivered = world.atA.length + world.atB.length;
        const { framesDelivered } = world.link.stats("aToB");
        expect(framesDelivered + world.link.stats("bToA").framesDelivered).toBe(delivered);
        world.simulation.close();
        expectConservation(world, "aToB");
        expect(world.link.occupancy("aToB")).toEqual({ queuedFrames: 0, queuedBytes: 0, inFlight: 0 });
        expect(world.inUse).toBe(0);
      }),
      { numRuns: 150 },
    );
  });

  test("L17 the same seed gives the same trace, to the byte and the nanosecond", () => {
    fc.assert(
      fc.property(link, scenario, fc.nat(), (options, steps, seed) => {
        const traces = [0, 1].map(() => {
          const world = new TestWorld(options, seed);
          const trace = play(world, steps);
          world.run(200 * MS);
          world.simulation.close();
          return trace;
        });
        expect(traces[1]).toEqual(traces[0]);
      }),
      { numRuns: 60 },
    );
  });

  test("L17 another seed gives another", () => {
    const traceOf = (seed: number): number[] => {
      const world = new TestWorld({ loss: 0.5 }, seed);
      return world.stream(100, 1 * MS, 100).order;
    };
    expect(traceOf(1)).toEqual(traceOf(1));
    expect(traceOf(1)).not.toEqual(traceOf(2));
  });
});

describe("L18 each impairment has its own dice", () => {
  const lostWith = (options: DirectionOptions): number[] => {
    const world = new TestWorld({ loss: 0.2, ...options }, 5);
    world.stream(500, 1 * MS, 100);
    return world.lost.filter(({ reason }) => reason === "LINK_LOSS").map(({ frame }) => frame);
  };

  test.each<[string, DirectionOptions]>([
    ["delay", { delay: 7 * MS }],
    ["jitter", { delay: 7 * MS, jitter: { deviation: 3 * MS, distribution: "normal", reorder: true } }],
    ["duplication", { duplicate: 0.5 }],
    ["corruption", { corrupt: 0.3 }],
    ["reordering", { delay: 7 * MS, reorder: 0.5 }],
    ["another queue", { queue: { kind: "fq_codel" } }],
  ])("L18 %s does not change which frames are lost", (_name, options) => {
    expect(lostWith(options)).toEqual(lostWith({}));
  });

  test("L18 traffic the other way does not, nor another link", () => {
    const lost = (disturb: (world: TestWorld) => void): number[] => {
      const world = new TestWorld({ loss: 0.2 }, 5);
      disturb(world);
      return world.stream(200, 1 * MS, 100).arrivals;
    };
    const alone = lost(() => undefined);
    expect(lost((world) => world.sendBack(50))).toEqual(alone);
    const beside = (world: TestWorld): void => {
      const { pool } = world.simulation;
      const other = world.simulation.link({ loss: 0.5 });
      for (let i = 0; i < 30; i++) other.a.send(pool.from(new Uint8Array(60))!);
    };
    expect(lost(beside)).toEqual(alone);
  });

  test("L18 the two directions differ", () => {
    const world = new TestWorld({ loss: 0.5 }, 5);
    world.send(200);
    world.sendBack(200);
    world.run();
    expect(world.atA.map(({ frame }) => frame - 200)).not.toEqual(world.order);
  });

  test("L18 a draw is made whatever the probability is: more loss loses the same frames and others", () => {
    const few = new Set(lostWith({ loss: 0.1 }));
    const many = new Set(lostWith({ loss: 0.3 }));
    expect([...few].every((frame) => many.has(frame))).toBe(true);
  });
});
