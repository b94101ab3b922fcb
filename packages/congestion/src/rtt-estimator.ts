import { type Nanos, NS_PER_MS, NS_PER_SEC, serial32 } from "@seville/core";
import { type CongestionState, minRttUs } from "./congestion-state.ts";

/*
 * RFC 6298 as Linux computes it (tcp_rtt_estimator, tcp_set_rto): the variance term is the largest deviation of a round,
 * smoothed over rounds, and never below the least RTO of 200 ms; a falling RTT raises it only by an eighth.
 */

/** TCP_RTO_MIN. */
export const RTO_MIN: Nanos = 200 * NS_PER_MS;
/** TCP_RTO_MAX. */
export const RTO_MAX: Nanos = 120 * NS_PER_SEC;
/** RFC 6298 §2.1; TCP_TIMEOUT_INIT. */
export const TIMEOUT_INIT: Nanos = NS_PER_SEC;
/** TCP_TIMEOUT_MIN_US: no timer of TCP is set shorter. */
export const TIMEOUT_MIN: Nanos = 2 * NS_PER_MS;

/** What of the estimator may be set. */
export interface RttOptions {
  /** Least RTO (`tcp_rto_min_us`, or the route's `rto_min`), ns; default 200 ms. */
  rtoMin?: Nanos;
  /** Greatest RTO, ns; default 120 s. */
  rtoMax?: Nanos;
  /** The timer's tick: the RTO is rounded up to whole ones; default 1 ms (HZ=1000). */
  tick?: Nanos;
}

/** Takes an RTT of `rttUs` microseconds into the smoothed RTT and its variance (tcp_rtt_estimator). */
export function updateRtt(state: CongestionState, rttUs: number, options: RttOptions = {}): void {
  const rtoMinUs = Math.floor((options.rtoMin ?? RTO_MIN) / 1000);
  if (state.srttUs === 0) {
    state.srttUs = Math.max(1, rttUs * 8);
    // The first RTO is three times the RTT.
    state.mdevUs = rttUs * 2;
    state.rttvarUs = Math.max(state.mdevUs, rtoMinUs);
    state.mdevMaxUs = state.rttvarUs;
    state.rttSeq = state.sndNxt;
    return;
  }
  const error = rttUs - Math.floor(state.srttUs / 8);
  state.srttUs = Math.max(1, state.srttUs + error);
  let change = Math.abs(error) - Math.floor(state.mdevUs / 4);
  // A falling RTT deviates too, but must not make the RTO grow as a rising one does (Eifel).
  if (error < 0 && change > 0) change = Math.floor(change / 8);
  state.mdevUs += change;
  if (state.mdevUs > state.mdevMaxUs) {
    state.mdevMaxUs = state.mdevUs;
    if (state.mdevMaxUs > state.rttvarUs) state.rttvarUs = state.mdevMaxUs;
  }
  if (!serial32.gt(state.sndUna, state.rttSeq)) return;
  // A round is over.
  if (state.mdevMaxUs < state.rttvarUs) {
    state.rttvarUs -= Math.floor((state.rttvarUs - state.mdevMaxUs) / 4);
  }
  state.rttSeq = state.sndNxt;
  state.mdevMaxUs = rtoMinUs;
}

/**
 * Takes an RTT into the windowed minimum (tcp_update_rtt_min). `maybeDelayed`: the receiver may have held the ACK back;
 * such a sample counts only if it is a new minimum. `window` is `tcp_min_rtt_wlen`, 300 s.
 */
export function updateMinRtt(
  state: CongestionState,
  rttUs: number,
  maybeDelayed = false,
  window: Nanos = 300 * NS_PER_SEC,
): void {
  if (maybeDelayed && rttUs > minRttUs(state)) return;
  // An RTT below a microsecond counts as one tick in the kernel, and as one microsecond here.
  state.rttMin.runningMin(window, state.now, Math.max(1, rttUs));
}

/** The retransmission timeout without backoff, in ns (__tcp_set_rto, tcp_bound_rto); 1 s before the first sample. */
export function retransmissionTimeout(state: CongestionState, options: RttOptions = {}): Nanos {
  if (state.srttUs === 0) return TIMEOUT_INIT;
  const tick = options.tick ?? NS_PER_MS;
  const rto = (Math.floor(state.srttUs / 8) + state.rttvarUs) * 1000;
  return Math.min(Math.ceil(rto / tick) * tick, options.rtoMax ?? RTO_MAX);
}

/** The timeout after `backoff` expirations in a row (RFC 6298 §5.5): doubled for each. */
export function backedOff(rto: Nanos, backoff: number, rtoMax: Nanos = RTO_MAX): Nanos {
  return Math.min(rto * 2 ** Math.min(backoff, 63), rtoMax);
}

/** The smoothed RTT in ns; 0: no sample yet. */
export function smoothedRtt(state: CongestionState): Nanos {
  return Math.floor(state.srttUs / 8) * 1000;
}

/**
 * How long to wait before a tail loss probe (tcp_schedule_loss_probe, RFC 8985 §7.2), in ns: two RTTs, and room for a
 * delayed ACK when one packet is out; but no later than the RTO, which is `rtoLeft` away.
 */
export function probeTimeout(state: CongestionState, rtoLeft: Nanos, options: RttOptions = {}): Nanos {
  const tick = options.tick ?? NS_PER_MS;
  let timeout = TIMEOUT_INIT;
  if (state.srttUs !== 0) {
    const allowance = state.packetsOut === 1 ? (options.rtoMin ?? RTO_MIN) : TIMEOUT_MIN;
    timeout = Math.ceil((Math.floor(state.srttUs / 4) * 1000 + allowance) / tick) * tick;
  }
  return rtoLeft > 0 ? Math.min(timeout, Math.ceil(rtoLeft / tick) * tick) : timeout;
}
