import { SevilleError, type Nanos } from "@seville/core";
import type { RealtimeResult, ScenarioResult } from "../results.ts";
import type { Scenario } from "../types.ts";
import { BuiltWorld } from "./built-world.ts";
import { collectResult } from "./collect.ts";
import { openPrograms, type Programs } from "./programs.ts";
import type { Outside, RunScenarioOptions } from "./run-scenario.ts";
import type { OpenAttachment, PartRuntime } from "./world.ts";

/** Events between two looks at the signal. */
const BATCH = 20_000;

/** A run of a scenario that was checked, with the parts that it uses. */
export async function execute(
  scenario: Scenario,
  runtimes: readonly PartRuntime[],
  until: Nanos,
  warnings: readonly string[],
  options: RunScenarioOptions,
): Promise<ScenarioResult> {
  const world = new BuiltWorld(scenario, runtimes, until, options);
  for (const warning of warnings) world.warn(warning);
  const attachments = new Map<string, OpenAttachment>();
  let programs: Programs | undefined;
  try {
    await openAttachments(world, options.outside, attachments);
    options.setup?.(world);
    programs = await openPrograms(world, options.outside, attachments);
    const end = await passTime(world, until, options, programs);
    return collectResult(world, end, attachments, options, await programs?.finish());
  } finally {
    await programs?.close();
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

async function passTime(
  world: BuiltWorld,
  until: Nanos,
  options: RunScenarioOptions,
  programs: Programs | undefined,
): Promise<RunEnding> {
  if (world.scenario.realtime === true) return passRealTime(world, until, options, programs);
  const { simulator } = world;
  const { signal } = options;
  const stop = (): void => simulator.pause();
  signal?.addEventListener("abort", stop);
  try {
    for (;;) {
      if (signal?.aborted === true) return { end: "aborted" };
      const { end } = simulator.run({ until, maxEvents: BATCH });
      world.throwIfFailed();
      options.onProgress?.({ now: simulator.now, until, events: simulator.events });
      if (end === "until" || end === "idle") return { end: "finished" };
      await options.turn?.();
    }
  } finally {
    signal?.removeEventListener("abort", stop);
  }
}

async function passRealTime(
  world: BuiltWorld,
  until: Nanos,
  options: RunScenarioOptions,
  programs: Programs | undefined,
): Promise<RunEnding> {
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
  const signals = [failure.signal, options.signal, programs?.done].filter((each) => each !== undefined);
  const realtime = await run(simulator, {
    until,
    signal: AbortSignal.any(signals),
    onProgress: (now) => options.onProgress?.({ now, until, events: simulator.events }),
  });
  world.throwIfFailed();
  const isFinished = simulator.now >= until || (programs?.done.aborted === true && options.signal?.aborted !== true);
  return { end: isFinished ? "finished" : "aborted", realtime };
}
