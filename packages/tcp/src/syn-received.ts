import { NO_TIME } from "@seville/congestion";
import { tcp as wire } from "@seville/packet";
import { ackUpdateRtt } from "./clean-rtx.ts";
import { challengeAllowed, oowRateLimited, rateLimited } from "./challenge.ts";
import { createChild } from "./child.ts";
import type { TcpConnection } from "./connection.ts";
import type { TcpContext } from "./context.ts";
import { dropSegment } from "./drop.ts";
import { Embryo } from "./embryo.ts";
import { acceptQueueFull, childDevice, cookiesExpected } from "./listen.ts";
import type { TcpListener } from "./listener.ts";
import { outputBare } from "./output.ts";
import type { Segment } from "./parts.ts";
import { newTxhash } from "./plb.ts";
import { sendReset } from "./reset.ts";
import { clearOutgoing } from "./segment-options.ts";
import { after, tsClock } from "./seq.ts";
import { advertised, pathOf, repeatSynAck, synAckTimeout } from "./syn-ack.ts";
import { pawsReject } from "./timestamps.ts";
import { inWindow } from "./time-wait.ts";
import type { TcpMeta } from "./types.ts";
import { selectInitialWindow, windowFromSpace } from "./window.ts";

/*
 * A segment for an embryo (tcp_check_req), or with a SYN cookie: the handshake's last step on the passive side.
 */

/** The embryo is gone: into a connection, or given up. */
export function dropEmbryo(tcp: TcpContext, e: Embryo): void {
  tcp.table.remove(e);
  tcp.deadlines.remove(e);
  if (e.listener.synQueue > 0) e.listener.synQueue--;
}

/**
 * Answers the connection that it has become, to which the segment is to be given; or `undefined`: there is nothing more to do. `"listener"`: the ACK is not ours,
 * which the listener answers.
 */
export function embryoSegment(tcp: TcpContext, e: Embryo, s: Segment): TcpConnection | "listener" | undefined {
  const { flags, options } = s;
  const rst = (flags & wire.RST) !== 0;
  const ack = (flags & wire.ACK) !== 0;
  let syn = (flags & wire.SYN) !== 0;
  const sawTstamp = options.hasTimestamps && e.tstampOk;
  const paws = sawTstamp && pawsReject(e.tsRecent, tcp.now, options.tsval, rst, tcp.now);
  if (s.seq === e.rcvIsn && syn && !rst && !ack && !paws) {
    // The same SYN again: our SYN/ACK was lost.
    if (!oowRateLimited(tcp, s, e, "TCPACKSkippedSynRecv") && repeatSynAck(tcp, e)) {
      e.expires = tcp.now + synAckTimeout(tcp, e);
      tcp.deadlines.atLatest(e, e.expires);
    }
    return undefined;
  }
  if (ack && !rst && s.ack !== ((e.sntIsn + 1) | 0)) return "listener";
  const window = Math.min(e.rcvWnd, 65_535);
  const windowEnd = (e.rcvNxt + window) | 0;
  if (rst && tcp.settings.resetRules === "bsd" && (s.seq - e.rcvNxt) >>> 0 >= Math.max(window, 1)) {
    dropSegment(tcp, "TCP_OVERWINDOW");
    return undefined;
  }
  if (paws || !inWindow(s.seq, s.endSeq, e.rcvNxt, windowEnd)) {
    if (!rst && !oowRateLimited(tcp, s, e, "TCPACKSkippedSynRecv")) embryoAck(tcp, e);
    if (paws) tcp.ext.PAWSEstab++;
    dropSegment(tcp, paws ? "TCP_RFC7323_PAWS" : "TCP_OVERWINDOW");
    return undefined;
  }
  if (sawTstamp && !after(s.seq, e.rcvNxt)) e.tsRecent = options.tsval;
  if (s.seq === e.rcvIsn) syn = false;
  if (rst && s.seq !== e.rcvNxt && !tcp.settings.insecureRst) {
    // RFC 5961 §3.2, RFC 9293 §3.10.7.4.
    if (!rateLimited(tcp, e, "TCPACKSkippedChallenge") && challengeAllowed(tcp)) {
      tcp.ext.TCPChallengeACK++;
      embryoAck(tcp, e);
    }
    dropSegment(tcp, "TCP_RESET");
    return undefined;
  }
  if (rst || syn) {
    tcp.mib.AttemptFails++;
    embryonicReset(tcp, e, s);
    return undefined;
  }
  if (!ack) {
    dropSegment(tcp, "TCP_FLAGS");
    return undefined;
  }
  if (e.numTimeout < e.listener.options.deferAccept && s.endSeq === ((e.rcvIsn + 1) | 0)) {
    e.acked = true;
    tcp.ext.TCPDeferAcceptDrop++;
    return undefined;
  }
  return complete(tcp, e, s);
}

/** The ACK is good. */
function complete(tcp: TcpContext, e: Embryo, s: Segment): TcpConnection | undefined {
  const { listener } = e;
  if (acceptQueueFull(listener)) {
    tcp.ext.ListenOverflows++;
    tcp.ext.ListenDrops++;
    if (tcp.settings.tcp_abort_on_overflow === 0) {
      // The peer will send again, and there may be room then.
      e.acked = true;
      dropSegment(tcp, "SOCKET_BACKLOG");
    } else embryonicReset(tcp, e, s);
    return undefined;
  }
  const c = createChild(tcp, e, s);
  dropEmbryo(tcp, e);
  tcp.table.insert(c);
  listener.acceptQueue.push(c);
  if (e.numRetrans === 0 && e.sntSynack !== NO_TIME) {
    c.now = tcp.now;
    const rtt = Math.floor((tcp.now - e.sntSynack) / 1000);
    ackUpdateRtt(tcp, c, 0, rtt, -1, rtt);
  }
  return c;
}

