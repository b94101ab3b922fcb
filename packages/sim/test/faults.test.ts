import { describe, expect, test } from "vitest";
import type { LinkTap } from "../src/index.ts";
import { MS, TestWorld, US } from "./world.ts";

describe("duplication", () => {
  test("F7 a share of frames arrives twice, one after the other", () => {
    const world = new TestWorld({ duplicate: 0.1 });
    world.stream(5000, 10 * US, 100);
    const { duplicated, framesIn, framesDelivered } = world.link.stats("aToB");
    expect(Math.abs(duplicated - 500)).toBeLessThan(5 * Math.sqrt(5000 * 0.09));
    expect(framesDelivered).toBe(framesIn + duplicated);
    expect(world.order).toEqual(world.order.toSorted((x, y) => x - y));
    expect(new Set(world.order).size).toBe(5000);
    expect(world.inUse).toBe(0);
  });

  test("F7 each copy has a fate of its own, the same bytes and no writer but its receiver", () => {
    const world = new TestWorld({ duplicate: 1, corrupt: { probability: 0.5, detect: "after-fcs" } });
    const contents: string[] = [];
    world.link.b.attach({
      receiveFrame(frame) {
        contents.push(Buffer.from(frame.bytes()).toString("hex"));
        frame.release();
      },
    });
    const sent = world.frame(64);
    const original = Buffer.from(sent.bytes()).toString("hex");
    world.link.a.send(sent);
    for (let i = 0; i < 20; i++) world.link.a.send(world.simulation.pool.from(Buffer.from(original, "hex"))!);
    world.run();
    expect(contents).toHaveLength(42);
    const intact = contents.filter((content) => content === original).length;
    expect(intact).toBe(42 - world.link.stats("aToB").corrupted);
    expect(intact).toBeGreaterThan(5);
    expect(intact).toBeLessThan(37);
    expect(world.inUse).toBe(0);
  });
});

describe("corruption", () => {
  test("F8 by default the check sequence finds it: dropped at the receiver, counted as rx_crc_errors", () => {
    const world = new TestWorld({ delay: 3 * MS, corrupt: 0.2 });
    world.stream(1000, 10 * US, 200);
    const { corrupted, rxCrcErrors, dropped, framesDelivered } = world.link.stats("aToB");
    expect(Math.abs(corrupted - 200)).toBeLessThan(5 * Math.sqrt(1000 * 0.16));
    expect(rxCrcErrors).toBe(corrupted);
    expect(dropped).toEqual({ LINK_FCS: corrupted });
    expect(framesDelivered).toBe(1000 - corrupted);
    // Found where it arrives, not where it left.
    expect(world.lost[0]!.at).toBeGreaterThanOrEqual(3 * MS);
    expect(world.inUse).toBe(0);
  });

  test("F9 after-fcs: the receiver gets it, with exactly one bit wrong, anywhere in the frame", () => {
    const world = new TestWorld({ corrupt: { probability: 1, detect: "after-fcs" } });
    const flipped: number[] = [];
    world.link.b.attach({
      receiveFrame(frame) {
        const bits = [...frame.bytes()].flatMap((byte, at) =>
          [0, 1, 2, 3, 4, 5, 6, 7].filter((bit) => ((byte >> bit) & 1) === 1).map((bit) => at * 8 + bit),
        );
        expect(bits).toHaveLength(1);
        flipped.push(bits[0]!);
        frame.release();
      },
    });
    for (let i = 0; i < 2000; i++) world.link.a.send(world.simulation.pool.from(new Uint8Array(20))!);
    world.run();
    expect(flipped.length).toBe(2000 - world.lost.length);
    expect(new Set(flipped).size).toBe(160);
    expect(world.link.stats("aToB").rxCrcErrors).toBe(0);
  });

  test("F8 a frame that its sender still holds is corrupted in a copy", () => {
    const world = new TestWorld({ corrupt: { probability: 1, detect: "after-fcs" } });
    const kept = world.frame(64);
    const before = Buffer.from(kept.bytes()).toString("hex");
    world.link.a.send(kept.clone());
    world.run();
    expect(world.atB).toHaveLength(1);
    expect(Buffer.from(kept.bytes()).toString("hex")).toBe(before);
    kept.release();
    expect(world.inUse).toBe(0);
  });

  test("F8 without memory for that copy it is dropped: NOMEM", () => {
    const world = new TestWorld({ corrupt: 1 });
    const kept = world.frame(64);
    const hogs = [];
    for (let hog = world.simulation.pool.alloc(10); hog !== undefined; hog = world.simulation.pool.alloc(10))
      hogs.push(hog);
    world.link.a.send(kept.clone());
    world.run();
    expect(world.lost).toEqual([{ frame: 0, at: 0, reason: "NOMEM" }]);
    for (const hog of hogs) hog.release();
    kept.release();
    expect(world.inUse).toBe(0);
  });

  test("F8 taps see a frame that fails its check as dropped, with the wrong bytes", () => {
    const world = new TestWorld({ corrupt: 1 });
    const points: string[] = [];
    let wrong = false;
    const tap: LinkTap = {
      frame(direction, point, frame, _now, reason) {
        points.push(`${direction} ${point} ${reason ?? ""}`.trim());
        if (point === "dropped") wrong = frame.bytes().some((byte) => byte !== 0);
      },
    };
    world.link.tap(tap);
    world.link.a.send(world.simulation.pool.from(new Uint8Array(100))!);
    world.run();
    expect(points).toEqual(["aToB sent", "aToB dropped LINK_FCS"]);
    expect(wrong).toBe(true);
  });
});

