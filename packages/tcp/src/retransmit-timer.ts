import { NO_TIME } from "@seville/congestion";
import { backedOff, retransmissionTimeout } from "@seville/congestion";
import { type Nanos, NS_PER_MS } from "@seville/core";
import { TIMER_RETRANS, type TcpConnection } from "./connection.ts";
import { RESOURCE_PROBE_INTERVAL, THIN_LINEAR_RETRIES } from "./constants.ts";
import type { TcpContext } from "./context.ts";
import { doneWithError } from "./done.ts";
import { fastOpenDetectBlackHole } from "./fast-open-client.ts";
import { fastOpenSynAckTimer } from "./fast-open-server.ts";
import { enterLoss } from "./loss.ts";
import { mtuBlackHole } from "./mtu.ts";
import { observeTimeout } from "./observe.ts";
import { plbOnRto, rehash } from "./plb.ts";
import { retransmitSegment } from "./retransmit.ts";
import { rtxHead } from "./write-queue.ts";
import { initialRto, resetXmitTimer, rtoMax, rtoMin, rttOptions } from "./xmit-timer.ts";

/*
 * The retransmission timer (RFC 6298 §5, RFC 9293 §3.8.1 to 3.8.3; tcp_retransmit_timer).
 */

/** The oldest segment was not acknowledged in time. */
export function retransmitTimer(tcp: TcpContext, c: TcpConnection): void {
  if (c.fastOpen?.server === true) {
    fastOpenSynAckTimer(tcp, c);
    return;
  }
  const head = rtxHead(c);
  if (c.packetsOut === 0 || head === undefined) return;
  if (c.sndWnd === 0 && !c.orphan && !inHandshake(c)) {
    // The peer shrank its window to nothing: what is sent again is a probe, and does not count as failure while it answers.
    const lasting = c.now - (c.retransStamp === NO_TIME ? head.sentAt : c.retransStamp);
    if (probeTimedOut(tcp, c, lasting)) {
      writeError(tcp, c);
      return;
    }
    enterLoss(tcp, c);
    retransmitSegment(tcp, c, 0, 1);
    backOff(tcp, c);
    return;
  }
  tcp.ext.TCPTimeouts++;
  if (c.lossObserver !== undefined) observeTimeout(c, c.lossObserver, head);
  if (timedOut(tcp, c)) return;
  if (c.retransmits === 0) countFailure(tcp, c);
  enterLoss(tcp, c);
  if (c.retransmits === 0) {
    c.totalRtoRecoveries++;
    c.rtoStamp = c.now;
  }
  c.retransmits++;
  c.totalRto++;
  if (retransmitSegment(tcp, c, 0, 1) === "memory") {
    resetXmitTimer(tcp, c, TIMER_RETRANS, RESOURCE_PROBE_INTERVAL);
    return;
  }
  backOff(tcp, c);
}

function inHandshake(c: TcpConnection): boolean {
  return c.state === "SYN_SENT" || c.state === "SYN_RECV";
}

/** The timer again, with twice the time (RFC 6298 §5.5), or the same for thin streams and the first SYNs. */
function backOff(tcp: TcpContext, c: TcpConnection): void {
  const { settings } = tcp;
  const thin = c.options.thinLinear || settings.tcp_thin_linear_timeouts !== 0;
  if (c.state === "ESTABLISHED" && thin && isThin(c) && c.retransmits <= THIN_LINEAR_RETRIES) {
    c.backoff = 0;
    const rto = c.srttUs === 0 ? initialRto(tcp) : retransmissionTimeout(c, rttOptions(tcp, c));
    c.rto = Math.min(Math.max(rto, rtoMin(tcp, c)), rtoMax(tcp, c));
  } else if (inHandshake(c) && settings.synBackoff !== "exponential") {
    c.rto = synInterval(tcp, c.totalRto);
  } else if (c.state !== "SYN_SENT" || c.totalRto > settings.tcp_syn_linear_timeouts) {
    c.backoff++;
    c.rto = backedOff(c.rto, 1, rtoMax(tcp, c));
  }
  resetXmitTimer(tcp, c, TIMER_RETRANS, clampToUserTimeout(c));
}

/** Interval after the `count`th SYN, by a table. */
export function synInterval(tcp: TcpContext, count: number): Nanos {
  const table = tcp.settings.synBackoff;
  if (table === "exponential") return initialRto(tcp) * 2 ** count;
  const slop = count === 0 ? 0 : tcp.settings.rexmitSlopMs * NS_PER_MS;
  const interval = initialRto(tcp) * (table[Math.min(count, table.length - 1)] ?? 1) + slop;
  return Math.min(interval, tcp.settings.tcp_rto_max_ms * NS_PER_MS);
}

