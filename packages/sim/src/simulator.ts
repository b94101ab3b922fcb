import {
  createRandom,
  invalidArgument,
  SevilleError,
  type EventHandler,
  type EventId,
  type Nanos,
  type Random,
  type Scheduler,
} from "@seville/core";
import { NONE, TimingWheel } from "./timing-wheel.ts";

export interface SimulatorOptions {
  /** Root of the streams that {@link Simulator.random} gives. Default: that of seed 1. */
  readonly random?: Random;
}

/** What a {@link Simulator.run} may do. */
export interface RunOptions {
  /** Fire everything due at this time or before, and leave the clock there. Default: until nothing is pending. */
  readonly until?: Nanos;
  /** Return after this many events. Ends a world in which events beget events without time passing. */
  readonly maxEvents?: number;
  /** Called every `progressEvery` events: for progress bars. It may call {@link Simulator.pause} or `stop`. */
  readonly onProgress?: (progress: RunProgress) => void;
  /** Default 100 000. */
  readonly progressEvery?: number;
}

export interface RunProgress {
  readonly now: Nanos;
  /** `Infinity` if the run has no end. */
  readonly until: Nanos;
  /** Events fired since the simulator was made. */
  readonly events: number;
}

/**
 * How a run ended: `idle`: nothing is pending; `until`: the next event is due later than that; `budget`: `maxEvents`
 * were fired; `paused` and `stopped`: somebody called that method.
 */
export type RunEnd = "idle" | "until" | "budget" | "paused" | "stopped";

export interface RunResult {
  readonly end: RunEnd;
  readonly now: Nanos;
  /** Events fired by this run. */
  readonly events: number;
}

/** A handler threw. `cause` is what it threw, `at` the virtual time of its event. The simulator can go on. */
export class EventError extends SevilleError {
  override readonly name: string = "EventError";
  readonly at: Nanos;

  constructor(at: Nanos, cause: unknown) {
    const said = cause instanceof Error ? cause.message : String(cause);
    super("ERR_EVENT_FAILED", `at ${formatTime(at)}: ${said}`, undefined, { cause });
    this.at = at;
  }
}

/**
 * A discrete-event simulator: a virtual clock that jumps from event to event.
 *
 * It is core's {@link Scheduler}: whatever is built on that runs here and in real time alike. Times are whole
 * nanoseconds up to 2^53 (104 days); a fraction is rounded up (no alarm rings early), a time that has passed means now,
 * and `NaN`, `Infinity` and times past 2^53 are errors. An id is never given out twice.
 */
export class Simulator implements Scheduler {
  readonly #wheel = new TimingWheel();
  #now: Nanos = 0;
  #events = 0;
  #running = false;
  #halted: "paused" | "stopped" | undefined = undefined;
  #lastRun: RunOptions = {};
  readonly #random: Random;

  constructor(options: SimulatorOptions = {}) {
    this.#random = options.random ?? createRandom(1);
  }

  get now(): Nanos {
    return this.#now;
  }

  /** Events fired so far. */
  get events(): number {
    return this.#events;
  }

  /** Events scheduled and neither fired nor cancelled. */
  get pending(): number {
    return this.#wheel.size;
  }

  /** When the next event is due; `Infinity`: nothing is pending. */
  get nextEventAt(): Nanos {
    return this.#wheel.peek();
  }

  get stopped(): boolean {
    return this.#halted === "stopped";
  }

  /** The stream of random numbers called `label`. What one component draws from its own disturbs no other. */
  random(label: string): Random {
    return this.#random.fork(label);
  }

  schedule(at: Nanos, handler: EventHandler, argument = 0): EventId {
    // Written so that NaN fails it too.
    if (!(at <= Number.MAX_SAFE_INTEGER)) throw invalidArgument("at", "a time up to 2^53 ns", at);
    const time = Math.ceil(at);
    return this.#wheel.add(time > this.#now ? time : this.#now, handler, argument);
  }

