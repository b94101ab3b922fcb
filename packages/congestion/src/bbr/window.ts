import { caStateAtLeast } from "../congestion-control.ts";
import { type CongestionState, INIT_CWND, packetsInFlight } from "../congestion-state.ts";
import type { RateSample } from "../rate-sample.ts";
import { ackAggregationCwnd, bdp, quantizationBudget } from "./inflight.ts";
import type { Bbr } from "./model.ts";

/** Four packets keep a pipe going with an ACK for every other one. */
export const CWND_MIN_TARGET = 4;

/** Remembers a window that is good enough to return to (bbr_save_cwnd). */
export function saveCwnd(state: CongestionState, bbr: Bbr): void {
  if (!caStateAtLeast(bbr.prevCaState, "recovery") && bbr.mode !== "probeRtt") bbr.priorCwnd = state.sndCwnd;
  else bbr.priorCwnd = Math.max(bbr.priorCwnd, state.sndCwnd);
}

/** The window after an ACK (bbr_set_cwnd): towards the target by what was acked, or down to it at once. */
export function setCwnd(state: CongestionState, bbr: Bbr, sample: RateSample, bw: number, gain: number): void {
  const acked = sample.ackedSacked;
  if (acked !== 0) {
    let cwnd = recoverOrRestore(state, bbr, sample, acked);
    if (bbr.packetConservation) cwnd = Math.max(cwnd, packetsInFlight(state) + acked);
    else cwnd = towardsTarget(state, bbr, cwnd, acked, bdp(bbr, bw, gain));
    state.sndCwnd = cwnd;
  }
  state.sndCwnd = Math.min(state.sndCwnd, state.sndCwndClamp);
  if (bbr.mode === "probeRtt") state.sndCwnd = Math.min(state.sndCwnd, CWND_MIN_TARGET);
}

/** First round of recovery: one packet out for one in. At its end: the window from before (bbr_set_cwnd_to_recover_or_restore). */
function recoverOrRestore(state: CongestionState, bbr: Bbr, sample: RateSample, acked: number): number {
  let cwnd = state.sndCwnd;
  if (sample.losses > 0) cwnd = Math.max(cwnd - sample.losses, 1);
  const wasRecovering = caStateAtLeast(bbr.prevCaState, "recovery");
  if (state.caState === "recovery" && bbr.prevCaState !== "recovery") {
    bbr.packetConservation = true;
    bbr.nextRttDelivered = state.delivered;
    // What the application or the pacer left unused goes.
    cwnd = packetsInFlight(state) + acked;
  } else if (wasRecovering && !caStateAtLeast(state.caState, "recovery")) {
    cwnd = Math.max(cwnd, bbr.priorCwnd);
    bbr.packetConservation = false;
  }
  bbr.prevCaState = state.caState;
  return cwnd;
}

function towardsTarget(state: CongestionState, bbr: Bbr, cwnd: number, acked: number, bdpPackets: number): number {
  const target = quantizationBudget(state, bbr, bdpPackets + ackAggregationCwnd(bbr));
  let next = cwnd;
  if (bbr.fullBwReached) next = Math.min(cwnd + acked, target);
  else if (cwnd < target || state.delivered < INIT_CWND) next = cwnd + acked;
  return Math.max(next, CWND_MIN_TARGET);
}
