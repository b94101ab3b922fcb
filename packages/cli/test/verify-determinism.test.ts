import { describe, expect, test } from "vitest";
import { EXIT } from "@seville/cli";
import { pcapngBytes } from "@seville/packet/pcapng";
import type { ScenarioResult } from "@seville/scenario";
import { firstDifference, type RecordedRun } from "../src/commands/verify-determinism.ts";
import { seville } from "./capture-output.ts";

type Frame = readonly [time: number, bytes: readonly number[], reason?: "LINK_LOSS"];

function recording(frames: readonly Frame[], result: object = { run: { traceHash: "x" } }): RecordedRun {
  const file = pcapngBytes((pcapng) => {
    const eth0 = pcapng.addInterface({ name: "eth0" });
    for (const [time, bytes, dropReason] of frames) {
      const data = Uint8Array.from({ length: 20 }, (_, i) => bytes[i] ?? 0);
      pcapng.packet({ interface: eth0, time, data, ...(dropReason === undefined ? {} : { dropReason }) });
    }
  });
  return { result: result as ScenarioResult, captures: new Map([["a:eth0", file]]) };
}

const FRAMES: readonly Frame[] = [
  [1000, [1, 2, 3]],
  [2000, [4, 5, 6]],
];

describe("X5: the first difference is named", () => {
  test.each([
    ["nothing differs", FRAMES, undefined],
    ["a time", [FRAMES[0]!, [2001, [4, 5, 6]]], "a:eth0, record 2, at 2us: the other run has it at 2.001us"],
    ["a byte", [[1000, [1, 9, 3]], FRAMES[1]!], "a:eth0, record 1, at 1us: byte 1 is 0x02, and 0x09 in the other run"],
    [
      "a comment",
      [FRAMES[0]!, [2000, [4, 5, 6], "LINK_LOSS"]],
      'a:eth0, record 2, at 2us: "", and "dropped: LINK_LOSS" in the other run',
    ],
    ["a frame that is not there", [FRAMES[0]!], "a:eth0, record 2, at 2us: is there only once"],
  ] as const)("%s", (_name, other, message) => {
    expect(firstDifference(recording(FRAMES), recording(other))?.message.split("\n")[0]).toBe(message);
  });

  test("with the frame in words", () => {
    expect(firstDifference(recording(FRAMES), recording([FRAMES[0]!]))?.message.split("\n")[1]).toMatch(/^ {2}\S/);
  });

  test("the earliest of several captures", () => {
    const first = {
      ...recording([]),
      captures: new Map([
        ["late", recording([[9000, [1]]]).captures.get("a:eth0")!],
        ["early", recording([[10, [1]]]).captures.get("a:eth0")!],
      ]),
    };
    const second = {
      ...recording([]),
      captures: new Map([
        ["late", recording([[9000, [2]]]).captures.get("a:eth0")!],
        ["early", recording([[10, [2]]]).captures.get("a:eth0")!],
      ]),
    };
    expect(firstDifference(first, second)).toMatchObject({ interface: "early", record: 1 });
  });

  test("traces and results, when captures are alike", () => {
    const run = (hash: string, more = 0): RecordedRun => recording(FRAMES, { run: { traceHash: hash }, more });
    expect(firstDifference(run("x"), run("y"))?.message).toMatch(/traces are not/);
    expect(firstDifference(run("x", 1), run("x", 2))?.message).toMatch(/results differ/);
  });

  test.each(["hello", "bad-network"])(
    "%s is the same twice",
    async (name) => {
      const { code, stdout } = await seville("verify-determinism", name, "--until", "12s", "--json");
      expect(code).toBe(EXIT.OK);
      expect(JSON.parse(stdout)).toMatchObject({ scenario: name, deterministic: true, difference: null });
    },
    60_000,
  );
});
