import type { CongestionControl } from "./congestion-control.ts";
import { type CongestionState, INFINITE_SSTHRESH, packetsInFlight } from "./congestion-state.ts";
import { mulDiv } from "./fixed-point.ts";

/*
 * Proportional Rate Reduction (RFC 6937, RFC 9937; tcp_cwnd_reduction): on the way from the old window to ssthresh, what
 * is sent is to what is delivered as ssthresh is to the old window; below ssthresh the window grows as in slow start, or
 * conservatively while losses go on.
 */

/** A reduction begins: sets ssthresh and remembers the window (tcp_init_cwnd_reduction). */
export function initCwndReduction(state: CongestionState, control: CongestionControl): void {
  state.highSeq = state.sndNxt;
  state.sndCwndCnt = 0;
  state.priorCwnd = state.sndCwnd;
  state.prrDelivered = 0;
  state.prrOut = 0;
  state.sndSsthresh = control.ssthresh();
}

/**
 * The window after an ACK during a reduction (tcp_cwnd_reduction).
 *
 * `newlyAckedSacked` packets were delivered, `newlyLost` marked lost; `sndUnaAdvanced`: the ACK was not a duplicate.
 */
export function cwndReduction(
  state: CongestionState,
  newlyAckedSacked: number,
  newlyLost: number,
  sndUnaAdvanced: boolean,
): void {
  if (newlyAckedSacked <= 0 || state.priorCwnd === 0) return;
  const inFlight = packetsInFlight(state);
  const delta = state.sndSsthresh - inFlight;
  state.prrDelivered += newlyAckedSacked;
  let sndcnt: number;
  if (delta < 0) {
    sndcnt = mulDiv(state.sndSsthresh, state.prrDelivered, state.priorCwnd);
    if (sndcnt * state.priorCwnd < state.sndSsthresh * state.prrDelivered) sndcnt++;
    sndcnt -= state.prrOut;
  } else {
    sndcnt = Math.max(state.prrDelivered - state.prrOut, newlyAckedSacked);
    if (sndUnaAdvanced && newlyLost === 0) sndcnt++;
    sndcnt = Math.min(delta, sndcnt);
  }
  // The first ACK of a recovery must release the fast retransmit.
  sndcnt = Math.max(sndcnt, state.prrOut === 0 ? 1 : 0);
  state.sndCwnd = inFlight + sndcnt;
}

/** The reduction is over: the window is ssthresh, unless it was undone (tcp_end_cwnd_reduction). */
export function endCwndReduction(state: CongestionState, control: CongestionControl): void {
  if (control.congControl !== undefined) return;
  if (state.sndSsthresh < INFINITE_SSTHRESH && (state.caState === "cwr" || state.undoMarker)) {
    state.sndCwnd = state.sndSsthresh;
    state.sndCwndStamp = state.now;
  }
  control.cwndEvent?.("completeCwr");
}

/** The reduction proved spurious: window and threshold as they were (tcp_undo_cwnd_reduction). */
export function undoCwndReduction(state: CongestionState, control: CongestionControl): void {
  if (state.priorSsthresh !== 0) {
    state.sndCwnd = control.undoCwnd();
    if (state.priorSsthresh > state.sndSsthresh) state.sndSsthresh = state.priorSsthresh;
  }
  state.sndCwndStamp = state.now;
  state.undoMarker = false;
  // Let RACK look again at what it took for lost.
  state.rack.advanced = true;
}
