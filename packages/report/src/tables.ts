import type {
  AlignmentResult,
  DropResult,
  FlowResult,
  InterfaceResult,
  LinkResult,
  PingResult,
  ScenarioResult,
} from "@seville/scenario";
import { formatBytes, formatCount, formatRate, formatShare, formatTime } from "./format.ts";
import { renderTable, type Column } from "./html.ts";

export function renderTables(result: ScenarioResult): string {
  return [
    renderTable("Pings and echoes", PINGS, result.pings),
    renderTable("Flows", FLOWS, result.flows),
    renderTable("Alignment: what misaligned headers cost", ALIGNMENT, result.alignment ?? []),
    renderTable("Links, by direction", LINKS, result.links),
    renderTable("Drops", DROPS, result.drops),
    renderTable("Interfaces", INTERFACES, result.interfaces),
  ].join("\n");
}

const count =
  <Row>(of: (row: Row) => number): ((row: Row) => string) =>
  (row) =>
    formatCount(of(row));

const PINGS: readonly Column<PingResult>[] = [
  { title: "name", cell: (p) => p.name },
  { title: "from", cell: (p) => p.from },
  { title: "to", cell: (p) => `${p.to} (${p.address})` },
  { title: "sent", number: true, cell: count((p) => p.transmitted) },
  { title: "answered", number: true, cell: count((p) => p.received) },
  {
    title: "lost",
    number: true,
    cell: (p) => share(p.transmitted - p.received, p.transmitted),
    bad: (p) => p.received < p.transmitted,
  },
  { title: "dup", help: "answers that came more than once", number: true, cell: count((p) => p.duplicates) },
  { title: "min", number: true, cell: (p) => time(p, p.rtt.min) },
  { title: "median", number: true, cell: (p) => time(p, p.rtt.p50) },
  { title: "p95", number: true, cell: (p) => time(p, p.rtt.p95) },
  { title: "max", number: true, cell: (p) => time(p, p.rtt.max) },
  { title: "mdev", help: "mean deviation, as ping prints it", number: true, cell: (p) => time(p, p.rtt.mdev) },
];

const FLOWS: readonly Column<FlowResult>[] = [
  { title: "name", cell: (f) => f.name },
  { title: "addresses", cell: (f) => f.tuple },
  { title: "sent", number: true, cell: count((f) => f.sent) },
  { title: "received", number: true, cell: count((f) => f.received) },
  { title: "lost", number: true, cell: (f) => share(f.lost, f.sent), bad: (f) => f.lost > 0 },
  { title: "dup", number: true, cell: count((f) => f.duplicated) },
  {
    title: "reordered",
    help: "arrived after one sent later (RFC 4737)",
    number: true,
    cell: count((f) => f.reordered),
  },
  {
    title: "throughput",
    help: "payload, from the first arrival to the last",
    number: true,
    cell: (f) => formatRate(f.throughput),
  },
  { title: "delay median", number: true, cell: (f) => (f.delay.count === 0 ? "–" : formatTime(f.delay.p50)) },
  { title: "p95", number: true, cell: (f) => (f.delay.count === 0 ? "–" : formatTime(f.delay.p95)) },
  { title: "jitter", help: "RFC 3550", number: true, cell: (f) => formatTime(f.jitter) },
];

const ALIGNMENT: readonly Column<AlignmentResult>[] = [
  { title: "host", cell: (a) => a.host },
  { title: "processor", cell: (a) => a.arch },
  { title: "policy", cell: (a) => a.policy },
  { title: "unwrapped", help: "packets that came out of tunnels", number: true, cell: count((a) => a.packets) },
  { title: "misaligned", number: true, cell: count((a) => a.misaligned) },
  {
    title: "traps",
    help: "misaligned words that were touched on the way in",
    number: true,
    cell: count((a) => a.totalTraps),
    bad: (a) => a.totalTraps > 0,
  },
  { title: "by", help: "who touched them", cell: (a) => callers(a) },
  { title: "copied", help: "bytes that the policy copied", number: true, cell: (a) => formatBytes(a.bytesCopied) },
];

function callers({ callers: found }: AlignmentResult): string {
  const parts = Object.entries(found).map(([caller, count]) => `${caller} ${formatCount(count)}`);
  return parts.length === 0 ? "–" : parts.join(", ");
}

const LINKS: readonly Column<LinkResult>[] = [
  { title: "direction", cell: (l) => `${l.from} → ${l.to}` },
  { title: "link", cell: (l) => l.link },
  { title: "frames in", number: true, cell: count((l) => l.offered) },
  { title: "delivered", number: true, cell: count((l) => l.delivered) },
  { title: "bytes", number: true, cell: (l) => formatBytes(l.deliveredBytes) },
  { title: "dropped", number: true, cell: (l) => share(dropsOf(l), l.offered), bad: (l) => dropsOf(l) > 0 },
  { title: "dup", number: true, cell: count((l) => l.duplicated) },
  { title: "reordered", number: true, cell: count((l) => l.reordered) },
  { title: "corrupted", number: true, cell: count((l) => l.corrupted) },
  { title: "longest queue", number: true, cell: count((l) => l.maxQueuePackets) },
  {
    title: "busy",
    help: "share of the time in which it was sending",
    number: true,
    cell: (l) => (l.utilisation === undefined ? "–" : formatShare(l.utilisation)),
  },
];

const INTERFACES: readonly Column<InterfaceResult>[] = [
  { title: "interface", cell: (i) => `${i.host}:${i.name}` },
  { title: "rx packets", number: true, cell: count((i) => i.rxPackets) },
  { title: "rx bytes", number: true, cell: (i) => formatBytes(i.rxBytes) },
  { title: "errors", number: true, cell: count((i) => i.rxErrors), bad: (i) => i.rxErrors > 0 },
  { title: "dropped", number: true, cell: count((i) => i.rxDropped), bad: (i) => i.rxDropped > 0 },
  { title: "tx packets", number: true, cell: count((i) => i.txPackets) },
  { title: "tx bytes", number: true, cell: (i) => formatBytes(i.txBytes) },
  { title: "errors", number: true, cell: count((i) => i.txErrors), bad: (i) => i.txErrors > 0 },
  { title: "dropped", number: true, cell: count((i) => i.txDropped), bad: (i) => i.txDropped > 0 },
];

const DROPS: readonly Column<DropResult>[] = [
  { title: "place", cell: (d) => d.place },
  { title: "what", cell: (d) => d.where },
  { title: "reason", cell: (d) => d.reason },
  { title: "packets", number: true, cell: count((d) => d.packets), bad: () => true },
];

export function dropsOf(link: LinkResult): number {
  return Object.values(link.drops).reduce((sum, drops) => sum + drops, 0);
}

/** `12 (0.5 %)`, or 0. */
function share(part: number, whole: number): string {
  return part === 0 ? "0" : `${formatCount(part)} (${formatShare(part / Math.max(1, whole))})`;
}

function time(ping: PingResult, value: number): string {
  return ping.rtt.count === 0 ? "–" : formatTime(value);
}
