import { TIMER_RETRANS, type TcpConnection } from "./connection.ts";
import { NO_TIME } from "@seville/congestion";
import { NS_PER_MS } from "@seville/core";
import { tcp as wire } from "@seville/packet";
import { acknowledge } from "./acknowledge.ts";
import { FLAG_SLOWPATH } from "./ack-flags.ts";
import { PINGPONG_THRESH, TSTAMP_ALIGNED } from "./constants.ts";
import type { TcpContext } from "./context.ts";
import { enterQuickackMode, scheduleAck } from "./delayed-ack.ts";
import { resetReceived, setState } from "./done.ts";
import { dropSegment } from "./drop.ts";
import { ecnReceiveSyn, ecnReceiveSynAck } from "./ecn.ts";
import { finishConnect, initPacing, initRcvMss, roundBuffers } from "./establish.ts";
import { tellConnected } from "./events.ts";
import { fastOpenSynAck } from "./fast-open-client.ts";
import { mtuProbeInit, syncMss } from "./mtu.ts";
import { sendCrossedSynAck } from "./open.ts";
import type { Segment } from "./parts.ts";
import { receiveData } from "./receive-data.ts";
import { receiveUrgent } from "./urgent.ts";
import { after, before, tsClock } from "./seq.ts";
import { checkSpace } from "./send-space.ts";
import { pawsReject, storeTsRecent } from "./timestamps.ts";
import { sendAck, setDelackTimeout } from "./transmit.ts";
import { tryUndoSpuriousSyn } from "./undo.ts";
import { pushPending } from "./write-xmit.ts";
import { resetXmitTimer } from "./xmit-timer.ts";

/*
 * A segment arrives in SYN-SENT (RFC 9293 §3.10.7.3; tcp_rcv_synsent_state_process).
 */

/** Answers whether the segment is to be answered with RST. */
export function synSentSegment(tcp: TcpContext, c: TcpConnection, s: Segment): boolean {
  const { flags, options } = s;
  c.sawTstamp = options.hasTimestamps && tcp.settings.tcp_timestamps !== 0 && !c.options.noOptions;
  if (c.sawTstamp) {
    c.rcvTsval = options.tsval;
    c.rcvTsecr = options.tsecr === 0 ? 0 : (options.tsecr - c.tsOffset) | 0;
  }
  if ((flags & wire.ACK) !== 0) return withAck(tcp, c, s);
  if ((flags & wire.RST) !== 0) {
    dropSegment(tcp, "TCP_RESET");
    return false;
  }
  const paws =
    c.tsRecentStamp !== NO_TIME && c.sawTstamp && pawsReject(c.tsRecent, c.tsRecentStamp, c.rcvTsval, false, c.now);
  if (paws) dropSegment(tcp, "TCP_RFC7323_PAWS");
  else if ((flags & wire.SYN) !== 0) simultaneousOpen(tcp, c, s);
  else dropSegment(tcp, "TCP_FLAGS");
  return false;
}

