import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { encapsulationLimit, erspan, geneve, gre, gue, nvgre, sixToFour, vxlan } from "../src/index.ts";
import {
  bitsOf,
  concat,
  draw,
  ENCAPSULATION_LIMIT,
  ERSPAN_II,
  ERSPAN_III,
  GENEVE,
  GENEVE_OPTION,
  GRE,
  GRE_CHECKSUM,
  GRE_WORD,
  GUE,
  GUE_REMCSUM,
  NVGRE_KEY,
  read,
  VXLAN,
  VXLAN_GPE,
} from "./support/diagram.ts";
import { hex } from "./support/packets.ts";

/*
 * Each codec against the drawing in its RFC, read and written bit by bit: what is written is what is drawn, what is drawn is read, and
 * random bytes are taken or refused as the text says.
 */

const bit = fc.boolean();
const bits = (width: number): fc.Arbitrary<number> => fc.integer({ min: 0, max: 2 ** width - 1 });
const optional = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(arbitrary, { nil: undefined });
const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.length);

/** What a codec writes, behind bytes that are not its. */
function written(write: (view: DataView, at: number) => number): Uint8Array<ArrayBuffer> {
  const buffer = new Uint8Array(400).fill(0xee);
  const length = write(viewOf(buffer), 3);
  expect(buffer.subarray(0, 3).every((byte) => byte === 0xee)).toBe(true);
  expect(buffer.subarray(3 + length).every((byte) => byte === 0xee)).toBe(true);
  return buffer.slice(3, 3 + length);
}

/** Bytes that begin like a header, and go on for a while. */
const soup = (first: fc.Arbitrary<readonly number[]>, more: number): fc.Arbitrary<Uint8Array> =>
  fc
    .tuple(first, fc.uint8Array({ maxLength: more }))
    .map(([head, rest]) => Uint8Array.from([...head, ...rest]))
    .chain((bytes) => fc.integer({ min: 0, max: bytes.length }).map((end) => bytes.slice(0, end)));

const flag = (set: unknown): number => (set === undefined || set === false ? 0 : 1);

describe("T3 GRE as RFC 2784 §2.1 and RFC 2890 §2 draw it", () => {
  const header = fc.record({
    protocol: bits(16),
    checksum: optional(bits(16)),
    key: optional(bits(32)),
    sequence: optional(bits(32)),
  });

  test("T3 is written", () => {
    fc.assert(
      fc.property(header, (fields) => {
        const { protocol, checksum, key, sequence } = fields;
        const drawn = concat(
          draw(GRE, { C: flag(checksum), K: flag(key), S: flag(sequence), protocol }),
          checksum === undefined ? new Uint8Array(0) : draw(GRE_CHECKSUM, { checksum }),
          key === undefined ? new Uint8Array(0) : draw(GRE_WORD, { word: key }),
          sequence === undefined ? new Uint8Array(0) : draw(GRE_WORD, { word: sequence }),
        );
        expect(hex(written((view, at) => gre.write(view, at, fields)))).toBe(hex(drawn));
        expect(gre.parse(viewOf(drawn), 0, drawn.length)).toEqual(fields);
        expect(gre.headerLength(viewOf(drawn), 0)).toBe(drawn.length);
      }),
    );
  });

  test("T3 what is not of version 0, routed, or cut short is refused, and nothing else", () => {
    fc.assert(
      fc.property(soup(fc.tuple(bits(8), bits(8)), 20), (bytes) => {
        const fault = gre.check(viewOf(bytes), 0, bytes.length);
        if (bytes.length < 4) {
          expect(fault).toBe("truncated");
          return;
        }
        const { C, R, K, S, reserved0, ver } = read(GRE, bytes) as Record<string, number>;
        const length = 4 + 4 * (C! + K! + S!);
        // Of reserved0 the first two bits must be 0 for a receiver of RFC 2784 §2.3, the rest are ignored.
        if (ver !== 0) expect(fault).toBe("bad-version");
        else if (R === 1 || reserved0! >>> 7 !== 0) expect(fault).toBe("bad-value");
        else expect(fault).toBe(bytes.length < length ? "truncated" : undefined);
        expect(gre.parse(viewOf(bytes), 0, bytes.length) === undefined).toBe(fault !== undefined);
      }),
      { numRuns: 500 },
    );
  });

  test("T3 fields are changed in place, and only they", () => {
    fc.assert(
      fc.property(header, bits(16), bits(32), bits(16), (fields, checksum, sequence, protocol) => {
        const bytes = written((view, at) => gre.write(view, at, fields));
        const view = viewOf(bytes);
        gre.setProtocol(view, 0, protocol);
        if (fields.checksum !== undefined) gre.setChecksum(view, 0, checksum);
        if (fields.sequence !== undefined) gre.setSequence(view, 0, sequence);
        expect(gre.parse(view, 0, bytes.length)).toEqual({
          protocol,
          key: fields.key,
          checksum: fields.checksum === undefined ? undefined : checksum,
          sequence: fields.sequence === undefined ? undefined : sequence,
        });
      }),
    );
  });
});

