import type { FabricFlowResult, FabricResult, ScenarioResult } from "@seville/scenario";
import { renderCurves, type Curve } from "./curves.ts";
import { formatCount, formatRate, formatShare, formatTime, significant } from "./format.ts";
import { escapeHtml, renderTable, type Column } from "./html.ts";

/** Displacements beyond are in the tables, not in the picture. */
const WIDEST = 60;

/**
 * What happened in fabrics: throughput of each flow, sorted; how long queues were; how far packets were out of order. Those with
 * links that differ stand beside those without, each policy in its colour. Nothing for a run without fabrics.
 */
export function renderFabrics({ fabrics = [] }: ScenarioResult): string {
  if (fabrics.length === 0) return "";
  const whole = fabrics.filter(({ degraded }) => degraded.length === 0);
  const degraded = fabrics.filter((fabric) => fabric.degraded.length > 0);
  const groups = [
    { title: "All links alike", fabrics: whole },
    { title: degradedTitle(degraded), fabrics: degraded },
  ].filter((group) => group.fabrics.length > 0);
  const colours = new Map([...new Set(fabrics.map(labelOf))].map((label, i) => [label, i]));
  const panels = (
    draw: (group: readonly FabricResult[], colourOf: (fabric: FabricResult) => number) => string,
  ): string =>
    `<div class="panels">${groups
      .map(({ title, fabrics: members }) => {
        const picture = draw(members, (fabric) => colours.get(labelOf(fabric)) ?? 0);
        return picture === "" ? "" : `<figure><figcaption>${escapeHtml(title)}</figcaption>${picture}</figure>`;
      })
      .join("")}</div>`;
  return `<section class="fabrics"><h2>Fabrics: what each flow got</h2>
<p>Payload that receivers were given, flows sorted from the slowest to the fastest: a flat line is fair, a high one is fast.</p>
${panels(throughputs)}
${renderTable("Fabrics", SUMMARY, fabrics)}</section>
<section><h2>Queues in fabrics</h2><p>At which share of all ports between switches, at all times, at most so many frames waited.</p>${panels(queues)}</section>
<section><h2>Reordering in fabrics</h2><p>Reorder density (RFC 5236): how far from its place in order a packet arrived. Left of 0 early, right of it late; the scale is logarithmic.</p>${panels(densities)}
${renderTable("Reordering of packets with payload, retransmissions included (RFC 4737)", REORDERING, fabrics)}</section>
<section><h2>Flows of fabrics</h2>${fabrics.map((fabric) => flowTable(fabric)).join("\n")}</section>`;
}

/** A result without the hosts and links of its fabrics: hundreds of rows in which nobody looks for one. */
export function withoutFabrics(result: ScenarioResult): ScenarioResult {
  const { fabrics = [] } = result;
  if (fabrics.length === 0) return result;
  const names = new Set(fabrics.map(({ name }) => name));
  const isOwn = (name: string): boolean => !names.has(name.slice(0, Math.max(0, name.indexOf("."))));
  return {
    ...result,
    topology: {
      nodes: result.topology.nodes.filter(({ name }) => isOwn(name)),
      links: result.topology.links.filter(({ name }) => isOwn(name)),
    },
    hosts: result.hosts.filter(({ name }) => isOwn(name)),
    interfaces: result.interfaces.filter(({ host }) => isOwn(host)),
    links: result.links.filter(({ link }) => isOwn(link)),
    drops: result.drops.filter(({ place }) => isOwn(place)),
  };
}

function labelOf({ select, resequence }: FabricResult): string {
  return resequence === undefined ? select : `${select}, resequenced`;
}

function degradedTitle(fabrics: readonly FabricResult[]): string {
  const ways = new Set(fabrics.map(({ degraded }) => degraded.join("; ")));
  return ways.size === 1 ? `Degraded: ${[...ways][0] ?? ""}` : "With degraded links";
}

function throughputs(fabrics: readonly FabricResult[], colourOf: (fabric: FabricResult) => number): string {
  const curves = fabrics.map((fabric): Curve => {
    const sorted = fabric.flows.map(({ throughput }) => throughput).sort((a, b) => a - b);
    const mean = meanOf(sorted);
    return {
      label: labelOf(fabric),
      note: `mean ${formatRate(mean)}, slowest ${formatRate(sorted[0] ?? 0)}`,
      colour: colourOf(fabric),
      // A single flow is a line too.
      points:
        sorted.length === 1
          ? [
              [0, mean],
              [1, mean],
            ]
          : sorted.map((rate, i) => [i + 1, rate]),
    };
  });
  const most = Math.max(
    ...fabrics.flatMap(({ hostRate = 0, flows }) => [hostRate, ...flows.map((flow) => flow.throughput)]),
  );
  return renderCurves({
    title: "Throughput of each flow, sorted",
    x: "flows, slowest first",
    y: "throughput, Mbit/s",
    curves,
    most,
    formatX: (value) => formatCount(value),
    formatY: (value) => significant(value / 1e6),
  });
}

function queues(fabrics: readonly FabricResult[], colourOf: (fabric: FabricResult) => number): string {
  const longest = Math.max(1, ...fabrics.map(({ queue }) => queue.max));
  return renderCurves({
    title: "Share of ports and times with at most so many frames waiting",
    x: "frames waiting",
    y: "share",
    curves: fabrics.map((fabric) => ({
      label: labelOf(fabric),
      note: `mean ${significant(fabric.queue.mean)}, p99 ${formatCount(fabric.queue.p99)}`,
      colour: colourOf(fabric),
      points: fabric.queue.cdf,
    })),
    steps: true,
    most: 1,
    from: 0,
    to: longest,
    formatX: (value) => formatCount(value),
    formatY: (value) => formatShare(value),
  });
}

