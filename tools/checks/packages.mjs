#!/usr/bin/env node
// Holds what will be published to the rules of the registry and of TypeScript, and rehearses the release.
// Run after `pnpm build`: packs every package, then publint, are-the-types-wrong, a consumer's project, changesets.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { publishedPackages, root } from "./workspace.mjs";

/** Subpaths that need the types of Node, or the peer vitest. */
const NEEDS_MORE = new Set(["./node", "./vitest"]);
/** Their types speak of Node's. */
const FOR_NODE = new Set(["@seville/host-link", "@seville/cli"]);
const packages = publishedPackages();
const scratch = mkdtempSync(join(tmpdir(), "seville-packages-"));
const tarballs = join(scratch, "tarballs");
mkdirSync(tarballs);
let failed = false;
try {
  step("every package has its README, behaviours and tests", checkDocuments);
  step("floors 0 to 2 depend on the workspace only", checkDependencies);
  step("pack", pack);
  await stepAsync("publint", lintManifests);
  step("are-the-types-wrong", checkTypes);
  step("a consumer's project, by npm, from the tarballs", checkConsumer);
  step("changeset version", rehearseVersion);
  step("pnpm publish --dry-run", rehearsePublish);
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
if (failed) process.exitCode = 1;

function checkDocuments() {
  for (const { name, directory } of packages) {
    for (const file of ["README.md", "docs/behaviours.md"]) {
      if (!existsSync(join(directory, file))) problem(`${name} has no ${file}`);
    }
    if (!readdirSync(join(directory, "test"), { recursive: true }).some((file) => file.endsWith(".test.ts"))) {
      problem(`${name} has no test`);
    }
  }
}

function checkDependencies() {
  const engines = new Set(
    ["core", "checksum", "packet", "queueing", "sim", "tunnel-encap"].map((name) => `@seville/${name}`),
  );
  for (const { name, manifest } of packages) {
    if (manifest.sideEffects !== false) problem(`${name} does not say sideEffects: false`);
    if (manifest.type !== "module") problem(`${name} is not an ES module`);
    if (!engines.has(name)) continue;
    for (const dependency of Object.keys(manifest.dependencies ?? {})) {
      if (!dependency.startsWith("@seville/")) problem(`${name} depends on ${dependency}`);
    }
  }
}

function pack() {
  for (const { directory } of packages) run("pnpm", ["pack", "--pack-destination", tarballs], directory);
}

async function lintManifests() {
  for (const { name, directory } of packages) {
    const { messages, pkg } = await publint({ pkgDir: directory, strict: true, pack: "pnpm" });
    for (const message of messages) problem(`${name}: ${formatMessage(message, pkg)}`);
  }
}

function checkTypes() {
  const attw = join(root, "node_modules", ".bin", "attw");
  for (const file of readdirSync(tarballs)) run(attw, [join(tarballs, file), "--profile", "esm-only"], root);
}

/** Installs the packages that need nothing from outside, imports each entry and compiles a program against the types. */
function checkConsumer() {
  const project = join(scratch, "consumer");
  mkdirSync(project);
  const alone = packages.filter(({ name }) => needsNothingFromOutside(name) && !FOR_NODE.has(name));
  const dependencies = Object.fromEntries(
    alone.map(({ name, manifest }) => [name, `file:${join(tarballs, tarballName(name, manifest.version))}`]),
  );
  // The packages ask for each other by version: the tarballs answer.
  const manifest = { name: "consumer", private: true, type: "module", dependencies, overrides: dependencies };
  writeFileSync(join(project, "package.json"), JSON.stringify(manifest));
  run("npm", ["install", "--no-audit", "--no-fund", "--omit=peer", "--offline", "--loglevel=error"], project);
  const entries = alone.flatMap(({ name, entries }) =>
    entries.filter(({ subpath }) => !NEEDS_MORE.has(subpath)).map(({ subpath }) => name + subpath.slice(1)),
  );
  const lines = entries.map((entry, i) => `import * as entry${i} from ${JSON.stringify(entry)};`);
  const uses = entries.map(
    (entry, i) => `if (Object.keys(entry${i}).length === 0) throw new Error("${entry} is empty");`,
  );
  for (const file of ["main.mts", "main.mjs"]) writeFileSync(join(project, file), [...lines, ...uses, ""].join("\n"));
  run(process.execPath, ["main.mjs"], project);
  for (const compiler of ["typescript", "typescript-7"]) {
    for (const [module, moduleResolution] of [
      ["nodenext", "nodenext"],
      ["esnext", "bundler"],
    ]) {
      const options = { module, moduleResolution, noEmit: true, strict: true, skipLibCheck: false, types: [] };
      const compilerOptions = { ...options, target: "es2023", lib: ["es2023", "dom"] };
      writeFileSync(join(project, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["main.mts"] }));
      run(process.execPath, [join(root, "node_modules", compiler, "bin", "tsc")], project);
    }
  }
}

/** Neither the package nor one of the workspace that it depends on takes anything from the registry. */
function needsNothingFromOutside(name) {
  const found = packages.find((candidate) => candidate.name === name);
  return found !== undefined && Object.keys(found.manifest.dependencies ?? {}).every(needsNothingFromOutside);
}

function tarballName(name, version) {
  return `${name.replace("@", "").replace("/", "-")}-${version}.tgz`;
}

/** In a clone, since it changes manifests and writes changelogs. */
function rehearseVersion() {
  const clone = join(scratch, "clone");
  run("git", ["clone", "--quiet", root, clone], scratch);
  const pending = readdirSync(join(clone, ".changeset")).filter((file) => file.endsWith(".md") && file !== "README.md");
  if (pending.length === 0) return;
  run(process.execPath, [join(root, "node_modules", "@changesets", "cli", "bin.js"), "version"], clone);
  const { version } = JSON.parse(readFileSync(join(clone, "packages", "core", "package.json"), "utf8"));
  if (version === "0.0.0") problem("changeset version left @seville/core at 0.0.0");
}

function rehearsePublish() {
  run("pnpm", ["-r", "publish", "--dry-run", "--no-git-checks"], root);
}

function step(name, check) {
  const started = Date.now();
  check();
  console.log(`${name} (${((Date.now() - started) / 1000).toFixed(1)} s)`);
}

async function stepAsync(name, check) {
  const started = Date.now();
  await check();
  console.log(`${name} (${((Date.now() - started) / 1000).toFixed(1)} s)`);
}

function problem(message) {
  failed = true;
  console.error(`  ${message}`);
}

function run(command, args, cwd) {
  try {
    execFileSync(command, args, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
  } catch (error) {
    problem(`${command} ${args.join(" ")}\n${error.stdout ?? ""}${error.stderr ?? error.message}`);
  }
}
