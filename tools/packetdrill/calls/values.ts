import { ScriptError, UnsupportedError } from "../language/errors.ts";
import { formatExpression, type Expression, type StructField } from "../language/expression.ts";

/** What gives the words of a script their values: constants of the operating system, and `--define`. */
export interface Vocabulary {
  readonly line: number;
  readonly constants: Readonly<Record<string, number>>;
  readonly defines: ReadonlyMap<string, Expression>;
}

/** `expression` with defined words replaced. */
export function resolve(expression: Expression, words: Vocabulary): Expression {
  if (expression.kind !== "word") return expression;
  const defined = words.defines.get(expression.name);
  return defined === undefined ? expression : resolve(defined, words);
}

export function isEllipsis(expression: Expression | undefined): boolean {
  return expression?.kind === "ellipsis";
}

/** A number: written, symbolic, or several of them with `|`. */
export function numberOf(expression: Expression, words: Vocabulary): number {
  const resolved = resolve(expression, words);
  switch (resolved.kind) {
    case "integer":
      return resolved.value;
    case "word":
      return constant(resolved.name, words);
    case "or":
      return Number(BigInt(numberOf(resolved.left, words)) | BigInt(numberOf(resolved.right, words)));
    case "apply":
      return applied(resolved.name, resolved.args, words);
    case "list": {
      const [only] = resolved.items;
      if (resolved.items.length === 1 && only !== undefined) return numberOf(only, words);
      break;
    }
    default:
  }
  throw new ScriptError(words.line, `expected a number, found ${formatExpression(expression)}`);
}

function constant(name: string, words: Vocabulary): number {
  if (name.startsWith("~")) return ~constant(name.slice(1), words);
  const value = Object.hasOwn(words.constants, name) ? words.constants[name] : undefined;
  if (value === undefined) throw new UnsupportedError(`constant ${name}`);
  return value;
}

function applied(name: string, args: readonly Expression[], words: Vocabulary): number {
  const [argument] = args;
  if (argument === undefined) throw new ScriptError(words.line, `${name} needs an argument`);
  const value = (): number => numberOf(argument, words);
  switch (name) {
    // Numbers are kept in host order everywhere, and put in order when bytes are made.
    case "htons":
    case "htonl":
    case "ntohs":
    case "ntohl":
      return value();
    default:
      throw new UnsupportedError(`function ${name}()`);
  }
}

/** The names of the flags in `MSG_DONTWAIT|MSG_MORE`; a number is taken apart by the constants that begin with `prefix`. */
export function flagsOf(expression: Expression | undefined, words: Vocabulary, prefix: string): ReadonlySet<string> {
  const names = new Set<string>();
  if (expression !== undefined) collectFlags(expression, words, prefix, names);
  return names;
}

function collectFlags(expression: Expression, words: Vocabulary, prefix: string, names: Set<string>): void {
  const resolved = resolve(expression, words);
  if (resolved.kind === "or") {
    collectFlags(resolved.left, words, prefix, names);
    collectFlags(resolved.right, words, prefix, names);
    return;
  }
  if (resolved.kind === "word") {
    constant(resolved.name, words);
    names.add(resolved.name);
    return;
  }
  let left = numberOf(resolved, words);
  for (const [name, bit] of Object.entries(words.constants)) {
    if (!name.startsWith(prefix) || bit <= 0 || (left & bit) !== bit) continue;
    names.add(name);
    left &= ~bit;
  }
  if (left !== 0) throw new UnsupportedError(`${prefix}… flags 0x${left.toString(16)}`);
}

/** A text, or the name that stands for one. */
export function textOf(expression: Expression, words: Vocabulary): string | undefined {
  const resolved = resolve(expression, words);
  if (resolved.kind === "string") return resolved.value;
  if (resolved.kind === "list" && resolved.items.length === 1) return textOf(resolved.items[0] as Expression, words);
  return undefined;
}

/** Fields of a structure by name; `undefined` if it is none. */
export function fieldsOf(expression: Expression, words: Vocabulary): ReadonlyMap<string, StructField> | undefined {
  const resolved = resolve(expression, words);
  if (resolved.kind !== "struct") return undefined;
  return new Map(resolved.fields.map((field, i) => [field.name ?? String(i), field]));
}

/** The items of a list; a lone structure is a list of one. */
export function itemsOf(expression: Expression, words: Vocabulary): readonly Expression[] {
  const resolved = resolve(expression, words);
  if (resolved.kind === "list") return resolved.items;
  if (resolved.kind === "struct") return [resolved];
  throw new ScriptError(words.line, `expected a list, found ${formatExpression(expression)}`);
}
