import { NO_TIME } from "@seville/congestion";
import { tcp as wire } from "@seville/packet";
import { createChild } from "./child.ts";
import { TIMER_RETRANS, type TcpConnection } from "./connection.ts";
import type { TcpContext } from "./context.ts";
import type { Embryo } from "./embryo.ts";
import { initTransfer } from "./establish.ts";
import { tellReadable } from "./events.ts";
import { newFastOpen } from "./fast-open-client.ts";
import { receiveFin } from "./fin.ts";
import { acceptQueueFull } from "./listen.ts";
import { enterLoss } from "./loss.ts";
import type { Segment } from "./parts.ts";
import { createReceiveQueue } from "./receive-queue.ts";
import { updateRtoTime } from "./recover.ts";
import { writeError } from "./retransmit-timer.ts";
import { repeatSynAck, sendSynAck } from "./syn-ack.ts";
import { cleanRetransStamp, tryUndoRecovery } from "./undo.ts";
import { rearmRto, resetXmitTimer } from "./xmit-timer.ts";

/*
 * Fast Open, the server (RFC 7413 §4.2.2; tcp_try_fastopen, tcp_fastopen_create_child): a connection from the SYN on.
 */

/** tcp_fastopen: the server may; data without a cookie. */
const SERVER_ENABLE = 2;
const SERVER_COOKIE_NOT_REQD = 0x200;
const COOKIE_BYTES = 8;

/** Answers whether the connection exists now, and its SYN/ACK is on its way. Else `e` knows what cookie to answer. */
export function tryFastOpen(tcp: TcpContext, e: Embryo, s: Segment): boolean {
  const { fastOpenRules, tcp_fastopen: setting } = tcp.settings;
  if (fastOpenRules === "bsd") return tryBsdFastOpen(tcp, e, s);
  const { options } = s;
  const hasOption = options.fastOpenAt >= 0;
  if (hasOption && options.fastOpenLength === 0) tcp.ext.TCPFastOpenCookieReqd++;
  const hasData = s.endSeq !== ((s.seq + 1) | 0);
  if ((setting & SERVER_ENABLE) === 0 || (!hasData && !hasOption) || !queueHasRoom(tcp, e)) return false;
  const keys = e.listener.fastOpenKeys ?? tcp.fastOpenKeys;
  const free =
    (setting & SERVER_COOKIE_NOT_REQD) !== 0 ||
    e.listener.options.fastOpenNoCookie ||
    e.route.fastopenNoCookie === true;
  e.fastOpenExperimental = options.fastOpenExperimental;
  if (free) return open(tcp, e, s);
  if (!hasOption) return false;
  if (options.fastOpenLength === 0) {
    e.fastOpenCookie = keys.cookie(e.localAddress, e.remoteAddress);
    return false;
  }
  const valid = keys.check(e.localAddress, e.remoteAddress, tcp.memory.u8, options.fastOpenAt, options.fastOpenLength);
  if (valid === 0) {
    tcp.ext.TCPFastOpenPassiveFail++;
    e.fastOpenCookie = keys.cookie(e.localAddress, e.remoteAddress);
    return false;
  }
  if (valid === 2) {
    // An old key: here is a cookie by the new one.
    e.fastOpenCookie = keys.cookie(e.localAddress, e.remoteAddress);
    tcp.ext.TCPFastOpenPassiveAltKey++;
  }
  return open(tcp, e, s);
}

/** The rules of FreeBSD's `syncache_add` and `tcp_fastopen_check_cookie`. */
function tryBsdFastOpen(tcp: TcpContext, e: Embryo, s: Segment): boolean {
  const { fastOpenAt, fastOpenLength, fastOpenExperimental } = s.options;
  const { listener, localAddress, remoteAddress } = e;
  const setting = tcp.settings.tcp_fastopen;
  if ((setting & SERVER_ENABLE) === 0 || listener.fastOpenMax === 0) return false;
  if (fastOpenAt < 0 || fastOpenExperimental || listener.fastOpenQueue > listener.backlog >> 1) return false;
  const any = (setting & SERVER_COOKIE_NOT_REQD) !== 0;
  const keys = listener.fastOpenKeys ?? tcp.fastOpenKeys;
  e.fastOpenCookie = any ? new Uint8Array(COOKIE_BYTES) : keys.cookie(localAddress, remoteAddress);
  const valid = any || keys.check(localAddress, remoteAddress, tcp.memory.u8, fastOpenAt, fastOpenLength) !== 0;
  return valid && open(tcp, e, s);
}

