import { SevilleError, type EventHandler, type EventId, type Nanos } from "@seville/core";

/**
 * The pending events: a hierarchical timing wheel of 7 levels with 256 slots each, one nanosecond at its finest.
 *
 * An event lies on the level of the highest byte in which its time differs from the wheel's origin, in the slot of that
 * byte. So every event on a lower level is due before every event on a higher one, and the first occupied slot of the
 * lowest occupied level holds the next event. Slots are lists in order of arrival, and a list is spread over lower
 * levels in that order: events of the same time come out in the order in which they went in.
 *
 * An event is a small integer into parallel arrays, so nothing is allocated per event. `README.md` has the
 * measurements against heaps.
 */
export class TimingWheel {
  /** Events pending. */
  size = 0;

  /** [time, argument] of each event. */
  #values = new Float64Array(INITIAL_CAPACITY * 2);
  /** [next, previous, bucket, generation] of each event. */
  #links = new Int32Array(INITIAL_CAPACITY * 4);
  readonly #handlers: (EventHandler | undefined)[] = [];
  #capacity = 0;
  /** First of the list of unused events, linked by `next`. */
  #unused = NONE;

  readonly #heads: Int32Array = new Int32Array(LEVELS * SLOTS).fill(NONE);
  readonly #tails: Int32Array = new Int32Array(LEVELS * SLOTS).fill(NONE);
  /** A bit per slot: occupied. */
  readonly #slotBits: Int32Array = new Int32Array(LEVELS * WORDS);
  /** A bit per word of `#slotBits`, one entry per level. */
  readonly #wordBits: Int32Array = new Int32Array(LEVELS);
  /** A bit per level. */
  #levelBits = 0;

  /** The time from which levels are counted, in two halves: never later than the next event. Its low byte is moot. */
  #originHigh = 0;
  #originLow = 0;

  /** Time of the next event as last found by scanning a list, or `UNKNOWN`. */
  #scanned: Nanos = UNKNOWN;

