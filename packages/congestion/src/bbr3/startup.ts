import { type CongestionState, packetsInFlight } from "../congestion-state.ts";
import type { RateSample } from "../rate-sample.ts";
import { isInflightTooHigh } from "./full-pipe.ts";
import { bdpMultiple, inflight } from "./inflight.ts";
import {
  type Bbr3,
  DEFAULT_CWND_GAIN,
  DRAIN_PACING_GAIN,
  STARTUP_FULL_LOSS_CNT,
  STARTUP_PACING_GAIN,
} from "./model.ts";
import { enterProbeBw } from "./probe-bw.ts";

/** EnterStartup(). */
export function enterStartup(bbr: Bbr3): void {
  bbr.state = "startup";
  bbr.pacingGain = STARTUP_PACING_GAIN;
  bbr.cwndGain = DEFAULT_CWND_GAIN;
}

/** CheckStartupDone(). */
export function checkStartupDone(state: CongestionState, bbr: Bbr3, sample: RateSample): void {
  checkStartupHighLoss(state, bbr, sample);
  if (bbr.state !== "startup" || !bbr.fullBwReached) return;
  bbr.state = "drain";
  bbr.pacingGain = DRAIN_PACING_GAIN;
  bbr.cwndGain = DEFAULT_CWND_GAIN;
  bbr.drainStartRound = bbr.roundCount;
}

/** CheckDrainDone(): the queue is gone, or three rounds were not enough. */
export function checkDrainDone(state: CongestionState, bbr: Bbr3): void {
  if (bbr.state !== "drain") return;
  if (packetsInFlight(state) <= inflight(state, bbr, bbr.bw, 1) || bbr.roundCount > bbr.drainStartRound + 3) {
    enterProbeBw(state, bbr);
  }
}

/** A whole round of recovery with more than 2 % lost in six places: the buffer is full (draft §5.3.1.3). */
function checkStartupHighLoss(state: CongestionState, bbr: Bbr3, sample: RateSample): void {
  if (bbr.state !== "startup" || bbr.fullBwReached) return;
  if (sample.losses > 0) bbr.lossEventsInRound++;
  const enough = state.sackOk === false ? 1 : STARTUP_FULL_LOSS_CNT;
  if (
    bbr.lossRoundStart &&
    state.caState === "recovery" &&
    bbr.lossEventsInRound >= enough &&
    isInflightTooHigh(state, sample.lost, sample.txInFlight)
  ) {
    bbr.undoState = "startup";
    bbr.fullBwReached = true;
    bbr.fullBwNow = true;
    bbr.inflightLongterm = Math.max(bdpMultiple(bbr, bbr.bw, 1), bbr.inflightLatest);
  }
  if (bbr.lossRoundStart) bbr.lossEventsInRound = 0;
}
