import {
  caStateAtLeast,
  currentSsthresh,
  packetsInFlight,
  rackMayBeLost,
  type RackOptions,
  rackReoWndUs,
  rackTimeoutUs,
} from "@seville/congestion";
import { NS_PER_MS } from "@seville/core";
import { TIMER_REO_TIMEOUT, type TcpConnection } from "./connection.ts";
import type { TcpContext } from "./context.ts";
import { ecnQueueCwr } from "./ecn.ts";
import { setCaState } from "./ca-state.ts";
import { observeLoss } from "./observe.ts";
import { limitRenoSacked } from "./reno.ts";
import { sentListRemove } from "./sent-list.ts";
import { after, before } from "./seq.ts";
import { LOST, SACKED_ACKED, SACKED_RETRANS, type TxSegment } from "./tx-segment.ts";
import { initUndo } from "./undo.ts";
import { rtxHead, splitSegment } from "./write-queue.ts";
import { resetXmitTimer } from "./xmit-timer.ts";

/*
 * What is lost: by time (RACK, RFC 8985 §6.2), by count (RFC 6675, RFC 6582), or all of it (RFC 6298 §5.4).
 */

/** RACK decides (`tcp_is_rack`). */
export function isRack(tcp: TcpContext): boolean {
  return (tcp.settings.tcp_recovery & 1) !== 0;
}

export function rackOptions(tcp: TcpContext): RackOptions {
  options.staticReoWnd = (tcp.settings.tcp_recovery & 2) !== 0;
  options.noDupthresh = (tcp.settings.tcp_recovery & 4) !== 0;
  return options;
}

const options: RackOptions = {};

/** Counts `segment` as lost, or its retransmission as lost again (`tcp_mark_skb_lost`). */
export function markLost(tcp: TcpContext, c: TcpConnection, segment: TxSegment): void {
  const { sacked, pcount } = segment;
  if ((sacked & SACKED_ACKED) !== 0) return;
  noteForRetransmission(c, segment);
  const again = (sacked & LOST) !== 0;
  if ((sacked & LOST) === 0) {
    c.lostOut += pcount;
    segment.sacked |= LOST;
  } else if ((sacked & SACKED_RETRANS) !== 0) {
    segment.sacked &= ~SACKED_RETRANS;
    c.retransOut -= pcount;
    tcp.ext.TCPLostRetransmit += pcount;
  } else return;
  c.lost += pcount;
  c.congestion?.markedLost?.(segment, pcount);
  if (c.lossObserver !== undefined) observeLoss(c, c.lossObserver, segment, again);
}

/** The next retransmission begins here, if this is before where it would (`tcp_verify_retransmit_hint`). */
function noteForRetransmission(c: TcpConnection, segment: TxSegment): void {
  const hint = c.retransmitHint;
  if (hint === undefined ? c.retransOut >= c.lostOut : before(segment.seq, hint.seq)) c.retransmitHint = segment;
}

/** What RACK finds lost now; sets the reordering timer for what may be. Answers whether the timer was set (`tcp_rack_mark_lost`). */
export function rackMarkLost(tcp: TcpContext, c: TcpConnection): boolean {
  if (!c.rack.advanced) return false;
  c.rack.advanced = false;
  const waitUs = rackDetectLoss(tcp, c);
  if (waitUs <= 0) return false;
  resetXmitTimer(tcp, c, TIMER_REO_TIMEOUT, Math.min(waitUs * 1000 + 2 * NS_PER_MS, c.rto));
  return true;
}

/** Marks what was sent long enough before something that was delivered; answers how long to wait for the rest, µs. */
export function rackDetectLoss(tcp: TcpContext, c: TcpConnection): number {
  let wait = 0;
  const window = rackReoWndUs(c, rackOptions(tcp));
  let next: TxSegment | undefined;
  for (let segment = c.tsHead; segment !== undefined; segment = next) {
    next = segment.tsNext;
    if ((segment.sacked & (LOST | SACKED_RETRANS)) === LOST) continue;
    if (!rackMayBeLost(c, segment.sentAt, segment.endSeq)) break;
    const remaining = rackTimeoutUs(c, segment.sentAt, window);
    if (remaining <= 0) {
      markLost(tcp, c, segment);
      sentListRemove(c, segment);
    } else wait = Math.max(wait, remaining);
  }
  return wait;
}

/** Without SACK the first segment is lost after enough duplicate ACKs, and after every partial ACK (`tcp_newreno_mark_lost`). */
export function newrenoMarkLost(tcp: TcpContext, c: TcpConnection, sndUnaAdvanced: boolean): void {
  const recovery = c.caState === "recovery";
  if (!((!caStateAtLeast(c.caState, "recovery") && c.sackedOut >= c.reordering) || (recovery && sndUnaAdvanced)))
    return;
  const head = rtxHead(c);
  if (head === undefined || (head.sacked & LOST) !== 0) return;
  splitHead(tcp, c, head);
  markLost(tcp, c, head);
}

