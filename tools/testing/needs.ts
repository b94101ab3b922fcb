import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { test, type TestContext } from "vitest";

/** What a test may need from the machine, and how to find out. Each answers the reason why it is missing, or undefined. */
const CHECKS = {
  root: () => (process.getuid?.() === 0 ? undefined : "needs root"),
  linux: () => (process.platform === "linux" ? undefined : "needs Linux"),
  tun: () => (existsSync("/dev/net/tun") ? undefined : "needs /dev/net/tun"),
  tshark: () => command("tshark"),
  ip: () => command("ip"),
  ping: () => command("ping"),
  iperf3: () => command("iperf3"),
  ethtool: () => command("ethtool"),
  python3: () => command("python3"),
  apt: () => command("apt-get"),
} as const;

export type Need = keyof typeof CHECKS;

/** The first of `needs` that this machine lacks, as a sentence; `undefined` if it has them all. */
export function missing(...needs: readonly Need[]): string | undefined {
  for (const need of needs) {
    const reason = CHECKS[need]();
    if (reason !== undefined) return reason;
  }
  return undefined;
}

/** `test`, but skipped with the reason printed where the machine lacks one of `needs`. */
export function testWith(
  needs: readonly Need[],
  name: string,
  run: (context: TestContext) => void | Promise<void>,
  timeoutMs?: number,
): void {
  test(
    name,
    async (context) => {
      const reason = missing(...needs);
      if (reason !== undefined) context.skip(reason);
      await run(context);
    },
    timeoutMs,
  );
}

/** Why there is no program `name` here; `undefined`: there is. */
export function command(name: string): string | undefined {
  try {
    execFileSync("sh", ["-c", `command -v ${name}`], { stdio: "ignore" });
    return undefined;
  } catch {
    return `needs the program ${name}`;
  }
}
