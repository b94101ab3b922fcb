// The second half of `pnpm bench`: runs in a process of its own, from the sources. run.mjs starts it.
import { pathToFileURL, fileURLToPath } from "node:url";
import { FULL, measure, QUICK } from "./measure.ts";
import { installPeers, loadPeer } from "./peers.ts";
import { table } from "./print.ts";
import type { BenchCase, BenchDefinition, BenchReport, BenchRow, ReportDefinition } from "./types.ts";

interface Options {
  readonly name: string;
  readonly json: boolean;
  readonly quick: boolean;
  readonly filter: string;
  readonly check: boolean;
}

const options = JSON.parse(process.argv[2] ?? "{}") as Options;
const isTerminal = process.stderr.isTTY;

function progress(message: string): void {
  process.stderr.write(isTerminal ? `\r\x1b[K${message}` : `${message}\n`);
}

async function main(): Promise<void> {
  const file = fileURLToPath(new URL(`../${options.name}/bench.ts`, import.meta.url));
  const { bench } = (await import(pathToFileURL(file).href)) as { bench: BenchDefinition | ReportDefinition };
  if ("report" in bench) {
    const { quick, filter } = options;
    publish(bench.title, "simulated time", await bench.report({ quick, filter, progress }));
    return;
  }
  const peers = bench.peers ?? [];
  if (peers.length > 0) installPeers(progress);
  const cases = await bench.cases({
    quick: options.quick,
    progress,
    load: (name) => {
      if (!peers.some((peer) => name === peer || name.startsWith(`${peer}/`)))
        throw new Error(`${name} is not among the bench's peers`);
      return loadPeer(name);
    },
  });
  const rows = await measureAll(cases.filter((one) => label(one).includes(options.filter)));
  publish(bench.title, "CPU time, medians of interleaved rounds", { rows });
}

function publish(title: string, kind: string, { rows, text, extra }: BenchReport): void {
  if (isTerminal) progress("");
  if (options.check && rows.some((row) => row.within === false)) process.exitCode = 1;
  if (options.json) {
    console.log(JSON.stringify({ name: options.name, node: process.version, rows, ...extra }));
    return;
  }
  const below = text === undefined ? "" : `\n\n${text}`;
  console.log(`${title}\nNode ${process.version}, ${kind}\n\n${table(rows)}${below}`);
}

async function measureAll(cases: readonly BenchCase[]): Promise<BenchRow[]> {
  const effort = options.quick ? QUICK : FULL;
  const rows: BenchRow[] = [];
  for (const [index, one] of cases.entries()) {
    progress(`${options.name}: ${index + 1}/${cases.length} ${label(one)}`);
    globalThis.gc?.();
    rows.push(...(await measure(one, effort)));
  }
  return rows;
}

function label(one: BenchCase): string {
  return `${one.case} ${one.size}`;
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? `bench: ${error.stack ?? error.message}` : error);
  process.exitCode = 1;
});
