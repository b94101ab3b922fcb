import type { DropReason, Nanos } from "@seville/core";
import type { Packet } from "@seville/packet";

/** Which way: from the link's first end to its second, or back. */
export type LinkDirection = "aToB" | "bToA";

/** `sent`: its first bit goes onto the line (it has left the queue). `delivered`: its last bit arrived. */
export type TapPoint = "sent" | "delivered" | "dropped";

/** Looks on: for captures, statistics and tests. */
export interface LinkTap {
  /**
   * A frame passed by. It is borrowed: it may be read until this returns, and neither kept, changed nor released.
   * `reason` is given with `dropped`.
   */
  frame(direction: LinkDirection, point: TapPoint, frame: Packet, now: Nanos, reason?: DropReason): void;
}
