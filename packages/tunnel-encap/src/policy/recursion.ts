/** How deep a packet may be wrapped by tunnels that are routed through one another (Linux `XMIT_RECURSION_LIMIT`). */
export const RECURSION_LIMIT = 8;

/**
 * Guards against a tunnel that is routed through itself (T15): whoever transmits enters before and leaves after, and one
 * guard serves a whole host. Without it, each turn would wrap the packet once more until memory ends.
 */
export class RecursionGuard {
  readonly limit: number;
  #depth = 0;

  constructor(limit: number = RECURSION_LIMIT) {
    this.limit = limit;
  }

  get depth(): number {
    return this.#depth;
  }

  /** Runs `transmit`; `false`, and it was not run: too deep. Drop the packet with `RECURSION_LIMIT`. */
  enter(transmit: () => void): boolean {
    if (this.#depth >= this.limit) return false;
    this.#depth++;
    try {
      transmit();
    } finally {
      this.#depth--;
    }
    return true;
  }
}
