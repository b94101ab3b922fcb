import { describe, expect, test } from "vitest";
import { chartData, renderReport } from "@seville/report";
import type { Distribution, ScenarioResult, TcpConnectionResult } from "@seville/scenario";
import { sampleResult } from "./sample-result.ts";

const measured = sampleResult().pings[0]?.rtt as Distribution;
const none: Distribution = { ...measured, count: 0, p50: 0, p95: 0 };

const open: TcpConnectionResult = {
  tuple: "10.0.1.2:49152 > 10.0.2.2:5201",
  congestion: "bbr",
  bytes: 5_000_000,
  throughput: 9.5e6,
  rtt: { ...measured, count: 100, p50: 20e6, p95: 25e6 },
  minRtt: 10e6,
  segments: 4000,
  retransmitted: 40,
  timeouts: 1,
};
const connection: TcpConnectionResult = { ...open, completion: 4.2e9 };

function withTcp(connections: readonly TcpConnectionResult[]): ScenarioResult {
  const base = sampleResult();
  const at = [1e8, 2e8, 3e8];
  return {
    ...base,
    tcp: [{ name: "download", from: "a", to: "b", bytes: 5_000_000, throughput: 9.5e6, connections }],
    series: {
      ...base.series,
      tcp: [
        {
          name: "download",
          at,
          cwnd: [10, 20, 15],
          ssthresh: [0, 0, 15],
          inFlight: [10, 18, 15],
          rtt: at.map(() => 20e6),
          throughput: [0, 1e7, 9e6],
        },
      ],
    },
  };
}

function cells(html: string): string[] {
  const table = /<caption>TCP<\/caption>.*?<\/table>/s.exec(html)?.[0] ?? "";
  const body = table.slice(table.indexOf("<tbody"));
  return [...body.matchAll(/<t[hd][^>]*>(.*?)<\/t[hd]>/gs)].map(([, cell = ""]) => cell.replace(/\s/g, " "));
}

describe("H10: TCP", () => {
  test("throughput and congestion window of each connection, over its own times in seconds", () => {
    const charts = chartData(withTcp([connection])).charts.filter(({ id }) => id === "tcp-throughput" || id === "cwnd");
    expect(charts.map(({ id, unit, series }) => ({ id, unit, series }))).toEqual([
      {
        id: "tcp-throughput",
        unit: "rate",
        series: [{ label: "download", x: [0.1, 0.2, 0.3], y: [0, 1e7, 9e6], lost: [] }],
      },
      { id: "cwnd", unit: "packets", series: [{ label: "download", x: [0.1, 0.2, 0.3], y: [10, 20, 15], lost: [] }] },
    ]);
    const html = renderReport(withTcp([connection]));
    expect(html).toContain('id="chart-cwnd"');
    expect(html).toContain("Congestion windows");
  });

  test("a run without TCP has neither curves nor table", () => {
    expect(chartData(sampleResult()).charts.map(({ id }) => id)).not.toContain("cwnd");
    expect(renderReport(sampleResult())).not.toContain("<caption>TCP</caption>");
  });

  test("a row for each connection: what it achieved, and by which control", () => {
    const found = cells(renderReport(withTcp([connection])));
    expect(found.slice(0, 3)).toEqual(["download", "10.0.1.2:49152 &gt; 10.0.2.2:5201", "bbr"]);
    expect(found).toContain("40 (1 %)");
    expect(found.at(-1)).toBe("4.2 s");
  });

  test("several are numbered; one that failed shows its errno, and no times that nobody measured", () => {
    const found = cells(renderReport(withTcp([connection, { ...open, error: "ECONNREFUSED", rtt: none }])));
    expect(found[12]).toBe("download 2");
    expect(found.slice(-4)).toEqual(["–", "–", "–", "ECONNREFUSED"]);
  });
});
