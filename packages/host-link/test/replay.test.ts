import { Simulator, Wire } from "@seville/sim";
import type { LinkEnd } from "@seville/sim";
import { PacketPool } from "@seville/packet";
import { pcapngBytes } from "@seville/packet/pcapng";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { testWith } from "../../../tools/testing/needs.ts";
import { startReplay, type ReplayOptions } from "../src/index.ts";
import { frame } from "./frames.ts";

const MS = 1_000_000;
const directory = mkdtempSync(join(tmpdir(), "replay-"));
afterAll(() => rmSync(directory, { recursive: true }));

/** What came over the link, and when, in ms. */
function play(options: ReplayOptions, until = 100_000 * MS) {
  const simulator = new Simulator();
  const pool = new PacketPool({ small: 64, jumbo: 4, super: 2 });
  const seen: [ms: number, frame: Uint8Array][] = [];
  const end: LinkEnd = {
    name: "test",
    mtu: 1500,
    carrier: true,
    attach: () => undefined,
    send(packet) {
      seen.push([simulator.now / MS, Uint8Array.from(packet.bytes())]);
      packet.release();
    },
  };
  const replay = startReplay(options, { scheduler: simulator, end, pool });
  simulator.run({ until });
  expect(pool.stats.inUse).toBe(0);
  return { seen, times: seen.map(([ms]) => ms), stats: replay.stats(), replay };
}

interface Recorded {
  readonly ms: number;
  readonly data: Uint8Array;
  readonly on?: number;
  readonly originalLength?: number;
}

function pcapng(packets: readonly Recorded[], names: readonly string[] = ["eth0", "eth1"]): Uint8Array {
  return pcapngBytes((writer) => {
    const ids = names.map((name) => writer.addInterface({ name }));
    for (const { ms, data, on = 0, originalLength } of packets) {
      const length = originalLength === undefined ? {} : { originalLength };
      writer.packet({ interface: ids[on]!, time: ms * MS, data, ...length });
    }
  });
}

/** A classic pcap file as the format's page describes it, made by hand: magic with microseconds, little-endian. */
function pcap(packets: readonly { us: number; data: Uint8Array }[], linkType = 1): Buffer {
  const header = Buffer.alloc(24);
  header.writeUInt32LE(0xa1b2c3d4, 0);
  header.writeUInt16LE(2, 4);
  header.writeUInt16LE(4, 6);
  header.writeUInt32LE(65_535, 16);
  header.writeUInt32LE(linkType, 20);
  const records = packets.map(({ us, data }) => {
    const record = Buffer.alloc(16);
    record.writeUInt32LE(1_700_000_000 + Math.floor(us / 1e6), 0);
    record.writeUInt32LE(us % 1e6, 4);
    record.writeUInt32LE(data.length, 8);
    record.writeUInt32LE(data.length, 12);
    return Buffer.concat([record, data]);
  });
  return Buffer.concat([header, ...records]);
}

const THREE = [
  { ms: 50, data: frame(60, 1) },
  { ms: 51, data: frame(1514, 2) },
  { ms: 71, data: frame(100, 3) },
];

