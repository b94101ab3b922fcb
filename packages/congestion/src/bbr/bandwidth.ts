import { type CongestionState, elapsedUs } from "../congestion-state.ts";
import { mulDiv, mulShift } from "../fixed-point.ts";
import type { RateSample } from "../rate-sample.ts";
import { longTermSampling } from "./long-term-bandwidth.ts";
import { type Bbr, BBR_SCALE, BBR_UNIT, bbrBw, BW_SCALE, CYCLE_LEN } from "./model.ts";
import { resetProbeBwMode } from "./modes.ts";

/** Rounds over which the bandwidth's maximum is taken. */
const BW_RTTS = CYCLE_LEN + 2;
/** The pipe is full after three rounds in which the bandwidth grew by less than a quarter. */
const FULL_BW_THRESH = (BBR_UNIT * 5) / 4;
const FULL_BW_CNT = 3;
/** Rounds after which the other of the two aggregation maxima is begun. */
const EXTRA_ACKED_WIN_RTTS = 5;
const ACK_EPOCH_ACKED_RESET_THRESH = 1 << 20;
const ACK_EPOCH_ACKED_MAX = 0xf_ffff;

/** Takes the bandwidth of a sample, and counts rounds (bbr_update_bw). */
export function updateBw(state: CongestionState, bbr: Bbr, sample: RateSample): void {
  bbr.roundStart = false;
  if (sample.delivered < 0 || sample.intervalUs <= 0) return;
  if (sample.priorDelivered >= bbr.nextRttDelivered) {
    bbr.nextRttDelivered = state.delivered;
    bbr.rttCnt++;
    bbr.roundStart = true;
    bbr.packetConservation = false;
  }
  if (longTermSampling(state, bbr, sample)) resetProbeBwMode(state, bbr);
  const bw = mulDiv(sample.delivered, 2 ** BW_SCALE, sample.intervalUs);
  // What the application held back says nothing of the path, unless it is more than was known.
  if (!sample.isAppLimited || bw >= bbr.bw.value) bbr.bw.runningMax(BW_RTTS, bbr.rttCnt, bw);
}

/** How much more than the bandwidth explains was acked at once: maximum of the last 5 to 10 rounds. */
export function updateAckAggregation(state: CongestionState, bbr: Bbr, sample: RateSample): void {
  if (sample.ackedSacked <= 0 || sample.delivered < 0 || sample.intervalUs <= 0) return;
  if (bbr.roundStart) nextAggregationRound(bbr);
  let expected = mulShift(bbrBw(bbr), elapsedUs(state.deliveredMstamp, bbr.ackEpochMstamp), BW_SCALE);
  // ACKs came slower than expected: no burst any more.
  if (bbr.ackEpochAcked <= expected || bbr.ackEpochAcked + sample.ackedSacked >= ACK_EPOCH_ACKED_RESET_THRESH) {
    bbr.ackEpochAcked = 0;
    bbr.ackEpochMstamp = state.deliveredMstamp;
    expected = 0;
  }
  bbr.ackEpochAcked = Math.min(ACK_EPOCH_ACKED_MAX, bbr.ackEpochAcked + sample.ackedSacked);
  const extra = Math.min(bbr.ackEpochAcked - expected, state.sndCwnd);
  if (bbr.extraAckedWinIdx === 0) bbr.extraAcked0 = Math.max(bbr.extraAcked0, extra);
  else bbr.extraAcked1 = Math.max(bbr.extraAcked1, extra);
}

/** Startup has filled the pipe when the bandwidth stops growing (bbr_check_full_bw_reached). */
export function checkFullBwReached(bbr: Bbr, sample: RateSample): void {
  if (bbr.fullBwReached || !bbr.roundStart || sample.isAppLimited) return;
  if (bbr.bw.value >= mulShift(bbr.fullBw, FULL_BW_THRESH, BBR_SCALE)) {
    bbr.fullBw = bbr.bw.value;
    bbr.fullBwCnt = 0;
    return;
  }
  bbr.fullBwCnt++;
  bbr.fullBwReached = bbr.fullBwCnt >= FULL_BW_CNT;
}

function nextAggregationRound(bbr: Bbr): void {
  bbr.extraAckedWinRtts = Math.min(0x1f, bbr.extraAckedWinRtts + 1);
  if (bbr.extraAckedWinRtts < EXTRA_ACKED_WIN_RTTS) return;
  bbr.extraAckedWinRtts = 0;
  if (bbr.extraAckedWinIdx === 0) {
    bbr.extraAckedWinIdx = 1;
    bbr.extraAcked1 = 0;
  } else {
    bbr.extraAckedWinIdx = 0;
    bbr.extraAcked0 = 0;
  }
}
