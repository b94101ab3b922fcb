import type { SackBlocks } from "./parts.ts";
import { FreebsdSackBlocks } from "./sack-blocks-freebsd.ts";

/** TCP_NUM_SACKS: more never fit into a header. */
const LIMIT = 4;

/** Whose choice of blocks: they agree in RFC 2018 and differ in when and how duplicates are reported (RFC 2883). */
export function createSackBlocks(flavour: "linux" | "freebsd" = "linux"): SackBlocks {
  return flavour === "linux" ? new LinuxSackBlocks() : new FreebsdSackBlocks();
}

/**
 * The blocks that the next acknowledgments report (net/ipv4/tcp_input.c): the one that changed last comes first, what grows
 * together is one block, and a fifth one pushes the oldest out. A duplicate stands before all of them, once.
 */
export class LinuxSackBlocks implements SackBlocks {
  count = 0;
  hasDsack = false;
  #dsackStart = 0;
  #dsackEnd = 0;
  /** `[start, end]` one after the other; made with the first block. */
  #edges: Int32Array | undefined;

  /** `tcp_sack_new_ofo_skb`. */
  add(start: number, end: number): void {
    const edges = (this.#edges ??= new Int32Array(2 * LIMIT));
    for (let i = 0; i < this.count; i++) {
      if (!touches(edges, i, start, end)) continue;
      const grownStart = earlier(edges[2 * i] as number, start);
      const grownEnd = later(edges[2 * i + 1] as number, end);
      this.#moveDown(edges, i);
      edges[0] = grownStart;
      edges[1] = grownEnd;
      this.#coalesce(edges);
      return;
    }
    if (this.count < LIMIT) this.count++;
    this.#moveDown(edges, this.count - 1);
    edges[0] = start;
    edges[1] = end;
  }

  /** `tcp_sack_remove`. */
  acknowledge(rcvNxt: number): void {
    const edges = this.#edges;
    if (edges === undefined || this.count === 0) return;
    let kept = 0;
    for (let i = 0; i < this.count; i++) {
      if ((((edges[2 * i] as number) - rcvNxt) | 0) <= 0) continue;
      edges[2 * kept] = edges[2 * i] as number;
      edges[2 * kept + 1] = edges[2 * i + 1] as number;
      kept++;
    }
    this.count = kept;
  }

  /** `tcp_dsack_set`. */
  duplicate(start: number, end: number): void {
    this.hasDsack = true;
    this.#dsackStart = start;
    this.#dsackEnd = end;
  }

  /** New data has come before the duplicate was reported: then it never is (`tcp_data_queue`). */
  forgetDuplicate(): void {
    this.hasDsack = false;
  }

  reset(): void {
    this.count = 0;
    this.hasDsack = false;
  }

  write(into: Int32Array, max: number): number {
    let written = 0;
    if (this.hasDsack && max > 0) {
      into[0] = this.#dsackStart;
      into[1] = this.#dsackEnd;
      written = 1;
      this.hasDsack = false;
    }
    for (let i = 0; i < this.count && written < max; i++, written++) {
      into[2 * written] = this.#edges?.[2 * i] as number;
      into[2 * written + 1] = this.#edges?.[2 * i + 1] as number;
    }
    return written;
  }

  /** Blocks 0 to `i - 1` become 1 to `i`. */
  #moveDown(edges: Int32Array, i: number): void {
    edges.copyWithin(2, 0, 2 * i);
  }

  /** The first block has grown: those that it reaches now are part of it (`tcp_sack_maybe_coalesce`). */
  #coalesce(edges: Int32Array): void {
    for (let i = 1; i < this.count;) {
      const start = edges[2 * i] as number;
      const end = edges[2 * i + 1] as number;
      if (!touches(edges, 0, start, end)) {
        i++;
        continue;
      }
      edges[0] = earlier(edges[0] as number, start);
      edges[1] = later(edges[1] as number, end);
      edges.copyWithin(2 * i, 2 * i + 2, 2 * this.count);
      this.count--;
    }
  }
}

/** `[start, end)` overlaps block `i` or is next to it. */
function touches(edges: Int32Array, i: number, start: number, end: number): boolean {
  return ((start - (edges[2 * i + 1] as number)) | 0) <= 0 && (((edges[2 * i] as number) - end) | 0) <= 0;
}

function earlier(a: number, b: number): number {
  return ((a - b) | 0) < 0 ? a : b;
}

function later(a: number, b: number): number {
  return ((a - b) | 0) > 0 ? a : b;
}
