import {
  type CaState,
  caStateAtLeast,
  currentSsthresh,
  endCwndReduction,
  inCwndReduction,
  initCwndReduction,
  NO_TIME,
} from "@seville/congestion";
import { NS_PER_MS } from "@seville/core";
import {
  FLAG_DATA_SACKED,
  FLAG_ECE,
  FLAG_LOST_RETRANS,
  FLAG_NOT_DUP,
  FLAG_ORIG_SACK_ACKED,
  FLAG_SACK_RENEGING,
  FLAG_SET_XMIT_TIMER,
  FLAG_SND_UNA_ADVANCED,
  FLAG_DSACK_TLP,
} from "./ack-flags.ts";
import { setCaState } from "./ca-state.ts";
import { TIMER_RETRANS, type TcpConnection } from "./connection.ts";
import { NAGLE_OFF } from "./constants.ts";
import type { TcpContext } from "./context.ts";
import { ecnQueueCwr } from "./ecn.ts";
import { isRack, markTooLarge, newrenoMarkLost, rackMarkLost, updateScoreboard } from "./loss.ts";
import { currentMss, mtuProbeFailed } from "./mtu.ts";
import { addRenoSack } from "./reno.ts";
import { highestSackSeq } from "./reordering.ts";
import { xmitRetransmitQueue } from "./retransmit.ts";
import { after, before } from "./seq.ts";
import {
  anyRetransDone,
  cleanRetransStamp,
  initUndo,
  PARTIAL_NONE,
  PARTIAL_UNDONE,
  PARTIAL_WAIT,
  tryUndoDsack,
  tryUndoLoss,
  tryUndoPartial,
  tryUndoRecovery,
} from "./undo.ts";
import { wndEnd } from "./window.ts";
import { rtxQueueEmpty, writeQueueEmpty } from "./write-queue.ts";
import { pushPending } from "./write-xmit.ts";
import { resetXmitTimer } from "./xmit-timer.ts";

/*
 * Fast recovery and recovery from timeouts: the state machine open, disorder, cwr, recovery, loss (tcp_fastretrans_alert; RFC 5681, 6582,
 * 6675, 6937, 5682).
 */

/** What is to be sent after the acknowledgment has been worked on. */
export const REXMIT_NONE = 0;
export const REXMIT_LOST = 1;
/** F-RTO: new data first. */
export const REXMIT_NEW = 2;

/** Flags and what to send, as changed by {@link fastretransAlert}. */
export interface AckVerdict {
  flag: number;
  rexmit: number;
}

/** Something is unusual, or a recovery is under way. */
export function fastretransAlert(
  tcp: TcpContext,
  c: TcpConnection,
  priorSndUna: number,
  duplicates: number,
  verdict: AckVerdict,
): void {
  const { flag } = verdict;
  const ece = (flag & FLAG_ECE) !== 0;
  let doLost = duplicates > 0 || ((flag & FLAG_DATA_SACKED) !== 0 && forceFastRetransmit(c));
  let fastRexmit = false;
  if (c.packetsOut === 0 && c.sackedOut > 0) c.sackedOut = 0;
  // Congestion that the network reported is not undone.
  if (ece) c.priorSsthresh = 0;
  if (sackReneging(tcp, c, verdict)) return;
  if (c.caState === "open") c.retransStamp = NO_TIME;
  else if (!before(c.sndUna, c.highSeq) && leaveState(tcp, c)) return;

  switch (c.caState) {
    case "recovery": {
      if ((flag & FLAG_SND_UNA_ADVANCED) === 0) {
        if (!c.sackOk) addRenoSack(tcp, c, duplicates, ece);
      } else {
        const partial = tryUndoPartial(tcp, c, priorSndUna);
        if (partial === PARTIAL_WAIT) return;
        if (partial === PARTIAL_UNDONE) tryKeepOpen(c);
        if (partial === PARTIAL_NONE) doLost = forceFastRetransmit(c);
      }
      if (tryUndoDsack(tcp, c)) tryToOpen(c, flag);
      identifyLoss(tcp, c, verdict);
      if (stateNow(c) !== "recovery") {
        if (!timeToRecover(tcp, c)) return;
        // It was undone, but something is lost nevertheless.
        enterRecovery(tcp, c, ece);
      }
      break;
    }
    case "loss": {
      processLoss(tcp, c, flag, duplicates, verdict);
      if (stateNow(c) !== "loss") updateRtoTime(c);
      identifyLoss(tcp, c, verdict);
      if (stateNow(c) !== "open" && (verdict.flag & FLAG_LOST_RETRANS) === 0) return;
      if (!afterDisorder(tcp, c, flag, duplicates, ece, verdict)) return;
      fastRexmit = true;
      break;
    }
    default:
      if (!afterDisorder(tcp, c, flag, duplicates, ece, verdict)) return;
      fastRexmit = true;
  }
  if (!isRack(tcp) && doLost) updateScoreboard(tcp, c, fastRexmit);
  verdict.rexmit = REXMIT_LOST;
}

