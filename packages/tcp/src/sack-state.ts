import { NO_TIME } from "@seville/congestion";
import type { Nanos } from "@seville/core";

/** What the SACK blocks of one ACK told (`struct tcp_sacktag_state`). Reusable. */
export class SackState {
  /** When the earliest and the latest never-retransmitted segment that was newly SACKed was sent. */
  firstSackt: Nanos = NO_TIME;
  lastSackt: Nanos = NO_TIME;
  /** Lowest newly SACKed hole that was never retransmitted: where reordering begins; int32. */
  reord = 0;
  sackDelivered = 0;
  flag = 0;

  reset(): void {
    this.firstSackt = NO_TIME;
    this.lastSackt = NO_TIME;
    this.reord = 0;
    this.sackDelivered = 0;
    this.flag = 0;
  }
}
