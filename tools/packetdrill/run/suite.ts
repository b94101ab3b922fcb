import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { ScriptError, UnsupportedError } from "../language/errors.ts";
import { parseScript } from "../language/parse.ts";
import type { Script } from "../language/script.ts";
import type { Profile } from "../profile/profile.ts";
import type { SystemUnderTest } from "../sut/system.ts";
import { MalformedPacket } from "../wire/decode.ts";
import { readConfig, type Overrides, type RunConfig } from "./config.ts";
import { ScriptFailure } from "./failure.ts";
import { runScript } from "./runner.ts";

export type Result = "passed" | "failed" | "unsupported";

/** What became of a script. */
export interface ScriptReport {
  readonly file: string;
  readonly result: Result;
  readonly line?: number;
  readonly reason?: string;
  readonly expected?: string;
  readonly actual?: string;
  /** What its code printed. */
  readonly printed?: readonly string[];
}

export interface SuiteReport {
  readonly total: number;
  readonly passed: number;
  readonly failed: number;
  readonly unsupported: number;
  readonly scripts: readonly ScriptReport[];
}

/** Makes the system on which a script runs: each has a world of its own. */
export type MakeSystem = (config: RunConfig) => SystemUnderTest;

/** The scripts in a file or, with everything below it, a directory, in the order of their names. */
export function findScripts(path: string): string[] {
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path)
    .sort()
    .map((name) => join(path, name))
    .flatMap((inner) => (statSync(inner).isDirectory() ? findScripts(inner) : inner.endsWith(".pkt") ? [inner] : []));
}

export function summarise(scripts: readonly ScriptReport[]): SuiteReport {
  const count = (result: Result): number => scripts.filter((script) => script.result === result).length;
  return {
    total: scripts.length,
    passed: count("passed"),
    failed: count("failed"),
    unsupported: count("unsupported"),
    scripts,
  };
}

/** Runs the script in `file`. */
export function runFile(file: string, profile: Profile, make: MakeSystem, overrides: Overrides = {}): ScriptReport {
  return runSource(readFileSync(file, "utf8"), file, profile, make, overrides);
}

/** Runs a script that is at hand. */
export function runSource(
  source: string,
  file: string,
  profile: Profile,
  make: MakeSystem,
  overrides: Overrides = {},
): ScriptReport {
  const printed: string[] = [];
  const report = (rest: Omit<ScriptReport, "file">): ScriptReport => {
    return printed.length === 0 ? { file, ...rest } : { file, ...rest, printed };
  };
  let script: Script | undefined;
  try {
    script = parseScript(source, file, new Set(profile.defines));
    const config = readConfig(profile, script.options, overrides);
    runScript(script, config, make(config), (text) => printed.push(text));
    return report({ result: "passed" });
  } catch (error) {
    return report(explain(error));
  }
}

function explain(error: unknown): Omit<ScriptReport, "file"> {
  if (error instanceof UnsupportedError) return { result: "unsupported", reason: error.feature };
  if (error instanceof ScriptError) return { result: "failed", line: error.line, reason: error.message };
  if (error instanceof MalformedPacket)
    return { result: "failed", reason: `a malformed packet went out: ${error.message}` };
  if (error instanceof ScriptFailure) {
    return {
      result: "failed",
      line: error.line,
      reason: error.message,
      ...(error.expected === undefined ? {} : { expected: error.expected }),
      ...(error.actual === undefined ? {} : { actual: error.actual }),
    };
  }
  // What the engine throws is the engine's fault: the script failed, and the message says where.
  if (error instanceof Error)
    return { result: "failed", reason: `${error.name}: ${error.message}\n${firstFrames(error)}` };
  throw error;
}

function firstFrames(error: Error): string {
  return (error.stack ?? "").split("\n").slice(1, 4).join("\n");
}