  /** Adds an event. `time` is a whole number, not before the last event taken. */
  add(time: Nanos, handler: EventHandler, argument: number): EventId {
    if (this.#unused === NONE) this.#grow();
    const event = this.#unused;
    const links = this.#links;
    this.#unused = links[event * 4] as number;
    this.#values[event * 2] = time;
    this.#values[event * 2 + 1] = argument;
    this.#handlers[event] = handler;
    this.#place(event, time);
    this.size++;
    if (time < this.#scanned) this.#scanned = time;
    return (links[event * 4 + 3] as number) * MAX_EVENTS + event;
  }

  /** Removes a pending event. `false` if there is none of that name: it fired, or was cancelled. */
  cancel(id: EventId): boolean {
    const event = id & (MAX_EVENTS - 1);
    if (event >= this.#capacity) return false;
    const links = this.#links;
    if ((links[event * 4 + 3] as number) * MAX_EVENTS + event !== id) return false;
    const bucket = links[event * 4 + 2] as number;
    if (bucket === NONE) return false;
    const next = links[event * 4] as number;
    if (this.#heads[bucket] === event) {
      this.#heads[bucket] = next;
      if (next === NONE) this.#markEmpty(bucket);
    } else {
      const previous = links[event * 4 + 1] as number;
      links[previous * 4] = next;
      if (next === NONE) this.#tails[bucket] = previous;
      else links[next * 4 + 1] = previous;
    }
    this.#scanned = UNKNOWN;
    this.release(event);
    return true;
  }

  /** Time of the next event, `Infinity` if there is none. */
  peek(): Nanos {
    if (this.size === 0) return Infinity;
    const bucket = this.#firstBucket();
    const head = this.#heads[bucket] as number;
    if (bucket < SLOTS || head === this.#tails[bucket]) return this.#values[head * 2] as number;
    return this.#earliestOf(head);
  }

  /**
   * Takes the next event out if it is due at `limit` or before; else answers `NONE`.
   * The caller reads it with {@link TimingWheel.timeOf} and its sisters, then gives it back with {@link release}.
   */
  take(limit: Nanos): number {
    if (this.size === 0) return NONE;
    let bucket = this.#firstBucket();
    const head = this.#heads[bucket] as number;
    if (bucket < SLOTS) {
      if ((this.#values[head * 2] as number) > limit) return NONE;
    } else if (head === this.#tails[bucket]) {
      // Alone in its slot: it is the next, and nothing else has to move.
      const time = this.#values[head * 2] as number;
      if (time > limit) return NONE;
      this.#moveOrigin(time);
    } else {
      const time = this.#earliestOf(head);
      if (time > limit) return NONE;
      this.#heads[bucket] = NONE;
      this.#markEmpty(bucket);
      this.#moveOrigin(time);
      this.#spread(head);
      bucket = time & (SLOTS - 1);
    }
    const event = this.#heads[bucket] as number;
    const next = this.#links[event * 4] as number;
    this.#heads[bucket] = next;
    if (next === NONE) this.#markEmpty(bucket);
    this.#scanned = UNKNOWN;
    return event;
  }

  timeOf(event: number): Nanos {
    return this.#values[event * 2] as number;
  }

  argumentOf(event: number): number {
    return this.#values[event * 2 + 1] as number;
  }

  handlerOf(event: number): EventHandler {
    return this.#handlers[event] as EventHandler;
  }

  /** Makes the place of an event that was taken free for another. Its id is never given out again. */
  release(event: number): void {
    const links = this.#links;
    this.#handlers[event] = undefined;
    this.size--;
    links[event * 4 + 2] = NONE;
    const generation = (links[event * 4 + 3] as number) + 1;
    links[event * 4 + 3] = generation;
    if (generation === MAX_GENERATIONS) return;
    links[event * 4] = this.#unused;
    this.#unused = event;
  }

  /** Forgets every pending event. */
  clear(): void {
    while (this.size > 0) this.release(this.take(Infinity));
  }

  /** Puts an event at the end of the slot where its time belongs. */
  #place(event: number, time: Nanos): void {
    const low = time | 0;
    const high = (time / TWO_32) | 0;
    let bucket: number;
    if (high === this.#originHigh) {
      const level = (31 - Math.clz32((low ^ this.#originLow) | 1)) >> 3;
      bucket = (level << 8) | ((low >>> (level << 3)) & 255);
    } else {
      const level = (31 - Math.clz32(high ^ this.#originHigh)) >> 3;
      bucket = ((level + 4) << 8) | ((high >>> (level << 3)) & 255);
    }
    const links = this.#links;
    links[event * 4] = NONE;
    links[event * 4 + 2] = bucket;
    if (this.#heads[bucket] === NONE) {
      this.#heads[bucket] = event;
      const level = bucket >> 8;
      this.#slotBits[bucket >> 5] = (this.#slotBits[bucket >> 5] as number) | (1 << (bucket & 31));
      this.#wordBits[level] = (this.#wordBits[level] as number) | (1 << ((bucket >> 5) & 7));
      this.#levelBits |= 1 << level;
    } else {
      const tail = this.#tails[bucket] as number;
      links[tail * 4] = event;
      links[event * 4 + 1] = tail;
    }
    this.#tails[bucket] = event;
  }

  #firstBucket(): number {
    const level = countTrailingZeros(this.#levelBits);
    const word = (level << 3) | countTrailingZeros(this.#wordBits[level] as number);
    return (word << 5) | countTrailingZeros(this.#slotBits[word] as number);
  }

  #markEmpty(bucket: number): void {
    const word = bucket >> 5;
    const level = bucket >> 8;
    const slots = (this.#slotBits[word] as number) & ~(1 << (bucket & 31));
    this.#slotBits[word] = slots;
    if (slots !== 0) return;
    const words = (this.#wordBits[level] as number) & ~(1 << (word & 7));
    this.#wordBits[level] = words;
    if (words === 0) this.#levelBits &= ~(1 << level);
  }

  #moveOrigin(time: Nanos): void {
    this.#originLow = time | 0;
    this.#originHigh = (time / TWO_32) | 0;
  }

  #earliestOf(head: number): Nanos {
    if (this.#scanned !== UNKNOWN) return this.#scanned;
    let earliest = Infinity;
    for (let event = head; event !== NONE; event = this.#links[event * 4] as number) {
      const time = this.#values[event * 2] as number;
      if (time < earliest) earliest = time;
    }
    this.#scanned = earliest;
    return earliest;
  }

  #spread(head: number): void {
    let event = head;
    while (event !== NONE) {
      const next = this.#links[event * 4] as number;
      this.#place(event, this.#values[event * 2] as number);
      event = next;
    }
  }

  #grow(): void {
    const from = this.#capacity;
    if (from === MAX_EVENTS) {
      throw new SevilleError("ERR_TOO_MANY_EVENTS", `more than ${MAX_EVENTS} events are pending`, "schedule");
    }
    const to = from === 0 ? INITIAL_CAPACITY : from * 2;
    const values = new Float64Array(to * 2);
    values.set(this.#values.subarray(0, from * 2));
    const links = new Int32Array(to * 4);
    links.set(this.#links.subarray(0, from * 4));
    for (let event = to - 1; event >= from; event--) {
      links[event * 4] = this.#unused;
      links[event * 4 + 2] = NONE;
      this.#unused = event;
    }
    for (let event = from; event < to; event++) this.#handlers.push(undefined);
    this.#values = values;
    this.#links = links;
    this.#capacity = to;
  }
}

/** No event. */
export const NONE = -1;

const LEVELS = 7;
const SLOTS = 256;
const WORDS = SLOTS / 32;
const INITIAL_CAPACITY = 256;
/** An id is `generation × MAX_EVENTS + event` and stays below 2^53; a place whose generations are used up is retired. */
const MAX_EVENTS = 2 ** 24;
const MAX_GENERATIONS = 2 ** 29;
const TWO_32 = 2 ** 32;
const UNKNOWN = -1;

function countTrailingZeros(x: number): number {
  return 31 - Math.clz32(x & -x);
}
