import uPlot from "uplot";
import type { Chart, Unit } from "../chart-data.ts";

/** A chart's numbers as uPlot wants them. */
export interface Aligned {
  readonly data: uPlot.AlignedData;
  readonly labels: readonly string[];
  /** Index into the palette. */
  readonly colours: readonly number[];
  /** The series marks losses. */
  readonly lost: readonly boolean[];
  /** What the legend shows, where that is not what is drawn. */
  readonly raw: readonly (readonly number[] | undefined)[];
}

/** Lines as they are; a stack as the sums of a series and all before it, the tallest first so that none hides another. */
export function alignSeries(chart: Extract<Chart, { kind: "line" | "stack" }>): Aligned {
  const { series, x } = chart;
  const labels = series.map(({ label }) => label);
  const colours = series.map((_, i) => i);
  if (chart.kind === "line") {
    const data: uPlot.AlignedData = [[...x], ...series.map(({ y }) => [...y])];
    return { data, labels, colours, lost: series.map(() => false), raw: series.map(() => undefined) };
  }
  const sums: number[][] = [];
  for (const { y } of series) {
    const below = sums.at(-1);
    sums.push(y.map((value, i) => value + (below?.[i] ?? 0)));
  }
  return {
    data: [[...x], ...sums.reverse()],
    labels: labels.reverse(),
    colours: colours.reverse(),
    lost: series.map(() => false),
    raw: series.map(({ y }) => y).reverse(),
  };
}

/** Clouds of points that have no x in common; losses stand at the foot, as series of their own. */
export function alignPoints(chart: Extract<Chart, { kind: "points" }>): Aligned {
  const answered = chart.series.filter(({ x }) => x.length > 0);
  const tables: uPlot.AlignedData[] = answered.map(({ x, y }) => [[...x], [...y]]);
  const lost = chart.series.flatMap(({ lost: times }) => times).sort((a, b) => a - b);
  if (lost.length > 0) tables.push([lost, lost.map(() => 0)]);
  const labels = answered.map(({ label }) => label);
  const data = tables.length === 0 ? ([[]] as uPlot.AlignedData) : uPlot.join(tables);
  return {
    data,
    labels: lost.length > 0 ? [...labels, "lost"] : labels,
    colours: answered.map(({ label }) => chart.series.findIndex((each) => each.label === label)),
    lost: [...answered.map(() => false), true],
    raw: answered.map(() => undefined),
  };
}

/** The legend's number: the value itself with its unit. */
export function legendValue(unit: Unit, aligned: Aligned, index: number): uPlot.Series.Value {
  return (_u, value: number | null, _series, at) => {
    const shown = at === null ? null : (aligned.raw[index]?.[at] ?? value);
    if (shown === null) return "–";
    if (aligned.lost[index] === true) return "✕";
    if (unit === "packets") return String(shown);
    if (unit === "delay") return `${shown.toFixed(3)} ms`;
    return `${String(Number((shown / 1e6).toPrecision(4)))} Mbit/s`;
  };
}
