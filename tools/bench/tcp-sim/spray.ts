import { runScenario } from "../../../packages/scenario/src/index.ts";
import type { Fabric, Scenario, Traffic } from "../../../packages/scenario/src/index.ts";

/*
 * TCP over sprayed paths, beside what the kernel's TCP did on the same paths (Linux 6.18, two network namespaces, a user-space
 * emulator of four parallel paths, iperf3 for 20 s): four paths of 25 Mbit/s and 62.5 kB each, 20 ms there and back.
 */

/** A line of the table. Medians over the seeds. */
export interface SprayRow {
  readonly case: string;
  /** Mbit/s of payload, or a share of what a fair network would give. */
  readonly unit: "Mbit/s" | "of host rate";
  readonly ours: number;
  /** Of each seed, ascending. */
  readonly runs: readonly number[];
  readonly reference: number;
  readonly retransmits?: number;
  readonly referenceRetransmits?: number;
}

export interface SprayOptions {
  readonly seeds: readonly number[];
  /** Virtual seconds. */
  readonly seconds: number;
  /** Only the case with this name. */
  readonly only?: string;
}

interface PathCase {
  readonly name: string;
  readonly select: NonNullable<Fabric["select"]>;
  readonly flows?: number;
  readonly congestion?: string;
  readonly degrade?: NonNullable<Fabric["degrade"]>;
  readonly sysctls?: Readonly<Record<string, number>>;
  readonly goodput: number;
  readonly retransmits: number;
}

/** Path 0 at half its rate, path 0 longer by 5 ms. Rates count IP bytes: an Ethernet frame is 14 longer. */
const RATE = "25233333bit";
const HALF = { path0: { rate: "12616667bit" } } as const;
const LONGER = { path0: { delay: "12.5ms" } } as const;
const RACK_OFF = { "net.ipv4.tcp_recovery": 0 };
/** The emulator looked at two queues and remembered none. */
const BETTER_OF_TWO = { "better-of-two": { memory: 0 } } as const;

const PATHS: readonly PathCase[] = [
  { name: "pinned to one path, cubic", select: "hash", goodput: 24.1, retransmits: 57 },
  { name: "random, cubic", select: "random", goodput: 78.6, retransmits: 560 },
  { name: "random, cubic, RACK off", select: "random", sysctls: RACK_OFF, goodput: 76.7, retransmits: 419 },
  { name: "random, reno", select: "random", congestion: "reno", goodput: 78.0, retransmits: 464 },
  { name: "random, bbr", select: "random", congestion: "bbr", goodput: 88.1, retransmits: 8700 },
  { name: "round-robin, cubic", select: "round-robin", goodput: 94.6, retransmits: 89 },
  { name: "better-of-two, cubic", select: BETTER_OF_TWO, goodput: 92.8, retransmits: 178 },
  { name: "4 flows, random, cubic", select: "random", flows: 4, goodput: 89.1, retransmits: 800 },
  { name: "4 flows, round-robin, cubic", select: "round-robin", flows: 4, goodput: 93.9, retransmits: 454 },
  { name: "one path +5 ms, random, cubic", select: "random", degrade: LONGER, goodput: 75.3, retransmits: 301 },
  {
    name: "one path +5 ms, random, cubic, RACK off",
    select: "random",
    degrade: LONGER,
    sysctls: RACK_OFF,
    goodput: 58.1,
    retransmits: 306,
  },
  { name: "one path at half rate, random, cubic", select: "random", degrade: HALF, goodput: 44.8, retransmits: 2798 },
  {
    name: "one path at half rate, random, bbr",
    select: "random",
    congestion: "bbr",
    degrade: HALF,
    goodput: 43.5,
    retransmits: 16_504,
  },
  {
    name: "one path at half rate, better-of-two, cubic",
    select: BETTER_OF_TWO,
    degrade: HALF,
    goodput: 83.4,
    retransmits: 175,
  },
];

const ECMP_CASE = "spray: ECMP in a fat-tree, k = 4, permutation";

export const SPRAY_CASES: readonly string[] = [...PATHS.map(({ name }) => `spray: ${name}`), ECMP_CASE];

