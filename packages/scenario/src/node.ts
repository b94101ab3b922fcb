/**
 * Scenario files on disk, for Node.
 *
 * ```ts
 * import { loadScenario } from "@seville/scenario/node";
 * const { scenario } = await loadScenario("hello");
 * ```
 *
 * @module
 */
import { readdir, readFile } from "node:fs/promises";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import { SevilleError } from "@seville/core";
import { suggestion } from "./check/did-you-mean.ts";
import type { ScenarioProblem } from "./check/problem.ts";
import { orThrow, parseScenario, validateScenario, type ValidateOptions } from "./check/validate.ts";
import { parseYaml } from "./check/yaml.ts";
import { applyOverride } from "./overrides.ts";
import type { Scenario } from "./types.ts";

export interface LoadOptions extends ValidateOptions {
  /** Changes, as `path=value`, made before it is checked. */
  readonly overrides?: readonly string[];
  /** Make the changes that the scenario itself names for a run that is to be short (`quick`). */
  readonly quick?: boolean;
}

export interface LoadedScenario {
  /** As it was asked for: a name or a path. */
  readonly name: string;
  readonly scenario: Scenario;
  /** The changes that were made, as `path=value`. */
  readonly overrides: readonly string[];
  /** Where it was read from. */
  readonly file: string;
  readonly source: string;
  readonly warnings: readonly ScenarioProblem[];
}

/** A scenario that comes with this package. */
export interface ShippedScenario {
  readonly name: string;
  readonly description: string;
  readonly file: string;
}

const SHIPPED = new URL("../scenarios/", import.meta.url);

/** Reads and checks the file at `nameOrPath`, or the shipped scenario of that name.
 * @throws ScenarioError with every mistake and its place; SevilleError `ERR_SCENARIO_UNKNOWN` if there is none of that name
 */
export async function loadScenario(nameOrPath: string, options: LoadOptions = {}): Promise<LoadedScenario> {
  const file = await findScenario(nameOrPath);
  const source = await readFile(file, "utf8");
  let result = parseScenario(source, options);
  let scenario = orThrow(result, file, source);
  const overrides = [...quickChanges(nameOrPath, scenario, options.quick === true), ...(options.overrides ?? [])];
  if (overrides.length > 0) {
    const changed = overrides.reduce<unknown>(applyOverride, parseYaml(source).value);
    result = validateScenario(changed, options);
    scenario = orThrow(result, file);
  }
  return {
    name: nameOrPath,
    scenario,
    overrides,
    file,
    source,
    warnings: result.problems.filter(({ severity }) => severity === "warning"),
  };
}

function quickChanges(name: string, { quick }: Scenario, isAskedFor: boolean): string[] {
  if (!isAskedFor) return [];
  if (quick === undefined)
    throw new SevilleError(
      "ERR_SCENARIO_UNKNOWN",
      `${name} does not say what a quick run changes (key quick)`,
      "quick",
    );
  return Object.entries(quick).map(([path, value]) => `${path}=${value}`);
}

/** The path of a scenario file: as given, or of a shipped scenario. */
export async function findScenario(nameOrPath: string): Promise<string> {
  if (/[/\\]|\.(ya?ml|json)$/.test(nameOrPath)) return nameOrPath;
  const shipped = await readdir(SHIPPED);
  const names = shipped.filter((name) => name.endsWith(".yaml")).map((name) => basename(name, ".yaml"));
  if (names.includes(nameOrPath)) return fileURLToPath(new URL(`${nameOrPath}.yaml`, SHIPPED));
  const hint = suggestion(nameOrPath, names) ?? "";
  throw new SevilleError(
    "ERR_SCENARIO_UNKNOWN",
    `there is no scenario ${nameOrPath}: ${hint} (a file needs its .yaml)`,
    "scenario",
  );
}

/** What ships with this package, by name. */
export async function shippedScenarios(): Promise<readonly ShippedScenario[]> {
  const files = (await readdir(SHIPPED)).filter((name) => name.endsWith(".yaml")).sort();
  return Promise.all(
    files.map(async (name) => {
      const file = fileURLToPath(new URL(name, SHIPPED));
      const { scenario } = parseScenario(await readFile(file, "utf8"));
      return { name: basename(name, ".yaml"), description: scenario?.description ?? "", file };
    }),
  );
}
