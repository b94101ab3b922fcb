import { spawn, type ChildProcess } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable, Writable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { engineCommand } from "./engine-command.ts";
import { parseLink } from "./links.ts";
import { isBuilt, PeerError, readSettings, type Engine } from "./settings.ts";

export interface BootOptions {
  /** Default `uml`. */
  readonly engine?: Engine;
  /** With QEMU: the machine's processor rather than an emulated one. */
  readonly kvm?: boolean;
  /** What to run as root, or the arguments of `script`. Without either, an interactive shell. */
  readonly command?: readonly string[];
  /** A file of the host that is copied into the guest and run. */
  readonly script?: string;
  /** Ethernet devices, as `--link` takes them. */
  readonly links?: readonly string[];
  /** 0 to 255: part of the guest's Ethernet addresses and of its name. Default 1. */
  readonly id?: number;
  /** A directory of the host, writable as /run/share. */
  readonly share?: string;
  /** Whether the command reads what is written to {@link Guest.stdin}, in lines. */
  readonly stdin?: boolean;
  /** After so long the guest is powered off by force. Default 60. */
  readonly timeoutSeconds?: number;
  /** Default 256. */
  readonly memoryMib?: number;
  /** File of the host for the kernel's log. */
  readonly dmesg?: string;
  /** Shows the kernel's messages as it boots. */
  readonly verbose?: boolean;
  /** Nice value, if this process may: negative for a guest that is to keep pace on a busy machine. */
  readonly nice?: number;
}

/** How a guest ended. */
export interface GuestEnd {
  /** The command's own; 124: timed out; 125: could not boot, or its kernel panicked. */
  readonly status: number;
  /** Said when the status is not the command's. */
  readonly complaint: string | undefined;
}

/** A Linux that runs. */
export interface Guest {
  /** `undefined` for an interactive one: it has the terminal. */
  readonly stdin: Writable | undefined;
  readonly stdout: Readable | undefined;
  readonly ended: Promise<GuestEnd>;
  /** Resolves when the guest's command can be written to. */
  readonly ready: Promise<void>;
  /** Powers it off by force. */
  kill(): void;
}

const CANNOT_BOOT = 125;
const TIMED_OUT = 124;
const READY_POLL_MS = 20;

/** Boots a guest. @throws PeerError if it is not built, or for an option that cannot be */
export function boot(options: BootOptions): Guest {
  const settings = readSettings();
  const { engine = "uml", id = 1, timeoutSeconds = 60 } = options;
  if (!isBuilt(engine, settings)) throw new PeerError(`not built yet: tools/linux-peer/linux-peer build ${engine}`);
  if (!Number.isInteger(id) || id < 0 || id > 255) throw new PeerError(`--id must be 0 to 255, not ${id}`);
  if (!(timeoutSeconds > 0)) throw new PeerError(`--timeout must be above 0, not ${timeoutSeconds}`);
  const links = (options.links ?? []).map((text, index) => parseLink(text, index, id));
  const share = options.share === undefined ? undefined : realpathSync(options.share);
  const run = mkdtempSync(join(tmpdir(), "linux-peer-"));
  for (const path of [run, share, settings.directory]) {
    // They go on a kernel's command line and into mount options.
    if (path !== undefined && /[\s,]/.test(path)) throw new PeerError(`blanks and commas cannot be in a path: ${path}`);
  }
  const argv = prepareCommand(run, options);
  const isInteractive = argv.length === 0;
  writeFileSync(
    join(run, "peer/conf"),
    guestConfig(
      options,
      id,
      links.map((link) => link.mtu),
    ),
  );
  const command = engineCommand({
    engine,
    settings,
    run,
    share,
    links,
    memoryMib: options.memoryMib ?? 256,
    kvm: options.kvm ?? false,
    verbose: options.verbose ?? false,
  });
  // User-mode Linux aborts when its kernel panics: no core files. `timeout` holds even if this process is killed.
  const limits = isInteractive ? 'ulimit -c 0; exec "$@"' : 'ulimit -c 0; exec timeout -k 5 "$0" "$@"';
  // Without the privilege nice complains on standard error, and runs the command all the same.
  const nice = options.nice === undefined ? [] : ["nice", "-n", String(options.nice)];
  const child = spawn("sh", ["-c", limits, String(timeoutSeconds), ...nice, ...command], {
    stdio: isInteractive ? "inherit" : ["pipe", "pipe", "pipe"],
  });
  return supervise(child, run, { ...options, timeoutSeconds });
}

