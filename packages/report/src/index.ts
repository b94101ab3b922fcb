export { renderReport, type ReportOptions } from "./page.ts";
export { renderTopology } from "./topology.ts";
export { renderCdf, type CdfSeries } from "./cdf.ts";
export { chartData, type Chart, type ChartData, type Unit } from "./chart-data.ts";
export { decimate, type Points } from "./decimate.ts";
export { formatBytes, formatCount, formatRate, formatShare, formatTime } from "./format.ts";
export { formatDrops, programFate, PROTOCOL_NAMES } from "./programs.ts";
export { withoutFabrics } from "./fabrics.ts";
export { renderCurves, type Curve, type CurveChart } from "./curves.ts";
