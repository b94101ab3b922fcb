import { execFile, spawn, type ChildProcess } from "node:child_process";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import type { ProgramResult, ScenarioResult } from "@seville/scenario";
import { describe, expect } from "vitest";
import { testWith, type Need } from "../../../tools/testing/needs.ts";

const NEEDS: readonly Need[] = ["linux", "root", "tun", "ip", "ping", "iperf3"];
const run = promisify(execFile);

/** One way over the bad link, ms; and what a ping of 56 bytes (98 and Ethernet's 24 around them) costs at 50 Mbit/s, both ways. */
const MODEL_RTT_MS = 2 * (20 + ((98 + 24) * 8e3) / 50e6);

/** The scenario, running as a user runs it, between two namespaces that no other run uses. */
class RealTraffic {
  readonly left = `svl${process.pid % 100_000}`;
  readonly right = `svr${process.pid % 100_000}`;
  readonly #child: ChildProcess;
  readonly #ended: Promise<number | null>;
  #output = "";

  constructor(...more: readonly string[]) {
    const main = new URL("../src/main.ts", import.meta.url).pathname;
    const sets = [`attachments.left.tap.netns=${this.left}`, `attachments.right.tap.netns=${this.right}`];
    const args = ["run", "real-traffic", "--json", ...sets.flatMap((set) => ["--set", set]), ...more];
    const tsx = import.meta.resolve("tsx");
    this.#child = spawn(process.execPath, ["--conditions=@seville/source", "--import", tsx, main, ...args], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    this.#child.stdout?.setEncoding("utf8").on("data", (text: string) => (this.#output += text));
    this.#ended = new Promise((resolve) => this.#child.once("exit", (status) => resolve(status)));
  }

