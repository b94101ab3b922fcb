import type { CrossingResult, KernelResult, ProgramResult, ProgramWire, ScenarioResult } from "@seville/scenario";
import { formatCount, formatRate, formatTime } from "./format.ts";
import { escapeHtml, renderTable, type Column } from "./html.ts";

export const PROTOCOL_NAMES: Readonly<Record<CrossingResult["protocol"], string>> = {
  "icmp-echo": "ICMP echo",
  udp: "UDP",
  tcp: "TCP",
};

/** What programs of this machine measured, and beside it what the simulator counted; nothing for a run without programs. */
export function renderPrograms(result: ScenarioResult): string {
  const { programs = [], crossings = [], kernels = [] } = result;
  if (programs.length === 0) return "";
  const others = programs.filter(({ ping, iperf3 }) => ping === undefined && iperf3 === undefined);
  return `<section><h2>What the kernel's programs measured, and what the simulator counted</h2>
<p>Programs of this machine, in network namespaces, across the simulated network. Left what they print, right what it did to their frames: there + back.</p>
${renderTable(
  "ping",
  PINGS,
  programs.filter(({ ping }) => ping !== undefined),
)}
${renderTable(
  "iperf3",
  IPERFS,
  programs.filter(({ iperf3 }) => iperf3 !== undefined),
)}
${renderTable("Missing at the receivers, and dropped by the simulator", CROSSINGS, crossings)}
${renderTable("Other programs", OTHERS, others)}
${renderTable("Kernels: packets by their counters, frames at their attachments", KERNELS, kernels.flatMap(kernelRows))}
${programs.map((program) => output(program)).join("\n")}
</section>`;
}

/** `LINK_LOSS 12, QDISC_DROP 3`. */
export function formatDrops(drops: Readonly<Partial<Record<string, number>>>): string {
  const parts = Object.entries(drops).map(([reason, count = 0]) => `${reason} ${formatCount(count)}`);
  return parts.length === 0 ? "–" : parts.join(", ");
}

/** How a program ended, for people. */
export function programFate({ end, exitCode, signal }: ProgramResult): string {
  if (end === "missing") return "not installed";
  if (end === "not-started") return "never started";
  if (end === "stopped") return "stopped by us";
  return signal === undefined ? `exit status ${exitCode ?? "unknown"}` : `ended by ${signal}`;
}

const rtt =
  (pick: "min" | "p50" | "p95" | "max" | "mdev"): ((program: ProgramResult) => string) =>
  ({ ping }) =>
    ping === undefined || ping.rtt.count === 0 ? "–" : formatTime(ping.rtt[pick]);

const WIRE: readonly Column<ProgramResult>[] = [
  {
    title: "frames",
    help: "that came in at attachments, there + back",
    number: true,
    cell: ({ wire }) => pair(wire, ({ entered }) => entered),
  },
  {
    title: "dropped",
    help: "by links, there + back",
    number: true,
    cell: ({ wire }) => pair(wire, ({ drops }) => total(drops)),
    bad: ({ wire }) => wire !== undefined && total(wire.forth.drops) + total(wire.back.drops) > 0,
  },
  {
    title: "RTT of the links",
    help: "delay and time on the line, both ways, with empty queues",
    number: true,
    cell: ({ wire }) => (wire?.modelRtt === undefined ? "–" : formatTime(wire.modelRtt)),
  },
];

const PINGS: readonly Column<ProgramResult>[] = [
  { title: "name", cell: ({ name }) => name },
  { title: "to", cell: ({ attachment, ping }) => `${attachment} → ${ping?.address ?? ""}` },
  { title: "sent", number: true, cell: ({ ping }) => count(ping?.sent) },
  {
    title: "lost",
    number: true,
    cell: ({ ping }) => count(ping === undefined ? undefined : ping.sent - ping.received),
    bad: ({ ping }) => ping !== undefined && ping.received < ping.sent,
  },
  { title: "min", number: true, cell: rtt("min") },
  { title: "median", number: true, cell: rtt("p50") },
  { title: "p95", number: true, cell: rtt("p95") },
  { title: "max", number: true, cell: rtt("max") },
  { title: "mdev", help: "mean deviation, as ping prints it", number: true, cell: rtt("mdev") },
  ...WIRE,
];

