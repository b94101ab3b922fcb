import { spawn } from "node:child_process";
import { describe, expect } from "vitest";
import { testWith } from "../../testing/needs.ts";

interface Result {
  readonly total: number;
  readonly passed: number;
  readonly failed: number;
  readonly skipped: readonly { readonly case: string; readonly why: string }[];
}

/** Runs a suite's quick subset; none of its cases may fail, and what is skipped must be so for want of something in the kernel. */
async function quick(suite: string, leastCases: number): Promise<void> {
  const run = new URL("../run.mjs", import.meta.url).pathname;
  const child = spawn(process.execPath, [run, suite, "--quick", "--json"], { stdio: ["ignore", "pipe", "pipe"] });
  let [output, said] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => (output += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (said += text));
  const status = await new Promise<number | null>((resolve) => child.once("close", resolve));
  console.log(said.trim());
  const result = JSON.parse(output) as Result;
  expect(result.failed, said).toBe(0);
  expect(result.passed + result.skipped.length).toBe(result.total);
  expect(result.total).toBeGreaterThanOrEqual(leastCases);
  // Older kernels do less; what they cannot is said, case by case.
  for (const { why } of result.skipped) expect(why).toMatch(/^this kernel|^needs the program/);
  expect(status).toBe(0);
}

describe("pnpm interop kernel", () => {
  testWith(
    ["linux", "root", "tun", "ip", "ping", "iperf3", "ethtool", "tshark"],
    "quick: the host's own VXLAN against ours, with super-packets through TAP devices",
    () => quick("kernel vxlan", 25),
    240_000,
  );

  testWith(
    ["linux", "root", "tun", "ip", "python3", "tshark"],
    "quick: the host's own TCP against ours, with losses and with super-packets",
    () => quick("kernel tcp", 50),
    240_000,
  );
});
