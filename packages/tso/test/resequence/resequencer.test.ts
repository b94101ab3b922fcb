import { millis } from "@seville/core";
import { compose, parseIpv4, parseIpv6, PacketPool, tcp, type Layer, type Packet } from "@seville/packet";
import fc from "fast-check";
import { afterEach, describe, expect, test } from "vitest";
import { createResequencer, type ResequencerOptions } from "../../src/index.ts";

const pool = new PacketPool({ small: 512, jumbo: 0, super: 0 });
const MS = millis(1);

afterEach(() => {
  expect(pool.stats.inUse, "packets that nobody gave back").toBe(0);
});

interface Segment {
  readonly sequence: number;
  readonly payload?: number;
  readonly flags?: number;
  readonly port?: number;
  readonly family?: 4 | 6;
}

function segment({ sequence, payload = 100, flags = tcp.ACK, port = 1, family = 4 }: Segment): Packet {
  const ip: Layer =
    family === 4
      ? { ipv4: { source: parseIpv4("10.0.0.1"), destination: parseIpv4("10.0.0.2") } }
      : { ipv6: { source: parseIpv6("2001:db8::1"), destination: parseIpv6("2001:db8::2") } };
  const header: Layer = {
    tcp: { sourcePort: port, destinationPort: 80, sequence: sequence >>> 0, flags, window: 1000 },
  };
  return pool.from(compose([ip, header, new Uint8Array(payload)]))!;
}

/** A resequencer whose packets come out as sequence numbers. */
function open(options: Partial<ResequencerOptions> = {}) {
  const out: string[] = [];
  const sink = (packet: Packet): void => {
    const { view } = packet.pool.memory;
    const header = view.getUint8(packet.data) >> 4 === 4 ? 20 : 40;
    const port = view.getUint16(packet.data + header);
    out.push(`${port === 1 ? "" : `${port}:`}${tcp.sequence(view, packet.data + header)}`);
    packet.release();
  };
  const resequencer = createResequencer({ link: "raw", sink, ...options });
  const receive = (now: number, ...segments: readonly (Segment | number)[]): void => {
    for (const each of segments)
      resequencer.receive(segment(typeof each === "number" ? { sequence: each } : each), now);
  };
  const taken = (): string => out.splice(0).join(" ");
  return { resequencer, receive, taken };
}

describe("Q1 order", () => {
  test("a segment that overtook waits until the gap is filled", () => {
    const { receive, taken, resequencer } = open();
    receive(0, 0, 200, 300);
    expect(taken()).toBe("0");
    expect(resequencer.held).toBe(2);
    receive(0, 100);
    expect(taken()).toBe("100 200 300");
    expect(resequencer.stats).toEqual({ received: 4, passed: 2, reordered: 2, timedOut: 0, overflowed: 0 });
    expect(resequencer.nextTimeout()).toBe(Infinity);
  });

  test("the sequence numbers wrap", () => {
    const { receive, taken } = open();
    receive(0, 0xffff_ff38, 0, 0xffff_ff9c);
    expect(taken()).toBe(`4294967096 4294967196 0`);
  });

  test("IPv6, and flows that differ in a port, keep apart", () => {
    const { receive, taken } = open();
    receive(0, { sequence: 0, family: 6 }, { sequence: 0, port: 2 }, { sequence: 200, family: 6 });
    receive(0, { sequence: 100, port: 2 }, { sequence: 500 });
    expect(taken()).toBe("0 2:0 2:100 500");
    receive(0, { sequence: 100, family: 6 });
    expect(taken()).toBe("100 200");
  });

  test("behind an Ethernet header and a VLAN tag too", () => {
    const out: number[] = [];
    const sink = (packet: Packet): void => {
      out.push(packet.pool.memory.view.getUint32(packet.tail - 4));
      packet.release();
    };
    const resequencer = createResequencer({ sink });
    const frame = (sequence: number, mark: number, tag: boolean): Packet => {
      const inner = compose([
        { ipv4: { source: parseIpv4("10.0.0.1"), destination: parseIpv4("10.0.0.2") } },
        { tcp: { sourcePort: 1, destinationPort: 2, sequence, flags: tcp.ACK, window: 1000 } },
        Uint8Array.of(0, 0, 0, mark),
      ]);
      const header = [2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, ...(tag ? [0x81, 0, 0, 5] : []), 8, 0];
      return pool.from(Uint8Array.from([...header, ...inner]))!;
    };
    for (const tag of [false, true]) {
      resequencer.receive(frame(0, 1, tag), 0);
      resequencer.receive(frame(8, 3, tag), 0);
      resequencer.receive(frame(4, 2, tag), 0);
    }
    // With and without a tag it is one flow: the second round comes a second time, and goes on at once.
    expect(out).toEqual([1, 2, 3, 1, 3, 2]);
  });
});

