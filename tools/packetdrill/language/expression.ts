import type { Cursor } from "./cursor.ts";

/** An argument or a result of a system call. */
export type Expression =
  | { readonly kind: "ellipsis" }
  | { readonly kind: "integer"; readonly value: number; readonly text: string }
  | { readonly kind: "word"; readonly name: string }
  /** `open`: `"abc"...`, a prefix. */
  | { readonly kind: "string"; readonly value: string; readonly open: boolean }
  | { readonly kind: "or"; readonly left: Expression; readonly right: Expression }
  | { readonly kind: "list"; readonly items: readonly Expression[] }
  /** `htons(80)`, `inet_addr("192.0.2.1")`. */
  | { readonly kind: "apply"; readonly name: string; readonly args: readonly Expression[] }
  | { readonly kind: "struct"; readonly fields: readonly StructField[] };

export interface StructField {
  /** `undefined`: by position, as in `{..., 40}`. */
  readonly name: string | undefined;
  /** `msg_iov(2)=…`: how many. */
  readonly count: Expression | undefined;
  readonly value: Expression;
}

/** One expression, with `|` between its parts. */
export function parseExpression(cursor: Cursor): Expression {
  let left = parsePrimary(cursor);
  while (cursor.sees(/\|(?!\|)/y)) {
    cursor.expect("|");
    left = { kind: "or", left, right: parsePrimary(cursor) };
  }
  return left;
}

/** Expressions up to `closing`, which is taken. */
export function parseList(cursor: Cursor, closing: string): Expression[] {
  const items: Expression[] = [];
  if (cursor.take(closing)) return items;
  do items.push(parseExpression(cursor));
  while (cursor.take(","));
  cursor.expect(closing);
  return items;
}

function parsePrimary(cursor: Cursor): Expression {
  if (cursor.take("...")) return { kind: "ellipsis" };
  if (cursor.take("[")) return { kind: "list", items: parseList(cursor, "]") };
  if (cursor.take("{")) return { kind: "struct", fields: parseFields(cursor) };
  if (cursor.take("(")) {
    const inner = parseExpression(cursor);
    cursor.expect(")");
    return inner;
  }
  const string = cursor.match(/"((?:\\.|[^"\\])*)"/y);
  if (string !== undefined) return { kind: "string", value: unescape(string[1] as string), open: cursor.take("...") };
  const number = cursor.match(/-?(?:0x[0-9a-fA-F]+|\d+)(?![\w.]*[A-Za-z_])/y);
  if (number !== undefined) return integer(number[0]);
  const word = cursor.match(/~?[A-Za-z_]\w*/y);
  if (word === undefined) throw cursor.error("expected an argument");
  const name = word[0];
  if (!cursor.take("(")) return { kind: "word", name };
  return { kind: "apply", name, args: parseList(cursor, ")") };
}

function integer(text: string): Expression {
  const negative = text.startsWith("-");
  const value = Number(negative ? text.slice(1) : text);
  return { kind: "integer", value: negative ? -value : value, text };
}

function parseFields(cursor: Cursor): StructField[] {
  const fields: StructField[] = [];
  if (cursor.take("}")) return fields;
  do fields.push(parseField(cursor));
  while (cursor.take(","));
  cursor.expect("}");
  return fields;
}

function parseField(cursor: Cursor): StructField {
  const named = cursor.sees(/[a-z_]\w*\s*(?:\([^()]*\)\s*)?=(?!=)/y);
  if (!named) return { name: undefined, count: undefined, value: parseExpression(cursor) };
  const [name] = cursor.expectMatch(/[a-z_]\w*/y, "a field");
  let count: Expression | undefined;
  if (cursor.take("(")) {
    count = parseExpression(cursor);
    cursor.expect(")");
  }
  cursor.expect("=");
  return { name, count, value: parseExpression(cursor) };
}

function unescape(text: string): string {
  return text.replace(/\\(x[0-9a-fA-F]{1,2}|[0-7]{1,3}|.)/g, (_, escape: string) => {
    if (escape.startsWith("x")) return String.fromCharCode(Number.parseInt(escape.slice(1), 16));
    if (/^[0-7]/.test(escape)) return String.fromCharCode(Number.parseInt(escape, 8));
    return { n: "\n", t: "\t", r: "\r" }[escape] ?? escape;
  });
}

/** An expression in the notation in which it was written. */
export function formatExpression(expression: Expression): string {
  switch (expression.kind) {
    case "ellipsis":
      return "...";
    case "integer":
      return expression.text;
    case "word":
      return expression.name;
    case "string":
      return `${JSON.stringify(expression.value)}${expression.open ? "..." : ""}`;
    case "or":
      return `${formatExpression(expression.left)}|${formatExpression(expression.right)}`;
    case "list":
      return `[${expression.items.map(formatExpression).join(", ")}]`;
    case "apply":
      return `${expression.name}(${expression.args.map(formatExpression).join(", ")})`;
    case "struct":
      return `{${expression.fields.map(formatField).join(", ")}}`;
  }
}

function formatField({ name, count, value }: StructField): string {
  if (name === undefined) return formatExpression(value);
  return `${name}${count === undefined ? "" : `(${formatExpression(count)})`}=${formatExpression(value)}`;
}
