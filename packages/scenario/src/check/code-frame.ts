import { formatPath, type ScenarioProblem, type SourcePosition } from "./problem.ts";

export interface FormatOptions {
  /** What stands before `:line:column`. */
  readonly file?: string;
  /** The text of the file, for the code frame. */
  readonly source?: string;
  /** Paints a part of the output; the command line passes colours. */
  readonly paint?: (text: string, as: "error" | "warning" | "place" | "frame" | "mark" | "hint") => string;
}

/** Problems for people: `file:line:column`, what is wrong, the lines around it with a mark, and what to do. */
export function formatProblems(problems: readonly ScenarioProblem[], options: FormatOptions = {}): string {
  return problems.map((problem) => formatProblem(problem, options)).join("\n\n");
}

function formatProblem(problem: ScenarioProblem, options: FormatOptions): string {
  const paint = options.paint ?? ((text: string) => text);
  const { position } = problem;
  const file = options.file ?? "scenario";
  const place = position === undefined ? formatPath(problem.path) : `${file}:${position.line}:${position.column}`;
  const lines = [`${paint(place, "place")}: ${paint(problem.severity, problem.severity)}: ${problem.message}`];
  if (position !== undefined && options.source !== undefined) {
    lines.push(...frame(options.source, position, (text, as) => paint(text, as)));
  }
  if (problem.hint !== undefined) lines.push(paint(`  ${problem.hint}`, "hint"));
  return lines.join("\n");
}

/** The line at fault between its neighbours, with carets under what is meant. */
function frame(
  source: string,
  position: SourcePosition,
  paint: (text: string, as: "frame" | "mark") => string,
): string[] {
  const lines = source.split(/\r?\n/);
  const first = Math.max(1, position.line - 1);
  const last = Math.min(lines.length, position.line + 1);
  const width = String(last).length;
  const out: string[] = [];
  for (let number = first; number <= last; number++) {
    const text = clip(lines[number - 1] ?? "");
    const here = number === position.line;
    out.push(paint(`${here ? ">" : " "} ${String(number).padStart(width)} | ${text}`.trimEnd(), "frame"));
    if (!here) continue;
    const before = text.slice(0, position.column - 1).replace(/[^\t]/g, " ");
    const room = Math.max(1, text.length - before.length);
    const carets = "^".repeat(Math.min(room, Math.max(1, position.length)));
    if (before.length < MAX_WIDTH) out.push(`  ${" ".repeat(width)} | ${before}${paint(carets, "mark")}`);
  }
  return out;
}

const MAX_WIDTH = 160;

function clip(line: string): string {
  return line.length <= MAX_WIDTH ? line : `${line.slice(0, MAX_WIDTH - 1)}…`;
}
