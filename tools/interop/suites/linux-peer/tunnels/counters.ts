import type { NetInterface } from "../../../../../packages/stack/src/index.ts";
import type { GuestSession } from "../../../../linux-peer/session.ts";

/** Counters of received packets that went no further, as `ip -s -s link` shows them. */
export const RX_ERRORS = [
  "rx_errors",
  "rx_dropped",
  "rx_length_errors",
  "rx_crc_errors",
  "rx_frame_errors",
  "rx_fifo_errors",
] as const;
const ALL = [
  "rx_packets",
  "tx_packets",
  "tx_errors",
  "tx_dropped",
  "tx_carrier_errors",
  "collisions",
  ...RX_ERRORS,
] as const;

export type Counter = (typeof ALL)[number];
export type Counters = Readonly<Record<Counter, number>>;

/** Of the guest's tunnel device, in the namespace of near or, with `far`, of far. */
export async function guestCounters(guest: GuestSession, far = false): Promise<Counters> {
  const exec = far ? "ip netns exec far " : "";
  // sysfs shows the devices of the namespace in which it was mounted: `ip netns exec` mounts one anew.
  const text = await guest.expect(`${exec}sh -c 'cd /sys/class/net/t0/statistics && cat ${ALL.join(" ")}'`);
  const values = text.trim().split("\n").map(Number);
  return Object.fromEntries(ALL.map((name, i) => [name, values[i] ?? Number.NaN])) as Record<Counter, number>;
}

/** Of ours. */
export function ourCounters({ stats }: NetInterface): Counters {
  return Object.fromEntries(ALL.map((name) => [name, stats[name]])) as Record<Counter, number>;
}

/** The error counters that grew, and by how much: `rx_errors 1, rx_crc_errors 1`. */
export function grown(before: Counters, after: Counters, names: readonly Counter[] = RX_ERRORS): string {
  const words = names
    .filter((name) => after[name] !== before[name])
    .map((name) => `${name} ${after[name] - before[name]}`);
  return words.length === 0 ? "none" : words.join(", ");
}
