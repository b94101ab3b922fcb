import { readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { parseScript } from "../language/parse.ts";
import { FREEBSD } from "../profile/freebsd.ts";
import { LINUX } from "../profile/linux.ts";
import { findScripts, runFile, runSource, summarise, type ScriptReport } from "../run/suite.ts";
import { createSevilleSystem } from "../sut/seville.ts";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..", "scripts");
const FILES = findScripts(ROOT);

/** Scripts of the folder `freebsd` are for that profile, all others for Linux. */
function profileOf(file: string): typeof LINUX {
  return relative(ROOT, file).startsWith("freebsd") ? FREEBSD : LINUX;
}

function run(source: string, file: string): ScriptReport {
  return runSource(source, file, profileOf(file), createSevilleSystem);
}

describe("the project's own scripts", () => {
  test("there are scripts for every area", () => {
    const areas = new Set(FILES.map((file) => relative(ROOT, file).split("/")[0]));
    const wanted = ["open", "close", "data", "loss", "ecn", "window", "timers", "options", "errors", "udp", "socket"];
    for (const area of [...wanted, "fast-open", "freebsd"]) expect(areas).toContain(area);
    expect(FILES.length).toBeGreaterThanOrEqual(100);
  });

  test.each(FILES.map((file) => [relative(ROOT, file), file] as const))("%s", (_, file) => {
    expect(runFile(file, profileOf(file), createSevilleSystem)).toEqual({ file, result: "passed" });
  });

  test("run alike twice: the virtual world has no memory of its own", () => {
    const once = FILES.slice(0, 10).map((file) => runFile(file, profileOf(file), createSevilleSystem));
    const again = FILES.slice(0, 10).map((file) => runFile(file, profileOf(file), createSevilleSystem));
    expect(again).toEqual(once);
    expect(summarise(once)).toMatchObject({ total: 10, passed: 10, failed: 0, unsupported: 0 });
  });
});

/** The last outbound TCP line of a script, if its words are on one line. */
function lastOutbound(source: string, file: string): number | undefined {
  const lines = source.split("\n");
  const events = parseScript(source, file, new Set(profileOf(file).defines)).events;
  return events.findLast(
    ({ action, line }) =>
      action.kind === "packet" &&
      action.direction === "out" &&
      action.body.protocol === "tcp" &&
      /\d+:\d+\(\d+\)/.test(lines[line - 1] ?? ""),
  )?.line;
}

/** What could be wrong in an outbound line, each of which must be found at that line. */
const MISTAKES: readonly (readonly [string, (line: string) => string])[] = [
  [
    "another flag",
    (line) =>
      line.replace(
        /> (\[[^\]]*\] |\([^)]*\) )?([A-Z.]+)/,
        (_, ip = "", flags: string) => `> ${ip as string}${flags === "R" ? "F" : "R"}`,
      ),
  ],
  [
    "another sequence number",
    // The number of a SYN is what the others are counted from.
    (line) =>
      /> (?:\[[^\]]*\] |\([^)]*\) )?[EW.]*S/.test(line)
        ? line
        : line.replace(/(\d+):(\d+)\(/, (_, from: string, to: string) => `${Number(from) + 7}:${Number(to) + 7}(`),
  ],
  [
    "another length",
    (line) =>
      line.replace(
        /(\d+):(\d+)\((\d+)\)/,
        (_, from: string, to: string, length: string) => `${from}:${Number(to) + 5}(${Number(length) + 5})`,
      ),
  ],
  ["another acknowledgment", (line) => line.replace(/ack (\d+)/, (_, ack: string) => `ack ${Number(ack) + 1}`)],
];

describe("a script with one mistake fails at that line, with both packets", () => {
  const cases = FILES.flatMap((file) => {
    const source = readFileSync(file, "utf8");
    const line = lastOutbound(source, file);
    return line === undefined ? [] : [[relative(ROOT, file), file, source, line] as const];
  });

  test.each(cases)("%s", (_, file, source, line) => {
    for (const [mistake, make] of MISTAKES) {
      const lines = source.split("\n");
      const before = lines[line - 1] as string;
      const wrong = make(before);
      // A line without such a number is no case of this mistake.
      if (wrong === before) continue;
      lines[line - 1] = wrong;
      const report = run(lines.join("\n"), file);
      expect(report, `${mistake}: ${wrong}`).toMatchObject({ result: "failed", line });
      expect(report.expected, mistake).toBeDefined();
    }
  });
});
