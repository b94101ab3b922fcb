import { binary, evaluate, EvaluationError, truth, type Lookup } from "./evaluate.ts";
import { formatValue } from "./format.ts";
import type { Node, Statement, Value } from "./syntax.ts";

/** An assertion was false, or its evaluation failed. */
export class CodeFailure extends Error {
  override readonly name: string = "CodeFailure";
  /** Line within the snippet, from 0. */
  readonly line: number;
  /** Values of the names in the assertion: `tcpi_snd_cwnd=10`. */
  readonly values: string;

  constructor(line: number, message: string, values: string) {
    super(message);
    this.line = line;
    this.values = values;
  }
}

/** What lasts from snippet to snippet of a script, and what they print. */
export interface CodeEnvironment {
  readonly variables: Map<string, Value>;
  /** Names that the world gives: fields of `tcp_info`, constants. */
  readonly lookup: Lookup;
  readonly print: (text: string) => void;
}

/**
 * Runs the statements of a snippet.
 * @throws CodeFailure if an assertion is false
 */
export function runCode(statements: readonly Statement[], environment: CodeEnvironment): void {
  const lookup: Lookup = (name) => environment.variables.get(name) ?? environment.lookup(name);
  for (const statement of statements) {
    try {
      runStatement(statement, environment, lookup);
    } catch (error) {
      if (!(error instanceof EvaluationError) && !(error instanceof RangeError)) throw error;
      throw new CodeFailure(statement.line, error.message, "");
    }
  }
}

function runStatement(statement: Statement, environment: CodeEnvironment, lookup: Lookup): void {
  switch (statement.kind) {
    case "pass":
      return;
    case "expression":
      evaluate(statement.value, lookup);
      return;
    case "print":
      environment.print(statement.values.map((value) => formatValue(evaluate(value, lookup))).join(" "));
      return;
    case "assign": {
      const value = evaluate(statement.value, lookup);
      const { name, operator } = statement;
      const before = operator === undefined ? undefined : evaluate({ kind: "name", name }, lookup);
      environment.variables.set(
        name,
        operator === undefined || before === undefined ? value : binary(operator, before, value),
      );
      return;
    }
    case "if": {
      const branch = statement.branches.find(({ test }) => truth(evaluate(test, lookup)));
      runCode(branch === undefined ? statement.otherwise : branch.body, environment);
      return;
    }
    case "assert": {
      if (truth(evaluate(statement.test, lookup))) return;
      const said = statement.message === undefined ? "" : `: ${formatValue(evaluate(statement.message, lookup))}`;
      throw new CodeFailure(statement.line, `assert ${statement.text} failed${said}`, describe(statement.test, lookup));
    }
  }
}

/** The values of the names in an expression. */
function describe(node: Node, lookup: Lookup): string {
  const names = new Set<string>();
  collect(node, names);
  return [...names]
    .map((name) => {
      const value = lookup(name);
      return `${name}=${value === undefined ? "?" : formatValue(value)}`;
    })
    .join(" ");
}

function collect(node: Node, names: Set<string>): void {
  if (node.kind === "name") {
    names.add(node.name);
    return;
  }
  for (const value of Object.values(node) as unknown[]) {
    for (const part of Array.isArray(value) ? (value as unknown[]) : [value]) {
      if (typeof part !== "object" || part === null) continue;
      if ("kind" in part) collect(part as Node, names);
      else if ("right" in part) collect(part.right as Node, names);
    }
  }
}
