import type { SackBlocks } from "./parts.ts";

/** MAX_SACK_BLKS: more are remembered than a header holds. */
const LIMIT = 6;

interface Block {
  readonly start: number;
  readonly end: number;
}

/**
 * FreeBSD's blocks (`tcp_update_sack_list`, `tcp_update_dsack_list`): a duplicate stands in the list, before the block that holds
 * it, until it was sent. What lies before RCV.NXT is a duplicate; what a segment out of order has in common with known
 * blocks is found here, from the segment alone.
 */
export class FreebsdSackBlocks implements SackBlocks {
  #blocks: readonly Block[] = [];
  #rcvNxt = 0;
  /** The first block reports a duplicate and was not sent yet. */
  #isPending = false;

  /** Blocks without the duplicate. */
  get count(): number {
    return this.#blocks.length - (this.#isPending ? 1 : 0);
  }

  get hasDsack(): boolean {
    return this.#isPending;
  }

  /** A segment came out of order, or filled a gap. */
  add(start: number, end: number): void {
    const duplicate = this.#duplicateOf(start, end);
    const merged = this.#mergedWith(start, end);
    const list: Block[] = [];
    if (duplicate !== undefined) list.push(duplicate);
    const same = duplicate !== undefined && duplicate.start === merged.start && duplicate.end === merged.end;
    if (after(merged.end, this.#rcvNxt) && (!same || merged.isKnown))
      list.push({ start: merged.start, end: merged.end });
    for (const block of this.#isPending ? this.#blocks.slice(1) : this.#blocks) {
      if (list.length === LIMIT) break;
      const apart = after(merged.start, block.end) || after(block.start, merged.end);
      if (apart && after(block.start, this.#rcvNxt)) list.push(block);
    }
    this.#blocks = list;
    this.#isPending = duplicate !== undefined;
  }

  acknowledge(rcvNxt: number): void {
    this.#rcvNxt = rcvNxt;
    if (this.#blocks.length === 0) return;
    this.#blocks = this.#blocks.filter((block, i) => after(block.start, rcvNxt) || (i === 0 && this.#isPending));
  }

  /** Bytes came twice: those before RCV.NXT. Others are found by {@link FreebsdSackBlocks.add}. */
  duplicate(start: number, end: number): void {
    if (after(end, this.#rcvNxt)) return;
    const rest = this.#isPending ? this.#blocks.slice(1) : this.#blocks;
    this.#blocks = [{ start, end }, ...rest].slice(0, LIMIT);
    this.#isPending = true;
  }

  reset(): void {
    this.#blocks = [];
    this.#isPending = false;
  }

  /** What was sent as a duplicate is forgotten (`tcp_clean_dsack_blocks`). */
  write(into: Int32Array, max: number): number {
    const written = Math.min(this.#blocks.length, max);
    for (let i = 0; i < written; i++) {
      const block = this.#blocks[i] as Block;
      into[2 * i] = block.start;
      into[2 * i + 1] = block.end;
    }
    if (written > 0 && this.#isPending) {
      this.#blocks = this.#blocks.slice(1);
      this.#isPending = false;
    }
    return written;
  }

  /** What `[start, end)` has in common with the first block, by sequence number, that it overlaps; or lies before RCV.NXT. */
  #duplicateOf(start: number, end: number): Block | undefined {
    let head: Block | undefined;
    for (const block of this.#blocks) {
      if (!after(block.start, this.#rcvNxt)) continue;
      if (!after(end, block.start) || !after(block.end, start)) continue;
      if (head === undefined || after(head.start, block.start)) head = block;
    }
    if (head !== undefined) return { start: later(start, head.start), end: earlier(end, head.end) };
    const first = this.#blocks[0];
    const pending = end === this.#rcvNxt && first !== undefined && first.end === this.#rcvNxt;
    return after(this.#rcvNxt, end) || pending ? { start, end } : undefined;
  }

  /** `[start, end)` with all that it overlaps or touches, and whether a known block is all of that. */
  #mergedWith(start: number, end: number): Block & { readonly isKnown: boolean } {
    let merged: Block = { start, end };
    let isKnown = false;
    for (const block of this.#blocks) {
      if (after(block.start, end) || after(start, block.end) || after(this.#rcvNxt, block.end)) continue;
      merged = { start: earlier(merged.start, block.start), end: later(merged.end, block.end) };
      isKnown ||= merged.start === block.start && merged.end === block.end;
    }
    return { ...merged, isKnown };
  }
}

function after(a: number, b: number): boolean {
  return ((a - b) | 0) > 0;
}

function earlier(a: number, b: number): number {
  return after(b, a) ? a : b;
}

function later(a: number, b: number): number {
  return after(a, b) ? a : b;
}
