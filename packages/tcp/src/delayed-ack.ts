import { type Nanos, NEVER, NS_PER_MS } from "@seville/core";
import { ACK_NOW, ACK_PUSHED, ACK_PUSHED2, ACK_SCHED, ACK_TIMER, type TcpConnection } from "./connection.ts";
import { ATO_MIN, FASTRETRANS_THRESH, JIFFY, PINGPONG_THRESH } from "./constants.ts";
import type { TcpContext } from "./context.ts";
import { sendAck, setDelackTimeout } from "./transmit.ts";
import { windowToOffer } from "./window.ts";

/*
 * When to acknowledge (RFC 9293 §3.8.6.3, RFC 5681 §4.2): at once while the sender's window is small, for every second segment,
 * for what is out of order, and after a while otherwise.
 */

/** More quick acknowledgments are due, up to `most` (`tcp_incr_quickack`). */
export function increaseQuickack(tcp: TcpContext, c: TcpConnection, most: number): void {
  let quickacks = Math.floor(c.rcvWnd / (2 * c.rcvMss));
  if (quickacks === 0) quickacks = 2;
  quickacks = Math.min(quickacks, most, tcp.settings.quickacks);
  if (quickacks > c.quick) c.quick = quickacks;
}

/** Acknowledge at once for a while (`tcp_enter_quickack_mode`). */
export function enterQuickackMode(tcp: TcpContext, c: TcpConnection, most: number): void {
  increaseQuickack(tcp, c, most);
  c.pingpong = 0;
  c.ato = ATO_MIN;
}

/** `tcp_in_quickack_mode`. */
export function inQuickackMode(c: TcpConnection): boolean {
  return c.route.quickack === true || (c.quick > 0 && c.pingpong < PINGPONG_THRESH);
}

/** Something is to be acknowledged (`inet_csk_schedule_ack`). */
export function scheduleAck(c: TcpConnection): void {
  c.ackPending |= ACK_SCHED;
}

/** After a segment: acknowledge if one is owed and nothing that was sent has done it (`tcp_ack_snd_check`). */
export function ackSendCheck(tcp: TcpContext, c: TcpConnection): void {
  if ((c.ackPending & ACK_SCHED) !== 0) decide(tcp, c);
}

/** `__tcp_ack_snd_check`. */
function decide(tcp: TcpContext, c: TcpConnection): void {
  const waiting = (c.rcvNxt - c.rcvWup) | 0;
  const queue = c.receiveQueue;
  if (
    (waiting > c.rcvMss && (((c.rcvNxt - c.copiedSeq) | 0) < c.rcvLowat || windowToOffer(tcp, c) >= c.rcvWnd)) ||
    inQuickackMode(c) ||
    (c.ackPending & ACK_NOW) !== 0
  ) {
    sendAck(tcp, c);
    return;
  }
  if (queue === undefined || queue.outOfOrder === 0) {
    sendDelayedAck(tcp, c);
    return;
  }
  compress(tcp, c);
}

/** Duplicate ACKs beyond the third of a hole wait a moment for each other (SACK compression). */
function compress(tcp: TcpContext, c: TcpConnection): void {
  const { settings } = tcp;
  if (!c.sackOk || c.compressedAck >= settings.tcp_comp_sack_nr) {
    sendAck(tcp, c);
    return;
  }
  if (c.compressedAckRcvNxt !== c.rcvNxt) {
    c.compressedAckRcvNxt = c.rcvNxt;
    c.dupAckCounter = 0;
  }
  if (c.dupAckCounter < FASTRETRANS_THRESH) {
    c.dupAckCounter++;
    sendAck(tcp, c);
    return;
  }
  c.compressedAck++;
  if (c.compressedAckTimeout !== NEVER) return;
  // A twentieth of the RTT; both estimates are kept in eighths.
  let rtt = (c.autotune?.rcvRtt ?? 0) / 1000;
  if (c.srttUs !== 0 && (rtt === 0 || c.srttUs / 8 < rtt)) rtt = c.srttUs / 8;
  const delay = Math.min(settings.tcp_comp_sack_delay_ns, Math.floor((rtt * 1000) / 20));
  c.compressedAckTimeout = c.now + Math.max(delay, 1);
  tcp.deadlines.atLatest(c, c.compressedAckTimeout);
}

