import type { Packet } from "@seville/packet";
import {
  policeMeter,
  policer,
  type PoliceAction,
  type PoliceOptions,
  type Policer,
  type PolicerOptions,
  type QueueAccess,
} from "@seville/queueing";

/** A single rate policer, as `tc … police rate … burst …`. */
export interface LinkPolicerOptions extends PoliceOptions {
  /** What becomes of frames that exceed the rate. Default `drop`. */
  readonly exceed?: PoliceAction;
}

/** Any other meter. Called once for each direction, since a meter remembers. */
export type CustomPolicer = () => PolicerOptions;

/** @throws SevilleError `ERR_INVALID_ARGUMENT` */
export function createFramePolicer(
  options: LinkPolicerOptions | CustomPolicer | null,
  access: QueueAccess<Packet>,
): Policer<Packet> | undefined {
  if (options === null) return undefined;
  if (typeof options === "function") return policer(access, options());
  return policer(access, { meter: policeMeter(options), red: options.exceed ?? "drop" });
}

/** Whether it may set Congestion Experienced, for which a frame needs bytes of its own. */
export function policerMarks(options: LinkPolicerOptions | CustomPolicer | null): boolean {
  return typeof options === "function" || options?.exceed === "mark";
}
