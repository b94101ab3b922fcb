import { backedOff, caStateAtLeast, probeTimeout, retransmissionTimeout, type RttOptions } from "@seville/congestion";
import { type Nanos, NEVER, NS_PER_MS } from "@seville/core";
import {
  TIMER_LOSS_PROBE,
  TIMER_NONE,
  TIMER_PROBE0,
  TIMER_REO_TIMEOUT,
  TIMER_RETRANS,
  type TcpConnection,
} from "./connection.ts";
import type { TcpContext } from "./context.ts";
import { rtxHead } from "./write-queue.ts";

/*
 * The one transmit timer: for retransmission, loss probe, reordering or zero-window probe (icsk_retransmit_timer).
 */

/** Least and greatest RTO of this connection. The object is used again by the next call. */
export function rttOptions(tcp: TcpContext, c: TcpConnection): RttOptions {
  options.rtoMin = rtoMin(tcp, c);
  options.rtoMax = rtoMax(tcp, c);
  return options;
}

const options: RttOptions = {};

export function rtoMin(tcp: TcpContext, c: TcpConnection): Nanos {
  if (c.options.rtoMin !== 0) return c.options.rtoMin;
  return c.route.rtoMin ?? tcp.settings.tcp_rto_min_us * 1000;
}

export function rtoMax(tcp: TcpContext, c: TcpConnection): Nanos {
  return c.options.rtoMax === 0 ? tcp.settings.tcp_rto_max_ms * NS_PER_MS : c.options.rtoMax;
}

/** The first RTO, before any RTT is known (TCP_TIMEOUT_INIT). */
export function initialRto(tcp: TcpContext): Nanos {
  return tcp.settings.initialRtoMs * NS_PER_MS;
}

/** `tcp_set_rto`. */
export function setRto(tcp: TcpContext, c: TcpConnection): void {
  c.rto = c.srttUs === 0 ? initialRto(tcp) : retransmissionTimeout(c, rttOptions(tcp, c));
}

/** The timer rings in `when` for `what`; later if the pacer holds segments back (`tcp_reset_xmit_timer`). */
export function resetXmitTimer(tcp: TcpContext, c: TcpConnection, what: number, when: Nanos): void {
  const pacing = c.tcpWstamp > c.now ? c.tcpWstamp - c.now : 0;
  setXmitTimerAt(tcp, c, what, c.now + Math.min(when + pacing, rtoMax(tcp, c)));
}

/** As {@link resetXmitTimer}, at a time. */
export function setXmitTimerAt(tcp: TcpContext, c: TcpConnection, what: number, at: Nanos): void {
  c.pending = what;
  c.timeout = Math.max(at, c.now + 1);
  tcp.deadlines.atLatest(c, c.timeout);
}

export function clearXmitTimer(c: TcpConnection): void {
  c.pending = TIMER_NONE;
  c.timeout = NEVER;
}

/** How far away the RTO of the oldest segment is; negative: it has passed (`tcp_rto_delta_us`). */
export function rtoLeft(c: TcpConnection): Nanos {
  const head = rtxHead(c);
  return head === undefined ? c.rto : head.sentAt + c.rto - c.now;
}

/** Sets the retransmission timer anew, or stops it if nothing is out (`tcp_rearm_rto`). */
export function rearmRto(tcp: TcpContext, c: TcpConnection): void {
  // Fast Open's SYN/ACK uses the timer.
  if (c.fastOpen?.server === true) return;
  if (c.packetsOut === 0) {
    clearXmitTimer(c);
    return;
  }
  let { rto } = c;
  if (c.pending === TIMER_REO_TIMEOUT || c.pending === TIMER_LOSS_PROBE) rto = Math.max(rtoLeft(c), 1);
  resetXmitTimer(tcp, c, TIMER_RETRANS, rto);
}

/** After an acknowledgment: the loss probe's timer if there may be a probe, else the retransmission timer (`tcp_set_xmit_timer`). */
export function setXmitTimer(tcp: TcpContext, c: TcpConnection): void {
  if (!scheduleLossProbe(tcp, c, true)) rearmRto(tcp, c);
}

/** A tail loss probe is scheduled, if this is the state for it (RFC 8985 §7.2, `tcp_schedule_loss_probe`). */
export function scheduleLossProbe(tcp: TcpContext, c: TcpConnection, advancingRto: boolean): boolean {
  const early = tcp.settings.tcp_early_retrans;
  if ((early !== 3 && early !== 4) || c.fastOpen?.server === true || c.packetsOut === 0 || !c.sackOk) return false;
  if (c.caState === "disorder" || caStateAtLeast(c.caState, "recovery")) return false;
  const left = advancingRto ? c.rto : rtoLeft(c);
  const timeout = c.srttUs === 0 ? noSampleTimeout(tcp, left) : probeTimeout(c, left, rttOptions(tcp, c));
  resetXmitTimer(tcp, c, TIMER_LOSS_PROBE, timeout);
  return true;
}

function noSampleTimeout(tcp: TcpContext, left: Nanos): Nanos {
  return left > 0 ? Math.min(initialRto(tcp), left) : initialRto(tcp);
}

/** Nothing is out and nothing may go: the zero-window probe's timer (`tcp_check_probe_timer`). */
export function checkProbeTimer(tcp: TcpContext, c: TcpConnection): void {
  if (c.packetsOut === 0 && c.pending === TIMER_NONE) {
    resetXmitTimer(tcp, c, TIMER_PROBE0, Math.max(c.rto, rtoMin(tcp, c)));
  }
}

/** Interval of zero-window probes (`tcp_probe0_when`). */
export function probe0When(tcp: TcpContext, c: TcpConnection): Nanos {
  const when = backedOff(Math.max(c.rto, rtoMin(tcp, c)), c.backoff, rtoMax(tcp, c));
  const user = c.options.userTimeout;
  if (user === 0 || c.probesTstamp < 0) return when;
  return Math.min(when, Math.max(user - (c.now - c.probesTstamp), 2 * NS_PER_MS));
}

/** The greatest RTO of who has no options of its own. */
export function rtoMaxOf(tcp: TcpContext): Nanos {
  return tcp.settings.tcp_rto_max_ms * NS_PER_MS;
}
