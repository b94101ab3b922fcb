import { NS_PER_SEC } from "@seville/core";
import { type CongestionState, packetsInFlight } from "../congestion-state.ts";
import type { RateSample } from "../rate-sample.ts";
import { isInflightTooHigh, resetFullBw } from "./full-pipe.ts";
import { inflightAtMaxBw, inflightWithHeadroom, targetInflight } from "./inflight.ts";
import {
  type Bbr3,
  DEFAULT_CWND_GAIN,
  isInAProbeBwState,
  PROBE_DOWN_PACING_GAIN,
  PROBE_UP_CWND_GAIN,
  PROBE_UP_PACING_GAIN,
} from "./model.ts";
import { advanceMaxBwFilter, resetCongestionSignals, resetShortTermModel, startRound } from "./signals.ts";

/** Probes come at least this often, counted in rounds, so that Reno and CUBIC can live beside. */
const RENO_ROUNDS_MAX = 63;

/** EnterProbeBW(). */
export function enterProbeBw(state: CongestionState, bbr: Bbr3): void {
  startProbeBwDown(state, bbr);
}

/** StartProbeBW_DOWN(): drain what probing queued. */
export function startProbeBwDown(state: CongestionState, bbr: Bbr3): void {
  resetCongestionSignals(bbr);
  bbr.probeUpAckedPerInc = Infinity;
  // PickProbeWait()
  bbr.roundsSinceProbeUp = bbr.random.below(2);
  bbr.bwProbeWait = Math.floor((2 + bbr.random.float()) * NS_PER_SEC);
  bbr.cycleStamp = state.now;
  bbr.ackPhase = "probeStopping";
  startRound(state, bbr);
  enter(bbr, "probeBwDown", PROBE_DOWN_PACING_GAIN, DEFAULT_CWND_GAIN);
}

/** StartProbeBW_CRUISE(). */
export function startProbeBwCruise(bbr: Bbr3): void {
  enter(bbr, "probeBwCruise", 1, DEFAULT_CWND_GAIN);
}

/** StartProbeBW_REFILL(): forget the short-term bounds and fill the pipe for one round. */
export function startProbeBwRefill(state: CongestionState, bbr: Bbr3): void {
  resetShortTermModel(bbr);
  bbr.bwProbeUpRounds = 0;
  bbr.bwProbeUpAcked = 0;
  bbr.prevProbePrecautionary = false;
  bbr.ackPhase = "refilling";
  startRound(state, bbr);
  enter(bbr, "probeBwRefill", 1, DEFAULT_CWND_GAIN);
}

/** UpdateProbeBWCyclePhase(). */
export function updateProbeBwCyclePhase(state: CongestionState, bbr: Bbr3, sample: RateSample): void {
  if (!bbr.fullBwReached) return;
  if (adaptLongTermModel(state, bbr, sample)) return;
  switch (bbr.state) {
    case "probeBwDown":
      if (isTimeToProbeBw(state, bbr)) startProbeBwRefill(state, bbr);
      else if (isTimeToCruise(state, bbr)) startProbeBwCruise(bbr);
      break;
    case "probeBwCruise":
      if (isTimeToProbeBw(state, bbr)) startProbeBwRefill(state, bbr);
      break;
    case "probeBwRefill":
      if (!bbr.roundStart) break;
      bbr.isBwProbeSample = true;
      startProbeBwUp(state, bbr);
      break;
    case "probeBwUp":
      if (!isTimeToGoDown(state, bbr)) break;
      bbr.prevProbeTooHigh = false;
      startProbeBwDown(state, bbr);
      break;
    case "startup":
    case "drain":
    case "probeRtt":
  }
}

function startProbeBwUp(state: CongestionState, bbr: Bbr3): void {
  bbr.ackPhase = "probeStarting";
  startRound(state, bbr);
  resetFullBw(bbr, bbr.deliveryRate);
  enter(bbr, "probeBwUp", PROBE_UP_PACING_GAIN, PROBE_UP_CWND_GAIN);
  raiseInflightLongtermSlope(state, bbr);
}