/** The state as it is now: the compiler believes that it cannot have changed. */
function stateNow(c: TcpConnection): CaState {
  return c.caState;
}

/** States that are no recovery: is this the start of one? Answers whether recovery was entered. */
function afterDisorder(
  tcp: TcpContext,
  c: TcpConnection,
  flag: number,
  duplicates: number,
  ece: boolean,
  verdict: AckVerdict,
): boolean {
  if (!c.sackOk) {
    if ((flag & FLAG_SND_UNA_ADVANCED) !== 0) c.sackedOut = 0;
    addRenoSack(tcp, c, duplicates, ece);
  }
  if (c.caState === "open" || c.caState === "disorder") tryUndoDsack(tcp, c);
  identifyLoss(tcp, c, verdict);
  if (!timeToRecover(tcp, c)) {
    tryToOpen(c, flag);
    return false;
  }
  const probe = c.mtuProbe;
  if (
    !caStateAtLeast(c.caState, "cwr") &&
    probe !== undefined &&
    probe.search.probeSize !== 0 &&
    c.sndUna === probe.probeStart
  ) {
    // Only the probe is lost: it was too large.
    mtuProbeFailed(tcp, c);
    c.sndCwnd++;
    simpleRetransmit(tcp, c);
    return false;
  }
  enterRecovery(tcp, c, ece);
  return true;
}

/** Everything up to `highSeq` is acknowledged. Answers whether that is all for this acknowledgment. */
function leaveState(tcp: TcpContext, c: TcpConnection): boolean {
  if (c.caState === "cwr") {
    // CWR must reach the receiver: not before something above highSeq is acknowledged.
    if (c.sndUna !== c.highSeq) {
      endReduction(c);
      setCaState(c, "open");
    }
  } else if (c.caState === "recovery") {
    if (!c.sackOk) c.sackedOut = 0;
    if (tryUndoRecovery(tcp, c)) return true;
    endReduction(c);
  }
  return false;
}

/** The receiver took SACKs back: a short timer decides (`tcp_check_sack_reneging`). */
function sackReneging(tcp: TcpContext, c: TcpConnection, verdict: AckVerdict): boolean {
  const both = FLAG_SACK_RENEGING | FLAG_SND_UNA_ADVANCED;
  if ((verdict.flag & both) !== both) return false;
  resetXmitTimer(tcp, c, TIMER_RETRANS, Math.max(Math.floor(c.srttUs / 16) * 1000, 10 * NS_PER_MS));
  verdict.flag &= ~FLAG_SET_XMIT_TIMER;
  return true;
}

/** SACKs are so far ahead that a hole is a loss (`tcp_force_fast_retransmit`). */
function forceFastRetransmit(c: TcpConnection): boolean {
  return after(highestSackSeq(c), (c.sndUna + c.reordering * c.mssCache) | 0);
}

/** `tcp_time_to_recover`. */
function timeToRecover(tcp: TcpContext, c: TcpConnection): boolean {
  return c.lostOut > 0 || (!isRack(tcp) && c.sackedOut + 1 > c.reordering);
}

/** `tcp_identify_packet_loss`. */
function identifyLoss(tcp: TcpContext, c: TcpConnection, verdict: AckVerdict): void {
  if (rtxQueueEmpty(c)) return;
  if (!c.sackOk) {
    newrenoMarkLost(tcp, c, (verdict.flag & FLAG_SND_UNA_ADVANCED) !== 0);
    return;
  }
  if (!isRack(tcp)) return;
  const prior = c.retransOut;
  if (rackMarkLost(tcp, c)) verdict.flag &= ~FLAG_SET_XMIT_TIMER;
  if (prior > c.retransOut) verdict.flag |= FLAG_LOST_RETRANS;
}

/** `tcp_enter_recovery`. */
export function enterRecovery(tcp: TcpContext, c: TcpConnection, ece: boolean): void {
  cleanRetransStamp(c);
  if (c.sackOk) tcp.ext.TCPSackRecovery++;
  else tcp.ext.TCPRenoRecovery++;
  c.priorSsthresh = 0;
  initUndo(c);
  if (!inCwndReduction(c)) {
    if (!ece) c.priorSsthresh = currentSsthresh(c);
    startReduction(c);
  }
  setCaState(c, "recovery");
}

/** `tcp_init_cwnd_reduction`. */
function startReduction(c: TcpConnection): void {
  if (c.congestion === undefined) return;
  c.tlpOut = false;
  initCwndReduction(c, c.congestion);
  ecnQueueCwr(c);
}

function endReduction(c: TcpConnection): void {
  if (c.congestion !== undefined) endCwndReduction(c, c.congestion);
}

/** Congestion was noticed where nothing is lost (`tcp_enter_cwr`). */
export function enterCwr(c: TcpConnection): void {
  c.priorSsthresh = 0;
  if (caStateAtLeast(c.caState, "cwr")) return;
  c.undoMarker = false;
  startReduction(c);
  setCaState(c, "cwr");
}

