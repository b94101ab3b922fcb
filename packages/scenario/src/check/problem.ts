import { SevilleError } from "@seville/core";

/** Where in the text something is wrong. Lines and columns count from 1, `offset` (UTF-16 units) from 0. */
export interface SourcePosition {
  readonly line: number;
  readonly column: number;
  readonly offset: number;
  readonly length: number;
}

/** One thing that is wrong with a scenario, or looks so. */
export interface ScenarioProblem {
  readonly severity: "error" | "warning";
  /** Keys and indices that lead to the place. */
  readonly path: readonly (string | number)[];
  readonly message: string;
  /** What to do about it. */
  readonly hint?: string;
  /** Missing if the scenario did not come from text. */
  readonly position?: SourcePosition;
}

/** A scenario cannot be run. `problems` has all that is wrong, in the order of the text. */
export class ScenarioError extends SevilleError {
  override readonly name: string = "ScenarioError";
  readonly problems: readonly ScenarioProblem[];

  constructor(problems: readonly ScenarioProblem[], text: string) {
    super("ERR_SCENARIO", text, problems[0] === undefined ? undefined : formatPath(problems[0].path));
    this.problems = problems;
  }
}

/** `links.wan.from["r1:eth0"].delay`: as `--set` takes it and as JavaScript would write it. */
export function formatPath(path: readonly (string | number)[]): string {
  let text = "";
  for (const step of path) {
    if (typeof step === "number") text += `[${step}]`;
    else if (/^[A-Za-z0-9_-]+$/.test(step)) text += text === "" ? step : `.${step}`;
    else text += `[${JSON.stringify(step)}]`;
  }
  return text === "" ? "the scenario" : text;
}
