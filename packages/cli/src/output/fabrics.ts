import type { ScenarioResult } from "@seville/scenario";
import { formatCount, formatRate, formatShare } from "@seville/report";
import { colours } from "./colours.ts";
import { table } from "./table.ts";

/** What flows got in each fabric, and what it cost them. */
export function fabrics({ fabrics: list = [] }: ScenarioResult): string {
  const rows = list.map(({ name, select, resequence, degraded, flows, queue, reordering, dropped, fairness }) => {
    const rates = flows.map(({ throughput }) => throughput);
    const again = flows.reduce((sum, { retransmits = 0 }) => sum + retransmits, 0);
    return [
      name,
      resequence === undefined ? select : `${select}, resequenced`,
      degraded.length === 0 ? "–" : degraded.join("; "),
      formatRate(rates.reduce((sum, rate) => sum + rate, 0) / Math.max(1, rates.length)),
      formatRate(Math.min(...rates)),
      fairness.toFixed(3),
      formatShare(reordering.ratio),
      formatCount(again),
      dropped === 0 ? "0" : colours.red(formatCount(dropped)),
      formatCount(queue.p99),
    ];
  });
  return table(
    "Fabrics",
    [
      "fabric",
      "next hops by",
      "degraded",
      "mean",
      "slowest",
      "fairness",
      "reordered",
      "retransmits",
      "dropped",
      "queue p99",
    ],
    3,
    rows,
  );
}
