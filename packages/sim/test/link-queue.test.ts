import { ECN_CE, ECN_ECT_0, ECN_NOT_ECT, ipv4, ipv6, PacketPool, type Packet } from "@seville/packet";
import { fifo, policeMeter, type Qdisc } from "@seville/queueing";
import { afterEach, describe, expect, test } from "vitest";
import { frameEcn, markCongestion } from "../src/frame-ecn.ts";
import { frameFlowHash } from "../src/frame-flow.ts";
import { udpFrame, type UdpFrame } from "./frames.ts";
import { mean, MS, SEC, TestWorld, US } from "./world.ts";

let world = new TestWorld();
const open = (...args: ConstructorParameters<typeof TestWorld>): TestWorld => (world = new TestWorld(...args));

afterEach(() => {
  world.link.close();
  expect(world.inUse).toBe(0);
});

/** Offers twice what the line takes for `duration`: frames of 1000 bytes at 16 Mbit/s on a line of 8 Mbit/s. */
function overload(duration: number): void {
  world.stream(duration / (0.5 * MS), 0.5 * MS);
}

/** How long the frames that arrived took. */
function transits(): number[] {
  return world.atB.map(({ frame, at }) => at - frame * 0.5 * MS);
}

describe("Q1 kinds of queue", () => {
  test("Q2 by default 1000 frames wait, and the next is refused", () => {
    open({ rate: 8_000_000 });
    world.send(1010);
    expect(world.link.occupancy("aToB")).toEqual({ queuedFrames: 1000, queuedBytes: 1_000_000, inFlight: 1 });
    expect(world.link.stats("aToB")).toMatchObject({
      dropped: { QDISC_OVERLIMIT: 9 },
      maxQueuedFrames: 1000,
      maxQueuedBytes: 1_000_000,
    });
  });

  test("Q1 fifo by bytes", () => {
    open({ rate: 8_000_000, queue: { kind: "fifo", limitBytes: 2500 } });
    world.send(4);
    expect(world.link.occupancy("aToB").queuedFrames).toBe(2);
    expect(world.link.stats("aToB").dropped).toEqual({ QDISC_OVERLIMIT: 1 });
  });

  test("Q1 RFC 8289: CoDel holds the standing queue of a flow that backs off near its target; a fifo fills", () => {
    // A source that halves its rate on loss and adds a little otherwise, once every 100 ms.
    const standing = (queue: "codel" | "fifo"): number => {
      open({ rate: 8_000_000, queue: { kind: queue, limitPackets: 1000 } });
      let perTick = 20;
      let seen = 0;
      for (let tick = 0; tick < 600; tick++) {
        world.at(tick * 10 * MS, () => {
          if (world.lost.length > seen) perTick = Math.max(4, perTick / 2);
          else perTick += 0.2;
          seen = world.lost.length;
          world.send(Math.round(perTick));
        });
      }
      const depths: number[] = [];
      for (let tick = 300; tick < 600; tick++) {
        world.at(tick * 10 * MS + 9 * MS, () => void depths.push(world.link.occupancy("aToB").queuedFrames));
      }
      world.run();
      world.link.close();
      return mean(depths);
    };
    expect(standing("codel")).toBeLessThan(standing("fifo") / 5);
    expect(world.link.stats("aToB").dropped).toHaveProperty("QDISC_OVERLIMIT");
  });

  test("Q1 CoDel's drops bear its name", () => {
    open({ rate: 8_000_000, queue: { kind: "codel" } });
    overload(1 * SEC);
    expect(world.link.stats("aToB").dropped["CODEL_DROP"]).toBeGreaterThan(10);
  });

  test("Q4 FQ-CoDel keeps a thin flow's delay low beside one that fills the line", () => {
    const delayOfThinFlow = (kind: "fifo" | "fq_codel"): number => {
      open({ rate: 8_000_000, queue: { kind } });
      const { pool } = world.simulation;
      const delays: number[] = [];
      world.link.b.attach({
        receiveFrame(frame, now) {
          if (frame.length < 200) delays.push(now - frame.pool.memory.view.getFloat64(frame.data + 42));
          frame.release();
        },
      });
      const fat = udpFrame({ sourcePort: 1, payload: 1000 });
      const thin = udpFrame({ sourcePort: 2, payload: 60 });
      for (let i = 0; i < 2000; i++) world.at(i * 0.6 * MS, () => world.link.a.send(pool.from(fat)!));
      for (let i = 0; i < 100; i++) {
        world.at(i * 10 * MS, () => {
          const frame = pool.from(thin)!;
          frame.pool.memory.view.setFloat64(frame.data + 42, world.now);
          world.link.a.send(frame);
        });
      }
      world.run();
      world.link.close();
      return mean(delays);
    };
    expect(delayOfThinFlow("fq_codel")).toBeLessThan(2.5 * MS);
    expect(delayOfThinFlow("fifo")).toBeGreaterThan(50 * MS);
  });

  test("Q1 RED drops early, before its queue is full", () => {
    open({
      rate: 8_000_000,
      queue: { kind: "red", limitBytes: 400_000, min: 20_000, max: 60_000, probability: 0.1, bandwidth: 8_000_000 },
    });
    overload(2 * SEC);
    expect(world.link.stats("aToB").dropped["RED_DROP"]).toBeGreaterThan(100);
    expect(world.link.stats("aToB").maxQueuedBytes).toBeLessThan(200_000);
  });

  test("Q7 a token bucket lets a burst out at the line's rate and the rest at its own", () => {
    open({ rate: 80_000_000, queue: { kind: "tbf", rate: 8_000_000, burst: 5000, limitBytes: 100_000 } });
    world.send(10);
    world.run();
    expect(world.arrivals.slice(0, 5)).toEqual([100, 200, 300, 400, 500].map((us) => us * US));
    // The bucket was empty at 0.4 ms of the line's time but had filled since: token by token, 1 ms a frame.
    for (let i = 6; i < 10; i++) expect(world.arrivals[i]! - world.arrivals[i - 1]!).toBe(1 * MS);
  });

  test("Q7 a token bucket over CoDel", () => {
    open({ queue: { kind: "tbf", rate: 8_000_000, burst: 2000, child: { kind: "codel" } } });
    overload(1 * SEC);
    expect(world.link.stats("aToB").dropped["CODEL_DROP"]).toBeGreaterThan(10);
    expect(world.atB.length).toBeGreaterThan(950);
  });

  test("Q1 any other discipline", () => {
    let made: Qdisc<Packet> | undefined;
    open({
      rate: 8_000_000,
      aToB: {
        queue: {
          kind: "custom",
          create: (access) => (made = fifo(access, { limitPackets: 2, drop: "head" })),
        },
      },
    });
    world.send(5);
    world.run();
    expect(world.order).toEqual([0, 3, 4]);
    expect(made?.stats.drops).toBe(2);
  });
});

