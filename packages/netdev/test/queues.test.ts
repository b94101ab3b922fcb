import { micros, reciprocalScale, toeplitz, MICROSOFT_RSS_KEY, SYMMETRIC_RSS_KEY, type Nanos } from "@seville/core";
import { Simulator } from "@seville/sim";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  ByteQueueLimit,
  HW_CSUM_PROFILE,
  InterruptModeration,
  NONE,
  parseFrame,
  ReceiveSideScaling,
  TransmitSteering,
  TUNNEL_PARSER,
} from "../src/index.ts";
import { requestPacket, wireFrames, type Request } from "./support/requests.ts";
import { World } from "./support/world.ts";

const tcp: Request = { inner: 4, protocol: "tcp", payload: 400 };

function hashOf(rss: ReceiveSideScaling, frame: Uint8Array): { hash: number; isL4: boolean } {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.length);
  return rss.hash(view, parseFrame(view, 0, frame.length, TUNNEL_PARSER));
}

describe("R1 receive-side scaling", () => {
  test("Microsoft's verification suite, IPv4 with ports: 66.9.149.187:2794 to 161.142.100.80:1766", () => {
    const frame = wireFrames(tcp)[0]!;
    frame.set([66, 9, 149, 187, 161, 142, 100, 80], 26);
    frame.set([2794 >> 8, 2794 & 255, 1766 >> 8, 1766 & 255], 34);
    expect(hashOf(new ReceiveSideScaling(4), frame)).toEqual({ hash: 0x51ccc178, isL4: true });
    expect(hashOf(new ReceiveSideScaling(4, { tcp: "sd" }), frame)).toEqual({ hash: 0x323e8fc2, isL4: false });
  });

  test("the hash is Toeplitz over addresses and ports as they stand in the packet", () => {
    const frame = wireFrames({ ...tcp, inner: 6 })[0]!;
    const { hash } = hashOf(new ReceiveSideScaling(4), frame);
    expect(hash).toBe(
      toeplitz(MICROSOFT_RSS_KEY, Uint8Array.from([...frame.subarray(22, 54), ...frame.subarray(54, 58)])),
    );
  });

  test("a symmetric key gives both directions one queue; Microsoft's does not", () => {
    const there = wireFrames(tcp)[0]!;
    const back = there.slice();
    back.set(there.subarray(30, 34), 26);
    back.set(there.subarray(26, 30), 30);
    back.set(there.subarray(36, 38), 34);
    back.set(there.subarray(34, 36), 36);
    const symmetric = new ReceiveSideScaling(8, { key: "symmetric" });
    expect(symmetric.key).toBe(SYMMETRIC_RSS_KEY);
    expect(hashOf(symmetric, there).hash).toBe(hashOf(symmetric, back).hash);
    const plain = new ReceiveSideScaling(8);
    expect(hashOf(plain, there).hash).not.toBe(hashOf(plain, back).hash);
  });

  test("tunnels: the outer header, or the inner one if asked", () => {
    const vxlan = wireFrames({ ...tcp, tunnel: "vxlan" })[0]!;
    const plain = wireFrames(tcp)[0]!;
    const outer = new ReceiveSideScaling(4);
    const inner = new ReceiveSideScaling(4, { inner: true });
    expect(hashOf(inner, vxlan).hash).toBe(hashOf(inner, plain).hash);
    expect(hashOf(outer, vxlan).hash).not.toBe(hashOf(outer, plain).hash);
  });

  test("what is not IP is not hashed and goes to queue 0; the table decides for the rest", () => {
    const rss = new ReceiveSideScaling(4, { weights: [1, 1, 1, 5] });
    const arp = wireFrames(tcp)[0]!;
    arp.set([8, 6], 12);
    expect(hashOf(rss, arp)).toEqual({ hash: 0, isL4: false });
    expect(rss.queueOf(0)).toBe(0);
    const { table } = rss;
    expect([0, 1, 2, 3].map((queue) => table.filter((entry) => entry === queue).length)).toEqual([16, 16, 16, 80]);
    rss.setTable(
      Array.from({ length: 128 }, () => 2),
      4,
    );
    expect(rss.queueOf(12_345)).toBe(2);
    expect(() => rss.setTable([0], 4)).toThrow(/entries must be 128 queues/);
    expect(() =>
      rss.setTable(
        Array.from({ length: 128 }, () => 4),
        4,
      ),
    ).toThrow(/queues from 0 to 3/);
  });

  test("a new number of queues fills the table anew, without the weights of the old ones", () => {
    const rss = new ReceiveSideScaling(2, { weights: [3, 1], key: "symmetric" });
    expect(rss.table.filter((queue) => queue === 0)).toHaveLength(96);
    rss.configure(4);
    expect([0, 1, 2, 3].map((queue) => rss.table.filter((entry) => entry === queue).length)).toEqual([32, 32, 32, 32]);
    expect(rss.options.weights).toBeUndefined();
    expect(rss.key).toBe(SYMMETRIC_RSS_KEY);
    expect(() => rss.configure(2, { weights: [1] })).toThrow(/weights must be 2 weights/);
    expect(() => new ReceiveSideScaling(1, { key: new Uint8Array(8) })).toThrow(/key must be at least 40 bytes/);
  });

  test("a NIC with weights changes its number of queues", () => {
    const world = new World();
    const nic = world.nic("b", {
      maxQueues: 4,
      queues: 2,
      rss: { weights: [1, 7] },
      receive: (packet) => packet.release(),
    });
    expect(nic.hardware.rss.table.filter((queue) => queue === 1)).toHaveLength(112);
    nic.setQueues(4, 0);
    expect(new Set(nic.hardware.rss.table)).toEqual(new Set([0, 1, 2, 3]));
    expect(() => nic.hardware.start(5)).toThrow(/queues must be 1 to 4/);
  });

  test("frames arrive on the queue that the table names, and are counted there", () => {
    const world = new World();
    const queues: number[] = [];
    const nic = world.nic("b", {
      maxQueues: 4,
      receive: (packet) => {
        queues.push(packet.queueMapping);
        packet.release();
      },
    });
    nic.setFeature("gro", false);
    nic.hardware.rss.configure(4, {});
    const flows = Array.from({ length: 64 }, (_, i) => wireFrames({ ...tcp, sourcePort: 1000 + i })[0]!);
    for (const frame of flows) world.link.a.send(world.pool.from(frame)!);
    world.run();
    const counts = nic.device.rxQueueStats.queues.map(({ packets }) => packets);
    const expected = [0, 0, 0, 0];
    for (const frame of flows) {
      const input = Uint8Array.from([...frame.subarray(26, 34), ...frame.subarray(34, 38)]);
      expected[(toeplitz(MICROSOFT_RSS_KEY, input) & 127) % 4]!++;
    }
    expect(counts).toEqual(expected);
    expect(expected.every((count) => count > 0)).toBe(true);
    expect(queues).toHaveLength(64);
  });
});

