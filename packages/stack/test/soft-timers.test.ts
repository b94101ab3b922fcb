import fc from "fast-check";
import { Simulator } from "@seville/sim";
import { describe, expect, test } from "vitest";
import { idleTimer, NO_TIMER, SoftTimers, type Timed } from "../src/timer/soft-timers.ts";

interface Item extends Timed {
  readonly name: number;
}

function make(name: number): Item {
  return { name, ...idleTimer() };
}

describe("N1 soft timers: many deadlines, one event", () => {
  test("N1 a table of a thousand deadlines costs the scheduler one event", () => {
    const sim = new Simulator();
    const timers = new SoftTimers<Item>(sim, () => undefined);
    for (let i = 0; i < 1000; i++) timers.arm(make(i), 1000 + i);
    expect(timers.pending).toBe(1000);
    expect(sim.pending).toBe(1);
  });

  test("N1 a deadline that moves away leaves the event where it is, and fires once, at the new time", () => {
    const sim = new Simulator();
    const fired: number[] = [];
    const timers = new SoftTimers<Item>(sim, (_item, now) => fired.push(now));
    const item = make(1);
    timers.arm(item, 100);
    timers.arm(item, 900);
    sim.run();
    expect(fired).toEqual([900]);
  });

  test("N1 taking the last deadline back leaves the scheduler quiet", () => {
    const sim = new Simulator();
    const timers = new SoftTimers<Item>(sim, () => undefined);
    const item = make(1);
    timers.arm(item, 100);
    expect(timers.disarm(item)).toBe(true);
    expect(timers.disarm(item)).toBe(false);
    expect(item.timerSlot).toBe(NO_TIMER);
    expect(sim.pending).toBe(0);
  });

  test("N1 a deadline past the end of the clock never fires and disturbs no other", () => {
    const sim = new Simulator();
    const fired: number[] = [];
    const timers = new SoftTimers<Item>(sim, (item) => fired.push(item.name));
    timers.arm(make(1), Infinity);
    timers.arm(make(2), 5);
    expect(sim.run().end).toBe("idle");
    expect(fired).toEqual([2]);
  });

  test("N1 armNoLater keeps an earlier deadline", () => {
    const sim = new Simulator();
    const fired: number[] = [];
    const timers = new SoftTimers<Item>(sim, (_item, now) => fired.push(now));
    const item = make(1);
    timers.arm(item, 50);
    timers.armNoLater(item, 80);
    timers.armNoLater(item, 20);
    sim.run();
    expect(fired).toEqual([20]);
  });

  test("N1 property: the same firings in the same order as a sorted list", () => {
    const step = fc.record({
      item: fc.nat(9),
      what: fc.constantFrom("arm", "arm", "arm", "disarm", "run"),
      time: fc.nat(50),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const sim = new Simulator();
        const fired: [number, number][] = [];
        const timers = new SoftTimers<Item>(sim, (item, now) => fired.push([item.name, now]));
        const items = Array.from({ length: 10 }, (_, i) => make(i));
        // The oracle: a list of [deadline, order, name], searched each time.
        let model: { at: number; order: number; name: number }[] = [];
        const expected: [number, number][] = [];
        let order = 0;
        const runTo = (until: number): void => {
          for (;;) {
            const due = model.filter((m) => m.at <= until).sort((a, b) => a.at - b.at || a.order - b.order)[0];
            if (due === undefined) break;
            model = model.filter((m) => m !== due);
            expected.push([due.name, due.at]);
          }
          sim.run({ until });
        };
        for (const { item, what, time } of steps) {
          const it = items[item] as Item;
          if (what === "run") runTo(sim.now + time);
          else {
            model = model.filter((m) => m.name !== item);
            if (what === "arm") {
              model.push({ at: sim.now + time, order: order++, name: item });
              timers.arm(it, sim.now + time);
            } else timers.disarm(it);
          }
        }
        runTo(sim.now + 1000);
        // What is armed for "now" fires when the clock runs next, at the same instant.
        expect(fired).toEqual(expected);
      }),
      { numRuns: 300 },
    );
  });
});
