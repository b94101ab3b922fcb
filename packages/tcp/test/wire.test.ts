import { tcp } from "@seville/packet";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fitAccEcn, fitFastOpen, fitSackBlocks } from "../src/wire/options-fit.ts";
import { clearOptions, headerBytes, newOutgoing, writeHeader } from "../src/wire/emit.ts";
import { newSegment, readSegment } from "../src/wire/segment.ts";
import type { OptionLayout, Outgoing } from "../src/parts.ts";

/** The options that `set` asks for, as hex digits. */
function options(set: Partial<Outgoing>, layout: OptionLayout = "linux"): string {
  const view = new DataView(new ArrayBuffer(80));
  const out = Object.assign(newOutgoing(), set);
  const length = writeHeader(view, 0, out, layout);
  expect(headerBytes(out, layout)).toBe(length);
  expect(tcp.headerLength(view, 0)).toBe(length);
  return hex(new Uint8Array(view.buffer, 20, length - 20));
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** A segment of which the options are `text` in hex digits, padded with end-of-list. */
function segmentWith(text: string, flags: number = tcp.SYN): ReturnType<typeof newSegment> {
  const bytes = Uint8Array.from((text.match(/../g) ?? []).map((digits) => parseInt(digits, 16)));
  const length = 20 + Math.ceil(bytes.length / 4) * 4;
  const view = new DataView(new ArrayBuffer(length));
  view.setUint16(12, (length << 10) | flags);
  new Uint8Array(view.buffer).set(bytes, 20);
  const segment = newSegment();
  expect(readSegment(view, 0, length, segment)).toBeUndefined();
  return segment;
}

const synOptions = { mss: 1460, sackPermitted: true, hasTimestamps: true, tsval: 0x01020304, tsecr: 0, windowScale: 7 };

describe("TW1 the order and padding of options", () => {
  test("Linux, on a SYN: MSS, SACK permitted, timestamps, NOP, window scale", () => {
    expect(options(synOptions)).toBe("020405b4" + "0402" + "080a0102030400000000" + "01" + "030307");
  });

  test("Linux without timestamps: NOPs before SACK permitted; without SACK: before timestamps", () => {
    expect(options({ ...synOptions, hasTimestamps: false })).toBe("020405b4" + "01010402" + "01030307");
    expect(options({ ...synOptions, sackPermitted: false })).toBe("020405b4" + "0101080a0102030400000000" + "01030307");
  });

  test("FreeBSD, on a SYN: MSS, NOP, window scale, SACK permitted, timestamps", () => {
    expect(options({ ...synOptions, windowScale: 6 }, "freebsd")).toBe(
      "020405b4" + "01030306" + "0402" + "080a0102030400000000",
    );
    expect(options({ mss: 1460, windowScale: 6, sackPermitted: true }, "freebsd")).toBe(
      "020405b4" + "01030306" + "04020000",
    );
    expect(options({ mss: 1460, hasTimestamps: true, tsval: 1, tsecr: 2 }, "freebsd")).toBe(
      "020405b4" + "0101080a0000000100000002",
    );
  });

  test("RFC 7323 App. A: timestamps alone are aligned by two NOPs, in both orders", () => {
    for (const layout of ["linux", "freebsd"] as const) {
      expect(options({ hasTimestamps: true, tsval: -1, tsecr: 5 }, layout)).toBe("0101080a" + "ffffffff" + "00000005");
      expect(options({}, layout)).toBe("");
    }
  });

  test("RFC 2018 §3: SACK blocks, after timestamps", () => {
    const sack = Int32Array.of(1, 2, -2, 3, 0, 0, 0, 0);
    for (const layout of ["linux", "freebsd"] as const) {
      expect(options({ sackCount: 2, sack }, layout)).toBe("01010512" + "0000000100000002" + "fffffffe00000003");
      expect(options({ hasTimestamps: true, tsval: 1, tsecr: 2, sackCount: 1, sack }, layout)).toBe(
        "0101080a0000000100000002" + "0101050a" + "0000000100000002",
      );
    }
  });

  test("RFC 7413 §4.1.1: Fast Open under both numbers, padded behind", () => {
    const cookie = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
    const asked = new Uint8Array(0);
    expect(options({ fastOpenCookie: cookie })).toBe("220a0102030405060708" + "0101");
    expect(options({ fastOpenCookie: cookie, fastOpenExperimental: true })).toBe("fe0cf9890102030405060708");
    expect(options({ ...synOptions, fastOpenCookie: asked })).toMatch(/0103030722020101$/);
    expect(options({ fastOpenCookie: asked, fastOpenExperimental: true })).toBe("fe04f989");
    expect(options({ fastOpenCookie: cookie }, "freebsd")).toBe("220a0102030405060708" + "0000");
  });

  test("FreeBSD leaves out what does not fit: SACK blocks one by one, then the rest", () => {
    const all = { hasTimestamps: true, tsval: 1, tsecr: 2, sackCount: 4, sack: new Int32Array(8) };
    expect(options(all, "freebsd").length / 2).toBe(40);
    expect(options({ ...all, fastOpenCookie: new Uint8Array(8) }, "freebsd").length / 2).toBe(40);
    expect(options({ ...all, accEcnOrder: 1, accEcnCount: 3 }, "freebsd").length / 2).toBe(40);
  });
});

describe("TW2 RFC 9768 §3.2.3: the AccECN option", () => {
  const accEcn = Int32Array.of(0x010203, 0x040506, 0x070809);

  test("as many counters as asked for, in either order, padded where nothing follows", () => {
    expect(options({ accEcnOrder: 1, accEcnCount: 3, accEcn })).toBe("ae0b010203040506070809" + "01");
    expect(options({ accEcnOrder: 0, accEcnCount: 2, accEcn })).toBe("ac08010203040506");
    expect(options({ accEcnOrder: 1, accEcnCount: 1, accEcn })).toBe("ae05010203" + "010101");
    expect(options({ accEcnOrder: 1, accEcnCount: 0, accEcn })).toBe("ae02" + "0101");
  });

  test("what it leaves of a word takes the place of the next option's padding", () => {
    const sack = Int32Array.of(1, 2, 0, 0, 0, 0, 0, 0);
    expect(options({ accEcnOrder: 1, accEcnCount: 1, accEcn, sackCount: 1, sack })).toBe(
      "ae05010203" + "01" + "050a0000000100000002",
    );
    expect(options({ accEcnOrder: 1, accEcnCount: 0, accEcn, sackCount: 1, sack })).toBe(
      "ae02" + "050a0000000100000002",
    );
    expect(options({ ...synOptions, accEcnOrder: 1, accEcnCount: 1, accEcn })).toMatch(/ae05010203030307$/);
    expect(options({ ...synOptions, accEcnOrder: 1, accEcnCount: 0, accEcn })).toMatch(/01030307ae020101$/);
  });

  test("it takes what room there is, and of SACK blocks all but two", () => {
    const fit = (sackCount: number, required: number, room: number) => {
      const out = Object.assign(newOutgoing(), { accEcnOrder: 1, sackCount });
      return [fitAccEcn(out, required, room, false), out.accEcnCount, out.sackCount];
    };
    expect(fit(0, 0, 28)).toEqual([true, 3, 0]);
    expect(fit(0, 0, 8)).toEqual([true, 2, 0]);
    expect(fit(0, 2, 4)).toEqual([false, 0, 0]);
    expect(fit(3, 1, 0)).toEqual([true, 2, 2]);
    expect(fit(3, 3, 0)).toEqual([false, 0, 3]);
    expect(fit(4, 3, 0)).toEqual([true, 3, 2]);
    expect(fit(3, 0, 0)).toEqual([true, 0, 3]);
    expect(fit(2, 1, 0)).toEqual([false, 0, 2]);
  });

  test("an option that does not fit is not written", () => {
    const out = Object.assign(newOutgoing(), { accEcnOrder: 1 });
    expect(fitAccEcn(out, 3, 8, false)).toBe(false);
    expect(out.accEcnOrder).toBe(-1);
  });
});

describe("TW3 40 bytes of options", () => {
  test("three SACK blocks beside timestamps, four without, none where nothing is left", () => {
    expect([fitSackBlocks(12, 4), fitSackBlocks(0, 6), fitSackBlocks(12, 1), fitSackBlocks(36, 3)]).toEqual([
      3, 4, 1, 0,
    ]);
  });

  test("a Fast Open cookie that is too long for a SYN is left out", () => {
    const out = Object.assign(newOutgoing(), synOptions);
    out.fastOpenCookie = new Uint8Array(16);
    expect(fitFastOpen(out)).toBe(true);
    out.fastOpenExperimental = true;
    expect(fitFastOpen(out)).toBe(true);
    expect(headerBytes(out, "linux")).toBe(60);
    out.sackPermitted = true;
    out.hasTimestamps = true;
    expect(fitFastOpen(out)).toBe(true);
    clearOptions(out);
    expect([headerBytes(out, "linux"), fitFastOpen(out)]).toEqual([20, false]);
  });
});

describe("TW4 options of a segment that came, as tcp_parse_options reads them", () => {
  test("on a SYN all that is negotiated there", () => {
    const { options: read } = segmentWith(
      "020405b4" + "0402" + "080a0102030480000001" + "01" + "030307" + "220401020101",
    );
    expect(read).toMatchObject({ mss: 1460, sackPermitted: true, windowScale: 7, hasTimestamps: true });
    expect([read.tsval, read.tsecr]).toEqual([0x01020304, 0x80000001 | 0]);
    expect([read.fastOpenAt, read.fastOpenLength]).toEqual([-1, 0]);
  });

  test("what only a SYN negotiates is not seen elsewhere", () => {
    const { options: read } = segmentWith("020405b4" + "0402" + "030307" + "22020101", tcp.ACK);
    expect(read).toMatchObject({ mss: 0, sackPermitted: false, windowScale: -1, fastOpenAt: -1 });
  });

  test("a shift above 14 is 14 (RFC 7323 §2.3), an MSS of 0 is none", () => {
    expect(segmentWith("03030f").options.windowScale).toBe(14);
    expect(segmentWith("02040000").options.mss).toBe(0);
  });

  test("a wrong length of a known option is passed over", () => {
    const { options: read } = segmentWith("0203ff" + "0404ffff" + "080500ffff" + "050700000000ff" + "020405b4");
    expect(read).toMatchObject({ mss: 1460, sackPermitted: false, hasTimestamps: false, sackCount: 0 });
  });

  test("a length that cannot be ends the reading and keeps what was read", () => {
    for (const bad of ["0800", "0801", "08", "0828"]) {
      const { options: read } = segmentWith("020405b4" + bad);
      expect([read.mss, read.hasTimestamps]).toEqual([1460, false]);
    }
    expect(segmentWith("00020405b4").options.mss).toBe(0);
  });

  test("of an option that is there twice the last one counts", () => {
    expect(segmentWith("020405b4" + "02040218").options.mss).toBe(536);
  });

  test("up to four SACK blocks", () => {
    const { options: read } = segmentWith("0522" + "00000001".repeat(7) + "ffffffff" + "0101", tcp.ACK);
    expect([read.sackCount, read.sack[0], read.sack[7]]).toEqual([4, 1, -1]);
  });

  test("RFC 7413 §4.1.1: cookies of 4 to 16 even bytes under both numbers, others are none", () => {
    const asked = segmentWith("2202").options;
    expect([asked.fastOpenAt, asked.fastOpenLength, asked.fastOpenExperimental]).toEqual([22, 0, false]);
    const given = segmentWith("fe08f98901020304").options;
    expect([given.fastOpenAt, given.fastOpenLength, given.fastOpenExperimental]).toEqual([24, 4, true]);
    expect(segmentWith("2205010203").options.fastOpenAt).toBe(-1);
    expect(segmentWith("220401020101").options.fastOpenAt).toBe(-1);
    expect(segmentWith("2214" + "00".repeat(18)).options.fastOpenAt).toBe(-1);
    expect(segmentWith("fe08123401020304").options.fastOpenAt).toBe(-1);
  });

  test("RFC 9768 §3.2.3.3: counters of AccECN, whole ones only", () => {
    const three = segmentWith("ae0b000001ffffff000203", tcp.ACK).options;
    expect([three.accEcnOrder, three.accEcnCount, ...three.accEcn]).toEqual([1, 3, 1, 0xffffff, 0x203]);
    const some = segmentWith("ac060000010a", tcp.ACK).options;
    expect([some.accEcnOrder, some.accEcnCount]).toEqual([0, 1]);
    expect(segmentWith("ac02", tcp.ACK).options.accEcnCount).toBe(0);
    expect(segmentWith("ac0f" + "00".repeat(13), tcp.ACK).options.accEcnCount).toBe(3);
  });

  test("RFC 2385, RFC 5925: signatures are seen", () => {
    expect(segmentWith("1312" + "00".repeat(16), tcp.ACK).options).toMatchObject({ hasMd5: true, hasAo: false });
    expect(segmentWith("1d0401020101", tcp.ACK).options).toMatchObject({ hasMd5: false, hasAo: true });
    expect(segmentWith("130400000101", tcp.ACK).options.hasMd5).toBe(false);
  });
});

describe("TW5 the header", () => {
  test("fields stand where RFC 9293 §3.1 puts them; the segment's end counts SYN and FIN", () => {
    const view = new DataView(new ArrayBuffer(128));
    const out = Object.assign(newOutgoing(), {
      sourcePort: 1234,
      destinationPort: 80,
      seq: -5,
      ack: 0x80000000 | 0,
      flags: tcp.ACK | tcp.FIN | tcp.AE | tcp.URG,
      window: 65535,
      urgentPointer: 9,
      hasTimestamps: true,
      tsval: 7,
      tsecr: 8,
    });
    const length = writeHeader(view, 10, out, "linux");
    expect(tcp.parse(view, 10, 10 + length)).toEqual({
      sourcePort: 1234,
      destinationPort: 80,
      sequence: 0xfffffffb,
      acknowledgment: 0x80000000,
      flags: tcp.ACK | tcp.FIN | tcp.AE | tcp.URG,
      window: 65535,
      checksum: 0,
      urgentPointer: 9,
    });
    const segment = newSegment();
    expect(readSegment(view, 10, 10 + length + 20, segment)).toBeUndefined();
    expect(segment).toMatchObject({
      seq: -5,
      endSeq: 16,
      ack: 0x80000000 | 0,
      payload: 42,
      payloadLength: 20,
      window: 65535,
    });
  });

  test("an acknowledgment number without ACK is none; a SYN takes a number", () => {
    const view = new DataView(new ArrayBuffer(20));
    writeHeader(view, 0, Object.assign(newOutgoing(), { seq: -1, ack: 99, flags: tcp.SYN }), "linux");
    const segment = newSegment();
    readSegment(view, 0, 20, segment);
    expect([segment.ack, segment.endSeq]).toEqual([0, 0]);
  });

  test("what is no header is answered with its fault", () => {
    const view = new DataView(new ArrayBuffer(64));
    const segment = newSegment();
    expect(readSegment(view, 0, 19, segment)).toBe("truncated");
    view.setUint8(12, 0x40);
    expect(readSegment(view, 0, 64, segment)).toBe("bad-length");
    view.setUint8(12, 0xf0);
    expect(readSegment(view, 0, 59, segment)).toBe("truncated");
  });

  test("no bytes are not survived", () => {
    const segment = newSegment();
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 0, maxLength: 80 }), (bytes) => {
        if (bytes.length > 12) bytes[12] = (bytes[12] as number) | 0x50;
        const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
        const fault = readSegment(view, 0, bytes.length, segment);
        if (fault === undefined) expect(segment.payload + segment.payloadLength).toBe(bytes.length);
        expect(segment.options.sackCount).toBeLessThanOrEqual(4);
        expect(segment.options.accEcnCount).toBeLessThanOrEqual(3);
      }),
    );
  });

  test("what is written is read, in both orders", () => {
    const int32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
    const fields = fc.record({
      mss: fc.constantFrom(0, 536, 1460, 65535),
      windowScale: fc.integer({ min: -1, max: 14 }),
      sackPermitted: fc.boolean(),
      hasTimestamps: fc.boolean(),
      tsval: int32,
      tsecr: int32,
    });
    fc.assert(
      fc.property(fields, fc.constantFrom("linux", "freebsd"), fc.nat(3), (set, layout, counters) => {
        const view = new DataView(new ArrayBuffer(80));
        const out = Object.assign(newOutgoing(), set, { flags: tcp.SYN });
        if (counters > 0) Object.assign(out, { accEcnOrder: 1, accEcnCount: counters, accEcn: Int32Array.of(1, 2, 3) });
        const length = writeHeader(view, 0, out, layout);
        expect(length).toBeLessThanOrEqual(60);
        const segment = newSegment();
        expect(readSegment(view, 0, length, segment)).toBeUndefined();
        const { tsval, tsecr, ...rest } = set;
        expect(segment.options).toMatchObject(rest);
        if (set.hasTimestamps) expect(segment.options).toMatchObject({ tsval, tsecr });
        expect(segment.options.accEcnCount).toBe(counters);
      }),
    );
  });
});