describe("Q2 nothing waits for longer than the timeout", () => {
  test("a gap that is not filled is given up; what follows it goes on in order", () => {
    const { receive, taken, resequencer } = open({ timeout: MS });
    receive(0, 0, 300);
    receive(0.5 * MS, 200);
    expect(resequencer.nextTimeout()).toBe(MS);
    resequencer.handleTimeout(0.9 * MS);
    expect(taken()).toBe("0");
    resequencer.handleTimeout(MS);
    expect(taken()).toBe("200 300");
    expect(resequencer.stats.timedOut).toBe(2);
  });

  test("a second gap has its own time", () => {
    const { receive, taken, resequencer } = open({ timeout: MS });
    receive(0, 0, 200);
    receive(0.6 * MS, 400);
    resequencer.handleTimeout(MS);
    expect(taken()).toBe("0 200");
    expect(resequencer.nextTimeout()).toBe(1.6 * MS);
    resequencer.handleTimeout(1.6 * MS);
    expect(taken()).toBe("400");
  });

  test("after a loss the flow waits no more than once; the retransmission goes on at once", () => {
    const { receive, taken, resequencer } = open({ timeout: MS });
    receive(0, 0, 200);
    resequencer.handleTimeout(MS);
    receive(2 * MS, 300, 400, 100, 500);
    expect(taken()).toBe("0 200 300 400 100 500");
  });
});

describe("Q3 what is not to wait", () => {
  test("acknowledgements, other protocols, IP options and fragments pass", () => {
    const { receive, taken, resequencer } = open();
    receive(0, 0, 200, { sequence: 900, payload: 0 });
    expect(taken()).toBe("0 900");
    let passed = 0;
    const other = createResequencer({
      link: "raw",
      sink: (packet) => {
        passed++;
        packet.release();
      },
    });
    const base = { source: parseIpv4("10.0.0.1"), destination: parseIpv4("10.0.0.2") };
    other.receive(
      pool.from(compose([{ ipv4: base }, { udp: { sourcePort: 1, destinationPort: 2 } }, new Uint8Array(4)]))!,
      0,
    );
    other.receive(
      pool.from(compose([{ ipv4: { ...base, protocol: 6, moreFragments: true } }, new Uint8Array(40)]))!,
      0,
    );
    other.receive(pool.from(new Uint8Array(3))!, 0);
    expect(passed).toBe(3);
    resequencer.flush();
    expect(taken()).toBe("200");
  });

  test("what comes twice goes on at once, so that the receiver can say so (RFC 2883)", () => {
    const { receive, taken } = open();
    receive(0, 0, 0, 200, 200);
    expect(taken()).toBe("0 0 200");
    receive(0, 100);
    expect(taken()).toBe("100 200");
  });

  test("RST goes behind what waits, and the flow is forgotten", () => {
    const { receive, taken } = open();
    receive(0, 0, 200, { sequence: 300, payload: 0, flags: tcp.RST });
    expect(taken()).toBe("0 200 300");
    receive(0, 9000);
    expect(taken()).toBe("9000");
  });

  test("SYN begins anew: the first byte comes behind it", () => {
    const { receive, taken } = open();
    receive(0, { sequence: 10, payload: 0, flags: tcp.SYN }, 111, 11);
    expect(taken()).toBe("10 11 111");
  });

  test("FIN has its place in the order", () => {
    const { receive, taken } = open();
    receive(0, 0, { sequence: 200, payload: 0, flags: tcp.FIN | tcp.ACK }, 100);
    expect(taken()).toBe("0 100 200");
  });

  test("a sequence number from nowhere is a new connection", () => {
    const { receive, taken, resequencer } = open();
    receive(0, 0, 200, 0x6000_0000, 0x6000_0064);
    expect(taken()).toBe(`0 200 1610612736 1610612836`);
    expect(resequencer.held).toBe(0);
  });
});

