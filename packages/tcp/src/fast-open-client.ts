import { NS_PER_SEC } from "@seville/core";
import { tcp as wire } from "@seville/packet";
import { CHRONO_BUSY, chronoStart } from "./chrono.ts";
import type { FastOpenState, TcpConnection } from "./connection.ts";
import { MAX_OPTION_SPACE } from "./constants.ts";
import type { TcpContext } from "./context.ts";
import { markLost } from "./loss.ts";
import { mtuToMssWithoutOptions, syncMss } from "./mtu.ts";
import { clampMss } from "./open.ts";
import type { Segment } from "./parts.ts";
import { receiveSynData } from "./fast-open-server.ts";
import { nonCongestionLossRetransmit } from "./recover.ts";
import { transmitSegment } from "./transmit.ts";
import type { TxSegment } from "./tx-segment.ts";
import { setSegments, splitSegment } from "./write-queue.ts";

/*
 * Fast Open, the client (RFC 7413 §4.2.1; net/ipv4/tcp_fastopen.c, tcp_send_syn_data, tcp_rcv_fastopen_synack).
 */

/** tcp_fastopen: the client may; data without a cookie. */
const CLIENT_ENABLE = 1;
const CLIENT_NO_COOKIE = 4;

/** `tcpi_fastopen_client_fail`. */
export const TFO_COOKIE_UNAVAILABLE = 1;
export const TFO_DATA_NOT_ACKED = 2;
export const TFO_SYN_RETRANSMITTED = 3;

/** Nothing happened yet. */
export function newFastOpen(): FastOpenState {
  return {
    synData: false,
    synDataLength: 0,
    synDataAcked: false,
    cookieSent: undefined,
    offered: false,
    asked: false,
    experimental: false,
    deferred: false,
    server: false,
    answerCookie: undefined,
    clientFail: 0,
    embryo: undefined,
  };
}

export function clientFastOpenEnabled(tcp: TcpContext): boolean {
  return (tcp.settings.tcp_fastopen & CLIENT_ENABLE) !== 0;
}

/** The network was found to eat Fast Open, and it is not yet time to try again (`tcp_fastopen_active_should_disable`). */
function isDisabled(tcp: TcpContext): boolean {
  const timeout = tcp.settings.tcp_fastopen_blackhole_timeout_sec;
  if (timeout === 0 || tcp.fastOpenDisabledTimes === 0) return false;
  const factor = 2 ** Math.min(tcp.fastOpenDisabledTimes - 1, 6);
  return tcp.now < tcp.fastOpenDisabledAt + factor * timeout * NS_PER_SEC;
}

/** No Fast Open for a while (`tcp_fastopen_active_disable`). */
export function fastOpenDisable(tcp: TcpContext): void {
  if (tcp.settings.tcp_fastopen_blackhole_timeout_sec === 0) return;
  tcp.fastOpenDisabledAt = tcp.now;
  tcp.fastOpenDisabledTimes++;
  tcp.ext.TCPFastOpenBlackhole++;
}

/** Timeouts of a connection that began with Fast Open (`tcp_fastopen_active_detect_blackhole`). */
export function fastOpenDetectBlackHole(tcp: TcpContext, c: TcpConnection, expired: boolean): void {
  const fastOpen = c.fastOpen;
  if (fastOpen === undefined || !(fastOpen.offered || fastOpen.synData || fastOpen.synDataAcked)) return;
  if (c.retransmits !== 2 && !(c.retransmits < 2 && expired)) return;
  fastOpenDisable(tcp);
  tcp.ext.TCPFastOpenActiveFail++;
}

/** Whether data may go with the SYN, and with which cookie (`tcp_fastopen_cookie_check`). */
export function checkCookie(tcp: TcpContext, c: TcpConnection): boolean {
  const fastOpen = (c.fastOpen ??= newFastOpen());
  const known = tcp.fastOpenCache.get(c.remoteAddress);
  fastOpen.cookieSent = new Uint8Array(0);
  if (known !== undefined) {
    if (known.mss > 0) c.mssClamp = known.mss;
    fastOpen.cookieSent = known.cookie;
    fastOpen.experimental = known.experimental || (known.cookie.length === 0 && known.tryExperimental === 1);
    // SYN data was lost more than once: not for a while.
    const pause = 60 * NS_PER_SEC * 2 ** Math.min(known.synLoss, 20);
    if (known.synLoss > 1 && tcp.now < known.lastSynLoss + pause) {
      fastOpen.cookieSent = undefined;
      return false;
    }
  }
  if (isDisabled(tcp)) {
    fastOpen.cookieSent = undefined;
    return false;
  }
  const free =
    (tcp.settings.tcp_fastopen & CLIENT_NO_COOKIE) !== 0 ||
    c.options.fastOpenNoCookie ||
    c.route.fastopenNoCookie === true;
  if (free) {
    fastOpen.cookieSent = undefined;
    return true;
  }
  if (fastOpen.cookieSent.length > 0) return true;
  fastOpen.clientFail = TFO_COOKIE_UNAVAILABLE;
  return false;
}

/**
 * Sends the SYN with what the user wrote so far, if there is a cookie for this server; else without, asking for one. The data is a segment of its
 * own in the queue, so that what is repeated is a plain SYN.
 */