describe("T3 NVGRE as RFC 7637 §3.2 draws it", () => {
  test("T3 is written and read", () => {
    fc.assert(
      fc.property(bits(24), bits(8), (vsid, flowId) => {
        const drawn = concat(draw(GRE, { K: 1, protocol: 0x6558 }), draw(NVGRE_KEY, { vsid, flow: flowId }));
        expect(hex(written((view, at) => nvgre.write(view, at, { vsid, flowId })))).toBe(hex(drawn));
        expect(nvgre.parse(viewOf(drawn), 0, drawn.length)).toEqual({ vsid, flowId });
        expect(nvgre.keyOf(vsid, flowId)).toBe(vsid * 256 + flowId);
      }),
    );
  });

  test.each([
    ["a checksum", { C: 1, K: 1, protocol: 0x6558 }],
    ["a sequence number", { K: 1, S: 1, protocol: 0x6558 }],
    ["no key", { protocol: 0x6558 }],
    ["another protocol", { K: 1, protocol: 0x0800 }],
  ])("T3 with %s it is another GRE", (_name, values) => {
    const bytes = concat(draw(GRE, values), new Uint8Array(12));
    expect(gre.check(viewOf(bytes), 0, bytes.length)).toBeUndefined();
    expect(nvgre.check(viewOf(bytes), 0, bytes.length)).toBe("bad-value");
  });
});

