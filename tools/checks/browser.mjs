#!/usr/bin/env node
// Bundles every entry that must run in a browser, without a shim, and evaluates it where there is no Node.
// Run after `pnpm build`. Prints the sizes.
import { createContext, Script } from "node:vm";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { publishedPackages } from "./workspace.mjs";

/** These packages are for Node as a whole. */
const NODE_PACKAGES = new Set(["@seville/host-link", "@seville/cli"]);
/** Subpaths for Node. */
const NODE_SUBPATHS = new Set(["./node", "./vitest"]);

/** What browsers have and the language itself has not. */
const BROWSER_GLOBALS = { WebAssembly, TextEncoder, TextDecoder, atob, btoa, URL, AbortController, AbortSignal };

let failed = false;
const rows = [];
for (const { name, entries } of publishedPackages()) {
  if (NODE_PACKAGES.has(name)) continue;
  for (const { subpath, file } of entries) {
    if (NODE_SUBPATHS.has(subpath)) continue;
    const entry = subpath === "." ? name : `${name}${subpath.slice(1)}`;
    try {
      const code = await bundle(file);
      new Script(code, { filename: entry }).runInContext(createContext({ ...BROWSER_GLOBALS }));
      rows.push({ entry, minified: code.length, gzip: gzipSync(code).length });
    } catch (error) {
      failed = true;
      console.error(`${entry} does not run in a browser: ${error.message}`);
    }
  }
}
console.table(rows);
if (failed) process.exitCode = 1;

async function bundle(file) {
  const { outputFiles } = await build({
    entryPoints: [file],
    bundle: true,
    write: false,
    minify: true,
    format: "iife",
    globalName: "entry",
    platform: "browser",
    target: "es2022",
    logLevel: "silent",
  });
  return outputFiles[0].text;
}