describe("congestion marks", () => {
  const ecnWorld = (): void => {
    open({ rate: 8_000_000, queue: { kind: "codel", ecn: true } });
  };

  const offer = (count: number, fields: UdpFrame): { ce: number; valid: boolean; got: number } => {
    const result = { ce: 0, valid: true, got: 0 };
    world.link.b.attach({
      receiveFrame(frame) {
        result.got++;
        if (frameEcn(frame) === ECN_CE) result.ce++;
        const { view } = frame.pool.memory;
        if (fields.from === undefined && !ipv4.isChecksumValid(view, frame.data + 14)) result.valid = false;
        frame.release();
      },
    });
    const bytes = udpFrame({ payload: 1000, ...fields });
    for (let i = 0; i < count; i++) world.at(i * 0.6 * MS, () => world.link.a.send(world.simulation.pool.from(bytes)!));
    world.run();
    return result;
  };

  test("Q3 RFC 3168 §5: a queue that marks sets CE on ECN-capable frames and drops the others", () => {
    ecnWorld();
    const capable = offer(1500, { ecn: ECN_ECT_0 });
    expect(capable).toMatchObject({ got: 1500, valid: true });
    expect(capable.ce).toBeGreaterThan(10);
    ecnWorld();
    const plain = offer(1500, { ecn: ECN_NOT_ECT });
    expect(plain.ce).toBe(0);
    expect(world.link.stats("aToB").dropped["CODEL_DROP"]).toBeGreaterThan(10);
  });

  test("Q3 IPv6 too", () => {
    ecnWorld();
    const capable = offer(1500, { from: "2001:db8::1", to: "2001:db8::2", ecn: ECN_ECT_0 });
    expect(capable.got).toBe(1500);
    expect(capable.ce).toBeGreaterThan(10);
  });

  test("Q3 a frame that its sender still holds is marked in a copy", () => {
    open({ rate: 8_000_000, queue: { kind: "codel", ceThreshold: 1 } });
    const kept = [0, 1, 2, 3].map(() => world.simulation.pool.from(udpFrame({ ecn: ECN_ECT_0 }))!);
    const marks: number[] = [];
    world.link.b.attach({
      receiveFrame(frame) {
        marks.push(frameEcn(frame));
        frame.release();
      },
    });
    for (const frame of kept) world.link.a.send(frame.clone());
    world.run();
    expect(marks.filter((ecn) => ecn === ECN_CE).length).toBeGreaterThanOrEqual(3);
    expect(kept.map(frameEcn)).toEqual([ECN_ECT_0, ECN_ECT_0, ECN_ECT_0, ECN_ECT_0]);
    for (const frame of kept) frame.release();
  });

  test("Q3 without memory for that copy it is dropped where it would have been marked", () => {
    open({ policer: { rate: 8_000_000, burst: 150, exceed: "mark" } });
    const { pool } = world.simulation;
    const kept = pool.from(udpFrame({ ecn: ECN_ECT_0 }))!;
    const hogs: Packet[] = [];
    for (let hog = pool.alloc(10); hog !== undefined; hog = pool.alloc(10)) hogs.push(hog);
    world.link.a.send(kept.clone());
    world.link.a.send(kept.clone());
    world.run();
    expect(world.atB).toHaveLength(1);
    expect(world.link.stats("aToB").dropped).toEqual({ POLICER: 1 });
    expect(frameEcn(kept)).toBe(ECN_ECT_0);
    for (const frame of [...hogs, kept]) frame.release();
  });

  test("Q3 RFC 1624: the mark patches the IPv4 checksum, and leaves a wrong one wrong", () => {
    open();
    for (const damage of [0, 1]) {
      for (const tag of [undefined, 5]) {
        const frame = world.simulation.pool.from(
          udpFrame({ ecn: ECN_ECT_0, ...(tag === undefined ? {} : { vlan: tag }) }),
        )!;
        const { view } = frame.pool.memory;
        const ip = frame.data + (tag === undefined ? 14 : 18);
        view.setUint16(ip + 10, view.getUint16(ip + 10) ^ damage);
        expect(markCongestion(frame)).toBe(true);
        expect(ipv4.ecn(view, ip)).toBe(ECN_CE);
        expect(ipv4.isChecksumValid(view, ip)).toBe(damage === 0);
        expect(markCongestion(frame)).toBe(true);
        frame.release();
      }
    }
  });

  test("Q3 what is not IP cannot be marked", () => {
    open();
    const arp = world.frame(60);
    expect([frameEcn(arp), markCongestion(arp)]).toEqual([ECN_NOT_ECT, false]);
    arp.release();
  });
});

