import { NS_PER_MS } from "@seville/core";
import type { CongestionState } from "../congestion-state.ts";
import { mulDiv } from "../fixed-point.ts";
import { type Bbr, BBR_UNIT, BW_SCALE } from "./model.ts";
import { rateBytesPerSec } from "./rate.ts";

/*
 * The policer model ("lt_bw"). A token-bucket policer lets a burst pass and then drops all above its rate: intervals
 * between losses show much loss and the same rate each time. Two such in a row, and the flow paces at that rate for 48
 * rounds. See Flach et al., An Internet-Wide Analysis of Traffic Policing, SIGCOMM 2016.
 */

/** An interval has at least this many rounds, and is given up after four times as many. */
const INTVL_MIN_RTTS = 4;
/** Packets lost per delivered, in 256ths, from which on an interval is lossy: 19.5 %. */
const LOSS_THRESH = 50;
/** Two rates are the same if they differ by an eighth or 4 kbit/s. */
const BW_RATIO = BBR_UNIT / 8;
const BW_DIFF = 500;
/** Rounds for which the policed rate is believed. */
const BW_MAX_RTTS = 48;

/** What of a rate sample the model reads. */
export interface LongTermSample {
  readonly losses: number;
  readonly isAppLimited: boolean;
}

/** Forgets the policer (bbr_reset_lt_bw_sampling). */
export function resetLongTermSampling(state: CongestionState, bbr: Bbr): void {
  bbr.ltBw = 0;
  bbr.ltUseBw = false;
  bbr.ltIsSampling = false;
  resetInterval(state, bbr);
}

/** One ACK more (bbr_lt_bw_sampling). Answers true if the believed rate has expired: gain cycling begins again. */
export function longTermSampling(state: CongestionState, bbr: Bbr, sample: LongTermSample): boolean {
  if (!bbr.policerDetector) return false;
  if (bbr.ltUseBw) {
    if (bbr.mode !== "probeBw" || !bbr.roundStart || ++bbr.ltRttCnt < BW_MAX_RTTS) return false;
    resetLongTermSampling(state, bbr);
    return true;
  }
  if (!bbr.ltIsSampling) {
    // The first loss says that the bucket is empty: what went before was the burst.
    if (sample.losses === 0) return false;
    resetInterval(state, bbr);
    bbr.ltIsSampling = true;
  }
  if (sample.isAppLimited) {
    resetLongTermSampling(state, bbr);
    return false;
  }
  if (bbr.roundStart) bbr.ltRttCnt++;
  if (bbr.ltRttCnt < INTVL_MIN_RTTS) return false;
  if (bbr.ltRttCnt > 4 * INTVL_MIN_RTTS) {
    resetLongTermSampling(state, bbr);
    return false;
  }
  // An interval ends with a loss, that is, with the bucket empty again.
  if (sample.losses === 0) return false;
  const lost = state.lost - bbr.ltLastLost;
  const delivered = state.delivered - bbr.ltLastDelivered;
  if (delivered === 0 || lost * BBR_UNIT < LOSS_THRESH * delivered) return false;
  const elapsedMs = Math.floor(state.deliveredMstamp / NS_PER_MS) - bbr.ltLastStampMs;
  if (elapsedMs < 1) return false;
  intervalDone(state, bbr, mulDiv(delivered, 2 ** BW_SCALE, elapsedMs * 1000));
  return false;
}

/** An interval gave the rate `bw`: is it that of the interval before? (bbr_lt_bw_interval_done) */
function intervalDone(state: CongestionState, bbr: Bbr, bw: number): void {
  if (bbr.ltBw !== 0) {
    const difference = Math.abs(bw - bbr.ltBw);
    if (difference * BBR_UNIT <= BW_RATIO * bbr.ltBw || rateBytesPerSec(state, difference, BBR_UNIT) <= BW_DIFF) {
      bbr.ltBw = Math.floor((bw + bbr.ltBw) / 2);
      bbr.ltUseBw = true;
      bbr.pacingGain = BBR_UNIT;
      bbr.ltRttCnt = 0;
      return;
    }
  }
  bbr.ltBw = bw;
  resetInterval(state, bbr);
}

function resetInterval(state: CongestionState, bbr: Bbr): void {
  bbr.ltLastStampMs = Math.floor(state.deliveredMstamp / NS_PER_MS);
  bbr.ltLastDelivered = state.delivered;
  bbr.ltLastLost = state.lost;
  bbr.ltRttCnt = 0;
}
