import type { Distribution, PingResult, ScenarioResult } from "@seville/scenario";
import { renderCdf } from "./cdf.ts";
import { chartData, type Chart } from "./chart-data.ts";
import { CHART_LICENCE, CHART_STYLE, CLIENT_SCRIPT } from "./client.generated.ts";
import { renderFabrics, withoutFabrics } from "./fabrics.ts";
import { formatCount, formatMoment, formatShare, formatTime } from "./format.ts";
import { embedJson, escapeHtml } from "./html.ts";
import { renderOffloads } from "./offloads.ts";
import { renderPrograms } from "./programs.ts";
import { STYLE } from "./style.ts";
import { dropsOf, renderTables } from "./tables.ts";
import { renderTcp } from "./tcp-table.ts";
import { renderTopology } from "./topology.ts";

export interface ReportOptions {
  /** The command that runs this again. Default: made from the scenario's name, seed and overrides. */
  readonly replayCommand?: string;
}

/**
 * A result as one HTML page that needs nothing else: no network, no server, and no script for the network's picture, the
 * distributions and the tables. The same result gives the same page.
 */
export function renderReport(result: ScenarioResult, options: ReportOptions = {}): string {
  const data = chartData(result);
  const shown = withoutFabrics(result);
  const { scenario } = result;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<meta name="generator" content="Seville">
<meta http-equiv="Content-Security-Policy" content="default-src 'none';style-src 'unsafe-inline';script-src 'unsafe-inline';img-src data:">
<title>${escapeHtml(scenario.name)} – Seville</title>
<style>${CHART_STYLE}${STYLE}</style>
</head>
<body>
<main>
<header>
<h1>${escapeHtml(scenario.name)}</h1>
<p>${escapeHtml(scenario.description ?? "")}</p>
${facts(result)}
<pre aria-label="The command that runs this again"><span>$ </span><code>${escapeHtml(options.replayCommand ?? replayCommand(result))}</code></pre>
</header>
${keyFigures(result)}
${notes(result)}
${renderOffloads(result)}
${network(shown)}
${renderFabrics(result)}
${renderPrograms(result)}
${data.charts.map((chart) => chartSection(chart)).join("\n")}
${distributions(result)}
<section>${renderTcp(shown)}${renderTables(shown)}</section>
${timeline(result)}
${counters(shown)}
<footer>${footer(result)} ${escapeHtml(CHART_LICENCE)}</footer>
</main>
<script type="application/json" id="data">${embedJson(data)}</script>
<script type="text/plain" id="client">${CLIENT_SCRIPT}</script>
<script>${BOOT}</script>
</body>
</html>
`;
}

function network(result: ScenarioResult): string {
  return result.topology.nodes.length === 0 ? "" : `<section><h2>Network</h2>\n${renderTopology(result)}</section>`;
}

/** Unpacks the script that draws charts. Where that cannot be done, the page says so and stays as it is. */
const BOOT = `(async()=>{try{const b=Uint8Array.from(atob(document.getElementById("client").textContent),c=>c.charCodeAt(0));
const t=await new Response(new Blob([b]).stream().pipeThrough(new DecompressionStream("deflate-raw"))).text();
const s=document.createElement("script");s.textContent=t;document.body.append(s)}
catch(e){for(const c of document.querySelectorAll(".chart"))c.textContent="The charts need a browser of 2023 or later ("+e.message+")."}})()`;

function replayCommand({ scenario }: ScenarioResult): string {
  const sets = scenario.overrides.map((override) => ` --set ${quoted(override)}`).join("");
  return `seville run ${scenario.name} --seed ${scenario.seed}${sets}`;
}

/** As a shell takes it. */
function quoted(text: string): string {
  return /^[A-Za-z0-9_./:=%@,+-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

function facts({ scenario, run, realtime }: ScenarioResult): string {
  const versions = Object.entries(run.versions).map(([name, version]) => `${name} ${version}`);
  const list: [string, string][] = [
    ["seed", String(scenario.seed)],
    ["virtual time", `${formatMoment(run.endedAt)}${run.end === "aborted" ? " (stopped early)" : ""}`],
    ["defaults", scenario.defaults],
    ["events", formatCount(run.events)],
    ...(versions.length === 0 ? [] : [["versions", versions.join(", ")] as [string, string]]),
    ["trace", run.traceHash],
  ];
  if (realtime !== undefined) {
    list.push([
      "lateness (real time)",
      `median ${formatTime(realtime.p50Lateness)}, max ${formatTime(realtime.maxLateness)}`,
    ]);
  }
  const items = list.map(([term, value]) => {
    return `<div><dt>${term}</dt><dd>${term === "trace" ? `<code>${escapeHtml(value)}</code>` : escapeHtml(value)}</dd></div>`;
  });
  return `<dl class="facts">${items.join("")}</dl>`;
}

function keyFigures({ run, links, pings: simulated, programs = [], flows, pool }: ScenarioResult): string {
  const real = programs.flatMap(({ name, ping }) =>
    ping === undefined ? [] : { ...ping, name, transmitted: ping.sent },
  );
  const pings = [...simulated, ...real];
  const dropped = links.reduce((sum, link) => sum + dropsOf(link), 0);
  const asked = pings.reduce((sum, { transmitted }) => sum + transmitted, 0);
  const answered = pings.reduce((sum, { received }) => sum + received, 0);
  const sent = flows.reduce((sum, flow) => sum + flow.sent, 0);
  const received = flows.reduce((sum, flow) => sum + flow.received, 0);
  const leaked = pool.after - pool.before;
  const figures: [string, string, string][] = [
    [formatCount(run.frames), "frames on links", ""],
    [formatCount(dropped), "dropped by links", dropped > 0 ? "bad" : ""],
  ];
  if (asked > 0)
    figures.push([
      formatShare(answered / asked),
      `of ${formatCount(asked)} requests answered`,
      answered < asked ? "bad" : "ok",
    ]);
  if (sent > 0)
    figures.push([
      formatShare(received / sent),
      `of ${formatCount(sent)} datagrams arrived`,
      received < sent ? "bad" : "ok",
    ]);
  const slowest = longestMedian(pings);
  if (slowest !== undefined) figures.push([formatTime(slowest.rtt.p50), `median round trip of ${slowest.name}`, ""]);
  if (leaked !== 0) figures.push([formatCount(leaked), "packets leaked", "bad"]);
  const items = figures.map(
    ([value, label, mark]) => `<li${mark === "" ? "" : ` class="${mark}"`}><b>${value}</b>${escapeHtml(label)}</li>`,
  );
  return `<ul class="key-figures">${items.join("")}</ul>`;
}

type RoundTrips = Pick<PingResult, "name" | "rtt">;

function longestMedian(pings: readonly RoundTrips[]): RoundTrips | undefined {
  const measured = pings.filter(({ rtt }) => rtt.count > 0);
  return measured.sort((a, b) => b.rtt.p50 - a.rtt.p50)[0];
}

function notes({ warnings, pool }: ScenarioResult): string {
  const list = [...warnings];
  if (pool.after !== pool.before)
    list.push(`${pool.after - pool.before} packets were not given back to the pool: a bug of Seville`);
  if (list.length === 0) return "";
  return `<section class="notes"><h2>Notes</h2><ul>${list.map((note) => `<li>${escapeHtml(note)}</li>`).join("")}</ul></section>`;
}

const TITLES: Readonly<Record<string, readonly [title: string, about: string]>> = {
  throughput: ["Throughput", "Frames delivered by each direction of each link."],
  "tcp-throughput": ["Throughput of TCP", "What was acknowledged between two looks at the sender."],
  cwnd: ["Congestion windows", "Segments that the sender may have in flight."],
  queue: ["Queues", "The most frames that waited for the transmitter in each interval."],
  drops: ["Drops by reason", "Frames and packets that went no further, by links and hosts together."],
  delay: [
    "Delays over time",
    "A point for each answer or datagram, at the time it was sent; red at the foot: none came.",
  ],
};

function chartSection(chart: Chart): string {
  const [title, about] = TITLES[chart.id] ?? [chart.id, ""];
  const names = chart.series.map(({ label }) => label).join(", ");
  return `<section><h2>${title}</h2><p>${about} Drag to zoom, double-click to see all.</p><div class="chart" id="chart-${chart.id}" role="img" aria-label="${escapeHtml(`${title} over time: ${names}. The numbers are in the tables below.`)}"><noscript>The tables below have the numbers; the charts need JavaScript.</noscript></div></section>`;
}

function distributions({ pings, flows, series, programs = [] }: ScenarioResult): string {
  const roundTrips = (name: string): Distribution | undefined =>
    pings.find((ping) => ping.name === name)?.rtt ?? programs.find((program) => program.name === name)?.ping?.rtt;
  // In the order of the chart above, so that each keeps its colour.
  const measured = series.delays.flatMap(({ name, kind }) => {
    const distribution = kind === "rtt" ? roundTrips(name) : flows.find((flow) => flow.name === name)?.delay;
    return distribution === undefined
      ? []
      : [{ label: `${name} (${kind === "rtt" ? "round trip" : "one way"})`, distribution }];
  });
  const picture = renderCdf(measured);
  if (picture === "") return "";
  return `<section><h2>Distribution of delays</h2><p>Which share took at most that long.</p>${picture}</section>`;
}

function timeline({ events }: ScenarioResult): string {
  if (events.length === 0) return "";
  const rows = events.map(
    ({ at, label, kind }) =>
      `<tr><th scope="row" class="n">${formatMoment(at)}</th><td>${escapeHtml(kind)}</td><td>${escapeHtml(label)}</td></tr>`,
  );
  return `<section><details><summary>What happened, and when (${events.length})</summary><table><thead><tr><th scope="col" class="n">time</th><th scope="col">what</th><th scope="col">label</th></tr></thead><tbody>${rows.join("")}</tbody></table></details></section>`;
}

/** Every counter that is not zero, under its name in /proc/net/snmp, netstat and snmp6. */
function counters({ hosts }: ScenarioResult): string {
  const blocks = hosts
    .filter((host) => Object.keys(host.counters).length > 0)
    .map(({ name, counters: list }) => {
      const items = Object.entries(list).map(
        ([counter, value]) => `<li><span>${escapeHtml(counter)}</span> <span>${formatCount(value)}</span></li>`,
      );
      return `<details><summary>${escapeHtml(name)}</summary><ul class="counters">${items.join("")}</ul></details>`;
    });
  return blocks.length === 0
    ? ""
    : `<section><h2>Counters of hosts</h2><p>By their Linux names; those that are zero are left out.</p>${blocks.join("")}</section>`;
}

function footer({ pool, captures }: ScenarioResult): string {
  const files = captures.filter(({ file }) => file !== undefined);
  const where = files.length === 0 ? "" : ` Captures: ${files.map(({ file }) => escapeHtml(file ?? "")).join(", ")}.`;
  return `At most ${formatCount(pool.highWater)} of ${formatCount(pool.capacity)} packet buffers were in use.${where}`;
}