  /** Until a program of `netns` runs whose name is `name`. */
  async runs(netns: string, name: string): Promise<void> {
    for (let tries = 0; tries < 300; tries++) {
      if (this.#child.exitCode !== null) throw new Error("the scenario ended before it began");
      const pids = await run("ip", ["netns", "pids", netns]).then(
        ({ stdout }) => stdout,
        () => "",
      );
      for (const pid of pids.split("\n").filter((line) => line !== "")) {
        const running = await readFile(`/proc/${pid}/comm`, "utf8").catch(() => ""); // it may have ended meanwhile
        if (running.trim() === name) return;
      }
      await sleep(50);
    }
    throw new Error(`no ${name} ran in ${netns}`);
  }

  interrupt(): void {
    this.#child.kill("SIGINT");
  }

  /** What it found, once it has ended, in `seconds` at most; and that it left nothing behind. */
  async end(seconds: number, status: number): Promise<ScenarioResult> {
    const giveUp = setTimeout(() => this.#child.kill("SIGKILL"), seconds * 1000);
    const ended = await this.#ended;
    clearTimeout(giveUp);
    expect(ended, "exit status").toBe(status);
    expect(existsSync(`/run/netns/${this.left}`), "the namespaces are gone").toBe(false);
    expect(existsSync(`/run/netns/${this.right}`)).toBe(false);
    return JSON.parse(this.#output) as ScenarioResult;
  }

  /** For a test that failed on its way. */
  async abandon(): Promise<void> {
    this.interrupt();
    const giveUp = setTimeout(() => this.#child.kill("SIGKILL"), 10_000);
    await this.#ended;
    clearTimeout(giveUp);
  }
}

function program(result: ScenarioResult, name: string): ProgramResult {
  const found = result.programs?.find((each) => each.name === name);
  if (found === undefined) throw new Error(`the result has no program ${name}`);
  return found;
}

/** Frames lost between kernels and links once time ran: as good as dropped by a link, if there are any. */
function dropsOutside(result: ScenarioResult): number {
  const lost = result.drops.filter(
    ({ where, reason }) => where === "outside" && !/^(DEV_READY|END_OF_RUN)$/.test(reason),
  );
  return lost.reduce((sum, { packets }) => sum + packets, 0);
}

/** Real time on a machine that others use too: once more, or twice, and it says why. */
async function withMoreTries(attempt: () => Promise<void>): Promise<void> {
  for (let triesLeft = 2; triesLeft > 0; triesLeft--) {
    try {
      await attempt();
      return;
    } catch (error) {
      console.log(`real-traffic: once more, for ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  await attempt();
}

/** Ends what an attempt began, however it goes. */
async function during(traffic: RealTraffic, attempt: () => Promise<void>): Promise<void> {
  try {
    await attempt();
  } finally {
    await traffic.abandon();
  }
}

describe("X10: real-traffic, two kernels across a simulated router and a link of 20 ms, 1 % loss and 50 Mbit/s", () => {
  testWith(
    NEEDS,
    "its own ping, iperf3 -u and TCP transfer measure what the simulator did, and then it ends",
    () =>
      withMoreTries(() => {
        const traffic = new RealTraffic();
        return during(traffic, async () => {
          const result = await traffic.end(58, 0);
          expect(result.run.end).toBe("finished");
          expect(result.run.endedAt).toBeLessThan(45e9);
          expect(result.pool.after).toBe(result.pool.before);
          expect(result.warnings).toEqual([]);
          checkPings(result);
          checkUdp(result);
          checkTcp(result);
          checkCrossings(result);
        });
      }),
    240_000,
  );

  testWith(
    NEEDS,
    "Ctrl-C ends it and its programs, with what they printed till then, and leaves nothing behind",
    () =>
      withMoreTries(() => {
        const traffic = new RealTraffic("--set", "programs.ping-v4.start=2500ms");
        return during(traffic, async () => {
          await traffic.runs(traffic.right, "iperf3");
          await sleep(3500);
          traffic.interrupt();
          const result = await traffic.end(20, 130);
          expect(result.run.end).toBe("aborted");
          expect(program(result, "server").end).toBe("stopped");
          expect(program(result, "ping-v4").end).toBe("stopped");
          expect(program(result, "ping-v4").ping?.sent).toBeGreaterThan(10);
          expect(program(result, "iperf3-tcp")).toMatchObject({ end: "not-started", output: "" });
          expect(result.pool.after).toBe(result.pool.before);
        });
      }),
    120_000,
  );
});

function checkPings(result: ScenarioResult): void {
  const { ping, wire } = program(result, "ping-v4");
  const [median, p95] = [ping!.rtt.p50 / 1e6, ping!.rtt.p95 / 1e6];
  const late = (result.realtime!.maxLateness / 1e6).toFixed(2);
  console.log(
    `real-traffic: ${ping!.received} of ${ping!.sent} pings answered, median ${median} ms, 95th percentile ${p95} ms, ` +
      `model ${MODEL_RTT_MS.toFixed(2)} ms; latest event ${late} ms late`,
  );
  // The model of the result knows the links; ours is written down above. The gap between frames is between theirs.
  expect(wire!.modelRtt! / 1e6).toBeCloseTo(MODEL_RTT_MS, 2);
  expect(ping!.received).toBeGreaterThanOrEqual(200);
  expect(ping!.rtt.count).toBe(ping!.received);
  expect(ping!.rtt.min / 1e6).toBeGreaterThanOrEqual(MODEL_RTT_MS - 0.05);
  expect(median).toBeLessThanOrEqual(MODEL_RTT_MS + 1);
  expect(p95).toBeLessThanOrEqual(MODEL_RTT_MS + 5);
  expect(program(result, "ping-v6").ping!.received).toBeGreaterThanOrEqual(70);
  for (const name of ["ping-v4", "ping-v6"]) {
    const { ping: own, wire: frames } = program(result, name);
    expect(own!.sent, name).toBe(frames!.forth.entered);
    expect(Math.abs(own!.sent - own!.received - dropsOf(frames!))).toBeLessThanOrEqual(1);
  }
  // The report's chart has a point for each answer, and where the others would have been.
  const series = result.series.delays.find(({ name }) => name === "ping-v4");
  expect(series!.at).toHaveLength(ping!.received);
  expect(series!.lostAt).toHaveLength(ping!.sent - ping!.received);
}

function checkUdp(result: ScenarioResult): void {
  const { iperf3, wire } = program(result, "iperf3-udp");
  const { packets = 0, received = 0, throughput } = iperf3!;
  const dropped = dropsOf(wire!);
  console.log(
    `real-traffic: ${packets - received} of ${packets} datagrams missing by iperf3, ${dropped} dropped by the simulator`,
  );
  expect(packets).toBeGreaterThan(4000);
  expect(throughput).toBeGreaterThan(9e6);
  // The first datagram opens the connection and is none that iperf3 counts.
  expect(Math.abs(wire!.forth.entered - packets)).toBeLessThanOrEqual(1);
  // iperf3 stops counting when its control connection says so: what is on its way then (20 ms of 10 Mbit/s are 18
  // datagrams), and what it is not given the time to read, is missing for it alone.
  expect(packets - received).toBeGreaterThanOrEqual(dropped - 1);
  const unread = result.kernels!.reduce((sum, { counters }) => sum + (counters["UdpRcvbufErrors"] ?? 0), 0);
  expect(packets - received).toBeLessThanOrEqual(dropped + unread + packets * 0.02);
  // 1 % of them: five standard deviations of a binomial law.
  const expected = packets * 0.01;
  expect(Math.abs(dropped - expected)).toBeLessThan(5 * Math.sqrt(expected));
}

function checkTcp(result: ScenarioResult): void {
  const { iperf3, wire } = program(result, "iperf3-tcp");
  const rate = (iperf3!.throughput / 1e6).toFixed(1);
  console.log(
    `real-traffic: TCP ${rate} Mbit/s with ${iperf3!.retransmits} retransmissions, ${dropsOf(wire!)} frames dropped`,
  );
  // Loss of 1 % and 40 ms: CUBIC gets a few Mbit/s through, BBR most of it, and none more than the link has.
  expect(iperf3!.throughput).toBeGreaterThan(0.5e6);
  expect(iperf3!.throughput).toBeLessThan(50e6);
  expect(iperf3!.retransmits).toBeGreaterThan(0);
}

/** What one kernel sent and the other did not get is what the simulator says that it dropped. */
function checkCrossings(result: ScenarioResult): void {
  expect(result.crossings!.map(({ protocol }) => protocol)).toEqual(["icmp-echo", "udp", "tcp"]);
  for (const { protocol, missing, dropped } of result.crossings!) {
    console.log(
      `real-traffic: ${protocol}: ${missing} packets missing at the receivers, ${dropped} dropped by the simulator`,
    );
  }
  const sum = (pick: "missing" | "dropped"): number => result.crossings!.reduce((all, each) => all + each[pick], 0);
  expect(sum("dropped")).toBeGreaterThan(0);
  expect(Math.abs(sum("missing") - sum("dropped") - dropsOutside(result))).toBeLessThanOrEqual(1);
  for (const { counters, protocols } of result.kernels!) {
    for (const name of ["IpInHdrErrors", "TcpInErrs", "TcpInCsumErrors", "IcmpInErrors", "UdpInCsumErrors"]) {
      expect(counters[name] ?? 0, name).toBe(0);
    }
    for (const { protocol, received, left } of protocols) {
      expect(Math.abs(received - left), `${protocol} received`).toBeLessThanOrEqual(1);
    }
  }
}

function dropsOf({ forth, back }: NonNullable<ProgramResult["wire"]>): number {
  return [forth, back].flatMap(({ drops }) => Object.values(drops)).reduce((sum, count) => sum + count, 0);
}
