import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { framesOf, PLAIN, type Flow } from "./support/flow.ts";
import { hex, segmentFrames } from "./support/collect.ts";
import { makePool, payloadOf, superPacket } from "./support/super.ts";
import { flows } from "./support/arbitrary.ts";

const CASES: readonly (readonly [string, Partial<Flow>])[] = [
  ["IPv4 TCP", {}],
  ["IPv6 TCP", { family: 6 }],
  ["IPv6 TCP behind an extension header", { family: 6, extension: true }],
  ["IPv4 TCP with timestamps", { tcpOptions: [1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2] }],
  ["IPv4 UDP", { kind: "udp" }],
  ["IPv6 UDP", { kind: "udp", family: 6 }],
  ["two VLAN tags", { vlans: [7, 8] }],
  ["VXLAN without outer checksum", { tunnel: "vxlan" }],
  ["VXLAN with outer checksum", { tunnel: "vxlan-csum" }],
  ["VXLAN with outer checksum over IPv6, IPv6 inside", { tunnel: "vxlan-csum", family: 6, outerFamily: 6 }],
  ["Geneve with options and outer checksum", { tunnel: "geneve-csum", kind: "udp" }],
  ["GRE", { tunnel: "gre" }],
  ["GRE with checksum", { tunnel: "gre-csum" }],
  ["GRE with key and checksum, IPv6 inside", { tunnel: "gre-key-csum", family: 6 }],
  ["GRE tap", { tunnel: "gretap" }],
  ["IPIP", { tunnel: "ip" }],
  ["SIT", { tunnel: "ip", family: 6 }],
  ["IPv4 in IPv6", { tunnel: "ip", outerFamily: 6 }],
  ["FOU with checksum", { tunnel: "fou-csum" }],
];

describe.each([true, false])("segment, WebAssembly %s", (wasm) => {
  test.each(CASES)("S2 S3 S4 S6 %s: 45 frames as the model makes them", (_, change) => {
    const flow = { ...PLAIN, ...change };
    const pool = makePool({ wasm });
    const payload = payloadOf(45 * 1400 - 300);
    const { outcome, frames } = segmentFrames(superPacket(pool, flow, payload, { size: 1400 }));
    expect(outcome).toEqual({ ok: true, segments: 45 });
    expect(hex(frames)).toEqual(hex(framesOf(flow, payload, 1400)));
    pool.assertDrained();
  });

  test("S1 to S6: any protocol, options, size, tunnel and pieces", () => {
    fc.assert(
      fc.property(
        flows(),
        fc.integer({ min: 1, max: 9000 }),
        fc.integer({ min: 2, max: 900 }),
        fc.boolean(),
        fc.integer(),
        (flow, length, size, partial, seed) => {
          const pool = makePool({ wasm });
          const bytes = flow.kind === "tcp" ? length + size : length;
          if (flow.kind === "udp" && Math.ceil(bytes / size) > 128) return;
          if (Math.ceil(bytes / size) > 200) return;
          const payload = payloadOf(bytes, seed);
          const pieces = cut(bytes, seed);
          const packet = superPacket(pool, flow, payload, { size, partial, pieces });
          const { outcome, frames } = segmentFrames(packet);
          expect(outcome.ok).toBe(true);
          expect(hex(frames)).toEqual(hex(framesOf(flow, payload, size)));
          pool.assertDrained();
        },
      ),
      { numRuns: 150 },
    );
  });
});

/** Lengths of a few pieces, odd ones among them, at the end of `bytes`. */
function cut(bytes: number, seed: number): number[] {
  const pieces: number[] = [];
  let left = Math.floor(bytes / 2);
  for (let i = 0; i < (seed & 3) && left > 0; i++) {
    const length = Math.min(left, 1 + ((seed >>> (4 + i)) & 0x3ff));
    pieces.push(length);
    left -= length;
  }
  return pieces;
}
