import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { instrument } from "./instrument.ts";
import type { LoopInput, LoopMessage } from "./loop.ts";
import { MAX_INPUT } from "./mutate.ts";
import type { FuzzTarget } from "./target.ts";

interface Options {
  readonly target: string;
  readonly seconds: number;
  readonly seed: number;
  readonly replay?: string;
  readonly save: boolean;
  readonly json: boolean;
}

/** An input that takes longer than this hangs. */
const HANG_MS = 5000;
const here = fileURLToPath(new URL(".", import.meta.url));
const options = JSON.parse(process.argv[2] ?? "{}") as Options;
const targetFile = join(here, "targets", `${options.target}.ts`);
const corpusFile = join(here, "corpus", `${options.target}.txt`);

if (options.replay !== undefined) {
  const { target } = (await import(targetFile)) as { target: FuzzTarget };
  target.run(new Uint8Array(readFileSync(options.replay)));
  console.log("the input passes");
} else {
  process.exitCode = await fuzz();
}

async function fuzz(): Promise<number> {
  const corpus = readCorpus();
  const { script, literals } = await instrument(targetFile);
  const shared = new SharedArrayBuffer(8 + MAX_INPUT * 16);
  const data: LoopInput = { script, literals, corpus, seed: options.seed, seconds: options.seconds, shared };
  const worker = new Worker(new URL("worker.mjs", import.meta.url), { workerData: data });
  const found: Uint8Array[] = [];
  const crashes: string[] = [];
  let last: Extract<LoopMessage, { type: "done" | "progress" }> | undefined;

  const watchdog = watch(shared, (input) => {
    crashes.push(keepCrash("hang", input, `no end within ${HANG_MS} ms`));
    void worker.terminate();
  });
  await new Promise<void>((resolve, reject) => {
    worker.on("message", (message: LoopMessage) => {
      if (message.type === "found") found.push(message.input);
      else if (message.type === "crash") crashes.push(keepCrash("crash", message.input, message.stack));
      else {
        last = message;
        if (message.type === "progress" && !options.json) showProgress(message);
      }
    });
    worker.on("error", reject);
    worker.on("exit", () => resolve());
  });
  clearInterval(watchdog);

  if (options.save && crashes.length === 0) writeCorpus(found);
  const { executions = 0, inputs = found.length, reached = 0, all = 1 } = last ?? {};
  const { target, seed } = options;
  const coverage = reached / all;
  if (options.json) {
    console.log(JSON.stringify({ target, seed, executions, inputs, coverage: Number(coverage.toFixed(4)), crashes }));
  } else {
    const verdict = crashes.length === 0 ? "no exception, no hang" : `FAILED: ${crashes.join(", ")}`;
    console.log(
      `${target}: ${executions} executions, ${inputs} inputs kept, ${percent(coverage)} of the code: ${verdict}`,
    );
  }
  return crashes.length === 0 ? 0 : 1;
}

/** Calls `hung` with the current input if the count of executions stands still. */
function watch(shared: SharedArrayBuffer, hung: (input: Uint8Array) => void): NodeJS.Timeout {
  const status = new Int32Array(shared, 0, 2);
  let before = 0;
  let since = Date.now();
  return setInterval(() => {
    const executions = Atomics.load(status, 0);
    if (executions !== before || executions === 0) {
      before = executions;
      since = Date.now();
      return;
    }
    if (Date.now() - since < HANG_MS) return;
    since = Infinity;
    hung(new Uint8Array(shared, 8, Math.min(Atomics.load(status, 1), MAX_INPUT * 16)).slice());
  }, 500);
}

function keepCrash(kind: string, input: Uint8Array, why: string): string {
  const directory = join("seville-out", "fuzz");
  mkdirSync(directory, { recursive: true });
  const file = join(directory, `${options.target}-${kind}-${options.seed}.bin`);
  writeFileSync(file, input);
  console.error(`\n${why}\n\nThe input is in ${file}. Again: pnpm fuzz ${options.target} --replay ${file}`);
  return file;
}

function readCorpus(): Uint8Array[] {
  if (!existsSync(corpusFile)) return [];
  const lines = readFileSync(corpusFile, "utf8").split("\n");
  return lines.filter((line) => line !== "").map((line) => new Uint8Array(Buffer.from(line, "base64")));
}

/** One input a line, in base64, the shortest first. */
function writeCorpus(inputs: readonly Uint8Array[]): void {
  mkdirSync(join(here, "corpus"), { recursive: true });
  const lines = [...new Set(inputs.map((input) => Buffer.from(input).toString("base64")))];
  lines.sort((a, b) => a.length - b.length || (a < b ? -1 : 1));
  writeFileSync(corpusFile, `${lines.filter((line) => line !== "").join("\n")}\n`);
}

function showProgress(message: { executions: number; inputs: number; reached: number; all: number }): void {
  const line = `${options.target}: ${message.executions} executions, ${message.inputs} inputs, ${percent(message.reached / message.all)} of the code`;
  process.stderr.write(process.stderr.isTTY ? `\r\x1b[K${line}` : `${line}\n`);
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}
