import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, statSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const source = fileURLToPath(new URL("lwip-peer.c", import.meta.url));

export interface LwipRun {
  readonly bytes: number;
  readonly packets: number;
  readonly cpuNanos: number;
}

/**
 * Builds the lwIP peer once and answers how to run it.
 *
 * @throws Error that says which packages to install, where the compiler or the library is missing
 */
export function buildLwip(): (bytes: number) => LwipRun {
  const program = compile();
  return (bytes) => JSON.parse(execFileSync(program, [String(bytes)], { encoding: "utf8" })) as LwipRun;
}

function compile(): string {
  const folder = join(tmpdir(), `seville-bench-${userInfo().uid}`);
  const program = join(folder, "lwip-peer");
  if (existsSync(program) && statSync(program).mtimeMs > statSync(source).mtimeMs) return program;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const include = "/usr/include/lwip";
  const cc = spawnSync("cc", ["-O2", `-I${include}`, source, "-llwip", "-lpthread", "-o", program], {
    encoding: "utf8",
  });
  if (cc.error !== undefined || cc.status !== 0)
    throw new Error(
      `the lwIP peer could not be built: apt-get install gcc libc6-dev liblwip-dev\n${cc.error?.message ?? cc.stderr}`,
    );
  return program;
}
