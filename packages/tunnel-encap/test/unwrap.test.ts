import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { geneve } from "../src/index.ts";
import { FrameQueue } from "../src/node/frame-queue.ts";
import { unwrapGeneve, unwrapGue, unwrapVxlan } from "../src/node/unwrap.ts";
import { concat, draw, GENEVE, GENEVE_OPTION, GUE, VXLAN, VXLAN_GPE } from "./support/diagram.ts";
import { hex } from "./support/packets.ts";
import { frameOf, inner4, inner6 } from "./support/samples.ts";

/* The receivers' reading of a datagram, against headers that are drawn, and against noise. */

const FRAME = frameOf(inner4());
const IN4 = inner4();
const IN6 = inner6();

describe("N1 VXLAN datagrams", () => {
  test("N1 every header with the I flag is read, whatever its other bits say (RFC 7348 §5)", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 8, maxLength: 8 }), fc.nat(0xff_ffff), (noise, vni) => {
        const header = noise.slice();
        header[0]! |= 0x08;
        header.set([vni >> 16, (vni >> 8) & 255, vni & 255], 4);
        const found = unwrapVxlan(false)(concat(header, FRAME));
        expect(found).toMatchObject({ vni, linkType: 1 });
        expect(hex(found!.data)).toBe(hex(FRAME));
        const isPolicy = (header[0]! & 0x80) !== 0;
        expect(found!.gbp === undefined).toBe(!isPolicy);
        if (isPolicy) expect(found!.gbp!.id).toBe(header[2]! * 256 + header[3]!);
      }),
    );
  });

  test("N1 what has no I flag, no whole header or no whole Ethernet header is nothing", () => {
    const read = unwrapVxlan(false);
    expect(read(concat(draw(VXLAN, { vni: 1 }), FRAME))).toBeUndefined();
    const whole = concat(draw(VXLAN, { I: 1, vni: 1 }), FRAME);
    for (let length = 0; length < 22; length++) expect(read(whole.subarray(0, length))).toBeUndefined();
    expect(read(whole.subarray(0, 22))?.data.length).toBe(14);
  });

  test("N1 GPE says what follows, and what it says must be so", () => {
    const read = unwrapVxlan(true);
    const of = (next: number, payload: Uint8Array): string | undefined => {
      const found = read(concat(draw(VXLAN_GPE, { I: 1, P: 1, next, vni: 5 }), payload));
      return found === undefined ? undefined : `${found.linkType} ${found.vni ?? ""} ${hex(found.data)}`;
    };
    expect(of(1, IN4)).toBe(`101 5 ${hex(IN4)}`);
    expect(of(2, IN6)).toBe(`101 5 ${hex(IN6)}`);
    expect(of(3, FRAME)).toBe(`1 5 ${hex(FRAME)}`);
    expect([of(1, IN6), of(2, IN4), of(4, IN4), of(0, FRAME), of(1, new Uint8Array(0))]).toEqual(
      Array(5).fill(undefined),
    );
  });
});

describe("N2 Geneve datagrams", () => {
  const option = (C: 0 | 1, data: readonly number[]): Uint8Array =>
    concat(draw(GENEVE_OPTION, { class: 0x0102, C, type: 9, length: data.length / 4 }), Uint8Array.from(data));
  const packet = (options: Uint8Array, protocol = 0x6558, payload: Uint8Array = FRAME): Uint8Array =>
    concat(draw(GENEVE, { length: options.length / 4, protocol, vni: 77 }), options, payload);
  const none: ReadonlySet<number> = new Set();

  test("N2 options come along, in order, with their data", () => {
    const options = concat(option(0, [1, 2, 3, 4]), option(0, []));
    const found = unwrapGeneve(none)(packet(options));
    expect(found).toMatchObject({
      vni: 77,
      linkType: 1,
      options: [
        { class: 0x0102, type: 9, critical: false, data: Uint8Array.of(1, 2, 3, 4) },
        { class: 0x0102, type: 9, critical: false, data: new Uint8Array(0) },
      ],
    });
    expect(hex(found!.data)).toBe(hex(FRAME));
  });

  test("N2 a critical one is for who knows it (RFC 8926 §3.5)", () => {
    const datagram = packet(option(1, [0, 0, 0, 0]));
    expect(unwrapGeneve(none)(datagram)).toBeUndefined();
    const known = new Set([geneve.optionKey({ class: 0x0102, type: 9 })]);
    expect(unwrapGeneve(known)(datagram)).toBeDefined();
    expect(unwrapGeneve(new Set([geneve.optionKey({ class: 0x0102, type: 8 })]))(datagram)).toBeUndefined();
  });

  test("N2 frames and packets, by EtherType", () => {
    const read = unwrapGeneve(none);
    expect(read(packet(new Uint8Array(0), 0x0800, IN4))).toMatchObject({ linkType: 101 });
    expect(read(packet(new Uint8Array(0), 0x86dd, IN6))).toMatchObject({ linkType: 101 });
    expect(read(packet(new Uint8Array(0), 0x0800, IN6))).toBeUndefined();
    expect(read(packet(new Uint8Array(0), 0x8847, IN4))).toBeUndefined();
  });
});

