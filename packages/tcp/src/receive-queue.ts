import type { ReceiveQueue } from "./parts.ts";
import { StreamPages } from "./stream-pages.ts";

/** What a range out of order costs beside its bytes: an `sk_buff` has 256. Bounds how many a peer can make us keep. */
const RANGE_COST = 256;

/** A queue whose next byte in order has sequence number `rcvNxt`. */
export function createReceiveQueue(rcvNxt: number): ByteReceiveQueue {
  return new ByteReceiveQueue(rcvNxt);
}

/**
 * Received bytes, in order and behind gaps: `sk_receive_queue` and `out_of_order_queue` of Linux in one.
 *
 * A byte is copied once, to its place in the stream; out of order, that is where it stays when the gap closes. Where
 * copies of a byte differ the rules are Linux's (`tcp_data_queue`, `tcp_data_queue_ofo`): what came in order is never
 * changed; a segment in order goes before what waited out of order; out of order the range that begins first keeps its
 * bytes, and what a segment covers behind its own beginning is replaced.
 */
export class ByteReceiveQueue implements ReceiveQueue {
  rcvNxt: number;
  copiedSeq: number;
  hasDuplicate = false;
  dsackStart = 0;
  dsackEnd = 0;
  outOfOrder = 0;
  // Positions in the stream: bytes counted from the first one, without SYN and FIN.
  #readPos = 0;
  #nextPos = 0;
  /** The position that has sequence number `rcvNxt`: `#nextPos` but for the time of an insertion. */
  #rcvPos = 0;
  /** Ranges out of order, sorted, none touching another; made with the first one. */
  #starts: number[] | undefined;
  #ends: number[] | undefined;
  #pages: StreamPages | undefined;

  constructor(rcvNxt: number) {
    this.rcvNxt = rcvNxt | 0;
    this.copiedSeq = rcvNxt | 0;
  }

  get readable(): number {
    return this.#nextPos - this.#readPos;
  }

  get gaps(): number {
    return this.#starts?.length ?? 0;
  }

