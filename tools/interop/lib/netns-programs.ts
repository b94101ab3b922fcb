import { spawn } from "node:child_process";
import { CaseFailure, numbers } from "./suite.ts";

/** How a program ended. */
export interface Ended {
  readonly status: number | null;
  readonly output: string;
}

/** A program that runs in a namespace. */
export interface Running {
  readonly ended: Promise<Ended>;
  /** Resolves when it has printed `text`. */
  printed(text: string): Promise<void>;
  stop(signal?: NodeJS.Signals): void;
}

const TIMEOUT_MS = 120_000;

/** Starts a program in a namespace. What it prints, on either output, is kept. */
export function start(netns: string, words: readonly string[], timeoutMs: number = TIMEOUT_MS): Running {
  const child = spawn("ip", ["netns", "exec", netns, ...words], {
    stdio: ["ignore", "pipe", "pipe"],
    timeout: timeoutMs,
  });
  let output = "";
  const waiting = new Set<() => void>();
  const look = (): void => waiting.forEach((each) => each());
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
      look();
    });
  }
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (status) => resolve({ status, output }));
  });
  void ended.finally(look).catch(() => undefined);
  return {
    ended,
    printed: (text) =>
      new Promise((resolve, reject) => {
        const check = (): void => {
          if (output.includes(text)) resolve();
          else if (child.exitCode !== null) reject(new CaseFailure(`${words.join(" ")} ended:\n${output}`));
          else return;
          waiting.delete(check);
        };
        waiting.add(check);
        check();
      }),
    stop: (signal = "SIGINT") => void child.kill(signal),
  };
}

/** Runs a program in a namespace: words as on a command line. Fails the case unless it ends with status 0. */
export async function inNetns(netns: string, words: string | readonly string[]): Promise<string> {
  const list = typeof words === "string" ? words.split(/\s+/) : words;
  const { status, output } = await start(netns, list).ended;
  if (status === 0) return output;
  throw new CaseFailure(`${list.join(" ")} ended with ${status}:\n${output}`);
}

/** Runs `ip` in a namespace: words as on a command line. */
export async function ip(netns: string, words: string): Promise<string> {
  return inNetns(netns, `ip ${words}`);
}

/** What ping(8) found. */
export interface Pinged {
  readonly sent: number;
  readonly received: number;
  /** Smallest round trip, ms. */
  readonly least: number;
  readonly output: string;
}

/** Pings in quick succession. `args` as ping takes them. */
export async function ping(netns: string, to: string, args = "-c 5 -W 2"): Promise<Pinged> {
  const words = `ping -n -i 0.02 ${args} ${to}`.split(/\s+/);
  const { output } = await start(netns, words).ended;
  const [sent = 0, received = 0] = numbers(output, /(\d+) packets transmitted, (\d+) received/);
  const least = Number(/min\/avg\/max\/mdev = ([\d.]+)/.exec(output)?.[1] ?? Number.NaN);
  return { sent, received, least, output };
}

/** How many may be under way when the last answer that was waited for comes. */
const UNDER_WAY = 3;

/**
 * Pings until five are answered. (ping(8) itself waits for the last of a fixed number no longer than two round trips, which a busy
 * machine does not keep.)
 */
export async function pingWell(netns: string, to: string, args = ""): Promise<Pinged> {
  const pinged = await ping(netns, to, `-c 5 -w 5 ${args}`.trim());
  const { sent, received, output } = pinged;
  if (received < 5 || sent - received > UNDER_WAY) throw new CaseFailure(`every echo is answered\n${output}`);
  return pinged;
}

interface IperfSum {
  readonly bytes: number;
  readonly bits_per_second: number;
  readonly retransmits?: number;
  readonly packets?: number;
  readonly lost_packets?: number;
}

export interface IperfEnd {
  readonly sum_sent?: IperfSum;
  readonly sum_received?: IperfSum;
  readonly sum?: IperfSum;
}

/** Runs iperf3 from `client` to a server of one run at `address` in `server`. `args` as iperf3 takes them. */
export async function iperf(server: string, client: string, address: string, args: string): Promise<IperfEnd> {
  const serving = start(server, ["iperf3", "-s", "-1", "-B", address, "--forceflush"]);
  try {
    await serving.printed("listening");
    const words = ["iperf3", "-J", "-c", address, ...args.split(" ").filter((word) => word !== "")];
    const { output } = await start(client, words).ended;
    const report = parse(output);
    if (report.error !== undefined) throw new CaseFailure(`iperf3: ${report.error}`);
    return report.end;
  } finally {
    serving.stop("SIGKILL");
    await serving.ended;
  }
}

function parse(output: string): { readonly end: IperfEnd; readonly error?: string } {
  try {
    return JSON.parse(output) as { end: IperfEnd; error?: string };
  } catch {
    throw new CaseFailure(`iperf3 printed no JSON:\n${output.slice(0, 2000)}`);
  }
}
