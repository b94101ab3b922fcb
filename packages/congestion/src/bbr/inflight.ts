import { type CongestionState, elapsedUs, INIT_CWND } from "../congestion-state.ts";
import { mulShift } from "../fixed-point.ts";
import { type Bbr, BBR_SCALE, BBR_UNIT, bbrBw, BW_SCALE } from "./model.ts";
import { tsoSegsGoal } from "./rate.ts";

/** ACK aggregation raises the window by no more than this time's worth. */
const EXTRA_ACKED_MAX_US = 100_000;

/** ceil(bw * min_rtt * gain) in packets; the initial window while there is no RTT (bbr_bdp). */
export function bdp(bbr: Bbr, bw: number, gain: number): number {
  if (bbr.minRttUs === Infinity) return INIT_CWND;
  const product = bw * bbr.minRttUs;
  if (product * gain <= Number.MAX_SAFE_INTEGER) {
    return Math.ceil(Math.floor((product * gain) / BBR_UNIT) / 2 ** BW_SCALE);
  }
  const scaled = (BigInt(bw) * BigInt(bbr.minRttUs) * BigInt(gain)) >> BigInt(BBR_SCALE);
  return Number((scaled + BigInt(2 ** BW_SCALE - 1)) >> BigInt(BW_SCALE));
}

/** Adds what the hosts' own batching holds: three super-packets, an even number, and two packets in the probing phase. */
export function quantizationBudget(state: CongestionState, bbr: Bbr, cwnd: number): number {
  let budget = cwnd + 3 * tsoSegsGoal(state);
  budget += budget % 2;
  // Gain cycling must get above a small BDP as well.
  return bbr.mode === "probeBw" && bbr.cycleIdx === 0 ? budget + 2 : budget;
}

/** What should be in flight at a gain (bbr_inflight). */
export function inflight(state: CongestionState, bbr: Bbr, bw: number, gain: number): number {
  return quantizationBudget(state, bbr, bdp(bbr, bw, gain));
}

/**
 * What of `inflightNow` will still be in the network when the next packet departs: some of it waits in the pacing layer
 * (bbr_packets_in_net_at_edt).
 */
export function packetsInNetAtEdt(state: CongestionState, bbr: Bbr, inflightNow: number): number {
  const delivered = mulShift(bbrBw(bbr), elapsedUs(Math.max(state.tcpWstamp, state.now), state.now), BW_SCALE);
  const atEdt = inflightNow + (bbr.pacingGain > BBR_UNIT ? tsoSegsGoal(state) : 0);
  return Math.max(0, atEdt - delivered);
}

/** Window for the silences between aggregated ACKs (bbr_ack_aggregation_cwnd). */
export function ackAggregationCwnd(bbr: Bbr): number {
  if (!bbr.fullBwReached) return 0;
  return Math.min(Math.max(bbr.extraAcked0, bbr.extraAcked1), mulShift(bbrBw(bbr), EXTRA_ACKED_MAX_US, BW_SCALE));
}
