import { caStateAtLeast } from "../congestion-control.ts";
import { type CongestionState, NO_TIME, packetsInFlight } from "../congestion-state.ts";
import type { RateSample } from "../rate-sample.ts";
import { markAppLimited } from "../rate-sampler.ts";
import { enterStartup } from "./startup.ts";
import { probeRttCwnd } from "./inflight.ts";
import { type Bbr3, MIN_RTT_FILTER_LEN, PROBE_RTT_CWND_GAIN, PROBE_RTT_DURATION, PROBE_RTT_INTERVAL } from "./model.ts";
import { startProbeBwCruise, startProbeBwDown } from "./probe-bw.ts";
import { resetShortTermModel, startRound } from "./signals.ts";

/** UpdateMinRTT(): the minimum of 5 s schedules ProbeRTT, that of 10 s makes the BDP. */
export function updateMinRtt(state: CongestionState, bbr: Bbr3, sample: RateSample): void {
  bbr.probeRttExpired = state.now > bbr.probeRttMinStamp + PROBE_RTT_INTERVAL;
  if (sample.rttUs >= 0 && (sample.rttUs < bbr.probeRttMinDelay || bbr.probeRttExpired)) {
    bbr.probeRttMinDelay = sample.rttUs;
    bbr.probeRttMinStamp = state.now;
  }
  const minRttExpired = state.now > bbr.minRttStamp + MIN_RTT_FILTER_LEN;
  if (bbr.probeRttMinDelay < bbr.minRtt || minRttExpired) {
    bbr.minRtt = bbr.probeRttMinDelay;
    bbr.minRttStamp = bbr.probeRttMinStamp;
  }
}

/** CheckProbeRTT(). */
export function checkProbeRtt(state: CongestionState, bbr: Bbr3, sample: RateSample): void {
  if (bbr.state !== "probeRtt" && bbr.probeRttExpired && !bbr.idleRestart) {
    // The window is saved before the mode would spoil it.
    saveCwnd(state, bbr);
    bbr.state = "probeRtt";
    bbr.pacingGain = 1;
    bbr.cwndGain = PROBE_RTT_CWND_GAIN;
    bbr.probeRttDoneStamp = NO_TIME;
    bbr.ackPhase = "probeStopping";
    startRound(state, bbr);
  }
  if (bbr.state === "probeRtt") handleProbeRtt(state, bbr);
  if (sample.delivered > 0) bbr.idleRestart = false;
}

/** CheckProbeRTTDone(): back to ProbeBW, or to Startup if the pipe was never full. */
export function checkProbeRttDone(state: CongestionState, bbr: Bbr3): void {
  if (bbr.probeRttDoneStamp === NO_TIME || state.now <= bbr.probeRttDoneStamp) return;
  bbr.probeRttMinStamp = state.now;
  state.sndCwnd = Math.max(state.sndCwnd, bbr.priorCwnd);
  resetShortTermModel(bbr);
  if (bbr.fullBwReached) {
    startProbeBwDown(state, bbr);
    startProbeBwCruise(bbr);
  } else {
    enterStartup(bbr);
  }
}

/** SaveCwnd(): the window that neither recovery nor ProbeRTT has cut. */
export function saveCwnd(state: CongestionState, bbr: Bbr3): void {
  const cut = caStateAtLeast(bbr.prevCaState, "recovery") || bbr.state === "probeRtt";
  bbr.priorCwnd = cut ? Math.max(bbr.priorCwnd, state.sndCwnd) : state.sndCwnd;
}

function handleProbeRtt(state: CongestionState, bbr: Bbr3): void {
  markAppLimited(state);
  if (bbr.probeRttDoneStamp === NO_TIME) {
    if (packetsInFlight(state) > probeRttCwnd(bbr, PROBE_RTT_CWND_GAIN)) return;
    bbr.probeRttDoneStamp = state.now + PROBE_RTT_DURATION;
    bbr.probeRttRoundDone = false;
    startRound(state, bbr);
    return;
  }
  if (bbr.roundStart) bbr.probeRttRoundDone = true;
  if (bbr.probeRttRoundDone) checkProbeRttDone(state, bbr);
}