describe("T1 VXLAN as RFC 7348 §5 draws it, with its extensions", () => {
  test("T1 is written: plain, with group policy", () => {
    const policy = optional(fc.record({ id: bits(16), dontLearn: bit, policyApplied: bit }));
    fc.assert(
      fc.property(bits(24), policy, (vni, gbp) => {
        const isPolicy = gbp !== undefined && (gbp.id !== 0 || gbp.dontLearn || gbp.policyApplied);
        const values = isPolicy
          ? { G: 1, D: flag(gbp.dontLearn), A: flag(gbp.policyApplied), policy: gbp.id }
          : ({} as Record<string, number>);
        const drawn = draw(VXLAN, { I: 1, vni, ...values });
        expect(hex(written((view, at) => vxlan.write(view, at, { vni, gbp })))).toBe(hex(drawn));
        expect(vxlan.vni(viewOf(drawn), 0)).toBe(vni);
        if (isPolicy) expect(vxlan.groupPolicy(viewOf(drawn), 0)).toEqual(gbp);
      }),
    );
  });

  test("T1 is written: GPE's next protocol, remote checksum offload's byte", () => {
    fc.assert(
      fc.property(bits(24), bits(8), (vni, byte) => {
        expect(hex(written((view, at) => vxlan.write(view, at, { vni, nextProtocol: byte })))).toBe(
          hex(draw(VXLAN_GPE, { I: 1, P: 1, next: byte, vni })),
        );
        // draft-herbert-vxlan-rco-00 §3: bit 10, counted from 0, and the byte behind the VNI.
        expect(hex(written((view, at) => vxlan.write(view, at, { vni, rco: byte })))).toBe(
          hex(draw(VXLAN, { I: 1, R4: 2, vni, reserved: byte })),
        );
        const drawn = draw(VXLAN_GPE, { I: 1, P: 1, next: byte, vni });
        expect(vxlan.nextProtocol(viewOf(drawn), 0)).toBe(byte);
      }),
    );
  });

  test("T1 without I, or cut short, it is none; any other bits are the receiver's question", () => {
    fc.assert(
      fc.property(soup(fc.tuple(bits(8)), 12), (bytes) => {
        const fault = vxlan.check(viewOf(bytes), 0, bytes.length);
        if (bytes.length < 8) expect(fault).toBe("truncated");
        else expect(fault).toBe(read(VXLAN, bytes).I === 1 ? undefined : "bad-value");
      }),
    );
  });

  test("T1 VNI and reserved byte are changed in place, and only they", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 8, maxLength: 8 }), bits(24), bits(8), (bytes, vni, reserved) => {
        const before = read(VXLAN, bytes);
        vxlan.setVni(viewOf(bytes), 0, vni);
        vxlan.setReserved(viewOf(bytes), 0, reserved);
        expect(read(VXLAN, bytes)).toEqual({ ...before, vni, reserved });
      }),
    );
  });
});

describe("T2 Geneve as RFC 8926 §3.4 and §3.5 draw it", () => {
  const option = fc
    .record({ class: bits(16), type: bits(7), critical: bit, words: fc.integer({ min: 0, max: 6 }) })
    .chain(({ words, ...rest }) =>
      fc.uint8Array({ minLength: 4 * words, maxLength: 4 * words }).map((data) => ({ ...rest, data })),
    );
  const drawOption = ({ class: namespace, type, critical, data }: geneve.GeneveOption): Uint8Array =>
    concat(draw(GENEVE_OPTION, { class: namespace, C: flag(critical), type, length: data.length / 4 }), data);

  test("T2 is written with its options, and C follows from them", () => {
    fc.assert(
      fc.property(bits(24), bits(16), bit, fc.array(option, { maxLength: 8 }), (vni, protocol, control, options) => {
        const drawnOptions = concat(...options.map(drawOption));
        const drawn = concat(
          draw(GENEVE, {
            length: drawnOptions.length / 4,
            O: flag(control),
            C: flag(options.some(({ critical }) => critical)),
            protocol,
            vni,
          }),
          drawnOptions,
        );
        expect(hex(written((view, at) => geneve.write(view, at, { vni, protocol, control, options })))).toBe(
          hex(drawn),
        );
        const view = viewOf(drawn);
        expect(geneve.parse(view, 0, drawn.length)).toMatchObject({ vni, protocol, control });
        expect(geneve.parseOptions(view, 8, drawn.length)).toEqual(options);
        expect(geneve.lengthOf({ options })).toBe(drawn.length);
      }),
    );
  });

  test("T2 options must fill their room exactly, and random ones rarely do (§3.5.1)", () => {
    fc.assert(
      fc.property(soup(fc.tuple(bits(8), bits(8), bits(8), bits(8), bits(24), bits(8)), 80), (bytes) => {
        const fault = geneve.check(viewOf(bytes), 0, bytes.length);
        if (bytes.length < 8) {
          expect(fault).toBe("truncated");
          return;
        }
        const { ver, length } = read(GENEVE, bytes) as { ver: number; length: number };
        const end = 8 + 4 * length;
        if (ver !== 0) expect(fault).toBe("bad-version");
        else if (end > bytes.length) expect(fault).toBe("truncated");
        else {
          let at = 8;
          while (at + 4 <= end) at += 4 + 4 * (read(GENEVE_OPTION, bytes.subarray(at, at + 4)).length as number);
          expect(fault).toBe(at === end ? undefined : "bad-option");
        }
      }),
      { numRuns: 500 },
    );
  });

  test("T2 an unknown critical option is found wherever it stands, by class and type", () => {
    fc.assert(
      fc.property(fc.array(option, { maxLength: 8 }), fc.array(option, { maxLength: 3 }), (options, others) => {
        const bytes = concat(...options.map(drawOption));
        const known = [...options.filter((_, i) => i % 2 === 0), ...others];
        const unknown = options.some(
          ({ critical, class: namespace, type }) =>
            critical && !known.some((each) => each.class === namespace && each.type === type),
        );
        const keys = new Set(known.map(geneve.optionKey));
        expect(geneve.hasUnknownCritical(viewOf(bytes), 0, bytes.length, keys)).toBe(unknown);
      }),
    );
  });
});

