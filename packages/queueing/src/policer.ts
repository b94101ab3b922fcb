import { createCounters, type Nanos } from "@seville/core";
import type { Colour, Meter } from "./meter.ts";
import type { QueueAccess } from "./qdisc.ts";

/** What becomes of a packet: it passes, it passes marked with Congestion Experienced (or is dropped if it cannot be marked), or it is dropped. */
export type PoliceAction = "pass" | "mark" | "drop";

export interface PolicerOptions {
  readonly meter: Meter;
  /** Default `pass`. */
  readonly yellow?: PoliceAction;
  /** Default `drop`. */
  readonly red?: PoliceAction;
}

/** As `tc -s filter` prints it for a police action, and the packets of each colour. */
export interface PolicerStats {
  /** Bytes and packets that came, whatever became of them. */
  readonly bytes: number;
  readonly packets: number;
  readonly drops: number;
  /** Packets that were not green. */
  readonly overlimits: number;
  readonly marked: number;
  readonly green: number;
  readonly yellow: number;
  readonly red: number;
}

/** Judges each packet at once and holds none. */
export interface Policer<T> {
  /** Whether the item passes. If not, it has gone to `onDrop` with the reason `POLICER`. */
  police(item: T, now: Nanos, incoming?: Colour): boolean;
  readonly stats: PolicerStats;
}

/** Lets packets pass, or not, by a {@link Meter}. */
export function policer<T>(access: QueueAccess<T>, options: PolicerOptions): Policer<T> {
  const { meter } = options;
  const actions = { green: "pass", yellow: options.yellow ?? "pass", red: options.red ?? "drop" } as const;
  const counts = createCounters(["bytes", "packets", "drops", "overlimits", "marked", "green", "yellow", "red"]);
  return {
    police(item, now, incoming) {
      const length = access.length(item);
      const colour = meter.colour(length, now, incoming);
      counts.packets++;
      counts.bytes += length;
      counts[colour]++;
      if (colour !== "green") counts.overlimits++;
      const action = actions[colour];
      if (action === "pass") return true;
      if (action === "mark" && access.markCe?.(item) === true) {
        counts.marked++;
        return true;
      }
      counts.drops++;
      access.onDrop(item, "POLICER");
      return false;
    },
    get stats() {
      return { ...counts };
    },
  };
}
