import type { Distribution, ScenarioResult } from "@seville/scenario";
import { formatBytes, formatCount, formatRate, formatShare, formatTime, withoutFabrics } from "@seville/report";
import { colours } from "./colours.ts";
import { fabrics } from "./fabrics.ts";
import { programs } from "./programs.ts";
import { table } from "./table.ts";

/** What a run found, as tables for a terminal. */
export function renderSummary(
  result: ScenarioResult,
  files: {
    readonly report: string | undefined;
    readonly result: string | undefined;
    readonly pcap: string | undefined;
  },
): string {
  const shown = withoutFabrics(result);
  const parts = [
    heading(result),
    fabrics(result),
    pings(result),
    flows(result),
    tcp(result),
    offloads(result),
    alignment(result),
    programs(result),
    links(shown),
    interfaces(shown),
    drops(shown),
    notes(result),
    places(result, files),
  ];
  return `${parts.filter((part) => part !== "").join("\n\n")}\n`;
}

function heading({ scenario, run, realtime }: ScenarioResult): string {
  const line = `${colours.bold(scenario.name)}  seed ${scenario.seed}, ${formatTime(run.endedAt)} of virtual time, ${formatCount(run.events)} events, ${formatCount(run.frames)} frames on links`;
  const trace = colours.dim(`trace ${run.traceHash}, defaults ${scenario.defaults}`);
  const late =
    realtime === undefined
      ? ""
      : `\nin real time: late by ${formatTime(realtime.p50Lateness)} in the median, ${formatTime(realtime.maxLateness)} at worst`;
  return `${line}${run.end === "aborted" ? colours.red(" (stopped early)") : ""}\n${trace}${late}`;
}

function pings({ pings: list }: ScenarioResult): string {
  const rows = list.map((p) => [
    p.name,
    `${p.from} → ${p.to}`,
    formatCount(p.transmitted),
    formatCount(p.received),
    lost(p.transmitted - p.received, p.transmitted),
    ...times(p.rtt, (d) => [d.min, d.p50, d.p95, d.max]),
  ]);
  return table("Round trips", ["name", "path", "sent", "answered", "lost", "min", "median", "p95", "max"], 2, rows);
}

function flows({ flows: list }: ScenarioResult): string {
  const rows = list.map((f) => [
    f.name,
    `${f.from} → ${f.to}`,
    formatCount(f.sent),
    formatCount(f.received),
    lost(f.lost, f.sent),
    formatCount(f.duplicated),
    formatCount(f.reordered),
    formatRate(f.throughput),
    ...times(f.delay, (d) => [d.p50, d.p95]),
  ]);
  return table(
    "Flows",
    ["name", "path", "sent", "received", "lost", "dup", "reordered", "throughput", "delay", "p95"],
    2,
    rows,
  );
}

function tcp({ tcp: list = [] }: ScenarioResult): string {
  const rows = list.flatMap((transfer) =>
    transfer.connections.map((c, i) => [
      transfer.connections.length === 1 ? transfer.name : `${transfer.name} ${i + 1}`,
      `${transfer.from} → ${transfer.to}`,
      c.congestion,
      formatBytes(c.bytes),
      formatRate(c.throughput),
      formatCount(c.segments),
      lost(c.retransmitted, c.segments),
      formatCount(c.timeouts),
      ...times(c.rtt, (d) => [d.min, d.p50, d.max]),
    ]),
  );
  return table(
    "TCP",
    ["name", "path", "control", "bytes", "throughput", "segments", "again", "timeouts", "min rtt", "median", "max"],
    3,
    rows,
  );
}

/** One row for each NIC and tunnel, one column for each inner protocol. */
function offloads({ offloads: list = [] }: ScenarioResult): string {
  if (list.length === 0) return "";
  const inner = [...new Set(list.map((o) => o.inner))];
  const rows = new Map<string, string[]>();
  for (const o of list) {
    const nic = o.careless === true ? `${o.profile}, careless` : o.profile;
    const key = `${nic} ${o.tunnel} ${o.via}`;
    const row = rows.get(key) ?? [nic, o.tunnel, ...inner.map(() => "")];
    const sent = o.checksums.map(({ place }) => PLACES[place]).join("");
    const received = o.receipt?.checksums.map(({ by }) => VERIFIERS[by]).join("");
    const places = received === undefined ? sent : `${sent}>${received}`;
    const cost = formatBytes(o.cpuSummed + o.cpuMoved);
    row[2 + inner.indexOf(o.inner)] = `${places} ${o.right ? cost : colours.red("wrong")}`;
    rows.set(key, row);
  }
  const right = list.filter((o) => o.right).length;
  const legend = colours.dim(
    "checksums from the outside inwards, sent>received: d device, l local checksum offload, c device's sum, k known from the one around it, s software, x wrong, - absent; bytes that the CPU touched to send",
  );
  const title = `Offloads: ${formatCount(right)} of ${formatCount(list.length)} right on the wire`;
  return `${table(title, ["nic", "tunnel", ...inner], 2, [...rows.values()])}\n${legend}`;
}

