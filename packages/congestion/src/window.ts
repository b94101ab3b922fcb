import { type Nanos, serial32 } from "@seville/core";
import type { CongestionControl } from "./congestion-control.ts";
import { type CongestionState, currentSsthresh, INIT_CWND, isCwndLimited } from "./congestion-state.ts";

/** Slow start: raises the window up to ssthresh, and answers how many acks are left over (tcp_slow_start). */
export function slowStart(state: CongestionState, acked: number): number {
  const cwnd = Math.min(state.sndCwnd + acked, state.sndSsthresh);
  const left = acked - (cwnd - state.sndCwnd);
  state.sndCwnd = Math.min(cwnd, state.sndCwndClamp);
  return left;
}

/** Additive increase: one packet for each `w` acked (tcp_cong_avoid_ai). */
export function congAvoidAi(state: CongestionState, w: number, acked: number): void {
  // Credit that gathered while w was larger is worth one packet now, not many.
  if (state.sndCwndCnt >= w) {
    state.sndCwndCnt = 0;
    state.sndCwnd++;
  }
  state.sndCwndCnt += acked;
  if (state.sndCwndCnt >= w) {
    const delta = Math.floor(state.sndCwndCnt / w);
    state.sndCwndCnt -= delta * w;
    state.sndCwnd += delta;
  }
  state.sndCwnd = Math.min(state.sndCwnd, state.sndCwndClamp);
}

/** What window validation must know besides the state. */
export interface ValidationOptions {
  /** The initial window in packets (a route's `initcwnd`); default 10. */
  initCwnd?: number;
  /** The sysctl `tcp_slow_start_after_idle`; default true. */
  slowStartAfterIdle?: boolean;
  /** The send buffer is full: it is what limits, not the application (SOCK_NOSPACE). */
  sendBufferFull?: boolean;
}

/**
 * After each round of sending: `limited` says that cwnd held something back. Remembers how far the window was used, and
 * shrinks one that was not for an RTO (tcp_cwnd_validate, after RFC 2861). `rto` is the current timeout.
 */
export function cwndValidate(
  state: CongestionState,
  control: CongestionControl,
  limited: boolean,
  rto: Nanos,
  options: ValidationOptions = {},
): void {
  if (
    !serial32.lt(state.sndUna, state.cwndUsageSeq) ||
    limited ||
    (!state.isCwndLimited && state.packetsOut > state.maxPacketsOut)
  ) {
    state.isCwndLimited = limited;
    state.maxPacketsOut = state.packetsOut;
    state.cwndUsageSeq = state.sndNxt;
  }
  if (isCwndLimited(state)) {
    state.sndCwndUsed = 0;
    state.sndCwndStamp = state.now;
    return;
  }
  state.sndCwndUsed = Math.max(state.sndCwndUsed, state.packetsOut);
  if (options.slowStartAfterIdle === false || control.congControl !== undefined) return;
  if (state.now - state.sndCwndStamp >= rto) applicationLimited(state, options);
}

/** Halves the unused part of the window (tcp_cwnd_application_limited). */
function applicationLimited(state: CongestionState, options: ValidationOptions): void {
  if (state.caState === "open" && options.sendBufferFull !== true) {
    const used = Math.max(state.sndCwndUsed, initialWindow(state, options));
    if (used < state.sndCwnd) {
      state.sndSsthresh = currentSsthresh(state);
      state.sndCwnd = Math.floor((state.sndCwnd + used) / 2);
    }
    state.sndCwndUsed = 0;
  }
  state.sndCwndStamp = state.now;
}

/** Halves the window for each RTO of `idle`, down to the initial window (tcp_cwnd_restart, RFC 2861 §3). */
export function cwndRestart(
  state: CongestionState,
  control: CongestionControl,
  idle: Nanos,
  rto: Nanos,
  options: ValidationOptions = {},
): void {
  control.cwndEvent?.("cwndRestart");
  state.sndSsthresh = currentSsthresh(state);
  let cwnd = state.sndCwnd;
  const restart = Math.min(initialWindow(state, options), cwnd);
  for (let left = idle - rto; left > 0 && cwnd > restart; left -= rto) cwnd >>>= 1;
  state.sndCwnd = Math.max(cwnd, restart);
  state.sndCwndStamp = state.now;
  state.sndCwndUsed = 0;
}

/** The initial window (tcp_init_cwnd). */
export function initialWindow(state: CongestionState, options: ValidationOptions = {}): number {
  return Math.min(options.initCwnd ?? INIT_CWND, state.sndCwndClamp);
}