/** The table, case by case. */
export async function sprayTable(options: SprayOptions): Promise<SprayRow[]> {
  const rows: SprayRow[] = [];
  const wanted = (name: string): boolean => options.only === undefined || options.only === name;
  for (const one of PATHS) {
    const name = `spray: ${one.name}`;
    if (!wanted(name)) continue;
    const found = await overSeeds(options, (seed) => runPaths(one, options.seconds, seed));
    rows.push({
      case: name,
      unit: "Mbit/s",
      ours: median(found.map(({ goodput }) => goodput)),
      runs: found.map(({ goodput }) => goodput).sort((a, b) => a - b),
      reference: one.goodput,
      retransmits: median(found.map(({ retransmits }) => retransmits)),
      // The kernel's were counted over 20 s.
      referenceRetransmits: Math.round((one.retransmits * options.seconds) / 20),
    });
  }
  if (wanted(ECMP_CASE)) rows.push(...(await ecmpRows(ECMP_CASE, options)));
  return rows;
}

async function runPaths(
  one: PathCase,
  seconds: number,
  seed: number,
): Promise<{ goodput: number; retransmits: number }> {
  const { select, flows = 1, congestion, degrade = {}, sysctls = {} } = one;
  const fabric: Fabric = {
    paths: { count: 4 },
    access: { rate: "10gbit", delay: "0ms", queue: { fifo: { limit: "10000p" } } },
    framing: "none",
    rate: RATE,
    delay: "10ms",
    queue: { fifo: { limit: "63083b" } },
    select,
    degrade,
    hostSysctls: sysctls,
  };
  const result = await runFabric(
    fabric,
    { pairs: { in: "f", flows, ...(congestion === undefined ? {} : { congestion }) } },
    seconds,
    seed,
  );
  return {
    goodput: result.reduce((sum, { throughput }) => sum + throughput, 0) / 1e6,
    retransmits: result.reduce((sum, { retransmits = 0 }) => sum + retransmits, 0),
  };
}

/** Of the rate that a host's link carries as payload, 1448 of 1538 bytes. The reference is max-min fair over random paths. */
async function ecmpRows(name: string, options: SprayOptions): Promise<SprayRow[]> {
  const fabric: Fabric = {
    fatTree: { k: 4 },
    rate: "100mbit",
    delay: "10us",
    queue: { fifo: { limit: "100p" } },
    select: "hash",
    hostSysctls: { "net.ipv4.tcp_wmem": "4096 65536 262144" },
  };
  const full = (100e6 * 1448) / 1538;
  const seeds = Array.from({ length: options.seeds.length * 4 }, (_, i) => i + 1);
  const shares: number[][] = [];
  for (const seed of seeds) {
    const flows = await runFabric(fabric, { permutation: { in: "f", seed } }, Math.min(2, options.seconds), seed);
    shares.push(flows.map(({ throughput }) => throughput / full));
  }
  const meanOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const means = shares.map(meanOf);
  // The slowest flow is not compared: TCP is not max-min fair, least of all within seconds.
  return [
    {
      case: `${name}, mean`,
      unit: "of host rate",
      // The reference is a mean over trials too.
      ours: meanOf(means),
      runs: [...means].sort((a, b) => a - b),
      reference: 0.593,
    },
  ];
}

async function runFabric(fabric: Fabric, traffic: Traffic, seconds: number, seed: number) {
  const scenario: Scenario = {
    name: "spray",
    duration: `${seconds}s`,
    hosts: {},
    fabrics: { f: fabric },
    traffic: { flows: traffic },
  };
  const { fabrics = [], warnings } = await runScenario(scenario, { seed, pool: { small: 24_000, jumbo: 0, super: 0 } });
  if (warnings.length > 0) throw new Error(warnings.join("; "));
  return fabrics.flatMap(({ flows }) => flows);
}

async function overSeeds<Found>({ seeds }: SprayOptions, run: (seed: number) => Promise<Found>): Promise<Found[]> {
  const found: Found[] = [];
  for (const seed of seeds) found.push(await run(seed));
  return found;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1
    ? (sorted[middle] as number)
    : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
}