/** The delayed acknowledgment's timer, after the estimate of the interval between segments (`tcp_send_delayed_ack`). */
export function sendDelayedAck(tcp: TcpContext, c: TcpConnection): void {
  const { settings } = tcp;
  const least = settings.delackMinMs * NS_PER_MS;
  const greatest = settings.delackMaxMs * NS_PER_MS;
  let { ato } = c;
  if (ato > least) {
    let maxAto = 500 * NS_PER_MS;
    if (c.pingpong >= PINGPONG_THRESH || (c.ackPending & ACK_PUSHED) !== 0) maxAto = greatest;
    if (c.srttUs !== 0) maxAto = Math.min(maxAto, Math.max(roundUp(Math.floor(c.srttUs / 8) * 1000), least));
    ato = Math.min(ato, maxAto);
  }
  ato = Math.max(Math.min(ato, delackMax(tcp, c)), least === greatest ? least : 0);
  let at = c.now + ato;
  if ((c.ackPending & ACK_TIMER) !== 0 && c.delackTimeout !== NEVER) {
    // About to expire anyhow.
    if (c.delackTimeout <= c.now + ato / 4) {
      sendAck(tcp, c);
      return;
    }
    if (at >= c.delackTimeout) at = c.delackTimeout;
  }
  c.ackPending |= ACK_SCHED | ACK_TIMER;
  setDelackTimeout(tcp, c, at);
}

/** `tcp_delack_max`: less than the least RTO of a peer like us. */
export function delackMax(tcp: TcpContext, c: TcpConnection): Nanos {
  const set = c.options.delackMax === 0 ? tcp.settings.delackMaxMs * NS_PER_MS : c.options.delackMax;
  const rtoMin = c.route.rtoMin ?? tcp.settings.tcp_rto_min_us * 1000;
  return Math.min(set, Math.max(rtoMin, 2 * JIFFY) - JIFFY);
}

/** The delayed acknowledgment's time has come (`tcp_delack_timer_handler`). */
export function delackTimer(tcp: TcpContext, c: TcpConnection): void {
  c.delackTimeout = NEVER;
  if (c.state === "CLOSE") return;
  if (c.compressedAck > 0) {
    sendCompressedAck(tcp, c);
    return;
  }
  if ((c.ackPending & ACK_TIMER) === 0) return;
  c.ackPending &= ~ACK_TIMER;
  if ((c.ackPending & ACK_SCHED) === 0) return;
  if (c.pingpong < PINGPONG_THRESH) {
    // It was missed: the estimate was too short.
    c.ato = Math.min(c.ato * 2, c.rto);
  } else {
    c.pingpong = 0;
    c.ato = ATO_MIN;
  }
  sendAck(tcp, c);
  tcp.ext.DelayedACKs++;
}

/** Sends the one acknowledgment that stands for the compressed ones (`tcp_sack_compress_send_ack`). */
export function sendCompressedAck(tcp: TcpContext, c: TcpConnection): void {
  if (c.compressedAck === 0) return;
  c.compressedAckTimeout = NEVER;
  tcp.ext.TCPAckCompressed += c.compressedAck - 1;
  c.compressedAck = 0;
  sendAck(tcp, c);
}

/** What the reader has taken out may be worth telling the sender (`__tcp_cleanup_rbuf`). */
export function cleanupReceiveBuffer(tcp: TcpContext, c: TcpConnection, copied: number): void {
  const unread = (c.rcvNxt - c.copiedSeq) | 0;
  let now = false;
  if ((c.ackPending & ACK_SCHED) !== 0) {
    const waiting = (c.rcvNxt - c.rcvWup) | 0;
    now =
      waiting > c.rcvMss ||
      // The sender may be waiting for an answer to what it pushed, and all of it was read.
      (copied > 0 &&
        ((c.ackPending & ACK_PUSHED2) !== 0 || ((c.ackPending & ACK_PUSHED) !== 0 && c.pingpong < PINGPONG_THRESH)) &&
        unread === 0);
  }
  if (copied > 0 && !now && (c.shutdown & 1) === 0) now = windowMoved(tcp, c);
  if (now) sendAck(tcp, c);
}

/** The window has grown so much that the sender should know: it doubled (Linux), or by two segments or half the buffer (BSD). */
function windowMoved(tcp: TcpContext, c: TcpConnection): boolean {
  const current = Math.max((c.rcvWup + c.rcvWnd - c.rcvNxt) | 0, 0);
  if (tcp.settings.windowUpdates === "bsd") {
    const grown = windowToOffer(tcp, c) - current;
    return grown >= 2 * c.advmss && (grown >= c.rcvbuf / 4 || current <= c.rcvbuf / 8 || c.rcvbuf <= 8 * c.advmss);
  }
  if (2 * current > c.windowClamp) return false;
  const offered = windowToOffer(tcp, c);
  return offered !== 0 && offered >= 2 * current;
}

function roundUp(ns: Nanos): Nanos {
  return Math.ceil(ns / JIFFY) * JIFFY;
}
