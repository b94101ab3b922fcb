import { createRequire } from "node:module";
import { build } from "esbuild";

/** The instrumenter, as far as it is used here (istanbul-lib-instrument has no types of its own). */
interface Instrumenter {
  instrumentSync(code: string, file: string): string;
}

/** A target as one instrumented CommonJS script, and the integers that stand in its source. */
export interface InstrumentedTarget {
  readonly script: string;
  /** Integers that the code compares with: worth trying in inputs. */
  readonly literals: number[];
}

const COVERAGE_VARIABLE = "__fuzz_coverage__";

export { COVERAGE_VARIABLE };

/** Bundles `file` with all that it imports from the sources, and counts every statement and branch. */
export async function instrument(file: string): Promise<InstrumentedTarget> {
  const bundle = await build({
    entryPoints: [file],
    bundle: true,
    write: false,
    format: "cjs",
    platform: "node",
    target: "node20",
    conditions: ["@seville/source"],
    logLevel: "error",
  });
  const code = bundle.outputFiles[0]?.text ?? "";
  const istanbul = createRequire(new URL("package.json", import.meta.url))("istanbul-lib-instrument") as {
    createInstrumenter: (options: object) => Instrumenter;
  };
  const instrumenter = istanbul.createInstrumenter({
    coverageVariable: COVERAGE_VARIABLE,
    compact: true,
    esModules: false,
  });
  return { script: instrumenter.instrumentSync(code, "target.js"), literals: integerLiterals(code) };
}

function integerLiterals(code: string): number[] {
  const found = new Set<number>();
  for (const [text] of code.matchAll(/\b(0x[0-9a-fA-F_]+|\d[\d_]*)\b/g)) {
    const value = Number(text.replaceAll("_", ""));
    if (Number.isInteger(value) && value > 1 && value <= 0xffff_ffff) found.add(value);
  }
  return [...found];
}
