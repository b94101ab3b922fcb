import { setTimeout as sleep } from "node:timers/promises";
import { check } from "../../../lib/suite.ts";
import { greSequence, setGreSequence } from "./gre-mutations.ts";
import { readOuterIp, setOuterEcn } from "./mutation.ts";
import { inWorld } from "./site.ts";
import { guestArrivals, newMark, sendFromGuest, sendFromOurs, type Arrival, type Datagram } from "./sink.ts";
import { bothCounters } from "./check-ping.ts";
import { grown } from "./counters.ts";
import { innerOf, type LiveTunnel } from "./tunnel.ts";
import { afterLast, resume } from "./sequence.ts";

/** What one datagram's second copy, whose outer ECN field was set on the way, became. */
interface Outcome {
  readonly outer: number;
  readonly inner: number;
  /** The inner ECN field as delivered. */
  readonly ecn: number | "dropped";
}

/**
 * RFC 6040 §4.2, figure 4, cell by cell: a packet is sent once more with another outer ECN field, and both sides deliver it with the
 * same inner field, or drop it and count it alike.
 */
export async function checkEcn(tunnel: LiveTunnel): Promise<string> {
  const { spec, site } = tunnel;
  let dropped = 0;
  for (const family of spec.inner) {
    const cells = [0, 1, 2, 3].flatMap((outer) => [0, 1, 2, 3].map((inner) => ({ outer, inner })));
    const make = (to: string): Datagram[] => cells.map(({ inner }) => ({ mark: newMark(), to, tos: 0x20 | inner }));
    const theirs = make(innerOf(spec, "ours", family));
    const ours = make(innerOf(spec, "guest", family));
    const before = await bothCounters(tunnel);
    site.wire.clear();
    await sendFromGuest(site.guest, theirs);
    await inWorld(site.world, () => ours.forEach((datagram) => sendFromOurs(site.host, datagram)));
    await sleep(60);
    await replay(tunnel, "guest", theirs, cells);
    await replay(tunnel, "ours", ours, cells);
    await sleep(60);
    await inWorld(site.world, () => resume(tunnel));
    const marks = ours.map(({ mark }) => mark);
    const kernel = outcomes(cells, ours, await guestArrivals(site.guest, marks));
    const us = outcomes(cells, theirs, await inWorld(site.world, () => [...site.sink.arrivals]));
    for (const [i, outcome] of us.entries()) {
      const other = kernel[i] as Outcome;
      const what = `outer ${outcome.outer}, inner ${outcome.inner} of IPv${family}`;
      check(outcome.ecn === other.ecn, `the same ECN field for ${what}`, `kernel ${other.ecn}, ours ${outcome.ecn}`);
      if (outcome.ecn === "dropped") dropped++;
    }
    const after = await bothCounters(tunnel);
    const told = [grown(before.kernel, after.kernel), grown(before.ours, after.ours)];
    check(told[0] === told[1], "the same error counters", `kernel ${told[0] ?? ""}\nours   ${told[1] ?? ""}`);
  }
  return `${spec.inner.length * 16} cells alike, ${dropped} of them drops`;
}

async function replay(
  tunnel: LiveTunnel,
  sender: "guest" | "ours",
  datagrams: readonly Datagram[],
  cells: readonly { readonly outer: number }[],
): Promise<void> {
  const { wire, world } = tunnel.site;
  await inWorld(world, () => {
    const sequence = afterLast(tunnel, sender);
    for (const [i, { mark }] of datagrams.entries()) {
      const packet = setOuterEcn(wire.packet(sender, mark), cells[i]?.outer ?? 0);
      const { end } = readOuterIp(packet);
      const isGre = tunnel.spec.sequence === true && greSequence(packet, end) !== undefined;
      wire.inject(sender, isGre ? setGreSequence(packet, end, sequence()) : packet);
    }
  });
}

function outcomes(
  cells: readonly { readonly outer: number; readonly inner: number }[],
  datagrams: readonly Datagram[],
  arrivals: readonly Arrival[],
): Outcome[] {
  return cells.map(({ outer, inner }, i) => {
    const mark = datagrams[i]?.mark;
    const [, second] = arrivals.filter((each) => each.mark === mark);
    return { outer, inner, ecn: second === undefined ? "dropped" : second.tos & 3 };
  });
}
