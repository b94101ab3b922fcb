import { invalidArgument, type Nanos } from "@seville/core";
import { Lateness } from "./lateness.ts";
import type { Simulator } from "./simulator.ts";

export interface PacerOptions {
  readonly simulator: Simulator;
  /** The wall clock: nanoseconds since any moment, never going back. */
  readonly clock: () => Nanos;
  /** Virtual seconds per second. 0.1: slow motion; 10: time lapse. Default 1. */
  readonly speed?: number;
  /** Return from {@link Pacer.advance} after this many events, so that whoever drives can look at its inputs. Default 10 000. */
  readonly batch?: number;
  /**
   * When it is this late (wall-clock nanoseconds), it lets the virtual clock slip rather than catch up: for machines that
   * sleep. Default: never; it catches up.
   */
  readonly slipAfter?: Nanos;
}

/**
 * Holds a simulator to a wall clock that it is told, so that a simulated network can speak to a real one.
 *
 * It sleeps and reads nothing by itself. Its driver calls {@link Pacer.advance}, sleeps as long as that says or until
 * something comes in, passes what came in to {@link Pacer.inject}, and so on. An event that fires late still happens at its own
 * virtual time: lateness reaches the outside only, never the arithmetic of the simulation.
 */
export class Pacer {
  readonly lateness: Lateness = new Lateness();
  /** Wall-clock nanoseconds by which the virtual clock was let slip. */
  slipped: Nanos = 0;
  readonly #simulator: Simulator;
  readonly #clock: () => Nanos;
  readonly #batch: number;
  readonly #slipAfter: Nanos;
  #speed: number;
  /** Virtual time `#virtualBase` is wall time `#wallBase`. */
  #virtualBase: Nanos;
  #wallBase: Nanos;
  #paused = false;

  constructor(options: PacerOptions) {
    this.#simulator = options.simulator;
    this.#clock = options.clock;
    this.#speed = checkSpeed(options.speed ?? 1);
    this.#batch = options.batch ?? 10_000;
    this.#slipAfter = options.slipAfter ?? Infinity;
    if (!(this.#batch >= 1)) throw invalidArgument("batch", "at least 1", options.batch);
    if (!(this.#slipAfter > 0)) throw invalidArgument("slipAfter", "above 0", options.slipAfter);
    this.#virtualBase = this.#simulator.now;
    this.#wallBase = this.#clock();
  }

  get speed(): number {
    return this.#speed;
  }

  set speed(speed: number) {
    const checked = checkSpeed(speed);
    this.#rebase(this.#clock());
    this.#speed = checked;
  }

  get paused(): boolean {
    return this.#paused;
  }

  /** The virtual time that the wall clock stands for at this moment. */
  get virtualNow(): Nanos {
    return this.#toVirtual(this.#clock());
  }

  /**
   * Fires what is due by now and brings the virtual clock up to the wall clock.
   * Returns wall-clock nanoseconds until the next event: 0, call again soon; `Infinity`, nothing is pending (or it is
   * paused), wait for input.
   * @throws EventError when a handler throws
   */
  advance(): Nanos {
    if (this.#paused) return Infinity;
    const simulator = this.#simulator;
    for (let fired = 0; fired < this.#batch; fired++) {
      const dueAt = simulator.nextEventAt;
      const wall = this.#clock();
      if (dueAt > this.#toVirtual(wall)) {
        simulator.run({ until: Math.max(simulator.now, this.#toVirtual(wall)) });
        return this.#sleepUntil(simulator.nextEventAt);
      }
      this.#noteLateness(wall, dueAt);
      if (!simulator.step()) return Infinity;
    }
    return 0;
  }

  /**
   * Something came in from outside: brings the virtual clock up to that moment, firing what was due before, and calls
   * `input` there. Afterwards call {@link Pacer.advance}: the input may have scheduled something.
   *
   * @param arrivedAt when it came by the wall clock, if that is known and earlier than now: the time that it took to get here
   *   then stays out of the simulation, as far as the virtual clock has not passed it
   */
  inject(input: (now: Nanos) => void, arrivedAt: Nanos = Infinity): void {
    const simulator = this.#simulator;
    if (!this.#paused) {
      const moment = Math.min(arrivedAt, this.#clock());
      // Asked anew each time: the virtual clock may be let slip on the way.
      while (simulator.nextEventAt <= this.#toVirtual(moment)) {
        this.#noteLateness(this.#clock(), simulator.nextEventAt);
        if (!simulator.step()) break;
      }
      if (!simulator.stopped) simulator.run({ until: Math.max(simulator.now, this.#toVirtual(moment)) });
    }
    input(simulator.now);
  }

  /** Virtual time stands still until {@link Pacer.resume}. */
  pause(): void {
    if (this.#paused) return;
    this.#rebase(this.#clock());
    this.#paused = true;
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#wallBase = this.#clock();
  }

  #toVirtual(wall: Nanos): Nanos {
    if (this.#paused) return this.#virtualBase;
    return this.#virtualBase + Math.floor((wall - this.#wallBase) * this.#speed);
  }

  #toWall(virtual: Nanos): Nanos {
    return this.#wallBase + (virtual - this.#virtualBase) / this.#speed;
  }

  #sleepUntil(virtual: Nanos): Nanos {
    if (virtual === Infinity) return Infinity;
    return Math.max(0, Math.ceil(this.#toWall(virtual) - this.#clock()));
  }

  #noteLateness(wall: Nanos, dueAt: Nanos): void {
    const late = wall - this.#toWall(dueAt);
    this.lateness.record(late);
    if (late <= this.#slipAfter) return;
    this.slipped += late;
    this.#virtualBase = dueAt;
    this.#wallBase = wall;
  }

  #rebase(wall: Nanos): void {
    this.#virtualBase = this.#toVirtual(wall);
    this.#wallBase = wall;
  }
}

function checkSpeed(speed: number): number {
  if (speed > 0 && speed < Infinity) return speed;
  throw invalidArgument("speed", "a number above 0", speed);
}