function embryonicReset(tcp: TcpContext, e: Embryo, s: Segment): void {
  if ((s.flags & wire.RST) === 0) sendReset(tcp, e.localAddress, e.remoteAddress, s, e.ifindex);
  dropEmbryo(tcp, e);
  tcp.ext.EmbryonicRsts++;
  dropSegment(tcp, (s.flags & wire.RST) === 0 ? "TCP_INVALID_SYN" : "TCP_RESET");
}

/** An acknowledgment from an embryo (`tcp_v4_reqsk_send_ack`). */
function embryoAck(tcp: TcpContext, e: Embryo): void {
  const out = tcp.outgoing;
  clearOutgoing(out);
  out.sourcePort = e.localPort;
  out.destinationPort = e.remotePort;
  out.seq = (e.sntIsn + 1) | 0;
  out.ack = e.rcvNxt;
  out.flags = wire.ACK;
  out.window = Math.min(Math.floor(e.rcvWnd / 2 ** e.rcvWscale), 65_535);
  if (e.tstampOk) {
    out.hasTimestamps = true;
    out.tsval = (tsClock(tcp.now) + e.tsOffset) | 0;
    out.tsecr = e.tsRecent;
  }
  if (outputBare(tcp, pathOf(e), tcp.settings.optionLayout, tcp.now)) tcp.mib.OutSegs++;
}

/** No ACK came: the SYN/ACK again, or never (`reqsk_timer_handler`). */
export function embryoTimer(tcp: TcpContext, e: Embryo): void {
  const { settings } = tcp;
  const retries = e.listener.options.synRetries === 0 ? settings.tcp_synack_retries : e.listener.options.synRetries;
  tcp.ext.TCPTimeouts++;
  const deferred = e.listener.options.deferAccept > 0 && e.acked;
  const patience = deferred ? Math.max(retries, e.listener.options.deferAccept) : retries;
  if (!e.listener.open || e.numTimeout >= patience) {
    dropEmbryo(tcp, e);
    return;
  }
  // With the ACK here, repeating helps only once a deferred accept is over.
  if (!e.acked || (deferred && e.numTimeout >= e.listener.options.deferAccept - 1)) repeatSynAck(tcp, e);
  e.numTimeout++;
  e.expires = tcp.now + synAckTimeout(tcp, e);
  tcp.deadlines.atLatest(e, e.expires);
}

/** The ACK acknowledges a cookie of ours: the connection that it stands for (`cookie_v4_check`). `undefined`: it is none. */
export function cookieSegment(
  tcp: TcpContext,
  listener: TcpListener,
  s: Segment,
  meta: TcpMeta,
): TcpConnection | "dropped" | undefined {
  if ((s.flags & (wire.ACK | wire.RST | wire.SYN)) !== wire.ACK) return undefined;
  if (!cookiesExpected(tcp, listener)) return undefined;
  const { source, destination } = meta;
  const tuple = {
    localAddress: destination,
    localPort: s.destinationPort,
    remoteAddress: source,
    remotePort: s.sourcePort,
  };
  const mss = tcp.synCookies.check(tuple, (s.seq - 1) | 0, (s.ack - 1) | 0, tcp.now);
  if (mss === 0) {
    tcp.ext.SyncookiesFailed++;
    return undefined;
  }
  tcp.ext.SyncookiesRecv++;
  const facts = { mss, windowScale: -1, sackPermitted: false, ecn: false };
  const ifindex = childDevice(tcp, listener, meta);
  const route = tcp.route(destination, source, ifindex);
  if (route === undefined || acceptQueueFull(listener)) {
    // The cookie is good: there is no room, and the client may try again (`tcp_get_cookie_sock`).
    tcp.ext.ListenDrops++;
    return "dropped";
  }
  const e = new Embryo(destination, s.destinationPort, source, s.sourcePort, ifindex, listener, route, (s.seq - 1) | 0);
  if (s.options.hasTimestamps) {
    e.tsOffset = tcp.settings.tcp_timestamps === 1 ? tcp.isn.timestampOffset(destination, source) : 0;
    if (!tcp.synCookies.decodeTimestamp((s.options.tsecr - e.tsOffset) | 0, facts)) return undefined;
    e.tstampOk = true;
    e.tsRecent = s.options.tsval;
  }
  e.mss = mss;
  e.sntIsn = (s.ack - 1) | 0;
  e.sackOk = facts.sackPermitted;
  e.wscaleOk = facts.windowScale >= 0;
  e.sndWscale = Math.max(facts.windowScale, 0);
  e.ecnOk = facts.ecn;
  e.txhash = newTxhash(tcp);
  const space = windowFromSpace(tcp.settings, listener.options.rcvbuf || tcp.settings.tcp_rmem[1]);
  const first = selectInitialWindow(tcp.settings, space, advertised(e), 0, e.wscaleOk, route.initrwnd ?? 0);
  e.rcvWnd = first.rcvWnd;
  e.windowClamp = first.windowClamp;
  e.rcvWscale = first.rcvWscale;
  const c = createChild(tcp, e, s);
  tcp.table.insert(c);
  listener.acceptQueue.push(c);
  return c;
}
