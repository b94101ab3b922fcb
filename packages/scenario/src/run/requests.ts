import type { Nanos } from "@seville/core";
import { DelayRecorder } from "./delays.ts";

/** Requests that were sent, and what became of each. */
export class Requests {
  readonly delays: DelayRecorder = new DelayRecorder();
  readonly #timeout: Nanos;
  /** Sent and not answered yet, by number. */
  readonly #open = new Map<number, Nanos>();
  /** Answered, for as long as a second answer may come. */
  readonly #answered = new Map<number, Nanos>();
  transmitted = 0;
  received = 0;
  duplicates = 0;
  /** Answered with an ICMP error. */
  errors = 0;

  constructor(timeout: Nanos) {
    this.#timeout = timeout;
  }

  /** The next request goes out: its number. */
  send(now: Nanos): number {
    this.#forget(now);
    const sequence = this.transmitted++;
    this.#open.set(sequence, now);
    return sequence;
  }

  /** It could not be sent after all. */
  takeBack(sequence: number): void {
    this.#open.delete(sequence);
    this.transmitted--;
  }

  answer(sequence: number, now: Nanos): void {
    const sentAt = this.#open.get(sequence);
    if (sentAt === undefined) {
      if (this.#answered.has(sequence)) this.duplicates++;
      return;
    }
    if (now - sentAt > this.#timeout) return;
    this.#open.delete(sequence);
    this.#answered.set(sequence, sentAt);
    this.received++;
    this.delays.add(sentAt, now - sentAt);
  }

  /** What has no answer has none. */
  finish(): void {
    for (const sentAt of this.#open.values()) this.delays.addLost(sentAt);
    this.#open.clear();
  }

  /** Both maps are in the order of sending: the oldest come first. */
  #forget(now: Nanos): void {
    for (const [sequence, sentAt] of this.#open) {
      if (now - sentAt <= this.#timeout) break;
      this.#open.delete(sequence);
      this.delays.addLost(sentAt);
    }
    for (const [sequence, sentAt] of this.#answered) {
      if (now - sentAt <= this.#timeout) break;
      this.#answered.delete(sequence);
    }
  }
}
