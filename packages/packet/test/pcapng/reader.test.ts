import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { testWith } from "../../../../tools/testing/needs.ts";
import {
  CaptureReader,
  nanosSince,
  pcapngBytes,
  readCapture,
  readCaptureStream,
  type CapturedPacket,
  type CaptureEvent,
} from "../../src/pcapng.ts";
import { ARP_FRAME } from "./frames.ts";

function sample(packets = 5): Uint8Array {
  return pcapngBytes(
    (writer) => {
      writer.addInterface({ name: "a" });
      writer.addInterface({ name: "b", snapLength: 40 });
      writer.names([{ address: Uint8Array.of(192, 0, 2, 1), name: "one" }]);
      for (let i = 0; i < packets; i++) {
        writer.packet({
          interface: i % 2,
          time: i * 1_000_000_007,
          data: ARP_FRAME.subarray(0, 42 + i),
          comment: `${i}`,
        });
      }
      writer.interfaceStatistics({ interface: 0, time: 9, received: packets, dropped: 1 });
    },
    { epochSeconds: 1_600_000_000, application: "test", os: "none", hardware: "none", comment: "hello" },
  );
}

function packetsOf(events: Iterable<CaptureEvent>): CapturedPacket[] {
  return [...events].filter((event) => event.type === "packet");
}

/** Events with their data copied, so that they can be compared after the reader has gone on. */
function frozen(events: Iterable<CaptureEvent>): unknown[] {
  return [...events].map((event) => (event.type === "packet" ? { ...event, data: [...event.data] } : event));
}

/** Words of a little-endian pcapng file of ours, turned round: the same file as a big-endian machine writes it. */
function bigEndian(blocks: { type: number; body: (number | { bytes: number[] })[] }[]): Uint8Array {
  const out: number[] = [];
  const word = (value: number): number[] => [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255];
  for (const { type, body } of blocks) {
    const bytes = body.flatMap((part) => (typeof part === "number" ? word(part) : part.bytes));
    out.push(...word(type), ...word(bytes.length + 12), ...bytes, ...word(bytes.length + 12));
  }
  return Uint8Array.from(out);
}

