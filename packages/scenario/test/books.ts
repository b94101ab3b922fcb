import { expect } from "vitest";
import type { ScenarioResult } from "@seville/scenario";

/** R2 and R3, for any result: nothing got lost in the books, and every packet came back. */
export function expectBooksToBalance(result: ScenarioResult): void {
  for (const link of result.links) {
    const dropped = sum(Object.values(link.drops));
    const where = `${link.from} → ${link.to}`;
    expect(link.offered + link.duplicated, where).toBe(link.delivered + dropped + link.inFlight);
  }
  for (const flow of result.flows) expect(flow.sent, flow.name).toBe(flow.received + flow.lost);
  for (const ping of result.pings) expect(ping.transmitted).toBeGreaterThanOrEqual(ping.received);
  expectInterfacesToAgree(result);
  expectSeriesToAddUp(result);
  expect(result.pool.after).toBe(0);
  expect(result.pool.failures).toBe(0);
}

/** What a link is offered, an interface sent; what an interface got, its link delivered. */
function expectInterfacesToAgree(result: ScenarioResult): void {
  for (const iface of result.interfaces) {
    const name = `${iface.host}:${iface.name}`;
    const out = result.links.find((link) => link.from === name);
    const into = result.links.find((link) => link.to === name);
    expect(out?.offered, `${name} tx`).toBe(iface.txPackets);
    if (into !== undefined) expect(iface.rxPackets).toBeLessThanOrEqual(into.delivered);
  }
}

function expectSeriesToAddUp(result: ScenarioResult): void {
  const byReason = new Map<string, number>();
  for (const { where, reason, packets } of result.drops) {
    if (where !== "outside") byReason.set(reason, (byReason.get(reason) ?? 0) + packets);
  }
  byReason.delete("END_OF_RUN");
  expect(new Map(result.series.drops.map(({ reason, packets }) => [reason, sum(packets)]))).toEqual(byReason);
  const { interval, samples } = result.series;
  const last = result.run.endedAt - (samples - 1) * interval;
  for (const series of result.series.links) {
    expect(series.throughput).toHaveLength(samples);
    const link = result.links.find(({ from, to }) => from === series.from && to === series.to);
    const bits = sum(series.throughput.map((rate, i) => (rate * (i === samples - 1 ? last : interval)) / 1e9));
    // Every sample is rounded to a bit per second.
    expect(Math.abs(bits - (link?.deliveredBytes ?? 0) * 8)).toBeLessThanOrEqual(samples);
  }
}

export function sum(values: Iterable<number>): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}