const IPERFS: readonly Column<ProgramResult>[] = [
  { title: "name", cell: ({ name }) => name },
  { title: "", cell: ({ iperf3 }) => [iperf3?.protocol.toUpperCase(), iperf3?.congestion].filter(Boolean).join(", ") },
  { title: "throughput", number: true, cell: ({ iperf3 }) => formatRate(iperf3?.throughput ?? 0) },
  { title: "sent", help: "datagrams", number: true, cell: ({ iperf3 }) => count(iperf3?.packets) },
  {
    title: "missing",
    help: "sent and not read before iperf3 stopped counting: what is under way then is missing too",
    number: true,
    cell: ({ iperf3 }) => count(missing(iperf3)),
    bad: ({ iperf3 }) => (missing(iperf3) ?? 0) > 0,
  },
  {
    title: "jitter",
    number: true,
    cell: ({ iperf3 }) => (iperf3?.jitter === undefined ? "–" : formatTime(iperf3.jitter)),
  },
  { title: "retransmits", number: true, cell: ({ iperf3 }) => count(iperf3?.retransmits) },
  ...WIRE,
];

const CROSSINGS: readonly Column<CrossingResult>[] = [
  { title: "packets", cell: ({ protocol }) => PROTOCOL_NAMES[protocol] },
  { title: "sent", help: "by the counters of all kernels", number: true, cell: ({ sent }) => count(sent) },
  { title: "received", number: true, cell: ({ received }) => count(received) },
  { title: "missing", number: true, cell: (row) => count(row.missing), bad: (row) => row.missing > 0 },
  {
    title: "dropped",
    help: "by links",
    number: true,
    cell: (row) => count(row.dropped),
    bad: (row) => row.dropped > 0,
  },
  { title: "by reason", cell: ({ drops }) => formatDrops(drops) },
];

const OTHERS: readonly Column<ProgramResult>[] = [
  { title: "name", cell: ({ name }) => name },
  { title: "in", cell: ({ attachment }) => attachment },
  { title: "command", cell: ({ command }) => command.join(" ") },
  { title: "end", cell: programFate, bad: isFailure },
];

function isFailure({ end, exitCode, signal }: ProgramResult): boolean {
  return end === "missing" || (end === "exited" && ((exitCode ?? 0) !== 0 || signal !== undefined));
}

type KernelRow = KernelResult["protocols"][number] & { readonly where: string };

const KERNELS: readonly Column<KernelRow>[] = [
  { title: "namespace", cell: ({ where }) => where },
  { title: "packets", cell: ({ protocol }) => PROTOCOL_NAMES[protocol] },
  { title: "kernel sent", number: true, cell: ({ sent }) => count(sent) },
  { title: "frames in", number: true, cell: ({ entered }) => count(entered) },
  { title: "frames out", number: true, cell: ({ left }) => count(left) },
  { title: "kernel received", number: true, cell: ({ received }) => count(received) },
];

function kernelRows({ netns, protocols }: KernelResult): KernelRow[] {
  return protocols.map((each) => ({ ...each, where: netns }));
}

/** The end of what a program printed, folded up. */
function output({ name, command, output: text, errors }: ProgramResult): string {
  const all = [text, errors].filter((part) => part.trim() !== "").join("\n");
  if (all === "") return "";
  return `<details><summary>${escapeHtml(name)}: <code>${escapeHtml(command.join(" "))}</code></summary><pre><code>${escapeHtml(all)}</code></pre></details>`;
}

function count(value: number | undefined): string {
  return value === undefined ? "–" : formatCount(value);
}

function missing(iperf3: ProgramResult["iperf3"]): number | undefined {
  return iperf3?.packets === undefined || iperf3.received === undefined ? undefined : iperf3.packets - iperf3.received;
}

function total(drops: Readonly<Partial<Record<string, number>>>): number {
  return Object.values(drops).reduce<number>((sum, packets = 0) => sum + packets, 0);
}

function pair(wire: ProgramWire | undefined, of: (count: ProgramWire["forth"]) => number): string {
  return wire === undefined ? "–" : `${formatCount(of(wire.forth))} + ${formatCount(of(wire.back))}`;
}
