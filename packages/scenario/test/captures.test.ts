import { createRandom } from "@seville/core";
import { PacketPool } from "@seville/packet";
import { readCapture, type CapturedPacket } from "@seville/packet/pcapng";
import { Link, Simulator, type LinkOptions } from "@seville/sim";
import { describe, expect, test } from "vitest";
import { CaptureSet, macFor } from "../src/run/captures.ts";
import type { Captures } from "@seville/scenario";

const ENDS = ["a:eth0", "b:eth0"] as const;

/** A link with a capture at both ends, whose receiver may do something with what it gets. */
function tapped(link: Partial<LinkOptions>, options: Captures = {}, at: "wire" | "host" = "wire") {
  const simulator = new Simulator();
  const pool = new PacketPool({ small: 64, jumbo: 0, super: 0 });
  const wire = new Link({ scheduler: simulator, random: createRandom(1), name: "l", ends: ENDS, delay: 1000, ...link });
  const chunks = new Map<string, Uint8Array[]>();
  const captures = new CaptureSet(
    (name) => {
      const pieces: Uint8Array[] = [];
      chunks.set(name, pieces);
      return (chunk) => void pieces.push(chunk);
    },
    at,
    options,
  );
  for (const [i, end] of ENDS.entries()) captures.open(end, macFor(undefined, i, 0), 10e6);
  captures.tapWire(wire, ENDS);
  return {
    simulator,
    pool,
    wire,
    captures,
    send: (bytes: Uint8Array): void => {
      const frame = pool.from(bytes);
      if (frame !== undefined) wire.a.send(frame);
    },
    records: (end: string): CapturedPacket[] => {
      captures.finish();
      const events = [...readCapture(Buffer.concat(chunks.get(end) ?? []))];
      return events.flatMap((event) => (event.type === "packet" ? [{ ...event, data: event.data.slice() }] : []));
    },
  };
}

function frame(fill: number, length = 60): Uint8Array {
  return new Uint8Array(length).fill(fill);
}

describe("R10: a capture", () => {
  test("has a frame where it leaves and where it arrives, at the nanosecond", () => {
    const { wire, simulator, send, records } = tapped({});
    wire.b.attach({ receiveFrame: (packet) => packet.release() });
    simulator.scheduleCall(500, () => send(frame(7)));
    simulator.run();
    expect(records("a:eth0")).toMatchObject([
      { direction: "outbound", time: { seconds: 0, nanos: 500 }, data: frame(7) },
    ]);
    expect(records("b:eth0")).toMatchObject([
      { direction: "inbound", time: { seconds: 0, nanos: 1500 }, data: frame(7), comments: [] },
    ]);
  });

  test("names interface, address and speed", () => {
    const { captures, send, simulator, records } = tapped({});
    send(frame(1));
    simulator.run();
    expect(records("a:eth0")).toHaveLength(1);
    expect(captures.finish().map(({ interface: name, at, frames }) => `${name} ${at} ${frames}`)).toEqual([
      "a:eth0 wire 1",
      "b:eth0 wire 0",
    ]);
    expect(macFor(undefined, 1, 2)).toBe(0x02_53_56_00_01_02);
    expect(macFor("0a:00:00:00:00:01", 1, 2)).toBe(0x0a_00_00_00_00_01);
  });

  test("says of a frame that the line lost that it did, once", () => {
    const { send, simulator, records } = tapped({ loss: 1 });
    send(frame(1));
    simulator.run();
    expect(records("a:eth0")).toMatchObject([{ direction: "outbound", comments: ["dropped: LINK_LOSS"] }]);
    expect(records("b:eth0")).toEqual([]);
  });

  test("says so of a partition", () => {
    const { wire, send, simulator, records } = tapped({});
    wire.partition();
    send(frame(1));
    simulator.run();
    expect(records("a:eth0")).toMatchObject([{ comments: ["dropped: LINK_PARTITION"] }]);
  });

  test("has frames that a queue refused, with the reason", () => {
    const { wire, send, simulator, records } = tapped({ rate: 1e6, queue: { kind: "fifo", limitPackets: 1 } });
    wire.b.attach({ receiveFrame: (packet) => packet.release() });
    for (let i = 0; i < 4; i++) send(frame(i));
    simulator.run();
    const reasons = records("a:eth0").map(({ data, comments }) => `${data[0]} ${comments.join()}`);
    expect(reasons.sort()).toEqual(["0 ", "1 ", "2 dropped: QDISC_OVERLIMIT", "3 dropped: QDISC_OVERLIMIT"]);
  });

  test.each([
    [undefined, 14],
    ["header", 14],
    ["full", 60],
  ] as const)("of a frame with a wrong check sequence (fcsErrors: %s) keeps %d bytes, marked", (fcsErrors, kept) => {
    const { wire, send, simulator, records } = tapped({ corrupt: 1 }, fcsErrors === undefined ? {} : { fcsErrors });
    wire.b.attach({ receiveFrame: (packet) => packet.release() });
    send(frame(1));
    simulator.run();
    const [record] = records("b:eth0");
    expect(record).toMatchObject({ crcError: true, originalLength: 60, comments: ["dropped: LINK_FCS"] });
    expect(record?.data).toHaveLength(kept);
    expect(records("a:eth0")).toMatchObject([{ data: frame(1), comments: [] }]);
  });

  test("or none of it", () => {
    const { wire, send, simulator, records } = tapped({ corrupt: 1 }, { fcsErrors: "none" });
    wire.b.attach({ receiveFrame: (packet) => packet.release() });
    send(frame(1));
    simulator.run();
    expect(records("b:eth0")).toEqual([]);
  });

  test("says why a host dropped what it had just got", () => {
    const { wire, captures, send, simulator, records } = tapped({});
    wire.b.attach({
      receiveFrame(packet) {
        captures.get("b:eth0")?.dropped(packet, "NO_SOCKET");
        packet.release();
      },
    });
    send(frame(1));
    simulator.run();
    expect(records("b:eth0")).toMatchObject([{ comments: ["dropped: NO_SOCKET"] }]);
  });

  test("but not when another packet, in the same slot, is dropped", () => {
    const { wire, pool, captures, send, simulator, records } = tapped({});
    wire.b.attach({
      receiveFrame(packet) {
        packet.release();
        const answer = pool.from(frame(2));
        if (answer === undefined) return;
        captures.get("b:eth0")?.dropped(answer, "IP_OUTNOROUTES");
        answer.release();
      },
    });
    send(frame(1));
    simulator.run();
    expect(records("b:eth0")).toMatchObject([{ comments: [] }]);
  });

  test("keeps as much of each frame as it is told, and of the interfaces that are named", () => {
    const { send, simulator, records } = tapped({}, { snaplen: 20, interfaces: ["a:eth0"] });
    send(frame(1, 1000));
    simulator.run();
    expect(records("a:eth0")[0]).toMatchObject({ originalLength: 1000, data: frame(1, 20) });
    expect(records("b:eth0")).toEqual([]);
  });

  test("taken at hosts, leaves the wire to attachments", () => {
    const { send, simulator, records } = tapped({}, {}, "host");
    send(frame(1));
    simulator.run();
    expect(records("a:eth0")).toEqual([]);
  });
});