function enter(bbr: Bbr3, state: Bbr3["state"], pacingGain: number, cwndGain: number): void {
  bbr.state = state;
  bbr.pacingGain = pacingGain;
  bbr.cwndGain = cwndGain;
}

/** AdaptLongTermModel(): answers true if it changed the state. */
function adaptLongTermModel(state: CongestionState, bbr: Bbr3, sample: RateSample): boolean {
  if (bbr.ackPhase === "probeStarting" && bbr.roundStart) bbr.ackPhase = "probeFeedback";
  if (bbr.ackPhase === "probeStopping" && bbr.roundStart) {
    bbr.isBwProbeSample = false;
    bbr.ackPhase = "init";
    if (isInAProbeBwState(bbr)) {
      if (!sample.isAppLimited) advanceMaxBwFilter(bbr);
      // The cautious probe did no harm: now in earnest.
      if (bbr.prevProbePrecautionary && !bbr.prevProbeTooHigh) {
        startProbeBwRefill(state, bbr);
        return true;
      }
    }
  }
  if (isInflightTooHigh(state, sample.lost, sample.txInFlight) || bbr.inflightLongterm === Infinity) return false;
  bbr.inflightLongterm = Math.max(bbr.inflightLongterm, sample.txInFlight);
  if (bbr.state === "probeBwUp") probeInflightLongtermUpward(state, bbr, sample);
  return false;
}

/** ProbeInflightLongtermUpward(): while the bound is what limits. */
function probeInflightLongtermUpward(state: CongestionState, bbr: Bbr3, sample: RateSample): void {
  if (!state.isCwndLimited || state.sndCwnd < Math.floor(bbr.inflightLongterm)) return;
  bbr.bwProbeUpAcked += sample.ackedSacked;
  if (bbr.bwProbeUpAcked >= bbr.probeUpAckedPerInc) {
    const delta = Math.floor(bbr.bwProbeUpAcked / bbr.probeUpAckedPerInc);
    bbr.bwProbeUpAcked -= delta * bbr.probeUpAckedPerInc;
    bbr.inflightLongterm += delta;
  }
  if (bbr.roundStart) raiseInflightLongtermSlope(state, bbr);
}

/** One packet in the first round of probing, two in the next, four … */
function raiseInflightLongtermSlope(state: CongestionState, bbr: Bbr3): void {
  const growth = 2 ** bbr.bwProbeUpRounds;
  bbr.bwProbeUpRounds = Math.min(bbr.bwProbeUpRounds + 1, 30);
  bbr.probeUpAckedPerInc = Math.max(state.sndCwnd / growth, 1);
}

function isTimeToProbeBw(state: CongestionState, bbr: Bbr3): boolean {
  if (state.now > bbr.cycleStamp + bbr.bwProbeWait) return true;
  return bbr.roundsSinceProbeUp >= Math.min(targetInflight(state, bbr), RENO_ROUNDS_MAX);
}

function isTimeToCruise(state: CongestionState, bbr: Bbr3): boolean {
  const flight = packetsInFlight(state);
  return flight <= inflightWithHeadroom(bbr) && flight <= inflightAtMaxBw(state, bbr);
}

function isTimeToGoDown(state: CongestionState, bbr: Bbr3): boolean {
  if (bbr.prevProbeTooHigh && packetsInFlight(state) >= Math.floor(bbr.inflightLongterm)) {
    bbr.prevProbePrecautionary = true;
    return true;
  }
  if (state.isCwndLimited && state.sndCwnd >= Math.floor(bbr.inflightLongterm)) {
    // The bound holds the bandwidth down: no plateau of the path.
    resetFullBw(bbr, bbr.deliveryRate);
    return false;
  }
  return bbr.fullBwNow;
}
