import type { EventId, Nanos, Scheduler } from "@seville/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Simulator } from "../src/index.ts";
import { NONE, TimingWheel } from "../src/timing-wheel.ts";
import { NaiveScheduler } from "./naive-scheduler.ts";

type Command =
  | { readonly do: "schedule"; readonly delay: Nanos; readonly children: readonly Nanos[] }
  | { readonly do: "cancel"; readonly which: number }
  | { readonly do: "step" }
  | { readonly do: "peek" }
  | { readonly do: "run"; readonly for: Nanos };

/** Delays of every magnitude: each level of the wheel, its borders, and many ties. */
const delay = fc.oneof(
  fc.constantFrom(0, 0, 1, 255, 256, 257, 65_535, 65_536, 2 ** 24, 2 ** 32 - 1, 2 ** 32, 2 ** 32 + 1, 2 ** 40, 2 ** 48),
  fc.nat(3),
  fc.nat(1000),
  fc.nat(2_000_000),
  fc.integer({ min: 0, max: 2 ** 45 }),
);

const command: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ do: fc.constant("schedule" as const), delay, children: fc.array(delay, { maxLength: 3 }) }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("cancel" as const), which: fc.nat() }) },
  { weight: 2, arbitrary: fc.constant({ do: "step" as const }) },
  { weight: 1, arbitrary: fc.constant({ do: "peek" as const }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("run" as const), for: delay }) },
);

interface Steppable extends Scheduler {
  readonly pending: number;
  readonly nextEventAt: Nanos;
  step(): boolean;
}

/** What a scheduler does with `commands`, as text: the same text means the same behaviour. */
function traceOf(world: Steppable, run: (until: Nanos) => void, commands: readonly Command[]): string[] {
  const trace: string[] = [];
  const ids: EventId[] = [];
  let serial = 0;
  const add = (after: Nanos, children: readonly Nanos[]): void => {
    const number = serial++;
    const handler = {
      handleEvent(argument: number, now: Nanos): void {
        trace.push(`${argument}@${now}`);
        for (const child of children) add(child, []);
      },
    };
    ids.push(world.schedule(world.now + after, handler, number));
  };
  for (const next of commands) {
    if (next.do === "schedule") add(next.delay, next.children);
    else if (next.do === "cancel" && ids.length > 0)
      trace.push(`cancel ${world.cancel(ids[next.which % ids.length]!)}`);
    else if (next.do === "step") trace.push(`step ${world.step()}`);
    else if (next.do === "peek") trace.push(`next ${world.nextEventAt}`);
    else if (next.do === "run") run(world.now + next.for);
    trace.push(`${world.now} ${world.pending}`);
  }
  while (world.step());
  return trace;
}

describe("the timing wheel", () => {
  test("E1 E4 does what a sorted array does, whatever is asked of it", () => {
    fc.assert(
      fc.property(fc.array(command, { maxLength: 120, size: "large" }), (commands) => {
        const simulator = new Simulator();
        const naive = new NaiveScheduler();
        const ours = traceOf(simulator, (until) => void simulator.run({ until }), commands);
        expect(ours).toEqual(traceOf(naive, (until) => naive.run(until), commands));
      }),
      { numRuns: 300 },
    );
  });

  test("E1 keeps the order of 20 000 events with many ties", () => {
    const simulator = new Simulator();
    const random = simulator.random("times");
    const expected: { at: Nanos; serial: number }[] = [];
    const fired: { at: Nanos; serial: number }[] = [];
    const handler = { handleEvent: (serial: number, at: Nanos) => void fired.push({ at, serial }) };
    for (let serial = 0; serial < 20_000; serial++) {
      const at = random.below(4) === 0 ? random.below(2 ** 34) : random.below(5000);
      expected.push({ at, serial });
      simulator.schedule(at, handler, serial);
    }
    simulator.run();
    expected.sort((x, y) => x.at - y.at || x.serial - y.serial);
    expect(fired).toEqual(expected);
  });

  test("E4 an id is never given out twice, and a stale one takes nothing back", () => {
    const wheel = new TimingWheel();
    const handler = { handleEvent: () => undefined };
    const seen = new Set<EventId>();
    for (let round = 0; round < 5000; round++) {
      const id = wheel.add(round, handler, 0);
      expect(seen.has(id)).toBe(false);
      seen.add(id);
      if (round % 2 === 0) expect(wheel.cancel(id)).toBe(true);
      else wheel.release(wheel.take(Infinity));
      expect(wheel.cancel(id)).toBe(false);
    }
    const pending = wheel.add(9000, handler, 0);
    for (const id of seen) expect(wheel.cancel(id)).toBe(false);
    expect(wheel.size).toBe(1);
    expect(wheel.cancel(pending)).toBe(true);
  });

  test.each([0, NaN, -1, 0.5, Infinity, -Infinity, 2 ** 53, 2 ** 25, 2 ** 24 + 1, 1e300])(
    "E4 cancel(%d), which is no id, is refused",
    (id) => {
      const wheel = new TimingWheel();
      wheel.add(1, { handleEvent: () => undefined }, 0);
      expect(wheel.cancel(id)).toBe(false);
      expect(wheel.size).toBe(1);
    },
  );

  test("E5 does not move for an event that is due after the limit", () => {
    const wheel = new TimingWheel();
    const handler = { handleEvent: () => undefined };
    wheel.add(1_000_000, handler, 1);
    wheel.add(1_000_001, handler, 2);
    expect(wheel.take(999_999)).toBe(NONE);
    wheel.add(5, handler, 3);
    expect(wheel.peek()).toBe(5);
    const order = [wheel.take(Infinity), wheel.take(Infinity), wheel.take(Infinity)].map((e) => wheel.argumentOf(e));
    expect(order).toEqual([3, 1, 2]);
  });

  test("clear forgets everything and is usable after", () => {
    const wheel = new TimingWheel();
    const handler = { handleEvent: () => undefined };
    for (let i = 0; i < 1000; i++) wheel.add(i * i * 1000, handler, i);
    wheel.clear();
    expect(wheel.size).toBe(0);
    expect(wheel.peek()).toBe(Infinity);
    wheel.add(2 ** 40, handler, 7);
    expect(wheel.argumentOf(wheel.take(Infinity))).toBe(7);
  });
});
