import { NS_PER_SEC } from "@seville/core";
import { type IpAddress, tcp as wire } from "@seville/packet";
import { requestsAccEcn } from "./acc-ecn-handshake.ts";
import type { TcpContext } from "./context.ts";
import { dropSegment } from "./drop.ts";
import { Embryo } from "./embryo.ts";
import { tryFastOpen } from "./fast-open-server.ts";
import type { TcpListener } from "./listener.ts";
import type { Segment } from "./parts.ts";
import { newTxhash } from "./plb.ts";
import { tsClock } from "./seq.ts";
import { advertised, sendSynAck } from "./syn-ack.ts";
import type { TcpMeta } from "./types.ts";
import { NOT_ECT } from "./wire/numbers.ts";
import { selectInitialWindow, windowFromSpace } from "./window.ts";

/*
 * A SYN for a listener (RFC 9293 §3.10.7.2, RFC 4987; tcp_conn_request).
 */

/** The handshakes under way are as many as the backlog (`inet_csk_reqsk_queue_is_full`). */
function synQueueFull(listener: TcpListener): boolean {
  return listener.synQueue > listener.backlog;
}

/** `sk_acceptq_is_full`. */
export function acceptQueueFull(listener: TcpListener): boolean {
  return listener.acceptQueue.length > listener.backlog;
}

function listenDrop(tcp: TcpContext): void {
  tcp.ext.ListenDrops++;
  dropSegment(tcp, "SOCKET_BACKLOG");
}

/** `tcp_syn_flood_action`: cookies are sent, or the SYN is dropped. */
function floodAction(tcp: TcpContext, listener: TcpListener): boolean {
  const cookies = tcp.settings.tcp_syncookies !== 0;
  if (cookies) tcp.ext.TCPReqQFullDoCookies++;
  else tcp.ext.TCPReqQFullDrop++;
  listener.floodWarned = true;
  return cookies;
}

/** To which device a connection from there is bound (`inet_request_bound_dev_if`, `tcp_v6_init_req`). */
export function childDevice(tcp: TcpContext, listener: TcpListener, meta: TcpMeta): number {
  const { ifindex = 0, sdif = 0 } = meta;
  // A link-local address says nothing without its link, which is the slave's.
  if (isLinkLocal(meta.source) && (listener.ifindex === 0 || sdif !== 0)) return sdif === 0 ? ifindex : sdif;
  if (listener.ifindex !== 0) return listener.ifindex;
  return sdif !== 0 && tcp.settings.tcp_l3mdev_accept !== 0 ? ifindex : 0;
}

/** @param twIsn ISN of a connection that takes the place of one in TIME-WAIT; 0: none */
export function synReceived(tcp: TcpContext, listener: TcpListener, s: Segment, meta: TcpMeta, twIsn: number): void {
  const { settings } = tcp;
  let cookie = false;
  if (twIsn === 0 && (settings.tcp_syncookies === 2 || synQueueFull(listener))) {
    cookie = floodAction(tcp, listener);
    if (!cookie) {
      listenDrop(tcp);
      return;
    }
  }
  if (acceptQueueFull(listener)) {
    tcp.ext.ListenOverflows++;
    listenDrop(tcp);
    return;
  }
  const { source, destination } = meta;
  const ifindex = childDevice(tcp, listener, meta);
  const route = tcp.route(destination, source, ifindex);
  if (route === undefined) {
    listenDrop(tcp);
    return;
  }
  const e = new Embryo(destination, s.destinationPort, source, s.sourcePort, ifindex, listener, route, s.seq);
  takeOptions(tcp, e, s, cookie);
  const syncookies = settings.tcp_syncookies !== 0;
  // Without cookies the last quarter of the backlog is for those who are known; nobody is.
  const left = settings.tcp_max_syn_backlog - listener.synQueue;
  if (!cookie && twIsn === 0 && !syncookies && left < settings.tcp_max_syn_backlog >> 2) {
    listenDrop(tcp);
    return;
  }
  offerEcn(tcp, e, s);
  e.txhash = newTxhash(tcp);
  e.tos = settings.tcp_reflect_tos === 0 ? listener.options.tos & ~3 : 0;
  offerWindow(tcp, e);
  e.rcvNxt = (s.seq + 1) | 0;
  saveSyn(tcp, e, s);
  if (cookie) {
    sendCookie(tcp, e, s);
    return;
  }
  e.sntIsn = twIsn === 0 ? tcp.isn.sequence(e, tcp.now) : twIsn;
  if (tryFastOpen(tcp, e, s)) return;
  e.timeout = settings.initialRtoMs * 1_000_000;
  e.expires = tcp.now + e.timeout;
  listener.synQueue++;
  tcp.table.insert(e);
  tcp.deadlines.atLatest(e, e.expires);
  sendSynAck(tcp, e);
}

