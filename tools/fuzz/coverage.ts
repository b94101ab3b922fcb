/** What istanbul's instrumented code counts: one number a statement, one a way out of each branch. */
interface CoverageData {
  s: Record<string, number> | Uint16Array;
  f: Record<string, number>;
  b: Record<string, number[] | Uint16Array>;
}

/**
 * Which code a run reached, and how often, in the manner of AFL: for each counter the power-of-two class of its count
 * is one bit, and an input is worth keeping if it sets a bit that no input has set before.
 */
export class Coverage {
  readonly #counters: Uint16Array;
  readonly #seen: Uint8Array;
  #bits = 0;

  /** Puts one flat array under the counters of `data`, so that reading and clearing them is a pass over memory. */
  constructor(data: CoverageData) {
    const statements = Object.keys(data.s).length;
    const branches = Object.values(data.b).map((ways) => ways.length);
    this.#counters = new Uint16Array(statements + branches.reduce((sum, ways) => sum + ways, 0));
    this.#seen = new Uint8Array(this.#counters.length);
    data.s = this.#counters.subarray(0, statements);
    let at = statements;
    for (const key of Object.keys(data.b)) {
      const ways = (data.b[key] as number[]).length;
      data.b[key] = this.#counters.subarray(at, at + ways);
      at += ways;
    }
  }

  /** Bits set by all inputs so far. */
  get bits(): number {
    return this.#bits;
  }

  /** Counters that some input has moved, of all. */
  get reached(): { readonly reached: number; readonly all: number } {
    let reached = 0;
    for (const bits of this.#seen) if (bits !== 0) reached++;
    return { reached, all: this.#seen.length };
  }

  begin(): void {
    this.#counters.fill(0);
  }

  /** Whether the run since {@link Coverage.begin} did something new. */
  end(): boolean {
    const before = this.#bits;
    const counters = this.#counters;
    for (let i = 0; i < counters.length; i++) {
      const count = counters[i] as number;
      if (count === 0) continue;
      const bit = countClass(count);
      if (((this.#seen[i] as number) & bit) !== 0) continue;
      this.#seen[i] = (this.#seen[i] as number) | bit;
      this.#bits++;
    }
    return this.#bits > before;
  }
}

/** 1, 2, 3, 4–7, 8–15, 16–31, 32–127, 128 and more: a bit each. */
function countClass(count: number): number {
  if (count <= 3) return 1 << (count - 1);
  if (count <= 7) return 8;
  if (count <= 15) return 16;
  if (count <= 31) return 32;
  return count <= 127 ? 64 : 128;
}
