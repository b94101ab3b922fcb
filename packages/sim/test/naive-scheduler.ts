import type { EventHandler, EventId, Nanos, Scheduler } from "@seville/core";

interface Entry {
  readonly id: EventId;
  readonly at: Nanos;
  readonly handler: EventHandler;
  readonly argument: number;
}

/** The oracle: a sorted array, a new id for each event, and nothing clever. */
export class NaiveScheduler implements Scheduler {
  now: Nanos = 0;
  readonly #entries: Entry[] = [];
  #nextId = 0;

  get pending(): number {
    return this.#entries.length;
  }

  get nextEventAt(): Nanos {
    return this.#entries[0]?.at ?? Infinity;
  }

  schedule(at: Nanos, handler: EventHandler, argument = 0): EventId {
    const entry = { id: this.#nextId++, at: Math.max(this.now, Math.ceil(at)), handler, argument };
    const later = this.#entries.findIndex((other) => other.at > entry.at);
    this.#entries.splice(later < 0 ? this.#entries.length : later, 0, entry);
    return entry.id;
  }

  scheduleCall(at: Nanos, call: () => void): EventId {
    return this.schedule(at, { handleEvent: call });
  }

  cancel(id: EventId): boolean {
    const at = this.#entries.findIndex((entry) => entry.id === id);
    if (at >= 0) this.#entries.splice(at, 1);
    return at >= 0;
  }

  step(): boolean {
    const entry = this.#entries.shift();
    if (entry === undefined) return false;
    this.now = entry.at;
    entry.handler.handleEvent(entry.argument, entry.at);
    return true;
  }

  run(until: Nanos): void {
    while (this.nextEventAt <= until) this.step();
    this.now = until;
  }
}
