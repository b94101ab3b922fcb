import { type Nanos, NS_PER_SEC } from "@seville/core";
import { type CongestionState, minRttUs } from "./congestion-state.ts";

/** The sysctls of pacing. */
export interface PacingOptions {
  /** `tcp_pacing_ss_ratio`, percent; default 200. */
  ssRatio?: number;
  /** `tcp_pacing_ca_ratio`, percent; default 120. */
  caRatio?: number;
}

/**
 * Sets the pacing rate to a multiple of cwnd × MSS / SRTT: twice that in slow start, 1.2 times near or past ssthresh
 * (tcp_update_pacing_rate). Algorithms with `congControl` set their own.
 */
export function updatePacingRate(state: CongestionState, options: PacingOptions = {}): void {
  const slowStart = state.sndCwnd < Math.floor(state.sndSsthresh / 2);
  const percent = slowStart ? (options.ssRatio ?? 200) : (options.caRatio ?? 120);
  // Percent and the factor 8 of srttUs: 1 s / 100 * 8 = 80000 µs.
  const rate = state.mssCache * 80_000 * percent * Math.max(state.sndCwnd, state.packetsOut);
  state.pacingRate = Math.min(Math.floor(state.srttUs === 0 ? rate : rate / state.srttUs), state.maxPacingRate);
}

/** The first packets go out unpaced, as sch_fq did. */
const UNPACED_SEGMENTS = 10;

/**
 * `bytes` were sent with departure time `state.tcpWstamp`: moves it on to when the next may go (tcp_update_skb_after_send).
 * `priorWstamp` is the departure time that the packet had been given before the clock caught up: being late earns a
 * credit of up to half a packet's time.
 */
export function advanceDeparture(state: CongestionState, bytes: number, priorWstamp: Nanos): void {
  const rate = state.pacingRate;
  if (state.pacingStatus === "none" || rate === Infinity || rate === 0 || state.dataSegsOut < UNPACED_SEGMENTS) return;
  const length = Math.floor((bytes * NS_PER_SEC) / rate);
  const credit = Math.min(Math.floor(length / 2), state.tcpWstamp - priorWstamp);
  state.tcpWstamp += length - credit;
}

/**
 * How many segments a super-packet should hold (tcp_tso_autosize): about a millisecond's worth at the pacing rate, more
 * where the RTT is tiny, at least `minTsoSegs`. `rttLog` is the sysctl `tcp_tso_rtt_log`.
 */
export function tsoSegments(state: CongestionState, minTsoSegs = 2, rttLog = 9): number {
  let bytes = Math.floor(state.pacingRate / 2 ** state.pacingShift);
  const halvings = Math.floor(minRttUs(state) / 2 ** rttLog);
  if (halvings < 32) bytes += Math.floor(state.gsoMaxSize / 2 ** halvings);
  return Math.max(Math.floor(Math.min(bytes, state.gsoMaxSize) / state.mssCache), minTsoSegs);
}