describe("N3 GUE datagrams", () => {
  test("N3 both variants, and only IP inside", () => {
    const of = (proto: number, payload: Uint8Array): unknown => unwrapGue(concat(draw(GUE, { proto }), payload));
    expect(of(4, IN4)).toMatchObject({ linkType: 101, vni: undefined });
    expect(of(41, IN6)).toMatchObject({ linkType: 101 });
    expect(unwrapGue(IN4)).toMatchObject({ linkType: 101 });
    expect(unwrapGue(IN6)).toMatchObject({ linkType: 101 });
    expect([of(41, IN4), of(47, IN4), unwrapGue(new Uint8Array(0))]).toEqual([undefined, undefined, undefined]);
    expect(unwrapGue(concat(draw(GUE, { C: 1, proto: 4 }), IN4))).toBeUndefined();
  });
});

test("N4 noise is nothing or a part of itself, and never an exception", () => {
  const readers = [unwrapVxlan(false), unwrapVxlan(true), unwrapGeneve(new Set()), unwrapGue];
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (noise) => {
      for (const read of readers) {
        const found = read(noise);
        if (found === undefined) continue;
        expect(hex(noise).endsWith(hex(found.data))).toBe(true);
      }
    }),
    { numRuns: 500 },
  );
});

describe("N4 N5 the buffer between socket and reader, against a list", () => {
  test("N4 what fits is read in order, what does not is refused", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 5 }),
        fc.array(fc.constantFrom("push", "read"), { maxLength: 60 }),
        async (capacity, steps) => {
          const queue = new FrameQueue<number>(capacity);
          const model: number[] = [];
          let next = 0;
          for (const step of steps) {
            if (step === "push") {
              const taken = queue.push(next);
              expect(taken).toBe(model.length < capacity);
              if (taken) model.push(next);
              next++;
            } else if (model.length > 0) {
              expect(await queue.next()).toEqual({ done: false, value: model.shift() });
            }
            expect(queue.size).toBe(model.length);
          }
          queue.close();
          expect(queue.push(99)).toBe(false);
          for (const left of model) expect(await queue.next()).toEqual({ done: false, value: left });
          expect(await queue.next()).toEqual({ done: true, value: undefined });
        },
      ),
      { numRuns: 100 },
    );
  });

  test("N4 readers that wait are served in their order, without the buffer", async () => {
    const queue = new FrameQueue<string>(1);
    const readers = [queue.next(), queue.next()];
    expect([queue.push("one"), queue.push("two"), queue.push("three"), queue.push("four")]).toEqual([
      true,
      true,
      true,
      false,
    ]);
    expect((await Promise.all(readers)).map(({ value }) => value)).toEqual(["one", "two"]);
    expect((await queue.next()).value).toBe("three");
  });

  test("N5 a failure is thrown once, to who waits or to who reads next; then it is over", async () => {
    const failure = new Error("the socket broke");
    const waiting = new FrameQueue<string>(1);
    const readers = [waiting.next(), waiting.next()];
    waiting.close(failure);
    for (const reader of readers) await expect(reader).rejects.toBe(failure);
    const later = new FrameQueue<string>(2);
    later.push("left");
    later.close(failure);
    expect((await later.next()).value).toBe("left");
    await expect(later.next()).rejects.toBe(failure);
    expect(await later.next()).toEqual({ done: true, value: undefined });
    later.close(new Error("twice"));
    expect(await later.next()).toEqual({ done: true, value: undefined });
  });
});
