import { SevilleError, type EventHandler, type EventId, type Nanos } from "@seville/core";

/**
 * The pending events: a hierarchical timing wheel of 5 levels with 2048 slots each, one nanosecond at its finest.
 *
 * Times are numbers of five digits to the base 2048. An event lies on the level of the highest digit in which its time differs
 * from the wheel's origin, in the slot of that digit. So every event on a lower level is due before every event on a higher one, and the first occupied slot of the
 * lowest occupied level holds the next event. Slots are lists in order of arrival, and a list is spread over lower
 * levels in that order: events of the same time come out in the order in which they went in.
 *
 * An event is a small integer into parallel arrays, so nothing is allocated per event. `README.md` has the
 * measurements against heaps.
 */
export class TimingWheel {
  /** Events pending. */
  size = 0;

  /**
   * One entry for each event, in arrays of their own: spreading a list reads times and next only, and those of 100 000
   * events fit a second-level cache.
   */
  #times = new Float64Array(0);
  #arguments = new Float64Array(0);
  #next = new Int32Array(0);
  #previous = new Int32Array(0);
  /** How often the place was used; complemented while it is unused. */
  #generations = new Int32Array(0);
  readonly #handlers: (EventHandler | undefined)[] = [];
  #capacity = 0;
  /** First of the list of unused events, linked by `next`. */
  #unused = NONE;

  /** [first, last] of each slot's list. */
  readonly #ends: Int32Array = new Int32Array(LEVELS * SLOTS * 2).fill(NONE);
  /** A tree of bits: occupied slots; words of those that are not 0; and groups of 32 of those words. */
  readonly #slotBits: Int32Array = new Int32Array((LEVELS * SLOTS) / 32);
  readonly #wordBits: Int32Array = new Int32Array((LEVELS * SLOTS) / 1024);
  #groupBits = 0;

  /** The time from which levels are counted, in two halves: never later than the next event. Its low 11 bits are moot. */
  #originHigh = 0;
  #originLow = 0;

  /** Time of the next event as last found by scanning a list, or `UNKNOWN`. */
  #scanned: Nanos = UNKNOWN;

