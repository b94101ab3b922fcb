import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { afterEach, describe, expect, test } from "vitest";
import { testWith, type Need } from "../../../tools/testing/needs.ts";
import { openNamespace, parseMib, readMib, runProgram, type KernelNamespace } from "../src/index.ts";
import { waitFor } from "./frames.ts";

const NEEDS: readonly Need[] = ["linux", "root", "ip"];
let count = 0;
let namespace: KernelNamespace | undefined;
afterEach(async () => {
  await namespace?.remove();
  namespace = undefined;
});

async function netns(): Promise<string> {
  namespace = await openNamespace(`svp${process.pid % 100_000}x${count++}`);
  return namespace.name;
}

const isAlive = (pid: number): boolean => {
  // A zombie has ended; whoever inherited it has not looked yet.
  return existsSync(`/proc/${pid}`) && !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
};

describe("behaviour 22: programs in a namespace", () => {
  testWith(NEEDS, "run there, and what they print and how they end is told", async () => {
    const name = await netns();
    const started = Date.now();
    const running = runProgram({ netns: name, command: ["sh", "-c", "ip -o link; echo no >&2; exit 3"] });
    expect(running.startedAt).toBeGreaterThanOrEqual(started);
    const { stdout, stderr, exitCode, missing } = await running.ended;
    expect({ stderr, exitCode, missing }).toEqual({ stderr: "no\n", exitCode: 3, missing: undefined });
    expect(stdout).toMatch(/^1: lo:/);
    expect(stdout.trim().split("\n").length).toBeLessThan(4); // lo, and what the kernel makes in each namespace
  });

  testWith(NEEDS, "no shell reads their arguments", async () => {
    const ended = runProgram({ netns: await netns(), command: ["printf", "%s|", "a b", "$HOME", "*"] }).ended;
    expect((await ended).stdout).toBe("a b|$HOME|*|");
  });

  testWith(NEEDS, "stop() interrupts, so that they print what they have", async () => {
    const script = "trap 'echo caught; exit 0' INT; echo ready; while :; do sleep 0.05; done";
    const running = runProgram({ netns: await netns(), command: ["sh", "-c", script] });
    setTimeout(() => running.stop(), 300);
    expect(await running.ended).toMatchObject({ stdout: "ready\ncaught\n", exitCode: 0 });
    running.stop(); // nothing is left to stop
  });

  testWith(NEEDS, "what does not listen is killed, with its children", async () => {
    const script = "trap '' INT TERM; sleep 60 & echo $!; while :; do sleep 0.05; done";
    const running = runProgram({ netns: await netns(), command: ["sh", "-c", script] });
    setTimeout(() => running.stop(), 300);
    const { signal, stdout } = await running.ended;
    expect(signal).toBe("SIGKILL");
    await waitFor(
      () => !isAlive(Number(stdout)),
      () => `process ${stdout.trim()} is left behind`,
    );
  });

  testWith(NEEDS, "a child that outlives its parent does not hold the run", async () => {
    const running = runProgram({ netns: await netns(), command: ["sh", "-c", "sleep 60 & echo $!"] });
    const { exitCode, stdout } = await running.ended;
    expect(exitCode).toBe(0);
    await waitFor(
      () => !isAlive(Number(stdout)),
      () => "the child is left behind",
    );
  });

  testWith(NEEDS, "of much output the end is kept", async () => {
    const ended = runProgram({ netns: await netns(), command: ["seq", "1", "3000000"] }).ended;
    const { stdout } = await ended;
    expect(stdout.length).toBe(4 << 20);
    expect(stdout.endsWith("2999999\n3000000\n")).toBe(true);
  });

  test.each([
    ["no-such-program-here", /no-such-program-here is not installed: apt-get install no-such-program-here/],
    ["/nowhere/at/all", /\/nowhere\/at\/all is not there/],
    ["/etc/passwd", /not executable/],
    ["/tmp", /not executable/],
  ])("%s is missing, which is told and not thrown", async (name, says) => {
    const { missing, exitCode } = await runProgram({ netns: "none", command: [name] }).ended;
    expect(missing).toMatch(says);
    expect(exitCode).toBeUndefined();
  });

  testWith(NEEDS, "behaviour 18: a process that exits takes its programs with it", async () => {
    const index = new URL("../src/index.ts", import.meta.url).href;
    const script = `import { runProgram } from ${JSON.stringify(index)};
      const running = runProgram({ netns: process.argv[1], command: ["sh", "-c", "echo $$ > /proc/self/fd/1; sleep 60"] });
      setTimeout(() => process.exit(0), 500);`;
    const loader = import.meta.resolve("tsx");
    const args = ["--conditions=@seville/source", "--import", loader, "--input-type=module", "-e", script];
    const name = await netns();
    const { status, stderr } = spawnSync(process.execPath, [...args, name], { encoding: "utf8", timeout: 20_000 });
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    await waitFor(
      () => spawnSync("ip", ["netns", "pids", name], { encoding: "utf8" }).stdout === "",
      () => "a program is left behind in the namespace",
    );
  });
});

describe("behaviour 23: counters of a namespace", () => {
  test("two lines a group as in snmp and netstat, or one a counter as in snmp6", () => {
    const text =
      "Ip: Forwarding InReceives\nIp: 2 17\nTcp: MaxConn OutSegs\nTcp: -1 5\nIp6InReceives\t3\nIpExt: InMcastPkts\nIpExt: 4\n";
    expect(parseMib(text)).toEqual({
      IpForwarding: 2,
      IpInReceives: 17,
      TcpMaxConn: -1,
      TcpOutSegs: 5,
      Ip6InReceives: 3,
      IpExtInMcastPkts: 4,
    });
    expect(parseMib("")).toEqual({});
  });

  testWith([...NEEDS, "ping"], "grow with what happens there, and there only", async () => {
    const name = await netns();
    const before = await readMib(name);
    expect(before["IcmpOutEchos"]).toBe(0);
    await runProgram({ netns: name, command: ["ping", "-n", "-c", "2", "-i", "0.2", "127.0.0.1"] }).ended;
    const after = await readMib(name);
    expect([after["IcmpOutEchos"], after["IcmpInEchoReps"], after["Udp6OutDatagrams"]]).toEqual([2, 2, 0]);
  });

  testWith(NEEDS, "of a namespace that is gone: an error with its name", async () => {
    await expect(readMib("gone-for-good")).rejects.toThrow(/counters of the namespace gone-for-good/);
  });
});
