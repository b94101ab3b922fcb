import { SevilleError, type Nanos } from "@seville/core";
import type { PacketPoolOptions } from "@seville/packet";
import { orThrow, validateScenario } from "../check/validate.ts";
import { PARTS } from "../parts/index.ts";
import { duration } from "../quantities.ts";
import type { RealtimeResult, ScenarioResult } from "../results.ts";
import type { ScenarioPart } from "../schema/part.ts";
import type { Scenario } from "../types.ts";
import type { CaptureOpener } from "./captures.ts";
import { collectResult } from "./collect.ts";
import { BuiltWorld } from "./built-world.ts";
import { usedParts } from "./used-parts.ts";
import type { AttachmentSite, OpenAttachment, World } from "./world.ts";
import type { Attachment } from "../types.ts";
import type { Simulator } from "@seville/sim";

/** The outside, as whoever runs a scenario provides it: the `seville` command does, with `@seville/host-link`. */
export interface Outside {
  /** Opens an attachment. It may send from the moment at which time begins, not before. */
  open(spec: Attachment, site: AttachmentSite): Promise<OpenAttachment>;
  /** Runs the simulator at the pace of the clock on the wall. Needed for scenarios in real time. */
  runInRealtime?(
    simulator: Simulator,
    options: { until: Nanos; signal: AbortSignal; onProgress: (now: Nanos) => void },
  ): Promise<RealtimeResult>;
}

export interface RunProgress {
  /** Virtual time. */
  readonly now: Nanos;
  readonly until: Nanos;
  readonly events: number;
}

export interface RunScenarioOptions {
  /** In place of the scenario's. */
  readonly seed?: number;
  /** Where to end, in place of the scenario's duration. */
  readonly until?: Nanos;
  readonly parts?: readonly ScenarioPart[];
  /** Where captures go; without it nothing is captured. */
  readonly capture?: CaptureOpener;
  /** `wire` (default): frames as they are on the link. `host`: where tcpdump looks, with unfinished checksums. */
  readonly captureAt?: "wire" | "host";
  readonly outside?: Outside;
  readonly onProgress?: (progress: RunProgress) => void;
  /** Ends the run early; the result says `aborted`. Looked at between batches of events: see `turn`. */
  readonly signal?: AbortSignal;
  /** Awaited between batches of events, so that signals, timers and repaints get their turn. */
  readonly turn?: () => Promise<void>;
  /** For what no file can say: called when the world stands and no time has passed. */
  readonly setup?: (world: World) => void;
  readonly pool?: PacketPoolOptions;
  /** For the result: what ran, and what was changed. */
  readonly versions?: Readonly<Record<string, string>>;
  readonly overrides?: readonly string[];
}

/** Events between two looks at the signal. */
const BATCH = 20_000;

/**
 * Builds the world that a scenario describes, lets its time pass, takes it down, and tells what happened.
 *
 * In virtual time everything follows from the scenario and its seed.
 *
 * @throws ScenarioError if the scenario is wrong; SevilleError `ERR_NO_OUTSIDE` for an attachment that nobody opens; EventError
 */
export async function runScenario(scenario: Scenario, options: RunScenarioOptions = {}): Promise<ScenarioResult> {
  const validation = validateScenario(scenario, options.parts === undefined ? {} : { parts: options.parts });
  orThrow(validation);
  const until = options.until ?? duration(scenario.duration ?? "10s");
  const parts = usedParts(scenario, [...PARTS, ...(options.parts ?? [])]);
  const runtimes = await Promise.all(parts.map((part) => part.load()));
  const world = new BuiltWorld(scenario, runtimes, until, options);
  for (const { severity, message } of validation.problems) if (severity === "warning") world.warn(message);
  const attachments = new Map<string, OpenAttachment>();
  try {
    await openAttachments(world, options.outside, attachments);
    options.setup?.(world);
    const end = await passTime(world, until, options);
    return collectResult(world, end, attachments, options);
  } finally {
    world.close();
    await Promise.all([...attachments.values()].map((attachment) => attachment.close()));
  }
}

/** How the time of a run passed. */
export interface RunEnding {
  readonly end: "finished" | "aborted";
  readonly realtime?: RealtimeResult;
}

async function openAttachments(
  world: BuiltWorld,
  outside: Outside | undefined,
  open: Map<string, OpenAttachment>,
): Promise<void> {
  for (const [name, spec] of Object.entries(world.scenario.attachments ?? {})) {
    const end = world.linkEnd(name);
    if (end === undefined) continue;
    if (outside === undefined) {
      throw new SevilleError(
        "ERR_NO_OUTSIDE",
        `attachment ${name} leads outside, and runScenario was given no \`outside\` to open it`,
        "outside",
      );
    }
    const { pool, simulator } = world;
    open.set(name, await outside.open(spec, { name, end, pool, simulator, fail: (error) => world.fail(error) }));
  }
}

async function passTime(world: BuiltWorld, until: Nanos, options: RunScenarioOptions): Promise<RunEnding> {
  if (world.scenario.realtime === true) return passRealTime(world, until, options);
  const { simulator } = world;
  for (;;) {
    if (options.signal?.aborted === true) return { end: "aborted" };
    const { end } = simulator.run({ until, maxEvents: BATCH });
    world.throwIfFailed();
    options.onProgress?.({ now: simulator.now, until, events: simulator.events });
    if (end !== "budget") return { end: "finished" };
    await options.turn?.();
  }
}

async function passRealTime(world: BuiltWorld, until: Nanos, options: RunScenarioOptions): Promise<RunEnding> {
  const { simulator } = world;
  const run = options.outside?.runInRealtime?.bind(options.outside);
  if (run === undefined) {
    throw new SevilleError(
      "ERR_NO_OUTSIDE",
      "the scenario runs in real time, and runScenario was given no `outside` with a clock",
      "outside",
    );
  }
  const failure = new AbortController();
  world.onFailure = () => failure.abort();
  const signal = options.signal === undefined ? failure.signal : AbortSignal.any([options.signal, failure.signal]);
  const realtime = await run(simulator, {
    until,
    signal,
    onProgress: (now) => options.onProgress?.({ now, until, events: simulator.events }),
  });
  world.throwIfFailed();
  return { end: simulator.now < until ? "aborted" : "finished", realtime };
}
