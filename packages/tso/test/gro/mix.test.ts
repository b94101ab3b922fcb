// S12: whatever arrives in whatever order, nothing is lost and each flow keeps its order.
import fc from "fast-check";
import { expect, test } from "vitest";
import { frameOf, PLAIN, type Flow } from "../support/flow.ts";
import { segmentFrames, wholeFrame } from "../support/collect.ts";
import { groRun } from "../support/gro.ts";
import { makePool, payloadOf } from "../support/super.ts";

/** Four flows, some of them in tunnels. */
const FLOWS: readonly Flow[] = [
  { ...PLAIN, sourcePort: 1 },
  { ...PLAIN, sourcePort: 2, family: 6, tunnel: "vxlan-csum" },
  { ...PLAIN, sourcePort: 3, kind: "udp", vlans: [5] },
  { ...PLAIN, sourcePort: 4, tunnel: "gre-key-csum", outerFamily: 6 },
];

interface Event {
  readonly flow: number;
  /** Bytes of payload: few sizes, so that trains come about. */
  readonly length: number;
  /** A retransmission, a gap, PSH, another TTL, the end of the poll, or nothing special. */
  readonly twist: "none" | "again" | "gap" | "push" | "ttl" | "poll" | "pad" | "hash";
}

const events = fc.array(
  fc.record<Event>({
    flow: fc.nat(3),
    length: fc.oneof({ arbitrary: fc.constant(100), weight: 12 }, fc.constantFrom(40, 101)),
    twist: fc.oneof(
      { arbitrary: fc.constant<Event["twist"]>("none"), weight: 12 },
      fc.constantFrom<Event["twist"]>("again", "gap", "push", "ttl", "poll", "pad", "hash"),
    ),
  }),
  { minLength: 30, maxLength: 120, size: "max" },
);

/** Sends each flow's frames as `sent` says and answers them by flow. */
function send(
  sent: readonly Event[],
  give: (frame: Uint8Array, flow: number, event: Event) => void,
  poll: () => void,
): string[][] {
  const offsets = [0, 0, 0, 0];
  const index = [0, 0, 0, 0];
  const byFlow: string[][] = [[], [], [], []];
  for (const event of sent) {
    if (event.twist === "poll") poll();
    if (event.twist === "gap") offsets[event.flow]! += 7;
    const flow: Flow = {
      ...FLOWS[event.flow]!,
      flags: event.twist === "push" ? 0x18 : 0x10,
      ttl: event.twist === "ttl" ? 9 : 64,
    };
    const part = { index: index[event.flow]!++, offset: offsets[event.flow]!, isFirst: true, isLast: true };
    const frame = frameOf(flow, payloadOf(event.length, part.index), part);
    const given = event.twist === "pad" ? Uint8Array.from([...frame, 0, 0, 0]) : frame;
    byFlow[event.flow]!.push(Buffer.from(given).toString("hex"));
    give(given, event.flow, event);
    if (event.twist !== "again") offsets[event.flow]! += event.length;
  }
  return byFlow;
}

test.each([false, true])("S12 any mix of flows comes out complete and in order, chained %s", (fragList) => {
  let merged = 0;
  fc.assert(
    fc.property(events, (sent) => {
      const pool = makePool();
      const run = groRun(pool, { udp: true, fragList });
      const byFlow = send(
        sent,
        (frame, _flow, event) => run.give(frame, (packet) => (packet.hash = event.twist === "hash" ? 5 : 0)),
        () => run.gro.endOfPoll(0),
      );
      run.gro.flush();
      merged += run.gro.stats.merged;
      const out: string[] = [];
      for (const packet of run.out.splice(0)) {
        if (packet.gsoSize === 0) {
          out.push(Buffer.from(wholeFrame(packet)).toString("hex"));
          packet.release();
        } else out.push(...segmentFrames(packet).frames.map((frame) => Buffer.from(frame).toString("hex")));
      }
      expect([...out].sort()).toEqual(byFlow.flat().sort());
      // Another hash is another bucket, and the order between buckets is nobody's.
      if (!sent.some((event) => event.twist === "hash")) {
        for (const frames of byFlow) {
          const own = new Set(frames);
          expect(out.filter((frame) => own.has(frame))).toEqual(frames);
        }
      }
      const { stats } = run.gro;
      expect(stats.received).toBe(stats.merged + stats.supers + stats.normal);
      pool.assertDrained();
    }),
    { numRuns: 120 },
  );
  expect(merged).toBeGreaterThan(500);
});