describe("flows", () => {
  const pool = new PacketPool({ small: 4, jumbo: 0, super: 0 });
  const hash = (fields: UdpFrame, seed = 1): number => {
    const frame = pool.from(udpFrame(fields))!;
    const value = frameFlowHash(frame, seed);
    frame.release();
    return value;
  };
  const v6 = { from: "2001:db8::1", to: "2001:db8::2" };

  test("Q4 addresses and ports tell flows apart, payload and VLAN do not", () => {
    for (const base of [{}, v6]) {
      expect(hash({ ...base, payload: 5 })).toBe(hash({ ...base, payload: 500 }));
      expect(hash({ ...base, vlan: 7 })).toBe(hash(base));
      expect(hash({ ...base, sourcePort: 3 })).not.toBe(hash(base));
      expect(hash({ ...base, destinationPort: 3 })).not.toBe(hash(base));
    }
    expect(hash({ from: "192.0.2.9" })).not.toBe(hash({}));
    expect(hash({ ...v6, from: "2001:db8::9" })).not.toBe(hash(v6));
    expect(hash({}, 2)).not.toBe(hash({}, 1));
  });

  test("Q4 all fragments of a packet are one flow: ports do not count", () => {
    expect(hash({ fragmentOffset: 1480, sourcePort: 1 })).toBe(hash({ fragmentOffset: 2960, sourcePort: 9 }));
  });

  test("Q4 RFC 6437: an IPv6 flow label stands for the ports", () => {
    expect(hash({ ...v6, flowLabel: 5, sourcePort: 1 })).toBe(hash({ ...v6, flowLabel: 5, sourcePort: 2 }));
    expect(hash({ ...v6, flowLabel: 5 })).not.toBe(hash({ ...v6, flowLabel: 6 }));
  });

  test("Q4 any bytes have a hash: nothing is read past the frame's end", () => {
    for (const base of [udpFrame(), udpFrame(v6), udpFrame({ vlan: 1 })]) {
      for (let length = 14; length < base.length; length++) {
        const frame = pool.from(base.subarray(0, length))!;
        frame.pool.memory.u8.fill(0xff, frame.tail, frame.end);
        const before = frameFlowHash(frame, 1);
        frame.pool.memory.u8.fill(0, frame.tail, frame.end);
        expect(frameFlowHash(frame, 1)).toBe(before);
        frame.release();
      }
    }
    expect(ipv6.HEADER_LENGTH).toBe(40);
  });
});

