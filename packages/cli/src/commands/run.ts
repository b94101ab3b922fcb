import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parseDuration } from "@seville/core";
import {
  formatProblems,
  runScenario,
  type Outside,
  type RunScenarioOptions,
  type Scenario,
  type ScenarioResult,
} from "@seville/scenario";
import { loadScenario, type LoadedScenario } from "@seville/scenario/node";
import { CaptureFiles } from "../output/capture-files.ts";
import { painter } from "../output/paint.ts";
import { startProgress } from "../output/progress.ts";
import { renderSummary } from "../output/summary.ts";
import { EXIT } from "../exit-codes.ts";
import { version } from "../version.ts";

/** The options of `seville run`, as commander gives them. */
export interface RunFlags {
  readonly seed?: number;
  readonly until?: string;
  readonly set: readonly string[];
  readonly quick?: boolean;
  readonly out: string;
  readonly outIsDefault?: boolean;
  /** A path; `false`: --no-report. */
  readonly report?: string | false;
  readonly pcap?: string | false;
  readonly pcapAt: "wire" | "host";
  readonly pcapIn?: string;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

/** Where a run writes; what is `undefined` is not written. */
interface Targets {
  readonly report: string | undefined;
  readonly result: string | undefined;
  readonly pcap: string | undefined;
}

export async function run(nameOrPath: string, flags: RunFlags): Promise<number> {
  const loaded = await loadScenario(nameOrPath, { overrides: flags.set, quick: flags.quick === true });
  const { scenario } = loaded;
  if (flags.quiet !== true && flags.json !== true) printWarnings(loaded);
  if (scenario.realtime === true && flags.quiet !== true) announce(scenario);
  const targets = targetsOf(scenario.name, flags);
  const captures = targets.pcap === undefined ? undefined : new CaptureFiles(targets.pcap);
  const interruption = new AbortController();
  const interrupt = (): void => interruption.abort();
  process.once("SIGINT", interrupt);
  const progress = startProgress(flags.quiet !== true && flags.json !== true);
  let result: ScenarioResult;
  try {
    result = await runScenario(scenario, {
      ...optionsOf(flags),
      ...(captures === undefined ? {} : { capture: (name) => captures.open(name), captureAt: flags.pcapAt }),
      ...(await outsideFor(loaded, flags)),
      overrides: loaded.overrides,
      versions: { seville: version() },
      signal: interruption.signal,
      turn: () => new Promise((resolve) => void setImmediate(resolve)),
      onProgress: (state) => progress.update(state),
    });
  } finally {
    progress.stop();
    process.removeListener("SIGINT", interrupt);
    captures?.close();
  }
  if (captures !== undefined)
    result = { ...result, captures: result.captures.map((c) => ({ ...c, file: captures.path(c.interface) })) };
  await write(result, targets, loaded, flags);
  if (flags.json === true) process.stdout.write(`${JSON.stringify(result)}\n`);
  else if (flags.quiet !== true) process.stdout.write(renderSummary(result, targets));
  return result.run.end === "aborted" ? EXIT.INTERRUPTED : EXIT.OK;
}

/** Those options of a run that `run` and `verify-determinism` share. */
export function optionsOf(flags: { readonly seed?: number; readonly until?: string }): RunScenarioOptions {
  return {
    ...(flags.seed === undefined ? {} : { seed: flags.seed }),
    ...(flags.until === undefined ? {} : { until: parseDuration(flags.until, "--until") }),
  };
}

/** What opens attachments, loaded only for scenarios that have some. */
export async function outsideFor(
  loaded: LoadedScenario,
  flags: { readonly pcapIn?: string },
): Promise<{ outside?: Outside }> {
  const { scenario, file } = loaded;
  if (scenario.realtime !== true && Object.keys(scenario.attachments ?? {}).length === 0) return {};
  const { createOutside } = await import("../outside.ts");
  return {
    outside: createOutside({ scenarioFile: file, ...(flags.pcapIn === undefined ? {} : { pcapIn: flags.pcapIn }) }),
  };
}

function targetsOf(name: string, flags: RunFlags): Targets {
  const out = flags.outIsDefault === true ? join("seville-out", name) : flags.out;
  // For programs, only what is asked for by name.
  const byDefault = flags.json !== true || flags.outIsDefault !== true;
  const target = (flag: string | false | undefined, fallback: string): string | undefined => {
    if (typeof flag === "string") return flag;
    return flag !== false && byDefault ? fallback : undefined;
  };
  return {
    report: target(flags.report, join(out, "report.html")),
    pcap: target(flags.pcap, out),
    result: byDefault ? join(out, "result.json") : undefined,
  };
}

async function write(result: ScenarioResult, targets: Targets, loaded: LoadedScenario, flags: RunFlags): Promise<void> {
  if (targets.result !== undefined) {
    mkdirSync(dirname(targets.result), { recursive: true });
    writeFileSync(targets.result, `${JSON.stringify(result)}\n`);
  }
  if (targets.report === undefined) return;
  const { renderReport } = await import("@seville/report");
  mkdirSync(dirname(targets.report), { recursive: true });
  writeFileSync(targets.report, renderReport(result, { replayCommand: replayCommand(result, loaded, flags) }));
}

/** The command that runs it again, as a shell takes it. */
function replayCommand(result: ScenarioResult, loaded: LoadedScenario, flags: RunFlags): string {
  const words = ["seville", "run", loaded.name, "--seed", String(result.scenario.seed)];
  if (flags.until !== undefined) words.push("--until", flags.until);
  if (flags.quick === true) words.push("--quick");
  for (const change of flags.set) words.push("--set", change);
  if (flags.pcapIn !== undefined) words.push("--pcap-in", flags.pcapIn);
  return words
    .map((word) => (/^[A-Za-z0-9_./:=%@,+-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`))
    .join(" ");
}

/** Whoever is to send real traffic must know that it has begun, and how. */
function announce({ name, description = "", duration = "10s" }: Scenario): void {
  process.stderr.write(`${name}: in real time, for ${duration}. ${description}\n`);
}

function printWarnings({ warnings, file, source }: LoadedScenario): void {
  if (warnings.length > 0)
    process.stderr.write(`${formatProblems(warnings, { file, source, paint: painter(process.stderr) })}\n\n`);
}
