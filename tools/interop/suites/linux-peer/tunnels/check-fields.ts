import { setTimeout as sleep } from "node:timers/promises";
import { check } from "../../../lib/suite.ts";
import { readOuterIp, type OuterIp } from "./mutation.ts";
import { inWorld } from "./site.ts";
import { guestArrivals, newMark, sendFromGuest, sendFromOurs, type Arrival, type Datagram } from "./sink.ts";
import { innerOf, type LiveTunnel } from "./tunnel.ts";

/** Inner fields: DSCP with each ECN codepoint, TTLs, and DF. */
const INNER_FIELDS = [
  { tos: 0x00, ttl: 64, df: true },
  { tos: 0xb8, ttl: 17, df: false },
  { tos: 0x29, ttl: 5, df: true },
  { tos: 0x02, ttl: 255, df: false },
  { tos: 0x2b, ttl: 64, df: true },
] as const;

/**
 * The same datagrams from both ends: the outer headers that ours and the kernel's tunnel make of them have the same TTL, TOS, ECN, DF and
 * encapsulation limit, and either side's socket sees the inner header as it was.
 */
export async function checkFields(tunnel: LiveTunnel): Promise<string> {
  const { spec, site } = tunnel;
  const { wire, guest, world, host, sink } = site;
  const told = new Set<string>();
  for (const family of spec.inner) {
    const sets = (["ours", "guest"] as const).map((to) =>
      INNER_FIELDS.map((fields): Datagram => ({ mark: newMark(), to: innerOf(spec, to, family), ...fields })),
    ) as [Datagram[], Datagram[]];
    const [theirs, ours] = sets;
    wire.clear();
    await sendFromGuest(guest, theirs);
    await inWorld(world, () => ours.forEach((datagram) => sendFromOurs(host, datagram)));
    await sleep(60);
    for (const [i, fields] of INNER_FIELDS.entries()) {
      const [byKernel, byUs] = [theirs[i] as Datagram, ours[i] as Datagram];
      const kernel = describe(readOuterIp(wire.packet("guest", byKernel.mark)));
      const us = describe(readOuterIp(wire.packet("ours", byUs.mark)));
      const what = `IPv${family} TOS 0x${fields.tos.toString(16)}, TTL ${fields.ttl}, DF ${String(fields.df)}`;
      check(kernel === us, `the same outer header around ${what}`, `kernel ${kernel}\nours   ${us}`);
      told.add(us);
    }
    const inGuest = await guestArrivals(
      guest,
      ours.map(({ mark }) => mark),
    );
    compareInner("the kernel", ours, inGuest);
    const wanted = new Set(theirs.map(({ mark }) => mark));
    compareInner("our stack", theirs, await inWorld(world, () => sink.arrivals.filter(({ mark }) => wanted.has(mark))));
  }
  return [...told].slice(0, 2).join("; ");
}

function describe(outer: OuterIp): string {
  const { family, tos, ttl, df, flowLabel, encapsulationLimit } = outer;
  if (family === 4) return `TOS 0x${tos.toString(16)} TTL ${ttl} ${df ? "DF" : "no DF"}`;
  const limit = encapsulationLimit === undefined ? "no limit" : `limit ${encapsulationLimit}`;
  return `class 0x${tos.toString(16)} hops ${ttl} ${flowLabel === 0 ? "no label" : "a label"} ${limit}`;
}

function compareInner(who: string, sent: readonly Datagram[], arrived: readonly Arrival[]): void {
  for (const { mark, tos, ttl } of sent) {
    const got = arrived.find((each) => each.mark === mark);
    const told = got === undefined ? "it did not arrive" : `TOS 0x${got.tos.toString(16)}, TTL ${got.ttl}`;
    check(
      got?.tos === tos && got?.ttl === ttl,
      `${who} sees TOS 0x${tos?.toString(16) ?? ""}, TTL ${ttl ?? 0} inside`,
      told,
    );
  }
}