  /** Adds an event. `time` is a whole number, not before the last event taken. */
  add(time: Nanos, handler: EventHandler, argument: number): EventId {
    if (this.#unused === NONE) this.#grow();
    const event = this.#unused;
    this.#unused = this.#next[event] as number;
    const generation = ~(this.#generations[event] as number);
    this.#generations[event] = generation;
    this.#times[event] = time;
    this.#arguments[event] = argument;
    this.#handlers[event] = handler;
    this.#place(event, time);
    this.size++;
    if (time < this.#scanned) this.#scanned = time;
    return generation * MAX_EVENTS + event;
  }

  /** Removes a pending event. `false` if there is none of that name: it fired, or was cancelled. */
  cancel(id: EventId): boolean {
    const event = id & (MAX_EVENTS - 1);
    if (event >= this.#capacity) return false;
    if ((this.#generations[event] as number) * MAX_EVENTS + event !== id) return false;
    this.#unlink(event, this.#bucketOf(this.#times[event] as number));
    this.#scanned = UNKNOWN;
    this.release(event);
    return true;
  }

  /** Time of the next event, `Infinity` if there is none. */
  peek(): Nanos {
    if (this.size === 0) return Infinity;
    const bucket = this.#firstBucket();
    const head = this.#ends[bucket * 2] as number;
    if (bucket < SLOTS || head === this.#ends[bucket * 2 + 1]) return this.#times[head] as number;
    return this.#earliestOf(head);
  }

  /**
   * Takes the next event out if it is due at `limit` or before; else answers `NONE`.
   * The caller reads it with {@link TimingWheel.timeOf} and its sisters, then gives it back with {@link release}.
   */
  take(limit: Nanos): number {
    if (this.size === 0) return NONE;
    let bucket = this.#firstBucket();
    const head = this.#ends[bucket * 2] as number;
    if (bucket < SLOTS) {
      if ((this.#times[head] as number) > limit) return NONE;
    } else if (head === this.#ends[bucket * 2 + 1]) {
      // Alone in its slot: it is the next, and nothing else has to move.
      const time = this.#times[head] as number;
      if (time > limit) return NONE;
      this.#moveOrigin(time);
    } else {
      const first = this.#earliestOfFew(head);
      if (first !== NONE) {
        // Taken out of its slot; the few others stay where they are.
        if ((this.#times[first] as number) > limit) return NONE;
        this.#unlink(first, bucket);
        this.#scanned = UNKNOWN;
        return first;
      }
      const time = this.#earliestOf(head);
      if (time > limit) return NONE;
      this.#markEmpty(bucket);
      this.#moveOrigin(time);
      this.#spread(head);
      bucket = time & (SLOTS - 1);
    }
    const event = this.#ends[bucket * 2] as number;
    const next = this.#next[event] as number;
    if (next === NONE) this.#markEmpty(bucket);
    else this.#ends[bucket * 2] = next;
    this.#scanned = UNKNOWN;
    return event;
  }

  timeOf(event: number): Nanos {
    return this.#times[event] as number;
  }

  argumentOf(event: number): number {
    return this.#arguments[event] as number;
  }

  handlerOf(event: number): EventHandler {
    return this.#handlers[event] as EventHandler;
  }

  /**
   * Makes the place of an event that was taken free for another. Its id is never given out again. (Its handler is
   * forgotten when the place is used again: clearing it here costs a seventh of the speed.)
   */
  release(event: number): void {
    this.size--;
    const generation = (this.#generations[event] as number) + 1;
    this.#generations[event] = ~generation;
    if (generation === MAX_GENERATIONS) return;
    this.#next[event] = this.#unused;
    this.#unused = event;
  }

  /** Forgets every pending event. */
  clear(): void {
    while (this.size > 0) this.release(this.take(Infinity));
  }

  /** Puts an event at the end of the slot where its time belongs. */
  #place(event: number, time: Nanos): void {
    const bucket = this.#bucketOf(time);
    const ends = this.#ends;
    this.#next[event] = NONE;
    const tail = ends[bucket * 2 + 1] as number;
    ends[bucket * 2 + 1] = event;
    if (tail !== NONE) {
      this.#next[tail] = event;
      this.#previous[event] = tail;
      return;
    }
    ends[bucket * 2] = event;
    this.#slotBits[bucket >> 5] = (this.#slotBits[bucket >> 5] as number) | (1 << (bucket & 31));
    this.#wordBits[bucket >> 10] = (this.#wordBits[bucket >> 10] as number) | (1 << ((bucket >> 5) & 31));
    this.#groupBits |= 1 << (bucket >> 10);
  }

  /** Where a time belongs: the same for as long as an event is pending, since the origin moves to the next event only. */
  #bucketOf(time: Nanos): number {
    const low = time & LOW_MASK;
    const high = Math.floor(time / LOW_SPAN);
    if (high === this.#originHigh) {
      return (low ^ this.#originLow) < SLOTS ? low & (SLOTS - 1) : SLOTS + (low >> SLOT_BITS);
    }
    const difference = high ^ this.#originHigh;
    if (difference < SLOTS) return 2 * SLOTS + (high & (SLOTS - 1));
    if (difference < LOW_SPAN) return 3 * SLOTS + ((high >> SLOT_BITS) & (SLOTS - 1));
    return 4 * SLOTS + (high >> (2 * SLOT_BITS));
  }

  #unlink(event: number, bucket: number): void {
    const next = this.#next[event] as number;
    if (this.#ends[bucket * 2] === event) {
      if (next === NONE) this.#markEmpty(bucket);
      else this.#ends[bucket * 2] = next;
    } else {
      const previous = this.#previous[event] as number;
      this.#next[previous] = next;
      if (next === NONE) this.#ends[bucket * 2 + 1] = previous;
      else this.#previous[next] = previous;
    }
  }

  #firstBucket(): number {
    const group = countTrailingZeros(this.#groupBits);
    const word = (group << 5) | countTrailingZeros(this.#wordBits[group] as number);
    return (word << 5) | countTrailingZeros(this.#slotBits[word] as number);
  }

  #markEmpty(bucket: number): void {
    this.#ends[bucket * 2] = NONE;
    this.#ends[bucket * 2 + 1] = NONE;
    const word = bucket >> 5;
    const group = bucket >> 10;
    const slots = (this.#slotBits[word] as number) & ~(1 << (bucket & 31));
    this.#slotBits[word] = slots;
    if (slots !== 0) return;
    const words = (this.#wordBits[group] as number) & ~(1 << (word & 31));
    this.#wordBits[group] = words;
    if (words === 0) this.#groupBits &= ~(1 << group);
  }

  #moveOrigin(time: Nanos): void {
    this.#originLow = time & LOW_MASK;
    this.#originHigh = Math.floor(time / LOW_SPAN);
  }

  /** The first event due of a list of up to `FEW`; `NONE` if there are more. */
  #earliestOfFew(head: number): number {
    let first = head;
    let time = this.#times[head] as number;
    let event = this.#next[head] as number;
    for (let left = FEW - 1; left > 0; left--) {
      if (event === NONE) return first;
      const other = this.#times[event] as number;
      if (other < time) {
        time = other;
        first = event;
      }
      event = this.#next[event] as number;
    }
    return event === NONE ? first : NONE;
  }

  #earliestOf(head: number): Nanos {
    if (this.#scanned !== UNKNOWN) return this.#scanned;
    let earliest = Infinity;
    for (let event = head; event !== NONE; event = this.#next[event] as number) {
      const time = this.#times[event] as number;
      if (time < earliest) earliest = time;
    }
    this.#scanned = earliest;
    return earliest;
  }

  #spread(head: number): void {
    let event = head;
    while (event !== NONE) {
      const next = this.#next[event] as number;
      this.#place(event, this.#times[event] as number);
      event = next;
    }
  }

  #grow(): void {
    const from = this.#capacity;
    if (from === MAX_EVENTS) {
      throw new SevilleError("ERR_TOO_MANY_EVENTS", `more than ${MAX_EVENTS} events are pending`, "schedule");
    }
    const to = from === 0 ? INITIAL_CAPACITY : from * 2;
    const next = enlarged(this.#next, new Int32Array(to));
    const generations = enlarged(this.#generations, new Int32Array(to));
    for (let event = to - 1; event >= from; event--) {
      next[event] = this.#unused;
      generations[event] = ~FIRST_GENERATION;
      this.#unused = event;
    }
    this.#next = next;
    this.#generations = generations;
    this.#previous = enlarged(this.#previous, new Int32Array(to));
    this.#times = enlarged(this.#times, new Float64Array(to));
    this.#arguments = enlarged(this.#arguments, new Float64Array(to));
    for (let event = from; event < to; event++) this.#handlers.push(undefined);
    this.#capacity = to;
  }
}

/** No event. */
export const NONE = -1;

const LEVELS = 5;
const SLOT_BITS = 11;
const SLOTS = 1 << SLOT_BITS;
/** Times are cut in two, since bits are worked on 32 at a time: levels 0 and 1 below, 2 to 4 (31 bits) above. */
const LOW_SPAN = SLOTS * SLOTS;
const LOW_MASK = LOW_SPAN - 1;
const INITIAL_CAPACITY = 256;
/** An id is `generation × MAX_EVENTS + event` and stays below 2^53; a place whose generations are used up is retired. */
const MAX_EVENTS = 2 ** 24;
const MAX_GENERATIONS = 2 ** 29;
/** So that 0 is no id: a field that was never set may be cancelled. */
const FIRST_GENERATION = 1;
const UNKNOWN = -1;
const FEW = 4;

function countTrailingZeros(x: number): number {
  return 31 - Math.clz32(x & -x);
}

function enlarged<A extends Float64Array | Int32Array>(from: A, to: A): A {
  to.set(from);
  return to;
}
