import type { ScenarioResult, TcpConnectionResult } from "@seville/scenario";
import { formatBytes, formatCount, formatRate, formatShare, formatTime } from "./format.ts";
import { renderTable, type Column } from "./html.ts";

interface Row extends TcpConnectionResult {
  readonly name: string;
}

/** What each TCP connection achieved; nothing where there was none. */
export function renderTcp({ tcp = [] }: ScenarioResult): string {
  const rows = tcp.flatMap(({ name, connections }) =>
    connections.map((connection, i) => ({ ...connection, name: connections.length === 1 ? name : `${name} ${i + 1}` })),
  );
  return renderTable("TCP", COLUMNS, rows);
}

const COLUMNS: readonly Column<Row>[] = [
  { title: "name", cell: (c) => c.name },
  { title: "addresses", cell: (c) => c.tuple },
  { title: "control", help: "its congestion control", cell: (c) => c.congestion },
  { title: "bytes", number: true, cell: (c) => formatBytes(c.bytes) },
  { title: "throughput", number: true, cell: (c) => formatRate(c.throughput) },
  { title: "segments", number: true, cell: (c) => formatCount(c.segments) },
  {
    title: "again",
    help: "segments that were sent again",
    number: true,
    cell: (c) => (c.retransmitted === 0 ? "0" : `${formatCount(c.retransmitted)} (${again(c)})`),
  },
  {
    title: "timeouts",
    help: "of the retransmission timer",
    number: true,
    cell: (c) => formatCount(c.timeouts),
    bad: (c) => c.timeouts > 0,
  },
  { title: "min RTT", number: true, cell: (c) => time(c, c.minRtt) },
  { title: "median", help: "of the smoothed round-trip time", number: true, cell: (c) => time(c, c.rtt.p50) },
  { title: "p95", number: true, cell: (c) => time(c, c.rtt.p95) },
  {
    title: "completed",
    help: "until all was acknowledged and closed",
    number: true,
    cell: (c) => (c.completion === undefined ? (c.error ?? "–") : formatTime(c.completion)),
    bad: (c) => c.error !== undefined,
  },
];

function again({ retransmitted, segments }: Row): string {
  return formatShare(retransmitted / Math.max(1, segments));
}

function time({ rtt }: Row, value: number): string {
  return rtt.count === 0 ? "–" : formatTime(value);
}
