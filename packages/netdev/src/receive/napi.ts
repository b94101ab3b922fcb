import type { EventHandler, EventId, Nanos, Scheduler } from "@seville/core";

/** `NAPI_POLL_WEIGHT`: packets that one poll may take. */
export const NAPI_POLL_WEIGHT = 64;

/** Takes at most `budget` received packets from the device; answers how many it took. */
export type NapiPoll = (budget: number, now: Nanos) => number;

export interface NapiOptions {
  readonly scheduler: Scheduler;
  readonly poll: NapiPoll;
  /** After every poll: held packets go on, or only old ones if the budget was used up. */
  readonly afterPoll: (complete: boolean, now: Nanos) => void;
  /** Default {@link NAPI_POLL_WEIGHT}. */
  readonly weight?: number;
  /** How long the CPU is busy with a packet. Default 0: it is never behind, and rings never overflow. */
  readonly cpuPerPacket?: Nanos;
}

/**
 * One NAPI instance: an interrupt schedules it, and it polls with a budget until the device has nothing left. While it
 * polls, the device's vector is masked: under load there are no interrupts at all.
 */
export class Napi implements EventHandler {
  readonly weight: number;
  readonly #options: NapiOptions;
  readonly #cpuPerPacket: Nanos;
  #event: EventId | undefined = undefined;
  #isScheduled = false;
  #isEnabled = false;
  #busyUntil: Nanos = 0;
  #polls = 0;

  constructor(options: NapiOptions) {
    this.#options = options;
    this.weight = options.weight ?? NAPI_POLL_WEIGHT;
    this.#cpuPerPacket = options.cpuPerPacket ?? 0;
  }

  get polls(): number {
    return this.#polls;
  }

  get isScheduled(): boolean {
    return this.#isScheduled;
  }

  enable(): void {
    this.#isEnabled = true;
  }

  /** `napi_disable`: polls no more. */
  disable(): void {
    this.#isEnabled = false;
    this.#isScheduled = false;
    if (this.#event !== undefined) this.#options.scheduler.cancel(this.#event);
    this.#event = undefined;
  }

  /** `napi_schedule`, from the interrupt: polls as soon as the CPU is free. */
  schedule(now: Nanos): void {
    if (this.#isScheduled || !this.#isEnabled) return;
    this.#isScheduled = true;
    this.#event = this.#options.scheduler.schedule(Math.max(now, this.#busyUntil), this);
  }

  /**
   * `napi_complete_done`, from the driver's poll when it took fewer than its budget. Answers whether to unmask the
   * vector.
   */
  complete(): boolean {
    this.#isScheduled = false;
    return this.#isEnabled;
  }

  handleEvent(_argument: number, now: Nanos): void {
    this.#event = undefined;
    if (!this.#isEnabled) return;
    this.#polls++;
    const work = this.#options.poll(this.weight, now);
    this.#busyUntil = now + work * this.#cpuPerPacket;
    this.#options.afterPoll(!this.#isScheduled, now);
    if (this.#isScheduled) this.#pollAgain();
  }

  /** The budget was used up; unless an interrupt has scheduled it already. */
  #pollAgain(): void {
    this.#event ??= this.#options.scheduler.schedule(this.#busyUntil, this);
  }
}
