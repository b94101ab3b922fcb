#!/usr/bin/env node
// `pnpm bench NAME`: prepares what a bench needs (kernels, peers) and runs tools/bench/NAME/bench.ts from the sources.
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, "..", "..");
const names = readdirSync(here)
  .filter((name) => existsSync(join(here, name, "bench.ts")))
  .sort();

const HELP = `usage: pnpm bench NAME [--json] [--quick] [--filter TEXT] [--check]

  NAME      ${names.join(", ")}
  --json    print {name, node, rows} on stdout and nothing else
  --quick   fewer rounds: for a first look, not for publication
  --filter  only the cases whose name contains TEXT
  --check   exit with 1 if a figure that is judged is not within its tolerance

Times are CPU time, medians over interleaved rounds. A ratio above 1 means that ours is better.`;

const args = process.argv.slice(2).filter((arg) => arg !== "--");
if (args.includes("--help") || args.includes("-h")) {
  console.log(HELP);
  process.exit(0);
}

const options = { json: false, quick: false, filter: "", check: false };
let name;
for (let i = 0; i < args.length; i++) {
  const arg = args[i];
  if (arg === "--json") options.json = true;
  else if (arg === "--quick") options.quick = true;
  else if (arg === "--check") options.check = true;
  else if (arg === "--filter" && args[i + 1] !== undefined) options.filter = args[++i];
  else if (!arg.startsWith("-") && name === undefined) name = arg;
  else fail(`unexpected argument ${JSON.stringify(arg)}\n\n${HELP}`);
}
if (name === undefined) fail(`which bench?\n\n${HELP}`);
if (!names.includes(name)) fail(`there is no bench ${JSON.stringify(name)}. There are: ${names.join(", ")}`);

// Kernels are generated. Turbo's own lines are of interest only when it fails.
const turbo = spawnSync(join(root, "node_modules", ".bin", "turbo"), ["run", "kernel", "--output-logs=errors-only"], {
  cwd: root,
  env: { ...process.env, TURBO_TELEMETRY_DISABLED: "1" },
  encoding: "utf8",
});
if (turbo.error) fail(turbo.error.message);
if (turbo.status !== 0) fail(`the kernels could not be built\n${turbo.stdout}${turbo.stderr}`);

const bench = spawnSync(
  process.execPath,
  [
    "--conditions=@seville/source",
    "--expose-gc",
    "--import",
    "tsx",
    join(here, "lib", "main.ts"),
    JSON.stringify({ name, ...options }),
  ],
  { cwd: root, stdio: ["ignore", "inherit", "inherit"] },
);
if (bench.error) fail(bench.error.message);
process.exitCode = bench.status ?? 1;

function fail(message) {
  console.error(`bench: ${message}`);
  process.exit(2);
}
