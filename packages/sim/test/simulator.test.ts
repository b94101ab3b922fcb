import { NEVER } from "@seville/core";
import { describe, expect, test } from "vitest";
import { EventError, Simulator, type RunProgress } from "../src/index.ts";

/** A simulator, and the list that its events write to. */
function world(): { sim: Simulator; log: string[]; at: (time: number, name: string) => number } {
  const sim = new Simulator();
  const log: string[] = [];
  return { sim, log, at: (time, name) => sim.scheduleCall(time, () => void log.push(`${name}@${sim.now}`)) };
}

describe("order and time", () => {
  test("E1 events fire in order of time, ties in order of scheduling", () => {
    const { sim, log, at } = world();
    at(20, "c");
    at(10, "a");
    at(20, "d");
    at(10, "b");
    expect(sim.run()).toEqual({ end: "idle", now: 20, events: 4 });
    expect(log).toEqual(["a@10", "b@10", "c@20", "d@20"]);
  });

  test("E2 a time that has passed means now, after those already due now", () => {
    const { sim, log, at } = world();
    sim.scheduleCall(100, () => {
      at(50, "late");
      at(-3, "later");
    });
    at(100, "beside");
    sim.run();
    expect(log).toEqual(["beside@100", "late@100", "later@100"]);
  });

  test("E3 a fraction is rounded up: no alarm rings early", () => {
    const { sim, log, at } = world();
    at(10.000001, "x");
    at(10, "y");
    at(-0.5, "z");
    sim.run();
    expect(log).toEqual(["z@0", "y@10", "x@11"]);
  });

  test.each([NaN, NEVER, 2 ** 53])("E3 scheduling at %d is an error that names the argument", (time) => {
    const { sim, at } = world();
    expect(() => at(time, "x")).toThrow(expect.objectContaining({ code: "ERR_INVALID_ARGUMENT", argument: "at" }));
    expect(sim.pending).toBe(0);
  });

  test("E3 times are exact up to 2^53 - 1", () => {
    const { sim, log, at } = world();
    at(Number.MAX_SAFE_INTEGER, "last");
    at(Number.MAX_SAFE_INTEGER - 1, "last but one");
    sim.run();
    expect(log).toEqual([`last but one@${2 ** 53 - 2}`, `last@${2 ** 53 - 1}`]);
  });

  test("E4 cancel takes back what is pending and nothing else", () => {
    const { sim, log, at } = world();
    const a = at(10, "a");
    const b = at(10, "b");
    at(10, "c");
    expect(sim.cancel(b)).toBe(true);
    expect(sim.cancel(b)).toBe(false);
    sim.run();
    expect(sim.cancel(a)).toBe(false);
    expect(log).toEqual(["a@10", "c@10"]);
  });

  test("E4 an event may cancel one that is due at the same time", () => {
    const { sim, log, at } = world();
    sim.scheduleCall(5, () => sim.cancel(victim));
    const victim = at(5, "victim");
    at(5, "witness");
    sim.run();
    expect(log).toEqual(["witness@5"]);
  });

  test("one handler serves many events, told apart by argument", () => {
    const sim = new Simulator();
    const seen: [number, number][] = [];
    const handler = { handleEvent: (argument: number, now: number) => void seen.push([argument, now]) };
    sim.schedule(2, handler, 7);
    sim.schedule(1, handler, 2 ** 40);
    sim.schedule(3, handler);
    sim.run();
    expect(seen).toEqual([
      [2 ** 40, 1],
      [7, 2],
      [0, 3],
    ]);
  });
});

