import type { Outcome } from "../../../lib/suite.ts";

const SIGNS = { passed: "ok", failed: "FAIL", skipped: "skip" } as const;

/** Cases called `TUNNEL: CHECK` as a table of tunnels by checks; what concerns all of them stands above it. */
export function tableOf(outcomes: readonly Outcome[]): string {
  const rows = new Map<string, Map<string, string>>();
  const checks: string[] = [];
  for (const { name, outcome } of outcomes) {
    const at = name.lastIndexOf(": ");
    if (at < 0 || name.includes("tshark")) continue;
    const [tunnel, check] = [name.slice(0, at), name.slice(at + 2)];
    if (!checks.includes(check)) checks.push(check);
    const row = rows.get(tunnel) ?? new Map<string, string>();
    rows.set(tunnel, row.set(check, SIGNS[outcome]));
  }
  const lines = [["tunnel", ...checks]];
  for (const [tunnel, row] of rows) lines.push([tunnel, ...checks.map((check) => row.get(check) ?? "–")]);
  const widths = lines[0]?.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0))) ?? [];
  return lines
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