/** Not too many connections whose handshake was never finished (`tcp_fastopen_queue_check`). */
function queueHasRoom(tcp: TcpContext, e: Embryo): boolean {
  const { listener } = e;
  if (listener.fastOpenMax === 0) return false;
  if (listener.fastOpenQueue < listener.fastOpenMax) return true;
  tcp.ext.TCPFastOpenListenOverflow++;
  return false;
}

function open(tcp: TcpContext, e: Embryo, s: Segment): boolean {
  const { listener } = e;
  if (acceptQueueFull(listener)) {
    tcp.ext.TCPFastOpenPassiveFail++;
    return false;
  }
  const c = createChild(tcp, e, s);
  c.now = tcp.now;
  const fastOpen = newFastOpen();
  fastOpen.server = true;
  fastOpen.embryo = e;
  c.fastOpen = fastOpen;
  c.sndWnd = s.window;
  c.maxWindow = s.window;
  // The SYN/ACK counts as sent, but is in no queue: the embryo repeats it.
  e.timeout = tcp.settings.initialRtoMs * 1_000_000;
  listener.fastOpenQueue++;
  tcp.table.insert(c);
  initTransfer(tcp, c);
  receiveSynData(tcp, c, s);
  c.rcvWup = c.rcvNxt;
  e.rcvNxt = c.rcvNxt;
  resetXmitTimer(tcp, c, TIMER_RETRANS, e.timeout);
  sendSynAck(tcp, e, c.rcvNxt);
  tcp.ext.TCPFastOpenPassive++;
  listener.acceptQueue.push(c);
  tcp.emit({ type: "accept", listener, connection: c });
  return true;
}

/** Data of a SYN or SYN/ACK, behind its sequence number (`tcp_fastopen_add_skb`). */
export function receiveSynData(tcp: TcpContext, c: TcpConnection, s: Segment): void {
  if (s.endSeq === c.rcvNxt) return;
  if (s.payloadLength > 0) {
    const queue = (c.receiveQueue ??= createReceiveQueue(c.rcvNxt));
    queue.insert(tcp.memory.u8, s.payload, s.payloadLength, c.rcvNxt);
    c.rcvNxt = queue.rcvNxt;
    c.dataSegsIn++;
  }
  c.bytesReceived = s.payloadLength;
  if (c.fastOpen !== undefined) c.fastOpen.synDataAcked = true;
  tellReadable(tcp, c);
  if ((s.flags & wire.FIN) === 0) return;
  c.rcvNxt = (c.rcvNxt + 1) | 0;
  c.receiveQueue?.skip(1);
  receiveFin(tcp, c);
}

/** The SYN/ACK was not acknowledged (`tcp_fastopen_synack_timer`). */
export function fastOpenSynAckTimer(tcp: TcpContext, c: TcpConnection): void {
  const e = c.fastOpen?.embryo;
  if (e === undefined) return;
  const retries = c.options.synRetries === 0 ? tcp.settings.tcp_synack_retries + 1 : c.options.synRetries;
  tcp.ext.TCPTimeouts++;
  if (e.numTimeout >= retries) {
    writeError(tcp, c);
    return;
  }
  if (c.retransmits === 1) enterLoss(tcp, c);
  if (repeatSynAckOf(tcp, c, e)) c.totalRetrans++;
  e.numTimeout++;
  if (c.retransmits === 0) {
    c.totalRtoRecoveries++;
    c.rtoStamp = c.now;
  }
  c.retransmits++;
  c.totalRto++;
  if (c.retransStamp === NO_TIME) c.retransStamp = c.now;
  resetXmitTimer(tcp, c, TIMER_RETRANS, e.timeout * 2 ** e.numTimeout);
}

function repeatSynAckOf(tcp: TcpContext, c: TcpConnection, e: Embryo): boolean {
  e.rcvNxt = c.rcvNxt;
  return repeatSynAck(tcp, e);
}

/** The handshake of a Fast Open is done (`tcp_rcv_synrecv_state_fastopen`). */
export function fastOpenEstablished(tcp: TcpContext, c: TcpConnection): void {
  const fastOpen = c.fastOpen;
  if (fastOpen === undefined) return;
  if (c.caState === "loss" && c.packetsOut === 0) tryUndoRecovery(tcp, c);
  updateRtoTime(c);
  c.retransmits = 0;
  cleanRetransStamp(c);
  fastOpen.server = false;
  fastOpen.embryo = undefined;
  const listener = c.parent ?? c.acceptedFrom;
  if (listener !== undefined && listener.fastOpenQueue > 0) listener.fastOpenQueue--;
  c.acceptedFrom = undefined;
  rearmRto(tcp, c);
}
