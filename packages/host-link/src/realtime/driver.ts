import { invalidArgument, SevilleError, type Nanos } from "@seville/core";
import type { Simulator } from "@seville/sim";
import type { WorldClock } from "../bridge.ts";
import { monotonicNow } from "../port/clock.ts";
import { LatenessRecorder, type LatenessSummary } from "./lateness.ts";

export interface RealtimeOptions {
  /** Simulated time at which to end. */
  readonly until: Nanos;
  /** Simulated seconds per second of the clock on the wall. Default 1. */
  readonly speed?: number;
  /**
   * For how long before an event the thread stays awake instead of sleeping, ms. Timers of Node are right to about a
   * millisecond only. Default 1.5; 0 spares the processor and costs that accuracy.
   */
  readonly awakeMs?: number;
  /** Ends the run early; what was measured till then is returned. */
  readonly signal?: AbortSignal;
  /** Called about ten times a second: for progress bars. */
  readonly onProgress?: (now: Nanos) => void;
}

export interface RealtimeResult {
  /** `until`: the time has come; `stopped`: by the signal, by {@link RealtimeDriver.stop} or by the simulator. */
  readonly end: "until" | "stopped";
  readonly now: Nanos;
  readonly events: number;
  /** How late events fired, by the clock on the wall. A run in real time is not reproducible: this says how far off it was. */
  readonly lateness: LatenessSummary;
}

const PROGRESS_NS = 100e6;
/** No sleep is longer, so that a clock that was set wrong by a suspended machine is noticed. */
const LONGEST_SLEEP_MS = 1000;
/** Events after which the thread looks at its sockets again. */
const EVENTS_PER_TURN = 5000;

/**
 * Runs a simulator against the clock on the wall. Sans-IO engines do not notice; results are no longer reproducible, and so
 * the lateness is measured.
 */
export class RealtimeDriver implements WorldClock {
  readonly #simulator: Simulator;
  readonly #lateness = new LatenessRecorder();
  #wallStart = 0;
  #virtualStart: Nanos = 0;
  #speed = 1;
  #until: Nanos = 0;
  #state: "new" | "running" | "ended" = "new";
  #wake: (() => void) | undefined;
  #wakeAt = Infinity;

  constructor(simulator: Simulator) {
    this.#simulator = simulator;
  }

  /** The simulated time that the clock on the wall shows now. */
  get presentTime(): Nanos {
    return this.#virtual(monotonicNow());
  }

  get lateness(): LatenessSummary {
    return this.#lateness.summary();
  }

  catchUp(wall: number): boolean {
    if (this.#state !== "running") return false;
    const target = Math.min(this.#virtual(wall), this.#until);
    if (target > this.#simulator.now) this.#advance(target, monotonicNow());
    return !this.#simulator.stopped;
  }

  rearm(): void {
    if (this.#simulator.nextEventAt < this.#wakeAt) this.#wake?.();
  }

  /** Ends the run as soon as may be. */
  stop(): void {
    if (this.#state === "running") this.#state = "ended";
    this.#wake?.();
  }

  /**
   * Runs until `options.until`. Once only.
   * @throws whatever an event throws
   */
  async run(options: RealtimeOptions): Promise<RealtimeResult> {
    const awakeNs = this.#begin(options);
    const eventsBefore = this.#simulator.events;
    const onAbort = () => this.stop();
    options.signal?.addEventListener("abort", onAbort, { once: true });
    if (options.signal?.aborted === true) this.stop();
    let progressAt = 0;
    try {
      while (this.#isRunning()) {
        const wall = monotonicNow();
        const present = Math.min(this.#virtual(wall), this.#until);
        if (this.#simulator.nextEventAt <= present) this.#advance(present, wall);
        if (wall >= progressAt) {
          options.onProgress?.(present);
          progressAt = wall + PROGRESS_NS;
        }
        if (present >= this.#until && this.#simulator.nextEventAt > this.#until) break;
        await this.#pause(awakeNs);
      }
    } finally {
      options.signal?.removeEventListener("abort", onAbort);
    }
    const end = this.#isRunning() ? "until" : "stopped";
    if (end === "until") this.#simulator.run({ until: this.#until });
    this.#state = "ended";
    return {
      end,
      now: this.#simulator.now,
      events: this.#simulator.events - eventsBefore,
      lateness: this.#lateness.summary(),
    };
  }

  #begin(options: RealtimeOptions): number {
    const { until, speed = 1, awakeMs = 1.5 } = options;
    if (this.#state !== "new") throw new SevilleError("ERR_RUNNING", "a RealtimeDriver runs once");
    if (!(until >= this.#simulator.now)) throw invalidArgument("until", "a time not before now", until);
    if (!(speed > 0 && speed <= 1000)) throw invalidArgument("speed", "above 0 and at most 1000", speed);
    if (!(awakeMs >= 0 && awakeMs <= 1000)) throw invalidArgument("awakeMs", "0 to 1000 ms", awakeMs);
    this.#speed = speed;
    this.#until = until;
    this.#virtualStart = this.#simulator.now;
    this.#wallStart = monotonicNow();
    this.#state = "running";
    return awakeMs * 1e6;
  }

  #isRunning(): boolean {
    return this.#state === "running" && !this.#simulator.stopped;
  }

  #virtual(wall: number): Nanos {
    return Math.floor(this.#virtualStart + (wall - this.#wallStart) * this.#speed);
  }

  /** Fires what is due up to `target`, and notes how late the first of it is. */
  #advance(target: Nanos, wall: number): void {
    const due = this.#simulator.nextEventAt;
    if (due <= target) this.#lateness.record((this.#virtual(wall) - due) / this.#speed);
    this.#simulator.run({ until: target, maxEvents: EVENTS_PER_TURN });
  }

  /** Lets the thread do other things until shortly before the next event, or until {@link RealtimeDriver.rearm}. */
  async #pause(awakeNs: number): Promise<void> {
    const next = Math.min(this.#simulator.nextEventAt, this.#until);
    const wallLeft = (next - this.#virtual(monotonicNow())) / this.#speed;
    const sleepMs = Math.min(Math.floor((wallLeft - awakeNs) / 1e6), LONGEST_SLEEP_MS);
    await new Promise<void>((resolve) => {
      if (sleepMs < 1) {
        setImmediate(resolve);
        return;
      }
      this.#wakeAt = next;
      const timer = setTimeout(resolve, sleepMs);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#wake = undefined;
    this.#wakeAt = Infinity;
  }
}
