import type { CongestionState } from "../congestion-state.ts";
import { mulDiv, mulShift } from "../fixed-point.ts";
import { type Bbr, BBR_SCALE, BW_SCALE } from "./model.ts";
import { HIGH_GAIN } from "./gains.ts";

/** Pace this much below the estimate, so that queues shrink on average. */
const PACING_MARGIN_PERCENT = 1;
/** Below this rate a super-packet is one segment, bytes/s (1.2 Mbit/s). */
const MIN_TSO_RATE = 150_000;
/** GSO_MAX_SIZE - 1 - MAX_TCP_HEADER. */
const TSO_BYTES_MAX = 524_280 - 1 - 320;
const TSO_SEGS_MAX = 0x7f;

/** A bandwidth in packets/µs << 24 as bytes per second, times a gain, less the margin (bbr_rate_bytes_per_sec). */
export function rateBytesPerSec(state: CongestionState, bw: number, gain: number): number {
  const rate = mulShift(bw * state.mssCache, gain, BBR_SCALE);
  return mulShift(rate, 10_000 * (100 - PACING_MARGIN_PERCENT), BW_SCALE);
}

/** Paces at `bw` times `gain`; before the pipe was full the rate is only raised (bbr_set_pacing_rate). */
export function setPacingRate(state: CongestionState, bbr: Bbr, bw: number, gain: number): void {
  const rate = Math.min(rateBytesPerSec(state, bw, gain), state.maxPacingRate);
  if (!bbr.hasSeenRtt && state.srttUs !== 0) initPacingRateFromRtt(state, bbr);
  if (bbr.fullBwReached || rate > state.pacingRate) state.pacingRate = rate;
}

/** The first rate: the initial window per RTT, or per millisecond if there is none yet, times the startup gain. */
export function initPacingRateFromRtt(state: CongestionState, bbr: Bbr): void {
  let rttUs = 1000;
  if (state.srttUs !== 0) {
    rttUs = Math.max(Math.floor(state.srttUs / 8), 1);
    bbr.hasSeenRtt = true;
  }
  const bw = mulDiv(state.sndCwnd, 2 ** BW_SCALE, rttUs);
  state.pacingRate = Math.min(rateBytesPerSec(state, bw, HIGH_GAIN), state.maxPacingRate);
}

/** The least number of segments in a super-packet (bbr_min_tso_segs). */
export function minTsoSegs(state: CongestionState): number {
  return state.pacingRate < MIN_TSO_RATE ? 1 : 2;
}

/** How many segments a super-packet is likely to hold (bbr_tso_segs_goal). */
export function tsoSegsGoal(state: CongestionState): number {
  const bytes = Math.min(Math.floor(state.pacingRate / 2 ** state.pacingShift), TSO_BYTES_MAX);
  return Math.min(Math.max(Math.floor(bytes / state.mssCache), minTsoSegs(state)), TSO_SEGS_MAX);
}
