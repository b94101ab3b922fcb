import { log } from "@seville/core";
import { niceTicks } from "./cdf.ts";
import { escapeHtml } from "./html.ts";

export interface Curve {
  readonly label: string;
  /** Said behind the label in the legend. */
  readonly note?: string;
  /** Which of the eight colours. */
  readonly colour: number;
  /** By ascending x. */
  readonly points: readonly (readonly [x: number, y: number])[];
}

export interface CurveChart {
  /** For those who cannot see it: what is drawn. */
  readonly title: string;
  readonly x: string;
  readonly y: string;
  readonly curves: readonly Curve[];
  /** A step holds its value up to the next point. Default: straight lines. */
  readonly steps?: boolean;
  /** Powers of ten. `y` values of 0 are not drawn. */
  readonly logarithmic?: boolean;
  /** The greatest y that is drawn. Default: that of the points. */
  readonly most?: number;
  /** Where the x axis ends. Default: at the points' ends. */
  readonly from?: number;
  readonly to?: number;
  readonly formatX: (value: number) => string;
  readonly formatY: (value: number) => string;
}

const WIDTH = 520;
const HEIGHT = 290;
const LEFT = 76;
const RIGHT = 16;
const TOP = 14;
const BOTTOM = 48;

/** Curves as a static picture that needs no script. Nothing where there are no points. */
export function renderCurves(chart: CurveChart): string {
  const drawn = chart.curves.filter(({ points }) => points.length > 0);
  if (drawn.length === 0) return "";
  const xs = drawn.flatMap(({ points }) => points.map(([x]) => x));
  const [left, right] = [chart.from ?? Math.min(...xs), chart.to ?? Math.max(...xs)];
  const scale = chart.logarithmic === true ? decades(drawn, chart.most) : linear(drawn, chart.most);
  const px = (x: number): number => LEFT + ((x - left) / Math.max(right - left, 1e-9)) * (WIDTH - LEFT - RIGHT);
  const py = (y: number): number => TOP + (1 - Math.min(1, scale.share(y))) * (HEIGHT - TOP - BOTTOM);
  const bottom = HEIGHT - BOTTOM;
  const grid = [
    ...ticksBetween(left, right).map(
      (x) =>
        `<path class="grid" d="M${at(px(x))} ${TOP}V${bottom}"/><text x="${at(px(x))}" y="${bottom + 17}" text-anchor="middle">${chart.formatX(x)}</text>`,
    ),
    ...scale.ticks.map(
      (y) =>
        `<path class="grid" d="M${LEFT} ${at(py(y))}H${WIDTH - RIGHT}"/><text x="${LEFT - 7}" y="${at(py(y) + 4)}" text-anchor="end">${chart.formatY(y)}</text>`,
    ),
    `<text x="${(LEFT + WIDTH - RIGHT) / 2}" y="${HEIGHT - 8}" text-anchor="middle">${escapeHtml(chart.x)}</text>`,
    `<text transform="translate(13 ${(TOP + bottom) / 2}) rotate(-90)" text-anchor="middle">${escapeHtml(chart.y)}</text>`,
  ];
  const paths = drawn.map((curve) => {
    const points = curve.points.filter(([x, y]) => x >= left && x <= right && (chart.logarithmic !== true || y > 0));
    const d = points.map(([x, y], i) => {
      const [cx, cy] = [at(px(x)), at(py(y))];
      if (i === 0) return `M${cx} ${cy}`;
      return chart.steps === true ? `H${cx}V${cy}` : `L${cx} ${cy}`;
    });
    return `<path class="curve s${curve.colour % 8}" d="${d.join("")}${chart.steps === true ? `H${WIDTH - RIGHT}` : ""}"><title>${escapeHtml(curve.label)}</title></path>`;
  });
  const legend = drawn.map(
    ({ label, note, colour }) =>
      `<li><span class="key s${colour % 8}"></span>${escapeHtml(label)}${note === undefined ? "" : ` <span class="quiet">${escapeHtml(note)}</span>`}</li>`,
  );
  const spoken = drawn.map(({ label, note }) => (note === undefined ? label : `${label}: ${note}`)).join(". ");
  return `<svg class="cdf" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${escapeHtml(`${chart.title}. ${spoken}.`)}">
${grid.join("\n")}
${paths.join("\n")}
</svg>
<ul class="legend">${legend.join("")}</ul>
`;
}

interface Scale {
  readonly ticks: readonly number[];
  share(value: number): number;
}

function linear(curves: readonly Curve[], most: number | undefined): Scale {
  const ticks = niceTicks(most ?? Math.max(...curves.flatMap(({ points }) => points.map(([, y]) => y))));
  const top = ticks.at(-1) as number;
  return { ticks, share: (value) => value / top };
}

/** From the power of ten below the least value to that above the greatest; at most six of them. */
function decades(curves: readonly Curve[], most: number | undefined): Scale {
  const values = curves.flatMap(({ points }) => points.map(([, y]) => y)).filter((y) => y > 0);
  const top = Math.ceil(log10(most ?? Math.max(1e-9, ...values)) - 1e-9);
  const bottom = Math.max(Math.floor(log10(Math.min(most ?? 1, ...values)) + 1e-9), top - 6);
  const ticks = Array.from({ length: top - bottom + 1 }, (_, i) => 10 ** (bottom + i));
  return { ticks, share: (value) => Math.max(0, (log10(value) - bottom) / Math.max(1, top - bottom)) };
}

function log10(value: number): number {
  return log(value) / Math.LN10;
}

/** Round values from `left` to `right`. */
function ticksBetween(left: number, right: number): number[] {
  const ticks = niceTicks(right - left);
  const step = (ticks[1] ?? 1) - (ticks[0] ?? 0);
  const first = Math.ceil(left / step - 1e-9);
  const count = Math.floor(right / step + 1e-9) - first + 1;
  return Array.from({ length: Math.max(0, count) }, (_, i) => Number(((first + i) * step).toPrecision(6)));
}

function at(pixel: number): string {
  return pixel.toFixed(1);
}
