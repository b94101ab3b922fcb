import { parseMib } from "../../../../../packages/host-link/src/index.ts";
import { STATS_DRIVER } from "../../../../../packages/netdev/src/index.ts";
import type { Lab, Side } from "./lab.ts";
import { inNetns } from "../../../lib/netns-programs.ts";

/** What the kernel counts on its side of a TAP device. `tx` is towards us. */
export interface TapCount {
  readonly rx_packets: number;
  readonly rx_bytes: number;
  readonly tx_packets: number;
  readonly tx_bytes: number;
  readonly rx_dropped: number;
  readonly tx_dropped: number;
  readonly rx_errors: number;
  readonly rx_frame_errors: number;
}

const NAMES = [
  "rx_packets",
  "rx_bytes",
  "tx_packets",
  "tx_bytes",
  "rx_dropped",
  "tx_dropped",
  "rx_errors",
  "rx_frame_errors",
] as const;

/** The kernel's counters of the TAP device on `side`, by now. */
export async function countTap({ names }: Lab, side: Side): Promise<TapCount> {
  const files = NAMES.map((name) => `/sys/class/net/tap${side}/statistics/${name}`);
  const values = (await inNetns(names[side], ["cat", ...files])).trim().split("\n").map(Number);
  return Object.fromEntries(NAMES.map((name, i) => [name, values[i]])) as unknown as TapCount;
}

/** Counts on both TAP devices while `during` runs. */
export async function countDuring<Result>(
  lab: Lab,
  during: () => Promise<Result>,
): Promise<{ readonly result: Result; readonly taps: Readonly<Record<Side, TapCount>> }> {
  const before = { a: await countTap(lab, "a"), b: await countTap(lab, "b") };
  const result = await during();
  const after = { a: await countTap(lab, "a"), b: await countTap(lab, "b") };
  return { result, taps: { a: minus(after.a, before.a), b: minus(after.b, before.b) } };
}

function minus(after: TapCount, before: TapCount): TapCount {
  return Object.fromEntries(NAMES.map((name) => [name, after[name] - before[name]])) as unknown as TapCount;
}

/** Mean size of the frames that the kernel handed to us and took from us, bytes. */
export function meanSizes(count: TapCount): { readonly toUs: number; readonly fromUs: number } {
  return {
    toUs: Math.round(count.tx_bytes / Math.max(1, count.tx_packets)),
    fromUs: Math.round(count.rx_bytes / Math.max(1, count.rx_packets)),
  };
}

/** A namespace's own counters, by the names of `nstat`. */
export async function mib(netns: string): Promise<Record<string, number>> {
  return parseMib(await inNetns(netns, "cat /proc/net/snmp /proc/net/snmp6 /proc/net/netstat"));
}

/** What our driver of a TAP device counts. */
export function driverCounters({ nics }: Lab, side: Side): ReadonlyMap<string, number> {
  return nics[side].stats(STATS_DRIVER);
}
