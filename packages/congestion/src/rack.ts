import type { Nanos } from "@seville/core";
import { caStateAtLeast } from "./congestion-control.ts";
import { type CongestionState, elapsedUs, minRttUs, NO_TIME } from "./congestion-state.ts";
import type { RateSample } from "./rate-sample.ts";
import { sentAfter } from "./rate-sampler.ts";

/*
 * RACK's arithmetic (RFC 8985, net/ipv4/tcp_recovery.c): a packet is lost when one sent later was delivered and the RTT of
 * that one plus a reordering window has passed. Who holds the queue of sent packets does the walking.
 */

/** For how many recoveries a widened window stays (TCP_RACK_RECOVERY_THRESH). */
export const RACK_RECOVERY_THRESH = 16;

/** The sysctl `tcp_recovery`'s bits. */
export interface RackOptions {
  /** TCP_RACK_STATIC_REO_WND: DSACKs do not widen the window. */
  staticReoWnd?: boolean;
  /** TCP_RACK_NO_DUPTHRESH: three duplicate ACKs do not close it. */
  noDupthresh?: boolean;
}

/**
 * A packet that was sent at `sentAt` and ends with `endSeq` was acked or sacked (tcp_rack_advance, RFC 8985 §6.2 step 2).
 * `isRetrans`: it had been retransmitted, so that an RTT below the minimum tells of the original.
 */
export function rackAdvance(state: CongestionState, isRetrans: boolean, endSeq: number, sentAt: Nanos): void {
  const { rack } = state;
  const rttUs = elapsedUs(state.now, sentAt);
  if (isRetrans && rttUs < minRttUs(state)) return;
  rack.advanced = true;
  rack.rttUs = rttUs;
  if (rack.mstamp === NO_TIME || sentAfter(sentAt, rack.mstamp, endSeq, rack.endSeq)) {
    rack.mstamp = sentAt;
    rack.endSeq = endSeq;
  }
}

/** The reordering window in µs (tcp_rack_reo_wnd, RFC 8985 §6.2 step 4). */
export function rackReoWndUs(state: CongestionState, options: RackOptions = {}): number {
  if (state.reordSeen === 0) {
    if (caStateAtLeast(state.caState, "recovery")) return 0;
    if (state.sackedOut >= state.reordering && options.noDupthresh !== true) return 0;
  }
  const quarters = Math.floor(minRttUs(state) / 4) * state.rack.reoWndSteps;
  return Math.min(quarters, Math.floor(state.srttUs / 8));
}

/** Whether the packet was sent before the most recently sent one that was delivered: only such may be lost. */
export function rackMayBeLost(state: CongestionState, sentAt: Nanos, endSeq: number): boolean {
  const { rack } = state;
  return rack.mstamp !== NO_TIME && sentAfter(rack.mstamp, sentAt, rack.endSeq, endSeq);
}

/**
 * How much longer to wait for a packet sent at `sentAt`, in µs; 0 or less: it is lost (tcp_rack_skb_timeout). Meaningful
 * where {@link rackMayBeLost} says so.
 */
export function rackTimeoutUs(state: CongestionState, sentAt: Nanos, reoWndUs: number): number {
  return state.rack.rttUs + reoWndUs - elapsedUs(state.now, sentAt);
}

/**
 * Widens the window by a quarter of the minimum RTT when a DSACK told of a spurious retransmission, at most once a round;
 * narrows it again after 16 recoveries without one (tcp_rack_update_reo_wnd).
 */
export function rackUpdateReoWnd(state: CongestionState, sample: RateSample, options: RackOptions = {}): void {
  const { rack } = state;
  if (options.staticReoWnd === true || sample.priorMstamp === NO_TIME) return;
  if (sample.priorDelivered < rack.lastDelivered) rack.dsackSeen = false;
  if (rack.dsackSeen) {
    rack.reoWndSteps = Math.min(0xff, rack.reoWndSteps + 1);
    rack.dsackSeen = false;
    rack.lastDelivered = state.delivered;
    rack.reoWndPersist = RACK_RECOVERY_THRESH;
  } else if (rack.reoWndPersist === 0) {
    rack.reoWndSteps = 1;
  }
}

/**
 * A recovery ended. `byDsack`: all its retransmissions proved spurious, which prolongs a widened window instead of using
 * it up (tcp_try_undo_dsack, tcp_try_undo_recovery).
 */
export function rackRecoveryDone(state: CongestionState, byDsack: boolean): void {
  const { rack } = state;
  if (byDsack) rack.reoWndPersist = Math.min(RACK_RECOVERY_THRESH, rack.reoWndPersist + 1);
  else if (rack.reoWndPersist > 0) rack.reoWndPersist--;
}
