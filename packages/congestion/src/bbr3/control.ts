import { caStateAtLeast } from "../congestion-control.ts";
import { type CongestionState, INIT_CWND } from "../congestion-state.ts";
import type { RateSample } from "../rate-sample.ts";
import { bdpMultiple, inflightWithHeadroom, probeRttCwnd, quantizationBudget } from "./inflight.ts";
import {
  type Bbr3,
  isInAProbeBwState,
  MIN_PIPE_CWND,
  PACING_MARGIN,
  PROBE_RTT_CWND_GAIN,
  STARTUP_PACING_GAIN,
} from "./model.ts";

/** InitPacingRate(). */
export function initPacingRate(state: CongestionState, bbr: Bbr3): void {
  let rttUs = 1000;
  if (state.srttUs !== 0) {
    rttUs = Math.max(1, state.srttUs / 8);
    bbr.hasSeenRtt = true;
  }
  const rate = (STARTUP_PACING_GAIN * state.sndCwnd * state.mssCache * 1_000_000) / rttUs;
  state.pacingRate = Math.min(Math.floor(rate), state.maxPacingRate);
}

/** SetPacingRateWithGain(): before the pipe was full the rate is only raised. */
export function setPacingRate(state: CongestionState, bbr: Bbr3, gain: number): void {
  if (!bbr.hasSeenRtt && state.srttUs !== 0) initPacingRate(state, bbr);
  const bytesPerSec = Math.floor(gain * bbr.bw * PACING_MARGIN * state.mssCache * 1_000_000);
  const rate = Math.min(bytesPerSec, state.maxPacingRate);
  if (bbr.fullBwReached || rate > state.pacingRate) state.pacingRate = rate;
}

/** SetCwnd(), and RestoreCwnd() when recovery has ended. */
export function setCwnd(state: CongestionState, bbr: Bbr3, sample: RateSample): void {
  if (caStateAtLeast(bbr.prevCaState, "recovery") && !caStateAtLeast(state.caState, "recovery")) {
    state.sndCwnd = Math.max(state.sndCwnd, bbr.priorCwnd);
  }
  bbr.prevCaState = state.caState;
  const cap = bdpMultiple(bbr, bbr.bw, bbr.cwndGain) + bbr.extraAcked;
  const maxInflight = Math.ceil(quantizationBudget(state, bbr, cap));
  let cwnd = state.sndCwnd;
  if (bbr.fullBwReached) cwnd = Math.min(cwnd + sample.ackedSacked, maxInflight);
  else if (cwnd < maxInflight || state.delivered < INIT_CWND) cwnd += sample.ackedSacked;
  cwnd = Math.max(cwnd, MIN_PIPE_CWND);
  if (bbr.state === "probeRtt") cwnd = Math.min(cwnd, Math.ceil(probeRttCwnd(bbr, PROBE_RTT_CWND_GAIN)));
  state.sndCwnd = Math.min(cwnd, modelCap(bbr), state.sndCwndClamp);
}

/** BoundCwndForModel(): what recent congestion allows. */
function modelCap(bbr: Bbr3): number {
  let cap = Infinity;
  if (bbr.state === "probeRtt" || bbr.state === "probeBwCruise") cap = inflightWithHeadroom(bbr);
  else if (isInAProbeBwState(bbr)) cap = bbr.inflightLongterm;
  return Math.max(Math.floor(Math.min(cap, bbr.inflightShortterm)), MIN_PIPE_CWND);
}