function splitHead(tcp: TcpContext, c: TcpConnection, head: TxSegment): void {
  if (head.pcount > 1 && head.length > head.gsoSize && c.rtxQueue !== undefined) {
    splitSegment(tcp, c, c.rtxQueue, 0, head.gsoSize, head.gsoSize);
  }
}

/** RFC 6675's count, where RACK is off: what has `reordering` SACKed segments behind it (`tcp_update_scoreboard`). */
export function updateScoreboard(tcp: TcpContext, c: TcpConnection, fastRexmit: boolean): void {
  if (!c.sackOk) return;
  const upTo = c.sackedOut - c.reordering;
  if (upTo >= 0) markHeadLost(tcp, c, upTo, false);
  else if (fastRexmit) markHeadLost(tcp, c, 1, true);
}

/** `tcp_mark_head_lost`. */
function markHeadLost(tcp: TcpContext, c: TcpConnection, packets: number, headOnly: boolean): void {
  const queue = c.rtxQueue;
  if (queue === undefined) return;
  let count = 0;
  for (let i = 0; i < queue.length; i++) {
    const segment = queue.at(i) as TxSegment;
    if (after(segment.endSeq, c.sndNxt)) return;
    if ((segment.sacked & SACKED_ACKED) !== 0) count += segment.pcount;
    if (count > packets) return;
    if ((segment.sacked & LOST) === 0) markLost(tcp, c, segment);
    if (headOnly) return;
  }
}

/** The retransmission timer expired: slow start from one segment (RFC 5681 §3.1, `tcp_enter_loss`). */
export function enterLoss(tcp: TcpContext, c: TcpConnection): void {
  const newRecovery = !caStateAtLeast(c.caState, "recovery");
  const early = c.caState === "open" || c.caState === "disorder";
  timeoutMarkLost(tcp, c);
  if (early || !after(c.highSeq, c.sndUna) || (c.caState === "loss" && c.retransmits === 0)) {
    c.priorSsthresh = currentSsthresh(c);
    c.priorCwnd = c.sndCwnd;
    if (c.congestion !== undefined) {
      c.sndSsthresh = c.congestion.ssthresh();
      c.congestion.cwndEvent?.("loss");
    }
    initUndo(c);
  }
  c.sndCwnd = packetsInFlight(c) + 1;
  c.sndCwndCnt = 0;
  c.sndCwndStamp = c.now;
  // So many duplicate ACKs before a timeout: reordering was overestimated.
  if (early && c.sackedOut >= tcp.settings.tcp_reordering) {
    c.reordering = Math.min(c.reordering, tcp.settings.tcp_reordering);
  }
  setCaState(c, "loss");
  c.highSeq = c.sndNxt;
  c.tlpOut = false;
  ecnQueueCwr(c);
  // RFC 5682 §3.1 step 1.
  c.frto =
    tcp.settings.tcp_frto !== 0 && (newRecovery || c.retransmits > 0) && (c.mtuProbe?.search.probeSize ?? 0) === 0;
}

/** Everything that is not SACKED is lost, except what RACK says was sent only lately (`tcp_timeout_mark_lost`). */
function timeoutMarkLost(tcp: TcpContext, c: TcpConnection): void {
  const queue = c.rtxQueue;
  const head = rtxHead(c);
  if (queue === undefined || head === undefined) return;
  const reneging = (head.sacked & SACKED_ACKED) !== 0;
  if (reneging) {
    // What was SACKED has not become part of the stream: the receiver took it back (RFC 2018 §8).
    tcp.ext.TCPSACKReneging++;
    c.sackedOut = 0;
    c.isSackReneg = true;
  } else if (!c.sackOk) c.sackedOut = 0;
  for (let i = 0; i < queue.length; i++) {
    const segment = queue.at(i) as TxSegment;
    if (reneging) segment.sacked &= ~SACKED_ACKED;
    else if (isRack(tcp) && i > 0 && rackTimeoutUs(c, segment.sentAt, 0) > 0) continue;
    markLost(tcp, c, segment);
  }
  c.retransmitHint = undefined;
  c.sackCacheCount = 0;
}

/** Segments larger than the MSS will never arrive: the path MTU has shrunk (`tcp_simple_retransmit`'s marking). */
export function markTooLarge(tcp: TcpContext, c: TcpConnection, mss: number): boolean {
  const queue = c.rtxQueue;
  if (queue === undefined) return false;
  for (let i = 0; i < queue.length; i++) {
    const segment = queue.at(i) as TxSegment;
    if ((segment.pcount > 1 ? segment.gsoSize : segment.length) > mss) markLost(tcp, c, segment);
  }
  if (c.lostOut === 0) return false;
  if (!c.sackOk) limitRenoSacked(c);
  return true;
}