describe("reordering, as netem", () => {
  test("F10 a share of frames skips the delay", () => {
    const world = new TestWorld({ delay: 10 * MS, reorder: 0.25 });
    world.stream(4000, 100 * US, 100);
    const early = world.atB.filter(({ frame, at }) => at === frame * 100 * US).length;
    const others = world.atB.filter(({ frame, at }) => at === frame * 100 * US + 10 * MS).length;
    expect(early + others).toBe(4000);
    expect(Math.abs(early - 1000)).toBeLessThan(5 * Math.sqrt(4000 * 0.25 * 0.75));
  });

  test("F10 gap 5 with certainty: every fifth frame goes at once (tc-netem(8))", () => {
    const world = new TestWorld({ delay: 10 * MS, reorder: { probability: 1, gap: 5 } });
    world.stream(20, 100 * US, 100);
    const early = world.atB.filter(({ frame, at }) => at === frame * 100 * US).map(({ frame }) => frame);
    expect(early).toEqual([4, 9, 14, 19]);
  });

  test("F10 the delayed frames keep their order among themselves", () => {
    const world = new TestWorld({ delay: 10 * MS, jitter: 3 * MS, reorder: 0.25 });
    world.stream(2000, 100 * US, 100);
    const delayed = world.atB.filter(({ frame, at }) => at > frame * 100 * US).map(({ frame }) => frame);
    expect(delayed).toEqual(delayed.toSorted((x, y) => x - y));
    expect(world.link.stats("aToB").reordered).toBeGreaterThan(1000);
  });

  test("F10 without a delay there is nothing to skip", () => {
    const world = new TestWorld({ reorder: 0.5 });
    world.stream(100, 100 * US, 100);
    expect(world.link.stats("aToB").reordered).toBe(0);
  });
});

describe("F13 the order of impairments", () => {
  test("F13 what the queue refuses is not rolled for, what is lost is not duplicated", () => {
    const world = new TestWorld({
      rate: 8_000_000,
      queue: { kind: "fifo", limitPackets: 1 },
      loss: { model: "script", frames: [1] },
      duplicate: 1,
    });
    world.send(3);
    world.run();
    const { duplicated, dropped, framesSent, framesDelivered } = world.link.stats("aToB");
    expect(dropped).toEqual({ QDISC_OVERLIMIT: 1, LINK_LOSS: 1 });
    expect([framesSent, duplicated, framesDelivered]).toEqual([2, 1, 2]);
  });

  test("F13 a lost frame has used the line", () => {
    const world = new TestWorld({ rate: 8_000_000, loss: { model: "script", frames: [0] } });
    world.send(2);
    world.run();
    expect(world.arrivals).toEqual([2 * MS]);
  });

  test("F13 a duplicate does not use the line again, and is delayed by a draw of its own", () => {
    const world = new TestWorld({
      rate: 8_000_000,
      duplicate: 1,
      delay: 10 * MS,
      jitter: { deviation: 5 * MS, reorder: true },
    });
    world.send(1);
    world.run();
    expect(world.arrivals).toHaveLength(2);
    expect(world.arrivals[0]).not.toBe(world.arrivals[1]);
    expect(world.link.stats("aToB").busy).toBe(1 * MS);
  });
});
