import type { GuestSession } from "../../../../linux-peer/session.ts";
import { median } from "../../../lib/suite.ts";

/** What iputils' ping told. */
export interface PingReport {
  readonly transmitted: number;
  readonly received: number;
  /** Of each reply, ms. */
  readonly times: readonly number[];
  readonly median: number;
  readonly text: string;
}

/** Runs ping in a guest with `args`, at 10 requests a second unless they say otherwise. */
export async function ping(guest: GuestSession, args: string): Promise<PingReport> {
  const { output: text } = await guest.run(`ping -n -i 0.1 -W 3 ${args}`, 60_000);
  const times = [...text.matchAll(/time=([\d.]+) ms/g)].map((match) => Number(match[1]));
  const counts = /(\d+) packets transmitted, (\d+) received/.exec(text);
  return {
    transmitted: Number(counts?.[1] ?? 0),
    received: Number(counts?.[2] ?? 0),
    times,
    median: median(times),
    text,
  };
}
