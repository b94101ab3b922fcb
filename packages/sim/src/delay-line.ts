import type { Nanos } from "@seville/core";
import type { Packet } from "@seville/packet";

/**
 * Frames in flight, by time of arrival; those of the same time in the order in which they set out.
 *
 * Frames that arrive no earlier than all before them go into a ring, which is all that a link without reordering ever uses.
 * Only one that overtakes goes into a binary heap beside it.
 */
export class DelayLine {
  readonly #ring = new Ring();
  readonly #heap = new Overtakers();

  get size(): number {
    return this.#ring.size + this.#heap.size;
  }

  /** When the next one arrives; `Infinity`: nothing is in flight. */
  get nextArrival(): Nanos {
    return Math.min(this.#ring.first, this.#heap.first);
  }

  /** `sequence` rises from call to call. */
  push(frame: Packet, arrival: Nanos, sequence: number): void {
    if (arrival >= this.#ring.last) this.#ring.push(frame, arrival, sequence);
    else this.#heap.push(frame, arrival, sequence);
  }

  /** Takes the next one out. Its sequence is then in {@link DelayLine.sequence}. There must be one. */
  shift(): Packet {
    const ring = this.#ring;
    const heap = this.#heap;
    const fromRing = ring.first < heap.first || (ring.first === heap.first && ring.firstSequence < heap.firstSequence);
    if (fromRing) {
      this.sequence = ring.firstSequence;
      return ring.shift();
    }
    this.sequence = heap.firstSequence;
    return heap.shift();
  }

  sequence = 0;
}

const INITIAL_CAPACITY = 16;

class Ring {
  size = 0;
  #frames: (Packet | undefined)[] = new Array<Packet | undefined>(INITIAL_CAPACITY).fill(undefined);
  /** [arrival, sequence] of each. */
  #values = new Float64Array(INITIAL_CAPACITY * 2);
  #begin = 0;
  #mask = INITIAL_CAPACITY - 1;

  get first(): Nanos {
    return this.size === 0 ? Infinity : (this.#values[this.#begin * 2] as number);
  }

  get firstSequence(): number {
    return this.#values[this.#begin * 2 + 1] as number;
  }

  /** Arrival of the last, `-Infinity` if there is none. */
  get last(): Nanos {
    return this.size === 0 ? -Infinity : (this.#values[((this.#begin + this.size - 1) & this.#mask) * 2] as number);
  }

  push(frame: Packet, arrival: Nanos, sequence: number): void {
    if (this.size > this.#mask) this.#grow();
    const at = (this.#begin + this.size) & this.#mask;
    this.#frames[at] = frame;
    this.#values[at * 2] = arrival;
    this.#values[at * 2 + 1] = sequence;
    this.size++;
  }

  shift(): Packet {
    const frame = this.#frames[this.#begin] as Packet;
    this.#frames[this.#begin] = undefined;
    this.#begin = (this.#begin + 1) & this.#mask;
    this.size--;
    return frame;
  }

  #grow(): void {
    const old = this.#mask + 1;
    const frames = new Array<Packet | undefined>(old * 2).fill(undefined);
    const values = new Float64Array(old * 4);
    for (let i = 0; i < this.size; i++) {
      const from = (this.#begin + i) & this.#mask;
      frames[i] = this.#frames[from];
      values[i * 2] = this.#values[from * 2] as number;
      values[i * 2 + 1] = this.#values[from * 2 + 1] as number;
    }
    this.#frames = frames;
    this.#values = values;
    this.#begin = 0;
    this.#mask = old * 2 - 1;
  }
}

/** A binary heap by (arrival, sequence) in parallel arrays. */
class Overtakers {
  readonly #frames: Packet[] = [];
  readonly #arrivals: number[] = [];
  readonly #sequences: number[] = [];

  get size(): number {
    return this.#frames.length;
  }

  get first(): Nanos {
    return this.#arrivals[0] ?? Infinity;
  }

  get firstSequence(): number {
    return this.#sequences[0] ?? Infinity;
  }

  push(frame: Packet, arrival: Nanos, sequence: number): void {
    let at = this.#frames.length;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.#isBefore(arrival, sequence, parent)) break;
      this.#set(
        at,
        this.#frames[parent] as Packet,
        this.#arrivals[parent] as number,
        this.#sequences[parent] as number,
      );
      at = parent;
    }
    this.#set(at, frame, arrival, sequence);
  }

  shift(): Packet {
    const first = this.#frames[0] as Packet;
    const frame = this.#frames.pop() as Packet;
    const arrival = this.#arrivals.pop() as number;
    const sequence = this.#sequences.pop() as number;
    const size = this.#frames.length;
    if (size === 0) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= size) break;
      const right = child + 1;
      if (right < size && this.#isBefore(this.#arrivals[right] as number, this.#sequences[right] as number, child)) {
        child = right;
      }
      if (this.#isBefore(arrival, sequence, child)) break;
      this.#set(at, this.#frames[child] as Packet, this.#arrivals[child] as number, this.#sequences[child] as number);
      at = child;
    }
    this.#set(at, frame, arrival, sequence);
    return first;
  }

  #isBefore(arrival: number, sequence: number, other: number): boolean {
    const otherArrival = this.#arrivals[other] as number;
    return arrival < otherArrival || (arrival === otherArrival && sequence < (this.#sequences[other] as number));
  }

  #set(at: number, frame: Packet, arrival: number, sequence: number): void {
    this.#frames[at] = frame;
    this.#arrivals[at] = arrival;
    this.#sequences[at] = sequence;
  }
}
