import { invalidArgument, SevilleError, type DropReason, type Nanos } from "@seville/core";
import { Pacer, type Lateness, type Simulator } from "@seville/sim";
import type { WorldClock } from "../bridge.ts";
import { monotonicNow } from "../port/clock.ts";

export interface RealtimeOptions {
  /** Simulated time at which to end. */
  readonly until: Nanos;
  /** Simulated seconds per second of the clock on the wall. Default 1. */
  readonly speed?: number;
  /**
   * For how long before an event the thread stays awake instead of sleeping, ms. Node's timers are right to about a
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
  /**
   * How late events fired by the clock on the wall, ns. A run in real time is not reproducible: this says how far off it was.
   */
  readonly lateness: Lateness;
}

const PROGRESS_NS = 100e6;
/** No sleep is longer, for the sake of progress bars. */
const LONGEST_SLEEP_MS = 100;
/** Events after which the thread looks at its sockets again. */
const EVENTS_PER_TURN = 1000;

/**
 * Runs a simulator against the clock on the wall: sleeps until shortly before the next event, stays awake for the rest, and
 * passes in what comes from outside.
 */
export class RealtimeDriver implements WorldClock {
  readonly #simulator: Simulator;
  #pacer: Pacer | undefined;
  /** When the run is to end, by the clock on the wall. */
  #wallEnd = 0;
  #state: "new" | "running" | "ended" = "new";
  /** Cuts the present sleep short. */
  #wake: (() => void) | undefined;
  #wakeAt: Nanos = Infinity;

  constructor(simulator: Simulator) {
    this.#simulator = simulator;
  }

  inject(input: (now: Nanos) => void, arrivedAt: number): DropReason | undefined {
    if (this.#pacer === undefined) return "DEV_READY";
    if (!this.#isRunning()) return "END_OF_RUN";
    this.#pacer.inject(input, arrivedAt);
    if (this.#simulator.nextEventAt < this.#wakeAt) this.#wake?.();
    return undefined;
  }

  /** Ends the run as soon as may be. */
  stop(): void {
    if (this.#state === "running") this.#state = "ended";
    this.#wake?.();
  }

  /**
   * Runs until `options.until`. Once only.
   * @throws EventError when an event throws
   */
  async run(options: RealtimeOptions): Promise<RealtimeResult> {
    const { signal, awakeMs = 1.5 } = options;
    const pacer = this.#begin(options);
    const onAbort = () => this.stop();
    signal?.addEventListener("abort", onAbort, { once: true });
    if (signal?.aborted === true) this.stop();
    let progressAt = 0;
    let end: RealtimeResult["end"] = "stopped";
    try {
      while (this.#isRunning()) {
        const left = pacer.advance();
        const wall = monotonicNow();
        if (wall >= progressAt) {
          options.onProgress?.(this.#simulator.now);
          progressAt = wall + PROGRESS_NS;
        }
        if (wall >= this.#wallEnd && left > 0) {
          end = "until";
          break;
        }
        await this.#pause(Math.min(left, this.#wallEnd - wall), awakeMs);
      }
    } finally {
      this.#state = "ended";
      signal?.removeEventListener("abort", onAbort);
    }
    // Whoever stops it wants what has happened by now; the clock had been standing since the last look at it.
    if (end === "stopped" && !this.#simulator.stopped) pacer.advance();
    // Rounding may have left the last nanosecond.
    if (end === "until" && this.#simulator.now < options.until) this.#simulator.run({ until: options.until });
    return { end, now: this.#simulator.now, lateness: pacer.lateness };
  }

  #begin(options: RealtimeOptions): Pacer {
    const { until, speed = 1, awakeMs = 1.5 } = options;
    const simulator = this.#simulator;
    if (this.#state !== "new") throw new SevilleError("ERR_RUNNING", "a RealtimeDriver runs once");
    if (!(until >= simulator.now)) throw invalidArgument("until", "a time not before now", until);
    if (!(awakeMs >= 0 && awakeMs <= 1000)) throw invalidArgument("awakeMs", "0 to 1000 ms", awakeMs);
    const wallStart = monotonicNow();
    this.#wallEnd = wallStart;
    // The simulation's clock stops at its end, however late this thread gets there.
    this.#pacer = new Pacer({
      simulator,
      clock: () => Math.min(monotonicNow(), this.#wallEnd),
      speed,
      batch: EVENTS_PER_TURN,
    });
    this.#wallEnd = wallStart + (until - simulator.now) / speed;
    this.#state = "running";
    return this.#pacer;
  }

  #isRunning(): boolean {
    return this.#state === "running" && !this.#simulator.stopped;
  }

  /** Lets the thread do other things until shortly before the next event, which is `left` ns away, or until woken. */
  async #pause(left: number, awakeMs: number): Promise<void> {
    const sleepMs = Math.min(Math.floor(left / 1e6 - awakeMs), LONGEST_SLEEP_MS);
    await new Promise<void>((resolve) => {
      if (sleepMs < 1) {
        setImmediate(resolve);
        return;
      }
      this.#wakeAt = this.#simulator.nextEventAt;
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