describe("run", () => {
  test("E5 until is inclusive, and the clock ends there", () => {
    const { sim, log, at } = world();
    at(10, "a");
    at(11, "b");
    expect(sim.run({ until: 10 })).toEqual({ end: "until", now: 10, events: 1 });
    expect(sim.run({ until: 1000 })).toEqual({ end: "idle", now: 1000, events: 1 });
    expect(log).toEqual(["a@10", "b@11"]);
    expect(sim.nextEventAt).toBe(Infinity);
  });

  test("E5 between two runs an earlier event may still be scheduled", () => {
    const { sim, log, at } = world();
    at(1_000_000, "far");
    at(1_000_001, "further");
    sim.run({ until: 500 });
    at(501, "near");
    expect(sim.nextEventAt).toBe(501);
    sim.run();
    expect(log).toEqual(["near@501", "far@1000000", "further@1000001"]);
  });

  test.each([NaN, -1, 2 ** 53 + 2])("E5 until %d is an error", (until) => {
    expect(() => new Simulator().run({ until })).toThrow(expect.objectContaining({ argument: "until" }));
  });

  test("E5 until must not lie in the past", () => {
    const sim = new Simulator();
    sim.run({ until: 100 });
    expect(() => sim.run({ until: 99 })).toThrow(expect.objectContaining({ argument: "until" }));
    expect(sim.run({ until: 100 }).now).toBe(100);
  });

  test("E6 an event budget ends a world in which time does not pass", () => {
    const sim = new Simulator();
    const forever = { handleEvent: (): void => void sim.schedule(sim.now, forever) };
    sim.schedule(7, forever);
    expect(sim.run({ maxEvents: 1000 })).toEqual({ end: "budget", now: 7, events: 1000 });
    expect(sim.events).toBe(1000);
    expect(sim.pending).toBe(1);
  });

  test.each([0, -1, 1.5, NaN])("E6 a budget of %d is an error", (maxEvents) => {
    expect(() => new Simulator().run({ maxEvents })).toThrow(expect.objectContaining({ argument: "maxEvents" }));
  });

  test("E7 pause returns after the present event, resume goes on as the run was asked for", () => {
    const { sim, log, at } = world();
    at(10, "a");
    sim.scheduleCall(10, () => sim.pause());
    at(10, "b");
    at(99, "too late");
    expect(sim.run({ until: 50 })).toEqual({ end: "paused", now: 10, events: 2 });
    expect(log).toEqual(["a@10"]);
    expect(sim.resume()).toEqual({ end: "until", now: 50, events: 1 });
    expect(log).toEqual(["a@10", "b@10"]);
  });

  test("E8 stop ends the world for good", () => {
    const { sim, log, at } = world();
    sim.scheduleCall(1, () => {
      sim.stop();
      at(1, "never");
    });
    at(2, "never");
    expect(sim.run()).toEqual({ end: "stopped", now: 1, events: 1 });
    at(3, "never");
    expect(sim.run({ until: 10 })).toEqual({ end: "stopped", now: 1, events: 0 });
    expect(sim.step()).toBe(false);
    expect(log).toEqual([]);
  });

  test("E8 stop between runs forgets what is pending", () => {
    const { sim, at } = world();
    at(3, "never");
    sim.stop();
    expect(sim.pending).toBe(0);
    expect(sim.stopped).toBe(true);
  });

  test("E9 what a handler throws surfaces with the time of its event, and the world can go on", () => {
    const { sim, log, at } = world();
    const cause = new TypeError("no such thing");
    sim.scheduleCall(1_500_000_000, () => {
      throw cause;
    });
    at(1_500_000_000, "next");
    let caught: unknown;
    try {
      sim.run();
    } catch (error) {
      caught = error;
    }
    expect(caught).toBeInstanceOf(EventError);
    expect(caught).toMatchObject({
      code: "ERR_EVENT_FAILED",
      at: 1_500_000_000,
      message: "at 1.500000000 s: no such thing",
      cause,
    });
    sim.run();
    expect(log).toEqual(["next@1500000000"]);
  });

  test("E10 progress is told every so many events, with the end in sight", () => {
    const sim = new Simulator();
    const told: RunProgress[] = [];
    const tick = { handleEvent: (): void => void sim.schedule(sim.now + 10, tick) };
    sim.schedule(0, tick);
    sim.run({ until: 95, progressEvery: 4, onProgress: (progress) => void told.push(progress) });
    expect(told).toEqual([
      { now: 30, until: 95, events: 4 },
      { now: 70, until: 95, events: 8 },
    ]);
  });

  test("E10 onProgress may pause", () => {
    const sim = new Simulator();
    const tick = { handleEvent: (): void => void sim.schedule(sim.now + 1, tick) };
    sim.schedule(0, tick);
    expect(sim.run({ progressEvery: 5, onProgress: () => sim.pause() })).toEqual({ end: "paused", now: 4, events: 5 });
  });

  test("E11 a handler cannot run the simulator that called it", () => {
    const sim = new Simulator();
    sim.scheduleCall(1, () => void sim.run());
    expect(() => sim.run()).toThrow(
      expect.objectContaining({
        code: "ERR_EVENT_FAILED",
        cause: expect.objectContaining({ code: "ERR_RUNNING" }) as unknown,
      }),
    );
  });

  test("E12 step fires one event, whenever it is due", () => {
    const { sim, log, at } = world();
    at(5_000_000_000, "a");
    sim.scheduleCall(5_000_000_001, () => sim.pause());
    expect(sim.step()).toBe(true);
    expect(sim.now).toBe(5_000_000_000);
    expect(sim.step()).toBe(true);
    expect(sim.step()).toBe(false);
    expect(log).toEqual(["a@5000000000"]);
  });
});

test("E13 each label has a stream of random numbers of its own", () => {
  const draws = (label: string, noise: boolean): number[] => {
    const sim = new Simulator();
    if (noise) for (let i = 0; i < 10; i++) sim.random("somebody else").uint32();
    const random = sim.random(label);
    return [random.uint32(), random.uint32()];
  };
  expect(draws("a", true)).toEqual(draws("a", false));
  expect(draws("a", false)).not.toEqual(draws("b", false));
});