describe("policing", () => {
  test("Q5 a policer drops what exceeds its rate before it queues", () => {
    open({ policer: { rate: 8_000_000, burst: 5000 } });
    world.send(8);
    world.at(2 * MS, () => world.send(5));
    world.run();
    expect(world.order).toEqual([0, 1, 2, 3, 4, 8, 9]);
    expect(world.link.stats("aToB").dropped).toEqual({ POLICER: 6 });
  });

  test("Q5 each direction has a meter of its own, whichever it is", () => {
    open({ policer: () => ({ meter: policeMeter({ rate: 8_000_000, burst: 2000 }) }) });
    world.send(3);
    world.sendBack(3);
    world.run();
    expect([world.atB.length, world.atA.length]).toEqual([2, 2]);
  });

  test("Q5 it may mark instead, and be taken away", () => {
    open({ policer: { rate: 8_000_000, burst: 500, exceed: "mark" } });
    const send = (): void => world.link.a.send(world.simulation.pool.from(udpFrame({ ecn: ECN_ECT_0, payload: 300 }))!);
    const marks: number[] = [];
    world.link.b.attach({
      receiveFrame(frame) {
        marks.push(frameEcn(frame));
        frame.release();
      },
    });
    send();
    send();
    world.set({ policer: null });
    send();
    world.run();
    expect(marks).toEqual([ECN_ECT_0, ECN_CE, ECN_ECT_0]);
  });
});

describe("another queue while it runs", () => {
  test("Q6 what waits moves over in order, and nothing is lost that fits", () => {
    open({ rate: 8_000_000 });
    world.send(10);
    world.at(2.5 * MS, () => world.set({ queue: { kind: "fq_codel" } }));
    world.run();
    expect(world.order).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(world.arrivals.at(-1)).toBe(10 * MS);
  });

  test("Q6 a smaller queue refuses what does not fit", () => {
    open({ rate: 8_000_000 });
    world.send(10);
    world.at(2.5 * MS, () => world.set({ queue: { kind: "fifo", limitPackets: 3 } }));
    world.run();
    expect(world.order).toEqual([0, 1, 2, 3, 4, 5]);
    expect(world.link.stats("aToB").dropped).toEqual({ QDISC_OVERLIMIT: 4 });
  });

  test("Q6 frames that a shaper held go at once when it goes", () => {
    open({ queue: { kind: "tbf", rate: 8000, burst: 1000, limitBytes: 100_000 } });
    world.send(4);
    world.at(10 * MS, () => world.set({ queue: { kind: "fifo" } }));
    world.run();
    expect(world.arrivals).toEqual([0, 10 * MS, 10 * MS, 10 * MS]);
  });

  test("the delay through a full queue is its length over the rate", () => {
    open({ rate: 8_000_000, queue: { kind: "fifo", limitPackets: 50 } });
    overload(1 * SEC);
    const last = transits().slice(-20);
    for (const transit of last) expect(Math.abs(transit - 51 * MS)).toBeLessThanOrEqual(1 * MS);
  });
});

describe("L21 the backlog of an end", () => {
  test("what waits and what of the frame on the line is still to leave", () => {
    open({ rate: 8_000_000, framing: "none" });
    expect(world.link.a.backlog).toBe(0);
    world.send(3);
    expect(world.link.a.backlog).toBe(3000);
    world.simulation.simulator.run({ until: world.now + 0.25 * MS });
    expect(world.link.a.backlog).toBe(2750);
    world.simulation.simulator.run({ until: world.now + 2.5 * MS });
    expect(world.link.a.backlog).toBe(250);
    world.simulation.simulator.run({ until: world.now + 1 * MS });
    expect(world.link.a.backlog).toBe(0);
    expect(world.link.b.backlog).toBe(0);
  });

  test("a line without a rate keeps nobody waiting", () => {
    open({});
    world.send(5);
    expect(world.link.a.backlog).toBe(0);
  });
});
