#!/usr/bin/env node
// `pnpm interop NAME`: prepares what a suite needs and runs tools/interop/suites/NAME.ts from the sources.
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, "..", "..");

/** "linux-peer basic" for suites/linux-peer/basic.ts. */
const names = readdirSync(join(here, "suites"), { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .flatMap(({ name: group }) => {
    const files = readdirSync(join(here, "suites", group)).filter((file) => /^[\w-]+\.ts$/.test(file));
    return files.map((file) => `${group} ${file.slice(0, -3)}`);
  })
  .sort();

const HELP = `usage: pnpm interop NAME [--json] [--quick] [--filter TEXT]

  NAME      ${names.map((name) => JSON.stringify(name).slice(1, -1)).join(", ")}
            (two words; the first alone runs all of its group)
  --json    print {total, passed, failed, skipped: [{case, why}]} on stdout and nothing else
  --quick   fewer and shorter cases, in less than a minute
  --filter  only the cases whose name contains TEXT

Ours against other implementations. Ends with status 1 if a case failed, 2 if it could not begin.`;

const args = process.argv.slice(2).filter((arg) => arg !== "--");
if (args.includes("--help") || args.includes("-h")) {
  console.log(HELP);
  process.exit(0);
}

const options = { json: false, quick: false, filter: "" };
const words = [];
for (let i = 0; i < args.length; i++) {
  const arg = args[i];
  if (arg === "--json") options.json = true;
  else if (arg === "--quick") options.quick = true;
  else if (arg === "--filter" && args[i + 1] !== undefined) options.filter = args[++i];
  else if (!arg.startsWith("-")) words.push(...arg.split(" "));
  else fail(`unexpected argument ${JSON.stringify(arg)}\n\n${HELP}`);
}
const wanted = words.join(" ");
if (wanted === "") fail(`which suite?\n\n${HELP}`);
const suites = names.filter((name) => name === wanted || name.startsWith(`${wanted} `));
if (suites.length === 0) fail(`there is no suite ${JSON.stringify(wanted)}. There are: ${names.join(", ")}`);

// Kernels are generated; its words, if any, go to standard error.
const kernels = spawnSync(process.execPath, [join(root, "tools", "turbo.mjs"), "kernel"], {
  cwd: root,
  stdio: ["ignore", 2, 2],
});
if (kernels.status !== 0) fail("the checksum kernels could not be built");

const run = spawnSync(
  process.execPath,
  [
    "--conditions=@seville/source",
    "--import",
    "tsx",
    join(here, "lib", "main.ts"),
    JSON.stringify({ suites, ...options }),
  ],
  { cwd: root, stdio: "inherit" },
);
process.exitCode = run.status ?? 1;

function fail(message) {
  console.error(message);
  process.exit(2);
}
