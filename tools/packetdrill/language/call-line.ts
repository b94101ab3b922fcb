import type { Cursor } from "./cursor.ts";
import { parseExpression, parseList } from "./expression.ts";
import type { CallLine } from "./script.ts";
import { microseconds } from "./time.ts";

/** What follows the time of a line with a system call: `...0.2 accept(3, ..., ...) = 4`. */
export function parseCallLine(cursor: Cursor): CallLine {
  const end = cursor.take("...") ? microseconds(cursor) : undefined;
  const [name] = cursor.expectMatch(/[A-Za-z_]\w*/y, "a packet, a system call, a command or code");
  cursor.expect("(");
  const args = parseList(cursor, ")");
  cursor.expect("=");
  const result = parseExpression(cursor);
  const errno = cursor.match(/E[A-Z0-9]+\b/y)?.[0];
  const note = cursor.match(/\(([^()]*(?:\([^()]*\)[^()]*)*)\)/y)?.[1];
  return { kind: "call", name, args, result, errno, note, end };
}
