import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { PROFILES } from "../src/index.ts";
import { requestPacket, wireFrames, type Request } from "./support/requests.ts";
import { faultsOf } from "./support/verify-frame.ts";
import { World } from "./support/world.ts";

const requests: fc.Arbitrary<Request> = fc
  .record(
    {
      inner: fc.constantFrom(4, 6),
      outer: fc.constantFrom(4, 6),
      protocol: fc.constantFrom("tcp", "udp", "sctp"),
      tunnel: fc.constantFrom("none", "vxlan", "geneve", "gre", "gretap", "ipip"),
      outerCsum: fc.boolean(),
      payload: fc.oneof(fc.integer({ min: 0, max: 1300 }), fc.integer({ min: 1, max: 12_000 })),
      mss: fc.integer({ min: 100, max: 1300 }),
      vlan: fc.option(fc.integer({ min: 1, max: 4094 }), { nil: undefined }),
      flags: fc.integer({ min: 0, max: 255 }),
      sourcePort: fc.integer({ min: 1, max: 65_535 }),
      id: fc.integer({ min: 0, max: 65_535 }),
      extension: fc.boolean(),
    },
    { requiredKeys: ["inner", "protocol", "payload", "mss", "outer", "tunnel"] },
  )
  .map(legal);

/** What a stack really asks for. */
function legal(fields: Record<string, unknown>): Request {
  const request = Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== undefined),
  ) as never as Request;
  const { protocol, tunnel, payload, mss = 1300 } = request;
  // Only TCP and UDP make super-packets here; SCTP's come as lists of chunks.
  const limited = protocol === "sctp" ? { payload: (payload % 1200) & ~3, mss: undefined } : {};
  const udpLimit = protocol === "udp" ? { payload: Math.min(payload, mss * 100) } : {};
  const extension = request.inner === 6 && tunnel === "none" ? {} : { extension: false };
  return { ...request, ...udpLimit, ...limited, ...extension };
}

/** Requests that every NIC with offloads can serve, so that none passes by leaving all to software. */
const ORDINARY: readonly [Request][] = [500, 9000].map((payload) => [
  legal({ inner: 4, outer: 4, protocol: "tcp", tunnel: "none", payload, mss: 1300 }),
]);

/** What each profile must have done itself in the course of a few dozen requests, lest software did everything. */
const AT_WORK: Readonly<Record<string, readonly ("needs_csum" | "hw_gso_packets")[]>> = {
  "ip-csum": ["needs_csum"],
  "hw-csum": ["needs_csum"],
  "parsing-nic": ["needs_csum", "hw_gso_packets"],
  "tso-no-tunnel": ["needs_csum", "hw_gso_packets"],
  "gso-partial": ["needs_csum", "hw_gso_packets"],
  "tunnel-offload": ["needs_csum", "hw_gso_packets"],
  "embedded-switch": ["needs_csum", "hw_gso_packets"],
};

describe.each(PROFILES)("NIC $name", (profile) => {
  test("D1 C20 C21 C22 C27: whatever the stack asks for, the wire sees what belongs there, byte for byte", () => {
    const work = { needs_csum: 0, hw_gso_packets: 0 };
    fc.assert(
      fc.property(requests, (request) => {
        const world = new World({ mtu: 1500 });
        const nic = world.nic("a", { profile });
        world.send(nic, requestPacket(world.pool, request));
        expect(world.wire.map(hex)).toEqual(wireFrames(request).map(hex));
        for (const frame of world.wire) expect(faultsOf(frame)).toEqual([]);
        expect(world.drops).toEqual([]);
        const { needs_csum, hw_gso_packets } = nic.device.txQueueStats.total;
        work.needs_csum += needs_csum;
        work.hw_gso_packets += hw_gso_packets;
        world.close();
      }),
      { numRuns: 60, examples: [...ORDINARY] },
    );
    for (const kind of AT_WORK[profile.name] ?? []) expect(work[kind], kind).toBeGreaterThan(0);
    if (profile.name === "none") expect(work).toEqual({ needs_csum: 0, hw_gso_packets: 0 });
  });
});

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}