describe("T4 GUE as draft-ietf-intarea-gue-09 §3.2 draws it", () => {
  const remote = optional(fc.record({ start: bits(16), offset: bits(16) }));

  test("T4 is written, with remote checksum offload", () => {
    fc.assert(
      fc.property(bits(8), bit, remote, (protocol, control, remoteChecksum) => {
        const drawn = concat(
          draw(GUE, {
            C: flag(control),
            hlen: remoteChecksum === undefined ? 0 : 2,
            proto: protocol,
            P: flag(remoteChecksum),
          }),
          remoteChecksum === undefined ? new Uint8Array(0) : draw(GUE_REMCSUM, { remcsum: 1, ...remoteChecksum }),
        );
        expect(hex(written((view, at) => gue.write(view, at, { protocol, control, remoteChecksum })))).toBe(hex(drawn));
        expect(gue.parse(viewOf(drawn), 0, drawn.length)).toEqual({ protocol, control, remoteChecksum });
      }),
    );
  });

  test("T4 unknown flags, private flags without room, and other variants are refused", () => {
    fc.assert(
      fc.property(
        soup(
          fc.tuple(
            fc.constantFrom(0x00, 0x01, 0x02, 0x03, 0x20, 0x40, 0x80, 0xc0),
            bits(8),
            fc.constant(0),
            bits(1),
            fc.constantFrom(0, 0x80, 0x40),
            fc.constant(0),
            fc.constant(0),
            fc.constant(0),
          ),
          12,
        ),
        (bytes) => {
          const fault = gue.check(viewOf(bytes), 0, bytes.length);
          if (bytes.length < 4) {
            expect(fault).toBe("truncated");
            return;
          }
          const { variant, hlen, flags, P } = read(GUE, bytes) as Record<string, number>;
          const length = 4 + 4 * hlen!;
          if (variant !== 0) expect(fault).toBe("bad-version");
          else if (length > bytes.length) expect(fault).toBe("truncated");
          else if (flags !== 0) expect(fault).toBe("bad-option");
          else if (P === 0) expect(fault).toBeUndefined();
          else if (length < 8) expect(fault).toBe("bad-length");
          else {
            const { remcsum, private: others } = read(GUE_REMCSUM, concat(bytes.subarray(4, 8), new Uint8Array(4)));
            if (others !== 0) expect(fault).toBe("bad-option");
            else expect(fault).toBe(remcsum === 1 && length < 12 ? "bad-length" : undefined);
          }
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe("T3 ERSPAN as draft-foschiano-erspan-03 §4 draws it", () => {
  const common = { vlan: bits(12), cos: bits(3), encapsulation: bits(2), truncated: bit, sessionId: bits(10) };

  test("T3 type II is written and read", () => {
    fc.assert(
      fc.property(fc.record({ ...common, index: bits(20) }), (fields) => {
        const header = { version: erspan.VERSION_II, ...fields } as const;
        const drawn = draw(ERSPAN_II, {
          ver: 1,
          vlan: fields.vlan,
          cos: fields.cos,
          en: fields.encapsulation,
          t: flag(fields.truncated),
          session: fields.sessionId,
          index: fields.index,
        });
        expect(hex(written((view, at) => erspan.write(view, at, header)))).toBe(hex(drawn));
        expect(erspan.parse(viewOf(drawn), 0, drawn.length)).toEqual(header);
        expect(erspan.parse(viewOf(drawn), 0, 7)).toBeUndefined();
      }),
    );
  });

  test("T3 type III is written and read, with and without a subheader", () => {
    const fields = fc.record({
      ...common,
      timestamp: bits(32),
      sgt: bits(16),
      isEthernet: bit,
      frameType: bits(5),
      hwId: bits(6),
      egress: bit,
      granularity: bits(2),
      subheader: optional(fc.uint8Array({ minLength: 8, maxLength: 8 })),
    });
    fc.assert(
      fc.property(fields, (given) => {
        const header = { version: erspan.VERSION_III, ...given } as const;
        const drawn = concat(
          draw(ERSPAN_III, {
            ver: 2,
            vlan: given.vlan,
            cos: given.cos,
            bso: given.encapsulation,
            t: flag(given.truncated),
            session: given.sessionId,
            timestamp: given.timestamp,
            sgt: given.sgt,
            p: flag(given.isEthernet),
            ft: given.frameType,
            hw: given.hwId,
            d: flag(given.egress),
            gra: given.granularity,
            o: flag(given.subheader),
          }),
          given.subheader ?? new Uint8Array(0),
        );
        expect(hex(written((view, at) => erspan.write(view, at, header)))).toBe(hex(drawn));
        expect(erspan.parse(viewOf(drawn), 0, drawn.length)).toEqual(header);
        for (const end of [4, 8, 11, drawn.length - 1]) {
          expect(erspan.check(viewOf(drawn), 0, end)).toBe("truncated");
        }
      }),
    );
  });

  test("T3 versions are 1 and 2", () => {
    for (let ver = 0; ver < 16; ver++) {
      const bytes = draw(ERSPAN_III, { ver });
      const fault = erspan.check(viewOf(bytes), 0, bytes.length);
      expect(fault).toBe(ver === 1 || ver === 2 ? undefined : "bad-version");
    }
  });
});

describe("T5 the encapsulation limit as RFC 2473 §4.1.1 draws it, and 6to4 addresses as RFC 3056 §2 does", () => {
  test("T5 the option is written in a header of its own, padded", () => {
    fc.assert(
      fc.property(bits(8), bits(8), (next, limit) => {
        const drawn = draw(ENCAPSULATION_LIMIT, { next, type: 4, bytes: 1, limit, padN: 1, padBytes: 1 });
        expect(hex(written((view, at) => encapsulationLimit.write(view, at, next, limit)))).toBe(hex(drawn));
      }),
    );
  });

  test("T5 2002:V4ADDR::/48, and back", () => {
    fc.assert(
      fc.property(bits(32), bits(32), (address, id) => {
        const made = sixToFour.addressOf(address, id);
        const words = [made.w0, made.w1, made.w2, made.w3].map((word) => word.toString(16).padStart(8, "0")).join("");
        expect(words).toBe(
          `2002${address.toString(16).padStart(8, "0")}${"0".repeat(4 + 8)}${id.toString(16).padStart(8, "0")}`,
        );
        expect(sixToFour.embedded(made)).toBe(address);
      }),
    );
  });
});

test("every drawing is whole bytes, in words of 32 bits", () => {
  for (const fields of [
    GRE,
    GRE_CHECKSUM,
    VXLAN,
    VXLAN_GPE,
    GENEVE,
    GENEVE_OPTION,
    GUE,
    GUE_REMCSUM,
    ERSPAN_II,
    ERSPAN_III,
  ]) {
    expect(bitsOf(fields) % 32).toBe(0);
  }
});
