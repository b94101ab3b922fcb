import type { Nanos } from "@seville/core";
import type { RcvbufAutotune } from "./parts.ts";

/** @param initialSpace bytes that are taken for what a first RTT brings (`rcvq_space.space`): the initial window */
export function createRcvbufAutotune(now: Nanos, initialSpace: number, copiedSeq = 0): RcvbufAutotune {
  return new DynamicRightSizing(now, initialSpace, copiedSeq);
}

/**
 * How large a receive window is wanted: twice what the application took in the last RTT, and more while the sender
 * grows (`tcp_rcv_space_adjust`, `tcp_rcvbuf_grow`, Linux 6.18). The RTT is the receiver's own estimate: from timestamps,
 * smoothed; without them the least time in which a window was filled.
 */
class DynamicRightSizing implements RcvbufAutotune {
  rcvRtt: Nanos = 0;
  space: number;
  #measuredAt: Nanos;
  #measuredSeq: number;
  /** When the window that ends at `#windowEnd` was offered; -1: none was. */
  #windowAt: Nanos = -1;
  #windowEnd = 0;

  constructor(now: Nanos, initialSpace: number, copiedSeq: number) {
    this.space = Math.max(initialSpace, 1);
    this.#measuredAt = now;
    this.#measuredSeq = copiedSeq;
  }

  sampleTimestamp(rtt: Nanos): void {
    if (this.rcvRtt === 0 || rtt < this.rcvRtt) this.rcvRtt = rtt;
    else this.rcvRtt += (rtt - this.rcvRtt) / 8;
  }

  sampleWindow(now: Nanos, rcvNxt: number, rcvWnd: number): void {
    if (this.#windowAt >= 0) {
      if (((rcvNxt - this.#windowEnd) | 0) < 0) return;
      const sample = Math.max(now - this.#windowAt, 1);
      // A window that fills slowly says that the sender had nothing to say: only the minimum counts.
      if (this.rcvRtt === 0 || sample < this.rcvRtt) this.rcvRtt = sample;
    }
    this.#windowAt = now;
    this.#windowEnd = (rcvNxt + rcvWnd) | 0;
  }

  /** @param unread bytes in order that the user has not taken */
  copied(now: Nanos, copiedSeq: number, bytesOutOfOrder: number, _advmss: number, unread = 0): number {
    if (this.rcvRtt === 0 || now - this.#measuredAt < this.rcvRtt) return 0;
    const taken = ((copiedSeq - this.#measuredSeq) | 0) - unread;
    this.#measuredAt = now;
    this.#measuredSeq = copiedSeq;
    if (taken <= this.space) return 0;
    const base = 2 * taken;
    const growth = Math.floor((base * (taken - this.space)) / this.space);
    this.space = taken;
    return base + 2 * growth + bytesOutOfOrder;
  }
}
