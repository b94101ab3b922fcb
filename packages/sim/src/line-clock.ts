import { NS_PER_SEC, type Nanos } from "@seville/core";

/**
 * When a transmitter finishes what it was given, exactly: the fraction of a nanosecond that one frame leaves over is
 * carried into the next, so that a busy line of 3 Gbit/s carries 3 Gbit/s and not what rounding leaves of it.
 *
 * Exact while `bits × 10^9 + rate` is below 2^53, which is any frame on any line up to 2 Pbit/s.
 */
export class LineClock {
  /** The line is busy until `#whole` ns and `#part / rate` of another. */
  #whole: Nanos = 0;
  #part = 0;
  #rate: number;

  constructor(rate: number) {
    this.#rate = rate;
  }

  get rate(): number {
    return this.#rate;
  }

  /** The first whole nanosecond at which the line is free. */
  get freeAt(): Nanos {
    return this.#part > 0 ? this.#whole + 1 : this.#whole;
  }

  /** A frame on its way keeps its rate; the next one has the new one. */
  setRate(rate: number): void {
    this.#whole = this.freeAt;
    this.#part = 0;
    this.#rate = rate;
  }

  /** The line is taken for `bits` more, from `now` or from when it becomes free. Returns the end, rounded up. */
  occupy(bits: number, now: Nanos): Nanos {
    if (this.freeAt < now) {
      this.#whole = now;
      this.#part = 0;
    }
    if (this.#rate === Infinity) return this.freeAt;
    const work = bits * NS_PER_SEC + this.#part;
    const whole = Math.floor(work / this.#rate);
    this.#whole += whole;
    this.#part = work - whole * this.#rate;
    return this.freeAt;
  }
}
