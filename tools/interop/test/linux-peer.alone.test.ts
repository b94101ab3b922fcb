import { spawn } from "node:child_process";
import { describe, expect, test } from "vitest";
import { hostFault } from "../../linux-peer/build/debian.ts";
import { missing } from "../../testing/needs.ts";

interface Result {
  readonly total: number;
  readonly passed: number;
  readonly failed: number;
  readonly skipped: readonly { readonly case: string; readonly why: string }[];
}

/** Runs the command as a person does; what it says on standard error is shown if it fails. */
async function interop(...args: readonly string[]): Promise<{ status: number | null; output: string; said: string }> {
  const run = new URL("../run.mjs", import.meta.url).pathname;
  const child = spawn(process.execPath, [run, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  let [output, said] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => (output += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (said += text));
  const status = await new Promise<number | null>((resolve) => child.once("close", resolve));
  return { status, output, said };
}

describe("pnpm interop", () => {
  test("--help and names", async () => {
    const help = await interop("--help");
    expect(help).toMatchObject({ status: 0, said: "" });
    expect(help.output).toContain("linux-peer basic");
    const unknown = await interop("no", "such");
    expect(unknown).toMatchObject({ status: 2, output: "" });
    expect(unknown.said).toMatch(/there is no suite "no such". There are: .*\blinux-peer basic\b/);
    expect(await interop()).toMatchObject({ status: 2, output: "" });
    expect(await interop("linux-peer", "--nonsense")).toMatchObject({ status: 2 });
  });

  test("linux-peer basic, quick: two real Linux guests across two simulated routers", async (context) => {
    const fault = hostFault();
    if (fault !== undefined) context.skip(fault);
    const { status, output, said } = await interop("linux-peer", "basic", "--quick", "--json");
    console.log(said.trim());
    const result = JSON.parse(output) as Result;
    expect(result).toMatchObject({ failed: 0, skipped: [] });
    expect(result.passed).toBe(result.total);
    expect(result.total).toBeGreaterThanOrEqual(20);
    expect(status).toBe(0);
  }, 240_000);

  test("linux-peer tunnels, quick: tunnels of a real Linux against ours", async (context) => {
    const fault = hostFault() ?? missing("tshark");
    if (fault !== undefined) context.skip(fault);
    const { status, output, said } = await interop("linux-peer", "tunnels", "--quick", "--json");
    console.log(said.trim());
    const result = JSON.parse(output) as Result;
    expect(result).toMatchObject({ failed: 0, skipped: [] });
    expect(result.passed).toBe(result.total);
    expect(result.total).toBeGreaterThanOrEqual(20);
    expect(status).toBe(0);
  }, 240_000);
});
