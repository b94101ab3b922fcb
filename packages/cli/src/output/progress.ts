import { formatDuration } from "@seville/core";
import type { RunProgress } from "@seville/scenario";
import cliProgress from "cli-progress";

export interface Progress {
  update(state: RunProgress): void;
  stop(): void;
}

const NOTHING: Progress = { update: () => undefined, stop: () => undefined };

/** A bar of virtual time on standard error, if that is a terminal and one is wanted. */
export function startProgress(wanted: boolean): Progress {
  if (!wanted || !process.stderr.isTTY) return NOTHING;
  const bar = new cliProgress.SingleBar(
    {
      format: " {bar} {percentage} % | {now} of {until} | {events} events | {eta_formatted} left",
      stream: process.stderr,
      hideCursor: true,
      clearOnComplete: true,
      etaBuffer: 50,
      fps: 12,
    },
    cliProgress.Presets.shades_classic,
  );
  let started = false;
  return {
    update({ now, until, events }) {
      const shown = { now: formatDuration(Math.floor(now / 1e8) * 1e8), until: formatDuration(until), events };
      if (!started) bar.start(until, now, shown);
      else bar.update(now, shown);
      started = true;
    },
    stop: () => bar.stop(),
  };
}