describe("pcapng", () => {
  test("G7 what was written is read: sections, interfaces, packets, names, statistics", () => {
    const events = [...readCapture(sample(2))];
    expect(events.map((event) => event.type)).toEqual([
      "section", "interface", "interface", "names", "packet", "packet", "statistics",
    ]); // prettier-ignore
    expect(events[0]).toMatchObject({ format: "pcapng", application: "test", comments: ["hello"] });
    expect(events[2]).toMatchObject({ name: "b", snapLength: 40, linkType: 1 });
    const [first, second] = packetsOf(events);
    expect(first).toMatchObject({ interface: 0, comments: ["0"], time: { seconds: 1_600_000_000, nanos: 0 } });
    expect(second).toMatchObject({ originalLength: 43, time: { seconds: 1_600_000_001, nanos: 7 } });
    expect(second?.data).toEqual(ARP_FRAME.subarray(0, 40));
    expect(nanosSince(first!.time!, second!.time!)).toBe(1_000_000_007);
  });

  test("G8 big-endian sections, microseconds by default, if_tsresol in powers of two, if_tsoffset", () => {
    const option = (code: number, value: number[]): { bytes: number[] } => ({
      bytes: [code >> 8, code & 255, value.length >> 8, value.length & 255, ...value, ...new Array<number>((4 - (value.length % 4)) % 4).fill(0)],
    }); // prettier-ignore
    const file = bigEndian([
      { type: 0x0a0d0d0a, body: [0x1a2b3c4d, 0x00010000, 0xffffffff, 0xffffffff] },
      { type: 1, body: [0x00010000, 0] },
      { type: 1, body: [0x00010000, 0, option(9, [0x8a]), option(14, [0, 0, 0, 0, 0, 0, 0, 100]), option(0, [])] },
      { type: 6, body: [0, 0, 1_500_000, 4, 4, { bytes: [1, 2, 3, 4] }] },
      { type: 6, body: [1, 0, 1536, 4, 4, { bytes: [5, 6, 7, 8] }] },
    ]);
    const [first, second] = packetsOf(readCapture(file));
    expect(first?.time).toEqual({ seconds: 1, nanos: 500_000_000 });
    expect(second?.time).toEqual({ seconds: 101, nanos: 500_000_000 }); // 1536 / 1024 s + 100 s
    expect([...second!.data]).toEqual([5, 6, 7, 8]);
  });

  test("G8 a section in the other byte order may follow, and its interfaces are numbered anew", () => {
    const other = bigEndian([
      { type: 0x0a0d0d0a, body: [0x1a2b3c4d, 0x00010000, 0xffffffff, 0xffffffff] },
      { type: 1, body: [0x00650000, 0] },
      { type: 3, body: [2, { bytes: [9, 9, 0, 0] }] },
      { type: 2, body: [0x00000007, 0, 1, 4, 4, { bytes: [1, 2, 3, 4] }] },
    ]);
    const events = [...readCapture(Uint8Array.from([...sample(1), ...other]))];
    const last = packetsOf(events).slice(-2);
    expect(last[0]).toMatchObject({ interface: 0, linkType: 101, time: undefined, originalLength: 2 });
    expect(last[1]).toMatchObject({ interface: 0, time: { seconds: 0, nanos: 1000 } });
  });

  test("G7 blocks of unknown types are passed over in silence", () => {
    const unknown = Uint8Array.from([0xef, 0xbe, 0xad, 0x0b, 16, 0, 0, 0, 1, 2, 3, 4, 16, 0, 0, 0]);
    const events = frozen(readCapture(Uint8Array.from([...sample(2), ...unknown])));
    expect(events).toEqual(frozen(readCapture(sample(2))));
  });

  test("G10 pieces of any size give the same events", async () => {
    const file = sample(8);
    const whole = frozen(readCapture(file));
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1 }), async (sizes) => {
        async function* pieces(): AsyncGenerator<Uint8Array> {
          for (let at = 0, i = 0; at < file.length; i++) {
            const size = sizes[i % sizes.length] as number;
            yield file.slice(at, (at += size));
            await Promise.resolve();
          }
        }
        const events: CaptureEvent[] = [];
        for await (const event of readCaptureStream(pieces())) events.push(event);
        expect(frozen(events)).toEqual(whole);
      }),
      { numRuns: 50 },
    );
  });
});

