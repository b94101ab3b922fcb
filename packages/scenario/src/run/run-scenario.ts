import type { Nanos } from "@seville/core";
import type { PacketPoolOptions } from "@seville/packet";
import { expandScenario, orThrow, validateScenario } from "../check/validate.ts";
import { PARTS } from "../parts/index.ts";
import { duration } from "../quantities.ts";
import type { RealtimeResult, ScenarioResult } from "../results.ts";
import type { ScenarioPart } from "../schema/part.ts";
import type { Scenario } from "../types.ts";
import type { CaptureOpener } from "./captures.ts";
import { usedParts } from "./used-parts.ts";
import type { AttachmentSite, OpenAttachment, OutsideProgram, RunningProgram, World } from "./world.ts";
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
  /** Starts a program of this machine. Needed for scenarios with programs. */
  runProgram?(spec: OutsideProgram): RunningProgram;
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

/**
 * Builds the world that a scenario describes, lets its time pass, takes it down, and tells what happened.
 *
 * In virtual time everything follows from the scenario and its seed. The simulator and the stack are loaded by the first call.
 *
 * @throws ScenarioError if the scenario is wrong; SevilleError `ERR_NO_OUTSIDE` for an attachment that nobody opens; EventError
 */
export async function runScenario(scenario: Scenario, options: RunScenarioOptions = {}): Promise<ScenarioResult> {
  const validation = validateScenario(scenario, options.parts === undefined ? {} : { parts: options.parts });
  orThrow(validation);
  const until = options.until ?? duration(scenario.duration ?? "10s");
  const parts = usedParts(scenario, [...PARTS, ...(options.parts ?? [])]);
  const runtimes = await Promise.all(parts.map((part) => part.load()));
  const warnings = validation.problems.map(({ message }) => message);
  const { execute } = await import("./execute.ts");
  return execute(expandScenario(scenario, options.parts), runtimes, until, warnings, options);
}
