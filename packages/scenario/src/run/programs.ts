import { SevilleError, type Nanos } from "@seville/core";
import { formatIp } from "@seville/packet";
import { duration, rate } from "../quantities.ts";
import type { DelaySeries, ProgramResult, ProgramWire, ScenarioResult } from "../results.ts";
import type { Program } from "../types.ts";
import type { BuiltWorld } from "./built-world.ts";
import { readIperf3, type Iperf3Connection } from "./iperf3-output.ts";
import { crossingResults, kernelResult, type KernelReading } from "./kernel-books.ts";
import { readPing } from "./ping-output.ts";
import { commandOf, outputOf } from "./program-spec.ts";
import type { Outside } from "./run-scenario.ts";
import { countFlows, WireFlows, type WireFlow } from "./wire-flows.ts";
import type { OpenAttachment, RunningProgram } from "./world.ts";

/** What is under way when the last program has ended gets this long to arrive. */
const SETTLE: Nanos = 500e6;
/** Of what a program printed, a result keeps the last so many characters. */
const TAIL = 4096;

/** What a run with programs adds to its result. */
export interface ProgramsReport {
  readonly results: Required<Pick<ScenarioResult, "programs" | "kernels" | "crossings">>;
  readonly delays: readonly DelaySeries[];
}

/** The programs of a scenario; `undefined` if it has none. */
export async function openPrograms(
  world: BuiltWorld,
  outside: Outside | undefined,
  attachments: ReadonlyMap<string, OpenAttachment>,
): Promise<Programs | undefined> {
  const specs = Object.entries(world.scenario.programs ?? {});
  if (specs.length === 0) return undefined;
  if (outside?.runProgram === undefined) {
    const message = `program ${specs[0]?.[0] ?? ""} runs outside, and runScenario was given no \`outside\` that runs programs`;
    throw new SevilleError("ERR_NO_OUTSIDE", message, "outside");
  }
  const programs = new Programs(world, outside.runProgram.bind(outside), attachments);
  await programs.open();
  return programs;
}

/** A program on its way. */
interface Entry {
  readonly name: string;
  readonly spec: Program;
  readonly netns: string;
  startedAt?: Nanos;
  endedAt?: Nanos;
  running?: RunningProgram;
  /** Interrupted by us. */
  isStopped: boolean;
  ending?: Awaited<RunningProgram["ended"]>;
}

/** Starts a scenario's programs at their times, waits for them, and reads what they print. */
export class Programs {
  readonly #world: BuiltWorld;
  readonly #start: NonNullable<Outside["runProgram"]>;
  readonly #attachments: ReadonlyMap<string, OpenAttachment>;
  readonly #entries: readonly Entry[];
  readonly #flows: WireFlows = new WireFlows();
  readonly #done: AbortController = new AbortController();
  readonly #before: Map<string, Readonly<Record<string, number>>> = new Map();

