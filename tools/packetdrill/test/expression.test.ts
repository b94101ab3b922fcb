import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { evaluate, EvaluationError } from "../expression/evaluate.ts";
import { parseCode } from "../expression/parse-code.ts";
import { CodeFailure, runCode } from "../expression/run-code.ts";
import type { Value } from "../expression/syntax.ts";
import { CodeError } from "../expression/tokens.ts";

/** The value of the expression `code`. */
function value(code: string, names: Record<string, Value> = {}): Value {
  const [statement] = parseCode(code);
  if (statement?.kind !== "expression") throw new Error(`not an expression: ${code}`);
  return evaluate(statement.value, (name) => names[name]);
}

function run(code: string, names: Record<string, Value> = {}): { printed: string[]; variables: Map<string, Value> } {
  const printed: string[] = [];
  const variables = new Map<string, Value>();
  runCode(parseCode(code), { variables, lookup: (name) => names[name], print: (text) => printed.push(text) });
  return { printed, variables };
}

function failure(code: string, names: Record<string, Value> = {}): CodeFailure {
  try {
    run(code, names);
  } catch (error) {
    if (error instanceof CodeFailure) return error;
    throw error;
  }
  throw new Error("it passed");
}

describe("expressions are Python's", () => {
  test.each<[string, Value]>([
    ["1 + 2 * 3", 7],
    ["(1 + 2) * 3", 9],
    ["7 // 2", 3],
    ["-7 // 2", -4],
    ["7 / 2", 3],
    ["7.5 / 2", 3.75],
    ["-7 % 3", 2],
    ["2 ** 10", 1024],
    ["-2 ** 2", -4],
    ["0x10 | 1", 17],
    ["6 & 3", 2],
    ["6 ^ 3", 5],
    ["~5", -6],
    ["1 << 33", 8_589_934_592],
    ["4294967296 >> 32", 1],
    ["4294967295 & 4294901760", 4_294_901_760],
    ["1 < 2 < 3", true],
    ["1 < 3 < 2", false],
    ["1 == 1.0", true],
    ["True == 1", true],
    ["not 0", true],
    ["not 1 == 2", true],
    ["1 and 0 or 5", 5],
    ["0 and nobody", 0],
    ["1 or nobody", 1],
    ["3 if 0 else 4", 4],
    ["2 in (1, 2)", true],
    ["2 not in [1, 2]", false],
    ["'a' in 'cat'", true],
    ["'a' 'b'", "ab"],
    ["(1, 2) == (1, 2)", true],
    ["(1, 2)[1]", 2],
    ["[4, 5][-1]", 5],
    ["abs(-3)", 3],
    ["max(1, 5, 2)", 5],
    ["min([4, 2])", 2],
    ["sum((1, 2, 3))", 6],
    ["len('abc')", 3],
    ["int(3.7)", 3],
    ["str(5) + 'x'", "5x"],
    ["hex(255)", "0xff"],
    ["None is None", true],
    ["'cwnd=%d' % 10", "cwnd=10"],
    ["'%5.2f|%-4d|%04x|%s%%' % (1.005, 7, 255, 'z')", " 1.00|7   |00ff|z%"],
    ["", 0],
  ])("%s", (code, expected) => {
    if (code === "") expect(parseCode("")).toEqual([]);
    else expect(value(code)).toEqual(expected);
  });

  test("names get their values from outside; an unknown one is an error", () => {
    expect(value("tcpi_snd_cwnd == 10", { tcpi_snd_cwnd: 10 })).toBe(true);
    expect(() => value("nobody")).toThrow(EvaluationError);
    expect(() => value("nobody(1)")).toThrow("name 'nobody' is not defined");
  });

  test("arithmetic agrees with a slow model", () => {
    const operators = ["+", "-", "*", "&", "|", "^", "==", "!=", "<", "<=", ">", ">="] as const;
    const model = (a: bigint, operator: (typeof operators)[number], b: bigint): Value => {
      switch (operator) {
        case "+":
          return Number(a + b);
        case "-":
          return Number(a - b);
        case "*":
          return Number(a * b);
        case "&":
          return Number(a & b);
        case "|":
          return Number(a | b);
        case "^":
          return Number(a ^ b);
        case "==":
          return a === b;
        case "!=":
          return a !== b;
        case "<":
          return a < b;
        case "<=":
          return a <= b;
        case ">":
          return a > b;
        case ">=":
          return a >= b;
      }
    };
    const number = fc.integer({ min: -(2 ** 26), max: 2 ** 26 });
    fc.assert(
      fc.property(number, fc.constantFrom(...operators), number, (a, operator, b) => {
        expect(value(`a ${operator} b`, { a, b })).toBe(model(BigInt(a), operator, BigInt(b)));
      }),
    );
  });
});

describe("statements", () => {
  test("assignments, also augmented, last", () => {
    expect(run("x = 3\nx += 4; y = x * 2").variables).toEqual(
      new Map([
        ["x", 7],
        ["y", 14],
      ]),
    );
  });

  test("print, with and without brackets", () => {
    expect(run("print 1, 'a'\nprint(2)\nprint('n=%d' % 3)\nprint").printed).toEqual(["1 a", "2", "n=3", ""]);
  });

  test("if, elif, else", () => {
    const code =
      "if x == 1:\n    print 'one'\nelif x == 2:\n    print 'two'\n    y = 2\nelse:\n    print 'many'\nprint 'end'";
    expect(run(code, { x: 1 }).printed).toEqual(["one", "end"]);
    expect(run(code, { x: 2 }).printed).toEqual(["two", "end"]);
    expect(run(code, { x: 3 }).printed).toEqual(["many", "end"]);
    expect(run("if x: print 'yes'", { x: 1 }).printed).toEqual(["yes"]);
  });

  test("comments, empty lines, continued lines", () => {
    expect(run("# nothing\n\nassert (1 ==\n  1) # here\nassert 2 == \\\n 2\n").printed).toEqual([]);
  });

  test("an assertion that is false says which, what it said, and what its names are", () => {
    const error = failure("assert a == 1\nassert a == b, 'a=%d' % a", { a: 1, b: 2 });
    expect(error).toMatchObject({ line: 1, message: "assert a == b failed: a=1", values: "a=1 b=2" });
  });

  test.each([
    ["assert nobody == 1", "name 'nobody' is not defined"],
    ["assert 1 / 0", "division by zero"],
    ["assert '%d %d' % 1", "not enough values for the format"],
    ["assert '%d' % (1, 2)", "more values than the format has places"],
    ["assert 1 + 'a'", "+ needs a number; received a"],
  ])("%s fails as in Python", (code, message) => {
    expect(failure(code).message).toBe(message);
  });

  test.each([
    "import os",
    "for x in y:",
    "def f():",
    "x = = 1",
    "assert",
    "a b",
    "(1",
    "x[1",
    "1 = 2",
    "$",
    "if x\n",
    "if x:\n",
  ])("%j is not understood", (code) => {
    expect(() => parseCode(code)).toThrow(CodeError);
  });
});
