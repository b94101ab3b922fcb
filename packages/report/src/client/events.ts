import type uPlot from "uplot";
import type { ChartData } from "../chart-data.ts";

type Events = ChartData["events"];

/** Pixels that a row of labels takes. */
export const ROW_HEIGHT = 15;
const MOST_ROWS = 6;
const GAP = 8;
const FONT = "11px system-ui, sans-serif";

/** How many rows the labels need above a chart of that width, none covering another. */
export function labelRows(events: Events, end: number, width: number): number {
  const context = document.createElement("canvas").getContext("2d");
  if (context === null) return 0;
  context.font = FONT;
  const ends: number[] = [];
  for (const { at, label } of events) place(ends, (at / end) * (width - 100), context.measureText(label).width);
  return Math.min(MOST_ROWS, ends.length);
}

/** A dashed line for each event; above the chart, in `rows` rows, their labels. */
export function drawEvents(u: uPlot, events: Events, colour: (name: string) => string, rows: number): void {
  const { ctx, bbox } = u;
  const ratio = devicePixelRatio;
  const ends: number[] = [];
  ctx.save();
  ctx.textAlign = "left";
  ctx.textBaseline = "top";
  ctx.font = FONT.replace("11", String(11 * ratio));
  ctx.setLineDash([3 * ratio, 3 * ratio]);
  for (const { at, label, kind } of events) {
    const x = Math.round(u.valToPos(at, "x", true)) + 0.5;
    if (x < bbox.left || x > bbox.left + bbox.width) continue;
    const stroke = colour(kind === "down" || kind === "partition" ? "--bad" : "--event");
    const width = ctx.measureText(label).width / ratio;
    const row = rows === 0 ? rows : place(ends, x / ratio, width);
    const top = row < rows ? bbox.top - (rows - row) * ROW_HEIGHT * ratio : bbox.top;
    ctx.strokeStyle = stroke;
    ctx.beginPath();
    ctx.moveTo(x, top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    if (row >= rows) continue;
    ctx.fillStyle = stroke;
    ctx.fillText(label, Math.min(x + 3 * ratio, bbox.left + bbox.width - width * ratio), top);
  }
  ctx.restore();
}

/** Puts a label into the first row with room at `x`, and says which. */
function place(ends: number[], x: number, width: number): number {
  let row = ends.findIndex((end) => end <= x);
  if (row < 0) row = ends.length;
  ends[row] = x + width + GAP;
  return row;
}
