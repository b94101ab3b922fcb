import { describe, expect, test } from "vitest";
import {
  defineScenario,
  formatProblems,
  parseScenario,
  ScenarioError,
  validateScenario,
  type Scenario,
  type ScenarioProblem,
} from "@seville/scenario";
import { ADDED, NETWORK, WARNINGS, WHOLE_FILES, type MistakeCase } from "./validation-cases.ts";

function place({ position }: ScenarioProblem): string {
  return position === undefined ? "nowhere" : `${position.line}:${position.column}`;
}

function expectProblem(
  problems: readonly ScenarioProblem[],
  expected: MistakeCase,
  severity: "error" | "warning",
): void {
  const found = problems.filter((problem) => problem.severity === severity && expected.says.test(problem.message));
  expect(found.map(place), JSON.stringify(problems, null, 1)).toContain(expected.at);
  if (expected.hint !== undefined) expect(found.map(({ hint }) => hint ?? "").join()).toMatch(expected.hint);
}

describe("V1: every mistake is found, at its place", () => {
  test.each(WHOLE_FILES)("$name", (mistake) => {
    const { scenario, problems } = parseScenario(mistake.text);
    expect(scenario).toBeUndefined();
    expectProblem(problems, mistake, "error");
  });

  test.each(ADDED)("$name", (mistake) => {
    const { scenario, problems } = parseScenario(NETWORK + mistake.text);
    expect(scenario).toBeUndefined();
    expectProblem(problems, mistake, "error");
  });

  test.each(WARNINGS)("warns of $name", (mistake) => {
    const { scenario, problems } = parseScenario(NETWORK + mistake.text);
    expect(scenario).toBeDefined();
    expectProblem(problems, mistake, "warning");
  });

  test("what is right has no problem", () => {
    expect(parseScenario(NETWORK)).toMatchObject({ problems: [], scenario: { name: "case" } });
  });
});

describe("V2: all mistakes at once, in the order of the text", () => {
  const text = "name: a\nduration: 5\nseed: x\nhosts:\n  a: { kind: roter, intefaces: {} }\n";

  test("one finding for each", () => {
    const { problems } = parseScenario(text);
    expect(problems.map(place)).toEqual(["2:11", "3:7", "5:14", "5:21"]);
  });

  test("an alternative that was not meant is not reported", () => {
    const { problems } = parseScenario(
      `${NETWORK}  x: { between: [a:b, c:d], loss: 1, queue: { fifo: { limit: 3 } } }\n`,
    );
    expect(problems.map(({ message }) => message)).toEqual([
      "must be a percentage from 0% to 100%, such as 1%, or a map with random, state, gemodel, frames; received 1",
      "must be a queue limit in packets or bytes, such as 100p or 64kb; received 3",
    ]);
  });
});

describe("V3: an error reads as file:line:column with the lines around it", () => {
  test("a frame, a mark, and what to do", () => {
    const source = "name: a\nhosts:\n  a: { kind: roter }\nseed: 1\n";
    const { problems } = parseScenario(source);
    expect(formatProblems(problems, { file: "net.yaml", source })).toBe(
      [
        'net.yaml:3:14: error: must be one of host, router; received "roter"',
        "  2 | hosts:",
        "> 3 |   a: { kind: roter }",
        "    |              ^^^^^",
        "  4 | seed: 1",
        "  did you mean router?",
      ].join("\n"),
    );
  });

  test("tabs keep the mark in place, and a line without end is cut", () => {
    const source = `name: a\nhosts: {a: {\tkind: x}} # ${"y".repeat(300)}\n`;
    const text = formatProblems(parseScenario(source).problems, { file: "f", source });
    expect(text).toContain("\t      ^");
    expect(Math.max(...text.split("\n").map((line) => line.length))).toBeLessThan(180);
  });

  test("Windows line ends do not move it", () => {
    expect(parseScenario("name: a\r\nseed: x\r\nhosts: { a: {} }\r\n").problems.map(place)).toEqual(["2:7"]);
  });

  test("without text the path says where", () => {
    const { problems } = validateScenario({ name: "a", hosts: { a: { interfaces: { "e.1": { mtu: "x" } } } } });
    expect(formatProblems(problems)).toMatch(/^hosts\.a\.interfaces\["e\.1"\]\.mtu: error: must be a whole number/);
  });
});

describe("V4: files from strangers", () => {
  test("an alias bomb is refused", () => {
    const levels = Array.from({ length: 12 }, (_, i) => `l${i + 1}: &l${i + 1} [${`*l${i},`.repeat(9)}]`);
    const { scenario, problems } = parseScenario(`l0: &l0 [1,1]\n${levels.join("\n")}\n`);
    expect(scenario).toBeUndefined();
    expect(problems[0]?.message).toMatch(/alias/i);
  });

  test("__proto__ is a key like any other unknown one", () => {
    const { problems } = parseScenario(`${NETWORK}__proto__: { polluted: true }\n`);
    expect(problems.map(({ message }) => message)).toEqual(["unknown key __proto__"]);
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });

  test("bytes of all kinds never make it throw", () => {
    for (const text of [
      "\0",
      "%YAML 9\n---\n",
      "? {a: b}\n: c\n",
      "!!js/function x",
      "--- a\n--- b\n",
      "&a [*a]",
      "\u{1f600}: 1",
    ]) {
      expect(parseScenario(text).scenario).toBeUndefined();
    }
  });
});

describe("V5: the typed API", () => {
  const scenario: Scenario = {
    name: "typed",
    hosts: {
      a: { interfaces: { eth0: { addresses: ["10.0.0.1/24"] } } },
      b: { interfaces: { eth0: { addresses: ["10.0.0.2/24"] } } },
    },
    links: { l: { between: ["a:eth0", "b:eth0"], rate: "1mbit", loss: { gemodel: { p: "1%" } }, queue: "fq_codel" } },
    traffic: { p: { ping: { from: "a", to: "b" } } },
    timeline: [{ at: "1s", down: "l" }],
  };

  test("gives the scenario back, unchanged", () => {
    expect(defineScenario(scenario)).toBe(scenario);
  });

  test("throws one error with every mistake", () => {
    const wrong: Scenario = {
      ...scenario,
      timeline: [
        { at: "1s", down: "x" },
        { at: "2s", start: "y" },
      ],
    };
    expect(() => defineScenario(wrong)).toThrow(ScenarioError);
    try {
      defineScenario(wrong);
    } catch (error) {
      expect((error as ScenarioError).problems).toHaveLength(2);
      expect((error as ScenarioError).code).toBe("ERR_SCENARIO");
      expect((error as ScenarioError).argument).toBe("timeline[0].down");
    }
  });

  test("the types refuse what the schema refuses", () => {
    // @ts-expect-error a rate needs its unit
    const rate: Scenario = { ...scenario, links: { l: { between: ["a:eth0", "b:eth0"], rate: "10" } } };
    // @ts-expect-error an event does exactly one thing
    const event: Scenario = { ...scenario, timeline: [{ at: "1s", down: "l", up: "l" }] };
    // @ts-expect-error a link has two ends
    const ends: Scenario = { ...scenario, links: { l: { between: ["a:eth0"] } } };
    // @ts-expect-error red has no defaults
    const red: Scenario = { ...scenario, links: { l: { between: ["a:eth0", "b:eth0"], queue: "red" } } };
    for (const wrong of [rate, event, ends, red]) expect(validateScenario(wrong).scenario).toBeUndefined();
  });
});
