import { type Nanos, NS_PER_SEC } from "@seville/core";

/**
 * A token bucket that counts in time, as the kernel's: tokens are nanoseconds of the rate. Full at the beginning.
 *
 * A length takes `8e9 * length / rate` ns exactly as a double holds it; the kernel cuts this to whole nanoseconds, and so
 * lets at most 1 ns per packet more through.
 */
export class Bucket {
  readonly #nsPerByte: number;
  readonly #capacity: number;
  #tokens: number;
  #updated: Nanos = 0;

  /** `rate` in bits per second, `burst` in bytes. */
  constructor(rate: number, burst: number) {
    this.#nsPerByte = (8 * NS_PER_SEC) / rate;
    this.#capacity = burst * this.#nsPerByte;
    this.#tokens = this.#capacity;
  }

  /** Nanoseconds until `length` bytes fit, were nothing else to come; 0 or less: they fit now. */
  wait(length: number, now: Nanos): number {
    return length * this.#nsPerByte - this.#level(now);
  }

  /** Takes out the tokens of `length` bytes. The caller has seen that they fit. */
  take(length: number, now: Nanos): void {
    this.#tokens = this.#level(now) - length * this.#nsPerByte;
    this.#updated = now;
  }

  fill(now: Nanos): void {
    this.#tokens = this.#capacity;
    this.#updated = now;
  }

  #level(now: Nanos): number {
    return Math.min(this.#capacity, this.#tokens + (now - this.#updated));
  }
}
