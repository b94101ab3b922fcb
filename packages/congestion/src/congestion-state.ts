import { type Nanos, WindowedFilter } from "@seville/core";
import type { CaState } from "./congestion-control.ts";

/** No threshold known yet (TCP_INFINITE_SSTHRESH): slow start. */
export const INFINITE_SSTHRESH = 0x7fff_ffff;
/** RFC 6928; TCP_INIT_CWND. */
export const INIT_CWND = 10;
/** No time stamp: time 0 is a time like any other here. */
export const NO_TIME: Nanos = -1;

/**
 * The sender's part of `struct tcp_sock` that congestion control reads and writes, as plain data: a connection's control
 * block may be one, or hold one. Names are the kernel's.
 *
 * Units: windows and counters in packets (segments of up to `mssCache` bytes); sequence numbers in 32 bits (an SCTP
 * sender puts TSNs there); instants in nanoseconds ({@link Nanos}, {@link NO_TIME}: none); the RTT estimator in
 * microseconds with the kernel's scaling, so that `tcp_info` comes out to the digit; rates in bytes per second.
 */
export interface CongestionState {
  /** The time of the call that is being worked on (`tcp_mstamp`). Whoever calls sets it. */
  now: Nanos;

  // The window.
  sndCwnd: number;
  /** Acks counted towards the next packet of window in congestion avoidance. */
  sndCwndCnt: number;
  sndCwndClamp: number;
  /** Greatest use of the window since {@link sndCwndStamp}. */
  sndCwndUsed: number;
  /** When the window was last filled or changed. */
  sndCwndStamp: Nanos;
  sndSsthresh: number;
  /** cwnd right before the reduction under way. */
  priorCwnd: number;
  /** ssthresh before recovery, for undo; 0: there is nothing to undo. */
  priorSsthresh: number;
  /** PRR: packets delivered and sent since the reduction began. */
  prrDelivered: number;
  prrOut: number;
  /** The last window of data was held back by cwnd, and not by the application or the peer. */
  isCwndLimited: boolean;
  /** Most packets out in the current window of data. */
  maxPacketsOut: number;
  /** `sndNxt` when {@link isCwndLimited} was last decided. */
  cwndUsageSeq: number;

  // The flight.
  packetsOut: number;
  sackedOut: number;
  lostOut: number;
  retransOut: number;

  // Totals, which never wrap here.
  /** Packets delivered, retransmissions included. */
  delivered: number;
  /** Of these, how many the receiver reported as CE marked. */
  deliveredCe: number;
  /** Packets marked lost. */
  lost: number;
  /** Data segments sent, retransmissions included. */
  dataSegsOut: number;
  /** Samples are limited by the application until {@link delivered} passes this value; 0: they are not. */
  appLimited: number;

  // Sequence numbers.
  sndUna: number;
  sndNxt: number;
  /** `sndNxt` at the onset of congestion: recovery ends here. */
  highSeq: number;

  caState: CaState;
  /** A reduction may still be undone (`undo_marker`). */
  undoMarker: boolean;
  /** ECN was negotiated (TCP_ECN_OK). */
  ecnOk: boolean;
  /** The receiver says selectively what it has (`tcp_is_sack`; always so in SCTP); absent: it does. */
  sackOk?: boolean | undefined;

  // Segments.
  /** Payload bytes per segment. */
  mssCache: number;
  /** Largest super-packet, in bytes (`sk_gso_max_size`). */
  gsoMaxSize: number;

  // RTT.
  /** Smoothed RTT in µs, times 8; 0: no sample yet. */
  srttUs: number;
  /** Medium deviation in µs, times 4. */
  mdevUs: number;
  /** Largest {@link mdevUs} of the current round. */
  mdevMaxUs: number;
  /** What is added to the smoothed RTT for the RTO, in µs. */
  rttvarUs: number;
  /** The round in which {@link mdevMaxUs} is being taken ends when this is acknowledged. */
  rttSeq: number;
  /** Least RTT of the window of `tcp_min_rtt_wlen` (300 s), in µs. */
  readonly rttMin: WindowedFilter;

  // Rate sampling (net/ipv4/tcp_rate.c).
  /** Send time of the packet most recently delivered: the send phase of the next sample begins. */
  firstTxMstamp: Nanos;
  /** When {@link delivered} last grew. */
  deliveredMstamp: Nanos;
  /** The last sample worth showing in tcp_info: packets, µs. */
  rateDelivered: number;
  rateIntervalUs: number;
  rateAppLimited: boolean;

  // Reordering and RACK (net/ipv4/tcp_recovery.c).
  /** Duplicate-ACK threshold, raised by reordering. */
  reordering: number;
  /** Reordering events seen. */
  reordSeen: number;
  readonly rack: RackState;

  // Pacing.
  /** Bytes per second; Infinity: not paced. */
  pacingRate: number;
  /** SO_MAX_PACING_RATE. */
  maxPacingRate: number;
  /** Whether anyone paces: the engine itself does when it is `needed`. */
  pacingStatus: "none" | "needed" | "fq";
  /** A super-packet holds `pacingRate >> pacingShift` bytes: 10 is about 1 ms. */
  pacingShift: number;
  /** Departure time of the packet sent last, or of the next (`tcp_wstamp_ns`). */
  tcpWstamp: Nanos;
  /** When data was last sent (`lsndtime`). */
  lsndtime: Nanos;

