import type { EventHandler, EventId, Nanos, Scheduler } from "@seville/core";

/**
 * Calls `tick` at a constant interval, which need not be whole nanoseconds: the n-th call comes at `start + round(n × interval)`, so
 * that nothing drifts. Can be stopped and started again.
 */
export class SendClock implements EventHandler {
  readonly #scheduler: Scheduler;
  readonly #interval: number;
  readonly #tick: (now: Nanos) => boolean;
  #startedAt: Nanos = 0;
  #ticks = 0;
  #pending: EventId | undefined;

  /** `tick` answers whether to go on. */
  constructor(scheduler: Scheduler, interval: number, tick: (now: Nanos) => boolean) {
    this.#scheduler = scheduler;
    this.#interval = interval;
    this.#tick = tick;
  }

  start(now: Nanos): void {
    if (this.#pending !== undefined) return;
    this.#startedAt = now;
    this.#ticks = 0;
    this.#pending = this.#scheduler.schedule(now, this);
  }

  stop(): void {
    if (this.#pending !== undefined) this.#scheduler.cancel(this.#pending);
    this.#pending = undefined;
  }

  handleEvent(_argument: number, now: Nanos): void {
    this.#pending = undefined;
    if (!this.#tick(now)) return;
    this.#ticks++;
    this.#pending = this.#scheduler.schedule(this.#startedAt + Math.round(this.#ticks * this.#interval), this);
  }
}
