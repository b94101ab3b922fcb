import { describe, expect, test } from "vitest";
import { addCounters, createCounters, diffCounters, snapshotCounters } from "../src/index.ts";

describe("C: counters", () => {
  test("C1: all names begin at 0, in the order given, and count as plain numbers", () => {
    const ip = createCounters(["InReceives", "InHdrErrors", "InDelivers"]);
    ip.InReceives += 2;
    ip.InHdrErrors++;
    expect(Object.entries(ip)).toEqual([
      ["InReceives", 2],
      ["InHdrErrors", 1],
      ["InDelivers", 0],
    ]);
  });

  test("C2: a snapshot stands still", () => {
    const counters = createCounters(["a"]);
    const before = snapshotCounters(counters);
    counters.a = 5;
    expect(before).toEqual({ a: 0 });
    expect(Object.isFrozen(before)).toBe(true);
  });

  test("C3: a difference shows only what changed, as nstat does", () => {
    const counters = createCounters(["InReceives", "InDiscards", "OutRequests"]);
    counters.OutRequests = 7;
    const before = snapshotCounters(counters);
    counters.InReceives = 3;
    counters.OutRequests = 9;
    expect(diffCounters(before, counters)).toEqual({ InReceives: 3, OutRequests: 2 });
  });

  test("C4: sets add up", () => {
    const total = createCounters(["rx", "tx"]);
    addCounters(total, { rx: 1, tx: 2 });
    addCounters(total, { rx: 10, tx: 20 });
    expect(total).toEqual({ rx: 11, tx: 22 });
  });
});
