import type { EventHandler, Nanos, Scheduler } from "@seville/core";
import type { Packet } from "@seville/packet";

/**
 * Packets that one device passes to another in the same machine: they arrive at the same time, but in an event of their
 * own, so that a chain of devices, or a socket that answers itself, does not nest (the kernel's backlog, `netif_rx`).
 */
export class Delivery implements EventHandler {
  readonly #scheduler: Scheduler;
  readonly #deliver: (packet: Packet, now: Nanos) => void;
  #waiting: Packet[] = [];

  constructor(scheduler: Scheduler, deliver: (packet: Packet, now: Nanos) => void) {
    this.#scheduler = scheduler;
    this.#deliver = deliver;
  }

  /** Takes `packet`. */
  push(packet: Packet): void {
    this.#waiting.push(packet);
    if (this.#waiting.length === 1) this.#scheduler.schedule(this.#scheduler.now, this);
  }

  /** Packets on their way. */
  get length(): number {
    return this.#waiting.length;
  }

  handleEvent(_argument: number, now: Nanos): void {
    const batch = this.#waiting;
    this.#waiting = [];
    for (const packet of batch) this.#deliver(packet, now);
  }
}
