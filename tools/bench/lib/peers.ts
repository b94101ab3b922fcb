import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const HERE = fileURLToPath(new URL("..", import.meta.url));

/** Installs tools/bench/package.json by its lockfile, unless that has been done. Throws if it fails. */
export function installPeers(progress: (message: string) => void): void {
  const stamp = join(HERE, "node_modules", ".seville-stamp");
  const wanted = fingerprint();
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === wanted) return;
  progress("installing the peers (once; native add-ons are compiled and take a minute) …");
  const { status, error } = spawnSync("pnpm", ["install", "--frozen-lockfile"], {
    cwd: HERE,
    stdio: ["ignore", 2, 2],
    env: { ...process.env, ...localHeaders() },
  });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`installing the peers failed with status ${status}`);
  writeFileSync(stamp, wanted);
}

/** Imports a peer from where {@link installPeers} put it. */
export async function loadPeer<Module>(name: string): Promise<Module> {
  const file = createRequire(join(HERE, "package.json")).resolve(name);
  const loaded = (await import(pathToFileURL(file).href)) as Module & { default?: Module };
  return loaded.default ?? loaded;
}

/** node-gyp downloads Node's headers, unless it is told where they are: most distributions put them beside the program. */
function localHeaders(): Record<string, string> {
  const prefix = join(dirname(process.execPath), "..");
  return existsSync(join(prefix, "include", "node", "node.h")) ? { npm_config_nodedir: prefix } : {};
}

/** Changes with the versions of the peers and with the Node ABI for which add-ons were built. */
function fingerprint(): string {
  const hash = createHash("sha256").update(process.versions.modules);
  for (const file of ["package.json", "pnpm-lock.yaml"]) hash.update(readFileSync(join(HERE, file)));
  return hash.digest("hex");
}
