import { type Nanos, serial32 } from "@seville/core";
import { type CongestionState, elapsedUs, minRttUs, NO_TIME, packetsInFlight } from "./congestion-state.ts";
import type { RateSample, TxRecord } from "./rate-sample.ts";

/*
 * Delivery-rate estimation: net/ipv4/tcp_rate.c, draft-ietf-ccwg-bbr §4.1 (once draft-cheng-iccrg-delivery-rate-estimation).
 * The rate is that at which packets arrived, or at which they were sent if that was slower: ACKs may come compressed, but
 * nothing is delivered faster than it was sent.
 */

/**
 * Notes the sender's view in `tx`: `packets` packets leave at `sentAt`. To be called before the flight counts them
 * (tcp_rate_skb_sent).
 */
export function rateSkbSent(state: CongestionState, tx: TxRecord, sentAt: Nanos, packets: number): void {
  if (state.packetsOut === 0) {
    // An idle pipe delivers whatever comes back in the time from now on. packetsOut, because the other counters guess.
    state.firstTxMstamp = sentAt;
    state.deliveredMstamp = sentAt;
  }
  tx.sentAt = sentAt;
  tx.firstTxMstamp = state.firstTxMstamp;
  tx.deliveredMstamp = state.deliveredMstamp;
  tx.delivered = state.delivered;
  tx.deliveredCe = state.deliveredCe;
  tx.lost = state.lost;
  tx.inFlight = packetsInFlight(state) + packets;
  tx.isAppLimited = state.appLimited !== 0;
}

/**
 * The segment of `tx` was acked or sacked: the most recently sent one of an ACK gives the sample
 * (tcp_rate_skb_delivered). A segment counts once: calls after the first do nothing.
 */
export function rateSkbDelivered(
  state: CongestionState,
  tx: TxRecord,
  endSeq: number,
  isRetrans: boolean,
  sample: RateSample,
): void {
  if (tx.deliveredMstamp === NO_TIME) return;
  if (sample.priorMstamp === NO_TIME || sentAfter(tx.sentAt, state.firstTxMstamp, endSeq, sample.lastEndSeq)) {
    sample.priorDelivered = tx.delivered;
    sample.priorDeliveredCe = tx.deliveredCe;
    sample.priorLost = tx.lost;
    sample.priorMstamp = tx.deliveredMstamp;
    sample.txInFlight = tx.inFlight;
    sample.isAppLimited = tx.isAppLimited;
    sample.isRetrans = isRetrans;
    sample.lastEndSeq = endSeq;
    sample.lastSentAt = tx.sentAt;
    // The send phase ends with this packet, and the next one begins.
    state.firstTxMstamp = tx.sentAt;
    sample.intervalUs = elapsedUs(tx.sentAt, tx.firstTxMstamp);
  }
  tx.deliveredMstamp = NO_TIME;
}

/**
 * Completes the sample of an ACK that delivered `delivered` packets (counted in `state.delivered` already) and marked
 * `lost` (tcp_rate_gen). `isSackReneg`: recovering from a receiver that took SACKs back.
 */
export function rateGen(
  state: CongestionState,
  delivered: number,
  lost: number,
  isSackReneg: boolean,
  sample: RateSample,
): void {
  // The bubble has left the pipe.
  if (state.appLimited !== 0 && state.delivered > state.appLimited) state.appLimited = 0;
  if (delivered > 0) state.deliveredMstamp = state.now;
  sample.ackedSacked = delivered;
  sample.losses = lost;
  if (sample.priorMstamp === NO_TIME || isSackReneg) {
    sample.delivered = -1;
    sample.intervalUs = -1;
    return;
  }
  sample.delivered = state.delivered - sample.priorDelivered;
  sample.deliveredCe = state.deliveredCe - sample.priorDeliveredCe;
  sample.lost = state.lost - sample.priorLost;
  sample.sndIntervalUs = sample.intervalUs;
  sample.rcvIntervalUs = elapsedUs(state.now, sample.priorMstamp);
  sample.intervalUs = Math.max(sample.sndIntervalUs, sample.rcvIntervalUs);
  // Less than the minimum RTT: the original was acked, not the spurious retransmission that the record tells of. Without
  // any RTT (the kernel's ~0U) nothing can be told.
  if (sample.intervalUs < minRttUs(state)) {
    sample.intervalUs = -1;
    return;
  }
  // tcp_info shows the last sample that is not limited by the application, or the greatest that is.
  if (!sample.isAppLimited || sample.delivered * state.rateIntervalUs >= state.rateDelivered * sample.intervalUs) {
    state.rateDelivered = sample.delivered;
    state.rateIntervalUs = sample.intervalUs;
    state.rateAppLimited = sample.isAppLimited;
  }
}

/**
 * Marks the flow as limited by the application if it is: `unsentBytes` of the send buffer have not been sent once, and
 * `queuedBytes` wait below (in the pacing layer, the qdisc or the NIC). To be called when the application writes, before
 * the work of an ACK, and before that of a timer (tcp_rate_check_app_limited).
 */
export function checkAppLimited(state: CongestionState, unsentBytes: number, queuedBytes = 0): void {
  if (unsentBytes >= state.mssCache || queuedBytes > 0) return;
  if (packetsInFlight(state) >= state.sndCwnd || state.lostOut > state.retransOut) return;
  markAppLimited(state);
}

/** Samples of what is in flight now are limited by the application. */
export function markAppLimited(state: CongestionState): void {
  state.appLimited = Math.max(1, state.delivered + packetsInFlight(state));
}

/** The delivery rate that tcp_info shows, in bytes per second; 0: none yet (tcp_compute_delivery_rate). */
export function deliveryRate(state: CongestionState): number {
  if (state.rateDelivered === 0 || state.rateIntervalUs === 0) return 0;
  return Math.floor((state.rateDelivered * state.mssCache * 1_000_000) / state.rateIntervalUs);
}

/** Whether a packet sent at `t1` ending with `seq1` was sent after one of `t2` and `seq2` (tcp_skb_sent_after). */
export function sentAfter(t1: Nanos, t2: Nanos, seq1: number, seq2: number): boolean {
  return t1 > t2 || (t1 === t2 && serial32.gt(seq1, seq2));
}