describe("Q4 bounds", () => {
  test("packets of a flow", () => {
    const { receive, taken, resequencer } = open({ packets: 3 });
    receive(0, 0, 200, 400, 600);
    expect(resequencer.held).toBe(3);
    receive(0, 800);
    expect(taken()).toBe("0 200");
    expect(resequencer.stats.overflowed).toBe(1);
    resequencer.flush();
    expect(taken()).toBe("400 600 800");
  });

  test("bytes over all flows: the longest queue gives way", () => {
    const { receive, taken, resequencer } = open({ bytes: 350 });
    receive(0, 0, { sequence: 0, port: 2 }, 200, 400, { sequence: 200, port: 2 });
    expect(taken()).toBe("0 2:0");
    receive(0, { sequence: 400, port: 2 });
    expect(taken()).toBe("200");
    resequencer.flush();
  });

  test("flows: the one that was quiet for longest goes, and its packets go on", () => {
    const { receive, taken, resequencer } = open({ flows: 2 });
    receive(0, 0, 200, { sequence: 0, port: 2 }, { sequence: 0, port: 3 });
    expect(taken()).toBe("0 2:0 200 3:0");
    expect(resequencer.held).toBe(0);
  });

  test("options that make no sense are refused", () => {
    for (const bad of [{ timeout: 0 }, { flows: 0 }, { packets: -1 }, { bytes: NaN }]) {
      expect(() => open(bad)).toThrow(/at least 1/);
    }
  });
});

test("Q5 property: any order within bounds comes out sorted, once, and early enough; with losses too nothing is lost", () => {
  fc.assert(
    fc.property(
      fc.shuffledSubarray(Array.from({ length: 40 }, (_, i) => i + 1)),
      fc.array(fc.integer({ min: 0, max: 400_000 }), { minLength: 40, maxLength: 40 }),
      (order, gaps) => {
        const { resequencer, receive, taken } = open({ timeout: MS });
        receive(0, 0);
        let now = 0;
        const entered = new Map([["0", 0]]);
        const out: string[] = [];
        const note = (): void => {
          for (const sequence of taken()
            .split(" ")
            .filter((text) => text !== "")) {
            expect(now - entered.get(sequence)!).toBeLessThanOrEqual(MS);
            out.push(sequence);
          }
        };
        note();
        for (const [i, number] of order.entries()) {
          const next = now + gaps[i]!;
          for (let at = resequencer.nextTimeout(); at <= next; at = resequencer.nextTimeout()) {
            now = at;
            resequencer.handleTimeout(now);
            note();
          }
          now = next;
          entered.set(String(number * 100), now);
          receive(now, number * 100);
          note();
        }
        for (let at = resequencer.nextTimeout(); at < Infinity; at = resequencer.nextTimeout()) {
          now = at;
          resequencer.handleTimeout(now);
          note();
        }
        expect([...out].sort()).toEqual([...entered.keys()].sort());
        if (resequencer.stats.timedOut === 0) expect(out.map(Number)).toEqual(out.map(Number).sort((a, b) => a - b));
      },
    ),
    { numRuns: 200 },
  );
});

test("Q6 mutated packets of every kind: nothing throws, nothing is lost", () => {
  const good = [segment({ sequence: 5 }), segment({ sequence: 5, family: 6 })].map((packet) => {
    const bytes = Uint8Array.from(packet.bytes());
    packet.release();
    return bytes;
  });
  fc.assert(
    fc.property(
      fc.array(
        fc.tuple(
          fc.nat(1),
          fc.array(fc.tuple(fc.nat(79), fc.nat(255)), { maxLength: 6 }),
          fc.integer({ min: 1, max: 140 }),
        ),
        { maxLength: 20 },
      ),
      (packets) => {
        let out = 0;
        const resequencer = createResequencer({
          link: "raw",
          packets: 4,
          sink: (packet) => {
            out++;
            packet.release();
          },
        });
        for (const [which, mutations, length] of packets) {
          const bytes = good[which]!.slice(0, length);
          for (const [at, value] of mutations) if (at < bytes.length) bytes[at] = value;
          resequencer.receive(pool.from(bytes)!, 0);
        }
        resequencer.flush();
        expect(out).toBe(packets.length);
      },
    ),
    { numRuns: 300 },
  );
});
