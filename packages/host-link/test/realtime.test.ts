import { Simulator } from "@seville/sim";
import { describe, expect, test } from "vitest";
import { monotonicNow, RealtimeDriver } from "../src/index.ts";

const MS = 1_000_000;

describe("behaviour 13: running against the clock on the wall", () => {
  test("every event fires, in order, none early, and the run ends at its end", async () => {
    const simulator = new Simulator();
    const start = monotonicNow();
    const early: number[] = [];
    let count = 0;
    for (let i = 1; i <= 50; i++) {
      simulator.scheduleCall(i * 3.1 * MS, () => {
        count++;
        const wall = monotonicNow() - start;
        if (wall < simulator.now) early.push(simulator.now - wall);
      });
    }
    simulator.scheduleCall(200 * MS + 1, () => void (count += 1000));
    const result = await new RealtimeDriver(simulator).run({ until: 200 * MS });
    expect(early).toEqual([]);
    expect(count).toBe(50);
    expect(result).toMatchObject({ end: "until", now: 200 * MS });
    expect(monotonicNow() - start).toBeGreaterThanOrEqual(200 * MS);
    expect(result.lateness.count).toBe(50);
  });

  test.each([0.3, 7, 1000])("speed %d: simulated time passes so much faster", async (speed) => {
    const simulator = new Simulator();
    const start = monotonicNow();
    const until = Math.round(60 * MS * speed);
    const result = await new RealtimeDriver(simulator).run({ until, speed });
    expect(result).toMatchObject({ end: "until", now: until });
    expect(monotonicNow() - start).toBeGreaterThanOrEqual(60 * MS * 0.999);
  });

  test("an empty simulator waits all the same, and tells progress", async () => {
    const progress: number[] = [];
    await new RealtimeDriver(new Simulator()).run({ until: 350 * MS, onProgress: (now) => void progress.push(now) });
    expect(progress.length).toBeGreaterThanOrEqual(3);
    expect([...progress].sort((a, b) => a - b)).toEqual(progress);
  });

  test("what comes from outside is put at the time of its arrival, and may wake the sleeper earlier", async () => {
    const simulator = new Simulator();
    const driver = new RealtimeDriver(simulator);
    const start = monotonicNow();
    const times: number[] = [];
    setTimeout(() => {
      const arrivedAt = monotonicNow() - 0.5 * MS;
      driver.inject((now) => {
        times.push(now, arrivedAt - start);
        simulator.scheduleCall(now + 5 * MS, () => void times.push(monotonicNow() - start));
      }, arrivedAt);
    }, 50);
    // Nothing is scheduled, so that without the wake-up the event would fire with the next progress only.
    await driver.run({ until: 400 * MS });
    const [injectedAt, arrivedAt, repliedAt] = times as [number, number, number];
    expect(Math.abs(injectedAt - arrivedAt)).toBeLessThan(5 * MS); // the driver began a little after `start`
    expect(repliedAt).toBeGreaterThanOrEqual(injectedAt + 5 * MS);
    expect(repliedAt).toBeLessThan(injectedAt + 60 * MS);
  });

  test("behaviour 15: before and after the run nothing is taken from outside", async () => {
    const driver = new RealtimeDriver(new Simulator());
    let calls = 0;
    expect(driver.inject(() => calls++, 0)).toBe("DEV_READY");
    await driver.run({ until: MS });
    expect(driver.inject(() => calls++, monotonicNow())).toBe("END_OF_RUN");
    expect(calls).toBe(0);
  });

  test("a signal, stop() and the simulator's own stop end it early", async () => {
    const abort = new AbortController();
    setTimeout(() => abort.abort(), 30);
    const aborted = await new RealtimeDriver(new Simulator()).run({ until: 60_000 * MS, signal: abort.signal });
    expect(aborted.end).toBe("stopped");
    expect(aborted.now).toBeGreaterThan(10 * MS);

    const driver = new RealtimeDriver(new Simulator());
    setTimeout(() => driver.stop(), 30);
    expect((await driver.run({ until: 60_000 * MS })).end).toBe("stopped");

    const simulator = new Simulator();
    simulator.scheduleCall(20 * MS, () => simulator.stop());
    expect(await new RealtimeDriver(simulator).run({ until: 60_000 * MS })).toMatchObject({
      end: "stopped",
      now: 20 * MS,
    });

    const already = await new RealtimeDriver(new Simulator()).run({ until: 60_000 * MS, signal: AbortSignal.abort() });
    expect(already.end).toBe("stopped");
    expect(already.now).toBeLessThan(10 * MS);
  });

  test("what an event throws ends the run", async () => {
    const simulator = new Simulator();
    simulator.scheduleCall(MS, () => {
      throw new Error("no such luck");
    });
    const run = new RealtimeDriver(simulator).run({ until: 60_000 * MS });
    await expect(run).rejects.toThrow(/at 0\.001000000 s: no such luck/);
  });

  test("lateness is measured: a thread that is kept busy for 30 ms is 20 ms late for what was due after 10", async () => {
    const simulator = new Simulator();
    const driver = new RealtimeDriver(simulator);
    simulator.scheduleCall(10 * MS, () => {
      const until = monotonicNow() + 30 * MS;
      while (monotonicNow() < until);
    });
    simulator.scheduleCall(20 * MS, () => undefined);
    const { lateness } = await driver.run({ until: 100 * MS });
    expect(lateness.count).toBe(2);
    expect(lateness.max).toBeGreaterThanOrEqual(20 * MS);
  });

  test("a burst does not starve the sockets: other work of the thread gets its turn", async () => {
    const simulator = new Simulator();
    let fired = 0;
    for (let i = 0; i < 50_000; i++) simulator.schedule(MS, { handleEvent: () => fired++ });
    let between = 0;
    const turn = setInterval(() => (fired > 0 && fired < 50_000 ? between++ : 0), 0);
    await new RealtimeDriver(simulator).run({ until: 2 * MS });
    clearInterval(turn);
    expect(fired).toBe(50_000);
    expect(between).toBeGreaterThan(0);
  });

  test("behaviour 2: options that cannot be, and a second run", async () => {
    const make = () => new RealtimeDriver(new Simulator());
    await expect(make().run({ until: -1 })).rejects.toMatchObject({ argument: "until" });
    await expect(make().run({ until: Number.NaN })).rejects.toMatchObject({ argument: "until" });
    await expect(make().run({ until: 1, speed: 0 })).rejects.toMatchObject({ argument: "speed" });
    await expect(make().run({ until: 1, awakeMs: -1 })).rejects.toMatchObject({ argument: "awakeMs" });
    const driver = make();
    await driver.run({ until: 1 });
    await expect(driver.run({ until: 1 })).rejects.toMatchObject({ code: "ERR_RUNNING" });
  });
});
