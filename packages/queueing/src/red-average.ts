import { invalidArgument, type Nanos, pow } from "@seville/core";

/** RED's average queue length in bytes: exponentially weighted, one step for each arriving packet. */
export class RedAverage {
  readonly #weight: number;
  /** Time that a packet of average length takes on the link. */
  readonly #packetTime: Nanos;
  #value = 0;
  /** Since when the queue is empty; `undefined`: it is not. */
  #idleSince: Nanos | undefined = 0;

  constructor(weight: number, packetTime: Nanos) {
    this.#weight = weight;
    this.#packetTime = packetTime;
  }

  get value(): number {
    return this.#value;
  }

  /** A packet arrives and finds `backlog` bytes. */
  update(backlog: number, now: Nanos): number {
    this.#value = this.#idleSince === undefined ? this.#value + this.#weight * (backlog - this.#value) : this.at(now);
    this.#idleSince = undefined;
    return this.#value;
  }

  /** The average as it is at `now`: on an idle link it decays as if small packets had found the queue empty. */
  at(now: Nanos): number {
    if (this.#idleSince === undefined) return this.#value;
    return this.#value * pow(1 - this.#weight, (now - this.#idleSince) / this.#packetTime);
  }

  /** The queue has become empty. */
  startIdle(now: Nanos): void {
    this.#idleSince ??= now;
  }

  reset(now: Nanos): void {
    this.#value = 0;
    this.#idleSince = now;
  }
}

/**
 * The weight, a negative power of 2, with which a burst of `burst` packets of `avpkt` bytes into an empty queue brings
 * the average up to `min` and no higher: the largest W with burst + 1 - min/avpkt <= (1 - (1-W)^burst) / W (Floyd and
 * Jacobson 1993, §6; tc(8) chooses it alike).
 * @throws SevilleError `ERR_INVALID_ARGUMENT` if there is none
 */
export function redWeight(min: number, avpkt: number, burst: number): number {
  const wanted = burst + 1 - min / avpkt;
  if (wanted >= 1) {
    let weight = 1;
    for (let wlog = 1; wlog < 32; wlog++) {
      weight /= 2;
      if (wanted <= (1 - pow(1 - weight, burst)) / weight) return weight;
    }
  }
  throw invalidArgument("burst", `at least min/avpkt (${min / avpkt}) packets, and not far more`, burst);
}
