import { type CongestionState, INIT_CWND } from "../congestion-state.ts";
import { type Bbr3, HEADROOM, maxBw, MIN_PIPE_CWND } from "./model.ts";

/** Largest super-packet in the budget, bytes (draft §5.6.3). */
const SEND_QUANTUM_MAX = 65_536;

/** gain × bw × min_rtt; the initial window while there is no RTT (BDPMultiple). */
export function bdpMultiple(bbr: Bbr3, bw: number, gain: number): number {
  return bbr.minRtt === Infinity ? INIT_CWND : gain * bw * bbr.minRtt;
}

/** A millisecond of packets at the pacing rate, two at least (SetSendQuantum). */
export function sendQuantum(state: CongestionState): number {
  return Math.max(Math.min(state.pacingRate / 1000, SEND_QUANTUM_MAX) / state.mssCache, 2);
}

/** At least three super-packets and four packets; two more while probing upwards. */
export function quantizationBudget(state: CongestionState, bbr: Bbr3, inflightCap: number): number {
  const cap = Math.max(inflightCap, 3 * sendQuantum(state), MIN_PIPE_CWND);
  return bbr.state === "probeBwUp" ? cap + 2 : cap;
}

/** What fills the pipe, `gain` times, with the bandwidth `bw`. */
export function inflight(state: CongestionState, bbr: Bbr3, bw: number, gain: number): number {
  return quantizationBudget(state, bbr, bdpMultiple(bbr, bw, gain));
}

/** The long-term bound less what is left to others (InflightWithHeadroom). */
export function inflightWithHeadroom(bbr: Bbr3): number {
  if (bbr.inflightLongterm === Infinity) return Infinity;
  const headroom = Math.max(1, HEADROOM * bbr.inflightLongterm);
  return Math.max(bbr.inflightLongterm - headroom, MIN_PIPE_CWND);
}

/** The estimated BDP, unless congestion cut cwnd below it. */
export function targetInflight(state: CongestionState, bbr: Bbr3): number {
  return Math.min(bdpMultiple(bbr, bbr.bw, 1), state.sndCwnd);
}

/** The window of ProbeRTT. */
export function probeRttCwnd(bbr: Bbr3, gain: number): number {
  return Math.max(bdpMultiple(bbr, bbr.bw, gain), MIN_PIPE_CWND);
}

/** The pipe's bandwidth as far as the long-term model knows. */
export function inflightAtMaxBw(state: CongestionState, bbr: Bbr3): number {
  return inflight(state, bbr, maxBw(bbr), 1);
}
