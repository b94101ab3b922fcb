import type { BinaryOperator, CompareOperator, Comparison, Node } from "./syntax.ts";
import type { TokenReader } from "./token-reader.ts";

/** Operators from weakest to strongest (Python's reference, "Operator precedence"), below the comparisons. */
const LEVELS: readonly (readonly BinaryOperator[])[] = [
  ["|"],
  ["^"],
  ["&"],
  ["<<", ">>"],
  ["+", "-"],
  ["*", "/", "//", "%"],
];
const COMPARE = ["==", "!=", "<", "<=", ">", ">="] as const;

/** One expression; a comma does not belong to it. */
export function parseNode(reader: TokenReader): Node {
  const then = parseOr(reader);
  if (reader.accept("if") === undefined) return then;
  const test = parseOr(reader);
  reader.expect("else");
  return { kind: "conditional", test, then, otherwise: parseNode(reader) };
}

function parseOr(reader: TokenReader): Node {
  let left = parseAnd(reader);
  while (reader.accept("or") !== undefined) left = { kind: "logical", operator: "or", left, right: parseAnd(reader) };
  return left;
}

function parseAnd(reader: TokenReader): Node {
  let left = parseNot(reader);
  while (reader.accept("and") !== undefined) left = { kind: "logical", operator: "and", left, right: parseNot(reader) };
  return left;
}

function parseNot(reader: TokenReader): Node {
  if (reader.accept("not") !== undefined) return { kind: "unary", operator: "not", operand: parseNot(reader) };
  return parseCompare(reader);
}

function parseCompare(reader: TokenReader): Node {
  const first = parseLevel(reader, 0);
  const rest: Comparison[] = [];
  for (;;) {
    const operator = parseCompareOperator(reader);
    if (operator === undefined) break;
    rest.push({ operator, right: parseLevel(reader, 0) });
  }
  return rest.length === 0 ? first : { kind: "compare", first, rest };
}

function parseCompareOperator(reader: TokenReader): CompareOperator | undefined {
  const plain = reader.accept(...COMPARE, "in", "is");
  if (plain === "is") return reader.accept("not") === undefined ? "is" : "is not";
  if (plain !== undefined) return plain as CompareOperator;
  if (reader.accept("not") === undefined) return undefined;
  reader.expect("in");
  return "not in";
}

function parseLevel(reader: TokenReader, level: number): Node {
  const operators = LEVELS[level];
  if (operators === undefined) return parseUnary(reader);
  let left = parseLevel(reader, level + 1);
  for (;;) {
    const operator = reader.accept(...operators);
    if (operator === undefined) return left;
    left = { kind: "binary", operator: operator as BinaryOperator, left, right: parseLevel(reader, level + 1) };
  }
}

function parseUnary(reader: TokenReader): Node {
  const operator = reader.accept("-", "+", "~");
  if (operator !== undefined) {
    return { kind: "unary", operator: operator as "-" | "+" | "~", operand: parseUnary(reader) };
  }
  const base = parsePostfix(reader);
  if (reader.accept("**") === undefined) return base;
  return { kind: "binary", operator: "**", left: base, right: parseUnary(reader) };
}

function parsePostfix(reader: TokenReader): Node {
  let node = parseAtom(reader);
  while (reader.accept("[") !== undefined) {
    const index = parseNode(reader);
    reader.expect("]");
    node = { kind: "index", of: node, index };
  }
  return node;
}

function parseAtom(reader: TokenReader): Node {
  const { kind, text } = reader.next;
  if (kind === "number") return literal(Number(reader.take().text));
  if (kind === "string") {
    let value = "";
    while (reader.next.kind === "string") value += unquote(reader.take().text);
    return literal(value);
  }
  if (reader.accept("(") !== undefined) return parseTuple(reader, ")");
  if (reader.accept("[") !== undefined) return tuple(parseNodes(reader, "]"));
  if (kind !== "name") throw reader.error("expected a value");
  reader.take();
  if (text === "True" || text === "False") return literal(text === "True");
  if (text === "None") return literal(null);
  if (reader.accept("(") === undefined) return { kind: "name", name: text };
  return { kind: "call", name: text, args: parseNodes(reader, ")") };
}

/** What stands in round brackets: `()` and `(a,)` are tuples, `(a)` is `a`. */
function parseTuple(reader: TokenReader, closing: string): Node {
  if (reader.accept(closing) !== undefined) return tuple([]);
  const first = parseNode(reader);
  if (reader.accept(closing) !== undefined) return first;
  reader.expect(",");
  return tuple([first, ...parseNodes(reader, closing)]);
}

/** Expressions up to `closing`, with commas between and perhaps behind them. */
export function parseNodes(reader: TokenReader, closing: string): Node[] {
  const nodes: Node[] = [];
  while (reader.accept(closing) === undefined) {
    nodes.push(parseNode(reader));
    if (!reader.sees(closing)) reader.expect(",");
  }
  return nodes;
}

function tuple(items: readonly Node[]): Node {
  return { kind: "tuple", items };
}

function literal(value: number | string | boolean | null): Node {
  return { kind: "literal", value };
}

function unquote(text: string): string {
  return text.slice(1, -1).replace(/\\(.)/g, (_, letter: string) => ({ n: "\n", t: "\t" })[letter] ?? letter);
}
