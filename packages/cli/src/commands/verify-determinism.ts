import { formatDuration } from "@seville/core";
import { summarize } from "@seville/packet";
import { readCapture, type CapturedPacket } from "@seville/packet/pcapng";
import { runScenario, type ScenarioResult } from "@seville/scenario";
import { loadScenario, type LoadedScenario } from "@seville/scenario/node";
import { EXIT } from "../exit-codes.ts";
import { CommandFailure } from "../failure.ts";
import { optionsOf, outsideFor } from "./run.ts";

export interface VerifyFlags {
  readonly seed?: number;
  readonly until?: string;
  readonly set: readonly string[];
  readonly pcapIn?: string;
  readonly json?: boolean;
}

/** The first thing in which two runs differ. */
export interface Difference {
  readonly interface: string;
  /** Record of the capture, from 1; 0: the captures are alike, and only the results differ. */
  readonly record: number;
  readonly message: string;
}

/** Runs a scenario twice and says whether the same frames passed at the same nanoseconds. */
export async function verifyDeterminism(nameOrPath: string, flags: VerifyFlags): Promise<number> {
  const loaded = await loadScenario(nameOrPath, { overrides: flags.set });
  if (loaded.scenario.realtime === true) {
    throw new CommandFailure(`${loaded.scenario.name} runs in real time, which never repeats itself`, EXIT.BAD_INPUT);
  }
  const first = await recordedRun(loaded, flags);
  const second = await recordedRun(loaded, flags);
  const difference = firstDifference(first, second);
  report(first, difference, flags.json === true);
  return difference === undefined ? EXIT.OK : EXIT.DIFFERENT;
}

/** A run with its captures in memory. */
export interface RecordedRun {
  readonly result: ScenarioResult;
  readonly captures: ReadonlyMap<string, Uint8Array>;
}

async function recordedRun(loaded: LoadedScenario, flags: VerifyFlags): Promise<RecordedRun> {
  const chunks = new Map<string, Uint8Array[]>();
  const result = await runScenario(loaded.scenario, {
    ...optionsOf(flags),
    ...(await outsideFor(loaded, flags)),
    capture(name) {
      const pieces: Uint8Array[] = [];
      chunks.set(name, pieces);
      return (chunk) => void pieces.push(chunk);
    },
  });
  return { result, captures: new Map([...chunks].map(([name, pieces]) => [name, Buffer.concat(pieces)])) };
}

/** Compares captures record by record, earliest difference first; then the rest of the results. */
export function firstDifference(first: RecordedRun, second: RecordedRun): Difference | undefined {
  const differences: (Difference & { at: number })[] = [];
  for (const [name, bytes] of first.captures) {
    const other = second.captures.get(name) ?? new Uint8Array();
    if (Buffer.compare(bytes, other) !== 0) differences.push(firstDifferentRecord(name, bytes, other));
  }
  const earliest = differences.sort((a, b) => a.at - b.at)[0];
  if (earliest !== undefined)
    return { interface: earliest.interface, record: earliest.record, message: earliest.message };
  if (first.result.run.traceHash !== second.result.run.traceHash) {
    return { interface: "", record: 0, message: "the captures are alike, but the traces are not" };
  }
  if (JSON.stringify(first.result) !== JSON.stringify(second.result)) {
    return { interface: "", record: 0, message: "the same frames passed, but the results differ" };
  }
  return undefined;
}

function firstDifferentRecord(name: string, a: Uint8Array, b: Uint8Array): Difference & { at: number } {
  const [left, right] = [packetsOf(a), packetsOf(b)];
  for (let i = 0; ; i++) {
    const [x, y] = [left[i], right[i]];
    if (x === undefined && y === undefined)
      return {
        interface: name,
        record: 0,
        at: Infinity,
        message: `the captures of ${name} differ outside their packets`,
      };
    const what = x === undefined || y === undefined ? "is there only once" : difference(x, y);
    if (what === undefined) continue;
    const at = Math.min(timeOf(x), timeOf(y));
    return {
      interface: name,
      record: i + 1,
      at,
      message: `${name}, record ${i + 1}, at ${formatDuration(at)}: ${what}\n  ${summarize((x ?? y)?.data ?? NOTHING)}`,
    };
  }
}

const NOTHING = new Uint8Array();

function packetsOf(file: Uint8Array): CapturedPacket[] {
  const packets: CapturedPacket[] = [];
  for (const event of readCapture(file)) {
    if (event.type === "packet") packets.push({ ...event, data: event.data.slice() });
  }
  return packets;
}

function difference(a: CapturedPacket, b: CapturedPacket): string | undefined {
  if (timeOf(a) !== timeOf(b)) return `the other run has it at ${formatDuration(timeOf(b))}`;
  if (a.data.length !== b.data.length) return `${a.data.length} bytes, and ${b.data.length} in the other run`;
  const at = a.data.findIndex((byte, i) => byte !== b.data[i]);
  if (at >= 0) return `byte ${at} is 0x${hex(a.data[at])}, and 0x${hex(b.data[at])} in the other run`;
  const [left, right] = [a.comments.join("; "), b.comments.join("; ")];
  return left === right ? undefined : `"${left}", and "${right}" in the other run`;
}

function timeOf(packet: CapturedPacket | undefined): number {
  const time = packet?.time;
  return time === undefined ? Infinity : time.seconds * 1e9 + time.nanos;
}

function hex(byte: number | undefined): string {
  return (byte ?? 0).toString(16).padStart(2, "0");
}

function report({ result, captures }: RecordedRun, found: Difference | undefined, asJson: boolean): void {
  const { name, seed } = result.scenario;
  const { frames, traceHash } = result.run;
  const bytes = [...captures.values()].reduce((sum, file) => sum + file.length, 0);
  if (asJson) {
    const verdict = {
      scenario: name,
      seed,
      deterministic: found === undefined,
      frames,
      captureBytes: bytes,
      traceHash,
      difference: found ?? null,
    };
    process.stdout.write(`${JSON.stringify(verdict)}\n`);
    return;
  }
  if (found !== undefined) process.stdout.write(`${name}, seed ${seed}: the two runs differ\n  ${found.message}\n`);
  else
    process.stdout.write(
      `${name}, seed ${seed}: the same ${frames} frames and ${bytes} bytes of captures twice (trace ${traceHash})\n`,
    );
}
