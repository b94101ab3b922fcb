import { NS_PER_MS, NS_PER_SEC } from "@seville/core";
import { type CongestionState, elapsedUs, NO_TIME, packetsInFlight } from "../congestion-state.ts";
import type { RateSample } from "../rate-sample.ts";
import { markAppLimited } from "../rate-sampler.ts";
import { inflight, packetsInNetAtEdt } from "./inflight.ts";
import { type Bbr, BBR_UNIT, CYCLE_LEN } from "./model.ts";
import { CWND_MIN_TARGET, saveCwnd } from "./window.ts";

/** The phase that follows startup is random among all but the draining one. */
const CYCLE_RAND = 7;
const MIN_RTT_WINDOW = 10 * NS_PER_SEC;
const PROBE_RTT_TIME = 200 * NS_PER_MS;

/** Begins gain cycling, in a random phase (bbr_reset_probe_bw_mode). */
export function resetProbeBwMode(state: CongestionState, bbr: Bbr): void {
  bbr.mode = "probeBw";
  bbr.cycleIdx = CYCLE_LEN - 1 - bbr.random.below(CYCLE_RAND);
  advanceCyclePhase(state, bbr);
}

/** The next phase of gain cycling, if it is time (bbr_update_cycle_phase). */
export function updateCyclePhase(state: CongestionState, bbr: Bbr, sample: RateSample): void {
  if (bbr.mode === "probeBw" && isNextCyclePhase(state, bbr, sample)) advanceCyclePhase(state, bbr);
}

/** Startup → drain when the pipe is full; drain → gain cycling when the queue is gone (bbr_check_drain). */
export function checkDrain(state: CongestionState, bbr: Bbr): void {
  if (bbr.mode === "startup" && bbr.fullBwReached) {
    bbr.mode = "drain";
    state.sndSsthresh = inflight(state, bbr, bbr.bw.value, BBR_UNIT);
  }
  if (bbr.mode !== "drain") return;
  const inNet = packetsInNetAtEdt(state, bbr, packetsInFlight(state));
  if (inNet <= inflight(state, bbr, bbr.bw.value, BBR_UNIT)) resetProbeBwMode(state, bbr);
}

/** The minimum RTT of 10 s; if none came by itself, four packets in flight for 200 ms find it (bbr_update_min_rtt). */
export function updateMinRtt(state: CongestionState, bbr: Bbr, sample: RateSample): void {
  const expired = state.now > bbr.minRttStamp + MIN_RTT_WINDOW;
  if (sample.rttUs >= 0 && (sample.rttUs < bbr.minRttUs || (expired && !sample.isAckDelayed))) {
    bbr.minRttUs = sample.rttUs;
    bbr.minRttStamp = state.now;
  }
  if (expired && !bbr.idleRestart && bbr.mode !== "probeRtt") {
    bbr.mode = "probeRtt";
    saveCwnd(state, bbr);
    bbr.probeRttDoneStamp = NO_TIME;
  }
  if (bbr.mode === "probeRtt") probeRtt(state, bbr);
  if (sample.delivered > 0) bbr.idleRestart = false;
}

/** Leaves PROBE_RTT when its time is over (bbr_check_probe_rtt_done). */
export function checkProbeRttDone(state: CongestionState, bbr: Bbr): void {
  if (bbr.probeRttDoneStamp === NO_TIME || state.now <= bbr.probeRttDoneStamp) return;
  bbr.minRttStamp = state.now;
  state.sndCwnd = Math.max(state.sndCwnd, bbr.priorCwnd);
  if (bbr.fullBwReached) resetProbeBwMode(state, bbr);
  else bbr.mode = "startup";
}

function probeRtt(state: CongestionState, bbr: Bbr): void {
  // The low rates of this mode are no fault of the path.
  markAppLimited(state);
  if (bbr.probeRttDoneStamp === NO_TIME) {
    if (packetsInFlight(state) > CWND_MIN_TARGET) return;
    bbr.probeRttDoneStamp = state.now + PROBE_RTT_TIME;
    bbr.probeRttRoundDone = false;
    bbr.nextRttDelivered = state.delivered;
    return;
  }
  if (bbr.roundStart) bbr.probeRttRoundDone = true;
  if (bbr.probeRttRoundDone) checkProbeRttDone(state, bbr);
}

function advanceCyclePhase(state: CongestionState, bbr: Bbr): void {
  bbr.cycleIdx = (bbr.cycleIdx + 1) % CYCLE_LEN;
  bbr.cycleMstamp = state.deliveredMstamp;
}

/** Whether the phase has done its work (bbr_is_next_cycle_phase). */
function isNextCyclePhase(state: CongestionState, bbr: Bbr, sample: RateSample): boolean {
  const isFullLength = elapsedUs(state.deliveredMstamp, bbr.cycleMstamp) > bbr.minRttUs;
  if (bbr.pacingGain === BBR_UNIT) return isFullLength;
  const inNet = packetsInNetAtEdt(state, bbr, sample.priorInFlight);
  const bw = bbr.bw.value;
  // Probing goes on until the gain has filled the flight, but not against losses: the buffer may be small.
  if (bbr.pacingGain > BBR_UNIT) {
    return isFullLength && (sample.losses > 0 || inNet >= inflight(state, bbr, bw, bbr.pacingGain));
  }
  // Draining ends as soon as the queue is gone.
  return isFullLength || inNet <= inflight(state, bbr, bw, BBR_UNIT);
}
