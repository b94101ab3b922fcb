import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument, type Document, type Node, type Pair } from "yaml";
import type { ScenarioProblem, SourcePosition } from "./problem.ts";

/** A parsed text: its value, what is wrong with it as YAML, and where each part of the value stands. */
export interface ParsedYaml {
  readonly value: unknown;
  readonly problems: readonly ScenarioProblem[];
  /** Where the value at `path` stands (`key`: where its key stands). The nearest place above, if it is not there. */
  locate(path: readonly (string | number)[], what?: "key" | "value"): SourcePosition;
}

/** An anchor may be used this often in all: scenario files come from strangers. */
const MAX_ALIASES = 1000;
const MAX_PROBLEMS = 20;

/** Reads YAML 1.2 (JSON is YAML). Never throws. */
export function parseYaml(text: string): ParsedYaml {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, logLevel: "error" });
  const at = (start: number, end: number): SourcePosition => {
    const { line, col } = lines.linePos(start);
    return { line: Math.max(1, line), column: Math.max(1, col), offset: start, length: Math.max(1, end - start) };
  };
  const problems = document.errors.slice(0, MAX_PROBLEMS).map((error): ScenarioProblem => {
    const message = error.code === "DUPLICATE_KEY" ? "this key is there already: names are unique" : error.message;
    return { severity: "error", path: [], message, position: at(error.pos[0], error.pos[1]) };
  });
  let value: unknown;
  try {
    value = problems.length === 0 ? document.toJS({ maxAliasCount: MAX_ALIASES }) : undefined;
  } catch (error) {
    problems.push({ severity: "error", path: [], message: (error as Error).message, position: at(0, 0) });
  }
  return {
    value,
    problems,
    locate(path, what = "value") {
      const range = find(document, path, what);
      return range === undefined ? at(0, 0) : at(range[0], firstLineEnd(text, range));
    },
  };
}

type Range = readonly [start: number, end: number];

function find(document: Document, path: readonly (string | number)[], what: "key" | "value"): Range | undefined {
  let node: unknown = document.contents;
  let range = rangeOf(node);
  for (const [depth, step] of path.entries()) {
    node = isAlias(node) ? node.resolve(document) : node;
    if (isMap(node)) {
      const pair = node.items.find((item) => keyOf(item) === String(step));
      if (pair === undefined) return range;
      node = pair.value;
      const isLast = depth === path.length - 1;
      range = (isLast && what === "key") || node === null ? rangeOf(pair.key) : (rangeOf(node) ?? rangeOf(pair.key));
    } else if (isSeq(node)) {
      node = node.items[Number(step)];
      range = rangeOf(node) ?? range;
    } else return range;
  }
  return range;
}

function keyOf(pair: Pair): string | undefined {
  return isScalar(pair.key) ? String(pair.key.value) : undefined;
}

function rangeOf(node: unknown): Range | undefined {
  const range = (node as Node | null | undefined)?.range;
  return range === null || range === undefined ? undefined : [range[0], range[1]];
}

/** A mark under many lines helps nobody: it ends with the first. */
function firstLineEnd(text: string, [start, end]: Range): number {
  const newline = text.indexOf("\n", start);
  return newline < 0 || newline > end ? end : newline;
}
