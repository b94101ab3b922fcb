import type { Nanos } from "@seville/core";
import type { Plpmtud } from "./parts.ts";

/**
 * The search for the largest packet that a path carries (RFC 4821 §7, RFC 8899; `icsk_mtup` of Linux). Sizes are those of
 * IP packets.
 *
 * @param low what is believed to pass: `tcp_base_mss` with its headers
 * @param high the most that there is any use for: the peer's MSS with headers
 * @param enabled `false` with tcp_mtu_probing 1: it begins when a black hole is found
 * @param headers IP and TCP header with the usual options
 */
export function createPlpmtud(low: number, high: number, enabled = true, headers = 40): Plpmtud & MtuSearch {
  return new MtuSearch(low, high, enabled, headers);
}

export class MtuSearch implements Plpmtud {
  enabled: boolean;
  low: number;
  high: number;
  probeSize = 0;
  reprobeAt: Nanos = 0;
  readonly #base: number;
  readonly #headers: number;

  constructor(low: number, high: number, enabled: boolean, headers: number) {
    this.low = low;
    this.high = high;
    this.enabled = enabled;
    this.#base = low;
    this.#headers = headers;
  }

  /** The middle between what passes and what may not (`tcp_mtu_probe`). */
  next(threshold: number): number {
    if (!this.enabled || this.high < this.low || this.high - this.low < threshold) return 0;
    return Math.floor((this.low + this.high) / 2);
  }

  /** `tcp_mtup_probe_success`. */
  succeeded(): void {
    if (this.probeSize > 0) this.low = this.probeSize;
    this.probeSize = 0;
  }

  /** `tcp_mtup_probe_failed`. */
  failed(): void {
    if (this.probeSize > 0) this.high = this.probeSize - 1;
    this.probeSize = 0;
  }

  /** The time of {@link MtuSearch.reprobeAt} has come: what did not pass then may pass now (`tcp_mtu_check_reprobe`). */
  restart(low: number, high: number, reprobeAt: Nanos): void {
    this.low = low;
    this.high = high;
    this.probeSize = 0;
    this.reprobeAt = reprobeAt;
  }

  /** `tcp_mtu_probing`: the first black hole begins the search at its base, each further one halves the payload. */
  blackHole(floor: number): number {
    if (!this.enabled) {
      this.enabled = true;
      return this.low;
    }
    const halved = this.#headers + Math.floor((this.low - this.#headers) / 2);
    this.low = Math.max(Math.min(halved, this.#base), floor);
    return this.low;
  }
}