describe("X1 transmit queue selection", () => {
  test("one flow, one queue; many flows, all queues", () => {
    const world = new World();
    const steering = new TransmitSteering(4);
    const pick = (sourcePort: number): number => {
      const packet = requestPacket(world.pool, { ...tcp, sourcePort });
      const queue = steering.pick(packet);
      expect(reciprocalScale(packet.hash, 4)).toBe(queue);
      packet.release();
      return queue;
    };
    expect(new Set(Array.from({ length: 20 }, () => pick(7))).size).toBe(1);
    expect(new Set(Array.from({ length: 100 }, (_, port) => pick(port + 1))).size).toBe(4);
  });

  test("XPS: the CPU's queues; receive queues are looked at first; maps of queues that go are forgotten", () => {
    const world = new World();
    const steering = new TransmitSteering(4);
    steering.setMaps({
      cpus: new Map([
        [0, [3]],
        [1, [1, 2]],
      ]),
      rxQueues: new Map([[2, [0]]]),
    });
    const packet = requestPacket(world.pool, tcp);
    expect(steering.pick(packet, 0)).toBe(3);
    expect([1, 2]).toContain(steering.pick(packet, 1));
    expect(steering.pick(packet, 0, 2)).toBe(0);
    expect(steering.pick(packet, 9)).toBe(reciprocalScale(packet.hash, 4));
    expect(steering.pick(packet, undefined, 7)).toBe(3);
    steering.setQueues(3);
    expect(steering.pick(packet, 0)).toBe(reciprocalScale(packet.hash, 3));
    expect(() => steering.setMaps({ cpus: new Map([[0, [3]]]) })).toThrow(/queue must be 0 to 2/);
    packet.release();
  });

  test("a NIC sends by the queue that XPS names", () => {
    const world = new World();
    let cpu = 0;
    const nic = world.nic("a", {
      maxQueues: 2,
      xps: {
        cpus: new Map([
          [0, [0]],
          [1, [1]],
        ]),
      },
      cpu: () => cpu,
    });
    world.send(nic, requestPacket(world.pool, tcp));
    cpu = 1;
    world.send(nic, requestPacket(world.pool, tcp), requestPacket(world.pool, tcp));
    expect(nic.device.txQueueStats.queues.map(({ packets }) => packets)).toEqual([1, 2]);
  });
});

