#!/usr/bin/env node
import { runCommandLine } from "./command-line.ts";

// Whoever reads us may have had enough: `seville schema | head`.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit(0);
});

process.exitCode = await runCommandLine(process.argv.slice(2));
