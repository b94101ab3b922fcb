import { formatString, formatValue } from "./format.ts";
import type { BinaryOperator, CompareOperator, Node, Value } from "./syntax.ts";

/** Where names get their values. `undefined`: nobody knows the name. */
export type Lookup = (name: string) => Value | undefined;

/** Something that Python would raise: an unknown name, an operator that does not fit its operands. */
export class EvaluationError extends Error {
  override readonly name: string = "EvaluationError";
}

/** The value of an expression. */
export function evaluate(node: Node, lookup: Lookup): Value {
  switch (node.kind) {
    case "literal":
      return node.value;
    case "name": {
      const value = lookup(node.name);
      if (value === undefined) throw new EvaluationError(`name '${node.name}' is not defined`);
      return value;
    }
    case "unary":
      return unary(node.operator, evaluate(node.operand, lookup));
    case "binary":
      return binary(node.operator, evaluate(node.left, lookup), evaluate(node.right, lookup));
    case "logical": {
      const left = evaluate(node.left, lookup);
      return truth(left) === (node.operator === "and") ? evaluate(node.right, lookup) : left;
    }
    case "compare": {
      let left = evaluate(node.first, lookup);
      for (const { operator, right: operand } of node.rest) {
        const right = evaluate(operand, lookup);
        if (!compare(operator, left, right)) return false;
        left = right;
      }
      return true;
    }
    case "conditional":
      return evaluate(truth(evaluate(node.test, lookup)) ? node.then : node.otherwise, lookup);
    case "tuple":
      return node.items.map((item) => evaluate(item, lookup));
    case "index":
      return index(evaluate(node.of, lookup), evaluate(node.index, lookup));
    case "call":
      return call(
        node.name,
        node.args.map((argument) => evaluate(argument, lookup)),
      );
  }
}

/** What Python holds to be true. */
export function truth(value: Value): boolean {
  if (Array.isArray(value)) return value.length > 0;
  return value !== 0 && value !== "" && value !== null && value !== false;
}

function unary(operator: "-" | "+" | "~" | "not", value: Value): Value {
  if (operator === "not") return !truth(value);
  const number = asNumber(value, operator);
  if (operator === "~") return -number - 1;
  return operator === "-" ? -number : number;
}

/** Arithmetic of Python's whole numbers and floats; whole numbers go through BigInt where 32 bits would not do. */
export function binary(operator: BinaryOperator, left: Value, right: Value): Value {
  if (operator === "%" && typeof left === "string") return formatString(left, right);
  if (operator === "+" && typeof left === "string" && typeof right === "string") return left + right;
  if (operator === "+" && Array.isArray(left) && Array.isArray(right))
    return [...(left as Value[]), ...(right as Value[])];
  const a = asNumber(left, operator);
  const b = asNumber(right, operator);
  switch (operator) {
    case "+":
      return a + b;
    case "-":
      return a - b;
    case "*":
      return a * b;
    case "**":
      return power(a, b);
    case "/":
    case "//":
    case "%":
      return divide(operator, a, b);
    case "&":
      return Number(BigInt(a) & BigInt(b));
    case "|":
      return Number(BigInt(a) | BigInt(b));
    case "^":
      return Number(BigInt(a) ^ BigInt(b));
    case "<<":
      return Number(BigInt(a) << BigInt(b));
    case ">>":
      return Number(BigInt(a) >> BigInt(b));
  }
}

/** Scripts were written for Python 2, where `/` of whole numbers rounds down (a float of a whole value counts as whole here). */
function divide(operator: "/" | "//" | "%", a: number, b: number): number {
  if (b === 0) throw new EvaluationError("division by zero");
  if (operator === "%") return ((a % b) + b) % b;
  const whole = Number.isInteger(a) && Number.isInteger(b);
  return operator === "//" || whole ? Math.floor(a / b) : a / b;
}

function power(base: number, exponent: number): number {
  if (!Number.isInteger(exponent) || exponent < 0) throw new EvaluationError("** takes whole exponents from 0");
  return base ** exponent;
}

function compare(operator: CompareOperator, left: Value, right: Value): boolean {
  switch (operator) {
    case "==":
    case "is":
      return same(left, right);
    case "!=":
    case "is not":
      return !same(left, right);
    case "in":
      return contains(right, left);
    case "not in":
      return !contains(right, left);
    default:
      return order(operator, left, right);
  }
}

function order(operator: "<" | "<=" | ">" | ">=", left: Value, right: Value): boolean {
  const both = typeof left === "string" && typeof right === "string";
  const a = both ? left : asNumber(left, operator);
  const b = both ? right : asNumber(right, operator);
  if (operator === "<") return a < b;
  if (operator === "<=") return a <= b;
  return operator === ">" ? a > b : a >= b;
}

function same(left: Value, right: Value): boolean {
  if (Array.isArray(left) && Array.isArray(right)) {
    return left.length === right.length && left.every((item, i) => same(item as Value, right[i] as Value));
  }
  if (typeof left === "boolean" || typeof right === "boolean") return number(left) === number(right);
  return left === right;
}

function contains(container: Value, item: Value): boolean {
  if (typeof container === "string") return typeof item === "string" && container.includes(item);
  if (!Array.isArray(container)) throw new EvaluationError("in needs a sequence on its right");
  return container.some((other) => same(other as Value, item));
}

function index(of: Value, at: Value): Value {
  const position = asNumber(at, "[]");
  if (typeof of !== "string" && !Array.isArray(of)) throw new EvaluationError("only sequences have an index");
  const item = of.at(position) as Value | undefined;
  if (item === undefined) throw new EvaluationError("index out of range");
  return item;
}

const FUNCTIONS: Readonly<Record<string, (args: readonly Value[]) => Value>> = {
  abs: ([value = 0]) => Math.abs(asNumber(value, "abs")),
  int: ([value = 0]) => Math.trunc(typeof value === "string" ? Number(value) : asNumber(value, "int")),
  float: ([value = 0]) => asNumber(value, "float"),
  round: ([value = 0]) => Math.round(asNumber(value, "round")),
  bool: ([value = false]) => truth(value),
  str: ([value = ""]) => formatValue(value),
  repr: ([value = ""]) => formatValue(value),
  hex: ([value = 0]) => `0x${asNumber(value, "hex").toString(16)}`,
  len: ([value = ""]) => (typeof value === "string" || Array.isArray(value) ? value.length : 0),
  min: (args) => Math.min(...spread(args).map((value) => asNumber(value, "min"))),
  max: (args) => Math.max(...spread(args).map((value) => asNumber(value, "max"))),
  sum: (args) => spread(args).reduce<number>((total, value) => total + asNumber(value, "sum"), 0),
};

function spread(args: readonly Value[]): readonly Value[] {
  const [only] = args;
  return args.length === 1 && Array.isArray(only) ? (only as readonly Value[]) : args;
}

function call(name: string, args: readonly Value[]): Value {
  const run = Object.hasOwn(FUNCTIONS, name) ? FUNCTIONS[name] : undefined;
  if (run === undefined) throw new EvaluationError(`name '${name}' is not defined`);
  return run(args);
}

function number(value: Value): Value {
  return typeof value === "boolean" ? Number(value) : value;
}

function asNumber(value: Value, where: string): number {
  const plain = number(value);
  if (typeof plain !== "number") throw new EvaluationError(`${where} needs a number; received ${formatValue(value)}`);
  return plain;
}