describe("B1 byte queue limits (lib/dynamic_queue_limits.c)", () => {
  test("starved with bytes held back: the limit rises by what was missing", () => {
    const bql = new ByteQueueLimit();
    expect(bql.sent(1500)).toBe(false);
    expect(bql.completed(1500, 0)).toBe(true);
    // It was over its limit of 0 by 1500, and nothing was left in progress.
    expect(bql.limit).toBe(1500);
    expect(bql.sent(1500)).toBe(true);
    expect(bql.sent(1500)).toBe(false);
  });

  test("a naive model of the C code agrees, call by call (property)", () => {
    const calls = fc.array(
      fc.tuple(fc.boolean(), fc.integer({ min: 1, max: 3000 }), fc.integer({ min: 0, max: 800 })),
      {
        maxLength: 200,
      },
    );
    fc.assert(
      fc.property(calls, (list) => {
        const bql = new ByteQueueLimit({ minLimit: 100, maxLimit: 20_000, holdTime: 5000 });
        const model = new NaiveDql(100, 20_000, 5000);
        let now = 0;
        for (const [isSend, amount, wait] of list) {
          now += wait;
          if (isSend) expect(bql.sent(amount)).toBe(model.queued(amount));
          else {
            const bytes = Math.min(amount, bql.inFlight);
            expect(bql.completed(bytes, now)).toBe(model.complete(bytes, now));
          }
          expect(bql.limit).toBe(model.limit);
        }
      }),
      { numRuns: 300 },
    );
  });

  test("more completed than sent is the driver's mistake", () => {
    const bql = new ByteQueueLimit();
    bql.sent(10);
    expect(() => bql.completed(11, 0)).toThrow(/at most 10/);
    expect(() => new ByteQueueLimit({ minLimit: 5, maxLimit: 4 })).toThrow(/minLimit/);
  });
});

/** `dql_completed`, written down from its description with 32-bit-free arithmetic. */
class NaiveDql {
  limit: number;
  readonly #min: number;
  readonly #max: number;
  readonly #hold: number;
  #numQueued = 0;
  #numCompleted = 0;
  #adjLimit: number;
  #lastObj = 0;
  #prevOvlimit = 0;
  #prevNumQueued = 0;
  #prevLastObj = 0;
  #lowestSlack = Number.MAX_SAFE_INTEGER;
  #slackStart = 0;

  constructor(min: number, max: number, hold: number) {
    this.#min = min;
    this.#max = max;
    this.#hold = hold;
    this.limit = min;
    this.#adjLimit = min;
  }

  queued(count: number): boolean {
    this.#lastObj = count;
    this.#numQueued += count;
    return this.#adjLimit - this.#numQueued >= 0;
  }

