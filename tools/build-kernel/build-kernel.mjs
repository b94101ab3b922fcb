#!/usr/bin/env node
// Compiles the AssemblyScript kernels of the package in the working directory.
//
// Each `assembly/NAME.ts` becomes `src/NAME.generated.ts`, which exports the module's bytes as base64 (`wasm`), so that
// a bundle or a browser needs no file access. A generator `assembly/NAME.gen.mjs`, whose default export returns source
// text, stands for a module `./NAME.gen` that kernels import. Files in `assembly/lib/` are only imported.
//
// The same sources give the same bytes: no time, no path and no version is written into them.
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join, relative, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import asc from "assemblyscript/asc";

/** Imported memory, no static data, no runtime: see "Bytes" in packages/core/src/memory.ts. */
const FLAGS = [
  "-O3",
  "--converge",
  "--runtime",
  "stub",
  "--noAssert",
  "--enable",
  "simd",
  "--importMemory",
  "--initialMemory",
  "1",
  "--use",
  "abort=",
];

const packageRoot = process.cwd();
const assembly = join(packageRoot, "assembly");
if (!existsSync(assembly)) fail(`${basename(packageRoot)} has no folder "assembly"`);

const generated = await runGenerators();
const kernels = readdirSync(assembly)
  .filter((name) => name.endsWith(".ts") && !name.endsWith(".d.ts"))
  .sort();
if (kernels.length === 0) fail("there is no kernel in assembly/");
for (const file of kernels) await compile(basename(file, ".ts"));

/** Source texts by absolute path without extension. */
async function runGenerators() {
  const sources = new Map();
  for (const file of readdirSync(assembly).filter((name) => name.endsWith(".gen.mjs"))) {
    const { default: generate } = await import(pathToFileURL(join(assembly, file)).href);
    sources.set(join(assembly, `${basename(file, ".mjs")}.ts`), generate());
  }
  return sources;
}

async function compile(name) {
  const outputs = new Map();
  const { error, stderr } = await asc.main([`assembly/${name}.ts`, "--outFile", `${name}.wasm`, ...FLAGS], {
    readFile: (file, base) => {
      const path = resolve(base, file);
      const source = generated.get(path);
      if (source !== undefined) return source;
      return existsSync(path) ? readFileSync(path, "utf8") : null;
    },
    writeFile: (file, contents) => void outputs.set(basename(file), contents),
    listFiles: () => [],
  });
  if (error) fail(`assembly/${name}.ts\n${stderr.toString()}${error.message}`);
  const bytes = outputs.get(`${name}.wasm`);
  const module = await WebAssembly.compile(bytes);
  const foreign = WebAssembly.Module.imports(module).filter(({ kind }) => kind !== "memory");
  if (foreign.length > 0) fail(`assembly/${name}.ts imports ${foreign.map((one) => one.name).join(", ")}`);
  const target = join(packageRoot, "src", `${name}.generated.ts`);
  const text = [
    `// Made from assembly/${name}.ts by build-kernel: ${bytes.length} bytes of WebAssembly. Not kept in git.`,
    `export const wasm: string =\n  "${Buffer.from(bytes).toString("base64")}";\n`,
  ].join("\n");
  if (!existsSync(target) || readFileSync(target, "utf8") !== text) writeFileSync(target, text);
  console.log(`${relative(packageRoot, target)}: ${bytes.length} bytes`);
}

function fail(message) {
  console.error(`build-kernel: ${message}`);
  process.exit(1);
}
