#!/usr/bin/env node
// Bundles what runs in a report's page (packages/report/src/client, with uPlot) into `src/client.generated.ts`: the script as
// base64 of raw deflate, so that an empty report stays below 60 KiB, and uPlot's style sheet.
import { readFileSync, writeFileSync } from "node:fs";
import { deflateRawSync } from "node:zlib";
import { createRequire } from "node:module";
import { build } from "esbuild";

const packageRoot = new URL("../../packages/report/", import.meta.url);
const resolve = createRequire(packageRoot).resolve;

const result = await build({
  entryPoints: [new URL("src/client/main.ts", packageRoot).pathname],
  bundle: true,
  minify: true,
  format: "iife",
  target: "es2022",
  charset: "utf8",
  legalComments: "none",
  write: false,
});
const script = deflateRawSync(result.outputFiles[0].contents, { level: 9 }).toString("base64");
const style = readFileSync(resolve("uplot/dist/uPlot.min.css"), "utf8").trim();
const licence = "uPlot 1.6, copyright (c) 2022 Leon Sorokin, MIT licence: https://github.com/leeoniya/uPlot";

writeFileSync(
  new URL("src/client.generated.ts", packageRoot),
  `// Made by tools/report-client/build.mjs.
/** Base64 of raw deflate. */
export const CLIENT_SCRIPT: string =
  ${JSON.stringify(script)};
export const CHART_STYLE: string =
  ${JSON.stringify(style)};
export const CHART_LICENCE: string = ${JSON.stringify(licence)};
`,
);