describe("bad files", () => {
  test("G11 cut at any byte: every whole packet before the cut, then one fatal error that says where", () => {
    const file = sample(4);
    const whole = packetsOf(readCapture(file)).length;
    expect(whole).toBe(4);
    for (let length = 0; length < file.length; length++) {
      const events = [...readCapture(file.subarray(0, length))];
      const errors = events.filter((event) => event.type === "error");
      const atBlockEnd = isBlockEnd(file, length);
      expect(errors.length, `cut at ${length}`).toBe(atBlockEnd ? 0 : 1);
      if (!atBlockEnd) expect(errors[0]).toMatchObject({ fatal: true });
      if (errors[0] !== undefined) expect(errors[0].offset).toBeLessThanOrEqual(length);
    }
  });

  test("G12 whatever the bytes: no throw, no endless reading, and never more data than the file", () => {
    const file = sample(6);
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(file.length - 1), fc.nat(255)), { minLength: 1, maxLength: 12 }),
        fc.nat(file.length),
        (changes, length) => {
          const bad = file.slice(0, length);
          for (const [at, byte] of changes) if (at < bad.length) bad[at] = byte;
          let data = 0;
          let count = 0;
          for (const event of readCapture(bad)) {
            if (event.type === "packet") data += event.data.length;
            expect(++count).toBeLessThan(1000);
          }
          expect(data).toBeLessThanOrEqual(bad.length);
        },
      ),
      { numRuns: 2000, seed: 20160210 },
    );
  });

  test.each([
    ["an empty file", [], /empty/],
    ["text", [...new TextEncoder().encode("#!/bin/sh\necho hello")], /magic/],
    ["a bad byte-order magic", [0x0a, 0x0d, 0x0d, 0x0a, 28, 0, 0, 0, 1, 2, 3, 4], /byte-order/],
    ["a block shorter than its frame", [...sample(0), 6, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0], /less than its own frame/],
    ["a block of 4 GiB", [...sample(0), 6, 0, 0, 0, 0xfc, 0xff, 0xff, 0xff, 0, 0, 0, 0], /more than/],
  ])("G13 %s ends the reading", (_, bytes, message) => {
    const events = [...readCapture(Uint8Array.from(bytes))];
    expect(events.at(-1)).toMatchObject({
      type: "error",
      fatal: true,
      message: expect.stringMatching(message) as string,
    });
  });

  test("G13 a packet of an interface that was not described is passed over", () => {
    const bad = sample(3);
    const view = new DataView(bad.buffer, bad.byteOffset);
    for (let at = 0; at < bad.length; at += view.getUint32(at + 4, true)) {
      if (view.getUint32(at, true) === 6) {
        view.setUint32(at + 8, 77, true);
        break;
      }
    }
    const events = [...readCapture(bad)];
    expect(packetsOf(events).length).toBe(2);
    expect(events).toContainEqual(expect.objectContaining({ type: "error", fatal: false }));
  });

  test("G12 the reader holds no more than a block and what was pushed", () => {
    const reader = new CaptureReader({ maxBlockBytes: 4096 });
    reader.push(sample(0));
    reader.push(Uint8Array.from([6, 0, 0, 0, 0, 0x20, 0, 0, 0, 0, 0, 0]));
    const events: CaptureEvent[] = [];
    for (let event = reader.next(); event !== undefined; event = reader.next()) events.push(event);
    expect(events.at(-1)).toMatchObject({ type: "error", fatal: true });
    reader.push(new Uint8Array(1 << 20));
    expect(reader.next()).toBeUndefined();
  });
});

describe("files of another writer (Wireshark's editcap)", () => {
  testWith(["tshark"], "G9 pcap in microseconds and nanoseconds, Kuznetsov's variant, pcapng", () => {
    const directory = mkdtempSync(join(tmpdir(), "pcap-"));
    try {
      const ours = join(directory, "ours.pcapng");
      writeFileSync(ours, sample(6));
      const expected = packetsOf(readCapture(sample(6)));
      for (const [format, nanosPerTick] of [
        ["pcap", 1000],
        ["nsecpcap", 1],
        ["modpcap", 1000],
        ["pcapng", 1],
      ] as const) {
        const path = join(directory, format);
        execFileSync("editcap", ["-F", format, ours, path]);
        const packets = packetsOf(readCapture(readFileSync(path)));
        expect(
          packets.map((packet) => [...packet.data]),
          format,
        ).toEqual(expected.map((packet) => [...packet.data]));
        expect(packets.map((packet) => packet.originalLength)).toEqual(expected.map((packet) => packet.originalLength));
        expect(packets.map((packet) => packet.time)).toEqual(
          expected.map(({ time }) => ({ seconds: time!.seconds, nanos: time!.nanos - (time!.nanos % nanosPerTick) })),
        );
      }
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  test("G9 a big-endian pcap", () => {
    const file = new Uint8Array(24 + 16 + 4);
    const view = new DataView(file.buffer);
    [0xa1b23c4d, 0x00020004, 0, 0, 65535, 1, 7, 8, 4, 60].forEach((word, i) => view.setUint32(i * 4, word, false));
    file.set([1, 2, 3, 4], 40);
    const [packet] = packetsOf(readCapture(file));
    expect(packet).toMatchObject({ time: { seconds: 7, nanos: 8 }, originalLength: 60 });
    expect([...packet!.data]).toEqual([1, 2, 3, 4]);
  });
});

function isBlockEnd(file: Uint8Array, length: number): boolean {
  const view = new DataView(file.buffer, file.byteOffset);
  let at = 0;
  while (at < length) at += view.getUint32(at + 4, true);
  return at === length && length > 0;
}
