import { type CongestionState, elapsedUs, NO_TIME } from "../congestion-state.ts";
import type { RateSample } from "../rate-sample.ts";
import { type Bbr3, BETA, EXTRA_ACKED_FILTER_LEN, isProbingBw, maxBw } from "./model.ts";

/** A round ends with the delivery of a packet that is sent from now on. */
export function startRound(state: CongestionState, bbr: Bbr3): void {
  bbr.nextRoundDelivered = state.delivered;
}

/** UpdateLatestDeliverySignals(): what the last round delivered at best. */
export function updateLatestDeliverySignals(state: CongestionState, bbr: Bbr3, sample: RateSample): void {
  const hasData = sample.priorMstamp !== NO_TIME && sample.delivered >= 0;
  bbr.deliveryRate = hasData && sample.intervalUs > 0 ? sample.delivered / sample.intervalUs : 0;
  bbr.lossRoundStart = false;
  bbr.roundStart = false;
  if (!hasData) return;
  bbr.bwLatest = Math.max(bbr.bwLatest, bbr.deliveryRate);
  bbr.inflightLatest = Math.max(bbr.inflightLatest, sample.delivered);
  if (sample.priorDelivered >= bbr.lossRoundDelivered) {
    bbr.lossRoundDelivered = state.delivered;
    bbr.lossRoundStart = true;
  }
}

/** UpdateCongestionSignals(): the long-term bandwidth, and once per lossy round the short-term bounds. */
export function updateCongestionSignals(state: CongestionState, bbr: Bbr3, sample: RateSample): void {
  updateMaxBw(state, bbr, sample);
  if (!bbr.lossRoundStart) return;
  if (bbr.isLossInRound && !isProbingBw(bbr)) lowerBounds(state, bbr);
  bbr.isLossInRound = false;
}

/** AdvanceLatestDeliverySignals(): the new round begins with this ACK's sample. */
export function advanceLatestDeliverySignals(bbr: Bbr3, sample: RateSample): void {
  if (!bbr.lossRoundStart) return;
  bbr.bwLatest = bbr.deliveryRate;
  bbr.inflightLatest = sample.delivered;
}

/** ResetCongestionSignals(). */
export function resetCongestionSignals(bbr: Bbr3): void {
  bbr.isLossInRound = false;
  bbr.bwLatest = 0;
  bbr.inflightLatest = 0;
}

/** ResetShortTermModel(). */
export function resetShortTermModel(bbr: Bbr3): void {
  bbr.bwShortterm = Infinity;
  bbr.inflightShortterm = Infinity;
}

/** AdvanceMaxBwFilter(): a ProbeBW cycle is over. One that measured nothing does not count. */
export function advanceMaxBwFilter(bbr: Bbr3): void {
  if (bbr.maxBwCurrent === 0) return;
  bbr.maxBwPrevious = bbr.maxBwCurrent;
  bbr.maxBwCurrent = 0;
}

/** UpdateACKAggregation(): how much more was acked than the bandwidth explains. */
export function updateAckAggregation(state: CongestionState, bbr: Bbr3, sample: RateSample): void {
  if (sample.ackedSacked <= 0) return;
  let expected = bbr.bw * elapsedUs(state.now, bbr.extraAckedIntervalStart);
  if (bbr.extraAckedDelivered <= expected) {
    bbr.extraAckedDelivered = 0;
    bbr.extraAckedIntervalStart = state.now;
    expected = 0;
  }
  bbr.extraAckedDelivered += sample.ackedSacked;
  const extra = Math.min(bbr.extraAckedDelivered - expected, state.sndCwnd);
  const length = bbr.fullBwReached ? EXTRA_ACKED_FILTER_LEN : 1;
  bbr.extraAcked = bbr.extraAckedFilter.runningMax(length, bbr.roundCount, extra);
}

function updateMaxBw(state: CongestionState, bbr: Bbr3, sample: RateSample): void {
  if (sample.priorMstamp === NO_TIME || sample.delivered < 0) return;
  if (sample.priorDelivered >= bbr.nextRoundDelivered) {
    startRound(state, bbr);
    bbr.roundCount++;
    bbr.roundsSinceProbeUp++;
    bbr.roundStart = true;
  }
  const rate = bbr.deliveryRate;
  if (rate > 0 && (rate >= maxBw(bbr) || !sample.isAppLimited)) bbr.maxBwCurrent = Math.max(bbr.maxBwCurrent, rate);
}

/** InitLowerBounds(), LossLowerBounds(): slow down to what got through, by no more than 30 % a round. */
function lowerBounds(state: CongestionState, bbr: Bbr3): void {
  if (bbr.bwShortterm === Infinity) bbr.bwShortterm = maxBw(bbr);
  if (bbr.inflightShortterm === Infinity) bbr.inflightShortterm = state.sndCwnd;
  bbr.bwShortterm = Math.max(bbr.bwLatest, BETA * bbr.bwShortterm);
  bbr.inflightShortterm = Math.max(bbr.inflightLatest, BETA * bbr.inflightShortterm);
}