function densities(fabrics: readonly FabricResult[], colourOf: (fabric: FabricResult) => number): string {
  const widest = Math.max(
    4,
    ...fabrics.flatMap(({ reordering }) =>
      reordering.density.filter(([, share]) => share > 1e-5).map(([far]) => Math.abs(far)),
    ),
  );
  const reach = Math.min(WIDEST, widest);
  return renderCurves({
    title: "Reorder density",
    x: "places late (right) or early (left)",
    y: "share of packets",
    curves: fabrics.map((fabric) => ({
      label: labelOf(fabric),
      note: `${formatShare(fabric.reordering.ratio)} reordered`,
      colour: colourOf(fabric),
      points: fabric.reordering.density,
    })),
    logarithmic: true,
    most: 1,
    from: -reach,
    to: reach,
    formatX: (value) => (value < 0 ? `−${formatCount(-value)}` : formatCount(value)),
    formatY: (value) => `${String(Number((value * 100).toPrecision(3)))} %`,
  });
}

const SUMMARY: readonly Column<FabricResult>[] = [
  { title: "fabric", cell: ({ name }) => name },
  { title: "next hops by", cell: labelOf },
  { title: "degraded", cell: ({ degraded }) => (degraded.length === 0 ? "–" : degraded.join("; ")) },
  { title: "mean", number: true, cell: ({ flows }) => formatRate(meanOf(flows.map(({ throughput }) => throughput))) },
  {
    title: "slowest",
    number: true,
    cell: ({ flows }) => slowest(flows),
  },
  {
    title: "of host rate",
    help: "mean throughput of payload over the rate of a host's link",
    number: true,
    cell: ({ flows, hostRate }) =>
      hostRate === undefined ? "–" : formatShare(meanOf(flows.map(({ throughput }) => throughput)) / hostRate),
  },
  {
    title: "fairness",
    help: "Jain's index: 1 if all flows get the same",
    number: true,
    cell: ({ fairness }) => fairness.toFixed(3),
  },
  { title: "retransmits", number: true, cell: ({ flows }) => retransmits(flows) },
  {
    title: "dropped",
    help: "frames, by its links",
    number: true,
    cell: ({ dropped }) => formatCount(dropped),
    bad: ({ dropped }) => dropped > 0,
  },
  {
    title: "queue p99",
    help: "frames at ports between switches",
    number: true,
    cell: ({ queue }) => formatCount(queue.p99),
  },
];

const REORDERING: readonly Column<FabricResult>[] = [
  { title: "fabric", cell: ({ name }) => name },
  { title: "next hops by", cell: labelOf },
  { title: "packets", number: true, cell: ({ reordering }) => formatCount(reordering.packets) },
  { title: "reordered", number: true, cell: ({ reordering }) => formatShare(reordering.ratio) },
  {
    title: "3-reordered",
    help: "three or more packets directly before were sent later: as many duplicate acknowledgements look like a loss",
    number: true,
    cell: ({ reordering }) => formatShare(reordering.nReordering[2] ?? 0),
  },
  {
    title: "extent median",
    help: "how far back the first packet is that was sent later",
    number: true,
    cell: ({ reordering }) => extent(reordering.extent.p50, reordering),
  },
  { title: "p99", number: true, cell: ({ reordering }) => extent(reordering.extent.p99, reordering) },
  { title: "max", number: true, cell: ({ reordering }) => extent(reordering.extent.max, reordering) },
];

const FLOW_COLUMNS: readonly Column<FabricFlowResult>[] = [
  { title: "flow", cell: ({ from, to }) => `${from} → ${to}` },
  { title: "", cell: ({ protocol }) => protocol.toUpperCase() },
  { title: "throughput", number: true, cell: ({ throughput }) => formatRate(throughput) },
  { title: "sent", help: "frames with payload", number: true, cell: ({ sent }) => formatCount(sent) },
  {
    title: "arrived",
    number: true,
    cell: ({ arrived }) => formatCount(arrived),
    bad: ({ sent, arrived }) => arrived < sent,
  },
  { title: "reordered", number: true, cell: ({ reordered }) => formatCount(reordered) },
  {
    title: "retransmits",
    number: true,
    cell: ({ retransmits: again }) => (again === undefined ? "–" : formatCount(again)),
  },
  {
    title: "completed in",
    number: true,
    cell: ({ completion }) => (completion === undefined ? "–" : formatTime(completion)),
  },
];

function flowTable(fabric: FabricResult): string {
  const { name, flows } = fabric;
  const sorted = [...flows].sort((a, b) => a.throughput - b.throughput);
  return `<details><summary>${escapeHtml(name)}: ${formatCount(flows.length)} flows</summary>${renderTable(`Flows of ${name}, slowest first`, FLOW_COLUMNS, sorted)}</details>`;
}

function retransmits(flows: readonly FabricFlowResult[]): string {
  if (flows.every(({ retransmits: again }) => again === undefined)) return "–";
  return formatCount(flows.reduce((sum, { retransmits: again = 0 }) => sum + again, 0));
}

function slowest(flows: readonly FabricFlowResult[]): string {
  return flows.length === 0 ? "–" : formatRate(Math.min(...flows.map(({ throughput }) => throughput)));
}

function extent(value: number, { extent: all }: FabricResult["reordering"]): string {
  return all.count === 0 ? "–" : formatCount(value);
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
}
