import { setTimeout as sleep } from "node:timers/promises";
import { check } from "../../../lib/suite.ts";
import { greSequence, setGreSequence } from "./gre-mutations.ts";
import { grown, guestCounters, ourCounters, type Counters } from "./counters.ts";
import { readOuterIp, type Mutation } from "./mutation.ts";
import { afterLast, resume } from "./sequence.ts";
import { inWorld } from "./site.ts";
import { guestArrivals, newMark, sendFromGuest, sendFromOurs, type Datagram } from "./sink.ts";
import { innerOf, type LiveTunnel } from "./tunnel.ts";

/** What one side did with a packet: whether the datagram arrived once more, and what its device counted. */
interface Verdict {
  readonly taken: boolean;
  readonly counted: string;
}

/** Longer than a packet needs from one side to the other, ms. */
const ON_ITS_WAY = 40;

/** Each packet of the list is sent to both sides, which must take or drop it alike, and count it alike. */
export async function checkDrops(tunnel: LiveTunnel): Promise<string> {
  const { spec, site } = tunnel;
  site.wire.paused = true;
  try {
    const kernel = await verdicts(tunnel, "ours");
    const ours = await verdicts(tunnel, "guest");
    const differences = spec.mutations.flatMap(({ name, stricter }, i) => {
      const [theirs, mine] = [kernel[i] as Verdict, ours[i] as Verdict];
      const isRight =
        stricter === undefined
          ? theirs.taken === mine.taken && theirs.counted === mine.counted
          : theirs.taken && !mine.taken;
      return isRight ? [] : [`${name}: kernel ${tell(theirs)}; ours ${tell(mine)}`];
    });
    check(differences.length === 0, "both sides do the same", differences.join("\n"));
    const dropped = ours.filter(({ taken }) => !taken).length;
    return `${spec.mutations.length} kinds of packets, ${dropped} of them dropped, alike`;
  } finally {
    await sleep(ON_ITS_WAY);
    site.wire.paused = false;
  }
}

function tell({ taken, counted }: Verdict): string {
  return `${taken ? "took" : "dropped"} it and counted ${counted}`;
}

/** Sends a datagram for each mutation in the name of `sender`, and then its changed copy; what the other side did with that. */
async function verdicts(tunnel: LiveTunnel, sender: "guest" | "ours"): Promise<Verdict[]> {
  const { spec, site } = tunnel;
  const { guest, host, world, wire } = site;
  const [family = 4] = spec.inner;
  const to = innerOf(spec, sender === "guest" ? "ours" : "guest", family);
  const datagrams = spec.mutations.map((): Datagram => ({ mark: newMark(), to }));
  wire.clear();
  if (sender === "guest") await sendFromGuest(guest, datagrams);
  else await inWorld(world, () => datagrams.forEach((datagram) => sendFromOurs(host, datagram)));
  await sleep(ON_ITS_WAY);
  const marks = datagrams.map(({ mark }) => mark);
  const first = await arrivalsOf(tunnel, sender, marks);
  const counted: string[] = [];
  let before = await countersOf(tunnel, sender);
  for (const [i, { mark }] of datagrams.entries()) {
    await inWorld(world, () => wire.inject(sender, changed(tunnel, sender, mark, spec.mutations[i] as Mutation)));
    await sleep(ON_ITS_WAY);
    const after = await countersOf(tunnel, sender);
    counted.push(grown(before, after));
    before = after;
    // The next one is in order, whatever this one was.
    await inWorld(world, () => resume(tunnel));
  }
  const last = await arrivalsOf(tunnel, sender, marks);
  return marks.map((mark, i) => ({
    taken: (last.get(mark) ?? 0) > (first.get(mark) ?? 0),
    counted: counted[i] as string,
  }));
}

/** How often each datagram by `sender` has arrived. */
async function arrivalsOf(
  { site }: LiveTunnel,
  sender: "guest" | "ours",
  marks: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  const arrivals = sender === "guest" ? site.sink.arrivals : await guestArrivals(site.guest, marks);
  const counts = new Map<string, number>();
  for (const { mark } of arrivals) counts.set(mark, (counts.get(mark) ?? 0) + 1);
  return counts;
}

/** Of the side that receives what `sender` sends. */
function countersOf({ site, near }: LiveTunnel, sender: "guest" | "ours"): Promise<Counters> {
  return sender === "ours" ? guestCounters(site.guest) : inWorld(site.world, () => ourCounters(near));
}

/** A copy of the packet with `mark`, changed; its sequence number is a new one, so that nothing but the change is wrong. */
function changed(tunnel: LiveTunnel, sender: "guest" | "ours", mark: string, mutation: Mutation): Uint8Array {
  const packet = tunnel.site.wire.packet(sender, mark);
  const { end } = readOuterIp(packet);
  const hasSequence = tunnel.spec.sequence === true && greSequence(packet, end) !== undefined;
  return mutation.apply(hasSequence ? setGreSequence(packet, end, afterLast(tunnel, sender)()) : packet, end);
}
