import { invalidArgument, NS_PER_US, type EventHandler, type EventId, type Nanos, type Scheduler } from "@seville/core";

/** `ethtool -C`: when a ring interrupts. */
export interface Coalesce {
  /** Microseconds after the first frame (`rx-usecs`, `tx-usecs`). 0: at once. */
  readonly usecs: number;
  /** Frames after which it does not wait any longer (`rx-frames`, `tx-frames`). 0: no such limit. */
  readonly frames: number;
}

/**
 * Interrupt moderation of one vector: what happens is announced after `usecs`, or after `frames`, whichever comes first,
 * so that one interrupt serves many frames. While the vector is masked (NAPI polls) nothing is announced; what came in
 * the meantime is announced when it is unmasked.
 */
export class InterruptModeration implements EventHandler {
  readonly #scheduler: Scheduler;
  readonly #interrupt: (now: Nanos) => void;
  #coalesce: Coalesce = { usecs: 0, frames: 0 };
  #pending = 0;
  #timer: EventId | undefined = undefined;
  #masked = true;

  constructor(scheduler: Scheduler, interrupt: (now: Nanos) => void) {
    this.#scheduler = scheduler;
    this.#interrupt = interrupt;
  }

  get coalesce(): Coalesce {
    return this.#coalesce;
  }

  /** @throws SevilleError `ERR_INVALID_ARGUMENT` */
  configure(coalesce: Coalesce): void {
    for (const field of ["usecs", "frames"] as const) {
      const value = coalesce[field];
      if (!Number.isInteger(value) || value < 0) throw invalidArgument(field, "a whole number, 0 or more", value);
    }
    this.#coalesce = coalesce;
  }

  /** One more frame to announce. */
  notify(now: Nanos): void {
    this.#pending++;
    this.#arm(now);
  }

  mask(): void {
    this.#masked = true;
    this.#disarm();
  }

  /** Lets interrupts through again. `pending`: how many frames lie there unannounced. */
  unmask(pending: number, now: Nanos): void {
    this.#masked = false;
    this.#pending = pending;
    if (pending > 0) this.#arm(now);
  }

  handleEvent(_argument: number, now: Nanos): void {
    this.#timer = undefined;
    this.#fire(now);
  }

  #arm(now: Nanos): void {
    if (this.#masked) return;
    const { usecs, frames } = this.#coalesce;
    if (usecs === 0 || (frames > 0 && this.#pending >= frames)) {
      this.#disarm();
      this.#fire(now);
      return;
    }
    this.#timer ??= this.#scheduler.schedule(now + usecs * NS_PER_US, this);
  }

  #disarm(): void {
    if (this.#timer !== undefined) this.#scheduler.cancel(this.#timer);
    this.#timer = undefined;
  }

  #fire(now: Nanos): void {
    this.#pending = 0;
    // The vector masks itself until the driver has looked (auto-clear), as with MSI-X and NAPI.
    this.#masked = true;
    this.#interrupt(now);
  }
}
