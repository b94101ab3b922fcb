/**
 * The least or greatest value of the last while, by Kathleen Nichols' three samples (lib/win_minmax.c, used for the
 * minimum RTT of TCP and the bandwidth filter of BBR).
 *
 * Constant space and time. The answer is exact when values improve or a window passes; in between it may hold a value
 * until it is a window old. Time is any number that does not go back: nanoseconds, or rounds.
 */
export class WindowedFilter {
  // Best, second and third best, each no older than the one before it.
  #time0 = 0;
  #time1 = 0;
  #time2 = 0;
  #value0: number;
  #value1: number;
  #value2: number;

  /** Until the first sample the answer is `initial`, from time 0. */
  constructor(initial: number) {
    this.#value0 = this.#value1 = this.#value2 = initial;
  }

  /** The best value so far. */
  get value(): number {
    return this.#value0;
  }

  /** Forgets all but this sample. */
  reset(time: number, value: number): number {
    this.#time0 = this.#time1 = this.#time2 = time;
    this.#value0 = this.#value1 = this.#value2 = value;
    return value;
  }

  /** Takes a sample and answers the minimum of the last `window`. */
  runningMin(window: number, time: number, value: number): number {
    if (value <= this.#value0 || time - this.#time2 > window) return this.reset(time, value);
    if (value <= this.#value1) this.#setSecond(time, value);
    else if (value <= this.#value2) this.#setThird(time, value);
    return this.#age(window, time, value);
  }

  /** Takes a sample and answers the maximum of the last `window`. */
  runningMax(window: number, time: number, value: number): number {
    if (value >= this.#value0 || time - this.#time2 > window) return this.reset(time, value);
    if (value >= this.#value1) this.#setSecond(time, value);
    else if (value >= this.#value2) this.#setThird(time, value);
    return this.#age(window, time, value);
  }

  /** Moves the runners-up forward as the best grows old, and takes them from different parts of the window. */
  #age(window: number, time: number, value: number): number {
    const age = time - this.#time0;
    if (age > window) {
      this.#promote(time, value);
      // The second may be too old as well; the third was found young enough on entry.
      if (time - this.#time0 > window) this.#promote(time, value);
    } else if (this.#time1 === this.#time0 && age > window / 4) {
      this.#setSecond(time, value);
    } else if (this.#time2 === this.#time1 && age > window / 2) {
      this.#setThird(time, value);
    }
    return this.#value0;
  }

  #promote(time: number, value: number): void {
    this.#time0 = this.#time1;
    this.#value0 = this.#value1;
    this.#time1 = this.#time2;
    this.#value1 = this.#value2;
    this.#setThird(time, value);
  }

  #setSecond(time: number, value: number): void {
    this.#time1 = time;
    this.#value1 = value;
    this.#setThird(time, value);
  }

  #setThird(time: number, value: number): void {
    this.#time2 = time;
    this.#value2 = value;
  }
}
