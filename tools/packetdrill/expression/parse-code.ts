import { parseNode, parseNodes } from "./parse-expression.ts";
import type { BinaryOperator, Branch, Node, Statement } from "./syntax.ts";
import { TokenReader } from "./token-reader.ts";
import { CodeError, tokenize } from "./tokens.ts";

/** Statements of Python that scripts could have and that are not done here. */
const UNKNOWN = new Set([
  "import",
  "from",
  "def",
  "for",
  "while",
  "class",
  "return",
  "try",
  "with",
  "global",
  "del",
  "raise",
]);
const AUGMENTED = ["+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "<<=", ">>="] as const;

/**
 * Reads the code of a snippet.
 * @throws CodeError for what is not understood
 */
export function parseCode(code: string): Statement[] {
  const reader = new TokenReader(tokenize(code));
  const statements: Statement[] = [];
  while (reader.next.kind !== "end") statements.push(...parseLine(reader));
  return statements;
}

/** A logical line: simple statements with `;` between them, or an `if`. */
function parseLine(reader: TokenReader): Statement[] {
  if (reader.sees("if")) return [parseIf(reader)];
  return parseSimpleLine(reader);
}

function parseSimpleLine(reader: TokenReader): Statement[] {
  const statements: Statement[] = [];
  do {
    if (reader.next.kind === "newline") break;
    statements.push(parseSimple(reader));
  } while (reader.accept(";") !== undefined);
  if (reader.next.kind !== "newline") throw reader.error("expected the end of the statement");
  reader.take();
  return statements;
}

function parseIf(reader: TokenReader): Statement {
  const { line, indent } = reader.next;
  const branches: Branch[] = [];
  let otherwise: Statement[] = [];
  reader.take();
  const test = parseNode(reader);
  branches.push({ test, body: parseBlock(reader, indent) });
  while (reader.next.indent === indent && reader.sees("elif")) {
    reader.take();
    const condition = parseNode(reader);
    branches.push({ test: condition, body: parseBlock(reader, indent) });
  }
  if (reader.next.indent === indent && reader.accept("else") !== undefined) otherwise = parseBlock(reader, indent);
  return { kind: "if", line, branches, otherwise };
}

function parseBlock(reader: TokenReader, indent: number): Statement[] {
  reader.expect(":");
  if (!reader.is("newline")) return parseSimpleLine(reader);
  reader.take();
  const body: Statement[] = [];
  while (!reader.is("end") && reader.next.indent > indent) body.push(...parseLine(reader));
  if (body.length === 0) throw reader.error("expected an indented block");
  return body;
}

function parseSimple(reader: TokenReader): Statement {
  const { line, text, kind } = reader.next;
  if (kind === "name" && UNKNOWN.has(text)) throw new CodeError(line, `the statement ${text} is not understood`);
  if (reader.accept("assert") !== undefined) return parseAssert(reader, line);
  if (reader.accept("print") !== undefined) return { kind: "print", line, values: printed(reader) };
  if (reader.accept("pass") !== undefined) return { kind: "pass", line };
  const target = parseNode(reader);
  const augmented = reader.accept(...AUGMENTED);
  if (augmented === undefined && reader.accept("=") === undefined) return { kind: "expression", line, value: target };
  if (target.kind !== "name") throw new CodeError(line, "only a name can be assigned to");
  const operator = augmented?.slice(0, -1) as BinaryOperator | undefined;
  return { kind: "assign", line, name: target.name, operator, value: parseNode(reader) };
}

function parseAssert(reader: TokenReader, line: number): Statement {
  const words: string[] = [];
  const test = remember(reader, words);
  const message = reader.accept(",") === undefined ? undefined : parseNode(reader);
  return { kind: "assert", line, test, message, text: words.join(" ") };
}

/** Reads an expression and notes its words, to show them when it is false. */
function remember(reader: TokenReader, words: string[]): Node {
  const begin = reader.mark();
  const node = parseNode(reader);
  words.push(...reader.since(begin));
  return node;
}

/** `print a, b` and `print(a, b)`. */
function printed(reader: TokenReader): Node[] {
  const nodes: Node[] = [];
  if (reader.accept("(") !== undefined) {
    nodes.push(...parseNodes(reader, ")"));
    if (reader.accept("%") !== undefined) {
      const [format] = nodes;
      if (format === undefined) throw reader.error("expected a format");
      return [{ kind: "binary", operator: "%", left: format, right: parseNode(reader) }];
    }
    return nodes;
  }
  while (reader.next.kind !== "newline" && reader.next.kind !== "end" && !reader.sees(";")) {
    nodes.push(parseNode(reader));
    if (reader.accept(",") === undefined) break;
  }
  return nodes;
}