  get allocated(): number {
    return (this.#pages?.allocated ?? 0) + this.gaps * RANGE_COST;
  }

  get highest(): number {
    const last = this.#ends?.at(-1);
    return last === undefined ? this.rcvNxt : this.#seqOf(last);
  }

  /** Sequence numbers `[start, end)` of the `i`th range out of order; for checks and `ss`. */
  range(i: number): readonly [number, number] {
    return [this.#seqOf(this.#starts?.[i] as number), this.#seqOf(this.#ends?.[i] as number)];
  }

  insert(u8: Uint8Array, offset: number, length: number, seq: number): number {
    this.hasDuplicate = false;
    if (length <= 0) return 0;
    const next = this.#nextPos;
    const start = next + ((seq - this.rcvNxt) | 0);
    const end = start + length;
    if (end <= next) {
      this.#setDuplicate(start, end);
      return 0;
    }
    this.#pages ??= new StreamPages();
    if (start > next) {
      this.#insertOutOfOrder(this.#pages, u8, offset, start, end);
      return 0;
    }
    if (start < next) this.#setDuplicate(start, next);
    this.#pages.write(next, u8, offset + (next - start), end - next);
    this.#nextPos = end;
    if (this.#starts !== undefined) this.#joinRanges(this.#starts, this.#ends as number[]);
    const gained = this.#nextPos - next;
    this.#rcvPos = this.#nextPos;
    this.rcvNxt = (this.rcvNxt + gained) | 0;
    return gained;
  }

  skip(count: number): void {
    this.rcvNxt = (this.rcvNxt + count) | 0;
    if (this.readable === 0) this.copiedSeq = this.rcvNxt;
  }

  peek(into: Uint8Array, at = 0): number {
    const count = Math.max(Math.min(into.length, this.readable - at), 0);
    if (count > 0) this.#pages?.read(this.#readPos + at, into, 0, count);
    return count;
  }

  read(into: Uint8Array, limit: number = into.length): number {
    const count = Math.min(into.length, limit, this.readable);
    if (count > 0) this.#pages?.read(this.#readPos, into, 0, count);
    return this.discard(count);
  }

  discard(count: number): number {
    const taken = Math.max(Math.min(count, this.readable), 0);
    if (taken === 0) return 0;
    this.#readPos += taken;
    this.copiedSeq = (this.copiedSeq + taken) | 0;
    // A FIN behind the last byte counts as read with it.
    if (this.readable === 0) this.copiedSeq = this.rcvNxt;
    if (this.readable > 0 || this.gaps > 0) this.#pages?.release(this.#readPos);
    else this.#pages?.clear(this.#readPos);
    return taken;
  }

  prune(): number {
    const bytes = this.outOfOrder;
    this.outOfOrder = 0;
    this.#starts = undefined;
    this.#ends = undefined;
    this.#pages?.releaseFrom(this.#nextPos);
    return bytes;
  }

  clear(): void {
    this.prune();
    this.#readPos = this.#nextPos;
    this.copiedSeq = this.rcvNxt;
    this.#pages?.clear(this.#nextPos);
  }

  /** What waited at the new end of the data in order is now part of it (`tcp_ofo_queue`). */
  #joinRanges(starts: number[], ends: number[]): void {
    const arrived = this.#nextPos;
    let joined = 0;
    while (joined < starts.length && (starts[joined] as number) <= this.#nextPos) {
      const start = starts[joined] as number;
      const end = ends[joined] as number;
      if (start < arrived) this.#extendDuplicate(start, Math.min(end, arrived));
      if (end > this.#nextPos) this.#nextPos = end;
      this.outOfOrder -= end - start;
      joined++;
    }
    if (joined === 0) return;
    if (joined === starts.length) this.#starts = this.#ends = undefined;
    else {
      starts.splice(0, joined);
      ends.splice(0, joined);
    }
  }

  /** `tcp_data_queue_ofo`. */
  #insertOutOfOrder(pages: StreamPages, u8: Uint8Array, offset: number, start: number, end: number): void {
    const starts = (this.#starts ??= []);
    const ends = (this.#ends ??= []);
    const first = firstEndingAtOrAfter(ends, start);
    let mergedStart = start;
    let mergedEnd = end;
    let writeFrom = start;
    let next = first;
    if (first < starts.length && (starts[first] as number) <= start) {
      const held = ends[first] as number;
      mergedStart = starts[first] as number;
      if (start < held && end <= held) {
        this.#setDuplicate(start, end);
        return;
      }
      if (start < held && start > mergedStart) {
        this.#setDuplicate(start, held);
        writeFrom = held;
      } else if (start < held) {
        this.#extendDuplicate(mergedStart, held);
      }
      this.outOfOrder -= held - mergedStart;
      next++;
    }
    for (; next < starts.length && (starts[next] as number) <= end; next++) {
      const heldStart = starts[next] as number;
      const heldEnd = ends[next] as number;
      if (heldStart < end) this.#extendDuplicate(heldStart, Math.min(heldEnd, end));
      if (heldEnd > mergedEnd) mergedEnd = heldEnd;
      this.outOfOrder -= heldEnd - heldStart;
    }
    pages.write(writeFrom, u8, offset + (writeFrom - start), end - writeFrom);
    this.outOfOrder += mergedEnd - mergedStart;
    if (next - first === 1) {
      starts[first] = mergedStart;
      ends[first] = mergedEnd;
    } else {
      starts.splice(first, next - first, mergedStart);
      ends.splice(first, next - first, mergedEnd);
    }
  }

  /** `tcp_dsack_set`. */
  #setDuplicate(start: number, end: number): void {
    this.hasDuplicate = true;
    this.dsackStart = this.#seqOf(start);
    this.dsackEnd = this.#seqOf(end);
  }

  /** `tcp_dsack_extend`: what touches the range that is known makes it larger, what does not is not reported. */
  #extendDuplicate(start: number, end: number): void {
    if (!this.hasDuplicate) {
      this.#setDuplicate(start, end);
      return;
    }
    const from = this.#seqOf(start);
    const to = this.#seqOf(end);
    if (((from - this.dsackEnd) | 0) > 0 || ((this.dsackStart - to) | 0) > 0) return;
    if (((from - this.dsackStart) | 0) < 0) this.dsackStart = from;
    if (((to - this.dsackEnd) | 0) > 0) this.dsackEnd = to;
  }

  #seqOf(position: number): number {
    return (this.rcvNxt + (position - this.#rcvPos)) | 0;
  }
}

/** Index of the first range that ends at `position` or later: that is where a segment that begins there belongs. */
function firstEndingAtOrAfter(ends: readonly number[], position: number): number {
  const last = ends.length - 1;
  // Nearly always it goes to the end, or touches the last range.
  if (last < 0 || (ends[last] as number) < position) return last + 1;
  let low = 0;
  let high = last;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((ends[middle] as number) < position) low = middle + 1;
    else high = middle;
  }
  return low;
}
