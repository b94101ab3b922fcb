import {
  type AckOutcome,
  type CongControlOptions,
  congControl,
  cwndRestart,
  packetsInFlight,
  rackUpdateReoWnd,
  rateGen,
  resetRateSample,
} from "@seville/congestion";
import { NO_TIME } from "@seville/congestion";
import type { DropReason } from "@seville/core";
import { tcp as wire } from "@seville/packet";
import {
  FLAG_ACK_MAYBE_DELAYED,
  FLAG_CA_ALERT,
  FLAG_DATA,
  FLAG_DATA_ACKED,
  FLAG_DSACKING_ACK,
  FLAG_ECE,
  FLAG_FORWARD_PROGRESS,
  FLAG_NO_CHALLENGE_ACK,
  FLAG_NOT_DUP,
  FLAG_SET_XMIT_TIMER,
  FLAG_SLOWPATH,
  FLAG_SND_UNA_ADVANCED,
  FLAG_UPDATE_TS_RECENT,
  FLAG_WIN_UPDATE,
} from "./ack-flags.ts";
import { sendChallengeAck } from "./challenge.ts";
import { cleanRtxQueue } from "./clean-rtx.ts";
import { TIMER_PROBE0, type TcpConnection } from "./connection.ts";
import type { TcpContext } from "./context.ts";
import { tcpCountDelivered } from "./delivered.ts";
import { accEcnAcknowledged, ecnAcceptCwr, ecnEcho } from "./ecn.ts";
import { rackOptions } from "./loss.ts";
import { syncMss } from "./mtu.ts";
import { observeAck } from "./observe.ts";
import type { Segment } from "./parts.ts";
import { plbOnAck } from "./plb.ts";
import { type AckVerdict, fastretransAlert, processTlpAck, REXMIT_NONE, xmitRecovery } from "./recover.ts";
import { highestSackSeq } from "./reordering.ts";
import { sacktag } from "./sack.ts";
import { after, before } from "./seq.ts";
import { replaceTsRecent } from "./timestamps.ts";
import { wndEnd } from "./window.ts";
import { sendHead, writeQueueEmpty } from "./write-queue.ts";
import { clearXmitTimer, probe0When, resetXmitTimer, setXmitTimer } from "./xmit-timer.ts";

/*
 * The acknowledgment of a segment (RFC 9293 §3.10.7.4 fifth, RFC 5681; tcp_ack).
 */

/** It was worked on; or it is older than what we know, which is not wrong; or it is wrong, and why. */
export type AckResult = "ok" | "old" | DropReason;

const verdict: AckVerdict = { flag: 0, rexmit: REXMIT_NONE };
const outcome: AckOutcome = {
  ack: 0,
  ackedSacked: 0,
  sndUnaAdvanced: false,
  dataAcked: false,
  forwardProgress: false,
};
const controlOptions: { -readonly [K in keyof CongControlOptions]: CongControlOptions[K] } = {};
const ackEvent = { slowPath: false, winUpdate: false, ece: false };