describe("behaviour 11: replaying a capture", () => {
  test("pcapng: the same bytes, the same distances, from now on", () => {
    const { seen, stats } = play({ source: pcapng(THREE) });
    expect(seen).toEqual([
      [0, frame(60, 1)],
      [1, frame(1514, 2)],
      [21, frame(100, 3)],
    ]);
    expect(stats).toEqual({ frames: 3, bytes: 1674, loops: 1, done: true, skipped: {}, backwards: 0, faults: [] });
  });

  test("classic pcap, from a file that is read piece by piece", () => {
    const packets = Array.from({ length: 600 }, (_, i) => ({ us: i * 1000, data: frame(1400, i) }));
    const path = join(directory, "many.pcap");
    writeFileSync(path, pcap(packets)); // 850 kB, several pieces
    const { seen } = play({ source: path });
    expect(seen).toEqual(packets.map(({ us, data }) => [us / 1000, data]));
  });

  test("twice is the same: time is simulated", () => {
    const options = { source: pcapng(THREE), loops: 3, speed: 1.7 };
    expect(play(options)).toMatchObject({ seen: play(options).seen });
  });

  test("speed divides the distances; Infinity sends all at once", () => {
    expect(play({ source: pcapng(THREE), speed: 2 }).times).toEqual([0, 0.5, 10.5]);
    expect(play({ source: pcapng(THREE), speed: 0.1 }).times).toEqual([0, 10, 210]);
    expect(play({ source: pcapng(THREE), speed: Infinity }).times).toEqual([0, 0, 0]);
  });

  test("loops, with a gap between, and a start", () => {
    const { times, stats } = play({ source: pcapng(THREE), loops: 2, loopGap: 5 * MS, startAt: 7 * MS });
    expect(times).toEqual([7, 8, 28, 33, 34, 54]);
    expect(stats).toMatchObject({ frames: 6, loops: 2, done: true });
  });

  test("loops without end, until the run ends or it is stopped", () => {
    const { stats, replay } = play({ source: pcapng(THREE), loops: Infinity }, 100 * MS);
    expect(stats.done).toBe(false);
    expect(stats.frames).toBe(14); // four times, and those at 88 and 89 ms
    replay.stop();
    expect(replay.stats().done).toBe(true);
  });

  test("one interface of the capture, by name or by number", () => {
    const source = pcapng([...THREE, { ms: 60, data: frame(80, 9), on: 1 }]);
    expect(play({ source, interface: "eth1" }).seen).toEqual([[0, frame(80, 9)]]);
    expect(play({ source, interface: 1 }).seen).toEqual([[0, frame(80, 9)]]);
    expect(play({ source, interface: "eth0" }).seen).toHaveLength(3);
    expect(play({ source, interface: "nosuch" }).stats).toMatchObject({ frames: 0, done: true });
  });

  test("addresses are rewritten on request: group destinations stay", () => {
    const broadcast = frame(60);
    broadcast.fill(0xff, 0, 6);
    const source = pcapng([
      { ms: 0, data: frame(60) },
      { ms: 1, data: broadcast },
    ]);
    const destination = Uint8Array.of(2, 0, 0, 0, 9, 9);
    const { seen } = play({ source, rewrite: { destination, source: Uint8Array.of(2, 0, 0, 0, 8, 8) } });
    expect(seen.map(([, bytes]) => Buffer.from(bytes.subarray(0, 12)).toString("hex"))).toEqual([
      "020000000909020000000808",
      "ffffffffffff020000000808",
    ]);
  });

  test("time that goes back is clamped and counted", () => {
    const source = pcapng([
      { ms: 10, data: frame(60) },
      { ms: 4, data: frame(61) },
      { ms: 12, data: frame(62) },
    ]);
    const { times, stats } = play({ source });
    expect(times).toEqual([0, 0, 2]);
    expect(stats.backwards).toBe(1);
  });

  test("over a wire of the simulator, to a receiver", () => {
    const simulator = new Simulator();
    const pool = new PacketPool({ small: 64, jumbo: 4, super: 2 });
    const wire = new Wire({ scheduler: simulator });
    const received: number[] = [];
    wire.b.attach({
      receiveFrame(packet) {
        received.push(packet.length);
        packet.release();
      },
    });
    startReplay({ source: pcapng(THREE) }, { scheduler: simulator, end: wire.a, pool });
    simulator.run();
    expect(received).toEqual([60, 1514, 100]);
    expect(pool.stats.inUse).toBe(0);
  });

  testWith(["tshark"], "a capture that Wireshark's own tools wrote", () => {
    const hex = THREE.map(({ data }) => `0000 ${Buffer.from(data).toString("hex").replace(/../g, "$& ")}`).join("\n");
    writeFileSync(join(directory, "hex"), `${hex}\n`);
    for (const format of ["pcap", "nsecpcap", "pcapng"]) {
      const path = join(directory, format);
      execFileSync("text2pcap", ["-q", "-F", format, join(directory, "hex"), path], { stdio: "ignore" });
      expect(play({ source: path }).seen.map(([, bytes]) => bytes)).toEqual(THREE.map(({ data }) => data));
    }
  });
});

