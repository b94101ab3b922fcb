import { accessSync, constants, statSync } from "node:fs";
import { delimiter, join } from "node:path";
import { spawn, type ChildProcess } from "node:child_process";
import { onProcessEnd } from "../kernel/exit-cleanup.ts";

/** A program to run in a network namespace. */
export interface ProgramSpec {
  /** The program and its arguments. No shell reads them. */
  readonly command: readonly string[];
  readonly netns: string;
}

/** How a program ended, and what it printed. */
export interface ProgramEnding {
  readonly exitCode?: number;
  /** The signal that ended it. */
  readonly signal?: string;
  /** The last 4 MiB of what it printed, and the last 64 KiB of its complaints. */
  readonly stdout: string;
  readonly stderr: string;
  /** It is not on this machine, or cannot be run: what to do about it. */
  readonly missing?: string;
}

/** A program that runs. */
export interface RunningProgram {
  /** When it was started: ms since 1970, the clock of the timestamps that programs print. */
  readonly startedAt: number;
  /** Never rejects. */
  readonly ended: Promise<ProgramEnding>;
  /** SIGINT, upon which ping and iperf3 print what they have; SIGTERM and SIGKILL if it does not listen. */
  stop(): void;
}

const MOST_OUTPUT = 4 << 20;
const MOST_COMPLAINTS = 64 << 10;
/** After SIGINT, ms. */
const TERMINATE_AFTER = 1000;
const KILL_AFTER = 2000;

/** Debian's packages of programs that scenarios like to run, where the package is named otherwise. */
const PACKAGES: Readonly<Record<string, string>> = {
  ping: "iputils-ping",
  ping6: "iputils-ping",
  nc: "netcat-openbsd",
};

/**
 * Runs a program in a network namespace, without a terminal and with nothing on its standard input. It gets English messages, for
 * what it prints is read. It is killed with all that it started when this process ends, however that is (but for SIGKILL).
 */
export function runProgram({ command, netns }: ProgramSpec): RunningProgram {
  const startedAt = Date.now();
  const [name = ""] = command;
  const missing = whyNotHere(name) ?? whyNotHere("ip");
  if (missing !== undefined) {
    return { startedAt, ended: Promise.resolve({ stdout: "", stderr: "", missing }), stop: () => undefined };
  }
  // A process group of its own: Ctrl-C of a terminal is ours to pass on, and its children end with it.
  const child = spawn("ip", ["netns", "exec", netns, ...command], {
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
    env: { ...process.env, LC_ALL: "C" },
  });
  const stdout = new Tail(MOST_OUTPUT);
  const stderr = new Tail(MOST_COMPLAINTS);
  child.stdout.on("data", (chunk: Buffer) => stdout.add(chunk));
  child.stderr.on("data", (chunk: Buffer) => stderr.add(chunk));
  const takeBack = onProcessEnd(() => signalGroup(child, "SIGKILL"));
  let timers: NodeJS.Timeout[] = [];
  const ended = new Promise<ProgramEnding>((resolve) => {
    const end = (more: Partial<ProgramEnding>): void => {
      for (const timer of timers) clearTimeout(timer);
      takeBack();
      resolve({ stdout: stdout.text(), stderr: stderr.text(), ...more });
    };
    child.once("error", (error) => end({ missing: error.message }));
    child.once("exit", () => {
      // What it leaves behind in its group would hold our pipes and the namespace.
      signalGroup(child, "SIGKILL");
    });
    child.once("close", (exitCode, signal) => {
      end({ ...(exitCode === null ? {} : { exitCode }), ...(signal === null ? {} : { signal }) });
    });
  });
  return {
    startedAt,
    ended,
    stop() {
      if (timers.length > 0 || child.exitCode !== null || child.signalCode !== null) return;
      signalGroup(child, "SIGINT");
      timers = [
        setTimeout(() => signalGroup(child, "SIGTERM"), TERMINATE_AFTER),
        setTimeout(() => signalGroup(child, "SIGKILL"), KILL_AFTER),
      ];
    },
  };
}

/** `undefined` if the program can be run; else what to do. */
function whyNotHere(name: string): string | undefined {
  const candidates = name.includes("/")
    ? [name]
    : (process.env["PATH"] ?? "").split(delimiter).map((directory) => join(directory, name));
  if (candidates.some((path) => isExecutable(path))) return undefined;
  if (name.includes("/")) return `${name} is not there, or not executable`;
  return `${name} is not installed: apt-get install ${PACKAGES[name] ?? (name === "ip" ? "iproute2" : name)}, or your system's package of it`;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error; // ESRCH: nobody is left in it
  }
}

/** The end of a stream of bytes. */
class Tail {
  readonly #most: number;
  #chunks: Buffer[] = [];
  #length = 0;

  constructor(most: number) {
    this.#most = most;
  }

  add(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#length += chunk.length;
    if (this.#length > 2 * this.#most) this.#cut();
  }

  text(): string {
    this.#cut();
    return (this.#chunks[0] ?? Buffer.alloc(0)).toString("utf8");
  }

  #cut(): void {
    const all = Buffer.concat(this.#chunks);
    const kept = Buffer.from(all.subarray(Math.max(0, all.length - this.#most)));
    this.#chunks = [kept];
    this.#length = kept.length;
  }
}
