import { describe, expect, test } from "vitest";
import { measureShape } from "../../src/gro/tunnel-shape.ts";
import { framesOf, offsetsOf, PLAIN, type Flow } from "../support/flow.ts";
import { hex, segmentFrames } from "../support/collect.ts";
import { groRun, SHAPES } from "../support/gro.ts";
import { makePool, payloadOf } from "../support/super.ts";

const [VXLAN, GENEVE, FOU, , GUE] = SHAPES as [
  (typeof SHAPES)[0],
  (typeof SHAPES)[0],
  (typeof SHAPES)[0],
  (typeof SHAPES)[0],
  (typeof SHAPES)[0],
];

function measure(shape: (typeof SHAPES)[0], header: readonly number[], end = header.length): number | undefined {
  const bytes = Uint8Array.from(header);
  return measureShape(new DataView(bytes.buffer), 0, end, shape);
}

describe("shapes", () => {
  test.each([
    ["VXLAN", VXLAN, [8, 0, 0, 0, 0, 0, 1, 0], 8],
    ["VXLAN without the I flag", VXLAN, [0, 0, 0, 0, 0, 0, 1, 0], undefined],
    ["VXLAN that is cut off", VXLAN, [8, 0, 0, 0, 0, 0, 1], undefined],
    ["Geneve", GENEVE, [0, 0, 0x65, 0x58, 0, 0, 1, 0], 8],
    ["Geneve with options", GENEVE, [1, 0, 0x65, 0x58, 0, 0, 1, 0, 1, 2, 3, 4], 12],
    ["Geneve whose options are cut off", GENEVE, [2, 0, 0x65, 0x58, 0, 0, 1, 0, 1, 2, 3, 4], undefined],
    ["Geneve of another version", GENEVE, [0x40, 0, 0x65, 0x58, 0, 0, 1, 0], undefined],
    ["a Geneve control packet", GENEVE, [0, 0x80, 0x65, 0x58, 0, 0, 1, 0], undefined],
    ["FOU", FOU, [0x45], 0],
    ["GUE", GUE, [0, 4, 0, 0], 4],
    ["GUE with a private field", GUE, [1, 4, 0, 0, 0, 0, 0, 0], 8],
    ["a GUE control packet", GUE, [0x20, 4, 0, 0], undefined],
  ] as const)("S12 %s", (_, shape, header, expected) => {
    expect(measure(shape, header)).toBe(expected);
  });

  test("S12 a rule about a byte that the header does not have is never met", () => {
    const require = [{ offset: 9, mask: 0xff, value: 0 }];
    expect(measure({ ...VXLAN, require }, [8, 0, 0, 0, 0, 0, 1, 0, 0, 0])).toBeUndefined();
    expect(
      measure({ ...VXLAN, options: { offset: 9, mask: 1, unit: 4 } }, [8, 0, 0, 0, 0, 0, 1, 0, 0, 0]),
    ).toBeUndefined();
  });
});

/** Frames of FOU, made into GUE by four bytes in front of the inner packet. */
function gueFrames(payload: Uint8Array): Uint8Array[] {
  const flow: Flow = { ...PLAIN, tunnel: "fou-csum", fixedOuterId: true };
  const at = offsetsOf(flow).innerNetwork;
  return framesOf(flow, payload, 500).map((frame) => {
    const gue = new Uint8Array(frame.length + 4);
    gue.set(frame.subarray(0, at));
    gue.set([0, 4, 0, 0], at);
    gue.set(frame.subarray(at), at + 4);
    const view = new DataView(gue.buffer);
    view.setUint16(16, gue.length - 14);
    view.setUint16(36, 6080);
    view.setUint16(38, gue.length - 34);
    view.setUint16(40, 0);
    view.setUint16(24, 0);
    let sum = 0;
    for (let i = 14; i < 34; i += 2) sum += view.getUint16(i);
    while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
    view.setUint16(24, ~sum & 0xffff);
    return gue;
  });
}

test("S12 S15 GUE: IPv4 TCP behind four bytes of header is merged, and split into the same frames", () => {
  const pool = makePool();
  const frames = gueFrames(payloadOf(2200));
  const run = groRun(pool);
  for (const frame of frames) run.give(frame);
  run.gro.flush();
  expect(run.gro.stats.supers).toBe(1);
  expect(hex(segmentFrames(run.out.splice(0)[0]!).frames)).toEqual(hex(frames));
  pool.assertDrained();
});

test("S12 a shape that is not given is no tunnel", () => {
  const pool = makePool();
  const run = groRun(pool, { tunnels: [] });
  for (const frame of gueFrames(payloadOf(2200))) run.give(frame);
  expect(run.gro.stats.normal).toBe(5);
  run.release();
  pool.assertDrained();
});
