import type { BenchRow } from "./types.ts";

const COLUMNS = ["case", "size", "ours", "peer", "theirs", "ratio"] as const;
const JUDGED = [...COLUMNS, "within"] as const;

/** The rows as a Markdown table, which a README can take as it is. */
export function table(rows: readonly BenchRow[]): string {
  const judged = rows.some(({ tolerance }) => tolerance !== undefined);
  const columns: readonly string[] = judged ? JUDGED : COLUMNS;
  const cells = rows.map((row) => [
    row.case,
    String(row.size),
    `${digits(row.ours)} ${row.unit}`,
    row.peer,
    `${digits(row.theirs)} ${row.unit}`,
    `${row.ratio.toFixed(2)}×`,
    ...(judged ? [judgement(row)] : []),
  ]);
  const widths = columns.map((name, i) => Math.max(name.length, ...cells.map((line) => line[i]!.length)));
  const line = (values: readonly string[]): string =>
    `| ${values.map((value, i) => (isText(i) ? value.padEnd(widths[i]!) : value.padStart(widths[i]!))).join(" | ")} |`;
  const rule = `| ${widths.map((width, i) => (isText(i) ? "-".repeat(width) : `${"-".repeat(width - 1)}:`)).join(" | ")} |`;
  return [line(columns), rule, ...cells.map(line)].join("\n");
}

function judgement({ within, tolerance = "" }: BenchRow): string {
  if (within === undefined) return "shown only";
  return `${within ? "yes" : "NO"}, ${tolerance}`;
}

function isText(column: number): boolean {
  return column === 0 || column === 3 || column === 6;
}

function digits(value: number): string {
  if (value >= 1e6) return value.toLocaleString("en-US", { maximumFractionDigits: 0 });
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}
