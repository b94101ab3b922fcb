import type { ScenarioResult, SeriesResult, TcpSeries } from "@seville/scenario";
import { coarsen, decimate, groupSize } from "./decimate.ts";

/** What the page's script draws. Times are seconds, to keep numbers short. */
export interface ChartData {
  /** End of the run, s. */
  readonly end: number;
  readonly events: readonly { readonly at: number; readonly label: string; readonly kind: string }[];
  readonly charts: readonly Chart[];
}

/** `line` and `stack` share one `x`; of `points` each series has its own. */
export type Chart =
  | {
      readonly kind: "line" | "stack";
      readonly id: string;
      readonly unit: Unit;
      readonly x: readonly number[];
      readonly series: readonly { readonly label: string; readonly y: readonly number[] }[];
    }
  | {
      readonly kind: "points";
      readonly id: string;
      readonly unit: Unit;
      readonly series: readonly {
        readonly label: string;
        readonly x: readonly number[];
        readonly y: readonly number[];
        /** When something was lost. */
        readonly lost: readonly number[];
      }[];
    };

/** `rate`: bit/s. `delay`: ms. */
export type Unit = "rate" | "packets" | "delay";

/** Samples of a line on the page: a little more than the widest chart has pixels would be waste. */
const MOST_SAMPLES = 1000;
/** Pixel columns for point clouds; each keeps its least and its greatest. */
const POINT_BUCKETS = 800;
const MOST_LOST = 1500;

/** The charts of a result; those with nothing in them are left out. */
export function chartData(result: ScenarioResult): ChartData {
  const charts = [
    throughput(result),
    tcpThroughput(result),
    tcpWindows(result),
    queues(result),
    drops(result),
    delays(result),
  ];
  return {
    end: result.run.endedAt / 1e9,
    events: result.events.map(({ at, label, kind }) => ({ at: at / 1e9, label, kind })),
    charts: charts.filter((chart) => chart.series.length > 0),
  };
}

function throughput({ series }: ScenarioResult): Chart {
  const moved = series.links.filter((link) => link.throughput.some((value) => value > 0));
  return {
    kind: "line",
    id: "throughput",
    unit: "rate",
    x: sampleTimes(series.samples, series.interval),
    series: moved.map(({ from, to, throughput: values }) => ({
      label: `${from} → ${to}`,
      y: coarsen(values, MOST_SAMPLES, "mean").map(rounded),
    })),
  };
}

function tcpThroughput({ series }: ScenarioResult): Chart {
  return tcpChart("tcp-throughput", "rate", series, (connection) => connection.throughput);
}

function tcpWindows({ series }: ScenarioResult): Chart {
  return tcpChart("cwnd", "packets", series, (connection) => connection.cwnd);
}

/** Each connection has times of its own. */
function tcpChart(
  id: string,
  unit: Unit,
  { tcp = [] }: SeriesResult,
  valueOf: (connection: TcpSeries) => readonly number[],
): Chart {
  return {
    kind: "points",
    id,
    unit,
    series: tcp
      .filter(({ at }) => at.length > 0)
      .map((connection) => {
        const { x, y } = decimate({ x: connection.at, y: valueOf(connection) }, POINT_BUCKETS);
        return { label: connection.name, x: x.map((ns) => Math.round(ns / 1e5) / 1e4), y: y.map(rounded), lost: [] };
      }),
  };
}

function queues({ series }: ScenarioResult): Chart {
  // One waiting frame is no queue: links that never hold more would only hide the others.
  const used = series.links.filter((link) => link.queuePackets.some((value) => value > 1));
  return {
    kind: "line",
    id: "queue",
    unit: "packets",
    x: sampleTimes(series.samples, series.interval),
    series: used.map(({ from, to, queuePackets }) => ({
      label: `${from} → ${to}`,
      y: coarsen(queuePackets, MOST_SAMPLES, "max"),
    })),
  };
}

function drops({ series }: ScenarioResult): Chart {
  return {
    kind: "stack",
    id: "drops",
    unit: "packets",
    x: sampleTimes(series.samples, series.interval),
    series: series.drops.map(({ reason, packets }) => ({ label: reason, y: coarsen(packets, MOST_SAMPLES, "sum") })),
  };
}

function delays({ series }: ScenarioResult): Chart {
  return {
    kind: "points",
    id: "delay",
    unit: "delay",
    series: series.delays
      .filter((delay) => delay.at.length > 0 || delay.lostAt.length > 0)
      .map(({ name, kind, at, value, lostAt }) => {
        const { x, y } = decimate({ x: at, y: value }, POINT_BUCKETS);
        const every = groupSize(lostAt.length, MOST_LOST);
        return {
          label: `${name} (${kind === "rtt" ? "round trip" : "one way"})`,
          x: x.map((ns) => Math.round(ns / 1e5) / 1e4),
          y: y.map((ns) => Math.round(ns / 1e3) / 1e3),
          lost: lostAt.filter((_, i) => i % every === 0).map((ns) => Math.round(ns / 1e6) / 1e3),
        };
      }),
  };
}

/** Ends of the sampling intervals, s: a sample says what happened up to then. */
function sampleTimes(samples: number, interval: number): number[] {
  const size = groupSize(samples, MOST_SAMPLES);
  return Array.from({ length: Math.ceil(samples / size) }, (_, i) => {
    return Math.round((Math.min(samples, (i + 1) * size) * interval) / 1e5) / 1e4;
  });
}

/** Four significant digits are more than a pixel shows. */
function rounded(value: number): number {
  return value === 0 ? 0 : Number(value.toPrecision(4));
}