  complete(count: number, now: number): boolean {
    if (count === 0) return this.#adjLimit - this.#numQueued >= 0;
    const pos = (a: number, b: number): number => (a > b ? a - b : 0);
    const completed = this.#numCompleted + count;
    let limit = this.limit;
    let ovlimit = pos(this.#numQueued - this.#numCompleted, limit);
    const inprogress = this.#numQueued - completed;
    const prevInprogress = this.#prevNumQueued - this.#numCompleted;
    const allPrev = completed - this.#prevNumQueued >= 0;
    if ((ovlimit !== 0 && inprogress === 0) || (this.#prevOvlimit !== 0 && allPrev)) {
      limit += pos(completed, this.#prevNumQueued) + this.#prevOvlimit;
      this.#slackStart = now;
      this.#lowestSlack = Number.MAX_SAFE_INTEGER;
    } else if (inprogress !== 0 && prevInprogress > 0 && !allPrev) {
      let slack = pos(limit + this.#prevOvlimit, 2 * (completed - this.#numCompleted));
      const last = this.#prevOvlimit !== 0 ? pos(this.#prevLastObj, this.#prevOvlimit) : 0;
      if (last > slack) slack = last;
      if (slack < this.#lowestSlack) this.#lowestSlack = slack;
      if (now - (this.#slackStart + this.#hold) > 0) {
        limit = pos(limit, this.#lowestSlack);
        this.#slackStart = now;
        this.#lowestSlack = Number.MAX_SAFE_INTEGER;
      }
    }
    if (limit < this.#min) limit = this.#min;
    if (limit > this.#max) limit = this.#max;
    if (limit !== this.limit) {
      this.limit = limit;
      ovlimit = 0;
    }
    this.#adjLimit = limit + completed;
    this.#prevOvlimit = ovlimit;
    this.#prevLastObj = this.#lastObj;
    this.#numCompleted = completed;
    this.#prevNumQueued = this.#numQueued;
    return this.#adjLimit - this.#numQueued >= 0;
  }
}

describe("I1 interrupt moderation (ethtool -C)", () => {
  function interrupts(usecs: number, frames: number, arrivals: readonly Nanos[]): Nanos[] {
    const simulator = new Simulator();
    const fired: Nanos[] = [];
    const vector = new InterruptModeration(simulator, (now) => {
      fired.push(now);
      // Polled at once: nothing is left.
      vector.unmask(0, now);
    });
    vector.configure({ usecs, frames });
    vector.unmask(0, 0);
    for (const at of arrivals) simulator.scheduleCall(at, () => vector.notify(at));
    simulator.run();
    return fired;
  }

  test("usecs 0: at once, for every frame", () => {
    expect(interrupts(0, 0, [10, 20, 30])).toEqual([10, 20, 30]);
  });

  test("usecs: that long after the first", () => {
    expect(interrupts(5, 0, [0, 1000, 2000, micros(7)])).toEqual([micros(5), micros(12)]);
  });

  test("frames: with the n-th, or when the time is over", () => {
    expect(interrupts(50, 3, [0, 100, 200, 300])).toEqual([200, 300 + micros(50)]);
  });

  test("masked: nothing, and afterwards what lay there", () => {
    const simulator = new Simulator();
    const fired: Nanos[] = [];
    const vector = new InterruptModeration(simulator, (now) => fired.push(now));
    vector.notify(0);
    simulator.run();
    expect(fired).toEqual([]);
    vector.unmask(1, 40);
    expect(fired).toEqual([40]);
    expect(() => vector.configure({ usecs: -1, frames: 0 })).toThrow(/usecs/);
  });
});

describe("N1 NAPI: budget, and interrupts that stay away under load", () => {
  test("one interrupt serves many frames; a poll takes no more than its budget", () => {
    const world = new World();
    let polls = 0;
    let inPoll = 0;
    let last = -1;
    const nic = world.nic("b", {
      profile: HW_CSUM_PROFILE,
      weight: 16,
      cpuPerPacket: 1000,
      receive: (packet, now) => {
        if (now !== last) {
          polls++;
          inPoll = 0;
        }
        last = now;
        expect(++inPoll).toBeLessThanOrEqual(16);
        packet.release();
      },
    });
    nic.setFeature("gro", false);
    for (let i = 0; i < 100; i++) world.link.a.send(world.pool.from(wireFrames(tcp)[0]!)!);
    world.run();
    expect(nic.device.rxQueueStats.total.packets).toBe(100);
    expect(polls).toBe(Math.ceil(100 / 16));
    expect(nic.hardware.counters.driver.interrupts).toBe(1);
  });

  test("a CPU that is too slow: the ring overflows, and every frame is accounted for", () => {
    const world = new World({ rate: 1e9 });
    const nic = world.nic("b", { rxRing: 32, cpuPerPacket: micros(20), receive: (packet) => packet.release() });
    nic.setFeature("gro", false);
    for (let i = 0; i < 500; i++) world.link.a.send(world.pool.from(wireFrames(tcp)[0]!)!);
    world.run();
    const { packets, hw_drops, hw_drop_overruns } = nic.device.rxQueueStats.total;
    expect(hw_drop_overruns).toBeGreaterThan(100);
    expect(packets + hw_drops).toBe(500);
    expect(nic.hardware.counters.driver.rx_missed).toBe(hw_drops);
    expect(world.drops.filter((reason) => reason === "FULL_RING")).toHaveLength(hw_drops);
  });
});

describe("W1 stop, wake, and what waits", () => {
  test("a ring of 8 on a slow line: the queue stops and wakes, nothing is lost, nothing is busy, order is kept", () => {
    const world = new World();
    const nic = world.nic("a", { profile: NONE, txRing: 8, rate: 1e8 });
    const sent = Array.from({ length: 60 }, (_, i) => ({ ...tcp, id: i, sourcePort: 1 }));
    world.send(nic, ...sent.map((request) => requestPacket(world.pool, request)));
    expect(world.wire).toEqual(sent.flatMap((request) => wireFrames(request)));
    const { stop, wake, busy, packets } = nic.device.txQueueStats.total;
    expect(packets).toBe(60);
    expect(stop).toBeGreaterThan(3);
    expect(wake).toBe(stop);
    expect(busy).toBe(0);
  });

  test("segments of one super-packet that find the queue stopped wait, and go first", () => {
    const world = new World();
    const nic = world.nic("a", { profile: NONE, txRing: 4, rate: 1e8 });
    const request: Request = { ...tcp, payload: 20_000, mss: 1000 };
    const after: Request = { ...tcp, sourcePort: 40_000, id: 9000 };
    world.send(nic, requestPacket(world.pool, request), requestPacket(world.pool, after));
    expect(world.wire).toEqual([...wireFrames(request), ...wireFrames(after)]);
  });

  test("byte queue limits keep the ring short: what is more waits where it can still be dropped", () => {
    const world = new World();
    let most = 0;
    const nic = world.nic("a", { profile: NONE, txRing: 512, rate: 1e8, bql: { maxLimit: 3000 } });
    for (let i = 0; i < 100; i++) nic.transmit(requestPacket(world.pool, { ...tcp, payload: 1400 }), 0);
    for (let at = 0; at < 5e6; at += 1e5) {
      world.at(at, () => (most = Math.max(most, nic.device.txQueue(0).limit.inFlight)));
    }
    world.run();
    expect(world.wire).toHaveLength(100);
    expect(most).toBeLessThanOrEqual(3000 + 1454);
    expect(nic.device.txQueueStats.total.stop).toBeGreaterThan(10);
  });

  test("a full queueing discipline drops, and that is counted", () => {
    const world = new World();
    const nic = world.nic("a", { profile: NONE, txRing: 1, rate: 1e6 });
    for (let i = 0; i < 1010; i++) nic.transmit(requestPacket(world.pool, tcp), 0);
    expect(nic.device.txDropped).toBe(1010 - 1000 - 1);
    nic.stop(0);
    expect(nic.device.txDropped).toBe(1010 - 1);
    expect(world.drops.filter((reason) => reason === "DEV_READY")).toHaveLength(1000);
  });

  test("a line rate spaces frames as their bits do", () => {
    const world = new World();
    const times: Nanos[] = [];
    world.link.tap({ frame: (_d, point, _f, now) => point === "sent" && times.push(now) });
    const nic = world.nic("a", { profile: NONE, rate: 1e9 });
    world.send(nic, requestPacket(world.pool, tcp), requestPacket(world.pool, tcp));
    const frame = (14 + 20 + 20 + 400 + 24) * 8;
    expect(times).toEqual([frame, 2 * frame]);
  });
});
