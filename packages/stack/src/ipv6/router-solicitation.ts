import { NS_PER_SEC, type Nanos, type Random, type Scheduler } from "@seville/core";
import type { Ipv6Conf } from "../host/sysctl-ipv6.ts";
import { idleTimer, SoftTimers, type Timed } from "../timer/soft-timers.ts";

/**
 * Asks for routers until one answers: RFC 4861 §6.3.7 with the backoff of RFC 7559 (RFC 8415 §15's algorithm with IRT
 * `router_solicitation_interval`, MRT `router_solicitation_max_interval`, MRC `router_solicitations`, −1: for ever).
 */
export class RouterSolicitor {
  readonly #scheduler: Scheduler;
  readonly #random: Random;
  readonly #conf: Readonly<Ipv6Conf>;
  readonly #send: () => void;
  readonly #timer: Timed = idleTimer();
  readonly #timers: SoftTimers<Timed>;
  #sent = 0;
  #interval: Nanos = 0;

  constructor(scheduler: Scheduler, random: Random, conf: Readonly<Ipv6Conf>, send: () => void) {
    this.#scheduler = scheduler;
    this.#random = random;
    this.#conf = conf;
    this.#send = send;
    this.#timers = new SoftTimers(scheduler, () => {
      this.#expire();
    });
  }

  /** How many solicitations were sent since the last {@link RouterSolicitor.start}. */
  get sent(): number {
    return this.#sent;
  }

  get running(): boolean {
    return this.#timers.pending > 0;
  }

  /** The link-local address can be used: the first solicitation goes at once (the address's own test was the delay). */
  start(): void {
    this.#sent = 0;
    if (this.#conf.router_solicitations === 0) return;
    this.#sent = 1;
    this.#interval = this.#random01(0.9, 0.2) * this.#conf.router_solicitation_interval * NS_PER_SEC;
    this.#arm(this.#interval);
    this.#send();
  }

  /** A router was heard, or the interface goes down. */
  stop(): void {
    this.#timers.disarm(this.#timer);
  }

  #expire(): void {
    const { router_solicitations: limit, router_solicitation_max_interval: longest } = this.#conf;
    if (limit >= 0 && this.#sent >= limit) return;
    this.#sent++;
    const doubled = this.#random01(1.9, 0.2) * this.#interval;
    const most = longest * NS_PER_SEC;
    this.#interval = doubled > most ? this.#random01(0.9, 0.2) * most : doubled;
    if (limit < 0 || this.#sent < limit) this.#arm(this.#interval);
    this.#send();
  }

  #arm(wait: Nanos): void {
    this.#timers.arm(this.#timer, this.#scheduler.now + Math.round(wait));
  }

  /** From `low` to `low + width`. */
  #random01(low: number, width: number): number {
    return low + width * this.#random.float();
  }
}
