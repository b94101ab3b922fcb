import { NO_TIME, rackRecoveryDone, undoCwndReduction } from "@seville/congestion";
import { setCaState } from "./ca-state.ts";
import type { TcpConnection } from "./connection.ts";
import type { TcpContext } from "./context.ts";
import { ecnWithdrawCwr } from "./ecn.ts";
import { checkSackReordering } from "./reordering.ts";
import { before, tsClock } from "./seq.ts";
import { EVER_RETRANS, LOST, type TxSegment } from "./tx-segment.ts";
import { rtxHead } from "./write-queue.ts";

/*
 * Was it a mistake? By DSACK (RFC 3708), by timestamps (Eifel, RFC 3522), by what F-RTO finds (RFC 5682): then window and threshold return.
 */

/** A recovery begins: from here on retransmissions are counted (`tcp_init_undo`). */
export function initUndo(c: TcpConnection): void {
  c.undoMarker = true;
  c.undoMarkerSeq = c.sndUna;
  // Retransmissions that are still out may be reported as duplicates, and 0 means "all were".
  c.undoRetrans = c.retransOut + (c.tlpOut && c.tlpRetrans ? 1 : 0);
  if (c.undoRetrans === 0) c.undoRetrans = -1;
}

/** The echoed timestamp is older than `when`: what is acknowledged was sent before (`tcp_tsopt_ecr_before`). */
function echoedBefore(c: TcpConnection, when: number): boolean {
  return c.sawTstamp && c.rcvTsecr !== 0 && before(c.rcvTsecr, tsClock(when));
}

/** `segment` was retransmitted, but its original was acknowledged (`tcp_skb_spurious_retrans`). */
export function isSpuriousRetrans(c: TcpConnection, segment: TxSegment): boolean {
  return (segment.sacked & EVER_RETRANS) !== 0 && echoedBefore(c, segment.sentAt);
}

/** The original came late, it was not lost (`tcp_packet_delayed`). */
function packetDelayed(c: TcpConnection): boolean {
  if (c.retransStamp !== NO_TIME) return echoedBefore(c, c.retransStamp);
  if (!c.sackOk && !before(c.sndUna, c.highSeq)) return false;
  return c.state !== "SYN_SENT";
}

function mayUndo(c: TcpConnection): boolean {
  return c.undoMarker && (c.undoRetrans === 0 || packetDelayed(c));
}

/** Something that is out was sent more than once (`tcp_any_retrans_done`). */
export function anyRetransDone(c: TcpConnection): boolean {
  return c.retransOut > 0 || ((rtxHead(c)?.sacked ?? 0) & EVER_RETRANS) !== 0;
}

/** `tcp_retrans_stamp_cleanup`. */
export function cleanRetransStamp(c: TcpConnection): void {
  if (!anyRetransDone(c)) c.retransStamp = NO_TIME;
}

/** `tcp_undo_cwnd_reduction`; `unmarkLoss`: nothing is lost after all. */
function undoReduction(c: TcpConnection, unmarkLoss: boolean): void {
  if (unmarkLoss) {
    const queue = c.rtxQueue;
    for (let i = 0; queue !== undefined && i < queue.length; i++) {
      const segment = queue.at(i) as TxSegment;
      segment.sacked &= ~LOST;
    }
    c.lostOut = 0;
    c.retransmitHint = undefined;
  }
  if (c.priorSsthresh !== 0 && c.priorSsthresh > c.sndSsthresh) ecnWithdrawCwr(c);
  if (c.congestion !== undefined) undoCwndReduction(c, c.congestion);
  else c.undoMarker = false;
}

/** Without SACK the state is left only when something above `highSeq` is acknowledged (RFC 6582 §4; `tcp_is_non_sack_preventing_reopen`). */
function renoHoldsState(c: TcpConnection): boolean {
  if (c.sndUna !== c.highSeq || c.sackOk) return false;
  if (!anyRetransDone(c)) c.retransStamp = NO_TIME;
  return true;
}

/** Recovery is over: was it needed? Answers whether the state must be held on to (`tcp_try_undo_recovery`). */
export function tryUndoRecovery(tcp: TcpContext, c: TcpConnection): boolean {
  if (mayUndo(c)) {
    undoReduction(c, false);
    if (c.caState === "loss") tcp.ext.TCPLossUndo++;
    else tcp.ext.TCPFullUndo++;
  } else rackRecoveryDone(c, false);
  if (renoHoldsState(c)) return true;
  setCaState(c, "open");
  c.isSackReneg = false;
  return false;
}

/** All retransmissions were reported as duplicates (`tcp_try_undo_dsack`). */
export function tryUndoDsack(tcp: TcpContext, c: TcpConnection): boolean {
  if (!c.undoMarker || c.undoRetrans !== 0) return false;
  rackRecoveryDone(c, true);
  undoReduction(c, false);
  tcp.ext.TCPDSACKUndo++;
  return true;
}

/** The timeout was spurious: by timestamps or DSACK, or `frto` says so (`tcp_try_undo_loss`). */
export function tryUndoLoss(tcp: TcpContext, c: TcpConnection, frto: boolean): boolean {
  if (!frto && !mayUndo(c)) return false;
  undoReduction(c, true);
  tcp.ext.TCPLossUndo++;
  if (frto) tcp.ext.TCPSpuriousRTOs++;
  c.retransmits = 0;
  if (renoHoldsState(c)) return true;
  if (frto || c.sackOk) {
    setCaState(c, "open");
    c.isSackReneg = false;
  }
  return true;
}

/** What a partial ACK tells of a recovery (`tcp_try_undo_partial`). */
export const PARTIAL_NONE = 0;
/** A hole was filled by a late original: wait for the retransmissions that are out. */
export const PARTIAL_WAIT = 1;
/** It was undone. */
export const PARTIAL_UNDONE = 2;

export function tryUndoPartial(tcp: TcpContext, c: TcpConnection, priorSndUna: number): number {
  if (!c.undoMarker || !packetDelayed(c)) return PARTIAL_NONE;
  checkSackReordering(tcp, c, priorSndUna, true);
  if (c.retransOut > 0) return PARTIAL_WAIT;
  if (!anyRetransDone(c)) c.retransStamp = NO_TIME;
  undoReduction(c, true);
  tcp.ext.TCPPartialUndo++;
  return PARTIAL_UNDONE;
}

/** Whether the SYN or SYN/ACK that timed out was not lost (`tcp_try_undo_spurious_syn`). */
export function tryUndoSpuriousSyn(c: TcpConnection): void {
  if (c.undoMarker && c.retransStamp !== NO_TIME && c.sawTstamp && tsClock(c.retransStamp) === c.rcvTsecr) {
    c.undoMarker = false;
  }
}
