import { type Nanos, type Random, WindowedFilter } from "@seville/core";
import { type CaState } from "../congestion-control.ts";
import { NO_TIME } from "../congestion-state.ts";

/** Bandwidth is in packets per µs times this (BW_UNIT). */
export const BW_SCALE = 24;
/** Gains are in 256ths (BBR_UNIT). */
export const BBR_SCALE = 8;
export const BBR_UNIT = 256;
export const CYCLE_LEN = 8;

export type BbrMode = "startup" | "drain" | "probeBw" | "probeRtt";

/** BBR's parameters. What is not here is the constant of net/ipv4/tcp_bbr.c. */
export interface BbrOptions {
  /**
   * Look for token-bucket policers ("lt_bw") and pace at their rate; default true. Off, heavy random loss is not mistaken
   * for a policer, and a policer is not recognised.
   */
  policerDetector?: boolean;
}

/** BBR's private area (`struct bbr`): the model of the path and the state machine. */
export interface Bbr {
  readonly random: Random;
  readonly policerDetector: boolean;
  mode: BbrMode;
  prevCaState: CaState;
  /** µs; Infinity: no sample. */
  minRttUs: number;
  minRttStamp: Nanos;
  probeRttDoneStamp: Nanos;
  probeRttRoundDone: boolean;
  /** Windowed maximum of bandwidth, over rounds. */
  readonly bw: WindowedFilter;
  /** Packet-timed rounds. */
  rttCnt: number;
  roundStart: boolean;
  /** `delivered` at which the round ends. */
  nextRttDelivered: number;
  cycleMstamp: Nanos;
  cycleIdx: number;
  packetConservation: boolean;
  idleRestart: boolean;
  pacingGain: number;
  cwndGain: number;
  fullBwReached: boolean;
  fullBw: number;
  fullBwCnt: number;
  hasSeenRtt: boolean;
  priorCwnd: number;
  // The policer model.
  ltIsSampling: boolean;
  ltUseBw: boolean;
  /** Rounds in the interval, or since ltBw is in use. */
  ltRttCnt: number;
  ltBw: number;
  ltLastDelivered: number;
  ltLastLost: number;
  /** Whole milliseconds, as the kernel keeps it. */
  ltLastStampMs: number;
  // ACK aggregation.
  ackEpochMstamp: Nanos;
  ackEpochAcked: number;
  extraAcked0: number;
  extraAcked1: number;
  extraAckedWinRtts: number;
  extraAckedWinIdx: 0 | 1;
}

/** A model that knows nothing. `init` sets what depends on the connection. */
export function createBbr(random: Random, options: BbrOptions): Bbr {
  return {
    random,
    policerDetector: options.policerDetector ?? true,
    mode: "startup",
    prevCaState: "open",
    minRttUs: Infinity,
    minRttStamp: 0,
    probeRttDoneStamp: NO_TIME,
    probeRttRoundDone: false,
    bw: new WindowedFilter(0),
    rttCnt: 0,
    roundStart: false,
    nextRttDelivered: 0,
    cycleMstamp: 0,
    cycleIdx: 0,
    packetConservation: false,
    idleRestart: false,
    pacingGain: BBR_UNIT,
    cwndGain: BBR_UNIT,
    fullBwReached: false,
    fullBw: 0,
    fullBwCnt: 0,
    hasSeenRtt: false,
    priorCwnd: 0,
    ltIsSampling: false,
    ltUseBw: false,
    ltRttCnt: 0,
    ltBw: 0,
    ltLastDelivered: 0,
    ltLastLost: 0,
    ltLastStampMs: 0,
    ackEpochMstamp: 0,
    ackEpochAcked: 0,
    extraAcked0: 0,
    extraAcked1: 0,
    extraAckedWinRtts: 0,
    extraAckedWinIdx: 0,
  };
}

/** The bandwidth to work with: the policer's, if there seems to be one (bbr_bw). */
export function bbrBw(bbr: Bbr): number {
  return bbr.ltUseBw ? bbr.ltBw : bbr.bw.value;
}
