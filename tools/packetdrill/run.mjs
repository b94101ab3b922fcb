#!/usr/bin/env node
// `pnpm packetdrill`: runs main.ts from the sources, with the kernels that they need.
import { spawnSync } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, "..", "..");

// Generated sources; its words, if any, go to standard error.
const kernels = spawnSync(process.execPath, [join(root, "tools", "turbo.mjs"), "kernel"], {
  cwd: root,
  stdio: ["ignore", 2, 2],
});
if (kernels.status !== 0) {
  console.error("packetdrill: the checksum kernels could not be built");
  process.exit(2);
}
const args = process.argv.slice(2).filter((arg) => arg !== "--");
const run = spawnSync(
  process.execPath,
  ["--conditions=@seville/source", "--import", import.meta.resolve("tsx"), join(here, "main.ts"), ...args],
  { stdio: ["ignore", "inherit", "inherit"] },
);
process.exitCode = run.status ?? 2;
