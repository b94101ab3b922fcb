import type { Nanos } from "@seville/core";
import type { PingReport } from "./ping.ts";

/** The two or three lines at the end of ping(8). */
export function summaryOf(to: string, report: Omit<PingReport, "text">): string[] {
  const { transmitted, received, duplicates, errors, loss, duration } = report;
  const counts = [
    `${transmitted} packets transmitted`,
    `${received} received`,
    ...(duplicates > 0 ? [`+${duplicates} duplicates`] : []),
    ...(errors > 0 ? [`+${errors} errors`] : []),
    `${trimmed(loss * 100)}% packet loss`,
    `time ${Math.round(duration / 1_000_000)}ms`,
  ];
  const lines = [`--- ${to} ping statistics ---`, counts.join(", ")];
  if (received > 0) {
    const { min, avg, max, mdev } = report;
    lines.push(`rtt min/avg/max/mdev = ${[min, avg, max, mdev].map(fixed).join("/")} ms`);
  }
  return lines;
}

function fixed(ns: Nanos): string {
  return (ns / 1_000_000).toFixed(3);
}

/** At most five significant digits, as %g prints. */
function trimmed(percent: number): string {
  return String(Number(percent.toPrecision(6)));
}
