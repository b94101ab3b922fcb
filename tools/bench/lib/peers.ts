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
  const require = createRequire(join(HERE, "package.json"));
  try {
    return require(name) as Module;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ERR_REQUIRE_ESM") throw error;
    return (await import(pathToFileURL(require.resolve(name)).href)) as Module;
  }
}

/** Throws unless a native add-on whose file name matches is loaded: a silent fallback would make us look good. */
export function requireNative(peer: string, file: RegExp): void {
  const { sharedObjects } = process.report.getReport() as unknown as { sharedObjects: string[] };
  if (sharedObjects.some((path) => file.test(path))) return;
  throw new Error(
    `the native add-on of ${peer} is not loaded (it fell back): no loaded library matches ${file.source}`,
  );
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
