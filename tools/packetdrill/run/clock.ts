import type { Nanos } from "../../../packages/core/src/index.ts";
import type { SystemUnderTest } from "../sut/system.ts";

/** Lets the world's time pass, event by event, and tells whoever waits after each. */
export class WorldClock {
  readonly #sut: SystemUnderTest;
  readonly #afterEvent: () => void;
  /** When somebody outside of the system under test must be asked: a timeout of a call. */
  deadline: () => Nanos = () => Infinity;

  constructor(sut: SystemUnderTest, afterEvent: () => void) {
    this.#sut = sut;
    this.#afterEvent = afterEvent;
  }

  /** What is due at this very moment. */
  settle(): void {
    this.advance(this.#sut.now);
  }

  /** To `until`, or to the moment at which `stop` answers true. Whether it did. */
  advance(until: Nanos, stop: () => boolean = () => false): boolean {
    for (;;) {
      if (stop()) return true;
      const next = Math.min(this.#sut.nextEvent(), this.#nextDeadline());
      if (next > until) break;
      this.#sut.runUntil(Math.max(next, this.#sut.now));
      this.#afterEvent();
    }
    if (until > this.#sut.now && until !== Infinity) {
      this.#sut.runUntil(until);
      this.#afterEvent();
    }
    return stop();
  }

  /** A deadline that has passed was acted upon. */
  #nextDeadline(): Nanos {
    const deadline = this.deadline();
    return deadline > this.#sut.now ? deadline : Infinity;
  }
}
