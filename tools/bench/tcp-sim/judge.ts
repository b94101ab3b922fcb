import type { BenchRow } from "../lib/types.ts";
import type { Cell, Metrics } from "./cells.ts";

/** Relative tolerance of each figure. */
const TOLERANCE: { readonly [M in keyof Metrics]: number } = {
  goodput: 0.15,
  meanRtt: 0.25,
  maxRtt: 0.25,
  dropped: 0.25,
};
const UNIT = { goodput: "Mbit/s", meanRtt: "ms", maxRtt: "ms", dropped: "%" } as const;
const LABEL = { goodput: "", meanRtt: ", mean RTT", maxRtt: ", greatest RTT", dropped: ", dropped" } as const;

/** Payload's share of a packet of 1500 bytes. */
const PAYLOAD = 1448 / 1500;
/** BBR must keep this much of what the line lets through. */
const BBR_SHARE = 0.85;

/** The rows of a cell from its runs, one for each figure of the reference. */
export function judgeCell(cell: Cell, runs: readonly Metrics[], seconds: number, judged: boolean): BenchRow[] {
  const rows: BenchRow[] = [];
  for (const metric of ["goodput", "meanRtt", "maxRtt", "dropped"] as const) {
    const reference = cell.reference[metric];
    if (reference === undefined) continue;
    const values = runs.map((run) => run[metric]).sort((a, b) => a - b);
    rows.push({
      case: `${cell.name}${LABEL[metric]}`,
      size: seconds,
      unit: UNIT[metric],
      better: metric === "goodput" ? "higher" : "lower",
      peer: "reference",
      runs: values.map(rounded),
      ...compare(median(values), reference, TOLERANCE[metric], judged && cell.unjudged === undefined),
    });
  }
  if (cell.congestion === "bbr" && cell.loss !== undefined && cell.loss <= 0.1 && cell.wmem === undefined) {
    rows.push(shareRow(cell, runs, cell.loss, seconds, judged));
  }
  return rows;
}

/** Within `tolerance` of the reference, or within its own spread where that is wider. */
export function compare(
  ours: number,
  reference: readonly number[],
  tolerance: number,
  judged: boolean,
): Pick<BenchRow, "ours" | "theirs" | "ratio" | "within" | "tolerance"> {
  const theirs = median([...reference].sort((a, b) => a - b));
  const low = Math.min(theirs * (1 - tolerance), ...reference);
  const high = Math.max(theirs * (1 + tolerance), ...reference);
  const figures = { ours: rounded(ours), theirs, ratio: theirs === 0 ? NaN : ours / theirs };
  if (!judged) return figures;
  const printed = reference.length > 1 ? `${rounded(low)} to ${rounded(high)}` : `±${tolerance * 100} %`;
  return { ...figures, within: ours >= low && ours <= high, tolerance: printed };
}

/** Of what the line lets through: its rate as payload, times 1 - p. */
function shareRow(cell: Cell, runs: readonly Metrics[], loss: number, seconds: number, judged: boolean): BenchRow {
  const shares = runs.map(({ goodput }) => (goodput * 1e6) / (cell.rate * PAYLOAD * (1 - loss))).sort((a, b) => a - b);
  const ours = median(shares);
  return {
    case: `${cell.name}, share of link × (1-p)`,
    size: seconds,
    unit: "share",
    better: "higher",
    ours: rounded(ours),
    peer: "reference",
    theirs: BBR_SHARE,
    ratio: ours / BBR_SHARE,
    runs: shares.map(rounded),
    ...(judged ? { within: ours >= BBR_SHARE, tolerance: "at least" } : {}),
  };
}

/** Of ascending values. */
export function median(values: readonly number[]): number {
  const middle = values.length >> 1;
  const upper = values[middle] ?? NaN;
  return values.length % 2 === 1 ? upper : ((values[middle - 1] ?? NaN) + upper) / 2;
}

function rounded(value: number): number {
  return Number(value.toPrecision(4));
}