function prepareCommand(run: string, options: BootOptions): readonly string[] {
  const peer = join(run, "peer");
  mkdirSync(peer);
  let argv = [...(options.command ?? [])];
  if (options.script !== undefined) {
    const script = join(peer, "script");
    copyFileSync(options.script, script);
    chmodSync(script, 0o755);
    const hasInterpreter = readFileSync(script).subarray(0, 2).toString() === "#!";
    argv = [...(hasInterpreter ? [] : ["bash"]), "/run/peer/script", ...argv];
  }
  writeFileSync(join(peer, "argv"), argv.map((word) => `${word}\0`).join(""));
  return argv;
}

/** Shell variables that guest/init reads. */
function guestConfig(options: BootOptions, id: number, mtus: readonly number[]): string {
  const { isTTY, columns, rows } = process.stdout;
  const term = (process.env["TERM"] ?? "dumb").replace(/[^\w.-]/g, "");
  return [
    `hostname=peer${id}`,
    `mtus=(${mtus.join(" ")})`,
    `console=${options.engine === "qemu" ? "ttyS0" : "tty0"}`,
    `stdin=${options.stdin === true ? 1 : 0}`,
    `columns=${isTTY ? columns : 80} rows=${isTTY ? rows : 24} term=${term}`,
    "",
  ].join("\n");
}

/** Watches over the engine's process until all of it is gone. */
function supervise(child: ChildProcess, run: string, options: BootOptions): Guest {
  let complaint = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => (complaint = (complaint + text).slice(-4000)));
  child.stdin?.on("error", () => undefined); // the guest may end before it has read all
  const onExit = () => {
    killEngine(child, run);
    rmSync(run, { recursive: true, force: true });
  };
  process.once("exit", onExit);
  const ended = new Promise<GuestEnd>((resolve) => {
    child.once("error", (error) => (complaint += error.message));
    child.once("close", (code, signal) => {
      killEngine(child, run);
      resolve(readEnd(run, code ?? signal, complaint, options));
      rmSync(run, { recursive: true, force: true });
      process.removeListener("exit", onExit);
    });
  });
  return {
    stdin: child.stdin ?? undefined,
    stdout: child.stdout ?? undefined,
    ended,
    ready: untilReady(run, ended),
    kill: () => killEngine(child, run),
  };
}

async function untilReady(run: string, ended: Promise<GuestEnd>): Promise<void> {
  const over = ended.then(() => true);
  while (!existsSync(join(run, "peer/ready"))) {
    if (await Promise.race([over, sleep(READY_POLL_MS, false)])) return;
  }
}

/** User-mode Linux leads a process group of its own and writes its number to a file, which is gone once it ended by itself. */
function killEngine(child: ChildProcess, run: string): void {
  try {
    process.kill(-Number(readFileSync(join(run, "uml/guest/pid"), "utf8")), "SIGKILL");
  } catch {
    // There is no such file, or no such group any more: nothing is left to kill.
  }
  if (child.exitCode === null && child.signalCode === null) child.kill("SIGTERM");
}

function readEnd(run: string, engineStatus: number | string | null, said: string, options: BootOptions): GuestEnd {
  const dmesg = join(run, "peer/dmesg");
  if (options.dmesg !== undefined && existsSync(dmesg)) copyFileSync(dmesg, options.dmesg);
  const status = join(run, "peer/status");
  const text = existsSync(status) ? readFileSync(status, "utf8").trim() : "";
  if (text !== "") return { status: Number(text), complaint: undefined };
  if (engineStatus === 124 || engineStatus === 137) {
    return { status: TIMED_OUT, complaint: `timed out after ${options.timeoutSeconds ?? 60} s` };
  }
  const lines = said.trim().split("\n").slice(-20).join("\n");
  return { status: CANNOT_BOOT, complaint: `the guest ended early (status ${engineStatus}); try --verbose\n${lines}` };
}
