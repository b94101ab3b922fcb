import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import {
  bridge,
  openAttachment,
  raisePriority,
  RealtimeDriver,
  startReplay,
  type HostPortStats,
} from "@seville/host-link";
import type { Attachment, AttachmentSite, OpenAttachment, Outside } from "@seville/scenario";
import { EXIT } from "./exit-codes.ts";
import { CommandFailure } from "./failure.ts";

export interface OutsideOptions {
  /** The scenario's file: paths in it are relative to it. */
  readonly scenarioFile: string;
  /** Given on the command line, for replays that name no file. */
  readonly pcapIn?: string;
}

/** The outside of a simulation that runs in this process: kernel devices, sockets, captured files, the clock on the wall. */
export function createOutside(options: OutsideOptions): Outside {
  let driver: RealtimeDriver | undefined;
  return {
    async open(spec: Attachment, site: AttachmentSite): Promise<OpenAttachment> {
      if (spec.replay !== undefined) return openReplay(spec.replay, site, options);
      driver ??= new RealtimeDriver(site.simulator);
      return openPort(spec, site, driver);
    },
    async runInRealtime(simulator, { until, signal, onProgress }) {
      driver ??= new RealtimeDriver(simulator);
      const priority = await raisePriority();
      try {
        const { lateness } = await driver.run({ until, signal, onProgress });
        return {
          maxLateness: lateness.max,
          p50Lateness: lateness.percentile(0.5),
          p99Lateness: lateness.percentile(0.99),
        };
      } finally {
        priority.restore();
      }
    },
  };
}

async function openPort(spec: Attachment, site: AttachmentSite, driver: RealtimeDriver): Promise<OpenAttachment> {
  const port = await openAttachment(spec);
  const joined = bridge({
    port,
    end: site.end,
    pool: site.pool,
    clock: driver,
    onFailure: (error) => site.fail(error),
  });
  const netns = spec.tap?.netns;
  return {
    detail: netns === undefined ? port.name : `${port.name} in ${netns}`,
    drops: () => dropsOf([port.stats(), joined.stats()]),
    close: () => port.close(),
  };
}

/** All drops of a port and its bridge, in both directions, by reason. */
function dropsOf(stats: readonly HostPortStats[]): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const { rxDrops, txDrops, kernelDrops } of stats) {
    for (const [reason, count] of [...Object.entries(rxDrops), ...Object.entries(txDrops)]) {
      sums[reason] = (sums[reason] ?? 0) + count;
    }
    if (kernelDrops > 0) sums["FULL_RING"] = (sums["FULL_RING"] ?? 0) + kernelDrops;
  }
  return sums;
}

function openReplay(
  spec: NonNullable<Attachment["replay"]>,
  site: AttachmentSite,
  { scenarioFile, pcapIn }: OutsideOptions,
): OpenAttachment {
  const file = spec.file === undefined ? pcapIn : resolve(dirname(scenarioFile), spec.file);
  if (file === undefined) {
    throw new CommandFailure(
      `attachment ${site.name} replays a capture, and none is named: give --pcap-in FILE, or file: in the scenario`,
      EXIT.USAGE,
    );
  }
  const replay = startReplay(
    {
      source: readFileSync(file),
      ...(spec.speed === undefined ? {} : { speed: spec.speed }),
      ...(spec.loop === undefined ? {} : { loops: spec.loop }),
    },
    { scheduler: site.simulator, end: site.end, pool: site.pool },
  );
  return {
    detail: `replay of ${file.split(/[/\\]/).at(-1) ?? file}`,
    drops: () => Object.fromEntries(Object.entries(replay.stats().skipped)),
    close() {
      replay.stop();
      return Promise.resolve();
    },
  };
}