export function sendSynData(tcp: TcpContext, c: TcpConnection, syn: TxSegment): void {
  const fastOpen = c.fastOpen;
  if (fastOpen === undefined) return;
  const kept = c.mssClamp;
  c.mssClamp = c.advmss;
  const allowed = checkCookie(tcp, c);
  const head = c.writeQueue?.first();
  if (!allowed) {
    c.mssClamp = kept;
    // Whoever has data waits for the handshake.
    if (fastOpen.cookieSent !== undefined && fastOpen.cookieSent.length > 0) fastOpen.cookieSent = new Uint8Array(0);
    transmitSegment(tcp, c, syn);
    finishSyn(fastOpen);
    return;
  }
  c.mssClamp = clampMss(c, c.mssClamp);
  syncMss(tcp, c, c.pmtuCookie);
  const space = mtuToMssWithoutOptions(tcp, c, c.pmtuCookie) - MAX_OPTION_SPACE;
  if (head !== undefined && c.writeQueue !== undefined && head.length > 0) {
    if (head.length > space) splitSegment(tcp, c, c.writeQueue, 0, space, Math.max(c.mssCache, 1));
    sendWithData(tcp, c, syn, head);
    fastOpen.synData = true;
    fastOpen.synDataLength = head.length;
  } else transmitSegment(tcp, c, syn);
  finishSyn(fastOpen);
}

/** Later SYNs have no such option. */
function finishSyn(fastOpen: FastOpenState): void {
  fastOpen.asked = true;
}

/** SYN and data in one packet; in the queue they are two. */
function sendWithData(tcp: TcpContext, c: TcpConnection, syn: TxSegment, data: TxSegment): void {
  c.writeQueue?.shift();
  setSegments(data, Math.max(data.length, 1));
  const { flags, endSeq } = data;
  data.seq = syn.seq;
  data.flags = syn.flags;
  const sent = transmitSegment(tcp, c, data);
  data.seq = syn.endSeq;
  data.endSeq = endSeq;
  data.flags = (flags & ~wire.SYN) | wire.ACK | wire.PSH;
  if (!sent) {
    c.writeQueue?.unshift(data);
    transmitSegment(tcp, c, syn);
    return;
  }
  syn.sentAt = data.sentAt;
  syn.firstTxMstamp = data.firstTxMstamp;
  syn.deliveredMstamp = data.deliveredMstamp;
  c.rtxQueue?.push(data);
  c.packetsOut += data.pcount;
  chronoStart(c, CHRONO_BUSY);
  tcp.ext.TCPOrigDataSent++;
}

/** The SYN/ACK of a Fast Open. Answers whether the data was not taken, and has been sent again (`tcp_rcv_fastopen_synack`). */
export function fastOpenSynAck(tcp: TcpContext, c: TcpConnection, s: Segment): boolean {
  const fastOpen = c.fastOpen;
  if (fastOpen === undefined || !(fastOpen.offered || fastOpen.synData)) return false;
  const { options } = s;
  const data = fastOpen.synData ? c.rtxQueue?.first() : undefined;
  const cookieLength = fastOpen.offered && options.fastOpenAt >= 0 ? options.fastOpenLength : -1;
  let synDrop = false;
  let tryExperimental = 0;
  if (fastOpen.offered && c.totalRetrans > 0) synDrop = cookieLength < 0 && data !== undefined;
  else if (fastOpen.offered && cookieLength < 0 && !fastOpen.synData) tryExperimental = fastOpen.experimental ? 2 : 1;
  remember(tcp, c, s, cookieLength, synDrop, tryExperimental);
  if (data !== undefined) {
    fastOpen.clientFail = c.totalRetrans > 0 ? TFO_SYN_RETRANSMITTED : TFO_DATA_NOT_ACKED;
    const queue = c.rtxQueue;
    for (let i = 0; queue !== undefined && i < queue.length; i++) markLost(tcp, c, queue.at(i) as TxSegment);
    nonCongestionLossRetransmit(tcp, c);
    tcp.ext.TCPFastOpenActiveFail++;
    return true;
  }
  fastOpen.synDataAcked = fastOpen.synData;
  if (fastOpen.synDataAcked) {
    tcp.ext.TCPFastOpenActive++;
    // The SYN and its data count as one.
    if (c.delivered > 1) c.delivered--;
  }
  receiveSynData(tcp, c, s);
  return false;
}

/** What the server said is kept for the next connection (`tcp_fastopen_cache_set`). */
function remember(
  tcp: TcpContext,
  c: TcpConnection,
  s: Segment,
  cookieLength: number,
  synDrop: boolean,
  tryExperimental: number,
): void {
  const known = tcp.fastOpenCache.get(c.remoteAddress);
  const at = s.options.fastOpenAt;
  const cookie = cookieLength > 0 ? tcp.memory.u8.slice(at, at + cookieLength) : (known?.cookie ?? new Uint8Array(0));
  tcp.fastOpenCache.set(c.remoteAddress, {
    mss: s.options.mss > 0 ? s.options.mss : (known?.mss ?? 0),
    cookie,
    experimental: cookieLength > 0 ? s.options.fastOpenExperimental : (known?.experimental ?? false),
    tryExperimental:
      tryExperimental > (known?.tryExperimental ?? 0) && cookie.length === 0
        ? tryExperimental
        : (known?.tryExperimental ?? 0),
    synLoss: synDrop ? (known?.synLoss ?? 0) + 1 : 0,
    lastSynLoss: synDrop ? tcp.now : (known?.lastSynLoss ?? 0),
  });
}