  constructor(
    world: BuiltWorld,
    start: NonNullable<Outside["runProgram"]>,
    attachments: ReadonlyMap<string, OpenAttachment>,
  ) {
    this.#world = world;
    this.#start = start;
    this.#attachments = attachments;
    this.#entries = Object.entries(world.scenario.programs ?? {}).map(([name, spec]) => {
      const netns = world.scenario.attachments?.[spec.in]?.tap?.netns ?? "";
      return { name, spec, netns, isStopped: false };
    });
  }

  /** Aborted when the run is to end because its programs have. */
  get done(): AbortSignal {
    return this.#done.signal;
  }

  async open(): Promise<void> {
    const { simulator, links } = this.#world;
    for (const [name, link] of links) this.#flows.watch(name, link);
    for (const [name, { counters }] of this.#attachments) {
      if (counters !== undefined) this.#before.set(name, await counters());
    }
    for (const entry of this.#entries) {
      const { start = "0s", stop } = entry.spec;
      simulator.scheduleCall(duration(start), () => this.#launch(entry));
      if (stop !== undefined) simulator.scheduleCall(duration(stop), () => this.#stop(entry));
    }
  }

  /** Time is over: reads the kernels' counters, ends what still runs, and tells what there is to tell. */
  async finish(): Promise<ProgramsReport> {
    const readings = await this.#readKernels();
    await this.close();
    const flows = [...this.#flows.all];
    const kernels = readings.map((reading) => kernelResult(reading, flows));
    const crossings = crossingResults(kernels, flows, hostAddresses(this.#world));
    if (this.#flows.uncounted > 0) {
      this.#world.warn(`${this.#flows.uncounted} frames belong to more conversations than are told apart`);
    }
    const free = new Set(flows);
    const told = this.#entries.map((entry) => this.#describe(entry, free));
    const results = { programs: told.map(({ result }) => result), kernels, crossings };
    return { results, delays: told.flatMap(({ delays }) => delays ?? []) };
  }

  /** Interrupts what still runs and waits until it has ended. */
  async close(): Promise<void> {
    for (const entry of this.#entries) this.#stop(entry);
    await Promise.all(this.#entries.flatMap(({ running }) => running?.ended ?? []));
  }

  #launch(entry: Entry): void {
    const { simulator } = this.#world;
    entry.startedAt = simulator.now;
    this.#world.event({ kind: "start", label: `start ${entry.name}` });
    const running = this.#start({ command: commandOf(entry.spec), netns: entry.netns });
    entry.running = running;
    void running.ended.then((ending) => {
      entry.endedAt = simulator.now;
      entry.ending = ending;
      if (ending.missing !== undefined) this.#world.warn(`program ${entry.name}: ${ending.missing}`);
      if (!this.#world.isClosed) this.#endWithPrograms();
    });
  }

  #stop(entry: Entry): void {
    if (entry.running === undefined || entry.ending !== undefined) return;
    entry.isStopped = true;
    entry.running.stop();
  }

  #endWithPrograms(): void {
    if (this.#world.scenario.endWithPrograms !== true) return;
    const awaited = this.#entries.filter(({ spec }) => spec.background !== true);
    if (awaited.length === 0 || awaited.some(({ ending }) => ending === undefined)) return;
    const { simulator } = this.#world;
    simulator.scheduleCall(simulator.now + SETTLE, () => this.#done.abort());
  }

  async #readKernels(): Promise<KernelReading[]> {
    const readings: KernelReading[] = [];
    for (const [attachment, before] of this.#before) {
      const after = await this.#attachments.get(attachment)?.counters?.();
      const netns = this.#world.scenario.attachments?.[attachment]?.tap?.netns;
      if (after !== undefined && netns !== undefined) readings.push({ attachment, netns, before, after });
    }
    return readings;
  }

  #describe(entry: Entry, free: Set<WireFlow>): { result: ProgramResult; delays?: DelaySeries } {
    const { name, spec, netns, startedAt, endedAt, ending } = entry;
    const { exitCode, signal, stdout = "", stderr = "" } = ending ?? {};
    const base: ProgramResult = {
      name,
      attachment: spec.in,
      netns,
      command: commandOf(spec),
      end: endOf(entry),
      ...(startedAt === undefined ? {} : { startedAt }),
      ...(endedAt === undefined ? {} : { endedAt }),
      ...(exitCode === undefined ? {} : { exitCode }),
      ...(signal === undefined ? {} : { signal }),
      output: stdout.slice(-TAIL),
      errors: stderr.slice(-TAIL),
    };
    if (ending === undefined || ending.missing !== undefined) return { result: base };
    const kind = outputOf(spec);
    if (kind === "ping") return this.#describePing(entry, base, stdout, free);
    if (kind === "iperf3") return { result: this.#describeIperf3(base, stdout, free) };
    this.#complain(base, "");
    return { result: base };
  }

  #describePing(
    { startedAt = 0, running }: Entry,
    base: ProgramResult,
    stdout: string,
    free: Set<WireFlow>,
  ): { result: ProgramResult; delays?: DelaySeries } {
    const begun = running?.startedAt ?? 0;
    const reading = readPing(stdout, (seconds) => Math.max(0, startedAt + Math.round((seconds * 1000 - begun) * 1e6)));
    if (reading === undefined) {
      this.#complain(base, "");
      return { result: base };
    }
    const { ping, delays, isTimed } = reading;
    const forth = claim(free, (flow) => {
      return isEcho(flow) && !flow.isReply && flow.destination === ping.address && flow.firstAt >= startedAt;
    });
    const back =
      forth === undefined
        ? undefined
        : claim(free, (flow) => {
            return (
              isEcho(flow) && flow.isReply && flow.source === ping.address && flow.destinationPort === forth.sourcePort
            );
          });
    const wire = forth === undefined ? {} : { wire: this.#wire([forth], back === undefined ? [] : [back]) };
    const result = { ...base, ping, ...wire };
    return isTimed ? { result, delays: delays.series(base.name, "rtt") } : { result };
  }

  #describeIperf3(base: ProgramResult, stdout: string, free: Set<WireFlow>): ProgramResult {
    const reading = readIperf3(stdout);
    if ("error" in reading) {
      this.#complain(base, reading.error);
      return base;
    }
    const { iperf3, connections } = reading;
    const forth = connections.flatMap((each) => claim(free, (flow) => belongs(flow, iperf3.protocol, each)) ?? []);
    const back = connections.flatMap(({ local, localPort, remote, remotePort }) => {
      const reversed = { local: remote, localPort: remotePort, remote: local, remotePort: localPort };
      return claim(free, (flow) => belongs(flow, iperf3.protocol, reversed)) ?? [];
    });
    return { ...base, iperf3, ...(forth.length === 0 ? {} : { wire: this.#wire(forth, back) }) };
  }

  #wire(forth: readonly WireFlow[], back: readonly WireFlow[]): ProgramWire {
    const isAttachment = (end: string): boolean => this.#attachments.has(end);
    const model = this.#modelRtt([...forth, ...back]);
    return {
      forth: countFlows(forth, isAttachment),
      back: countFlows(back, isAttachment),
      ...(back.length === 0 ? {} : { modelRtt: model }),
    };
  }

  /** Delay and time on the line (IEEE 802.3: preamble, padding, check sequence) of each direction of a link on the way. */
  #modelRtt(flows: readonly WireFlow[]): Nanos {
    let sum = 0;
    const passed = new Set<string>();
    for (const { links } of flows) {
      for (const [key, { link, from, frames, bytes }] of links) {
        const around = this.#world.links.get(link);
        if (around === undefined || frames === 0 || passed.has(key)) continue;
        passed.add(key);
        const { delay, rate: bitrate } = around.parameters[around.ends[0] === from ? 0 : 1];
        if (delay !== undefined) sum += duration(delay);
        if (bitrate !== undefined) sum += ((Math.max(60, bytes / frames) + 12) * 8e9) / rate(bitrate);
      }
    }
    return Math.round(sum);
  }

  /** A program of which there is nothing to read: says why. */
  #complain({ name, end, exitCode, signal, errors }: ProgramResult, why: string): void {
    if (why === "" && (end === "stopped" || exitCode === 0)) return;
    const status = signal === undefined ? `ended with status ${exitCode ?? "?"}` : `was ended by ${signal}`;
    const words = why === "" ? (errors.trim().split("\n").at(-1) ?? "") : why.trim();
    this.#world.warn(`program ${name} ${status}${words === "" ? "" : `: ${words}`}`);
  }
}

function endOf({ running, ending, isStopped }: Entry): ProgramResult["end"] {
  if (running === undefined || ending === undefined) return "not-started";
  if (ending.missing !== undefined) return "missing";
  return isStopped ? "stopped" : "exited";
}

/** Addresses of the simulated hosts. */
function hostAddresses({ hosts }: BuiltWorld): Set<string> {
  const interfaces = [...hosts.values()].flatMap((host) => [...host.interfaces]);
  const addresses = interfaces.flatMap((each) => [...each.v4.addresses, ...each.v6.addresses]);
  return new Set(addresses.map(({ address }) => formatIp(address)));
}

/** The first flow that fits, taken out: no two programs have the same. */
function claim(free: Set<WireFlow>, fits: (flow: WireFlow) => boolean): WireFlow | undefined {
  for (const flow of free) {
    if (!fits(flow)) continue;
    free.delete(flow);
    return flow;
  }
  return undefined;
}

function isEcho({ protocol }: WireFlow): boolean {
  return protocol === "icmp-echo";
}

function belongs(flow: WireFlow, protocol: "udp" | "tcp", connection: Iperf3Connection): boolean {
  return (
    flow.protocol === protocol &&
    flow.source === connection.local &&
    flow.sourcePort === connection.localPort &&
    flow.destination === connection.remote &&
    flow.destinationPort === connection.remotePort
  );
}