/** `tcp_try_keep_open`. */
function tryKeepOpen(c: TcpConnection): void {
  const state = c.sackedOut + c.lostOut > 0 || anyRetransDone(c) ? "disorder" : "open";
  if (c.caState === state) return;
  setCaState(c, state);
  c.highSeq = c.sndNxt;
}

/** `tcp_try_to_open`. */
function tryToOpen(c: TcpConnection, flag: number): void {
  cleanRetransStamp(c);
  if ((flag & FLAG_ECE) !== 0) enterCwr(c);
  if (c.caState !== "cwr") tryKeepOpen(c);
}

/** After a timeout (`tcp_process_loss`, F-RTO of RFC 5682 §3). */
function processLoss(tcp: TcpContext, c: TcpConnection, flag: number, duplicates: number, verdict: AckVerdict): void {
  const recovered = !before(c.sndUna, c.highSeq);
  const advanced = (flag & FLAG_SND_UNA_ADVANCED) !== 0;
  if ((advanced || c.fastOpen?.server === true) && tryUndoLoss(tcp, c, false)) return;
  if (c.frto) {
    // Step 3.b: something arrived that was never retransmitted.
    if ((flag & FLAG_ORIG_SACK_ACKED) !== 0 && tryUndoLoss(tcp, c, true)) return;
    if (after(c.sndNxt, c.highSeq)) {
      if ((flag & FLAG_DATA_SACKED) !== 0 || duplicates > 0) c.frto = false;
    } else if (advanced && !recovered) {
      c.highSeq = c.sndNxt;
      // Step 2.b: new data shows whether the rest is lost.
      if (!writeQueueEmpty(c) && after(wndEnd(c), c.sndNxt)) {
        verdict.rexmit = REXMIT_NEW;
        return;
      }
      c.frto = false;
    }
  }
  if (recovered) {
    tryUndoRecovery(tcp, c);
    return;
  }
  if (!c.sackOk) {
    if (after(c.sndNxt, c.highSeq) && duplicates > 0) addRenoSack(tcp, c, duplicates, (flag & FLAG_ECE) !== 0);
    else if (advanced) c.sackedOut = 0;
  }
  verdict.rexmit = REXMIT_LOST;
}

/** `tcp_update_rto_time`. */
export function updateRtoTime(c: TcpConnection): void {
  if (c.rtoStamp === NO_TIME) return;
  c.totalRtoTime += c.now - c.rtoStamp;
  c.rtoStamp = NO_TIME;
}

/** An acknowledgment while a loss probe is out (RFC 8985 §7.4, `tcp_process_tlp_ack`). */
export function processTlpAck(tcp: TcpContext, c: TcpConnection, ack: number, flag: number): void {
  if (before(ack, c.tlpHighSeq)) return;
  if (!c.tlpRetrans || (flag & FLAG_DSACK_TLP) !== 0) {
    c.tlpOut = false;
  } else if (after(ack, c.tlpHighSeq)) {
    // The probe repaired a loss, of which nobody else would tell the congestion control.
    startReduction(c);
    setCaState(c, "cwr");
    endReduction(c);
    tryKeepOpen(c);
    tcp.ext.TCPLossProbeRecovery++;
  } else if ((flag & (FLAG_SND_UNA_ADVANCED | FLAG_NOT_DUP | FLAG_DATA_SACKED)) === 0) {
    c.tlpOut = false;
  }
}

/** Sends what {@link fastretransAlert} has decided (`tcp_xmit_recovery`). */
export function xmitRecovery(tcp: TcpContext, c: TcpConnection, rexmit: number): void {
  if (rexmit === REXMIT_NONE || c.state === "SYN_SENT") return;
  if (rexmit === REXMIT_NEW) {
    pushPending(tcp, c, NAGLE_OFF);
    if (after(c.sndNxt, c.highSeq)) return;
    c.frto = false;
  }
  xmitRetransmitQueue(tcp, c);
}

/** The path MTU has shrunk: what is too large goes again, without blaming congestion (`tcp_simple_retransmit`). */
export function simpleRetransmit(tcp: TcpContext, c: TcpConnection): void {
  // Fast Open's data stands in the queue beside its SYN: all of it is taken to be lost.
  const mss = c.fastOpen?.synData === true && c.state === "SYN_SENT" ? -1 : currentMss(tcp, c);
  if (markTooLarge(tcp, c, mss)) nonCongestionLossRetransmit(tcp, c);
}

/** `tcp_non_congestion_loss_retransmit`. */
export function nonCongestionLossRetransmit(tcp: TcpContext, c: TcpConnection): void {
  if (c.caState !== "loss") {
    c.highSeq = c.sndNxt;
    c.sndSsthresh = currentSsthresh(c);
    c.priorSsthresh = 0;
    c.undoMarker = false;
    setCaState(c, "loss");
  }
  xmitRetransmitQueue(tcp, c);
}
