#!/usr/bin/env node
// `pnpm fuzz TARGET`: prepares what the fuzzer needs and runs tools/fuzz/targets/TARGET.ts, instrumented, on mutated inputs.
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, "..", "..");
const targets = readdirSync(join(here, "targets"))
  .filter((file) => file.endsWith(".ts"))
  .map((file) => file.slice(0, -3))
  .sort();

const HELP = `usage: pnpm fuzz TARGET [--seconds N] [--seed N] [--replay FILE] [--save] [--json]

  TARGET        ${targets.join(", ")}
  --seconds N   how long (default 60)
  --seed N      the same seed tries the same inputs in the same order (default 1)
  --replay F    run the one input in file F and show what happens
  --save        add the inputs that reached new code to tools/fuzz/corpus/TARGET.txt
  --json        print {target, seed, executions, inputs, coverage, crashes} on stdout and nothing else

Fuzzing is guided by coverage: an input that reaches a new branch (or takes one a new number of times) is kept and
mutated further. It fails (status 1) on an exception, and on an input that takes more than 5 seconds.`;

const { values, positionals } = readArguments();
if (values.help) {
  console.log(HELP);
  process.exit(0);
}
const [target] = positionals;
if (target === undefined) fail(`which target?\n\n${HELP}`);
if (!targets.includes(target)) fail(`there is no target ${JSON.stringify(target)}. There are: ${targets.join(", ")}`);
const seconds = Number(values.seconds);
const seed = Number(values.seed);
if (!(seconds > 0)) fail(`--seconds must be a number above 0; received ${JSON.stringify(values.seconds)}`);
if (!Number.isSafeInteger(seed)) fail(`--seed must be a whole number; received ${JSON.stringify(values.seed)}`);

if (!existsSync(join(here, "node_modules", "istanbul-lib-instrument"))) {
  console.error("fuzz: installing the instrumenter (once) …");
  run("pnpm", ["install", "--frozen-lockfile"], { cwd: here, stdio: ["ignore", 2, 2] });
}
run(process.execPath, [join(root, "tools", "turbo.mjs"), "kernel"], { cwd: root, stdio: ["ignore", 2, 2] });
const fuzzer = spawnSync(
  process.execPath,
  ["--import", "tsx", join(here, "main.ts"), JSON.stringify({ ...values, target, seconds, seed })],
  { cwd: root, stdio: ["ignore", "inherit", "inherit"] },
);
process.exitCode = fuzzer.status ?? 1;

function readArguments() {
  try {
    return parseArgs({
      args: process.argv.slice(2).filter((arg) => arg !== "--"),
      allowPositionals: true,
      options: {
        seconds: { type: "string", default: "60" },
        seed: { type: "string", default: "1" },
        replay: { type: "string" },
        save: { type: "boolean", default: false },
        json: { type: "boolean", default: false },
        help: { type: "boolean", short: "h", default: false },
      },
    });
  } catch (error) {
    return fail(`${error.message}\n\n${HELP}`);
  }
}

function run(command, args, options) {
  const { status, error } = spawnSync(command, args, options);
  if (error) fail(error.message);
  if (status !== 0) fail(`${command} ${args.join(" ")} ended with status ${status}`);
}

function fail(message) {
  console.error(`fuzz: ${message}`);
  process.exit(2);
}