  scheduleCall(at: Nanos, call: () => void): EventId {
    return this.schedule(at, { handleEvent: call });
  }

  cancel(id: EventId): boolean {
    return this.#wheel.cancel(id);
  }

  /**
   * Fires events in order of time, ties in the order in which they were scheduled.
   * @throws EventError when a handler throws; SevilleError `ERR_RUNNING` when called by a handler
   */
  run(options: RunOptions = {}): RunResult {
    const until = options.until ?? Infinity;
    // Written so that NaN fails it too.
    if (!(until >= this.#now)) throw invalidArgument("until", `a time not before now (${this.#now} ns)`, until);
    if (until > Number.MAX_SAFE_INTEGER && until !== Infinity) throw invalidArgument("until", "below 2^53 ns", until);
    const maxEvents = wholeNumber("maxEvents", options.maxEvents ?? Infinity);
    const progressEvery = wholeNumber("progressEvery", options.progressEvery ?? 100_000);
    this.#lastRun = options;
    const before = this.#events;
    const end = this.#fire(until, maxEvents, progressEvery, options.onProgress);
    if ((end === "idle" || end === "until") && until !== Infinity) this.#now = Math.floor(until);
    return { end, now: this.#now, events: this.#events - before };
  }

  /** Fires the next event, whenever it is due. `false`: there was none (or the simulator was stopped). */
  step(): boolean {
    const before = this.#events;
    this.#fire(Infinity, 1, Infinity, undefined);
    return this.#events !== before;
  }

  /** Makes the run in progress return after the present event. Does nothing between runs. */
  pause(): void {
    if (this.#running) this.#halted ??= "paused";
  }

  /** Goes on with the run that was paused, as it was asked for. */
  resume(): RunResult {
    return this.run(this.#lastRun);
  }

  /** Ends the world: the run returns after the present event, and no event fires ever again. */
  stop(): void {
    this.#halted = "stopped";
    if (!this.#running) this.#wheel.clear();
  }

  #fire(
    until: Nanos,
    maxEvents: number,
    progressEvery: number,
    onProgress: ((progress: RunProgress) => void) | undefined,
  ): RunEnd {
    if (this.#running) throw new SevilleError("ERR_RUNNING", "a handler cannot run the simulator that called it");
    const wheel = this.#wheel;
    const lastEvent = this.#events + maxEvents;
    let nextProgress = onProgress === undefined ? Infinity : this.#events + progressEvery;
    this.#running = true;
    try {
      for (;;) {
        if (this.#halted !== undefined) return this.#settle();
        if (this.#events >= lastEvent) return "budget";
        const event = wheel.take(until);
        if (event === NONE) return wheel.size === 0 ? "idle" : "until";
        const now = wheel.timeOf(event);
        const argument = wheel.argumentOf(event);
        const handler = wheel.handlerOf(event);
        wheel.release(event);
        this.#now = now;
        this.#events++;
        handler.handleEvent(argument, now);
        if (this.#events >= nextProgress) {
          nextProgress += progressEvery;
          onProgress?.({ now, until, events: this.#events });
        }
      }
    } catch (error) {
      throw new EventError(this.#now, error);
    } finally {
      this.#running = false;
      if (this.stopped) wheel.clear();
    }
  }

  #settle(): RunEnd {
    if (this.stopped) return "stopped";
    this.#halted = undefined;
    return "paused";
  }
}

/** `ns` nanoseconds as people read them: "1.500000000 s". */
function formatTime(ns: Nanos): string {
  const fraction = String(ns % 1_000_000_000).padStart(9, "0");
  return `${Math.floor(ns / 1_000_000_000)}.${fraction} s`;
}

function wholeNumber(argument: string, value: number): number {
  if (value === Infinity || (Number.isSafeInteger(value) && value > 0)) return value;
  throw invalidArgument(argument, "a whole number above 0", value);
}
