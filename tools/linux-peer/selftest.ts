import { Buffer } from "node:buffer";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { boot, type BootOptions } from "./boot.ts";
import { build } from "./build/build.ts";
import { run, succeeds } from "./build/shell.ts";
import { GuestSession } from "./session.ts";
import { readSettings, type Engine } from "./settings.ts";

/** Tries every option and every kind of link. Returns the exit status. */
export async function selfTest(engines: readonly Engine[]): Promise<number> {
  let failed = 0;
  let passed = 0;
  for (const engine of engines) {
    build(engine, readSettings());
    for (const [name, test] of Object.entries({ ...COMMON, ...(engine === "qemu" ? QEMU_ONLY : {}) })) {
      const start = performance.now();
      const problem = await attempt(() => test(engine));
      const seconds = ((performance.now() - start) / 1000).toFixed(1);
      if (problem === undefined) passed++;
      else failed++;
      console.log(
        `${problem === undefined ? "ok    " : "FAILED"} ${engine}  ${name.padEnd(26)} ${seconds.padStart(5)} s`,
      );
      if (problem !== undefined) console.log(problem.replace(/^/gm, "         "));
    }
  }
  console.log(`${passed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}

type Test = (engine: Engine) => Promise<void>;

const COMMON: Readonly<Record<string, Test>> = {
  "exit status": async (engine) => {
    equal((await output({ engine, command: ["bash", "-c", "exit 7"] })).status, 7);
  },
  "arguments as they are": async (engine) => {
    equal((await output({ engine, command: ["printf", "%s|", "a b", "$c", ""] })).text, "a b|$c||");
  },
  "a script": async (engine) => {
    await inScratch(async (scratch) => {
      writeFileSync(join(scratch, "s"), 'echo "$# $1"\n');
      equal((await output({ engine, script: join(scratch, "s"), command: ["x y"] })).text, "1 x y\n");
    });
  },
  "time limit": async (engine) => {
    equal((await output({ engine, command: ["sleep", "1000"], timeoutSeconds: 6 })).status, 124);
  },
  "shared directory": async (engine) => {
    await inScratch(async (share) => {
      writeFileSync(join(share, "there"), "from the host\n");
      await output({ engine, share, command: ["cp", "/run/share/there", "/run/share/back"] });
      equal(readFileSync(join(share, "back"), "utf8"), "from the host\n");
    });
  },
  "kernel log": async (engine) => {
    await inScratch(async (scratch) => {
      await output({ engine, dmesg: join(scratch, "log"), command: ["true"] });
      equal(readFileSync(join(scratch, "log"), "utf8").includes("Linux version"), true);
    });
  },
  "modules load by themselves": async (engine) => {
    const add = "ip link add vrf-red type vrf table 10 && ip -br link show type vrf | cut -d' ' -f1";
    equal((await output({ engine, command: ["bash", "-c", add] })).text, "vrf-red\n");
  },
  "udp link between guests": (engine) => pingBetween(engine, "udp"),
  "rawudp link between guests": (engine) => pingBetween(engine, "rawudp"),
  "tap link": async (engine) => {
    if (process.getuid?.() !== 0 || !succeeds("sh", ["-c", "command -v ip"])) return;
    const device = `lp${process.pid % 100_000}`;
    run("ip", ["tuntap", "add", "dev", device, "mode", "tap"]);
    try {
      run("ip", ["addr", "add", "198.51.100.2/24", "dev", device]);
      run("ip", ["link", "set", device, "up"]);
      const script = `${address("198.51.100.1")} && ping -c 3 -i 0.2 -W 5 198.51.100.2`;
      equal((await output({ engine, links: [`tap:${device}`], command: ["bash", "-c", script] })).status, 0);
    } finally {
      run("ip", ["link", "del", device]);
    }
  },
};

const QEMU_ONLY: Readonly<Record<string, Test>> = {
  "stream link": async (engine) => {
    const { createServer } = await import("node:net");
    await inScratch(async (scratch) => {
      const path = join(scratch, "socket");
      const received: Buffer[] = [];
      const server = createServer((socket) => {
        socket.on("error", () => undefined); // the guest's powering off may reset it
        socket.on("data", (chunk: Buffer) => received.push(chunk));
      });
      await new Promise<void>((resolve) => server.listen(path, resolve));
      const script = `${address("198.51.100.1")}; ping -c 1 -W 1 198.51.100.2`;
      await output({ engine, links: [`stream:${path}`], command: ["bash", "-c", script] });
      await new Promise((resolve) => server.close(resolve));
      const bytes = Buffer.concat(received);
      // The first frame, whatever it is, comes from the guest's address.
      equal(bytes.subarray(10, 16).toString("hex"), "024c50000100");
    });
  },
};

async function pingBetween(engine: Engine, kind: "udp" | "rawudp"): Promise<void> {
  const port = 20_000 + (process.pid % 10_000) * 2;
  const one = await GuestSession.start({ engine, id: 1, links: [`${kind}:${port}:${port + 1}`], timeoutSeconds: 100 });
  const two = await GuestSession.start({ engine, id: 2, links: [`${kind}:${port + 1}:${port}`], timeoutSeconds: 100 });
  try {
    await one.expect(address("198.51.100.1"));
    await two.expect(address("198.51.100.2"));
    const text = await one.expect("ping -c 5 -i 0.2 -W 5 -M do -s 1472 198.51.100.2");
    equal(/5 received/.test(text), true);
  } finally {
    await Promise.all([one.close(), two.close()]);
  }
}

function address(ip: string): string {
  return `ip addr add ${ip}/24 dev eth0 && ip link set eth0 up`;
}

async function output(options: BootOptions): Promise<{ text: string; status: number }> {
  const guest = boot({ timeoutSeconds: 100, ...options });
  const chunks: Buffer[] = [];
  guest.stdout?.on("data", (chunk: Buffer) => chunks.push(chunk));
  const { status, complaint } = await guest.ended;
  if (complaint !== undefined && status !== 124) throw new Error(complaint);
  return { text: Buffer.concat(chunks).toString(), status };
}

async function inScratch(test: (directory: string) => Promise<void>): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), "linux-peer-test-"));
  try {
    await test(directory);
  } finally {
    if (existsSync(directory)) rmSync(directory, { recursive: true });
  }
}

async function attempt(test: () => Promise<void>): Promise<string | undefined> {
  try {
    await test();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function equal(actual: unknown, expected: unknown): void {
  if (actual === expected) return;
  throw new Error(`expected ${JSON.stringify(expected)}, got ${JSON.stringify(actual)}`);
}
