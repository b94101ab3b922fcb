import type { Nanos } from "./nanos.ts";

/** Names a scheduled event. Ids are used again, so forget one once its event has fired or was cancelled. */
export type EventId = number;

/** Something that can be woken. One object serves many events, told apart by `argument`: no closure per event. */
export interface EventHandler {
  handleEvent(argument: number, now: Nanos): void;
}

/**
 * The clock and alarm of whoever drives engines: the simulator, or a real-time loop with the same face.
 *
 * Events due at the same time fire in the order in which they were scheduled.
 */
export interface Scheduler {
  /** The time now. */
  readonly now: Nanos;
  /** Calls `handler.handleEvent(argument, at)` at time `at` (now, if `at` has passed). */
  schedule(at: Nanos, handler: EventHandler, argument?: number): EventId;
  /** Calls `call` at time `at`. For scripts and users; the hot paths use {@link Scheduler.schedule}. */
  scheduleCall(at: Nanos, call: () => void): EventId;
  /** Takes back an event that has not fired. Returns whether it was still pending. */
  cancel(id: EventId): boolean;
}