/** Few segments out, and the window has been probed (`tcp_stream_is_thin`). */
function isThin(c: TcpConnection): boolean {
  return c.packetsOut < 4 && c.sndSsthresh < 0x7fff_ffff;
}

/** The timer need not run past TCP_USER_TIMEOUT (`tcp_clamp_rto_to_user_timeout`). */
function clampToUserTimeout(c: TcpConnection): Nanos {
  const user = c.options.userTimeout;
  if (user === 0 || c.retransStamp === NO_TIME) return c.rto;
  return Math.min(c.rto, Math.max(user - (c.now - c.retransStamp), NS_PER_MS));
}

/** Is it time to give up? Then it has been done (`tcp_write_timeout`). */
function timedOut(tcp: TcpContext, c: TcpConnection): boolean {
  const { settings } = tcp;
  let expired = false;
  let retries: number;
  if (inHandshake(c)) {
    retries = c.options.synRetries === 0 ? settings.tcp_syn_retries : c.options.synRetries;
    expired = c.retransmits >= retries + (c.state === "SYN_SENT" ? settings.tcp_syn_linear_timeouts : 0);
  } else {
    // RFC 1122 §4.2.3.5: R1, the network may be told.
    if (retransmitsTimedOut(tcp, c, settings.tcp_retries1, 0)) mtuBlackHole(tcp, c);
    retries = settings.tcp_retries2;
    if (c.orphan) retries = orphanRetries(tcp, c, c.rto < rtoMax(tcp, c));
  }
  expired ||= retransmitsTimedOut(tcp, c, retries, c.options.userTimeout);
  fastOpenDetectBlackHole(tcp, c, expired);
  if (expired) {
    writeError(tcp, c);
    return true;
  }
  // Another path may work (RFC 6438 §3 in spirit).
  rehash(tcp, c);
  plbOnRto(tcp, c);
  tcp.ext.TcpTimeoutRehash++;
  return false;
}

/** More time has passed than `boundary` retransmissions take (`retransmits_timed_out`). */
function retransmitsTimedOut(tcp: TcpContext, c: TcpConnection, boundary: number, timeout: Nanos): boolean {
  if (c.retransmits === 0 || c.retransStamp === NO_TIME) return false;
  const limit = timeout === 0 ? modelTimeout(tcp, c, boundary) : timeout;
  return c.now - c.retransStamp - limit >= 0;
}

/** How long `boundary` exponential retransmissions take (`tcp_model_timeout`). */
function modelTimeout(tcp: TcpContext, c: TcpConnection, boundary: number): Nanos {
  const base = inHandshake(c) ? initialRto(tcp) : rtoMin(tcp, c);
  const greatest = rtoMax(tcp, c);
  const linear = Math.max(0, 31 - Math.clz32(Math.max(1, Math.floor(greatest / base))));
  if (boundary <= linear) return (2 ** (boundary + 1) - 1) * base;
  return (2 ** (linear + 1) - 1) * base + (boundary - linear) * greatest;
}

/** How often a connection without owner retransmits (`tcp_orphan_retries`). */
export function orphanRetries(tcp: TcpContext, c: TcpConnection, alive: boolean): number {
  let retries = tcp.settings.tcp_orphan_retries;
  if (c.softError !== undefined && !alive) retries = 0;
  return retries === 0 && alive ? 8 : retries;
}

/** `tcp_rtx_probe0_timed_out`. */
function probeTimedOut(tcp: TcpContext, c: TcpConnection, lasting: Nanos): boolean {
  const user = c.options.userTimeout;
  let limit = rtoMax(tcp, c) * 2;
  if (user !== 0) {
    if (lasting > user) return true;
    limit = Math.min(limit, user);
  }
  if (c.now - c.rcvTstamp <= limit) return false;
  return lasting > limit;
}

/** The connection has failed by time (`tcp_write_err`). */
export function writeError(tcp: TcpContext, c: TcpConnection): void {
  tcp.ext.TCPAbortOnTimeout++;
  doneWithError(tcp, c, c.softError ?? "ETIMEDOUT");
}

function countFailure(tcp: TcpContext, c: TcpConnection): void {
  const { ext } = tcp;
  if (c.caState === "recovery") {
    if (c.sackOk) ext.TCPSackRecoveryFail++;
    else ext.TCPRenoRecoveryFail++;
  } else if (c.caState === "loss") ext.TCPLossFailures++;
  else if (c.caState === "disorder" || c.sackedOut > 0) {
    if (c.sackOk) ext.TCPSackFailures++;
    else ext.TCPRenoFailures++;
  }
}
