import type { Packet } from "@seville/packet";

/** What became of a fragment that was put in. */
export type InsertResult = "inserted" | "duplicate" | "overlap";

export interface Fragment {
  /** Offset of its first byte in the datagram's payload, and of the one behind its last. */
  readonly start: number;
  readonly end: number;
  readonly packet: Packet;
}

/**
 * The fragments of one datagram, in order (RFC 815 keeps the holes instead; the pieces are needed anyway). Rules as
 * in the kernel's `inet_frag_queue_insert`: a fragment that lies within what came before is a duplicate, one that
 * overlaps it in part spoils the datagram (RFC 5722 §4; IPv4 does the same since 2018).
 */
export class FragmentQueue {
  readonly #fragments: Fragment[] = [];
  /** Bytes that arrived. */
  #bytes = 0;

  get fragments(): readonly Fragment[] {
    return this.#fragments;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** The fragment at offset 0, once it is there. */
  get first(): Packet | undefined {
    const first = this.#fragments[0];
    return first?.start === 0 ? first.packet : undefined;
  }

  /** Offset behind the last byte that arrived. */
  get end(): number {
    return this.#fragments[this.#fragments.length - 1]?.end ?? 0;
  }

  /** Puts `fragment` in unless it is a duplicate or overlaps; then the caller still owns its packet. */
  insert(fragment: Fragment): InsertResult {
    const { start, end } = fragment;
    const fragments = this.#fragments;
    // Most fragments come in order: look from the end.
    let at = fragments.length;
    while (at > 0 && (fragments[at - 1] as Fragment).start >= end) at--;
    const before = fragments[at - 1];
    if (before !== undefined && before.end > start) return this.#isCovered(start, end) ? "duplicate" : "overlap";
    fragments.splice(at, 0, fragment);
    this.#bytes += end - start;
    return "inserted";
  }

  /** Whether [start, end) lies within one contiguous run of what arrived. */
  #isCovered(start: number, end: number): boolean {
    let runStart = -1;
    let runEnd = -1;
    for (const fragment of this.#fragments) {
      if (fragment.start !== runEnd) runStart = fragment.start;
      runEnd = fragment.end;
      if (runStart <= start && end <= runEnd) return true;
    }
    return false;
  }
}
