// What runs in the report's page. Bundled with uPlot into `client.generated.ts`; `tools/report-client/build.mjs`.
import uPlot from "uplot";
import type { Chart, ChartData, Unit } from "../chart-data.ts";
import { drawEvents, labelRows, ROW_HEIGHT } from "./events.ts";
import { alignPoints, alignSeries, legendValue, type Aligned } from "./series.ts";

const HEIGHTS: Readonly<Record<Chart["kind"], number>> = { line: 200, stack: 150, points: 240 };
const cursor = uPlot.sync("time");
const charts: uPlot[] = [];
const bars = uPlot.paths.bars?.({ size: [1, 100], align: -1 });

const source = document.getElementById("data")?.textContent ?? "{}";
const data = JSON.parse(source) as ChartData;
draw();
// Colours come from the page's style, which follows the system's scheme.
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);

function draw(): void {
  for (const chart of charts.splice(0)) chart.destroy();
  for (const chart of data.charts) {
    const place = document.getElementById(`chart-${chart.id}`);
    if (place === null) continue;
    place.textContent = "";
    charts.push(create(chart, place));
  }
}

new ResizeObserver(() => {
  for (const chart of charts) {
    const width = chart.root.parentElement?.clientWidth ?? chart.width;
    if (width !== chart.width) chart.setSize({ width, height: chart.height });
  }
}).observe(document.body);

function create(chart: Chart, place: HTMLElement): uPlot {
  const aligned = chart.kind === "points" ? alignPoints(chart) : alignSeries(chart);
  const style = getComputedStyle(document.documentElement);
  const colour = (name: string): string => style.getPropertyValue(name).trim();
  const axis = {
    stroke: colour("--quiet"),
    grid: { stroke: colour("--grid"), width: 1 },
    ticks: { stroke: colour("--grid"), width: 1, size: 4 },
    font: "12px system-ui, sans-serif",
  };
  const isFirst = chart.id === data.charts[0]?.id;
  const rows = isFirst ? labelRows(data.events, data.end, place.clientWidth) : 0;
  return new uPlot(
    {
      width: place.clientWidth,
      height: HEIGHTS[chart.kind] + rows * ROW_HEIGHT,
      padding: [8 + rows * ROW_HEIGHT, 16, null, null],
      cursor: {
        sync: { key: cursor.key, scales: ["x", null] },
        drag: { x: true, y: false, setScale: true },
        points: { size: 7 },
        focus: { prox: 24 },
      },
      focus: { alpha: 0.35 },
      legend: { live: true, markers: { width: 0, fill: (u, i) => colourOf(u, i) } },
      scales: {
        x: { time: false, range: (_u, min, max) => (isWhole(min, max) ? [0, data.end] : [min, max]) },
        y: { range: (_u, _min, max) => [0, max > 0 ? max * 1.08 : 1] },
      },
      axes: [
        { ...axis, values: (_u, ticks) => ticks.map((t) => `${String(Number(t.toFixed(6)))} s`), size: 32 },
        { ...axis, values: (_u, ticks) => ticks.map((value) => tick(chart.unit, value)), size: 78, gap: 6 },
      ],
      series: [
        { label: "time", value: (_u, value: number | null) => (value === null ? "–" : `${value.toFixed(3)} s`) },
        ...aligned.labels.map((label, i) => seriesOptions(chart, aligned, label, i, colour)),
      ],
      hooks: {
        draw: [(u: uPlot) => drawEvents(u, data.events, colour, rows)],
        setScale: [(u: uPlot, key: string) => key === "x" && shareZoom(u)],
      },
    },
    aligned.data,
    place,
  );
}

function seriesOptions(
  chart: Chart,
  aligned: Aligned,
  label: string,
  index: number,
  colour: (name: string) => string,
): uPlot.Series {
  const stroke = aligned.lost[index] === true ? colour("--bad") : colour(`--s${(aligned.colours[index] ?? 0) % 8}`);
  const common = { label, value: legendValue(chart.unit, aligned, index) };
  if (chart.kind === "points") {
    return {
      ...common,
      stroke,
      paths: () => null,
      points: { show: true, size: aligned.lost[index] === true ? 6 : 4, fill: stroke, stroke, width: 0 },
    };
  }
  if (chart.kind === "stack") {
    return {
      ...common,
      stroke,
      fill: stroke,
      width: 0,
      points: { show: false },
      ...(bars === undefined ? {} : { paths: bars }),
    };
  }
  return { ...common, stroke, width: 1.5, points: { show: false } };
}

/** Not zoomed: the data's own range, which may be less than the run. */
function isWhole(min: number, max: number): boolean {
  return charts.length < data.charts.length || max - min >= data.end * 0.999 || min === max;
}

/** uPlot has made a function of each series' colour; ours are plain. */
function colourOf(u: uPlot, index: number): string {
  const stroke = u.series[index]?.stroke;
  const colour = typeof stroke === "function" ? stroke(u, index) : stroke;
  return typeof colour === "string" ? colour : "";
}

/** All charts show the same stretch of time. */
let sharing = false;
function shareZoom(from: uPlot): void {
  if (sharing) return;
  sharing = true;
  const { min, max } = from.scales["x"] ?? {};
  if (min !== undefined && max !== undefined) {
    for (const other of charts) if (other !== from) other.setScale("x", { min, max });
  }
  sharing = false;
}

function tick(unit: Unit, value: number): string {
  if (unit === "packets") return Number.isInteger(value) ? String(value) : "";
  if (unit === "delay") return `${String(Number(value.toFixed(3)))} ms`;
  const units = ["bit/s", "kbit/s", "Mbit/s", "Gbit/s", "Tbit/s"];
  let size = value;
  let step = 0;
  for (; size >= 1000 && step < units.length - 1; step++) size /= 1000;
  return `${String(Number(size.toFixed(2)))} ${units[step] ?? ""}`;
}