/** Works on the acknowledgment of `s`. */
export function acknowledge(tcp: TcpContext, c: TcpConnection, s: Segment, flags: number): AckResult {
  let flag = flags;
  const { ack } = s;
  const { sack, sample } = tcp;
  const priorSndUna = c.sndUna;
  const priorPackets = c.packetsOut;
  const priorDelivered = c.delivered;
  const priorLost = c.lost;
  const wasSackReneg = c.isSackReneg;
  sack.reset();
  resetRateSample(sample, packetsInFlight(c));
  verdict.rexmit = REXMIT_NONE;
  if (before(ack, priorSndUna)) return oldAck(tcp, c, s, flag, priorSndUna);
  if (after(ack, c.sndNxt)) {
    // RFC 9293 §3.10.7.4, fifth: an acknowledgment of what was not sent is answered (Linux since 6.17).
    if ((flag & FLAG_NO_CHALLENGE_ACK) === 0) sendChallengeAck(tcp, c);
    return "TCP_ACK_UNSENT_DATA";
  }
  if (after(ack, priorSndUna)) {
    flag |= FLAG_SND_UNA_ADVANCED;
    c.retransmits = 0;
  }
  const priorFack = c.sackOk ? highestSackSeq(c) : c.sndUna;
  if ((flag & FLAG_UPDATE_TS_RECENT) !== 0) replaceTsRecent(c, s.seq);
  if ((flag & (FLAG_SLOWPATH | FLAG_SND_UNA_ADVANCED)) === FLAG_SND_UNA_ADVANCED) {
    // Predicted: only SND.UNA moves.
    c.sndWl1 = s.seq;
    updateSndUna(c, ack);
    flag |= FLAG_WIN_UPDATE;
    tcp.ext.TCPHPAcks++;
  } else {
    if (s.seq !== s.endSeq) flag |= FLAG_DATA;
    else tcp.ext.TCPPureAcks++;
    flag |= updateSendWindow(tcp, c, s);
    if (s.options.sackCount > 0 && c.sackOk) flag |= sacktag(tcp, c, s, priorSndUna);
    if (ecnEcho(c, s)) flag |= FLAG_ECE;
    if (sack.sackDelivered > 0) tcpCountDelivered(c, sack.sackDelivered, (flag & FLAG_ECE) !== 0);
  }
  ecnAcceptCwr(c, s);
  c.softError = undefined;
  c.probesOut = 0;
  c.rcvTstamp = c.now;
  if (priorPackets === 0) {
    nothingWasOut(tcp, c, s, flag, priorSndUna, priorDelivered);
    return "ok";
  }
  flag |= cleanRtxQueue(tcp, c, priorFack, priorSndUna, (flag & FLAG_ECE) !== 0, flag);
  if (c.accEcn !== undefined) {
    flag |= accEcnAcknowledged(c, s, priorDelivered, (c.sndUna - priorSndUna) | 0, isForward(flag));
  }
  rackUpdateReoWnd(c, sample, rackOptions(tcp));
  tellAckEvent(c, flag);
  if (c.tlpOut) processTlpAck(tcp, c, ack, flag);
  if (isDubious(c, flag)) {
    verdict.flag = flag;
    fastretransAlert(tcp, c, priorSndUna, duplicatesIn(s, flag), verdict);
    flag = verdict.flag;
  }
  if ((flag & FLAG_SET_XMIT_TIMER) !== 0) setXmitTimer(tcp, c);
  const delivered = newlyDelivered(tcp, c, priorDelivered, flag);
  sample.isAckDelayed = (flag & FLAG_ACK_MAYBE_DELAYED) !== 0;
  sample.isEce = (flag & FLAG_ECE) !== 0;
  rateGen(c, delivered, c.lost - priorLost, wasSackReneg, sample);
  if (c.lossObserver !== undefined) observeAck(tcp, c, c.lossObserver, delivered, priorSndUna);
  control(tcp, c, ack, delivered, flag);
  plbOnAck(tcp, c);
  xmitRecovery(tcp, c, verdict.rexmit);
  return "ok";
}

/** An acknowledgment from before SND.UNA (`old_ack`); a very old one is answered (RFC 5961 §5.2). */
function oldAck(tcp: TcpContext, c: TcpConnection, s: Segment, flags: number, priorSndUna: number): AckResult {
  let flag = flags;
  const window = Math.min(c.maxWindow, c.bytesAcked);
  if (before(s.ack, (priorSndUna - window) | 0)) {
    if ((flag & FLAG_NO_CHALLENGE_ACK) === 0) sendChallengeAck(tcp, c);
    return "TCP_TOO_OLD_ACK";
  }
  if ((flag & FLAG_UPDATE_TS_RECENT) !== 0) replaceTsRecent(c, s.seq);
  if (s.options.sackCount > 0 && c.sackOk) {
    const priorDelivered = c.delivered;
    flag |= sacktag(tcp, c, s, priorSndUna);
    verdict.flag = flag;
    fastretransAlert(tcp, c, priorSndUna, 0, verdict);
    newlyDelivered(tcp, c, priorDelivered, verdict.flag);
    xmitRecovery(tcp, c, verdict.rexmit);
  }
  return "old";
}

/** Nothing was in flight: it may open the window, or tell of duplicates (`no_queue`). */
function nothingWasOut(
  tcp: TcpContext,
  c: TcpConnection,
  s: Segment,
  flag: number,
  priorSndUna: number,
  priorDelivered: number,
): void {
  accEcnAcknowledged(c, s, priorDelivered, 0, isForward(flag));
  tellAckEvent(c, flag);
  if ((flag & FLAG_DSACKING_ACK) !== 0) {
    verdict.flag = flag;
    fastretransAlert(tcp, c, priorSndUna, 0, verdict);
    newlyDelivered(tcp, c, priorDelivered, flag);
  }
  checkProbe(tcp, c);
  if (c.tlpOut) processTlpAck(tcp, c, s.ack, flag);
}

/** How many duplicate acknowledgments it stands for: a super-packet of them for several. */
function duplicatesIn(s: Segment, flag: number): number {
  if ((flag & (FLAG_SND_UNA_ADVANCED | FLAG_NOT_DUP | FLAG_DSACKING_ACK)) !== 0) return 0;
  return (flag & FLAG_DATA) === 0 ? Math.max(1, s.gsoSegs) : 1;
}