function withAck(tcp: TcpContext, c: TcpConnection, s: Segment): boolean {
  const { flags } = s;
  if (!after(s.ack, c.sndUna) || after(s.ack, c.sndNxt)) {
    // Of an earlier life of this connection: after our RST the SYN may be tried again at once.
    if (c.retransmits === 0 && tcp.settings.challengeAck === "linux") {
      resetXmitTimer(tcp, c, TIMER_RETRANS, 2 * NS_PER_MS);
    }
    dropSegment(tcp, "TCP_INVALID_ACK_SEQUENCE");
    return true;
  }
  if (c.sawTstamp && c.rcvTsecr !== 0 && !echoIsPossible(c)) {
    tcp.ext.PAWSActive++;
    dropSegment(tcp, "TCP_RFC7323_PAWS");
    return true;
  }
  if ((flags & wire.RST) !== 0) {
    resetReceived(tcp, c);
    return false;
  }
  if ((flags & wire.SYN) === 0) {
    dropSegment(tcp, "TCP_FLAGS");
    return false;
  }
  takeSynOptions(tcp, c, s);
  ecnReceiveSynAck(tcp, c, s);
  c.sndWl1 = s.seq;
  tryUndoSpuriousSyn(c);
  acknowledge(tcp, c, s, FLAG_SLOWPATH);
  c.irs = s.seq;
  c.rcvNxt = (s.seq + 1) | 0;
  c.rcvWup = c.rcvNxt;
  c.copiedSeq = c.rcvNxt;
  c.sndWnd = s.window;
  if (c.maxWindow < s.window) c.maxWindow = s.window;
  if (!c.wscaleOk) {
    c.sndWscale = 0;
    c.rcvWscale = 0;
    c.windowClamp = Math.min(c.windowClamp, 65_535);
  }
  if (c.sawTstamp) {
    c.tstampOk = true;
    c.tcpHeaderLen = 20 + TSTAMP_ALIGNED;
    c.advmss -= TSTAMP_ALIGNED;
    storeTsRecent(c);
  } else c.tcpHeaderLen = 20;
  syncMss(tcp, c, c.pmtuCookie);
  initRcvMss(c);
  finishConnect(tcp, c);
  initPacing(tcp, c);
  const failed = c.fastOpen !== undefined && fastOpenSynAck(tcp, c, s);
  tellConnected(tcp, c);
  if (failed) {
    finish(tcp, c, s);
    return false;
  }
  if (c.writePending || c.options.deferAccept > 0 || c.pingpong >= PINGPONG_THRESH) {
    // Data will follow at once and carry the acknowledgment.
    scheduleAck(c);
    enterQuickackMode(tcp, c, 16);
    setDelackTimeout(tcp, c, c.now + tcp.settings.delackMaxMs * NS_PER_MS);
    c.ackPending |= 2;
    pushPending(tcp, c);
    return false;
  }
  if (tcp.settings.synAckText === "take" && (s.payloadLength > 0 || (flags & wire.FIN) !== 0)) {
    s.seq = c.rcvNxt;
    receiveData(tcp, c, s);
  }
  sendAck(tcp, c);
  finish(tcp, c, s);
  return false;
}

/** The echo is no earlier than our first SYN, and no later than now. */
function echoIsPossible(c: TcpConnection): boolean {
  const first = c.retransStamp === NO_TIME ? c.rcvTsecr : tsClock(c.retransStamp);
  return !before(c.rcvTsecr, first) && !after(c.rcvTsecr, tsClock(c.now));
}

/** What follows the handshake in the same segment, and what waits to be sent. */
function finish(tcp: TcpContext, c: TcpConnection, s: Segment): void {
  receiveUrgent(tcp, c, s);
  pushPending(tcp, c);
  checkSpace(tcp, c);
}

/** Options of the peer's SYN: what both sides can is done. */
export function takeSynOptions(tcp: TcpContext, c: TcpConnection, s: Segment): void {
  const { options } = s;
  const { settings } = tcp;
  const use = !c.options.noOptions;
  let mss = options.mss === 0 ? (c.family === 4 ? settings.mssDefault : settings.mssDefault6) : options.mss;
  if (c.options.userMss !== 0 && c.options.userMss < mss) mss = c.options.userMss;
  c.mssClamp = Math.max(mss, settings.minMss);
  c.sackOk = use && options.sackPermitted && settings.tcp_sack !== 0;
  c.wscaleOk = use && options.windowScale >= 0 && settings.tcp_window_scaling !== 0;
  c.sndWscale = c.wscaleOk ? options.windowScale : 0;
}

/** SYNs have crossed (RFC 9293 §3.5 figure 7): ours is repeated with an acknowledgment. */
function simultaneousOpen(tcp: TcpContext, c: TcpConnection, s: Segment): void {
  setState(tcp, c, "SYN_RECV");
  takeSynOptions(tcp, c, s);
  if (c.sawTstamp) {
    c.tstampOk = true;
    storeTsRecent(c);
    c.tcpHeaderLen = 20 + TSTAMP_ALIGNED;
  } else c.tcpHeaderLen = 20;
  if (!c.wscaleOk) {
    c.rcvWscale = 0;
    c.windowClamp = Math.min(c.windowClamp, 65_535);
  }
  c.irs = s.seq;
  c.rcvNxt = (s.seq + 1) | 0;
  c.copiedSeq = c.rcvNxt;
  c.rcvWup = c.rcvNxt;
  c.sndWnd = s.window;
  c.sndWl1 = s.seq;
  c.maxWindow = s.window;
  ecnReceiveSyn(tcp, c, s.flags);
  mtuProbeInit(tcp, c);
  syncMss(tcp, c, c.pmtuCookie);
  initRcvMss(c);
  if (tcp.settings.bufferRounding === "mss") roundBuffers(c);
  sendCrossedSynAck(tcp, c);
}
