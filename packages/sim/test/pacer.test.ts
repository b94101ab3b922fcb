import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Lateness, Pacer, Simulator, type PacerOptions } from "../src/index.ts";

const MS = 1_000_000;

/** A wall clock that the test turns, a simulator, and a pacer between them. */
function setUp(options: Partial<PacerOptions> = {}) {
  const simulator = new Simulator();
  const log: string[] = [];
  const wall = { now: 1_000_000 * MS };
  const pacer = new Pacer({ simulator, clock: () => wall.now, ...options });
  const at = (ms: number, name: string) =>
    simulator.scheduleCall(ms * MS, () => void log.push(`${name} at ${simulator.now / MS}`));
  return { simulator, pacer, wall, log, at };
}

describe("pacing", () => {
  test("P1 fires what is due and says how long to sleep for the rest", () => {
    const { pacer, wall, log, at, simulator } = setUp();
    at(10, "a");
    at(25, "b");
    expect(pacer.advance()).toBe(10 * MS);
    wall.now += 10 * MS;
    expect(pacer.advance()).toBe(15 * MS);
    expect(log).toEqual(["a at 10"]);
    wall.now += 15 * MS;
    expect(pacer.advance()).toBe(Infinity);
    expect(log).toEqual(["a at 10", "b at 25"]);
    expect(simulator.now).toBe(25 * MS);
  });

  test.each([
    [0.1, 100],
    [1, 10],
    [10, 1],
  ])("P2 at speed %d an event at 10 ms is due after %d ms", (speed, wallMs) => {
    const { pacer, wall, log, at } = setUp({ speed });
    at(10, "a");
    expect(pacer.advance()).toBe(wallMs * MS);
    wall.now += wallMs * MS - 1;
    expect(pacer.advance()).toBe(1);
    expect(log).toEqual([]);
    wall.now += 1;
    pacer.advance();
    expect(log).toEqual(["a at 10"]);
  });

  test("P2 a change of speed counts from now on", () => {
    const { pacer, wall, at } = setUp();
    at(20, "a");
    wall.now += 10 * MS;
    pacer.speed = 0.5;
    expect(pacer.virtualNow).toBe(10 * MS);
    expect(pacer.advance()).toBe(20 * MS);
    expect(pacer.speed).toBe(0.5);
  });

  test("P3 a late event happens at its own virtual time, and its lateness is recorded", () => {
    const { pacer, wall, log, at } = setUp();
    at(10, "a");
    at(12, "b");
    wall.now += 13 * MS;
    pacer.advance();
    expect(log).toEqual(["a at 10", "b at 12"]);
    expect(pacer.lateness.count).toBe(2);
    expect(pacer.lateness.max).toBe(3 * MS);
    expect(pacer.lateness.mean).toBe(2 * MS);
  });

  test("P3 lateness is wall-clock time, whatever the speed", () => {
    const { pacer, wall, at } = setUp({ speed: 10 });
    at(10, "a");
    wall.now += 3 * MS;
    pacer.advance();
    expect(pacer.lateness.max).toBe(2 * MS);
  });

  test("P3 the time that a handler takes makes the next one late", () => {
    const { pacer, wall, simulator, at } = setUp();
    simulator.scheduleCall(10 * MS, () => void (wall.now += 5 * MS));
    at(11, "b");
    wall.now += 10 * MS;
    pacer.advance();
    expect(pacer.lateness.count).toBe(2);
    expect(pacer.lateness.percentile(0.5)).toBe(0);
    expect(pacer.lateness.max).toBe(4 * MS);
  });

  test("P4 input arrives at the present virtual time, after what was due before it", () => {
    const { pacer, wall, log, at, simulator } = setUp();
    at(10, "a");
    wall.now += 15 * MS;
    pacer.inject((now) => {
      log.push(`input at ${now / MS}`);
      simulator.scheduleCall(now + 2 * MS, () => void log.push(`reply at ${simulator.now / MS}`));
    });
    expect(log).toEqual(["a at 10", "input at 15"]);
    expect(pacer.advance()).toBe(2 * MS);
    wall.now += 2 * MS;
    pacer.advance();
    expect(log.at(-1)).toBe("reply at 17");
  });

  test("P4 input that tells when it came is put there, unless the virtual clock has passed that", () => {
    const { pacer, wall, at, simulator } = setUp();
    const start = wall.now;
    at(10, "a");
    wall.now += 15 * MS;
    const times: number[] = [];
    pacer.inject((now) => times.push(now / MS), start + 12 * MS);
    expect(simulator.now).toBe(12 * MS);
    // Late by the clock on the wall as it is, not as it was.
    expect(pacer.lateness.max).toBe(5 * MS);
    pacer.inject((now) => times.push(now / MS), start + 11 * MS);
    pacer.inject((now) => times.push(now / MS), start + 99 * MS);
    expect(times).toEqual([12, 12, 15]);
  });

  test("P4 input that says when it came arrives at that time, unless the virtual clock has passed it", () => {
    const { pacer, wall, log, at } = setUp();
    const begin = wall.now;
    const note = (now: number): void => void log.push(`input at ${now / MS}`);
    at(10, "a");
    at(14, "b");
    wall.now += 15 * MS;
    pacer.inject(note, begin + 12 * MS);
    pacer.inject(note, begin + 11 * MS);
    pacer.inject(note, begin + 99 * MS);
    expect(log).toEqual(["a at 10", "input at 12", "input at 12", "b at 14", "input at 15"]);
  });

  test("P7 input that finds the virtual clock far behind does not drag it along", () => {
    const { pacer, wall, simulator, at } = setUp({ slipAfter: 100 * MS });
    at(10, "a");
    at(5000, "b");
    wall.now += 60_000 * MS;
    let arrived = -1;
    pacer.inject((now) => void (arrived = now));
    expect(arrived).toBe(10 * MS);
    expect(simulator.now).toBe(10 * MS);
    expect(pacer.advance()).toBe(4990 * MS);
  });

  test("P5 while paused virtual time stands still", () => {
    const { pacer, wall, log, at } = setUp();
    at(10, "a");
    wall.now += 4 * MS;
    pacer.pause();
    pacer.pause();
    wall.now += 1000 * MS;
    expect(pacer.paused).toBe(true);
    expect(pacer.advance()).toBe(Infinity);
    expect(pacer.virtualNow).toBe(4 * MS);
    pacer.resume();
    pacer.resume();
    expect(pacer.advance()).toBe(6 * MS);
    wall.now += 6 * MS;
    pacer.advance();
    expect(log).toEqual(["a at 10"]);
    expect(pacer.lateness.max).toBe(0);
  });

  test("P5 input during a pause arrives at the time of the pause", () => {
    const { pacer, wall, simulator } = setUp();
    wall.now += 4 * MS;
    pacer.advance();
    pacer.pause();
    wall.now += 100 * MS;
    let at = -1;
    pacer.inject((now) => void (at = now));
    expect(at).toBe(4 * MS);
    expect(simulator.now).toBe(4 * MS);
  });

  test("P6 it gives the driver a turn after a batch", () => {
    const { pacer, log, at } = setUp({ batch: 2 });
    for (const name of ["a", "b", "c"]) at(0, name);
    expect(pacer.advance()).toBe(0);
    expect(log).toEqual(["a at 0", "b at 0"]);
    expect(pacer.advance()).toBe(Infinity);
    expect(log).toHaveLength(3);
  });

  test("P7 by default it catches up after a long sleep", () => {
    const { pacer, wall, log, at } = setUp();
    at(10, "a");
    at(5000, "b");
    wall.now += 60_000 * MS;
    pacer.advance();
    expect(log).toEqual(["a at 10", "b at 5000"]);
    expect(pacer.slipped).toBe(0);
  });

  test("P7 with slipAfter it goes on from where it was instead", () => {
    const { pacer, wall, log, at } = setUp({ slipAfter: 100 * MS });
    at(10, "a");
    at(5000, "b");
    wall.now += 60_000 * MS;
    expect(pacer.advance()).toBe(4990 * MS);
    expect(log).toEqual(["a at 10"]);
    expect(pacer.slipped).toBe(59_990 * MS);
    expect(pacer.lateness.max).toBe(59_990 * MS);
  });

  test("P8 a stopped simulator has nothing left to wait for", () => {
    const { pacer, wall, simulator, at } = setUp();
    at(10, "a");
    simulator.scheduleCall(5 * MS, () => simulator.stop());
    wall.now += 20 * MS;
    expect(pacer.advance()).toBe(Infinity);
    expect(pacer.advance()).toBe(Infinity);
    let injected = false;
    pacer.inject(() => void (injected = true));
    expect(injected).toBe(true);
  });

  test.each([
    ["speed", 0],
    ["speed", Infinity],
    ["speed", NaN],
    ["batch", 0],
    ["slipAfter", 0],
  ])("%s = %d is an error that names it", (name, value) => {
    expect(() => setUp({ [name]: value })).toThrow(expect.objectContaining({ argument: name }));
  });
});

describe("the record of lateness", () => {
  test("P3 percentiles are at most 6.25 % above the true ones", () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.nat(100), fc.nat(10_000_000), fc.integer({ min: 0, max: 2 ** 52 })), { minLength: 1 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (values, share) => {
          const record = new Lateness();
          for (const value of values) record.record(value);
          const sorted = values.toSorted((x, y) => x - y);
          const truth = sorted[Math.max(1, Math.ceil(share * sorted.length)) - 1]!;
          const said = record.percentile(share);
          expect(said).toBeGreaterThanOrEqual(truth);
          expect(said).toBeLessThanOrEqual(truth * 1.0625);
          expect(record.max).toBe(sorted.at(-1));
        },
      ),
    );
  });

  test("P3 nothing recorded is no lateness; early counts as in time", () => {
    const record = new Lateness();
    expect([record.percentile(0.99), record.mean, record.max]).toEqual([0, 0, 0]);
    record.record(-5);
    expect([record.count, record.max]).toEqual([1, 0]);
    expect(() => record.percentile(1.1)).toThrow(expect.objectContaining({ argument: "share" }));
  });
});
