import { execFile, spawn, type ChildProcess } from "node:child_process";
import { existsSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import type { ScenarioResult } from "@seville/scenario";
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

  constructor() {
    const main = new URL("../src/main.ts", import.meta.url).pathname;
    const sets = [`attachments.left.tap.netns=${this.left}`, `attachments.right.tap.netns=${this.right}`];
    const args = ["run", "real-traffic", "--until", "300s", "--json", ...sets.flatMap((set) => ["--set", set])];
    const tsx = import.meta.resolve("tsx");
    this.#child = spawn(process.execPath, ["--conditions=@seville/source", "--import", tsx, main, ...args], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    this.#child.stdout?.setEncoding("utf8").on("data", (text: string) => (this.#output += text));
    this.#ended = new Promise((resolve) => this.#child.once("exit", (status) => resolve(status)));
  }

  /** Until the kernels reach each other. What this says is part of the traffic. */
  async begun(): Promise<void> {
    for (let tries = 0; tries < 100; tries++) {
      if (this.#child.exitCode !== null) throw new Error("the scenario ended before it began");
      const arrives = await this.in(this.left, "ping", "-c", "1", "-W", "1", "10.81.2.2").then(
        () => true,
        () => false,
      );
      if (arrives) return;
      await sleep(100);
    }
    throw new Error("no ping came back in 100 tries");
  }

  /** Runs a program in a namespace and returns what it prints. */
  async in(netns: string, ...command: readonly string[]): Promise<string> {
    const { stdout } = await run("ip", ["netns", "exec", netns, ...command], { maxBuffer: 1 << 26 });
    return stdout;
  }

  /** Ctrl-C; then what it found. */
  async stop(): Promise<ScenarioResult> {
    this.#child.kill("SIGINT");
    const giveUp = setTimeout(() => this.#child.kill("SIGKILL"), 20_000);
    const status = await this.#ended;
    clearTimeout(giveUp);
    expect(status, "exit status after Ctrl-C").toBe(130);
    expect(existsSync(`/run/netns/${this.left}`), "the namespaces are gone").toBe(false);
    expect(existsSync(`/run/netns/${this.right}`)).toBe(false);
    return JSON.parse(this.#output) as ScenarioResult;
  }
}

type Counters = Readonly<Record<string, number>>;

/** /proc/net/snmp of a namespace: `IpInReceives`, `TcpOutSegs` … */
async function counters(traffic: RealTraffic, netns: string): Promise<Counters> {
  const lines = (await traffic.in(netns, "cat", "/proc/net/snmp")).trim().split("\n");
  const all: Record<string, number> = {};
  for (let i = 0; i + 1 < lines.length; i += 2) {
    const [names = "", values = ""] = [lines[i], lines[i + 1]];
    const group = names.slice(0, names.indexOf(":"));
    const numbers = values.split(" ").slice(1).map(Number);
    for (const [at, name] of names.split(" ").slice(1).entries()) all[`${group}${name}`] = numbers[at]!;
  }
  return all;
}

const of = (all: Counters, name: string): number => all[name] ?? Number.NaN;

/**
 * ICMP messages and TCP segments that one kernel sent and the other did not receive. (Not by the counters of IP, which count a
 * super-packet once.) Linux counts retransmitted segments apart.
 */
function lostBetween(from: Counters, to: Counters): number {
  const segments = of(from, "TcpOutSegs") + of(from, "TcpRetransSegs") - of(to, "TcpInSegs");
  return segments + of(from, "IcmpOutMsgs") - of(to, "IcmpInMsgs");
}

/** Frames that the link or the way to it lost, `from` one end. What came before time began was none of the traffic. */
function dropsFrom(result: ScenarioResult, from: string): number {
  const link = result.links.find((each) => each.link === "wan" && each.from === from)!;
  return Object.entries(link.drops).reduce((sum, [reason, count]) => sum + (reason === "END_OF_RUN" ? 0 : count), 0);
}

function dropsOutside(result: ScenarioResult): number {
  const lost = result.drops.filter(
    ({ where, reason }) => where !== "link" && where !== "host" && !/^(DEV_READY|END_OF_RUN)$/.test(reason),
  );
  return lost.reduce((sum, { packets }) => sum + packets, 0);
}

interface IperfSum {
  readonly packets?: number;
  readonly lost_packets?: number;
  readonly bytes: number;
  readonly bits_per_second: number;
}

/** iperf3 from the left to the right; `args` as iperf3 takes them. */
async function iperf(
  traffic: RealTraffic,
  ...args: readonly string[]
): Promise<{ sum_sent: IperfSum; sum_received: IperfSum }> {
  const server = traffic.in(traffic.right, "iperf3", "-s", "-1");
  try {
    for (let tries = 0; tries < 50; tries++) {
      if ((await traffic.in(traffic.right, "cat", "/proc/net/tcp", "/proc/net/tcp6")).includes(":1451 ")) break;
      await sleep(50);
    }
    const text = await traffic.in(traffic.left, "iperf3", "-J", "-c", "10.81.2.2", ...args);
    return (JSON.parse(text) as { end: { sum_sent: IperfSum; sum_received: IperfSum } }).end;
  } finally {
    await server.catch(() => undefined);
  }
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

describe("real-traffic: two kernels across a simulated router and a link of 20 ms, 1 % loss and 50 Mbit/s", () => {
  testWith(
    NEEDS,
    "200 pings take the model's time: median within 1 ms, 95th percentile within 5 ms; and a TCP transfer",
    () =>
      withMoreTries(async () => {
        const traffic = new RealTraffic();
        let told: ScenarioResult | undefined;
        try {
          await traffic.begun();
          const text = await traffic
            .in(traffic.left, "ping", "-n", "-i", "0.02", "-c", "500", "10.81.2.2")
            .catch((error: unknown) => (error as { stdout: string }).stdout);
          const times = [...text.matchAll(/time=([\d.]+) ms/g)].map((match) => Number(match[1])).sort((a, b) => a - b);
          const tcp = await iperf(traffic, "-t", "5");
          await sleep(500); // what is under way arrives
          const [left, right] = [await counters(traffic, traffic.left), await counters(traffic, traffic.right)];
          told = await traffic.stop();

          const [median, p95] = [times[times.length >> 1]!, times[Math.floor(times.length * 0.95)]!];
          const late = (told.realtime!.maxLateness / 1e6).toFixed(2);
          console.log(
            `real-traffic: ${times.length} pings, median ${median} ms, 95th percentile ${p95} ms, model ${MODEL_RTT_MS.toFixed(2)} ms; ` +
              `TCP ${(tcp.sum_received.bits_per_second / 1e6).toFixed(1)} Mbit/s; latest event ${late} ms late`,
          );
          expect(times.length).toBeGreaterThanOrEqual(200);
          expect(times[0]).toBeGreaterThanOrEqual(MODEL_RTT_MS - 0.05);
          expect(median).toBeLessThanOrEqual(MODEL_RTT_MS + 1);
          expect(p95).toBeLessThanOrEqual(MODEL_RTT_MS + 5);
          // Loss of 1 % and 40 ms: CUBIC gets a few Mbit/s through, and never more than the link has.
          expect(tcp.sum_received.bits_per_second).toBeGreaterThan(0.5e6);
          expect(tcp.sum_received.bits_per_second).toBeLessThan(50e6);
          for (const each of [left, right]) {
            for (const name of ["IpInHdrErrors", "TcpInErrs", "TcpInCsumErrors", "IcmpInErrors", "UdpInCsumErrors"]) {
              expect(of(each, name), name).toBe(0);
            }
          }
          // What one kernel sent and the other did not get is what the simulator says that it dropped, in both directions.
          const missing = lostBetween(left, right) + lostBetween(right, left);
          const dropped = dropsFrom(told, "r1:right") + dropsFrom(told, "right") + dropsOutside(told);
          console.log(`real-traffic: ${missing} packets missing in both directions, ${dropped} frames dropped`);
          expect(dropped).toBeGreaterThan(0);
          expect(Math.abs(missing - dropped)).toBeLessThanOrEqual(1);
          expect(told.pool.after).toBe(told.pool.before);
        } finally {
          if (told === undefined) await traffic.stop().catch(() => undefined);
        }
      }),
    180_000,
  );

  testWith(
    NEEDS,
    "iperf3 -u misses what the simulator dropped, to a packet",
    () =>
      withMoreTries(async () => {
        const traffic = new RealTraffic();
        let told: ScenarioResult | undefined;
        try {
          await traffic.begun();
          const before = [await counters(traffic, traffic.left), await counters(traffic, traffic.right)] as const;
          const udp = await iperf(traffic, "-u", "-b", "10M", "-l", "1400", "-t", "5");
          await sleep(500); // what is under way arrives
          const after = [await counters(traffic, traffic.left), await counters(traffic, traffic.right)] as const;
          told = await traffic.stop();
          const grown = (side: 0 | 1, name: string): number => of(after[side], name) - of(before[side], name);

          const sent = udp.sum_sent.packets!;
          const missing = sent - (udp.sum_received.packets! - udp.sum_received.lost_packets!);
          // iperf3's control connection crosses the link too; and its first datagram each way is none that it counts.
          const control = grown(0, "TcpOutSegs") + grown(0, "TcpRetransSegs") - grown(1, "TcpInSegs");
          const arrived = grown(1, "IpInReceives") - grown(1, "TcpInSegs") - grown(1, "IcmpInMsgs");
          const missingInKernel = grown(0, "UdpOutDatagrams") - arrived;
          const dropped = dropsFrom(told, "r1:right") + dropsOutside(told) - control;
          console.log(
            `real-traffic: ${missing} of ${sent} datagrams missing by iperf3, ${missingInKernel} by the receiving kernel, ` +
              `${dropped} dropped by the simulator; latest event ${(told.realtime!.maxLateness / 1e6).toFixed(2)} ms late`,
          );
          expect(sent).toBeGreaterThan(4000);
          expect(Math.abs(missingInKernel - dropped)).toBeLessThanOrEqual(1);
          // iperf3 stops counting when its control connection says so: what is on its way then (20 ms of 10 Mbit/s are 18
          // datagrams), and what it is not given the time to read, is missing for it alone.
          expect(missing).toBeGreaterThanOrEqual(dropped - 1);
          expect(missing).toBeLessThanOrEqual(dropped + grown(1, "UdpRcvbufErrors") + sent * 0.02);
          // 1 % of them: five standard deviations of a binomial law.
          const expected = sent * 0.01;
          expect(Math.abs(dropped - expected)).toBeLessThan(5 * Math.sqrt(expected));
        } finally {
          if (told === undefined) await traffic.stop().catch(() => undefined);
        }
      }),
    180_000,
  );
});
