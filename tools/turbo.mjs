#!/usr/bin/env node
// Runs a turbo task and keeps standard output clean: turbo's report is shown, on standard error, only when the task fails.
import { spawn } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const [task, ...options] = process.argv.slice(2);
const SAY_AFTER_MS = 1500;

const turbo = spawn(
  join(root, "node_modules", ".bin", process.platform === "win32" ? "turbo.cmd" : "turbo"),
  ["run", task, ...options, "--output-logs=errors-only"],
  { cwd: root, env: { ...process.env, TURBO_TELEMETRY_DISABLED: "1" }, stdio: ["ignore", "pipe", "pipe"] },
);
const output = [];
turbo.stdout.on("data", (chunk) => output.push(chunk));
turbo.stderr.on("data", (chunk) => output.push(chunk));
const notice = setTimeout(() => console.error(`${task}: building what changed …`), SAY_AFTER_MS);
turbo.on("error", (error) => {
  console.error(`${task}: ${error.message}. Is everything installed? (pnpm install)`);
  process.exitCode = 1;
});
turbo.on("close", (status) => {
  clearTimeout(notice);
  if (status === 0) return;
  process.stderr.write(Buffer.concat(output));
  process.exitCode = status ?? 1;
});
