import type { Distribution } from "@seville/scenario";
import { formatTime } from "./format.ts";
import { escapeHtml } from "./html.ts";

export interface CdfSeries {
  readonly label: string;
  readonly distribution: Distribution;
}

const WIDTH = 860;
const HEIGHT = 260;
const LEFT = 52;
const RIGHT = 30;
const TOP = 12;
const BOTTOM = 34;

/** Distribution functions of delays as a static picture: which share was at most that long. Needs no script. */
export function renderCdf(series: readonly CdfSeries[]): string {
  const drawn = series.filter(({ distribution }) => distribution.count > 1 && distribution.cdf.length > 1);
  if (drawn.length === 0) return "";
  const ticks = niceTicks(Math.max(...drawn.map(({ distribution }) => distribution.max)));
  const top = ticks.at(-1) as number;
  const px = (value: number): string => (LEFT + (value / top) * (WIDTH - LEFT - RIGHT)).toFixed(1);
  const py = (share: number): string => (TOP + (1 - share) * (HEIGHT - TOP - BOTTOM)).toFixed(1);
  const bottom = HEIGHT - BOTTOM;
  const grid = [
    ...ticks.map(
      (value) =>
        `<path class="grid" d="M${px(value)} ${TOP}V${bottom}"/><text x="${px(value)}" y="${bottom + 18}" text-anchor="middle">${value === 0 ? "0" : formatTime(value)}</text>`,
    ),
    ...[0, 0.25, 0.5, 0.75, 1].map(
      (share) =>
        `<path class="grid" d="M${LEFT} ${py(share)}H${WIDTH - RIGHT}"/><text x="${LEFT - 8}" y="${Number(py(share)) + 4}" text-anchor="end">${share * 100} %</text>`,
    ),
  ];
  const curves = drawn.map(({ label, distribution }, i) => {
    const d = distribution.cdf.map(
      ([value, share], j) => `${j === 0 ? `M${px(value)} ${py(0)}V` : `H${px(value)}V`}${py(share)}`,
    );
    return `<path class="curve s${i % 8}" d="${d.join("")}H${WIDTH - RIGHT}"><title>${escapeHtml(label)}</title></path>`;
  });
  const legend = drawn.map(({ label, distribution }, i) => {
    const { p50, p95, max } = distribution;
    return `<li><span class="key s${i % 8}"></span>${escapeHtml(label)} <span class="quiet">median ${formatTime(p50)}, p95 ${formatTime(p95)}, max ${formatTime(max)}</span></li>`;
  });
  const summary = drawn.map(
    ({ label, distribution }) =>
      `${label}: median ${formatTime(distribution.p50)}, 95th percentile ${formatTime(distribution.p95)}`,
  );
  return `<svg class="cdf" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-labelledby="cdf-title">
<title id="cdf-title">${escapeHtml(`Share of delays up to a value. ${summary.join(". ")}.`)}</title>
${grid.join("\n")}
${curves.join("\n")}
</svg>
<ul class="legend">${legend.join("")}</ul>
`;
}

/** 0 and four to eight even steps of 1, 2 or 5 that reach `most`. */
export function niceTicks(most: number): number[] {
  if (most <= 0) return [0, 1];
  let unit = 1;
  while (unit * 10 <= most) unit *= 10;
  while (unit > most) unit /= 10;
  const step = [0.2, 0.5, 1, 2].map((factor) => factor * unit).find((candidate) => most / candidate <= 8) ?? 2 * unit;
  const count = Math.ceil(most / step - 1e-9);
  return Array.from({ length: count + 1 }, (_, i) => Number((i * step).toPrecision(6)));
}
