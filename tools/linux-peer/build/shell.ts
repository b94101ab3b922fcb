import { spawnSync } from "node:child_process";
import { PeerError } from "../settings.ts";

/** Runs a program to its end and returns what it prints. What it complains about is shown if it fails. */
export function run(
  program: string,
  args: readonly string[],
  options: { readonly cwd?: string; readonly input?: Uint8Array; readonly env?: NodeJS.ProcessEnv } = {},
): Buffer {
  const result = spawnSync(program, args, { maxBuffer: 1 << 30, ...options });
  if (result.error !== undefined) throw new PeerError(`could not run ${program}: ${result.error.message}`);
  if (result.status === 0) return result.stdout;
  const said = result.stderr.toString().trim().split("\n").slice(-10).join("\n");
  throw new PeerError(`${program} ${args.join(" ")}: status ${result.status ?? result.signal}\n${said}`);
}

export function succeeds(program: string, args: readonly string[]): boolean {
  return spawnSync(program, args, { stdio: "ignore" }).status === 0;
}

/** The last line of the story so far, for people who wait. */
export function say(line: string): void {
  process.stderr.write(`linux-peer: ${line}\n`);
}
