import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { measure } from "../lib/measure.ts";
import { loadPeer, requireNative } from "../lib/peers.ts";
import { table } from "../lib/print.ts";
import type { BenchCase, TimedSide } from "../lib/types.ts";

const EFFORT = { rounds: 5, sampleNanos: 100_000, warmUpNanos: 100_000 };

/** A side that brings these figures, one a round. */
function figures(name: string, ...values: number[]): { name: string; value: () => number } {
  let round = 0;
  return { name, value: () => values[round++ % values.length]! };
}

const base: Omit<BenchCase, "ours" | "peers" | "better"> = { case: "a case", size: 7, unit: "u" };

describe("measure", () => {
  test("reports medians, so that a disturbed round does not count", async () => {
    const ours = figures("ours", 10, 11, 900, 10, 9);
    const peers = [figures("peer", 20, 20, 20, 5000, 20)];
    expect(await measure({ ...base, better: "lower", ours, peers }, EFFORT)).toEqual([
      { case: "a case", size: 7, unit: "u", better: "lower", ours: 10, peer: "peer", theirs: 20, ratio: 2 },
    ]);
  });

  test("a ratio above 1 means that ours is better, whatever the unit", async () => {
    const peers = [figures("peer", 20)];
    const [lower] = await measure({ ...base, better: "lower", ours: figures("ours", 40), peers }, EFFORT);
    const [higher] = await measure({ ...base, better: "higher", ours: figures("ours", 40), peers }, EFFORT);
    expect([lower!.ratio, higher!.ratio]).toEqual([0.5, 2]);
  });

  test("a reference makes a row of its own with ratio = ours / theirs", async () => {
    const bench = { ...base, better: "lower", ours: figures("ours", 30), peers: [], reference: 40 } as const;
    const rows = await measure(bench, EFFORT);
    expect(rows).toMatchObject([{ peer: "reference", ours: 30, theirs: 40, ratio: 0.75 }]);
  });

  test("a timed side is measured in CPU time per operation, converted to the unit", async () => {
    // A clock that the work itself advances: what is tested is the arithmetic, not this machine.
    let spent = 0;
    const work = (name: string, nanos: number): TimedSide => ({
      name,
      run: (count) => (spent += count * nanos),
    });
    const bench = { ...base, better: "higher", fromNanos: (ns: number) => 1000 / ns } as const;
    const [row] = await measure({ ...bench, ours: work("ours", 4), peers: [work("peer", 40)] }, EFFORT, () => spent);
    expect(row).toMatchObject({ ours: 250, theirs: 25, ratio: 10 });
  });
});

test("the table is Markdown, with aligned columns and the unit beside the figure", () => {
  const row = { case: "c", size: 20, unit: "ns", better: "lower", ours: 7.5, peer: "p", theirs: 15, ratio: 2 } as const;
  const lines = table([row, { ...row, size: 65_536, theirs: 1_234_567 }]).split("\n");
  expect(lines).toHaveLength(4);
  expect(new Set(lines.map((line) => line.length)).size).toBe(1);
  expect(lines[2]).toBe("| c    |    20 | 7.50 ns | p    |      15.0 ns | 2.00× |");
});

describe("peers", () => {
  test("a native peer that fell back is an error", () => {
    expect(() => requireNative("some-peer", /no-such-addon.*\.node$/)).toThrow(
      /some-peer is not loaded \(it fell back\)/,
    );
  });

  test("a peer that is not installed is an error", async () => {
    await expect(loadPeer("no-such-peer")).rejects.toThrow(/Cannot find module/);
  });
});

describe("pnpm bench", () => {
  const run = (...args: string[]): { status: number | null; stdout: string; stderr: string } =>
    spawnSync(process.execPath, [fileURLToPath(new URL("../run.mjs", import.meta.url)), ...args], { encoding: "utf8" });

  test("--help says what there is", () => {
    const { status, stdout } = run("--help");
    expect(status).toBe(0);
    expect(stdout).toMatch(/checksum, crc32c/);
    expect(stdout).toMatch(/--json/);
  });

  test.each([[["nonesuch"]], [[]], [["checksum", "--nonesuch"]]])("%j is refused with status 2", (args) => {
    const { status, stdout, stderr } = run(...args);
    expect(status).toBe(2);
    expect(stdout).toBe("");
    expect(stderr).toMatch(/checksum, crc32c/);
  });

  test("--json prints nothing but the result", () => {
    const { status, stdout } = run("checksum", "--quick", "--json", "--filter", "sum pool 20");
    expect(status).toBe(0);
    const result = JSON.parse(stdout) as { name: string; node: string; rows: Record<string, unknown>[] };
    expect(result.name).toBe("checksum");
    expect(result.node).toBe(process.version);
    expect(Object.keys(result.rows[0]!)).toEqual(["case", "size", "unit", "better", "ours", "peer", "theirs", "ratio"]);
    expect(result.rows.every((row) => row["case"] === "sum pool" && row["size"] === 20)).toBe(true);
  });
});
