import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import { PARTS } from "../parts/index.ts";
import { composeSchema } from "../schema/compose.ts";
import { OWN_KEYWORDS, type SchemaDocument } from "../schema/json-schema.ts";
import type { CheckReporter, ScenarioPart } from "../schema/part.ts";
import type { Scenario } from "../types.ts";
import { formatProblems } from "./code-frame.ts";
import { ScenarioError, type ScenarioProblem, type SourcePosition } from "./problem.ts";
import { explain } from "./schema-errors.ts";
import { parseYaml } from "./yaml.ts";

export interface ValidateOptions {
  /** Parts beside those that this package ships. */
  readonly parts?: readonly ScenarioPart[];
}

/** What validation found. `scenario` is there if nothing is an error. */
export interface ValidationResult {
  readonly scenario: Scenario | undefined;
  /** Errors and warnings, in the order of the text. */
  readonly problems: readonly ScenarioProblem[];
}

/** Checks a value: its shape by the schema; then, if that fits, its sense. Finds everything at once and never throws. */
export function validateScenario(value: unknown, options: ValidateOptions = {}): ValidationResult {
  return validate(value, options, () => undefined);
}

/** Reads YAML (or JSON) and checks it. Every problem has its place in the text. */
export function parseScenario(text: string, options: ValidateOptions = {}): ValidationResult {
  const yaml = parseYaml(text);
  if (yaml.problems.length > 0) return { scenario: undefined, problems: yaml.problems };
  const result = validate(yaml.value, options, (path, what) => yaml.locate(path, what));
  const problems = [...result.problems].sort((a, b) => (a.position?.offset ?? 0) - (b.position?.offset ?? 0));
  return { scenario: result.scenario, problems };
}

/**
 * A scenario that is known to be right: the same object, checked. For scenarios written in TypeScript.
 * @throws ScenarioError that lists every mistake
 */
export function defineScenario<const S extends Scenario>(scenario: S, options: ValidateOptions = {}): S {
  orThrow(validateScenario(scenario, options));
  return scenario;
}

/** The scenario of a {@link ValidationResult}, or its errors thrown as one {@link ScenarioError}. */
export function orThrow(result: ValidationResult, file?: string, source?: string): Scenario {
  const errors = result.problems.filter((problem) => problem.severity === "error");
  if (result.scenario !== undefined && errors.length === 0) return result.scenario;
  const options = { ...(file === undefined ? {} : { file }), ...(source === undefined ? {} : { source }) };
  throw new ScenarioError(errors, formatProblems(errors, options));
}

/** The scenario with all that its parts write out (see {@link ScenarioPart.expand}). It was checked before. */
export function expandScenario(scenario: Scenario, parts: readonly ScenarioPart[] = []): Scenario {
  const report: CheckReporter = { error: () => undefined, warning: () => undefined };
  return [...PARTS, ...parts].reduce((each, part) => part.expand?.(each, report) ?? each, scenario);
}

type Locate = (path: readonly (string | number)[], what: "key" | "value") => SourcePosition | undefined;

function validate(value: unknown, options: ValidateOptions, locate: Locate): ValidationResult {
  const parts = [...PARTS, ...(options.parts ?? [])];
  const { document, check } = compiled(options.parts ?? []);
  const problems: ScenarioProblem[] = [];
  const add = (
    severity: "error" | "warning",
    path: readonly (string | number)[],
    message: string,
    hint: string | undefined,
    what: "key" | "value",
  ): void => {
    const position = locate(path, what);
    problems.push({
      severity,
      path,
      message,
      ...(hint === undefined ? {} : { hint }),
      ...(position === undefined ? {} : { position }),
    });
  };
  if (!check(value)) {
    const findings = explain(check.errors ?? [], document, value);
    for (const { path, message, hint, atKey } of findings) add("error", path, message, hint, atKey ? "key" : "value");
    return { scenario: undefined, problems };
  }
  const scenario = value as Scenario;
  const report: CheckReporter = {
    error: (path, message, hint) => add("error", path, message, hint, "value"),
    warning: (path, message, hint) => add("warning", path, message, hint, "value"),
  };
  const whole = parts.reduce((each, part) => part.expand?.(each, report) ?? each, scenario);
  for (const part of parts) part.check?.(whole, report);
  const ok = problems.every((problem) => problem.severity !== "error");
  return { scenario: ok ? scenario : undefined, problems };
}

interface Compiled {
  readonly document: SchemaDocument;
  readonly check: ValidateFunction;
}

let shipped: Compiled | undefined;

/** Compiling takes tens of milliseconds: once for the parts that are shipped, and again only for others' parts. */
function compiled(extra: readonly ScenarioPart[]): Compiled {
  if (extra.length > 0) return compile([...PARTS, ...extra]);
  shipped ??= compile(PARTS);
  return shipped;
}

function compile(parts: readonly ScenarioPart[]): Compiled {
  const document = composeSchema(parts);
  const ajv = new Ajv2020({ allErrors: true, verbose: true, strict: false });
  for (const keyword of OWN_KEYWORDS) ajv.addKeyword(keyword);
  return { document, check: ajv.compile(document) };
}
