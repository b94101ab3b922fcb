import { SevilleError, type Nanos } from "@seville/core";
import type { PacketPool } from "@seville/packet";
import type { LinkEnd, Simulator } from "@seville/sim";
import { basename, resolve } from "node:path";
import { bridge } from "../bridge.ts";
import { totalDrops } from "../port/counters.ts";
import { RealtimeDriver } from "../realtime/driver.ts";
import { raisePriority } from "../realtime/priority.ts";
import { startReplay } from "../replay/replay.ts";
import { readMib } from "../kernel/mib.ts";
import { runProgram, type ProgramSpec, type RunningProgram } from "../program/run-program.ts";
import { openAttachment, type AttachmentSpec } from "./open-attachment.ts";

/** A captured file, as scenario files write it. */
export interface ReplayAttachment {
  /** Relative to the directory of {@link OutsideOptions}. */
  readonly file?: string;
  readonly speed?: number;
  readonly loop?: number;
}

/** An attachment, as scenario files write it. */
export interface OutsideSpec extends AttachmentSpec {
  readonly replay?: ReplayAttachment;
}

/** The end of a link that an attachment takes. */
export interface AttachmentSite {
  readonly name: string;
  readonly end: LinkEnd;
  readonly pool: PacketPool;
  readonly simulator: Simulator;
  fail(error: Error): void;
}

export interface OutsideOptions {
  /** Where relative paths begin: the scenario file's directory. */
  readonly directory: string;
  /** The capture of replays that name none. Relative to the process's directory, as on a command line. */
  readonly replayFile?: string;
  /** Simulated seconds per second. Default 1. */
  readonly speed?: number;
}

/** What `runScenario` of `@seville/scenario` takes as `outside`. */
export interface RealOutside {
  open(spec: OutsideSpec, site: AttachmentSite): Promise<RealAttachment>;
  runInRealtime(
    simulator: Simulator,
    options: { readonly until: Nanos; readonly signal: AbortSignal; readonly onProgress: (now: Nanos) => void },
  ): Promise<{ readonly maxLateness: Nanos; readonly p50Lateness: Nanos; readonly p99Lateness: Nanos }>;
  runProgram(spec: ProgramSpec): RunningProgram;
}

export interface RealAttachment {
  /** For people: `tap tap0 in left`. */
  readonly detail: string;
  /** Frames lost between the real world and the link's end, by reason, both directions together. */
  drops(): Readonly<Record<string, number>>;
  /** What the kernel of its namespace counts, by the names of `nstat`. Only of a TAP device in a namespace. */
  readonly counters?: () => Promise<Readonly<Record<string, number>>>;
  close(): Promise<void>;
}

/** The real world for scenarios: their attachments, and the clock on the wall. One for each run. */
export function createOutside(options: OutsideOptions): RealOutside {
  const drivers = new WeakMap<Simulator, RealtimeDriver>();
  const driverOf = (simulator: Simulator): RealtimeDriver => {
    const driver = drivers.get(simulator) ?? new RealtimeDriver(simulator);
    drivers.set(simulator, driver);
    return driver;
  };
  return {
    async open(spec, site) {
      if (spec.replay !== undefined) return openReplay(spec.replay, site, options);
      const port = await openAttachment(spec);
      const { end, pool, simulator } = site;
      const clock = driverOf(simulator);
      const joined = bridge({ port, end, pool, clock, onFailure: (error) => site.fail(error) });
      const netns = spec.tap?.netns;
      return {
        detail: netns === undefined ? port.name : `${port.name} in ${netns}`,
        drops: () => totalDrops([port.stats(), joined.stats()]),
        ...(netns === undefined ? {} : { counters: () => readMib(netns) }),
        close: () => port.close(),
      };
    },
    async runInRealtime(simulator, { until, signal, onProgress }) {
      // When the threads of the attachments run already.
      const priority = await raisePriority();
      try {
        const speed = options.speed ?? 1;
        const { lateness } = await driverOf(simulator).run({ until, signal, onProgress, speed });
        const [p50Lateness, p99Lateness] = [lateness.percentile(0.5), lateness.percentile(0.99)];
        return { maxLateness: lateness.max, p50Lateness, p99Lateness };
      } finally {
        priority.restore();
      }
    },
    runProgram,
  };
}

function openReplay(spec: ReplayAttachment, site: AttachmentSite, options: OutsideOptions): RealAttachment {
  const { speed = 1, loop = 1 } = spec;
  const file = spec.file === undefined ? options.replayFile : resolve(options.directory, spec.file);
  if (file === undefined) {
    const message = `attachment ${site.name} replays a capture, and none is named: give --pcap-in FILE, or file: in the scenario`;
    throw new SevilleError("ERR_INVALID_ARGUMENT", message, `attachments.${site.name}.replay.file`);
  }
  const { simulator: scheduler, end, pool } = site;
  const replay = startReplay({ source: file, speed, loops: loop }, { scheduler, end, pool });
  return {
    detail: `replay of ${basename(file)}`,
    drops: () => replay.stats().skipped,
    close() {
      replay.stop();
      return Promise.resolve();
    },
  };
}