  /** The receiver's side of the connection, for algorithms that echo ECN exactly (DCTCP); absent: they do not. */
  ackPort?: AckPort | undefined;
}

/** What DCTCP does to the receiver's delayed ACK (net/ipv4/tcp_dctcp.h). */
export interface AckPort {
  readonly rcvNxt: number;
  /** A delayed ACK waits for its timer. */
  readonly ackTimerPending: boolean;
  /** ACKs carry ECE (TCP_ECN_DEMAND_CWR). */
  demandCwr: boolean;
  /** Sends an ACK for `rcvNxt` at once. */
  sendAck(rcvNxt: number): void;
  /** The next occasion acknowledges without delay (ICSK_ACK_NOW). */
  ackNow(): void;
}

/** The most recently sent packet among those (s)acked, and the reordering window (`struct tcp_rack`). */
export interface RackState {
  /** When it was sent. */
  mstamp: Nanos;
  /** Its RTT in µs. */
  rttUs: number;
  /** The sequence number after its last byte. */
  endSeq: number;
  /** `delivered` at the last change of the reordering window. */
  lastDelivered: number;
  /** The reordering window in quarters of the minimum RTT. */
  reoWndSteps: number;
  /** Recoveries for which that window still stays. */
  reoWndPersist: number;
  /** A DSACK came since the last change. */
  dsackSeen: boolean;
  /** Something was delivered since the last look for losses. */
  advanced: boolean;
}

/** A connection that has sent nothing, with Linux's defaults, changed by `initial`. */
export function createCongestionState(initial: Partial<CongestionState> = {}): CongestionState {
  return {
    now: 0,
    sndCwnd: INIT_CWND,
    sndCwndCnt: 0,
    sndCwndClamp: 0xffff_ffff,
    sndCwndUsed: 0,
    sndCwndStamp: 0,
    sndSsthresh: INFINITE_SSTHRESH,
    priorCwnd: 0,
    priorSsthresh: 0,
    prrDelivered: 0,
    prrOut: 0,
    isCwndLimited: false,
    maxPacketsOut: 0,
    cwndUsageSeq: 0,
    packetsOut: 0,
    sackedOut: 0,
    lostOut: 0,
    retransOut: 0,
    delivered: 0,
    deliveredCe: 0,
    lost: 0,
    dataSegsOut: 0,
    appLimited: 0,
    sndUna: 0,
    sndNxt: 0,
    highSeq: 0,
    caState: "open",
    undoMarker: false,
    ecnOk: false,
    mssCache: 1460,
    gsoMaxSize: 65_536,
    srttUs: 0,
    mdevUs: 1_000_000,
    mdevMaxUs: 0,
    rttvarUs: 0,
    rttSeq: 0,
    rttMin: new WindowedFilter(Infinity),
    firstTxMstamp: NO_TIME,
    deliveredMstamp: NO_TIME,
    rateDelivered: 0,
    rateIntervalUs: 0,
    rateAppLimited: false,
    reordering: 3,
    reordSeen: 0,
    rack: {
      mstamp: NO_TIME,
      rttUs: 0,
      endSeq: 0,
      lastDelivered: 0,
      reoWndSteps: 1,
      reoWndPersist: 0,
      dsackSeen: false,
      advanced: false,
    },
    pacingRate: Infinity,
    maxPacingRate: Infinity,
    pacingStatus: "none",
    pacingShift: 10,
    tcpWstamp: 0,
    lsndtime: 0,
    ...initial,
  };
}

/** Packets that are neither sacked nor lost, retransmissions included (tcp_packets_in_flight). */
export function packetsInFlight(state: CongestionState): number {
  return state.packetsOut - state.sackedOut - state.lostOut + state.retransOut;
}

/** Least RTT of the last minutes in µs; Infinity: no sample yet (tcp_min_rtt). */
export function minRttUs(state: CongestionState): number {
  return state.rttMin.value;
}

/** cwnd is below the threshold (tcp_in_slow_start). */
export function inSlowStart(state: CongestionState): boolean {
  return state.sndCwnd < state.sndSsthresh;
}

/** PRR governs the window (tcp_in_cwnd_reduction). */
export function inCwndReduction(state: CongestionState): boolean {
  return state.caState === "cwr" || state.caState === "recovery";
}

/** Whether the flight justifies a larger window (tcp_is_cwnd_limited, after RFC 7661 and RFC 2861). */
export function isCwndLimited(state: CongestionState): boolean {
  if (state.isCwndLimited) return true;
  // In slow start cwnd may grow to twice what was in flight.
  return inSlowStart(state) && state.sndCwnd < 2 * state.maxPacketsOut;
}

/** The threshold to remember: at least three quarters of a window that grew past it (tcp_current_ssthresh). */
export function currentSsthresh(state: CongestionState): number {
  if (inCwndReduction(state)) return state.sndSsthresh;
  return Math.max(state.sndSsthresh, (state.sndCwnd >>> 1) + (state.sndCwnd >>> 2));
}

/** Whole microseconds from `from` to `to`; 0 if `to` is earlier (tcp_stamp_us_delta). */
export function elapsedUs(to: Nanos, from: Nanos): number {
  return Math.max(0, Math.floor((to - from) / 1000));
}
