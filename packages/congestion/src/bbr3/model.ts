import { type Nanos, NS_PER_MS, NS_PER_SEC, type Random, WindowedFilter } from "@seville/core";
import type { CaState } from "../congestion-control.ts";
import { NO_TIME } from "../congestion-state.ts";

/*
 * The names are those of draft-ietf-ccwg-bbr, in camelCase. Volumes are in packets, not always whole; bandwidths in
 * packets per microsecond.
 */

export const STARTUP_PACING_GAIN = 2.77;
export const DRAIN_PACING_GAIN = 0.5;
export const PROBE_DOWN_PACING_GAIN = 0.9;
export const PROBE_UP_PACING_GAIN = 1.25;
export const DEFAULT_CWND_GAIN = 2;
export const PROBE_UP_CWND_GAIN = 2.25;
export const PROBE_RTT_CWND_GAIN = 0.5;
export const PACING_MARGIN = 0.99;
/** More lost than this per round while probing: too much was in flight. */
export const LOSS_THRESH = 0.02;
export const BETA = 0.7;
export const HEADROOM = 0.15;
export const MIN_PIPE_CWND = 4;
export const STARTUP_FULL_LOSS_CNT = 6;
export const MIN_RTT_FILTER_LEN: Nanos = 10 * NS_PER_SEC;
export const PROBE_RTT_DURATION: Nanos = 200 * NS_PER_MS;
export const PROBE_RTT_INTERVAL: Nanos = 5 * NS_PER_SEC;
export const EXTRA_ACKED_FILTER_LEN = 10;

export type Bbr3State =
  "startup" | "drain" | "probeBwDown" | "probeBwCruise" | "probeBwRefill" | "probeBwUp" | "probeRtt";

/** What the ACKs that come in tell about the probing (`BBR.ack_phase`). */
export type AckPhase = "init" | "refilling" | "probeStarting" | "probeFeedback" | "probeStopping";

export interface Bbr3 {
  readonly random: Random;
  state: Bbr3State;
  prevCaState: CaState;
  pacingGain: number;
  cwndGain: number;

  // Rounds.
  roundCount: number;
  roundStart: boolean;
  nextRoundDelivered: number;

  // The sample of the ACK being worked on.
  deliveryRate: number;

  // Long-term model.
  /** Maximum of the previous and of the current ProbeBW cycle. */
  maxBwPrevious: number;
  maxBwCurrent: number;
  inflightLongterm: number;
  // Short-term model; Infinity: no bound.
  bwShortterm: number;
  inflightShortterm: number;
  /** min(max_bw, bw_shortterm). */
  bw: number;

  // Signals of the last round.
  bwLatest: number;
  inflightLatest: number;
  lossRoundDelivered: number;
  lossRoundStart: boolean;
  isLossInRound: boolean;
  /** ACKs of this round that brought losses: how many gaps there are. */
  lossEventsInRound: number;

  // RTT.
  /** µs; Infinity: none. */
  minRtt: number;
  minRttStamp: Nanos;
  probeRttMinDelay: number;
  probeRttMinStamp: Nanos;
  probeRttExpired: boolean;
  probeRttDoneStamp: Nanos;
  probeRttRoundDone: boolean;
  idleRestart: boolean;
  priorCwnd: number;
  hasSeenRtt: boolean;

  // Aggregation.
  extraAckedIntervalStart: Nanos;
  extraAckedDelivered: number;
  extraAcked: number;
  readonly extraAckedFilter: WindowedFilter;

  // Is the pipe full?
  fullBwReached: boolean;
  fullBwNow: boolean;
  fullBw: number;
  fullBwCount: number;
  drainStartRound: number;

  // ProbeBW.
  ackPhase: AckPhase;
  isBwProbeSample: boolean;
  bwProbeUpAcked: number;
  probeUpAckedPerInc: number;
  bwProbeUpRounds: number;
  roundsSinceProbeUp: number;
  bwProbeWait: Nanos;
  cycleStamp: Nanos;
  prevProbeTooHigh: boolean;
  prevProbePrecautionary: boolean;

  // Undo.
  undoState: "none" | "startup" | "probeBwUp";
  undoBwShortterm: number;
  undoInflightShortterm: number;
  undoInflightLongterm: number;
}

/** OnInit(): nothing known, in Startup. */
export function createBbr3(random: Random): Bbr3 {
  return {
    random,
    state: "startup",
    prevCaState: "open",
    pacingGain: STARTUP_PACING_GAIN,
    cwndGain: DEFAULT_CWND_GAIN,
    roundCount: 0,
    roundStart: false,
    nextRoundDelivered: 0,
    deliveryRate: 0,
    maxBwPrevious: 0,
    maxBwCurrent: 0,
    inflightLongterm: Infinity,
    bwShortterm: Infinity,
    inflightShortterm: Infinity,
    bw: 0,
    bwLatest: 0,
    inflightLatest: 0,
    lossRoundDelivered: 0,
    lossRoundStart: false,
    isLossInRound: false,
    lossEventsInRound: 0,
    minRtt: Infinity,
    minRttStamp: 0,
    probeRttMinDelay: Infinity,
    probeRttMinStamp: 0,
    probeRttExpired: false,
    probeRttDoneStamp: NO_TIME,
    probeRttRoundDone: false,
    idleRestart: false,
    priorCwnd: 0,
    hasSeenRtt: false,
    extraAckedIntervalStart: 0,
    extraAckedDelivered: 0,
    extraAcked: 0,
    extraAckedFilter: new WindowedFilter(0),
    fullBwReached: false,
    fullBwNow: false,
    fullBw: 0,
    fullBwCount: 0,
    drainStartRound: 0,
    ackPhase: "init",
    isBwProbeSample: false,
    bwProbeUpAcked: 0,
    probeUpAckedPerInc: Infinity,
    bwProbeUpRounds: 0,
    roundsSinceProbeUp: 0,
    bwProbeWait: 0,
    cycleStamp: 0,
    prevProbeTooHigh: false,
    prevProbePrecautionary: false,
    undoState: "none",
    undoBwShortterm: Infinity,
    undoInflightShortterm: Infinity,
    undoInflightLongterm: Infinity,
  };
}

/** `BBR.max_bw`. */
export function maxBw(bbr: Bbr3): number {
  return Math.max(bbr.maxBwPrevious, bbr.maxBwCurrent);
}

export function isInAProbeBwState(bbr: Bbr3): boolean {
  const { state } = bbr;
  return state === "probeBwDown" || state === "probeBwCruise" || state === "probeBwRefill" || state === "probeBwUp";
}

export function isProbingBw(bbr: Bbr3): boolean {
  return bbr.state === "startup" || bbr.state === "probeBwRefill" || bbr.state === "probeBwUp";
}
