import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { expect, test } from "vitest";
import { wasm as crc32cKernel } from "../src/crc32c.generated.ts";
import { wasm as sumKernel } from "../src/sum.generated.ts";

/** What a browser would load for `import { … } from "@seville/checksum"`. */
async function bundled(imports: string): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents: `import { ${imports} } from "./index.ts"; console.log(${imports});`, resolveDir: source },
    bundle: true,
    write: false,
    platform: "browser",
    format: "esm",
    conditions: ["@seville/source"],
    logLevel: "silent",
  });
  return outputFiles[0]!.text;
}

const source = fileURLToPath(new URL("../src", import.meta.url));

test.each([
  ["crc32c", false, true],
  ["Crc32c", false, true],
  ["sum", true, false],
  ["bindChecksum", true, true],
  ["fold", false, false],
  ["checksumHelp", false, false],
])("K7 importing %s for a browser: kernel of sums %s, of CRC32c %s", async (name, sums, crcs) => {
  const text = await bundled(name);
  expect(text.includes(sumKernel)).toBe(sums);
  expect(text.includes(crc32cKernel)).toBe(crcs);
});
