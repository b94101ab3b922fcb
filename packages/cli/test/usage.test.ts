import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { EXIT } from "@seville/cli";
import { composeSchema, PARTS } from "@seville/scenario";
import { CommandFailure, explain } from "../src/failure.ts";
import { SevilleError } from "@seville/core";
import { seville } from "./capture-output.ts";

const directory = mkdtempSync(join(tmpdir(), "seville-usage-"));
afterAll(() => rmSync(directory, { recursive: true }));

function file(name: string, text: string): string {
  const path = join(directory, name);
  writeFileSync(path, text);
  return path;
}

describe("X3: what is wrong is said, and the exit code says whose fault it is", () => {
  test.each([
    [["runn"], EXIT.USAGE, /Did you mean run\?/],
    [["run", "--sed", "4"], EXIT.USAGE, /Did you mean.*--seed/],
    [["run", "--seed", "x"], EXIT.USAGE, /whole number/],
    [["run", "--seed", "-1"], EXIT.USAGE, /whole number/],
    [["run", "--seed", "1e3"], EXIT.USAGE, /whole number/],
    [["run", "--until", "5"], EXIT.USAGE, /--until must be a duration with its unit/],
    [["run", "--pcap-at", "moon"], EXIT.USAGE, /wire, host/],
    [["run", "--set", "nonsense"], EXIT.USAGE, /path=value/],
    [["run", "a", "b"], EXIT.USAGE, /too many arguments/],
    [["validate"], EXIT.USAGE, /missing required argument/],
    [["run", "helo"], EXIT.BAD_INPUT, /no scenario helo: did you mean hello\?/],
    [["run", "nowhere.yaml"], EXIT.BAD_INPUT, /ENOENT.*nowhere\.yaml/],
    [
      ["run", "hello", "--set", "links.wan.los=2%"],
      EXIT.BAD_INPUT,
      /links\.wan\.los: error: unknown key los[^]*did you mean loss\?/,
    ],
    [["run", "hello", "--set", "links.wan.loss=2"], EXIT.BAD_INPUT, /links\.wan\.loss: error: must be a percentage/],
    [["run", "replay", "--no-report", "--no-pcap"], EXIT.USAGE, /give --pcap-in FILE/],
    [["verify-determinism", "real-traffic"], EXIT.BAD_INPUT, /never repeats itself/],
  ])("seville %j", async (args, code, says) => {
    const output = await seville(...args);
    expect(output.code).toBe(code);
    expect(output.stderr).toMatch(says);
    expect(output.stderr).not.toMatch(/^\s+at /m);
    expect(output.stdout).toBe("");
  });

  test("a bad file: every mistake with its place, and 3", async () => {
    const path = file("bad.yaml", "name: a\nhosts:\n  a: { kind: roter }\nseed: x\n");
    const { code, stderr } = await seville("run", path);
    expect(code).toBe(EXIT.BAD_INPUT);
    expect(stderr).toContain(`${path}:3:14: error: must be one of host, router`);
    expect(stderr).toContain(`${path}:4:7: error: must be a whole number`);
    expect(stderr).toContain("did you mean router?");
  });

  test("a missing privilege says exactly what to do", () => {
    const { message, exitCode } = explain(new SevilleError("EPERM", "could not open /dev/net/tun: EPERM"));
    expect(exitCode).toBe(EXIT.UNAVAILABLE);
    expect(message).toMatch(/sudo.*--cap-add NET_ADMIN/);
  });

  test("only what is our fault shows a stack", () => {
    expect(explain(new TypeError("oops"))).toMatchObject({
      exitCode: EXIT.FAILURE,
      message: /TypeError: oops[^]*bug of Seville/,
    });
    expect(explain(new CommandFailure("no", 2))).toEqual({ message: "no", exitCode: 2 });
    expect(explain("odd")).toEqual({ message: "odd", exitCode: EXIT.FAILURE });
  });
});

describe("X7: help and lists", () => {
  test("--help shows examples and exit codes", async () => {
    const { code, stdout } = await seville("--help");
    expect(code).toBe(EXIT.OK);
    expect(stdout).toContain("seville verify-determinism bad-network");
    expect(stdout).toContain("5 verify-determinism found a");
  });

  test("--version is that of the package", async () => {
    expect((await seville("--version")).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  test("run --help says what each option does", async () => {
    const { stdout } = await seville("run", "--help");
    for (const option of [
      "--seed",
      "--until",
      "--set",
      "--report",
      "--pcap",
      "--pcap-at",
      "--pcap-in",
      "--json",
      "--quiet",
    ]) {
      expect(stdout).toContain(option);
    }
  });

  test("scenarios, for people and for programs", async () => {
    const { stdout } = await seville("scenarios");
    expect(stdout).toMatch(/^bad-network /m);
    const list = JSON.parse((await seville("scenarios", "--json")).stdout) as { name: string }[];
    expect(list.map(({ name }) => name)).toEqual(
      expect.arrayContaining(["bad-network", "hello", "real-traffic", "replay"]),
    );
  });

  test("schema prints what is published", async () => {
    expect(JSON.parse((await seville("schema")).stdout)).toEqual(JSON.parse(JSON.stringify(composeSchema(PARTS))));
  });
});

describe("validate", () => {
  test("says what a valid file holds", async () => {
    const { code, stdout, stderr } = await seville("validate", "hello", "bad-network");
    expect({ code, stderr }).toEqual({ code: EXIT.OK, stderr: "" });
    expect(stdout).toMatch(/hello\.yaml: valid \(3 hosts, 2 links, 0 events\)/);
  });

  test("goes on after a bad one, and ends with 3", async () => {
    const bad = file("bad2.yaml", "name: a\n");
    const { code, stdout, stderr } = await seville("validate", bad, "hello");
    expect(code).toBe(EXIT.BAD_INPUT);
    expect(stderr).toContain("hosts is missing");
    expect(stdout).toContain("bad2.yaml: 1 error\n");
    expect(stdout).toContain("hello.yaml: valid");
  });

  test("for programs: one JSON document with every place", async () => {
    const bad = file("bad3.yaml", "name: a\nhosts: { a: { kind: x } }\n");
    const { code, stdout, stderr } = await seville("validate", "--json", bad);
    expect({ code, stderr }).toEqual({ code: EXIT.BAD_INPUT, stderr: "" });
    expect(JSON.parse(stdout)).toMatchObject([
      { file: bad, valid: false, problems: [{ position: { line: 2, column: 21 } }] },
    ]);
  });
});