function alignment({ alignment: list = [] }: ScenarioResult): string {
  const rows = list.map((a) => [
    a.host,
    a.arch,
    a.policy,
    formatCount(a.packets),
    formatCount(a.misaligned),
    marked(a.totalTraps),
    ...["gro", "dissector", "stack"].map((caller) => formatCount(a.callers[caller] ?? 0)),
    formatBytes(a.bytesCopied),
  ]);
  const counted = ["unwrapped", "misaligned", "traps", "in gro", "in dissector", "in stack", "copied"];
  return table("Alignment", ["host", "processor", "policy", ...counted], 3, rows);
}

const VERIFIERS = {
  device: "d",
  complete: "c",
  known: "k",
  software: "s",
  absent: "-",
  nobody: ".",
  bad: "x",
} as const;
const PLACES = { device: "d", lco: "l", software: "s", absent: "-" } as const;

function links({ links: list }: ScenarioResult): string {
  const rows = list.map((l) => [
    `${l.from} → ${l.to}`,
    formatCount(l.offered),
    formatCount(l.delivered),
    formatBytes(l.deliveredBytes),
    lost(
      Object.values(l.drops).reduce((sum, count) => sum + count, 0),
      l.offered,
    ),
    formatCount(l.maxQueuePackets),
    l.utilisation === undefined ? "–" : formatShare(l.utilisation),
  ]);
  return table("Links", ["direction", "frames in", "delivered", "bytes", "dropped", "queue max", "busy"], 1, rows);
}

function interfaces({ interfaces: list }: ScenarioResult): string {
  const rows = list.map((i) => [
    `${i.host}:${i.name}`,
    formatCount(i.rxPackets),
    formatBytes(i.rxBytes),
    marked(i.rxErrors),
    marked(i.rxDropped),
    formatCount(i.txPackets),
    formatBytes(i.txBytes),
    marked(i.txErrors),
    marked(i.txDropped),
  ]);
  return table(
    "Interfaces",
    ["interface", "rx packets", "rx bytes", "errors", "dropped", "tx packets", "tx bytes", "errors", "dropped"],
    1,
    rows,
  );
}

function drops({ drops: list }: ScenarioResult): string {
  const rows = list.map((d) => [d.place, d.where, d.reason, colours.red(formatCount(d.packets))]);
  return table("Drops", ["place", "what", "reason", "packets"], 3, rows);
}

function notes({ warnings, pool }: ScenarioResult): string {
  const leaked = pool.after - pool.before;
  const all = leaked === 0 ? warnings : [...warnings, `${leaked} packets leaked: a bug of Seville`];
  return all.map((warning) => `${colours.yellow("note:")} ${warning}`).join("\n");
}

function places(
  { captures }: ScenarioResult,
  files: {
    readonly report: string | undefined;
    readonly result: string | undefined;
    readonly pcap: string | undefined;
  },
): string {
  const lines: string[] = [];
  if (files.report !== undefined) lines.push(`report    ${files.report}`);
  if (files.result !== undefined) lines.push(`result    ${files.result}`);
  for (const { file, frames } of captures) lines.push(`capture   ${file ?? ""} (${formatCount(frames)} frames)`);
  return lines.join("\n");
}

function lost(count: number, of: number): string {
  return count === 0 ? "0" : colours.red(`${formatCount(count)} (${formatShare(count / Math.max(1, of))})`);
}

function marked(count: number): string {
  return count === 0 ? "0" : colours.red(formatCount(count));
}

function times(distribution: Distribution, pick: (d: Distribution) => readonly number[]): string[] {
  return pick(distribution).map((value) => (distribution.count === 0 ? "–" : formatTime(value)));
}