describe("behaviour 12: what cannot be replayed", () => {
  test("frames cut short, too small or not Ethernet are skipped and counted", () => {
    const source = pcapng([
      { ms: 0, data: frame(60), originalLength: 1500 },
      { ms: 1, data: frame(13) },
      { ms: 2, data: frame(64) },
    ]);
    const { seen, stats } = play({ source });
    expect(seen).toEqual([[0, frame(64)]]);
    expect(stats.skipped).toEqual({ HDR_TRUNC: 1, PKT_TOO_SMALL: 1 });
    expect(play({ source: pcap([{ us: 0, data: frame(60) }], 101) }).stats).toMatchObject({
      frames: 0,
      skipped: { UNHANDLED_PROTO: 1 },
    });
  });

  test("a file cut at any byte: what is whole is played, the rest is told", () => {
    for (const whole of [pcapng(THREE), new Uint8Array(pcap(THREE.map(({ ms, data }) => ({ us: ms * 1000, data }))))]) {
      let last = 0;
      for (let length = 28; length < whole.length; length += 13) {
        const { seen, stats } = play({ source: whole.subarray(0, length) });
        for (const [i, [, bytes]] of seen.entries()) expect(bytes).toEqual(THREE[i]!.data);
        expect(seen.length).toBeGreaterThanOrEqual(last);
        last = seen.length;
        if (stats.faults.length > 0) expect(stats.faults[0]).toMatch(/^at byte \d+: .*ends within/);
      }
      expect(last).toBe(2);
    }
  });

  test("what is no capture at all is the caller's mistake", () => {
    const garbage = Buffer.from("this is a letter to my aunt and certainly no capture");
    expect(() => play({ source: garbage })).toThrow(
      expect.objectContaining({ code: "ERR_CAPTURE_FORMAT", argument: "source" }),
    );
    expect(() => play({ source: new Uint8Array(0) })).toThrow(/an empty file/);
    expect(() => play({ source: join(directory, "absent") })).toThrow(expect.objectContaining({ code: "ENOENT" }));
    expect(() => play({ source: directory })).toThrow(expect.objectContaining({ code: "EISDIR" }));
  });

  test("a capture without frames is played to its end, once, however often it should be", () => {
    expect(play({ source: pcapng([]), loops: Infinity }).stats).toMatchObject({ frames: 0, loops: 1, done: true });
  });

  test("an empty pool: NOMEM, and it goes on", () => {
    const simulator = new Simulator();
    const pool = new PacketPool({ small: 1, jumbo: 0, super: 0 });
    const held = pool.alloc(10)!;
    const end: LinkEnd = { name: "t", mtu: 1500, carrier: true, attach: () => undefined, send: (p) => p.release() };
    const replay = startReplay({ source: pcapng(THREE) }, { scheduler: simulator, end, pool });
    simulator.run({ until: 5 * MS });
    held.release();
    simulator.run();
    expect(replay.stats()).toMatchObject({ frames: 1, skipped: { NOMEM: 2 }, done: true });
  });

  test.each([
    [{ speed: 0 }, "speed"],
    [{ speed: Number.NaN }, "speed"],
    [{ loops: 0 }, "loops"],
    [{ loops: 1.5 }, "loops"],
    [{ loopGap: 0 }, "loopGap"],
    [{ rewrite: { source: new Uint8Array(5) } }, "rewrite.source"],
  ])("behaviour 2: %o names %s", (options, argument) => {
    expect(() => play({ source: pcapng(THREE), ...options })).toThrow(expect.objectContaining({ argument }));
  });
});