/** TCP_SAVE_SYN: the headers from the network layer's on, where the driver says where that is. */
function saveSyn(tcp: TcpContext, e: Embryo, s: Segment): void {
  const { packet } = tcp;
  if (!e.listener.options.saveSyn || packet === undefined) return;
  const from = packet.networkHeader >= packet.head ? packet.networkHeader : packet.data;
  e.savedSyn = tcp.memory.u8.slice(from, packet.data + s.headerLength);
}

function isLinkLocal(address: IpAddress): boolean {
  return typeof address !== "number" && address.w0 >>> 22 === 0x3fa;
}

/** What the SYN offers and we can (`tcp_openreq_init`). */
function takeOptions(tcp: TcpContext, e: Embryo, s: Segment, cookie: boolean): void {
  const { settings } = tcp;
  const { options } = s;
  const own = e.listener.options;
  const v4 = typeof e.localAddress === "number";
  const timestamps = options.hasTimestamps && settings.tcp_timestamps !== 0;
  // Without timestamps a cookie cannot remember the others.
  const remember = !cookie || timestamps;
  let mss = options.mss === 0 ? (v4 ? settings.mssDefault : settings.mssDefault6) : options.mss;
  if (own.userMss !== 0 && own.userMss < mss) mss = own.userMss;
  e.mss = Math.max(mss, settings.minMss);
  if (own.noOptions) return;
  e.tstampOk = timestamps;
  e.tsRecent = timestamps ? options.tsval : 0;
  e.sackOk = remember && options.sackPermitted && settings.tcp_sack !== 0;
  e.wscaleOk = remember && options.windowScale >= 0 && settings.tcp_window_scaling !== 0;
  e.sndWscale = e.wscaleOk ? options.windowScale : 0;
  if (timestamps && settings.tcp_timestamps === 1) {
    e.tsOffset = tcp.isn.timestampOffset(e.localAddress, e.remoteAddress);
  }
}

/** ECN, if the SYN asks for it (`tcp_ecn_create_request`, RFC 9768 §3.1.1). */
function offerEcn(tcp: TcpContext, e: Embryo, s: Segment): void {
  const setting = tcp.settings.tcp_ecn;
  if (setting >= 3 && requestsAccEcn(s.flags)) {
    e.accEcn = s.ipEcn;
    e.ecnOk = true;
    return;
  }
  const asked = wire.ECE | wire.CWR;
  if ((s.flags & asked) !== asked) return;
  // A SYN must not be ECN-capable (RFC 3168 §6.1.1); one that is may be a probe.
  e.ecnOk = s.ipEcn === NOT_ECT && (setting !== 0 || e.route.ecn === true);
}

/** `tcp_openreq_init_rwin`. */
function offerWindow(tcp: TcpContext, e: Embryo): void {
  const { settings } = tcp;
  const { options } = e.listener;
  const buffer = options.rcvbuf === 0 ? settings.tcp_rmem[1] : options.rcvbuf;
  const space = windowFromSpace(settings, buffer);
  let clamp = options.windowClamp === 0 ? (e.route.windowClamp ?? 0) : options.windowClamp;
  if (options.rcvbuf !== 0 && (clamp > space || clamp === 0)) clamp = space;
  const mss = advertised(e) - (e.tstampOk ? 12 : 0);
  const first = selectInitialWindow(settings, space, mss, clamp, e.wscaleOk, e.route.initrwnd ?? 0);
  e.rcvWnd = first.rcvWnd;
  e.windowClamp = first.windowClamp;
  e.rcvWscale = first.rcvWscale;
}

/** No state is kept: the SYN/ACK says all that must be known (RFC 4987 §3.6). */
function sendCookie(tcp: TcpContext, e: Embryo, s: Segment): void {
  const facts = { mss: e.mss, windowScale: e.wscaleOk ? e.sndWscale : -1, sackPermitted: e.sackOk, ecn: e.ecnOk };
  if (!e.tstampOk) e.ecnOk = false;
  e.accEcn = -1;
  e.sntIsn = tcp.synCookies.make(e, s.seq, facts, tcp.now);
  e.listener.overflowAt = tcp.now;
  tcp.ext.SyncookiesSent++;
  const clock = tsClock(tcp.now);
  const tsval = e.tstampOk ? (tcp.synCookies.encodeTimestamp(clock, facts) + e.tsOffset) | 0 : 0;
  sendSynAck(tcp, e, (e.rcvIsn + 1) | 0, tsval);
}

/** Cookies were sent lately enough that one may come back (`tcp_synq_no_recent_overflow`). */
export function cookiesExpected(tcp: TcpContext, listener: TcpListener): boolean {
  if (tcp.settings.tcp_syncookies === 0) return false;
  if (tcp.settings.tcp_syncookies === 2) return true;
  return listener.overflowAt >= 0 && tcp.now - listener.overflowAt <= 120 * NS_PER_SEC;
}