/** It is not overtaken by a later one: its counters are news. */
function isForward(flag: number): boolean {
  return (flag & (FLAG_FORWARD_PROGRESS | FLAG_WIN_UPDATE | FLAG_DATA)) !== 0;
}

function isDubious(c: TcpConnection, flag: number): boolean {
  return (flag & FLAG_NOT_DUP) === 0 || (flag & FLAG_CA_ALERT) !== 0 || c.caState !== "open";
}

function newlyDelivered(tcp: TcpContext, c: TcpConnection, prior: number, flag: number): number {
  const delivered = c.delivered - prior;
  tcp.ext.TCPDelivered += delivered;
  if ((flag & FLAG_ECE) !== 0) tcp.ext.TCPDeliveredCE += delivered;
  return delivered;
}

function tellAckEvent(c: TcpConnection, flag: number): void {
  if (c.congestion?.inAckEvent === undefined) return;
  ackEvent.slowPath = (flag & FLAG_SLOWPATH) !== 0;
  ackEvent.winUpdate = (flag & FLAG_WIN_UPDATE) !== 0;
  ackEvent.ece = (flag & FLAG_ECE) !== 0;
  c.congestion.inAckEvent(ackEvent);
}

/** Window and pacing rate follow (`tcp_cong_control`). */
function control(tcp: TcpContext, c: TcpConnection, ack: number, delivered: number, flag: number): void {
  if (c.congestion === undefined) return;
  const { settings } = tcp;
  outcome.ack = ack;
  outcome.ackedSacked = delivered;
  outcome.sndUnaAdvanced = (flag & FLAG_SND_UNA_ADVANCED) !== 0;
  outcome.dataAcked = (flag & FLAG_DATA_ACKED) !== 0;
  outcome.forwardProgress = (flag & FLAG_FORWARD_PROGRESS) !== 0;
  controlOptions.ssRatio = settings.tcp_pacing_ss_ratio;
  controlOptions.caRatio = settings.tcp_pacing_ca_ratio;
  controlOptions.reordering = settings.tcp_reordering;
  congControl(c, c.congestion, outcome, tcp.sample, controlOptions);
}

function updateSndUna(c: TcpConnection, ack: number): void {
  c.bytesAcked += (ack - c.sndUna) | 0;
  c.sndUna = ack;
}

/** It is newer than what last changed the window (RFC 9293 §3.10.7.4; `tcp_may_update_window`). */
export function mayUpdateWindow(c: TcpConnection, ack: number, seq: number, window: number): boolean {
  return after(ack, c.sndUna) || after(seq, c.sndWl1) || (seq === c.sndWl1 && (window > c.sndWnd || window === 0));
}

/** Takes the window that the segment offers (`tcp_ack_update_window`). */
function updateSendWindow(tcp: TcpContext, c: TcpConnection, s: Segment): number {
  let flag = 0;
  const window = (s.flags & wire.SYN) === 0 ? s.window * 2 ** c.sndWscale : s.window;
  if (mayUpdateWindow(c, s.ack, s.seq, window)) {
    flag |= FLAG_WIN_UPDATE;
    c.sndWl1 = s.seq;
    if (c.sndWnd !== window) {
      c.sndWnd = window;
      if (!writeQueueEmpty(c)) slowStartAfterIdle(tcp, c);
      if (window > c.maxWindow) {
        c.maxWindow = window;
        syncMss(tcp, c, c.pmtuCookie);
      }
    }
  }
  updateSndUna(c, s.ack);
  return flag;
}

/** After an idle RTO the window is not believed any more (RFC 5681 §4.1, `tcp_slow_start_after_idle_check`). */
export function slowStartAfterIdle(tcp: TcpContext, c: TcpConnection): void {
  const { congestion } = c;
  if (tcp.settings.tcp_slow_start_after_idle === 0 || c.packetsOut > 0 || congestion === undefined) return;
  if (congestion.congControl !== undefined) return;
  const idle = c.now - c.lsndtime;
  if (idle > c.rto) {
    cwndRestart(c, congestion, idle, c.rto, { initCwnd: c.route.initcwnd ?? tcp.settings.initialCwnd });
  }
}

/** Zero-window probes end when the window opens, and go on if not (`tcp_ack_probe`). */
function checkProbe(tcp: TcpContext, c: TcpConnection): void {
  const head = sendHead(c);
  if (head === undefined) return;
  if (!after(head.endSeq, wndEnd(c))) {
    c.backoff = 0;
    c.probesTstamp = NO_TIME;
    clearXmitTimer(c);
  } else resetXmitTimer(tcp, c, TIMER_PROBE0, probe0When(tcp, c));
}
