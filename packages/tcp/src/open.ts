import { NO_TIME } from "@seville/congestion";
import { NS_PER_MS } from "@seville/core";
import { tcp as wire } from "@seville/packet";
import { TIMER_RETRANS, type TcpConnection } from "./connection.ts";
import type { TcpContext } from "./context.ts";
import { ecnOfSyn } from "./ecn.ts";
import { resetKeepTimer } from "./keepalive.ts";
import { assignCongestionControl, clearRetrans, initConnection, initRcvMss } from "./establish.ts";
import { sendSynData } from "./fast-open-client.ts";
import { mtuProbeInit, syncMss } from "./mtu.ts";
import { newTxhash } from "./plb.ts";
import { synInterval } from "./retransmit-timer.ts";
import { advertisedMss } from "./segment-options.ts";
import { setSegments } from "./write-queue.ts";
import { transmitSegment } from "./transmit.ts";
import { needQueues } from "./write-queue.ts";
import { fullSpace, selectInitialWindow } from "./window.ts";
import { initialRto, resetXmitTimer } from "./xmit-timer.ts";

/*
 * Active open (RFC 9293 §3.5, §3.10.1; tcp_v4_connect, tcp_connect).
 */

/** Sets up a connection to be opened from here. It is in the table already. */
export function prepareOpen(tcp: TcpContext, c: TcpConnection): void {
  initConnection(tcp, c);
  c.iss = tcp.isn.sequence(c, tcp.now);
  c.tsOffset = tcp.settings.tcp_timestamps === 1 ? tcp.isn.timestampOffset(c.localAddress, c.remoteAddress) : 0;
  c.txhash = newTxhash(tcp);
  c.writeSeq = c.iss;
  assignCongestionControl(tcp, c);
}

/** Sends the SYN; with data if Fast Open allows it. */
export function connectNow(tcp: TcpContext, c: TcpConnection): void {
  c.now = tcp.now;
  c.state = "SYN_SENT";
  // Data of a Fast Open was written before there was a SYN: it comes behind it.
  const early = c.writeQueue?.first();
  c.writeSeq = c.iss;
  initOpen(tcp, c);
  needQueues(tcp, c);
  const syn = tcp.takeSegment();
  syn.seq = c.writeSeq;
  syn.endSeq = (c.writeSeq + 1) | 0;
  syn.flags = wire.SYN | ecnOfSyn(tcp, c);
  syn.pcount = 1;
  c.wmemQueued += 1024;
  c.writeSeq = syn.endSeq;
  if (early !== undefined) {
    early.seq = c.writeSeq;
    early.endSeq = (early.seq + early.length) | 0;
    c.writeSeq = early.endSeq;
  }
  c.retransStamp = c.now;
  c.packetsOut += 1;
  c.rtxQueue?.push(syn);
  if (c.fastOpen !== undefined) sendSynData(tcp, c, syn);
  else if (!transmitSegment(tcp, c, syn)) syn.sentAt = c.now;
  // Only now, so that the SYN counts as new.
  const unsent = c.writeQueue?.first();
  c.sndNxt = unsent === undefined ? c.writeSeq : unsent.seq;
  c.pushedSeq = c.sndNxt;
  tcp.mib.ActiveOpens++;
  if (tcp.settings.keepInitMs !== 0 || c.options.keepInit !== 0) {
    resetKeepTimer(tcp, c, c.options.keepInit || tcp.settings.keepInitMs * NS_PER_MS);
  }
  resetXmitTimer(tcp, c, TIMER_RETRANS, tcp.settings.synBackoff === "exponential" ? c.rto : synInterval(tcp, 0));
}

/** `tcp_connect_init`. */
function initOpen(tcp: TcpContext, c: TcpConnection): void {
  const { settings } = tcp;
  const { options, route } = c;
  c.tcpHeaderLen = 20 + (settings.tcp_timestamps === 0 || options.noOptions ? 0 : 12);
  const mssDefault = c.family === 4 ? settings.mssDefault : settings.mssDefault6;
  c.mssClamp = options.userMss === 0 ? mssDefault : options.userMss;
  c.maxWindow = 0;
  mtuProbeInit(tcp, c);
  syncMss(tcp, c, route.mtu);
  c.windowClamp = options.windowClamp !== 0 ? options.windowClamp : (route.windowClamp ?? 0);
  c.advmss = clampMss(c, advertisedMss(c));
  initRcvMss(c);
  const space = fullSpace(tcp, c);
  if (options.rcvbuf !== 0 && (c.windowClamp > space || c.windowClamp === 0)) c.windowClamp = space;
  const scaling = settings.tcp_window_scaling !== 0 && !options.noOptions;
  const first = selectInitialWindow(settings, space, c.advmss, c.windowClamp, scaling, route.initrwnd ?? 0);
  c.rcvWnd = first.rcvWnd;
  c.windowClamp = first.windowClamp;
  c.rcvWscale = first.rcvWscale;
  c.rcvSsthresh = c.rcvWnd;
  c.sndWnd = 0;
  c.sndWl1 = 0;
  c.sndUna = c.writeSeq;
  c.sndSml = c.writeSeq;
  c.sndUp = c.writeSeq;
  c.sndNxt = c.writeSeq;
  c.rto = initialRto(tcp);
  c.retransmits = 0;
  c.tsRecentStamp = NO_TIME;
  clearRetrans(c);
}

/** Not more than the user wants (`tcp_mss_clamp`). */
export function clampMss(c: TcpConnection, mss: number): number {
  const user = c.options.userMss;
  return user !== 0 && user < mss ? user : mss;
}

/** The queue's SYN again, as the SYN/ACK of a simultaneous open (`tcp_send_synack`). */
export function sendCrossedSynAck(tcp: TcpContext, c: TcpConnection): void {
  const syn = c.rtxQueue?.first();
  if (syn === undefined || (syn.flags & wire.SYN) === 0) return;
  if ((syn.flags & wire.ACK) === 0) {
    syn.flags |= wire.ACK;
    syn.flags &= ~(wire.CWR | wire.AE);
    if (!c.ecnOk) syn.flags &= ~wire.ECE;
    else if (tcp.settings.crossedSynAckOptions === "negotiated") syn.flags |= wire.ECE;
  }
  setSegments(syn, Math.max(c.mssCache, 1));
  transmitSegment(tcp, c, syn);
}
